//! Clips are written completely, reproducibly or not at all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking
#![cfg(feature = "video")]

mod support;

use av_features::{ClipFormat, Error, write_clip};
use support::{gradient, sine};

const FORMAT: ClipFormat = ClipFormat { width: 96, height: 64, fps: 25, sample_rate_hz: 16_000 };

#[test]
fn the_same_input_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let path = folder.path().join(name);
        let frames = (0..10).map(|i| gradient(96, 64, i));
        write_clip(&path, &FORMAT, frames, &sine(440.0, 16_000, 6400)).unwrap();
        std::fs::read(path).unwrap()
    };
    let bytes = write("a.mp4");
    assert_eq!(bytes, write("b.mp4"));
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains("Lavf") && !text.contains("Lavc"), "a version of FFmpeg is in the file");
}

#[test]
fn impossible_formats_are_refused_and_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    let cases = [
        ClipFormat { width: 95, ..FORMAT },
        ClipFormat { height: 63, ..FORMAT },
        ClipFormat { width: 0, ..FORMAT },
        ClipFormat { width: 10_000, ..FORMAT },
        ClipFormat { fps: 0, ..FORMAT },
        ClipFormat { fps: 70_000, ..FORMAT },
        ClipFormat { sample_rate_hz: 16_001, ..FORMAT },
    ];
    for case in cases {
        let frames = (0..1).map(|_| gradient(case.width, case.height, 0));
        let error = write_clip(&path, &case, frames, &[0.0; 640]).unwrap_err();
        assert!(matches!(error, Error::ClipFormat { .. }), "{case:?}: {error}");
    }
    let short = std::iter::once(vec![0; 95 * 64 * 3]);
    assert!(write_clip(&path, &FORMAT, short, &[0.0; 640]).is_err());
    let frames = || (0..1).map(|_| gradient(96, 64, 0));
    assert!(write_clip(&path, &FORMAT, frames(), &[0.0, f32::NAN]).is_err());
    assert!(write_clip(&path, &FORMAT, std::iter::empty(), &[]).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let absent = folder.path().join("absent/clip.mp4");
    let error = write_clip(&absent, &FORMAT, frames(), &[0.0; 640]).unwrap_err();
    assert!(matches!(error, Error::Write { .. }), "{error}");
}
