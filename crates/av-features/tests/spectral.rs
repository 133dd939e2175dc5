//! Mel spectrograms, cepstra and deltas equal those of librosa, torchaudio and Kaldi: scripts/goldens/audio.py.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

use av_features::{
    Convention, Error, Extractor, Logarithm, Matrix, MelSpectrogram, Mfcc, Precision, Values,
    deltas,
};
use serde_json::Value;

/// Bands are sums of positive numbers, so they hold to the last digits of f32: of each value.
const MEL: f64 = 1e-6;
const LOG_MEL: f64 = 1e-4;

/// In f32 a transform errs by some parts of the loudest amplitude of the frame: of the loudest band, and so of each band by
/// the root of how much quieter it is.
const SINGLE: f64 = 1e-6;
const MFCC: f64 = 1e-3;
const DELTA: f64 = 1e-4;

/// The signal of the script, from the same integers.
fn signal(count: usize, silent: bool) -> Vec<f32> {
    let (mut phase, mut noise) = (0_u32, 1_u32);
    (0..count)
        .map(|i| {
            phase = phase.wrapping_add(20_000_000).wrapping_add(12_000 * i as u32);
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let quiet = silent && (count / 3..2 * count / 3).contains(&i);
            let sample = (phase as i32 >> 18) + (noise as i32 >> 23);
            if quiet { 0.0 } else { sample as f32 / 32_768.0 }
        })
        .collect()
}

/// A convention, its name in the golden file and the tool's own sample rate.
const TOOLS: [(Convention, &str, u32); 3] = [
    (Convention::Librosa, "librosa", 22_050),
    (Convention::Torchaudio, "torchaudio", 16_000),
    (Convention::Kaldi, "kaldi", 16_000),
];

/// Calls a check with every signal and the matrices that a tool made of it.
fn for_each(mut check: impl FnMut(Convention, u32, &[f32], &Value)) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/spectral.json");
    let golden: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let signals = golden.as_object().unwrap();
    assert_eq!(signals.len(), 3);
    for signal_of in signals.values() {
        let count = signal_of["samples"].as_u64().unwrap() as usize;
        let samples = signal(count, signal_of["silent"].as_bool().unwrap());
        for (convention, name, rate_hz) in TOOLS {
            check(convention, rate_hz, &samples, &signal_of["tools"][name]);
        }
    }
}

/// Asserts the shape of a golden matrix and an error below `bound(truth)` in each value; 1 if it is there.
fn compare(what: &str, found: &Matrix, golden: &Value, bound: impl Fn(f64) -> f64) -> usize {
    let Some(rows) = golden.as_array() else { return 0 };
    assert_eq!(found.rows(), rows.len(), "frames of {what}");
    let mut worst = 0.0_f64;
    for (t, row) in rows.iter().enumerate() {
        let row = row.as_array().unwrap();
        assert_eq!(found.columns, row.len(), "columns of {what}");
        for (m, (found, truth)) in found.row(t).iter().zip(row).enumerate() {
            let (found, truth) = (f64::from(*found), truth.as_f64().unwrap());
            let error = (found - truth).abs();
            worst = worst.max(error / bound(truth));
            assert!(error <= bound(truth), "{what}: {found} instead of {truth} at ({t}, {m})");
        }
    }
    println!("{what}: {} frames, worst error {worst:.3} of the bound", rows.len());
    1
}

#[test]
fn mel_and_log_mel_equal_those_of_the_tools() {
    let mut compared = 0;
    for_each(|convention, rate_hz, samples, golden| {
        let mel = MelSpectrogram::new(convention, rate_hz);
        let name = |what: &str| format!("{what} of {convention:?}, {} samples", samples.len());
        let power = mel.power(samples).unwrap();
        compared += compare(&name("mel"), &power, &golden["mel"], |truth| MEL * truth);
        let own = MelSpectrogram {
            n_fft: 512,
            window: 401,
            hop: 160,
            n_mels: 40,
            low_hz: 20.0,
            high_hz: 7600.0,
            ..mel.clone()
        };
        let power = own.power(samples).unwrap();
        compared += compare(&name("own mel"), &power, &golden["mel_own"], |truth| MEL * truth);
        let log = mel.log(samples).unwrap();
        compared += compare(&name("log-mel"), &log, &golden["log_mel"], |_| LOG_MEL);
        let wide = MelSpectrogram { n_mels: 80, ..mel };
        let log = wide.log(samples).unwrap();
        compared += compare(&name("80 bands"), &log, &golden["log_mel_80"], |_| LOG_MEL);
    });
    // Kaldi has no frame of the short signal.
    assert_eq!(compared, 8 * 2 + 3 * 2 + 2);
}

#[test]
fn in_f32_bands_are_right_beside_the_loudest_of_their_frame() {
    let mut compared = 0;
    let mut worst = 0.0_f64;
    for_each(|convention, rate_hz, samples, golden| {
        let mel = MelSpectrogram {
            precision: Precision::Single,
            ..MelSpectrogram::new(convention, rate_hz)
        };
        let power = mel.power(samples).unwrap();
        for (t, truth) in golden["mel"].as_array().into_iter().flatten().enumerate() {
            let truth: Vec<f64> =
                truth.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
            let loudest = truth.iter().copied().fold(0.0, f64::max);
            for (m, (&found, truth)) in power.row(t).iter().zip(truth).enumerate() {
                let error = (f64::from(found) - truth).abs();
                let bound = SINGLE * (truth * loudest).sqrt() + SINGLE * SINGLE * loudest;
                if error > 0.0 {
                    worst = worst.max(error / bound);
                }
                assert!(error <= bound, "{convention:?}: {found} instead of {truth} at ({t}, {m})");
                compared += 1;
            }
        }
        let name = format!("log-mel in f32 of {convention:?}, {} samples", samples.len());
        compare(&name, &mel.log(samples).unwrap(), &golden["log_mel"], |_| LOG_MEL);
    });
    println!("worst error {worst:.3} of the bound");
    assert!(compared > 1000, "{compared}");
}

#[test]
fn cepstra_and_their_deltas_equal_those_of_the_tools() {
    let mut compared = 0;
    for_each(|convention, rate_hz, samples, golden| {
        let name = |what: &str| format!("{what} of {convention:?}, {} samples", samples.len());
        let mfcc = Mfcc::new(convention, rate_hz);
        let found = mfcc.frames(samples).unwrap();
        compared += compare(&name("mfcc"), &found, &golden["mfcc"], |_| MFCC);
        for (what, order) in [("delta", 1), ("delta2", 2)] {
            if !golden[what].is_null() {
                let delta = deltas(&found, convention, order).unwrap();
                compared += compare(&name(what), &delta, &golden[what], |_| DELTA);
            }
        }
        let mut of_log = mfcc;
        of_log.mel.log = Logarithm::Offset;
        let found = of_log.frames(samples).unwrap();
        compared += compare(&name("mfcc of ln"), &found, &golden["mfcc_of_log"], |_| MFCC);
    });
    // librosa has no deltas of one frame.
    assert_eq!(compared, 8 + 2 * 2 + 3 * 2 + 3);
}

#[test]
fn segments_of_cepstra_have_their_shape_names_and_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    let samples = signal(9_001, false);
    for sample in &samples {
        writer.write_sample((sample * 32_768.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
    for (convention, n_mfcc) in
        [(Convention::Librosa, 20), (Convention::Torchaudio, 40), (Convention::Kaldi, 13)]
    {
        let mfcc = Mfcc { segments: 3, segment_frames: 11, ..Mfcc::new(convention, 16_000) };
        let features = mfcc.extract(&path).unwrap();
        assert_eq!(features.shape, [3, 3, n_mfcc, 11]);
        let Values::F32(values) = &features.values else { panic!("cepstra are f32") };
        assert_eq!(values.len(), features.shape.iter().product::<usize>());
        // The middle segment's static zeroth coefficient is that of the frames in the middle.
        let frames = mfcc.frames(&samples).unwrap();
        let start = av_features::segments::windows(frames.rows(), 11, 3)[1] as usize;
        let at = 3 * n_mfcc * 11;
        let truth: Vec<f32> = (start..start + 11).map(|t| frames.row(t)[0]).collect();
        assert_eq!(values[at..at + 11], truth);
        let text = mfcc.fingerprint();
        assert!(text.starts_with("mfcc/5 {\"mel\":{\"convention\":\""), "{text}");
        let json = serde_json::to_string(&mfcc).unwrap();
        assert_eq!(serde_json::from_str::<Mfcc>(&json).unwrap(), mfcc);
    }
    let mut few = Mfcc::new(Convention::Librosa, 16_000);
    few.mel.hop = 2000;
    let error = few.extract(&path).unwrap_err().to_string();
    assert!(error.contains("5 frames are fewer than the 9 of librosa's deltas"), "{error}");
    let mut long = Mfcc::new(Convention::Kaldi, 16_000);
    (long.mel.window, long.mel.n_fft) = (16_000, 16_384);
    assert!(matches!(long.extract(&path), Err(Error::TooShort { .. })));
}
