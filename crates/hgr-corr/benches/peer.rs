//! Our side of scripts/peers/hgr.py: reads one task a line, answers with seconds a call and the value.
//!
//! A task is `what FILE rows columns calls`; the file holds the two sides one after the other, row-major, in the
//! number type of the task. `memory` answers with the peak of resident memory in MB.

use candle_core::{Device, Tensor, Var};
use hgr_corr::{Hgr, Matrix, soft_hgr, spectrum};
use std::io::{BufRead, Write};
use std::time::Instant;

type Answer<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Answer<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["memory"] => println!("{}", peak_mb()?),
            [what, path, rows, columns, calls] => {
                let (rows, columns) = (rows.parse()?, columns.parse()?);
                let (seconds, value) = task(what, path, rows, columns, calls.parse()?)?;
                println!("{seconds} {value}");
            }
            _ => return Err(format!("not a task: {line}").into()),
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn task(what: &str, path: &str, rows: usize, columns: usize, calls: u32) -> Answer<(f64, f64)> {
    let bytes = std::fs::read(path)?;
    let side = rows * columns;
    match what {
        "soft_hgr" => {
            let (chunks, _) = bytes.as_chunks();
            let values: Vec<f32> = chunks.iter().map(|c| f32::from_le_bytes(*c)).collect();
            let var = |values: &[f32]| {
                Var::from_tensor(&Tensor::from_slice(values, (rows, columns), &Device::Cpu)?)
            };
            let (f, g) = (var(&values[..side])?, var(&values[side..])?);
            timed(calls, || {
                let loss = soft_hgr(&f, &g)?;
                loss.backward()?;
                Ok(f64::from(loss.to_scalar::<f32>()?))
            })
        }
        "hgr" | "cca" => {
            let (chunks, _) = bytes.as_chunks();
            let values: Vec<f64> = chunks.iter().map(|c| f64::from_le_bytes(*c)).collect();
            drop(bytes);
            let (x, y) = values.split_at(side);
            if what == "hgr" {
                let estimator = Hgr { permutations: 0, ..Hgr::default() };
                return timed(calls, || Ok(estimator.estimate(&[x], &[y])?.sigma));
            }
            let (x, y) = (Matrix::new(x, rows, columns)?, Matrix::new(y, rows, columns)?);
            timed(calls, || Ok(spectrum(x, y)?.sigma[0]))
        }
        _ => Err(format!("not a task: {what}").into()),
    }
}

/// Seconds a call, and the value of the last one.
fn timed(calls: u32, mut call: impl FnMut() -> Answer<f64>) -> Answer<(f64, f64)> {
    let mut value = f64::NAN;
    let start = Instant::now();
    for _ in 0..calls {
        value = call()?;
    }
    Ok((start.elapsed().as_secs_f64() / f64::from(calls), value))
}

/// From the process table; Linux alone has it.
fn peak_mb() -> Answer<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
