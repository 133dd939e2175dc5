//! The face is found in real recordings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking
#![cfg(feature = "video")]

mod support;

use std::path::PathBuf;

use av_features::{
    ClipFormat, Extractor, FaceCrops, FaceHog, FaceTrack, Follow, Frames, LogMel, Values,
    write_clip,
};
use rayon::prelude::*;

/// Every `step`-th clip of a folder, in the order of the names.
fn clips(folder: &str, step: usize) -> Vec<PathBuf> {
    let Some(data) = support::shared_data() else { return vec![] };
    let mut clips: Vec<_> =
        std::fs::read_dir(data.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    clips.sort();
    clips.into_iter().step_by(step).collect()
}

#[test]
fn the_face_is_found_in_more_than_nine_of_ten_frames() {
    for (folder, step) in [("ravdess-av-sample", 1), ("grid-talking-faces", 1), ("javanese-av", 8)]
    {
        clips(folder, step).into_par_iter().for_each(|clip| {
            // As the extractors of the face track it.
            let faces = FaceTrack::new(&clip, 5, Follow::Largest).unwrap().faces();
            let name = clip.file_stem().unwrap().to_string_lossy().into_owned();
            println!("{folder}/{name}: {} of {}", faces.found, faces.frames);
            assert!(faces.found * 10 > faces.frames * 9, "{name}: {faces:?}");
        });
    }
}

/// A clip without a face, whose left half is red and whose brightness grows.
fn faceless(folder: &std::path::Path) -> PathBuf {
    let path = folder.join("faceless.mp4");
    let format = ClipFormat { width: 128, height: 96, fps: 25, sample_rate_hz: 16_000 };
    let frames = (0..50).map(|i| support::gradient(128, 96, i / 2));
    write_clip(&path, &format, frames, &support::sine(300.0, 16_000, 32_000)).unwrap();
    path
}

#[test]
fn without_a_face_the_middle_is_shown_counted_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = faceless(folder.path());
    let features = FaceCrops { size: 32, ..FaceCrops::default() }.extract(&path).unwrap();
    assert_eq!(features.shape, [30, 3, 32, 32]);
    let faces = features.faces.unwrap();
    assert_eq!((faces.frames, faces.found), (10, 0));
    assert_eq!(features.warnings.len(), 1, "{:?}", features.warnings);
    let Values::U8(values) = features.values else { panic!("pixels are bytes") };
    // Red grows by 160 over 128 columns: the middle 96 go from 60 to 180.
    let (left, right) = (f64::from(values[16 * 32]), f64::from(values[16 * 32 + 31]));
    assert!((left - 62.0).abs() < 6.0 && (right - 178.0).abs() < 6.0, "{left} to {right}");
}

#[test]
fn segments_of_sound_and_picture_have_the_same_centres() {
    let folder = tempfile::tempdir().unwrap();
    let path = faceless(folder.path());
    let crops = FaceCrops { segments: 10, ..FaceCrops::default() }.extract(&path).unwrap();
    let mels = LogMel { segments: 10, ..LogMel::default() }.extract(&path).unwrap();
    for (a, b) in crops.times_s.iter().zip(&mels.times_s) {
        assert!((a - b).abs() < 1e-6, "{a} and {b}");
    }
    // The blue part of frame i is 20 + 8 * (i / 2): the picture is that of its time.
    let Values::U8(values) = crops.values else { panic!("pixels are bytes") };
    for (segment, time_s) in values.chunks_exact(3 * 64 * 64).zip(&crops.times_s) {
        let blue = segment[2 * 64 * 64..].iter().map(|&v| f64::from(v)).sum::<f64>() / 4096.0;
        let frame = (time_s / 0.04).floor();
        let truth = 20.0 + 8.0 * (frame / 2.0).floor();
        assert!((blue - truth).abs() <= 10.0, "{time_s} s: {blue} instead of {truth}");
    }
}

#[test]
fn hog_of_a_clip_has_named_columns_and_is_the_same_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = faceless(folder.path());
    let features = FaceHog::default().extract(&path).unwrap();
    assert_eq!(features.shape, [1, 288]);
    assert_eq!(features.names.len(), 288);
    assert_eq!(features, FaceHog::default().extract(&path).unwrap());
}

#[test]
fn impossible_configurations_are_refused_before_the_file_is_opened() {
    let path = std::path::Path::new("absent.mp4");
    let good = FaceCrops::default();
    for config in [
        FaceCrops { segments: 0, ..good.clone() },
        FaceCrops { size: 0, ..good.clone() },
        FaceCrops { size: 1 << 20, ..good.clone() },
        FaceCrops { every: 0, ..good.clone() },
        FaceCrops { margin: f64::NAN, ..good.clone() },
    ] {
        let error = config.extract(path).unwrap_err();
        assert!(matches!(error, av_features::Error::Config { .. }), "{config:?}: {error}");
    }
    assert!(Frames::open(path).is_err());
}
