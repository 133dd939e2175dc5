//! Mel spectrograms of many frames at once, one a lane.

#[cfg(target_arch = "x86_64")]
use std::any::Any;
use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use pulp::x86::V4;
use pulp::{Arch, Simd, WithSimd};

use super::fourier::{Complex, Fourier, Planes};
use super::interleave::interleave;
#[cfg(target_arch = "x86_64")]
use super::interleave_avx512::deal_16;
use super::lanes::{Aligned, Lanes, Real};
use super::mel::MelBank;
use super::spectrum::Framing;

/// Samples of a frame that are brought into lanes at a time: few, so that the transform's buffer stays in the nearest cache.
const TILE: usize = 32;

/// Most lanes: 64 bytes of f32.
const MAX_LANES: usize = 16;

/// Power in the bands of a bank, a block of frames at a time.
///
/// The samples of a frame, two and two, are transformed as complex numbers, half as many. Sums have the same order on all
/// machines and nothing is fused, so that the bits are the same too.
#[derive(Debug, Clone)]
pub(crate) struct MelBlocks<T> {
    pub(crate) framing: Framing<T>,
    /// Its weights two and two; a window of odd length is followed by a 0.
    window: Vec<[T; 2]>,
    /// What samples are multiplied by as they come into lanes: the window, or ones if something else is done to them before.
    gathering: Vec<[T; 2]>,
    /// Complex numbers of a transform.
    half: usize,
    fourier: Fourier<T>,
    /// Where the power of each bin is.
    places: Vec<usize>,
    /// `-i exp(-2 pi i k / n)`, which part the spectra of even and odd samples.
    parting: Vec<[T; 2]>,
    filters: Vec<Filter>,
    /// Those of one filter after the other.
    weights: Vec<T>,
}

/// The bins that a band sees.
#[derive(Debug, Clone)]
struct Filter {
    first: usize,
    count: usize,
}

/// What a block of frames is computed in, kept from one to the next.
struct Buffers<T> {
    /// Samples of frames that reach beyond the ends of the sound, one frame after the other.
    edges: Vec<f32>,
    tile: Aligned<f32>,
    shuffled: Aligned<f32>,
    wide: Aligned<T>,
    /// A number more than the transform has in each plane, for the power of the last bin.
    planes: Aligned<T>,
    bands: Aligned<T>,
    narrow: Aligned<f32>,
}

impl<T: Real> MelBlocks<T> {
    /// None if a transform has a prime factor above 5. There are as many roots of unity as samples of a transform.
    pub(crate) fn new(framing: &Framing<f64>, roots: &[[f64; 2]], bank: &MelBank) -> Option<Self> {
        let half = roots.len() / 2;
        let fourier = Fourier::new(half, roots)?;
        let parting = roots.iter().take(half / 2 + 1);
        let parting = parting.map(|&[re, im]| [im, -re].map(T::rounded)).collect();
        // Half the window is half the spectrum, which spares the halves of the two spectra that are parted.
        let weights: Vec<T> =
            framing.window.iter().map(|weight| T::rounded(0.5 * weight)).collect();
        let window = weights.chunks(2).map(|pair| [pair[0], *pair.get(1).unwrap_or(&T::zero())]);
        let window: Vec<_> = window.collect();
        let ones = || vec![[T::one(); 2]; window.len()];
        let gathering = framing.emphasis.map_or_else(|| window.clone(), |_| ones());
        let filters = bank.filters();
        let filters = filters.map(|(first, seen)| Filter { first, count: seen.len() }).collect();
        let seen = bank.filters().flat_map(|(_, weights)| weights);
        let seen = seen.map(|&weight| T::from(weight)).collect();
        let framing = Framing {
            window: weights,
            hop: framing.hop,
            reach: framing.reach,
            edges: framing.edges,
            emphasis: framing.emphasis.map(T::rounded),
        };
        // The last bin follows the numbers of the transform.
        let places = fourier.places.iter().copied().chain([half]).collect();
        Some(Self {
            framing,
            window,
            gathering,
            half,
            fourier,
            places,
            parting,
            filters,
            weights: seen,
        })
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
        let (frames, bands) = (blocks.framing.frames(samples.len()), blocks.filters.len());
        let lanes = T::lanes::<S>();
        let mut buffers = Buffers::new(blocks, lanes);
        let mut values = Vec::with_capacity(frames * bands);
        for first in (0..frames).step_by(lanes) {
            let block = first..frames.min(first + lanes);
            blocks.gather(simd, samples, block.clone(), &mut buffers);
            let Buffers { planes, bands: sums, .. } = &mut buffers;
            let mut planes = Planes::of(planes.get());
            if let Some(weight) = blocks.framing.emphasis {
                blocks.emphasise(simd, &mut planes, weight);
            }
            blocks.fourier.run(simd, &mut planes);
            blocks.spectrum(simd, &mut planes);
            blocks.bands(simd, planes.re, sums.get());
            // Cleared only now, they are still in the nearest cache when they are filled.
            let filled = values.len();
            values.resize(filled + block.len() * bands, 0.0);
            buffers.frames(simd, bands, &mut values[filled..]);
        }
        values
    }
}

impl<T: Real> Buffers<T> {
    fn new(blocks: &MelBlocks<T>, lanes: usize) -> Self {
        let bands = blocks.filters.len();
        let filled = bands.next_multiple_of(lanes) * lanes;
        Self {
            edges: vec![0.0; blocks.framing.window.len() * lanes],
            tile: Aligned::zeros(TILE * lanes),
            shuffled: Aligned::zeros(TILE * lanes),
            wide: Aligned::zeros(if T::WIDER { TILE * lanes } else { 0 }),
            planes: Aligned::zeros(2 * (blocks.half + 1) * lanes),
            bands: Aligned::zeros(filled),
            narrow: Aligned::zeros(if T::WIDER { filled } else { 0 }),
        }
    }

    /// From bands, a frame a lane, to frames.
    #[inline(always)]
    fn frames<S: Simd>(&mut self, simd: S, bands: usize, to: &mut [f32]) {
        let lanes = T::lanes::<S>();
        let narrow = T::narrowed(self.bands.get(), self.narrow.get());
        let (tile, shuffled) = (self.tile.get(), self.shuffled.get());
        for (group, narrow) in narrow.chunks_exact(lanes * lanes).enumerate() {
            let row = |band: usize| &narrow[band * lanes..][..lanes];
            interleave(simd, row, lanes, tile, shuffled);
            let first = group * lanes;
            for (frame, tile) in to.chunks_exact_mut(bands).zip(tile.chunks_exact(lanes)) {
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
    /// The samples of each frame of a block, and those of the last for lanes beyond it.
    #[inline(always)]
    fn rows<'a>(
        &self,
        samples: &'a [f32],
        block: Range<usize>,
        edges: &'a mut [f32],
    ) -> [&'a [f32]; MAX_LANES] {
        let Framing { window, hop, reach, edges: beyond, .. } = &self.framing;
        let length = window.len();
        let start = |frame: usize| (frame * hop) as isize - *reach as isize;
        let inside = |frame| samples.get(usize::try_from(start(frame)).ok()?..)?.get(..length);
        for (frame, row) in block.clone().zip(edges.chunks_exact_mut(length)) {
            if inside(frame).is_none() {
                beyond.fill(samples, start(frame), row);
            }
        }
        let mut rows = [&edges[..length]; MAX_LANES];
        for (lane, row) in rows.iter_mut().enumerate() {
            let lane = lane.min(block.len() - 1);
            *row = inside(block.start + lane).unwrap_or(&edges[lane * length..][..length]);
        }
        rows
    }

    /// The samples of a block of frames, one frame a lane, times the weights of their gathering. Even samples become real, odd
    /// ones imaginary parts.
    #[inline(always)]
    fn gather<S: Simd>(
        &self,
        simd: S,
        samples: &[f32],
        block: Range<usize>,
        buffers: &mut Buffers<T>,
    ) {
        let Buffers { edges, tile, shuffled, wide, planes, .. } = buffers;
        let rows = self.rows(samples, block, edges);
        let (lanes, length) = (T::lanes::<S>(), self.framing.window.len());
        let pairs = self.gathering.len() * lanes;
        #[cfg(target_arch = "x86_64")]
        if let (Some(&simd), Some(weights), Some(planes)) = (
            (&simd as &dyn Any).downcast_ref::<V4>(),
            (&self.gathering as &dyn Any).downcast_ref::<Vec<[f32; 2]>>(),
            (&mut *planes as &mut dyn Any).downcast_mut::<Aligned<f32>>(),
        ) {
            let Planes { re, im } = Planes::of(planes.get());
            re[pairs..].fill(0.0);
            im[pairs..].fill(0.0);
            return deal_16(simd, rows, weights, re, im);
        }
        let (tile, shuffled, wide) = (tile.get(), shuffled.get(), wide.get());
        let planes = Planes::of(planes.get());
        planes.re[pairs..].fill(T::zero());
        planes.im[pairs..].fill(T::zero());
        let (re, im) = (T::vectors_mut::<S>(planes.re), T::vectors_mut::<S>(planes.im));
        let tiles = re.chunks_mut(TILE / 2).zip(im.chunks_mut(TILE / 2));
        for (at, ((re, im), weights)) in tiles.zip(self.gathering.chunks(TILE / 2)).enumerate() {
            let row = |lane: usize| &rows[lane][at * TILE..length.min((at + 1) * TILE)];
            interleave(simd, row, lanes, tile, shuffled);
            // A window of odd length is followed by a sample of 0.
            tile[row(0).len() * lanes..].fill(0.0);
            let samples = T::vectors::<S>(T::widened(tile, wide)).as_chunks::<2>().0;
            let pairs = re.iter_mut().zip(im).zip(samples).zip(weights);
            for (((re, im), &[even, odd]), &[a, b]) in pairs {
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

    /// The power of each bin, from the transform of even and odd samples as one complex number, in place of the real parts.
    #[inline(always)]
    fn spectrum<S: Simd>(&self, simd: S, planes: &mut Planes<'_, T>) {
        let (re, im) = (T::vectors_mut::<S>(planes.re), T::vectors::<S>(planes.im));
        let (half, places) = (self.half, &self.places);
        let lanes = |vector| Lanes::<S, T>::new(simd, vector);
        let two = T::rounded(2.0);
        let (sum, difference) =
            ((lanes(re[0]) + lanes(im[0])) * two, (lanes(re[0]) - lanes(im[0])) * two);
        re[0] = (sum * sum).vector;
        re[half] = (difference * difference).vector;
        let pairs = places.iter().zip(places.iter().rev()).zip(&self.parting);
        for ((&k, &mirrored), parting) in pairs.skip(1) {
            let (a, b) = ([lanes(re[k]), lanes(im[k])], [lanes(re[mirrored]), lanes(im[mirrored])]);
            let even = Complex { re: a[0] + b[0], im: a[1] - b[1] };
            let odd = Complex { re: a[0] - b[0], im: a[1] + b[1] }.times(parting);
            let (sum, difference) = (even.plus(odd), even.minus(odd));
            re[k] = sum.power().vector;
            re[mirrored] = difference.power().vector;
        }
    }

    /// The power in each band.
    #[inline(always)]
    fn bands<S: Simd>(&self, simd: S, power: &[T], bands: &mut [T]) {
        let (power, bands) = (T::vectors::<S>(power), T::vectors_mut::<S>(bands));
        let mut start = 0;
        for (band, &Filter { first, count }) in bands.iter_mut().zip(&self.filters) {
            let weights = &self.weights[start..][..count];
            start += count;
            let mut sum = Lanes::<S, T>::splat(simd, T::zero());
            for (&place, &weight) in self.places[first..].iter().zip(weights) {
                sum = sum + Lanes::new(simd, power[place]) * weight;
            }
            *band = sum.vector;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::fourier::roots;
    use crate::audio::mel::{MelScale, Triangles};
    use crate::audio::spectrum::{Edges, Spectrum, hann};

    fn framing(window: usize, edges: Edges, emphasis: Option<f64>) -> Framing<f64> {
        let reach = if edges == Edges::Snip { 0 } else { window / 2 };
        Framing { window: hann(window), hop: 7, reach, edges, emphasis }
    }

    /// Largest error of a band of any frame beside the frames in f64, relative to the band and to the loudest of its frame. What
    /// is left of silence without its mean is none.
    fn errors<T: Real>(framing: Framing<f64>, n_fft: usize, samples: &[f32]) -> [f64; 2] {
        let range_hz = [0.0, 8000.0];
        let bin_hz = 16_000.0 / n_fft as f64;
        let bank =
            MelBank::shaped(MelScale::Htk, Triangles::Peak, 19, range_hz, bin_hz, n_fft / 2 + 1);
        let found = MelBlocks::<T>::new(&framing, &roots(n_fft), &bank).unwrap().power(samples);
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
        assert!(
            MelBlocks::<f32>::new(&framing(14, Edges::Zeros, None), &roots(14), &bank).is_none()
        );
    }
}
