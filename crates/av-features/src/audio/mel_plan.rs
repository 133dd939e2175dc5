//! Mel spectrograms of many sounds by what is computed once.

use super::logarithm::Logarithm;
use super::matrix::Matrix;
use super::mel_power::MelPower;
use crate::Result;

/// Window, roots of unity and filters of a [`MelSpectrogram`](crate::MelSpectrogram), which
/// [`MelSpectrogram::plan`](crate::MelSpectrogram::plan) computes once for sounds of any
/// length. Threads can share it.
///
/// # Example
///
/// ```
/// use av_features::{Convention, MelSpectrogram};
///
/// let mel = MelSpectrogram::new(Convention::Torchaudio, 16_000);
/// let plan = mel.plan()?;
/// for length in [800, 16_000] {
///     let tone: Vec<f32> = (0..length).map(|i| (i as f32 * 0.2).sin()).collect();
///     assert_eq!(plan.log(&tone)?, mel.log(&tone)?);
/// }
/// # Ok::<(), av_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MelPlan {
    power: MelPower,
    log: Logarithm,
}

impl MelPlan {
    pub(super) fn new(power: MelPower, log: Logarithm) -> Self {
        Self { power, log }
    }

    /// As [`MelSpectrogram::power`](crate::MelSpectrogram::power).
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) for more than 2^28 values.
    pub fn power(&self, samples: &[f32]) -> Result<Matrix> {
        self.power.of(samples)
    }

    /// As [`MelSpectrogram::log`](crate::MelSpectrogram::log).
    ///
    /// # Errors
    ///
    /// Those of [`power`](Self::power).
    pub fn log(&self, samples: &[f32]) -> Result<Matrix> {
        let mut matrix = self.power(samples)?;
        self.log.apply(&mut matrix.values);
        Ok(matrix)
    }
}
