//! Sound: features of a file, and another rate.

use super::draws;
use super::{Answer, Work};
use crate::commands::bench::fixtures::{FILM_RATE_HZ, Fixtures};
use av_features::{Extractor as _, LogMel};
use std::hint::black_box;

/// Rate of speech recognition, to which sound is brought, in Hz.
const RATE_HZ: u32 = 16_000;

/// Log-mel segments of a wav file at 48 kHz: read, resampled, transformed.
pub fn log_mel(fixtures: &Fixtures) -> Answer<Work> {
    let (sound, extractor) = (fixtures.sound(), LogMel::default());
    Ok(Box::new(move || {
        black_box(extractor.extract(&sound)?);
        Ok(())
    }))
}

/// A second of noise from 48 to 16 kHz.
pub fn resample(_: &Fixtures) -> Answer<Work> {
    let draws = draws("sound", FILM_RATE_HZ as usize);
    let samples: Vec<f32> = draws.into_iter().map(|draw| 0.1 * draw as f32).collect();
    Ok(Box::new(move || {
        black_box(av_features::resample(&samples, FILM_RATE_HZ, RATE_HZ)?);
        Ok(())
    }))
}
