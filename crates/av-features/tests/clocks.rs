//! Sound and picture on one clock: a beep and a flash, and files whose tracks do not start together.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking
#![cfg(feature = "video")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use av_features::{ClipFormat, Error, Frames, read_sound, write_clip};

const RATE_HZ: u32 = 48_000;

/// When the beep and the flash of the source begin.
const MOMENT_S: f64 = 2.0;

/// Four seconds with a beep and a flash at two seconds.
fn source(folder: &Path) -> PathBuf {
    let path = folder.join("source.mp4");
    let format = ClipFormat { width: 64, height: 48, fps: 25, sample_rate_hz: RATE_HZ };
    let frame = |index| vec![if (50..56).contains(&index) { 255 } else { 0 }; 64 * 48 * 3];
    let mut samples = support::sine(880.0, RATE_HZ, 4 * RATE_HZ as usize);
    let second = RATE_HZ as usize;
    samples[..2 * second].fill(0.0);
    samples[2 * second + second / 4..].fill(0.0);
    write_clip(&path, &format, (0..100).map(frame), &samples).unwrap();
    path
}

/// Runs ffmpeg; nothing and a printed reason where it is absent or lacks an encoder.
fn ffmpeg(arguments: &str, to: &Path) -> Option<()> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y"]).args(arguments.split_whitespace()).arg(to);
    let output = command.output().map_err(|error| println!("skipped: {error}")).ok()?;
    if !output.status.success() {
        println!("skipped {}: {}", to.display(), String::from_utf8_lossy(&output.stderr).trim());
        return None;
    }
    Some(())
}

/// The first moment above half of the largest.
fn onset(values: impl Iterator<Item = (f64, f64)>) -> f64 {
    let values: Vec<(f64, f64)> = values.collect();
    let largest = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    values.iter().find(|(_, value)| *value > 0.5 * largest).unwrap().0
}

fn beep(samples: &[f32], rate_hz: u32) -> f64 {
    let block = rate_hz as usize / 200;
    let loud = samples.chunks(block).enumerate().map(|(index, block)| {
        let power = block.iter().map(|sample| f64::from(sample * sample)).sum::<f64>();
        (index as f64 / 200.0, power.sqrt())
    });
    onset(loud)
}

fn flash(path: &Path) -> f64 {
    let frames: Vec<_> = Frames::open(path).unwrap().collect::<Result<_, _>>().unwrap();
    onset(frames.iter().map(|frame| (frame.time_s, f64::from(frame.rgb[0]))))
}

#[test]
fn a_beep_and_a_flash_keep_their_distance_in_every_container() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path());
    let mut tried = 0;
    for (name, coding) in [
        ("mp4", "-c:v mpeg4 -c:a aac"),
        ("mov", "-c:v mpeg4 -c:a pcm_s16le"),
        ("mkv", "-c:v mpeg4 -c:a libmp3lame"),
        ("ts", "-c:v mpeg2video -c:a mp2"),
        ("webm", "-c:v libvpx -deadline realtime -c:a libopus"),
        ("avi", "-c:v mpeg4 -c:a pcm_s16le"),
    ] {
        for offset_s in [-1.5, 0.0, 0.4, 1.44] {
            // This container has no times: ffmpeg itself loses the offset of the sound.
            if name == "avi" && offset_s > 0.0 {
                continue;
            }
            let path = folder.path().join(format!("offset.{name}"));
            let input = source.display();
            let arguments = format!(
                "-i {input} -itsoffset {offset_s} -i {input} -map 0:v -map 1:a -q:v 2 {coding}"
            );
            if ffmpeg(&arguments, &path).is_none() {
                continue;
            }
            let sound = read_sound(&path, 16_000).unwrap();
            let found = (beep(&sound.samples, 16_000), flash(&path));
            assert!(
                (found.0 - found.1 - offset_s).abs() < 0.045,
                "{name}, {offset_s}: beep and flash at {found:?}"
            );
            let warned = sound.warnings.iter().any(|warning| warning.contains("silence stands"));
            assert_eq!(warned, offset_s > 0.0, "{name}, {offset_s}: {:?}", sound.warnings);
            tried += 1;
        }
    }
    // Whoever has ffmpeg has most of its encoders.
    assert!(tried == 0 || tried >= 12, "{tried} files");
}

#[test]
fn a_gap_in_the_sound_is_filled_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path());
    let path = folder.path().join("gap.mkv");
    // The packets between 0.5 and 1.5 s are left out; the others keep their times.
    let arguments = format!(
        "-i {} -c:v copy -af aselect=not(between(t\\,0.5\\,1.5)) -c:a pcm_s16le",
        source.display()
    );
    if ffmpeg(&arguments, &path).is_none() {
        return;
    }
    let sound = read_sound(&path, 16_000).unwrap();
    assert!((beep(&sound.samples, 16_000) - MOMENT_S).abs() < 0.045);
    assert!((sound.duration_s() - 4.0).abs() < 0.1, "{}", sound.duration_s());
    let warned =
        sound.warnings.iter().any(|warning| warning.starts_with("gaps in the sound: 1, of 1.0"));
    assert!(warned, "{:?}", sound.warnings);
}

#[test]
fn sound_that_starts_after_hours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path());
    let path = folder.path().join("late.mkv");
    let input = source.display();
    let arguments = format!("-i {input} -itsoffset 40000 -i {input} -map 0:v -map 1:a -c copy");
    if ffmpeg(&arguments, &path).is_some() {
        let error = read_sound(&path, 16_000).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }
}

#[test]
fn grey_levels_of_full_range_are_those_that_were_written() {
    let folder = tempfile::tempdir().unwrap();
    for (name, coding) in [
        ("full.webm", "-c:v libvpx-vp9 -deadline realtime -lossless 1"),
        ("full.mp4", "-c:v libx264 -qp 4"),
    ] {
        let path = folder.path().join(name);
        let grey =
            "-f lavfi -i color=c=0x3C3C3C:s=64x48:d=0.4 -f lavfi -i color=c=0xC8C8C8:s=64x48:d=0.4";
        let filter = "-filter_complex [0][1]hstack,scale=out_range=full,format=yuv420p";
        let arguments = format!("{grey} {filter} {coding} -color_range pc");
        if ffmpeg(&arguments, &path).is_none() {
            continue;
        }
        let frame = Frames::open(&path).unwrap().next().unwrap().unwrap();
        let level = |x: usize| frame.rgb[(24 * frame.width + x) * 3];
        let found = [level(16), level(112)];
        assert!(found[0].abs_diff(60) <= 2 && found[1].abs_diff(200) <= 2, "{name}: {found:?}");
    }
}

#[test]
fn telephony_and_other_trades_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path());
    for (name, options) in [
        ("g722.wav", "-vn -ar 16000 -ac 1 -c:a g722"),
        ("g726.wav", "-vn -ar 8000 -ac 1 -c:a g726"),
        ("amr.caf", "-vn -ar 16000 -c:a pcm_s16be"),
        ("voice.voc", "-vn -ar 16000 -ac 1 -c:a pcm_u8"),
    ] {
        let path = folder.path().join(name);
        if ffmpeg(&format!("-i {} {options}", source.display()), &path).is_none() {
            continue;
        }
        let sound = read_sound(&path, 16_000).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!((sound.duration_s() - 4.0).abs() < 0.1, "{name}: {}", sound.duration_s());
        assert!((beep(&sound.samples, 16_000) - MOMENT_S).abs() < 0.045, "{name}");
    }
    let path = folder.path().join("prores.mov");
    if ffmpeg(&format!("-i {} -an -c:v prores", source.display()), &path).is_some() {
        assert!((flash(&path) - MOMENT_S).abs() < 0.045);
    }
}

/// What is said about sound and picture of a file.
fn warnings(path: &Path) -> Vec<String> {
    let mut warnings = read_sound(path, 16_000).map_or(vec![], |sound| sound.warnings);
    if let Ok(mut frames) = Frames::open(path) {
        frames.by_ref().for_each(drop);
        warnings.extend(frames.warnings());
    }
    warnings
}

/// Makes a file, cuts it to a share of its bytes, and says whether it is told that it ends early.
fn told(arguments: &str, name: &str, share: f64) -> Option<bool> {
    let folder = tempfile::tempdir().unwrap();
    let input = source(folder.path());
    let path = folder.path().join(name);
    ffmpeg(&arguments.replace("SOURCE", &input.display().to_string()), &path)?;
    let bytes = std::fs::read(&path).unwrap();
    support::write(&path, &bytes[..(bytes.len() as f64 * share) as usize]);
    Some(warnings(&path).iter().any(|warning| warning.contains("header promises")))
}

#[test]
fn a_whole_file_never_ends_early() {
    for (name, arguments) in [
        // An edit list cuts the beginning off; the picture before it is there to be decoded.
        ("trimmed.mp4", "-ss 0.6 -i SOURCE -c copy"),
        ("late.mkv", "-i SOURCE -itsoffset 1.5 -i SOURCE -map 0:v -map 1:a -c copy -t 3"),
        ("short.mkv", "-i SOURCE -t 1 -i SOURCE -map 0:v -map 1:a -c copy"),
        // The first half is silent and has few bits.
        ("guessed.mp3", "-i SOURCE -vn -c:a libmp3lame -q:a 2 -write_xing 0"),
        ("counted.mp3", "-i SOURCE -vn -c:a libmp3lame -q:a 2"),
        ("guessed.aac", "-i SOURCE -vn -c:a aac"),
    ] {
        assert_ne!(told(arguments, name, 1.0), Some(true), "{name}");
    }
}

#[test]
fn a_file_that_ends_early_is_told_where_its_header_says_how_long_it_is() {
    for (name, arguments) in [
        ("front.mp4", "-i SOURCE -c copy -movflags +faststart"),
        ("cut.mkv", "-i SOURCE -c copy"),
        ("cut.avi", "-i SOURCE -c:v mpeg4 -q:v 2 -c:a pcm_s16le"),
        ("counted.mp3", "-i SOURCE -vn -c:a libmp3lame -b:a 64k"),
    ] {
        assert_ne!(told(arguments, name, 0.6), Some(false), "{name}");
    }
}
