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
