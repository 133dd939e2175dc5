//! The kernel of the direct weight gradient: sums over all places of gradients of the result times planes.

use pulp::{Simd, WithSimd};

use crate::vectorised::arch;

/// Elements of the widest vectors there are: lengths are rounded up to whole vectors.
const LANES: usize = 16;

/// Sums over places: `dw[m, k] += sum over i, j of dy[m, i, j] planes[offset[k] + i columns + j]`.
#[derive(Debug)]
pub(super) struct Products {
    places: [usize; 2],
    /// Elements between two rows of a plane.
    columns: usize,
    offsets: Vec<usize>,
}

impl Products {
    pub fn new(places: [usize; 2], columns: usize, offsets: Vec<usize>) -> Self {
        Self { places, columns, offsets }
    }

    /// Elements of the gradient of one channel of the result, spread to rows as long as those of the planes.
    pub fn length(&self) -> usize {
        let [rows, columns] = self.places;
        ((rows - 1) * self.columns + columns).next_multiple_of(LANES)
    }

    /// Spreads the channels of a gradient; what is between the rows stays 0.
    pub fn spread(&self, dy: &[f32], into: &mut [f32]) {
        let [rows, columns] = self.places;
        for (dy, into) in dy.chunks_exact(rows * columns).zip(into.chunks_exact_mut(self.length()))
        {
            for (dy, into) in dy.chunks_exact(columns).zip(into.chunks_mut(self.columns)) {
                into[..columns].copy_from_slice(dy);
            }
        }
    }

    /// Adds the sums of some images, of which the spread gradients and the planes are given.
    pub fn add(&self, dy: &[&[f32]], planes: &[&[f32]], dw: &mut [f32]) {
        arch().dispatch(Add { of: self, dy, planes, dw });
    }
}

struct Add<'a> {
    of: &'a Products,
    dy: &'a [&'a [f32]],
    planes: &'a [&'a [f32]],
    dw: &'a mut [f32],
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as there are registers for.
        if S::REGISTER_COUNT >= 32 {
            self.tiles::<S, 4, 6>(simd);
        } else {
            self.tiles::<S, 4, 2>(simd);
        }
    }
}

impl Add<'_> {
    #[inline(always)]
    fn tiles<S: Simd, const CHANNELS: usize, const TAPS: usize>(self, simd: S) {
        let (length, taps) = (self.of.length(), self.of.offsets.len());
        let channels = self.dw.len() / taps;
        for channel in (0..channels).step_by(CHANNELS) {
            for tap in (0..taps).step_by(TAPS) {
                // Behind the last channel or tap it once more, whose sums are dropped.
                let from: [usize; CHANNELS] =
                    std::array::from_fn(|lane| (channel + lane).min(channels - 1) * length);
                let offsets: [usize; TAPS] =
                    std::array::from_fn(|lane| self.of.offsets[(tap + lane).min(taps - 1)]);
                let mut sums = [[simd.splat_f32s(0.0); TAPS]; CHANNELS];
                for (dy, planes) in self.dy.iter().zip(self.planes) {
                    let dy = from.map(|from| S::as_simd_f32s(&dy[from..][..length]).0);
                    let planes = offsets.map(|from| S::as_simd_f32s(&planes[from..][..length]).0);
                    for place in 0..length / S::F32_LANES {
                        let planes = planes.map(|plane| plane[place]);
                        for (sums, dy) in sums.iter_mut().zip(dy) {
                            for (sum, plane) in sums.iter_mut().zip(planes) {
                                *sum = simd.mul_add_f32s(dy[place], plane, *sum);
                            }
                        }
                    }
                }
                for (lane, sums) in sums.iter().enumerate().take(channels - channel) {
                    let dw = &mut self.dw[(channel + lane) * taps + tap..];
                    for (dw, sum) in dw.iter_mut().zip(sums).take(taps - tap) {
                        *dw += simd.reduce_sum_f32s(*sum);
                    }
                }
            }
        }
    }
}
