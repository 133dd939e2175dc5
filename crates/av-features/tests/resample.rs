//! Resampled sound against the exact one: noise, length and delay.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

use std::f64::consts::{PI, TAU};

use av_features::read_sound;
use hound::{SampleFormat, WavSpec, WavWriter};

/// The rates of the field, all to 16 kHz.
const RATES_HZ: [u32; 6] = [48_000, 44_100, 32_000, 22_050, 11_025, 8_000];
const TO_HZ: u32 = 16_000;
const DURATION_S: f64 = 1.0;

/// A sound that fades in and out, so that it has no frequencies but its own; `phase` in turns.
fn sound(rate_hz: u32, phase: impl Fn(f64) -> f64) -> Vec<f64> {
    let count = (DURATION_S * f64::from(rate_hz)) as usize + 1;
    (0..count)
        .map(|i| {
            let t = i as f64 / f64::from(rate_hz);
            0.5 * (PI * t / DURATION_S).sin().powi(4) * (TAU * phase(t)).sin()
        })
        .collect()
}

/// Resamples through a wav file of floats, as every clip goes.
fn resampled(samples: &[f64], from_hz: u32) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    let spec = WavSpec {
        channels: 1,
        sample_rate: from_hz,
        bits_per_sample: 32,
        sample_format: SampleFormat::Float,
    };
    let mut writer = WavWriter::create(&path, spec).unwrap();
    for &sample in samples {
        writer.write_sample(sample as f32).unwrap();
    }
    writer.finalize().unwrap();
    read_sound(&path, TO_HZ).unwrap().samples
}

/// Signal-to-noise ratio in dB over the whole sound.
fn snr_db(found: &[f32], truth: &[f64]) -> f64 {
    let signal: f64 = truth.iter().map(|x| x * x).sum();
    let noise: f64 = found.iter().zip(truth).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
    10.0 * (signal / noise).log10()
}

#[test]
fn sines_and_sweeps_survive_with_120_db_the_exact_length_and_no_delay() {
    for from_hz in RATES_HZ {
        let band_hz = f64::from(from_hz.min(TO_HZ)) / 2.0;
        // The filter bends the last tenth of the band; a sine, and a sweep from 0 Hz.
        let sine = |share: f64| (share * band_hz, 0.0);
        let sweep = (0.0, 0.85 * band_hz / DURATION_S);
        for (start_hz, rise) in [sine(0.01), sine(0.25), sine(0.5), sine(0.8), sweep] {
            let phase = |t: f64| start_hz * t + 0.5 * rise * t * t;
            let found = resampled(&sound(from_hz, phase), from_hz);
            let count = sound(from_hz, phase).len();
            assert_eq!(found.len(), (count * 16_000).div_ceil(from_hz as usize), "{from_hz} Hz");
            let truth = sound(TO_HZ, phase);
            let snr = snr_db(&found, &truth);
            println!("{from_hz} Hz, {start_hz} Hz rising {rise}: {snr:.1} dB");
            assert!(snr >= 120.0, "{from_hz} Hz, {start_hz} Hz rising {rise}: {snr:.1} dB");
            // A delay of a hundredth of a sample would be seen.
            let late = |t: f64| phase(t - 0.01 / f64::from(TO_HZ));
            assert!(snr_db(&found, &sound(TO_HZ, late)) < 100.0, "{from_hz} Hz, {start_hz} Hz");
        }
    }
}
