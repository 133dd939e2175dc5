//! Each limit is one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use av_features::{Error, Frames, Limits, read_sound_within};

use super::coded;
use super::support;

fn clip(folder: &Path) -> PathBuf {
    let path = folder.join("clip.mp4");
    support::write(&path, &coded::clip());
    path
}

fn sound(path: &Path, limits: Limits) -> Option<Error> {
    read_sound_within(path, 16_000, &limits).err()
}

fn frames(path: &Path, limits: Limits) -> Option<Error> {
    Frames::open_within(path, &limits)
        .and_then(|frames| frames.collect::<Result<Vec<_>, _>>())
        .err()
}

#[test]
fn a_file_within_its_limits_is_read_and_one_above_any_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = clip(folder.path());
    let bytes = path.metadata().unwrap().len();
    let default = Limits::default();
    let fits = Limits { bytes, pixels: 1 << 16, frames: 10, samples: 8192, channels: 1, ..default };
    for error in [sound(&path, fits), frames(&path, fits)] {
        assert!(error.is_none(), "{error:?}");
    }
    let cases = [
        (
            sound as fn(&Path, Limits) -> Option<Error>,
            Limits { bytes: bytes - 1, ..fits },
            "a size, in bytes,",
        ),
        (frames, Limits { bytes: bytes - 1, ..fits }, "a size, in bytes,"),
        (frames, Limits { pixels: 96 * 64 - 1, ..fits }, "frames, in pixels,"),
        (frames, Limits { frames: 9, ..fits }, "a number of frames"),
        (sound, Limits { samples: 6000, ..fits }, "sound, in samples,"),
        (sound, Limits { channels: 0, ..fits }, "a number of channels"),
    ];
    for (read, limits, words) in cases {
        let error = read(&path, limits).unwrap();
        assert!(matches!(error, Error::TooLarge { what, .. } if what == words), "{words}: {error}");
        assert!(error.to_string().contains("clip.mp4 has"), "{error}");
    }
}

#[test]
fn without_time_a_file_is_given_up_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = clip(folder.path());
    let hasty = Limits { stall: Duration::ZERO, ..Limits::default() };
    let short = Limits { time: Duration::ZERO, ..Limits::default() };
    for error in
        [sound(&path, hasty), frames(&path, hasty), sound(&path, short), frames(&path, short)]
    {
        let error = error.unwrap();
        assert!(matches!(error, Error::Timeout { .. }), "{error}");
        assert!(error.to_string().contains("clip.mp4 takes longer than 0 s"), "{error}");
    }
}

#[test]
fn the_time_of_the_caller_between_frames_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { stall: Duration::from_millis(400), ..Limits::default() };
    let mut reader = Frames::open_within(&clip(folder.path()), &limits).unwrap();
    assert!(reader.advance().unwrap().is_some());
    std::thread::sleep(Duration::from_millis(450));
    assert!(reader.advance().unwrap().is_some());
}

#[test]
fn a_wav_file_has_the_same_limits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    let wav = super::sounds::Wav { data: vec![0; 400_000], ..super::sounds::Wav::default() };
    support::write(&path, &wav.bytes());
    let error = sound(&path, Limits { sound_s: 11, ..Limits::default() }).unwrap();
    assert!(error.to_string().contains("sound, in seconds, of 12, more than 11"), "{error}");
    let error = sound(&path, Limits { time: Duration::ZERO, ..Limits::default() }).unwrap();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert!(sound(&path, Limits::default()).is_none());
}
