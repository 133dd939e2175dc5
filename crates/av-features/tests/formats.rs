//! Containers, codecs and oddities that only the `ffmpeg` program can make.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking
#![cfg(feature = "video")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use av_features::{
    ClipFormat, Error, Extractor, FaceCrops, Frame, Frames, Values, read_sound, write_clip,
    write_png,
};

/// A clip of one second, 96 x 64 pixels at 25 frames a second.
fn source(folder: &Path) -> PathBuf {
    let path = folder.join("source.mp4");
    let format = ClipFormat { width: 96, height: 64, fps: 25, sample_rate_hz: 48_000 };
    let frames = (0..25).map(|i| support::gradient(96, 64, i));
    write_clip(&path, &format, frames, &support::sine(440.0, 48_000, 48_000)).unwrap();
    path
}

/// Runs ffmpeg on a file; nothing and a printed reason where it is absent or lacks an encoder.
fn convert(from: &Path, options: &str, to: &Path) -> Option<()> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-i"]).arg(from).args(options.split_whitespace()).arg(to);
    match command.output() {
        Ok(output) if output.status.success() => Some(()),
        Ok(output) => {
            let reason = String::from_utf8_lossy(&output.stderr).into_owned();
            println!("skipped {}: {}", to.display(), reason.trim());
            None
        }
        Err(error) => {
            println!("skipped: the program ffmpeg cannot be run: {error}");
            None
        }
    }
}

fn frames(path: &Path) -> (Vec<Frame>, Vec<String>) {
    let mut reader = Frames::open(path).unwrap();
    let frames = reader.by_ref().collect::<Result<_, _>>().unwrap();
    (frames, reader.warnings())
}

#[test]
fn every_container_gives_all_frames_in_order_and_the_whole_sound() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path());
    for (name, options) in [
        ("a.avi", "-c:v mpeg4 -q:v 2 -c:a pcm_s16le"),
        ("b.avi", "-c:v mjpeg -q:v 2 -c:a libmp3lame"),
        ("c.flv", "-c:v flv -q:v 2 -ar 44100 -c:a libmp3lame"),
        ("d.mkv", "-c:v libx264 -bf 3 -crf 10 -c:a aac"),
        ("e.mov", "-c:v libx264 -bf 3 -crf 10 -c:a pcm_s16be"),
        ("f.webm", "-c:v libvpx -b:v 4M -c:a libopus"),
        ("g.mpg", "-c:v mpeg2video -q:v 2 -c:a mp2"),
        ("h.mp4", "-c:v libx264 -bf 3 -crf 10 -c:a aac"),
        ("i.mp4", "-c:v libx265 -crf 10 -x265-params log-level=none -c:a libmp3lame"),
        ("j.ts", "-c:v mpeg2video -bf 2 -q:v 2 -c:a ac3"),
        ("k.wmv", "-c:v wmv2 -q:v 2 -c:a wmav2"),
    ] {
        let path = folder.path().join(name);
        if convert(&source, options, &path).is_none() {
            continue;
        }
        let (read, warnings) = frames(&path);
        assert!(warnings.is_empty(), "{name}: {warnings:?}");
        assert_eq!(read.len(), 25, "{name}");
        assert!(read.is_sorted_by(|a, b| a.time_s < b.time_s), "{name}");
        // Transport and program streams start their clock anywhere: the file starts at 0.
        assert!((0.0..0.1).contains(&read[0].time_s), "{name}: {}", read[0].time_s);
        let length = read[24].time_s - read[0].time_s;
        // ffmpeg delays the first frame of some files by one, for the priming of their sound.
        assert!((0.95..1.01).contains(&length), "{name}: {length}");
        for (index, frame) in read.iter().enumerate() {
            // The blue part of frame i is 20 + 8 i: B frames out of order would show.
            let blue = frame.rgb.iter().skip(2).step_by(3).map(|&v| f64::from(v)).sum::<f64>()
                / (96.0 * 64.0);
            let truth = 20.0 + 8.0 * index as f64;
            assert!((blue - truth).abs() < 6.0, "{name}, frame {index}: {blue} not {truth}");
        }
        let sound = read_sound(&path, 16_000).unwrap();
        assert!(sound.warnings.is_empty(), "{name}: {:?}", sound.warnings);
        assert!((sound.duration_s() - 1.0).abs() < 0.08, "{name}: {}", sound.duration_s());
        let power = sound.samples.iter().map(|s| f64::from(s * s)).sum::<f64>()
            / sound.samples.len() as f64;
        assert!((power - 0.125).abs() < 0.02, "{name}: {power}");
    }
}

#[test]
fn a_turn_is_applied_as_ffmpeg_applies_it() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path());
    for degrees in [90, 180, 270] {
        let turned = folder.path().join(format!("{degrees}.mp4"));
        let options = format!("-c copy -metadata:s:v rotate={degrees}");
        let raw = folder.path().join(format!("{degrees}.rgb"));
        if convert(&source, &options, &turned).is_none()
            || convert(&turned, "-an -f rawvideo -pix_fmt rgb24", &raw).is_none()
        {
            return;
        }
        let truth = std::fs::read(raw).unwrap();
        let (read, warnings) = frames(&turned);
        assert!(warnings.is_empty());
        let expected = if degrees == 180 { (96, 64) } else { (64, 96) };
        for (frame, truth) in read.iter().zip(truth.chunks_exact(96 * 64 * 3)) {
            assert_eq!((frame.width, frame.height), expected);
            let error = frame.rgb.iter().zip(truth).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(error <= Some(12), "{degrees}: {error:?}");
        }
        let mut reader = Frames::open(&turned).unwrap();
        reader.advance().unwrap();
        let small = reader.scaled(16, 24).unwrap();
        assert_eq!((small.width, small.height), (16, 24));
        let large = read[0].scaled(16, 24).unwrap();
        let error: f64 =
            small.rgb.iter().zip(&large.rgb).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
        assert!(error / (16.0 * 24.0 * 3.0) < 4.0, "{degrees}: turned otherwise");
    }
}

#[test]
fn a_change_of_the_size_in_the_middle_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path());
    let (small, large) = (folder.path().join("small.ts"), folder.path().join("large.ts"));
    let encode = "-an -c:v mpeg2video -q:v 2";
    if convert(&source, encode, &small).is_none()
        || convert(&source, &format!("{encode} -vf scale=160:120"), &large).is_none()
    {
        return;
    }
    let both = folder.path().join("both.ts");
    let bytes = [std::fs::read(small).unwrap(), std::fs::read(large).unwrap()].concat();
    support::write(&both, &bytes);
    let (read, _) = frames(&both);
    let count = |width| read.iter().filter(|frame| frame.width == width).count();
    assert!(count(96) >= 24 && count(160) >= 24, "{} and {}", count(96), count(160));
    assert!(read.iter().all(|frame| frame.rgb.len() == frame.width * frame.height * 3));
}

#[test]
fn a_truncated_avi_ends_early_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path());
    let whole = folder.path().join("whole.avi");
    let options = "-c:v mpeg4 -q:v 2 -c:a pcm_s16le";
    if convert(&source, options, &whole).is_none() {
        return;
    }
    let bytes = std::fs::read(&whole).unwrap();
    let cut = folder.path().join("cut.avi");
    support::write(&cut, &bytes[..bytes.len() / 2]);
    let (read, warnings) = frames(&cut);
    assert!((5..20).contains(&read.len()), "{}", read.len());
    assert!(warnings.iter().any(|warning| warning.contains("header promises")), "{warnings:?}");
    let sound = read_sound(&cut, 16_000).unwrap();
    assert!(sound.duration_s() < 0.8, "{}", sound.duration_s());
}

#[test]
fn images_and_oversized_frames_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path());
    let image = folder.path().join("image.mp4");
    if convert(&source, "-frames:v 1 -f image2 -c:v png", &image).is_some() {
        assert!(Frames::open(&image).is_err());
    }
    let huge = folder.path().join("huge.avi");
    if convert(&source, "-frames:v 1 -vf scale=8000:4000 -c:v mjpeg", &huge).is_some() {
        let error = Frames::open(&huge).err().unwrap();
        assert!(matches!(error, Error::FrameSize { width: 8000, height: 4000, .. }), "{error}");
    }
    let cover = folder.path().join("cover.m4a");
    let options = "-map 0:a -map 0:v -frames:v 1 -c:a aac -c:v mjpeg -disposition:v attached_pic";
    if convert(&source, options, &cover).is_some() {
        assert!(matches!(Frames::open(&cover), Err(Error::NoVideo { .. })));
    }
}

#[test]
fn segments_of_a_variable_frame_rate_show_the_frames_of_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path());
    // Frames 0 to 7 and 18 to 24 of 25 stay where they were: 0.4 s without a frame in between.
    let path = folder.path().join("variable.mkv");
    if convert(&source, "-an -vf select=not(between(n\\,8\\,17)) -c:v mpeg4 -q:v 2", &path)
        .is_none()
    {
        return;
    }
    let (read, _) = frames(&path);
    assert_eq!(read.len(), 15);
    let crops = FaceCrops { segments: 10, size: 8, frames: 3, ..FaceCrops::default() };
    let crops = crops.extract(&path).unwrap();
    let Values::U8(values) = crops.values else { panic!("pixels are bytes") };
    let blue: Vec<f64> = values
        .chunks_exact(8 * 8)
        .skip(2)
        .step_by(3)
        .map(|plane| plane.iter().map(|&v| f64::from(v)).sum::<f64>() / 64.0)
        .collect();
    for (segment, time_s) in blue.chunks_exact(3).zip(&crops.times_s) {
        let nearest = |time_s: f64| {
            let distance = |frame: &usize| (*frame as f64 * 0.04 - time_s).abs();
            let there = (0..8).chain(18..25);
            there.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap()
        };
        let middle = nearest(*time_s);
        for (i, blue) in segment.iter().enumerate() {
            let truth = nearest(middle as f64 * 0.04 + 0.04 * (i as f64 - 1.0));
            let error = blue - (20.0 + 8.0 * truth as f64);
            assert!(error.abs() < 4.0, "{time_s} s, {i}: {blue} is not frame {truth}");
        }
    }
}

#[test]
fn a_written_image_is_read_back_as_it_was_and_an_impossible_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, raw) = (folder.path().join("image.png"), folder.path().join("image.rgb"));
    for (width, height) in [(1, 1), (37, 23), (641, 3)] {
        let rgb: Vec<u8> = (0..3 * width * height).map(|i| (i * i % 251) as u8).collect();
        let image = Frame { rgb, width, height, time_s: 0.0 };
        write_png(&path, &image).unwrap();
        if convert(&path, "-f rawvideo -pix_fmt rgb24", &raw).is_none() {
            return;
        }
        assert!(std::fs::read(&raw).unwrap() == image.rgb, "{width} x {height}");
    }
    for (length, width, height) in [(0, 0, 1), (11, 2, 2), (3 << 16, 1 << 16, 1)] {
        let image = Frame { rgb: vec![0; length], width, height, time_s: 0.0 };
        let error = write_png(&path, &image).unwrap_err().to_string();
        let expected = format!("{length} bytes are no image of {width} x {height} pixels");
        assert!(error.contains(&expected), "{error}");
    }
}
