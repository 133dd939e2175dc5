//! Each limit is one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use av_features::{Error, Frames, Limits, read_sound_within};
use video_rs::ffmpeg::codec::Id;

use super::coded::{self, Film};
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
        (frames, Limits { frames: 9, ..fits }, "a number of frames"),
        (sound, Limits { samples: 6000, ..fits }, "sound, in samples,"),
        (sound, Limits { channels: 0, ..fits }, "a number of channels"),
    ];
    for (read, limits, words) in cases {
        let error = read(&path, limits).unwrap();
        assert!(matches!(error, Error::TooLarge { what, .. } if what == words), "{words}: {error}");
        assert!(error.to_string().contains("clip.mp4 has"), "{error}");
    }
    // After the error there is nothing more.
    let mut three = Frames::open_within(&path, &Limits { frames: 3, ..fits }).unwrap();
    assert_eq!(three.by_ref().map_while(Result::ok).count(), 3);
    assert!(three.next().is_none());
    let error = frames(&path, Limits { pixels: 96 * 64 - 1, ..fits }).unwrap();
    assert_eq!(error.kind(), "too large");
    let error = error.to_string();
    assert!(
        error.ends_with(
            "clip.mp4 has frames of 96 x 64 pixels, which are 6144 in all and more than the 6143 that are read; scale the \
             video down, for example with `ffmpeg -i IN -vf scale=1280:-2 OUT`"
        ),
        "{error}"
    );
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

#[test]
fn frames_of_another_size_in_the_middle_are_scaled_too() {
    let part = |width| {
        let film = Film { container: "mpegts", codec: Id::MPEG2VIDEO, width, ..Film::default() };
        film.bytes()
    };
    let (Some(small), Some(large)) = (part(96), part(320)) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.ts");
    support::write(&path, &[small, large].concat());
    let whole: Vec<_> = Frames::open(&path).unwrap().map(Result::unwrap).collect();
    for width in [96, 320] {
        assert!(whole.iter().any(|frame| frame.width == width), "{width}");
    }
    let mut frames = Frames::open(&path).unwrap();
    for frame in &whole {
        frames.advance().unwrap();
        let scaled = frames.scaled(48, 32).unwrap();
        assert_eq!([scaled.width, scaled.height, scaled.rgb.len()], [48, 32, 3 * 48 * 32]);
        // Each frame has one colour.
        let same = |pixel: &[u8]| pixel.iter().zip(&frame.rgb).all(|(a, b)| a.abs_diff(*b) < 5);
        assert!(scaled.rgb.chunks_exact(3).all(same), "{:?}", &frame.rgb[..3]);
    }
}
