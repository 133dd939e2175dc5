//! Mel spectrograms of many frames at once, one a lane.

use pulp::{Arch, Simd, WithSimd};

use super::fourier::{Complex, Fourier, Planes, roots};
use super::lanes::{Aligned, Lanes, Real, interleave};
use super::mel::MelBank;
use super::spectrum::Framing;

/// Rows that keep the two halves of a buffer from the same places of the cache.
const GAP: usize = 1;

/// Most lanes: 64 bytes of f32.
const MAX_LANES: usize = 16;

/// Power in the bands of a bank, a block of frames at a time.
///
/// The samples of a frame, two and two, are transformed as complex numbers, half as many. Sums have the same order on all
/// machines and nothing is fused, so that the bits are the same too.
pub(crate) struct MelBlocks<T> {
    framing: Framing<T>,
    /// Its weights two and two; a window of odd length is followed by a 0.
    window: Vec<[T; 2]>,
    /// Complex numbers of a transform.
    half: usize,
    fourier: Fourier<T>,
    /// `-i exp(-2 pi i k / n)`, which part the spectra of even and odd samples.
    parting: Vec<[T; 2]>,
    filters: Vec<Filter<T>>,
}

/// The bins that a band sees.
struct Filter<T> {
    first: usize,
    weights: Vec<T>,
}

/// What a block of frames is computed in, kept from one to the next.
struct Buffers<T> {
    lanes: usize,
    edges: Vec<f32>,
    shuffled: Aligned<f32>,
    samples: Aligned<f32>,
    wide: Aligned<T>,
    a: Aligned<T>,
    b: Aligned<T>,
    bands: Aligned<T>,
    narrow: Aligned<f32>,
    tile: Aligned<f32>,
}

impl<T: Real> MelBlocks<T> {
    /// None if `n_fft` has a prime factor above 5.
    pub(crate) fn new(framing: &Framing<f64>, n_fft: usize, bank: &MelBank) -> Option<Self> {
        let roots = roots(n_fft);
        let half = n_fft / 2;
        let fourier = Fourier::new(half, &roots)?;
        let parting = roots.iter().take(half / 2 + 1);
        let parting = parting.map(|&[re, im]| [im, -re].map(T::rounded)).collect();
        // Half the window is half the spectrum, which spares the halves of the two spectra that are parted.
        let weights: Vec<T> =
            framing.window.iter().map(|weight| T::rounded(0.5 * weight)).collect();
        let window = weights.chunks(2).map(|pair| [pair[0], *pair.get(1).unwrap_or(&T::zero())]);
        let window = window.collect();
        let filters = bank.filters().map(|(first, weights)| Filter {
            first,
            weights: weights.iter().map(|&weight| T::from(weight)).collect(),
        });
        let framing = Framing {
            window: weights,
            hop: framing.hop,
            reach: framing.reach,
            edges: framing.edges,
            emphasis: framing.emphasis.map(T::rounded),
        };
        Some(Self { framing, window, half, fourier, parting, filters: filters.collect() })
    }

    /// Frame after frame the power in each band.
    pub(crate) fn power(&self, samples: &[f32]) -> Vec<f32> {
        Arch::new().dispatch(Run { blocks: self, samples })
    }
}

struct Run<'a, T> {
    blocks: &'a MelBlocks<T>,
    samples: &'a [f32],
}

impl<T: Real> WithSimd for Run<'_, T> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let Self { blocks, samples } = self;
        let lanes = size_of::<T::Vector<S>>() / size_of::<T>();
        let (frames, bands) = (blocks.framing.frames(samples.len()), blocks.filters.len());
        let mut buffers = Buffers::new(blocks, lanes);
        let mut values = vec![0.0; frames * bands];
        for (block, values) in values.chunks_mut(lanes * bands).enumerate() {
            blocks.gather(samples, block * lanes, &mut buffers);
            blocks.window(simd, &mut buffers);
            let Buffers { a, b, bands: sums, .. } = &mut buffers;
            let other = {
                let (mut a, mut b) = (Planes::of(a.get()), Planes::of(b.get()));
                blocks.fourier.run(simd, &mut a, &mut b)
            };
            let (spectrum, power) = if other { (b, a) } else { (a, b) };
            blocks.spectrum(simd, &Planes::of(spectrum.get()), power.get());
            blocks.bands(simd, power.get(), sums.get());
            buffers.write(bands, values);
        }
        values
    }
}

impl<T: Real> Buffers<T> {
    fn new(blocks: &MelBlocks<T>, lanes: usize) -> Self {
        let window = blocks.framing.window.len();
        let planes = || Aligned::zeros(2 * (blocks.half + GAP) * lanes);
        let bands = blocks.filters.len().next_multiple_of(lanes) * lanes;
        Self {
            lanes,
            edges: vec![0.0; window * lanes],
            shuffled: Aligned::zeros(window.max(lanes) * lanes),
            // A window of odd length is followed by a sample of 0.
            samples: Aligned::zeros((window + 1) * lanes),
            wide: Aligned::zeros(if T::WIDER { (window + 1) * lanes } else { 0 }),
            a: planes(),
            b: planes(),
            bands: Aligned::zeros(bands),
            narrow: Aligned::zeros(bands),
            tile: Aligned::zeros(lanes * lanes),
        }
    }

    /// From bands, a frame a lane, to frames.
    #[inline(always)]
    fn write(&mut self, bands: usize, values: &mut [f32]) {
        let lanes = self.lanes;
        let narrow = self.narrow.get();
        for (to, from) in narrow.iter_mut().zip(self.bands.get()) {
            *to = from.narrow();
        }
        let (tile, shuffled) = (self.tile.get(), self.shuffled.get());
        for (group, narrow) in narrow.chunks_exact(lanes * lanes).enumerate() {
            interleave(|band| &narrow[band * lanes..][..lanes], lanes, tile, shuffled);
            let first = group * lanes;
            for (frame, tile) in values.chunks_exact_mut(bands).zip(tile.chunks_exact(lanes)) {
                let to = &mut frame[first..];
                if let Some(to) = to.get_mut(..lanes) {
                    to.copy_from_slice(tile);
                } else {
                    to.copy_from_slice(&tile[..to.len()]);
                }
            }
        }
    }
}

impl<T: Real> MelBlocks<T> {
    /// The samples of a block of frames from the first, one a lane; lanes beyond the last frame have those of the last.
    #[inline(always)]
    fn gather(&self, samples: &[f32], first: usize, buffers: &mut Buffers<T>) {
        let Framing { window, hop, reach, edges, .. } = &self.framing;
        let (window, lanes) = (window.len(), buffers.lanes);
        let last = self.framing.frames(samples.len()).saturating_sub(1);
        let mut inside = [None; MAX_LANES];
        for (lane, inside) in inside.iter_mut().enumerate().take(lanes) {
            let start = ((first + lane).min(last) * hop) as isize - *reach as isize;
            *inside = usize::try_from(start).ok().filter(|start| start + window <= samples.len());
            if inside.is_none() {
                let row = &mut buffers.edges[lane * window..][..window];
                for (i, to) in row.iter_mut().enumerate() {
                    *to = edges.sample(samples, start + i as isize);
                }
            }
        }
        let rows = &buffers.edges;
        let row = |lane: usize| match inside[lane] {
            Some(start) => &samples[start..][..window],
            None => &rows[lane * window..][..window],
        };
        interleave(row, lanes, buffers.samples.get(), buffers.shuffled.get());
    }

    /// Even samples become real, odd ones imaginary parts, prepared as the frames are to be.
    #[inline(always)]
    fn window<S: Simd>(&self, simd: S, buffers: &mut Buffers<T>) {
        let Buffers { lanes, samples, wide, a, .. } = buffers;
        let samples = T::vectors::<S>(T::widened(samples.get(), wide.get())).as_chunks::<2>().0;
        let mut planes = Planes::of(a.get());
        let pairs = self.window.len();
        planes.re[pairs * *lanes..].fill(T::zero());
        planes.im[pairs * *lanes..].fill(T::zero());
        let (re, im) = (T::vectors_mut::<S>(planes.re), T::vectors_mut::<S>(planes.im));
        let prepared = re.iter_mut().zip(im.iter_mut()).zip(samples);
        if let Some(weight) = self.framing.emphasis {
            for ((re, im), &[even, odd]) in prepared {
                (*re, *im) = (even, odd);
            }
            self.emphasise(simd, &mut planes, weight);
        } else {
            for (((re, im), &[even, odd]), &[a, b]) in prepared.zip(&self.window) {
                *re = (Lanes::<S, T>::new(simd, even) * a).vector;
                *im = (Lanes::<S, T>::new(simd, odd) * b).vector;
            }
        }
    }

    /// Takes the mean from a frame, and from every sample the one before it, times a weight, before it is windowed.
    #[inline(always)]
    fn emphasise<S: Simd>(&self, simd: S, planes: &mut Planes<'_, T>, weight: T) {
        let (re, im) = (T::vectors_mut::<S>(planes.re), T::vectors_mut::<S>(planes.im));
        let lanes = |vector| Lanes::<S, T>::new(simd, vector);
        let mut sum = Lanes::splat(simd, T::zero());
        for (re, im) in re.iter().zip(im.iter()).take(self.window.len()) {
            sum = sum + lanes(*re) + lanes(*im);
        }
        let mean = sum * T::rounded(1.0 / self.framing.window.len() as f64);
        let mut before = lanes(re[0]) - mean;
        for ((re, im), &[a, b]) in re.iter_mut().zip(im.iter_mut()).zip(&self.window) {
            let (even, odd) = (lanes(*re) - mean, lanes(*im) - mean);
            *re = ((even - before * weight) * a).vector;
            *im = ((odd - even * weight) * b).vector;
            before = odd;
        }
    }

    /// The power of each bin, from the transform of even and odd samples as one complex number.
    #[inline(always)]
    fn spectrum<S: Simd>(&self, simd: S, planes: &Planes<'_, T>, power: &mut [T]) {
        let half = self.half;
        let (re, im) = (&T::vectors::<S>(planes.re)[..half], &T::vectors::<S>(planes.im)[..half]);
        let power = &mut T::vectors_mut::<S>(power)[..=half];
        let lanes = |vector| Lanes::<S, T>::new(simd, vector);
        let two = T::rounded(2.0);
        let (sum, difference) =
            ((lanes(re[0]) + lanes(im[0])) * two, (lanes(re[0]) - lanes(im[0])) * two);
        power[0] = (sum * sum).vector;
        power[half] = (difference * difference).vector;
        for (k, &parting) in self.parting.iter().enumerate().skip(1) {
            let mirrored = half - k;
            let (a, b) = ([lanes(re[k]), lanes(im[k])], [lanes(re[mirrored]), lanes(im[mirrored])]);
            let even = Complex { re: a[0] + b[0], im: a[1] - b[1] };
            let odd = Complex { re: a[0] - b[0], im: a[1] + b[1] }.times(parting);
            let (re, im) = (even.re + odd.re, even.im + odd.im);
            power[k] = (re * re + im * im).vector;
            let (re, im) = (even.re - odd.re, even.im - odd.im);
            power[mirrored] = (re * re + im * im).vector;
        }
    }

    /// The power in each band.
    #[inline(always)]
    fn bands<S: Simd>(&self, simd: S, power: &[T], bands: &mut [T]) {
        let (power, bands) = (T::vectors::<S>(power), T::vectors_mut::<S>(bands));
        for (band, Filter { first, weights }) in bands.iter_mut().zip(&self.filters) {
            let mut sum = Lanes::<S, T>::splat(simd, T::zero());
            for (&power, &weight) in power[*first..].iter().zip(weights) {
                sum = sum + Lanes::new(simd, power) * weight;
            }
            *band = sum.vector;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::mel::{MelScale, Triangles};
    use crate::audio::spectrum::{Edges, Spectrum, hann};

    fn framing(window: usize, edges: Edges, emphasis: Option<f64>) -> Framing<f64> {
        let reach = if edges == Edges::Snip { 0 } else { window / 2 };
        Framing { window: hann(window).collect(), hop: 7, reach, edges, emphasis }
    }

    /// Largest error of a band of any frame beside the frames in f64, relative to the band and to the loudest of its frame. What
    /// is left of silence without its mean is none.
    fn errors<T: Real>(framing: Framing<f64>, n_fft: usize, samples: &[f32]) -> [f64; 2] {
        let range_hz = [0.0, 8000.0];
        let bin_hz = 16_000.0 / n_fft as f64;
        let bank =
            MelBank::shaped(MelScale::Htk, Triangles::Peak, 19, range_hz, bin_hz, n_fft / 2 + 1);
        let found = MelBlocks::<T>::new(&framing, n_fft, &bank).unwrap().power(samples);
        let mut spectrum = Spectrum::framed(framing, n_fft);
        assert_eq!(found.len(), 19 * spectrum.frames(samples.len()));
        let mut worst = [0.0_f64; 2];
        for (t, found) in found.chunks_exact(19).enumerate() {
            let truth: Vec<f64> = bank.apply(spectrum.power(samples, t).unwrap()).collect();
            let loudest = truth.iter().copied().fold(1e-6, f64::max);
            for (found, truth) in found.iter().zip(truth) {
                let error = (f64::from(*found) - truth).abs();
                worst = [worst[0].max(error / (truth + 1e-20)), worst[1].max(error / loudest)];
            }
        }
        worst
    }

    #[test]
    fn blocks_are_the_frames_one_after_the_other() {
        let sound: Vec<f32> = (0..420).map(|i| (i as f32 * 0.37).sin() + 0.2).collect();
        for frames in [1, 2, 15, 16, 17, 33, 50] {
            for (window, n_fft) in [(2, 2), (17, 20), (24, 24), (31, 32), (30, 36), (60, 60)] {
                for edges in [Edges::Mirror, Edges::Zeros, Edges::Snip] {
                    for emphasis in [None, Some(0.97)] {
                        let beyond = if edges == Edges::Snip { window } else { 0 };
                        let samples = &sound[..7 * (frames - 1) + beyond.max(1)];
                        let framing = || framing(window, edges, emphasis);
                        assert_eq!(framing().frames(samples.len()), frames);
                        let [own, _] = errors::<f64>(framing(), n_fft, samples);
                        let what = format!("{frames} frames, {window} of {n_fft}, {edges:?}");
                        assert!(own < 1e-7, "{what}: {own:e}");
                        let [_, loudest] = errors::<f32>(framing(), n_fft, samples);
                        assert!(loudest < 1e-6, "{what}: {loudest:e}");
                    }
                }
            }
        }
    }

    #[test]
    fn other_factors_have_no_blocks() {
        let bank = MelBank::new(MelScale::Htk, 4, [0.0, 8000.0], 1000.0, 8);
        assert!(MelBlocks::<f32>::new(&framing(14, Edges::Zeros, None), 14, &bank).is_none());
    }
}
