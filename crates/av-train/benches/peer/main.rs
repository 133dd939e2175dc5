//! Our side of scripts/peers/train_step.py: reads one task a line, answers with wall and processor seconds a call.
//!
//! A task is `CALLS NAME NUMBERS...`; what the numbers are stands with each task. `memory` answers with the peak of
//! resident memory in MB.

mod operators;
mod step;

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::time::Instant;

/// That of av-bench.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Answer<T> = Result<T, Box<dyn std::error::Error>>;

/// What one call of a task does.
type Task = Box<dyn FnMut() -> Answer<()>>;

/// In a thread of the pool, as the trainer runs: from another one every operator would wait for a thread to wake up.
fn main() -> Answer<()> {
    let pool = rayon::ThreadPoolBuilder::new().build()?;
    pool.install(|| answer().map_err(|error| error.to_string())).map_err(Into::into)
}

fn answer() -> Answer<()> {
    let mut tasks: HashMap<String, Task> = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line == "memory" {
            println!("{}", peak_mb()?);
        } else {
            let (calls, what) = line.split_once(' ').ok_or("a task is CALLS NAME NUMBERS...")?;
            if !tasks.contains_key(what) {
                tasks.clear(); // The memory of one task is not the next one's.
                tasks.insert(what.to_owned(), task(what)?);
            }
            let task = tasks.get_mut(what).ok_or("the task was just made")?;
            let (wall, processor) = timed(calls.parse()?, task)?;
            println!("{wall} {processor}");
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn task(what: &str) -> Answer<Task> {
    let mut words = what.split_whitespace();
    let name = words.next().ok_or("a task has a name")?;
    let numbers: Vec<usize> = words.map(str::parse).collect::<Result<_, _>>()?;
    match name {
        "step" | "inference" => step::task(name, &numbers),
        _ => operators::task(name, &numbers),
    }
}

fn timed(calls: u32, task: &mut Task) -> Answer<(f64, f64)> {
    let (processor, wall) = (processor_seconds()?, Instant::now());
    for _ in 0..calls {
        task()?;
    }
    let wall = wall.elapsed().as_secs_f64();
    let calls = f64::from(calls);
    Ok((wall / calls, (processor_seconds()? - processor) / calls))
}

/// Of all threads, from the process table; Linux alone has it.
fn processor_seconds() -> Answer<f64> {
    let mut total = 0.0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        let nanoseconds: f64 =
            text.split_whitespace().next().ok_or("an empty schedstat")?.parse()?;
        total += nanoseconds * 1e-9;
    }
    Ok(total)
}

fn peak_mb() -> Answer<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
