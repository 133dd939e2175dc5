//! Sound, pictures and faces of a clip, for reading: `cargo bench -p av-features --bench speed`.
//!
//! Whether a change made one slower is the question of `scripts/gate-speed`; what other libraries take for the same, of
//! docs/results/features.md.
#![allow(clippy::unwrap_used)] // A benchmark has no one to report an error to.
#![allow(missing_docs)] // `criterion_group` writes a function without documentation.

use av_features::{
    ClipFormat, Convention, FaceTrack, Follow, Frames, MelSpectrogram, read_sound, resample,
    write_clip,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;
use std::path::PathBuf;

/// Rate of the sound of most films, and that of speech recognition, in Hz.
const RATES_HZ: [u32; 2] = [48_000, 16_000];

/// Seconds of sound: an utterance, and a scene, where tables are no more a part of the time.
const SOUND_S: [usize; 2] = [3, 60];

/// Pictures: as corpora of speakers have them, and the one that most films have.
const PICTURES: [(u32, u32); 2] = [(320, 240), (1280, 720)];

/// Frames of a clip: decoding has begun, and takes no second.
const FRAMES: usize = 20;

/// Every frame is searched for faces, and has none: each window is looked at and rejected.
const EVERY: usize = 1;

fn noise(count: usize) -> Vec<f32> {
    let mut draws = ChaCha8Rng::seed_from_u64(1);
    (0..count).map(|_| draws.random_range(-0.1..0.1)).collect()
}

fn sound(criterion: &mut Criterion) {
    let [film, speech] = RATES_HZ;
    let plan = MelSpectrogram::new(Convention::Librosa, speech).plan().unwrap();
    for (what, rate) in [("log-mel", speech), ("resample", film)] {
        let mut group = criterion.benchmark_group(what);
        for seconds in SOUND_S {
            let samples = noise(seconds * rate as usize);
            group.throughput(Throughput::Elements(samples.len() as u64));
            group.bench_function(BenchmarkId::from_parameter(format!("{seconds} s")), |bencher| {
                bencher.iter(|| match what {
                    "log-mel" => drop(black_box(plan.log(&samples).unwrap())),
                    _ => drop(black_box(resample(&samples, film, speech).unwrap())),
                });
            });
        }
        group.finish();
    }
}

/// A folder with a clip of each size: noise that moves, so that every block is coded, and a sound.
fn clips() -> (tempfile::TempDir, Vec<(String, PathBuf)>) {
    let folder = tempfile::tempdir().unwrap();
    let samples = noise(RATES_HZ[0] as usize);
    let clip = |(width, height): (u32, u32)| {
        let (name, path) =
            (format!("{width} x {height}"), folder.path().join(format!("{width}.mp4")));
        let format = ClipFormat { width, height, fps: 20, sample_rate_hz: RATES_HZ[0] };
        let mut draws = ChaCha8Rng::seed_from_u64(1);
        let bytes = (width * height * 3) as usize;
        let frames = (0..FRAMES).map(|_| (0..bytes).map(|_| draws.random_range(96..160)).collect());
        write_clip(&path, &format, frames, &samples).unwrap();
        (name, path)
    };
    let clips = PICTURES.map(clip).to_vec();
    (folder, clips)
}

fn pictures(criterion: &mut Criterion) {
    let (_folder, clips) = clips();
    let mut group = criterion.benchmark_group("clip");
    group.sample_size(10); // up to a second each
    group.throughput(Throughput::Elements(FRAMES as u64));
    for (name, path) in clips {
        group.bench_function(BenchmarkId::new("decode", &name), |bencher| {
            bencher.iter(|| {
                let mut frames = Frames::open(&path).unwrap();
                while frames.advance().unwrap().is_some() {
                    black_box(frames.image().unwrap());
                }
            });
        });
        group.bench_function(BenchmarkId::new("face search", &name), |bencher| {
            bencher.iter(|| FaceTrack::new(black_box(&path), EVERY, Follow::default()).unwrap());
        });
        group.bench_function(BenchmarkId::new("sound", &name), |bencher| {
            bencher.iter(|| read_sound(black_box(&path), RATES_HZ[1]).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, sound, pictures);
criterion_main!(benches);
