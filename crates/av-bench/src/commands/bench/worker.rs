//! The process that does the work of one task: on one thread, with nothing next to it.
//!
//! Each task has a process of its own, so that no task finds memory or tables of another one, and the order of the tasks
//! does not matter.

use super::fixtures::Fixtures;
use super::task::Task;
use super::tasks::{Answer, Work};
use crate::failure::{Failure, Result};
use crate::terminal::print_line;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::time::Instant;

/// What a worker prints, as one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// Wall time of each call.
    pub nanoseconds: Vec<u64>,
    /// The vector instructions that the processor shows, which under a counter are fewer.
    pub vectors: String,
    /// Files of the libraries at run time whose speed is theirs, with their versions.
    pub libraries: Vec<String>,
}

/// Does the work and prints the report.
pub fn work(task: &Task, calls: usize, fixtures: &Fixtures) -> Result<()> {
    let done = || -> Answer<()> {
        // The calling thread is the pool: no other one is woken, waited for or counted.
        rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global()?;
        let mut work = (task.make)(fixtures)?;
        for _ in 0..task.warm_up {
            work()?;
        }
        let nanoseconds = timed(&mut work, calls)?;
        let report = Report { nanoseconds, vectors: vectors().into(), libraries: libraries() };
        print_line(serde_json::to_string(&report)?)?;
        Ok(())
    };
    done().map_err(|error| Failure::Internal(format!("the task {}: {error}", task.name)))
}

/// The calls that count. Counters of instructions find this function by its name: [`super::instructions`].
#[inline(never)]
fn timed(work: &mut Work, calls: usize) -> Answer<Vec<u64>> {
    let mut nanoseconds = Vec::with_capacity(calls);
    for _ in 0..calls {
        let start = Instant::now();
        black_box(&mut *work)()?;
        nanoseconds.push(u64::try_from(start.elapsed().as_nanos())?);
    }
    Ok(nanoseconds)
}

/// The widest vector instructions that kernels choose among.
fn vectors() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return "avx512";
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return "avx2";
        }
    }
    "portable"
}

/// From the process table, where each library stands with its full name; Linux alone has it.
fn libraries() -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let names = maps.lines().filter_map(|line| line.rsplit('/').next());
    let foreign = |name: &&str| {
        ["libavcodec.so", "libswscale.so"].iter().any(|library| name.starts_with(library))
    };
    let mut names: Vec<String> = names.filter(foreign).map(String::from).collect();
    names.sort();
    names.dedup();
    names
}
