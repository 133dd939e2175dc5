//! Named sets of functionals keep their columns, their values and their fingerprints.
//!
//! The values lie in `testdata/<set>.csv`, name and value a line. They were written once, by the code that
//! made the set; a set is never edited, so neither are they.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_features::{Extractor, FunctionalSet, Functionals, LogMel, Values};

/// The FFT has other instructions on other machines, and rounds otherwise. Where samples of the vowel differ in their last
/// bit, the variation of a cepstral coefficient of small mean moves by up to 2.2e-4, that of a bandwidth by 1.4e-4.
const RELATIVE: f64 = 3e-4;

/// A voice with formants at 500, 1500 and 2500 Hz, 80, 100 and 150 Hz wide.
fn vowel() -> Vec<f32> {
    let mut samples: Vec<f64> =
        support::integer_voice(32_000).iter().map(|&sample| 0.005 * f64::from(sample)).collect();
    for [b, c] in [[1.931, -0.969_073], [1.630_604, -0.961_49], [1.078_893, -0.942_796]] {
        let (mut one, mut two) = (0.0, 0.0);
        for sample in &mut samples {
            let here = *sample + b * one + c * two;
            (two, one) = (one, here);
            *sample = here;
        }
    }
    samples.into_iter().map(|sample| sample as f32).collect()
}

#[track_caller]
fn assert_pinned(set: FunctionalSet, samples: &[f32], pinned: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voice.wav");
    support::write_wav(&path, samples, 16_000);
    let features = Functionals { set, trim: None }.extract(&path).unwrap();
    let Values::F32(values) = features.values else { panic!("functionals are f32") };
    let lines: Vec<(&str, f64)> = pinned
        .lines()
        .map(|line| line.split_once(',').unwrap())
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect();
    let names: Vec<&str> = lines.iter().map(|line| line.0).collect();
    assert_eq!(features.names, names);
    for ((name, pinned), value) in lines.iter().zip(values) {
        let error = (f64::from(value) - pinned).abs();
        assert!(error <= RELATIVE * pinned.abs().max(1e-2), "{name}: {value}, was {pinned}");
    }
}

#[test]
fn the_set_voice_1_has_the_values_it_always_had() {
    let samples = support::integer_voice(32_000);
    assert_pinned(FunctionalSet::Voice1, &samples, include_str!("../testdata/voice-1.csv"));
}

#[test]
fn the_set_egemaps_like_1_has_the_values_it_always_had() {
    let pinned = include_str!("../testdata/egemaps-like-1.csv");
    assert_pinned(FunctionalSet::EgemapsLike1, &vowel(), pinned);
}

#[test]
fn fields_that_came_later_leave_the_fingerprint_of_the_defaults_as_it_was() {
    assert_eq!(Functionals::default().fingerprint(), "functionals/4 {}");
    let log_mel = concat!(
        r#"log-mel/4 {"sample_rate_hz":16000,"segments":30,"mels":64,"frames":64,"window_ms":25.0,"#,
        r#""hop_ms":10.0,"low_hz":20.0,"high_hz":8000.0,"scale":"htk","normalisation":"none"}"#
    );
    assert_eq!(LogMel::default().fingerprint(), log_mel);
}

#[test]
fn a_set_is_chosen_by_name_and_an_unknown_one_is_refused_with_the_known() {
    let chosen: Functionals = serde_json::from_str(r#"{"set":"egemaps-like-1"}"#).unwrap();
    assert_eq!(chosen.set, FunctionalSet::EgemapsLike1);
    let error = serde_json::from_str::<Functionals>(r#"{"set":"egemaps"}"#).unwrap_err();
    assert!(error.to_string().contains("`voice-1` or `egemaps-like-1`"), "{error}");
}
