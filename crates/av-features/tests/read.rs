//! Sound and frames come back as they were written, and damaged or hostile files are refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking
#![cfg(feature = "video")]

mod support;

use std::path::{Path, PathBuf};

use av_features::{
    ClipFormat, Error, Extractor, FaceCrops, FaceHog, Features, Frame, Frames, Functionals, LogMel,
    read_sound, write_clip,
};
use support::{gradient, sine};

const FORMAT: ClipFormat = ClipFormat { width: 96, height: 64, fps: 25, sample_rate_hz: 16_000 };

fn frames(count: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|i| gradient(96, 64, i))
}

fn clip(folder: &Path, name: impl AsRef<Path>) -> PathBuf {
    let path = folder.join(name);
    write_clip(&path, &FORMAT, frames(10), &sine(440.0, 16_000, 6400)).unwrap();
    path
}

fn read_frames(path: &Path) -> (Vec<Frame>, Vec<String>) {
    let mut reader = Frames::open(path).unwrap();
    let frames = reader.by_ref().collect::<Result<_, _>>().unwrap();
    (frames, reader.warnings())
}

#[test]
fn frames_come_back_with_their_content_and_times() {
    let folder = tempfile::tempdir().unwrap();
    let (read, warnings) = read_frames(&clip(folder.path(), "clip.mp4"));
    assert_eq!((read.len(), warnings), (10, vec![]));
    for (index, frame) in read.iter().enumerate() {
        assert_eq!((frame.width, frame.height), (96, 64));
        assert!((frame.time_s - index as f64 * 0.04).abs() < 1e-6, "{}", frame.time_s);
        let truth = gradient(96, 64, index);
        let error: f64 = truth
            .iter()
            .zip(&frame.rgb)
            .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
            .sum::<f64>()
            / truth.len() as f64;
        assert!(error.sqrt() < 3.0, "frame {index} is off by {:.2} levels", error.sqrt());
    }
}

#[test]
fn a_scaled_frame_holds_the_means_of_areas() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stripes.mp4");
    // Stripes of one pixel, which a filter of fewer would make black, white or a pattern.
    let stripes: Vec<u8> =
        (0..96 * 64).flat_map(|i| [if i % 2 == 0 { 40 } else { 200 }; 3]).collect();
    write_clip(&path, &FORMAT, std::iter::repeat_n(stripes, 3), &[]).unwrap();
    let mut reader = Frames::open(&path).unwrap();
    while reader.advance().unwrap().is_some() {
        let (large, small) = (reader.image().unwrap(), reader.scaled(24, 16).unwrap());
        assert_eq!((small.width, small.height, small.rgb.len()), (24, 16, 24 * 16 * 3));
        for (i, level) in small.rgb.iter().enumerate() {
            let (x, y, colour) = (i / 3 % 24, i / 3 / 24, i % 3);
            let pixel = |k: usize| large.rgb[((y * 4 + k / 4) * 96 + x * 4 + k % 4) * 3 + colour];
            let mean = (0..16).map(|k| f64::from(pixel(k))).sum::<f64>() / 16.0;
            assert!((f64::from(*level) - mean).abs() < 3.0, "{x}, {y}: {level} for {mean}");
        }
        for (width, height) in [(0, 16), (24, 5000)] {
            let error = reader.scaled(width, height).unwrap_err().to_string();
            assert!(error.contains("within 1 to 4096"), "{error}");
        }
    }
}

#[test]
fn sound_comes_back_with_its_length_and_without_delay() {
    let folder = tempfile::tempdir().unwrap();
    let sound = read_sound(&clip(folder.path(), "clip.mp4"), 16_000).unwrap();
    assert_eq!(sound.samples.len(), 6400);
    assert!(sound.warnings.is_empty());
    // The lag with the smallest error tells a delay; the error itself is that of the codec.
    let error = |lag: usize| -> f64 {
        let truth = sine(440.0, 16_000, 6400);
        (1024..5376).map(|i| f64::from(sound.samples[i + lag - 8] - truth[i]).powi(2)).sum()
    };
    let best = (0..=16).min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap();
    assert_eq!(best, 8);
    let rms = (error(best) / 4352.0).sqrt();
    assert!(rms < 0.01, "{rms}");
}

#[test]
fn every_name_is_a_name_and_never_a_protocol() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let names: [&std::ffi::OsStr; 4] = [
        std::ffi::OsStr::from_bytes(b"caf\xe9 \xff.mp4"),
        "http:clip.mp4".as_ref(),
        "concat:a|b.mp4".as_ref(),
        "-i %d.mp4".as_ref(),
    ];
    for name in names {
        let path = clip(folder.path(), name);
        assert_eq!(read_frames(&path).0.len(), 10, "{name:?}");
        assert_eq!(read_sound(&path, 16_000).unwrap().samples.len(), 6400, "{name:?}");
    }
}

#[test]
fn a_missing_stream_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let silent = folder.path().join("silent.mp4");
    write_clip(&silent, &FORMAT, frames(5), &[]).unwrap();
    let error = read_sound(&silent, 16_000).unwrap_err();
    assert!(matches!(&error, Error::NoSound { path } if *path == silent), "{error}");
    assert_eq!(read_frames(&silent).0.len(), 5);

    let blind = folder.path().join("blind.mp4");
    write_clip(&blind, &FORMAT, std::iter::empty(), &[0.1; 1600]).unwrap();
    let error = Frames::open(&blind).err().unwrap();
    assert!(matches!(&error, Error::NoVideo { path } if *path == blind), "{error}");
    assert_eq!(read_sound(&blind, 16_000).unwrap().samples.len(), 1600);
}

#[test]
fn what_is_no_media_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.mp4");
    let empty = folder.path().join("empty.mp4");
    let playlist = folder.path().join("playlist.mp4");
    std::fs::File::create(&empty).unwrap();
    support::write(&text, b"This is a text and no film.\n".repeat(100).as_slice());
    let target = clip(folder.path(), "target.mp4");
    let list = format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n{}\n", target.display());
    support::write(&playlist, list.as_bytes());
    for path in [&text, &empty, &playlist] {
        assert!(matches!(Frames::open(path).err().unwrap(), Error::Open { .. }), "{path:?}");
        assert!(matches!(read_sound(path, 16_000).unwrap_err(), Error::Open { .. }), "{path:?}");
    }
    let absent = folder.path().join("absent.mp4");
    assert!(matches!(read_sound(&absent, 16_000), Err(Error::Read { .. })));
}

#[test]
fn pipes_and_folders_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Frames::open(folder.path()), Err(Error::NotAFile { .. })));
    assert!(matches!(read_sound(folder.path(), 16_000), Err(Error::NotAFile { .. })));
    let pipe = folder.path().join("pipe.mp4");
    match std::process::Command::new("mkfifo").arg(&pipe).status() {
        Ok(status) if status.success() => {
            assert!(matches!(Frames::open(&pipe), Err(Error::NotAFile { .. })));
            assert!(matches!(read_sound(&pipe, 16_000), Err(Error::NotAFile { .. })));
        }
        _ => println!("skipped: mkfifo is not available"),
    }
}

#[test]
fn a_truncated_mp4_is_an_error_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(clip(folder.path(), "whole.mp4")).unwrap();
    let path = folder.path().join("cut.mp4");
    // The index comes last: without it nothing can be decoded.
    let index = whole.windows(4).position(|name| name == b"moov").unwrap();
    for length in (0..index).step_by(97) {
        support::write(&path, &whole[..length]);
        assert!(Frames::open(&path).and_then(|f| f.collect::<Result<Vec<_>, _>>()).is_err());
        assert!(read_sound(&path, 16_000).is_err(), "{length} bytes");
    }
}

#[test]
fn damaged_packets_are_passed_over_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(clip(folder.path(), "whole.mp4")).unwrap();
    let path = folder.path().join("damaged.mp4");
    let data = whole.windows(4).position(|name| name == b"mdat").unwrap() + 4;
    let mut survived = 0;
    for start in (data..whole.len()).step_by(701) {
        let mut bytes = whole.clone();
        let end = (start + 64).min(bytes.len());
        bytes[start..end].fill(0xff);
        support::write(&path, &bytes);
        // Any result but a panic or an endless loop; most damage leaves most frames.
        let read = Frames::open(&path).and_then(|f| f.collect::<Result<Vec<_>, _>>());
        survived += usize::from(read.is_ok_and(|frames| frames.len() >= 8));
        let _ = read_sound(&path, 16_000);
    }
    assert!(survived >= 10, "{survived}");
}

#[test]
fn a_clip_of_a_fifth_of_a_second_is_read_but_has_no_features() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.mp4");
    write_clip(&path, &FORMAT, frames(5), &sine(440.0, 16_000, 3200)).unwrap();
    assert_eq!(read_frames(&path).0.len(), 5);
    assert_eq!(read_sound(&path, 16_000).unwrap().samples.len(), 3200);
    let refused = |features: av_features::Result<Features>| {
        let error = features.unwrap_err();
        assert!(matches!(error, Error::TooShort { .. }), "{error}");
    };
    refused(LogMel::default().extract(&path));
    refused(Functionals::default().extract(&path));
    refused(FaceCrops::default().extract(&path));
    refused(FaceHog::default().extract(&path));
}

#[test]
fn real_recordings_are_read_to_their_end() {
    let Some(data) = support::shared_data() else { return };
    for (name, frames, sound_s) in [
        ("grid-talking-faces/bbaf2n.mpg", 75, 2.978),
        ("javanese-av/01-01-01_01.mp4", 113, 3.788),
        ("ravdess-av-sample/01-01-01-01-01-01-01.mp4", 98, 3.303),
    ] {
        let path = data.join(name);
        let mut reader = Frames::open(&path).unwrap();
        let mut times = Vec::new();
        while let Some(time_s) = reader.advance().unwrap() {
            times.push(time_s);
        }
        let sound = read_sound(&path, 16_000).unwrap();
        println!(
            "{name}: {} frames from {:.3} s, sound {:.3} s",
            times.len(),
            times[0],
            sound.duration_s()
        );
        println!("  {:?} {:?}", reader.warnings(), sound.warnings);
        assert!(times.is_sorted_by(|a, b| a < b), "{name}");
        assert!(reader.warnings().is_empty() && sound.warnings.is_empty());
        assert_eq!(times.len(), frames, "{name}");
        assert!((sound.duration_s() - sound_s).abs() < 0.001, "{name}");
    }
}
