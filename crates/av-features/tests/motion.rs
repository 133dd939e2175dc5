//! Pictures and movements of the face are those of their times, whatever the frame rate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking
#![cfg(feature = "video")]

mod support;

use std::path::{Path, PathBuf};

use av_features::{
    ClipFormat, Extractor, FaceCrops, FaceMotion, FaceTrack, Features, Follow, Frames, Sighting,
    Values, write_clip,
};

const SIZE: [usize; 2] = [128, 96];

/// A clip of two seconds whose frame at a time is what `picture` paints.
fn clip(folder: &Path, fps: u32, picture: impl Fn(f64) -> Vec<u8>) -> PathBuf {
    let path = folder.join(format!("{fps}.mp4"));
    let [width, height] = SIZE.map(|side| side as u32);
    let format = ClipFormat { width, height, fps, sample_rate_hz: 16_000 };
    let frames = (0..2 * fps).map(|frame| picture((f64::from(frame) + 0.5) / f64::from(fps)));
    write_clip(&path, &format, frames, &[]).unwrap();
    path
}

fn bytes(features: &Features) -> &[u8] {
    match &features.values {
        Values::U8(values) => values,
        Values::F32(_) => panic!("pixels are bytes"),
    }
}

#[test]
fn a_segment_of_several_frames_shows_them_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    // The blue part of frame i is 20 + 8 * (i / 2), and i / 2 = 12.5 times the time.
    let path = clip(folder.path(), 25, |time_s| {
        support::gradient(SIZE[0] as u32, SIZE[1] as u32, (time_s * 12.5) as usize)
    });
    let one = FaceCrops { segments: 5, size: 16, every: 25, ..FaceCrops::default() };
    let several = FaceCrops { frames: 5, interval_ms: 160.0, ..one.clone() };
    let (single, several) = (one.extract(&path).unwrap(), several.extract(&path).unwrap());
    assert_eq!(several.shape, [5, 15, 16, 16]);
    assert_eq!(several.times_s, single.times_s);
    let plane = 16 * 16;
    let segments = bytes(&several).chunks_exact(15 * plane);
    for (segment, (alone, time_s)) in
        segments.zip(bytes(&single).chunks_exact(3 * plane).zip(&single.times_s))
    {
        assert_eq!(&segment[6 * plane..9 * plane], alone, "{time_s} s");
        for (i, frame) in segment.chunks_exact(3 * plane).enumerate() {
            let blue = frame[2 * plane..].iter().map(|&v| f64::from(v)).sum::<f64>() / 256.0;
            // Of the first and the last segment a frame lies outside, and the clip's first or last is repeated.
            let at_s = (time_s + 0.16 * (i as f64 - 2.0)).clamp(0.0, 1.99);
            let truth = 20.0 + 8.0 * (at_s * 12.5).floor();
            assert!((blue - truth).abs() <= 10.0, "{time_s} s, {i}: {blue} instead of {truth}");
        }
    }
}

#[test]
fn settings_of_several_frames_are_refused_outside_of_their_range() {
    let good = FaceCrops::default();
    for (config, word) in [
        (FaceCrops { frames: 0, ..good.clone() }, "frames must be within 1 to 64"),
        (FaceCrops { frames: 65, ..good.clone() }, "frames must be within 1 to 64"),
        (FaceCrops { interval_ms: f64::NAN, ..good.clone() }, "interval_ms"),
        (FaceCrops { segments: 1024, frames: 2, size: 512, ..good.clone() }, "smaller or fewer"),
    ] {
        let error = config.extract(Path::new("absent.mp4")).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let motion = FaceMotion { interval_ms: 5.0, ..FaceMotion::default() };
    let error = motion.extract(Path::new("absent.mp4")).unwrap_err().to_string();
    assert_eq!(error, "face-motion: interval_ms must be within 10 to 1000");
}

/// The left half stays at 90, the right half jumps between 60 and 120 every tenth of a second.
fn flicker(time_s: f64) -> Vec<u8> {
    let right = if ((time_s * 10.0) as usize).is_multiple_of(2) { 60 } else { 120 };
    let pixel = |i: usize| if i % SIZE[0] < SIZE[0] / 2 { 90 } else { right };
    (0..SIZE[0] * SIZE[1]).flat_map(|i| [pixel(i); 3]).collect()
}

#[test]
fn what_moves_is_told_by_part_and_does_not_depend_on_the_frame_rate() {
    let folder = tempfile::tempdir().unwrap();
    let motion = FaceMotion { every: 50, ..FaceMotion::default() };
    for fps in [10, 20, 30, 50] {
        let path = clip(folder.path(), fps, flicker);
        let features = motion.extract(&path).unwrap();
        assert_eq!(features.shape, [1, 32]);
        let Values::F32(values) = &features.values else { panic!("motion is real numbers") };
        for (name, value) in features.names.iter().zip(values) {
            // A jump by 60 in a picture whose halves differ by 30: a standard deviation of 15.
            let column = name.split('_').nth(2).unwrap().parse::<usize>().unwrap();
            let truth = if name.ends_with("_mean") && column > 2 { 4.0 } else { 0.0 };
            assert!((value - truth).abs() < 0.25, "{fps} frames a second, {name}: {value}");
        }
        assert_eq!(features, motion.extract(&path).unwrap());
    }
}

#[test]
fn a_frame_that_is_shown_for_longer_than_the_interval_is_no_motion() {
    let folder = tempfile::tempdir().unwrap();
    let path = clip(folder.path(), 10, flicker);
    let motion = FaceMotion { every: 50, interval_ms: 40.0, ..FaceMotion::default() };
    let features = motion.extract(&path).unwrap();
    let Values::F32(values) = &features.values else { panic!("motion is real numbers") };
    let at = features.names.iter().position(|name| name == "motion_2_4_mean").unwrap();
    // 50 instants 40 ms apart are 49 pairs; 19 of them go from one frame to the next, by 4 standard deviations.
    let truth = 4.0 * 19.0 / 49.0;
    assert!((values[at] - truth).abs() < 0.1, "{} instead of {truth}", values[at]);
}

#[test]
fn a_track_tells_times_and_squares_of_a_real_clip() {
    let Some(data) = support::shared_data() else { return };
    let path = data.join("grid-talking-faces/bbaf2n.mpg");
    let [all, fifth] = [1, 5].map(|every| FaceTrack::new(&path, every, Follow::Same).unwrap());
    assert_eq!(all.times_s().len(), 75);
    assert_eq!((fifth.faces().frames, all.faces().frames), (15, 75));
    for frame in Frames::open(&path).unwrap() {
        let frame = frame.unwrap();
        assert_ne!(fifth.sighting(frame.time_s), Sighting::Missing);
        // Looking at every fifth frame and at all of them comes to the same face: at most 0.029 of its side apart
        // across and 0.050 down, of sides that differ by 0.096. Two pixels of the picture in which faces are looked for,
        // a hundredth of the side each, are left to other decoders.
        let [a, b] = [&all, &fifth].map(|track| track.square(&frame, 1.0));
        let apart =
            [a.left - b.left, a.top - b.top].map(|v| (v + (a.side - b.side) / 2.0) / a.side);
        let sides = a.side / b.side - 1.0;
        for (apart, bound) in [(apart[0], 0.05), (apart[1], 0.07), (sides, 0.12)] {
            assert!(apart.abs() < bound, "{apart}: {a:?} {b:?}");
        }
    }
}
