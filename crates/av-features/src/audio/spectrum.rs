//! Short-time power spectra.

use std::sync::Arc;

use realfft::{FftNum, RealFftPlanner, RealToComplex, num_complex::Complex};

use super::fourier::roots;
use crate::{Error, Result};

/// What a frame sees of a sound and how it is prepared.
#[derive(Debug, Clone)]
pub(crate) struct Framing<T> {
    /// The window, sample by sample.
    pub(crate) window: Vec<T>,
    /// Samples from frame to frame.
    pub(crate) hop: usize,
    /// Samples from the start of frame `t` to sample `t * hop`.
    pub(crate) reach: usize,
    /// What lies beyond the ends of the sound.
    pub(crate) edges: Edges,
    /// Whether a frame loses its mean and is then differenced with this weight before it is windowed.
    pub(crate) emphasis: Option<T>,
}

/// What lies beyond the ends of a sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edges {
    /// The sound, mirrored at its first and last sample.
    Mirror,
    /// Silence.
    Zeros,
    /// Nothing: there are no frames that reach beyond the ends.
    Snip,
}

impl<T> Framing<T> {
    /// Number of frames of a sound.
    pub(crate) fn frames(&self, samples: usize) -> usize {
        match self.edges {
            Edges::Mirror | Edges::Zeros if samples == 0 => 0,
            Edges::Mirror | Edges::Zeros => 1 + samples / self.hop,
            Edges::Snip => {
                samples.checked_sub(self.window.len()).map_or(0, |rest| 1 + rest / self.hop)
            }
        }
    }
}

/// The periodic Hann window.
pub(crate) fn hann(length: usize) -> Vec<f64> {
    hann_of(&roots(length))
}

/// The periodic Hann window of as many samples as there are roots of unity.
pub(crate) fn hann_of(roots: &[[f64; 2]]) -> Vec<f64> {
    roots.iter().map(|[cos, _]| 0.5 - 0.5 * cos).collect()
}

/// Cuts a sound into overlapping frames and gives the power spectrum of each: `|X|^2`, unscaled. The
/// FFT is padded with zeros.
pub(crate) struct Spectrum<T> {
    framing: Framing<T>,
    fft: Arc<dyn RealToComplex<T>>,
    input: Vec<T>,
    output: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
    power: Vec<T>,
}

impl Spectrum<f32> {
    /// `window` and `hop` in samples; `fft` samples a transform, not below `window`.
    ///
    /// Frame `t` is centred at sample `t * hop`. The Hann window is periodic.
    pub(crate) fn new(window: usize, hop: usize, fft: usize, edges: Edges) -> Self {
        let framing = Framing {
            window: hann(window).into_iter().map(|weight| weight as f32).collect(),
            hop,
            reach: window / 2,
            edges,
            emphasis: None,
        };
        Self::framed(framing, fft)
    }
}

impl<T: FftNum + From<f32>> Spectrum<T> {
    /// Spectra of `fft` samples, not fewer than those of the window.
    pub(crate) fn framed(framing: Framing<T>, fft: usize) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(fft);
        Self {
            framing,
            input: fft.make_input_vec(),
            output: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            power: vec![T::zero(); fft.complex_len()],
            fft,
        }
    }

    /// Number of bins of a spectrum.
    pub(crate) fn bins(&self) -> usize {
        self.power.len()
    }

    /// Number of frames of a sound.
    pub(crate) fn frames(&self, samples: usize) -> usize {
        self.framing.frames(samples)
    }

    /// The power spectrum of frame `t`, of a sound that is not empty.
    pub(crate) fn power(&mut self, samples: &[f32], t: usize) -> Result<&[T]> {
        let Framing { window, hop, reach, edges, emphasis } = &self.framing;
        let (frame, padding) = self.input.split_at_mut(window.len());
        padding.fill(T::zero());
        edges.fill(samples, (t * hop) as isize - *reach as isize, frame);
        if let Some(weight) = *emphasis {
            emphasise(frame, weight);
        }
        for (to, &weight) in frame.iter_mut().zip(window) {
            *to = weight * *to;
        }
        self.fft
            .process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch)
            .map_err(|error| Error::Internal { what: "the FFT", source: error.into() })?;
        for (power, value) in self.power.iter_mut().zip(&self.output) {
            *power = value.norm_sqr();
        }
        Ok(&self.power)
    }
}

impl Edges {
    /// The samples from any index on.
    pub(crate) fn fill<T: FftNum + From<f32>>(self, samples: &[f32], start: isize, to: &mut [T]) {
        let before = start.min(0).unsigned_abs().min(to.len());
        let inside = samples.get(start.max(0).unsigned_abs()..).unwrap_or_default();
        let after = (before + inside.len()).min(to.len());
        for (to, &sample) in to[before..after].iter_mut().zip(inside) {
            *to = T::from(sample);
        }
        for i in (0..before).chain(after..to.len()) {
            to[i] = self.beyond(samples, start + i as isize).map_or(T::zero(), T::from);
        }
    }

    /// What is heard at an index beyond the ends.
    fn beyond(self, samples: &[f32], index: isize) -> Option<f32> {
        match self {
            Self::Mirror => samples.get(mirror(index, samples.len())).copied(),
            Self::Zeros | Self::Snip => None,
        }
    }
}

/// Takes the mean from a frame, and then from every sample the one before it, times a weight; the
/// first has itself before it.
fn emphasise<T: FftNum + From<f32>>(frame: &mut [T], weight: T) {
    let sum = frame.iter().fold(T::zero(), |sum, &sample| sum + sample);
    let mean = sum / T::from_usize(frame.len()).unwrap_or(T::one());
    let mut before = frame.first().map_or(T::zero(), |&first| first - mean);
    for sample in frame {
        let here = *sample - mean;
        *sample = here - weight * before;
        before = here;
    }
}

/// The index inside `0..length` that a mirror at the first and last sample shows at `index`.
pub(crate) fn mirror(index: isize, length: usize) -> usize {
    if length < 2 {
        return 0;
    }
    let period = 2 * (length - 1);
    let folded = index.rem_euclid(period as isize) as usize;
    folded.min(period - folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_repeats_the_ends_once() {
        let seen: Vec<_> = (-4..8).map(|i| mirror(i, 4)).collect();
        assert_eq!(seen, [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!(mirror(-5, 1), 0);
    }

    #[test]
    fn a_frame_is_filled_from_before_the_start_to_beyond_the_end() {
        let filled = |edges: Edges, start, length| {
            let mut to = vec![9.0_f32; length];
            edges.fill(&[1.0, 2.0, 3.0], start, &mut to);
            to
        };
        let (mirror, zeros) = (Edges::Mirror, Edges::Zeros);
        assert_eq!(filled(mirror, -2, 7), [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]);
        assert_eq!(filled(zeros, -2, 7), [0.0, 0.0, 1.0, 2.0, 3.0, 0.0, 0.0]);
        assert_eq!(filled(zeros, 1, 2), [2.0, 3.0]);
        assert_eq!(filled(zeros, -1, 3), [0.0, 1.0, 2.0]);
        assert_eq!((filled(zeros, -5, 2), filled(zeros, 4, 2)), (vec![0.0; 2], vec![0.0; 2]));
        assert_eq!((filled(mirror, -5, 2), filled(mirror, 5, 2)), (vec![2.0, 1.0], vec![2.0, 3.0]));
    }

    #[test]
    fn emphasis_takes_the_mean_and_the_sample_before() {
        let mut frame = [1.0, 2.0, 6.0];
        emphasise(&mut frame, 0.5);
        assert_eq!(frame, [-1.0, 0.0, 3.5]);
    }

    #[test]
    fn frames_are_counted_by_their_edges() {
        let frames = |edges, samples| {
            let window = vec![1.0_f32; 400];
            Framing { window, hop: 160, reach: 200, edges, emphasis: None }.frames(samples)
        };
        for (samples, padded, snipped) in [(0, 0, 0), (159, 1, 0), (400, 3, 1), (560, 4, 2)] {
            assert_eq!(frames(Edges::Mirror, samples), padded);
            assert_eq!(frames(Edges::Zeros, samples), padded);
            assert_eq!(frames(Edges::Snip, samples), snipped);
        }
    }
}
