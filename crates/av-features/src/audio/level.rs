//! How loud a frame is.

/// Level of a frame without power, in dB; the quantisation noise of 16 bits lies at -101 dB.
pub(crate) const SILENCE_DB: f64 = -110.0;

/// Mean square in dB relative to full scale.
pub(crate) fn level(samples: &[f32]) -> f64 {
    let mean = samples.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / samples.len() as f64;
    (10.0 * mean.log10()).max(SILENCE_DB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scale_sine_lies_3_decibels_below_a_full_scale_constant() {
        let sine: Vec<f32> =
            (0..800).map(|i| (std::f32::consts::TAU * i as f32 / 80.0).sin()).collect();
        assert!((level(&sine) + 10.0 * 2_f64.log10()).abs() < 1e-5, "{}", level(&sine));
        assert_eq!(level(&[1.0, -1.0, 1.0]), 0.0);
        assert_eq!(level(&[0.0; 7]), SILENCE_DB);
    }
}
