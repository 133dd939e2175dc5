//! Silence at the ends of clips is cut, and no voice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use std::path::Path;

use av_features::{
    DescriptorConfig, Extractor, Functionals, LogMel, Trim, Values, descriptors, read_sound,
    voice_quality,
};

/// Samples from frame to frame of [`voice_quality`] at 16 kHz.
const HOP: usize = 160;

/// The middles of the voiced frames that are at most 40 dB softer than the loudest, in samples.
fn voiced(samples: &[f32]) -> Vec<usize> {
    let config = DescriptorConfig { window: 400, hop: HOP, ..DescriptorConfig::default() };
    let rms = descriptors(samples, &config).unwrap().rms;
    let loudest = rms.iter().copied().fold(0.0, f64::max);
    let f0_hz = voice_quality(samples, 16_000).unwrap().f0_hz;
    let frames = f0_hz.iter().zip(&rms).enumerate();
    frames
        .filter(|(_, (hz, rms))| hz.is_some() && **rms > loudest / 100.0)
        .map(|f| f.0 * HOP)
        .collect()
}

/// Seconds before and after trimming, and voiced frames that were cut.
fn trimmed(path: &Path) -> ([f64; 2], usize) {
    let sound = read_sound(path, 16_000).unwrap();
    let kept = Trim::default().range(&sound.samples, 16_000).unwrap();
    let lost = voiced(&sound.samples).into_iter().filter(|at| !kept.contains(at)).count();
    ([sound.samples.len(), kept.len()].map(|count| count as f64 / 16_000.0), lost)
}

#[test]
fn real_clips_get_shorter_and_lose_no_voiced_frame() {
    let Some(data) = support::shared_data() else { return };
    let mut clips: Vec<_> = std::fs::read_dir(data.join("ravdess-av-sample"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| cfg!(feature = "video") && path.extension().is_some_and(|e| e == "mp4"))
        .collect();
    clips.sort();
    for clip in clips {
        let ([before, after], lost) = trimmed(&clip);
        println!("{}: {before:.2} s, then {after:.2} s", clip.display());
        assert_eq!(lost, 0, "{}", clip.display());
        // Each begins and ends with a second of silence or nearly.
        assert!(after < before - 0.8, "{}", clip.display());
        assert!(after > 1.0, "{}", clip.display());
    }
}

#[test]
fn extractors_see_what_is_left_at_its_own_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voice.wav");
    let mut samples = vec![0.0; 16_000];
    samples.extend(support::integer_voice(32_000));
    samples.extend(vec![0.0; 32_000]);
    support::write_wav(&path, &samples, 16_000);
    let trim = Some(Trim { hangover_ms: 0.0, ..Trim::default() });

    let log_mel = LogMel { segments: 4, ..LogMel::default() };
    let cut = LogMel { trim, ..log_mel.clone() };
    assert!(cut.fingerprint().contains(r#""trim":{"above_floor_db":10.0,"hangover_ms":0.0}"#));
    let times_s = cut.extract(&path).unwrap().times_s;
    assert_eq!(log_mel.extract(&path).unwrap().times_s, [0.625, 1.875, 3.125, 4.375]);
    for (time, truth) in times_s.iter().zip([1.25, 1.75, 2.25, 2.75]) {
        assert!((time - truth).abs() < 0.05, "{times_s:?}");
    }

    let duration = |trim| {
        let features = Functionals { trim, ..Functionals::default() }.extract(&path).unwrap();
        let Values::F32(values) = features.values else { panic!("functionals are f32") };
        values[features.names.iter().position(|name| name == "duration_s").unwrap()]
    };
    assert_eq!(duration(None), 5.0);
    assert!((duration(trim) - 2.0).abs() < 0.05, "{}", duration(trim));
}
