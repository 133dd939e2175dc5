//! Rendered clips, read back from their files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

use av_features::{Extractor as _, FaceCrops, Frame, Frames, read_sound};
use av_synth::{Clip, Emotion, SynthConfig, render};

/// Two persons, two emotions, one clip of each: the clips and their folder.
fn corpus(config: &SynthConfig) -> (tempfile::TempDir, Vec<Clip>) {
    let folder = tempfile::tempdir().unwrap();
    let clips = render(config, folder.path(), |_, _| ()).unwrap().clips;
    assert_eq!(clips.len(), 4);
    (folder, clips)
}

fn config() -> SynthConfig {
    let emotions = vec![Emotion::Angry, Emotion::Surprised];
    SynthConfig { emotions, subjects: 2, clips: 1, seed: 11, ..SynthConfig::default() }
}

#[test]
fn the_pictures_in_the_file_are_the_frames_that_were_rendered() {
    let config = SynthConfig { width: 130, height: 98, fps: 25, ..config() };
    let (folder, clips) = corpus(&config);
    for clip in &clips {
        let read = Frames::open(&folder.path().join(&clip.path)).unwrap();
        let read: Vec<Frame> = read.map(Result::unwrap).collect();
        assert_eq!(read.len(), usize::try_from(clip.frames).unwrap());
        assert!((clip.duration_s - f64::from(clip.frames) / 25.0).abs() < 1e-12);
        for ((frame, rendered), index) in read.iter().zip(clip.frames(&config)).zip(0_u32..) {
            assert_eq!((frame.width, frame.height), (130, 98));
            assert!((frame.time_s - f64::from(index) / 25.0).abs() < 1e-3, "{}", frame.time_s);
            let pairs = frame.rgb.iter().zip(&rendered);
            let error: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            // The codec halves the resolution of colour and rounds; noise of 2.5 levels is in there.
            assert!(error as f64 / (rendered.len() as f64) < 4.0, "{error}");
        }
    }
}

#[test]
fn the_sound_in_the_file_is_the_one_that_was_rendered_and_not_late() {
    let (folder, clips) = corpus(&config());
    for clip in &clips {
        let sound = read_sound(&folder.path().join(&clip.path), 16_000).unwrap();
        assert!(sound.warnings.is_empty(), "{:?}", sound.warnings);
        let rendered = clip.samples(&config());
        assert!(sound.samples.len() >= rendered.len(), "{}", sound.samples.len());
        // AAC works in blocks of 1024 samples: the last may be padded.
        assert!(sound.samples.len() < rendered.len() + 1024, "{}", sound.samples.len());
        let product = |lag: usize| {
            let shifted = sound.samples.iter().skip(lag).zip(&rendered);
            shifted.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
        };
        let power: f64 = rendered.iter().map(|v| f64::from(*v).powi(2)).sum();
        assert!((product(0) / power - 1.0).abs() < 0.05, "{}", product(0) / power);
        assert!((1..1200).all(|lag| product(lag) < product(0)));
        let peak = rendered.iter().fold(0.0_f32, |peak, v| peak.max(v.abs()));
        assert!((0.02..1.0).contains(&peak), "{peak}");
    }
}

#[test]
fn the_mouth_moves_with_the_syllables() {
    let config = SynthConfig { head_motion: 0.0, camera_noise: 0.0, ..config() };
    let (_folder, clips) = corpus(&config);
    for clip in &clips {
        // A clip ends in silence: how far each picture of the mouth is from the last one.
        let mouth = |rgb: &[u8]| {
            let rows =
                (74..96).flat_map(|row| (44..84).map(move |column| 3 * (row * 128 + column)));
            rows.map(|at| f64::from(rgb[at])).collect::<Vec<_>>()
        };
        let mouths: Vec<Vec<f64>> = clip.frames(&config).map(|frame| mouth(&frame)).collect();
        let still = mouths.last().unwrap();
        let away = |mouth: &Vec<f64>| mouth.iter().zip(still).map(|(a, b)| (a - b).abs()).sum();
        let openings: Vec<f64> = mouths.iter().map(away).collect();
        let samples = clip.samples(&config);
        let loudness: Vec<f64> = samples
            .chunks(16_000 / 20)
            .map(|chunk| chunk.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt())
            .collect();
        assert!(
            pearson(&openings, &loudness) > 0.4,
            "{} {}",
            clip.id,
            pearson(&openings, &loudness)
        );
    }
}

#[test]
fn the_detector_for_real_faces_finds_the_rendered_ones() {
    let emotions = vec![Emotion::Happy, Emotion::Sad];
    let config = SynthConfig { emotions, subjects: 6, clips: 1, ..SynthConfig::default() };
    let folder = tempfile::tempdir().unwrap();
    let clips = render(&config, folder.path(), |_, _| ()).unwrap().clips;
    let (mut found, mut frames) = (0, 0);
    for clip in &clips {
        let features = FaceCrops { every: 2, ..FaceCrops::default() };
        let faces = features.extract(&folder.path().join(&clip.path)).unwrap().faces.unwrap();
        found += faces.found;
        frames += faces.frames;
    }
    assert!(frames > 100 && 10 * found > 9 * frames, "{found} of {frames}");
}

/// Pearson's correlation.
fn pearson(x: &[f64], y: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_x, mean_y) = (mean(x), mean(y));
    let product = |f: fn(f64, f64) -> f64| {
        x.iter().zip(y).map(|(a, b)| f(a - mean_x, b - mean_y)).sum::<f64>()
    };
    product(|a, b| a * b) / (product(|a, _| a * a) * product(|_, b| b * b)).sqrt()
}
