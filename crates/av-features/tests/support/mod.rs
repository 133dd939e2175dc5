//! Synthetic media with known content.
#![allow(dead_code)] // each test file uses a part

use std::f64::consts::TAU;

/// A sine of amplitude 0.5.
pub fn sine(frequency_hz: f64, rate_hz: u32, count: usize) -> Vec<f32> {
    (0..count)
        .map(|i| (0.5 * (TAU * frequency_hz * i as f64 / f64::from(rate_hz)).sin()) as f32)
        .collect()
}

/// A frame with a smooth gradient whose blue part tells the index: `20 + 8 * index`.
pub fn gradient(width: u32, height: u32, index: usize) -> Vec<u8> {
    let (w, h) = (width as usize, height as usize);
    let mut rgb = Vec::with_capacity(w * h * 3);
    for y in 0..h {
        for x in 0..w {
            rgb.extend([
                (40 + x * 160 / w) as u8,
                (40 + y * 160 / h) as u8,
                (20 + 8 * index) as u8,
            ]);
        }
    }
    rgb
}

/// Writes a file of a test.
pub fn write(path: &std::path::Path, bytes: &[u8]) {
    use std::io::Write as _;
    std::fs::File::create(path).unwrap().write_all(bytes).unwrap();
}

/// The folder of real recordings, or nothing and a printed reason.
pub fn shared_data() -> Option<std::path::PathBuf> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no real recordings at {}", path.display());
    None
}

/// A voice-like sound from integers alone, the same bits on every machine: a glide of saw teeth between
/// 114 and 183 Hz at 16 kHz, in syllables of 0.25 s with pauses of 0.125 s, in weak noise.
///
/// `scripts/goldens/descriptors.py` makes the same.
pub fn integer_voice(count: usize) -> Vec<f32> {
    let (mut phase, mut state) = (0_u32, 1_u32);
    (0..count as u32)
        .map(|i| {
            let glide = i % 8000;
            phase = phase.wrapping_add(480_000 + 72 * glide.min(8000 - glide)) % (1 << 26);
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let tooth = (phase >> 11) as i32 - (1 << 14);
            let swell = if i % 6000 < 4000 { (i % 4000).min(1000) as i32 } else { 0 };
            let noise = (state >> 22) as i32 - 512;
            (tooth * swell / 2000 + noise / 8) as f32 / 32_768.0
        })
        .collect()
}

/// Writes a sound as a wav file of floats.
pub fn write_wav(path: &std::path::Path, samples: &[f32], sample_rate_hz: u32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: sample_rate_hz,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|&sample| writer.write_sample(sample).unwrap());
    writer.finalize().unwrap();
}
