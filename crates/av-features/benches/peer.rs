//! Our side of scripts/peers/features.py: reads one task a line, answers with the seconds of a call and a number that the
//! peer's result can be compared with.
//!
//! A task is `CALLS NAME WORDS...`:
//!
//! | task | words | number |
//! |---|---|---|
//! | `log_mel` | convention, file of f32 samples at 16 kHz | mean of log-mel, its first and its second deltas |
//! | `resample` | file of f32 samples at 48 kHz | root mean square at 16 kHz |
//! | `frames` | media file | mean of all frames at 224 x 224 |
//! | `extract` | file with the path of a clip in each line | segments of the sound and the faces of all clips |

use av_features::{
    Convention, Extractor, FaceCrops, Frames, LogMel, Matrix, MelPlan, MelSpectrogram, Precision,
    deltas, resample,
};
use rayon::prelude::*;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

/// That of av-bench.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Answer<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Side of the pictures that most networks of faces and scenes take.
const SIDE: usize = 224;

fn main() -> Answer<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let (seconds, value) = match words[..] {
            [calls, "log_mel", convention, path] => {
                let (convention, samples) = (named(convention)?, samples(path)?);
                let plan = sizes(convention).plan()?;
                timed(
                    calls,
                    || log_mel(&plan, convention, &samples),
                    |parts| parts.iter().map(mean).sum(),
                )?
            }
            [calls, "resample", path] => {
                let samples = samples(path)?;
                timed(calls, || Ok(resample(&samples, 48_000, 16_000)?), |samples| level(samples))?
            }
            [calls, "frames", path] => timed(calls, || frames(Path::new(path)), |mean| *mean)?,
            [calls, "extract", list] => {
                let list = std::fs::read_to_string(list)?;
                timed(calls, || extract(&list), |count| *count)?
            }
            _ => return Err(format!("no such task: {line}").into()),
        };
        println!("{seconds} {value}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// Seconds of a call, and a value of what it gave, which does not count.
fn timed<T>(
    calls: &str,
    mut task: impl FnMut() -> Answer<T>,
    value: impl Fn(&T) -> f64,
) -> Answer<(f64, f64)> {
    let calls: u32 = calls.parse()?;
    let start = Instant::now();
    let mut result = task()?;
    for _ in 1..calls {
        result = task()?;
    }
    Ok((start.elapsed().as_secs_f64() / f64::from(calls), value(&result)))
}

fn named(convention: &str) -> Answer<Convention> {
    match convention {
        "librosa" => Ok(Convention::Librosa),
        "torchaudio" => Ok(Convention::Torchaudio),
        _ => Err(format!("no convention {convention}").into()),
    }
}

fn samples(path: &str) -> Answer<Vec<f32>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|sample| f32::from_le_bytes(*sample)).collect())
}

/// Sizes that both tools are given: 25 ms, 10 ms, 64 bands; in f32, as they compute.
fn sizes(convention: Convention) -> MelSpectrogram {
    MelSpectrogram {
        n_fft: 400,
        window: 400,
        hop: 160,
        n_mels: 64,
        precision: Precision::Single,
        ..MelSpectrogram::new(convention, 16_000)
    }
}

fn log_mel(plan: &MelPlan, convention: Convention, samples: &[f32]) -> Answer<[Matrix; 3]> {
    let log = plan.log(samples)?;
    let (first, second) = (deltas(&log, convention, 1)?, deltas(&log, convention, 2)?);
    Ok([log, first, second])
}

fn level(samples: &[f32]) -> f64 {
    let power: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (power / samples.len() as f64).sqrt()
}

fn frames(path: &Path) -> Answer<f64> {
    let mut frames = Frames::open(path)?;
    let (mut sum, mut count) = (0, 0);
    while frames.advance()?.is_some() {
        let frame = frames.scaled(SIDE, SIDE)?;
        sum += frame.rgb.iter().map(|&level| u64::from(level)).sum::<u64>();
        count += frame.rgb.len();
    }
    Ok(sum as f64 / count as f64)
}

/// What a run takes from each clip by default, clips in parallel.
fn extract(list: &str) -> Answer<f64> {
    let clips: Vec<&Path> = list.lines().map(Path::new).collect();
    let segments = clips.par_iter().map(|clip| -> Answer<usize> {
        let sides = [LogMel::default().extract(clip)?, FaceCrops::default().extract(clip)?];
        Ok(sides.iter().map(|features| features.shape[0]).sum())
    });
    let segments: Vec<usize> = segments.collect::<Answer<_>>()?;
    Ok(segments.iter().sum::<usize>() as f64)
}

fn mean(matrix: &Matrix) -> f64 {
    matrix.values.iter().map(|&value| f64::from(value)).sum::<f64>() / matrix.values.len() as f64
}
