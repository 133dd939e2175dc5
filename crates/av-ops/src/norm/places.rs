//! The kernels of batch normalisation where the channels of a place lie side by side.

use crate::activation::{passing, rectify};
use crate::columns::{Rows, in_pieces, map_rows, sum_columns, wide};
use crate::cpu::Float;
use crate::norm::Moments;
use crate::norm::map::Map;
use crate::sums::add_in_order;

/// Elements whose mean is taken before they are centred: the second-level cache holds them.
const BLOCK: usize = 1 << 14;

/// The moments of each channel: those of blocks of places, put together.
pub(super) fn moments<T: Float>(x: &[T], channels: usize) -> Vec<Moments> {
    let block = (BLOCK / channels).max(1) * channels;
    let pieces = in_pieces(x.len(), channels, |piece| {
        let mut total = Total::of(channels);
        x[piece].chunks(block).for_each(|x| total.merge(&Total::new(x, channels)));
        total
    });
    let mut total = Total::of(channels);
    pieces.iter().for_each(|piece| total.merge(piece));
    let places = total.places;
    let pairs = total.means.into_iter().zip(total.squares);
    pairs.map(|(mean, squares)| Moments { mean, variance: squares / places }).collect()
}

/// Of each channel the mean and the sum of the squares of what is centred, over so many places.
struct Total {
    places: f64,
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl Total {
    /// Of no places.
    fn of(channels: usize) -> Self {
        Self { places: 0.0, means: vec![0.0; channels], squares: vec![0.0; channels] }
    }

    fn new<T: Float>(x: &[T], channels: usize) -> Self {
        let places = (x.len() / channels) as f64;
        let [mut means] = sum_columns(
            x.len(),
            channels,
            [Rows::Of(x)],
            #[inline(always)]
            |[x]| [x],
        );
        means.iter_mut().for_each(|mean| *mean /= places);
        let centres = wide(means.iter().map(|&mean| T::from_f64(mean)));
        let [squares] = sum_columns(
            x.len(),
            channels,
            [Rows::Of(x), Rows::Same(&centres)],
            #[inline(always)]
            |[x, centre]| [(x - centre) * (x - centre)],
        );
        Self { places, means, squares }
    }

    /// Source: Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances",
    /// 1979.
    fn merge(&mut self, other: &Self) {
        let places = self.places + other.places;
        let own = self.means.iter_mut().zip(&mut self.squares);
        for ((mean, squares), (other_mean, other_squares)) in
            own.zip(other.means.iter().zip(&other.squares))
        {
            let step = other_mean - *mean;
            *squares += other_squares + step * step * self.places * other.places / places;
            *mean += step * other.places / places;
        }
        self.places = places;
    }
}

/// The numbers of the maps, each as a row.
struct MapRows<T> {
    centres: Vec<T>,
    factors: Vec<T>,
    shifts: Vec<T>,
}

impl<T: Float> MapRows<T> {
    fn new(maps: &[Map<T>]) -> Self {
        Self {
            centres: wide(maps.iter().map(|map| map.centre)),
            factors: wide(maps.iter().map(|map| map.factor)),
            shifts: wide(maps.iter().map(|map| map.shift)),
        }
    }

    fn given<'a>(&'a self, x: &'a [T]) -> [Rows<'a, T>; 4] {
        let Self { centres, factors, shifts } = self;
        [Rows::Of(x), Rows::Same(centres), Rows::Same(factors), Rows::Same(shifts)]
    }
}

/// Each channel through its map, with an optional ReLU.
pub(super) fn apply<T: Float>(maps: &[Map<T>], relu: bool, x: &[T]) -> Vec<T> {
    let rows = MapRows::new(maps);
    let given = rows.given(x);
    if relu {
        map_rows(
            x.len(),
            maps.len(),
            given,
            #[inline(always)]
            |[x, centre, factor, shift]| rectify((x - centre) * factor + shift),
        )
    } else {
        map_rows(
            x.len(),
            maps.len(),
            given,
            #[inline(always)]
            |[x, centre, factor, shift]| (x - centre) * factor + shift,
        )
    }
}

/// For each channel the sums of `d` and of `d (x - centre) scale`, where `d` is the gradient of the value before ReLU.
pub(super) fn sums<T: Float>(maps: &[Map<T>], relu: bool, x: &[T], dy: &[T]) -> Vec<[f64; 2]> {
    let rows = MapRows::new(maps);
    let [x, centres, factors, shifts] = rows.given(x);
    let given = [x, Rows::Of(dy), centres, factors, shifts];
    let elements = dy.len();
    let parts = in_pieces(elements, maps.len(), |piece| {
        let given = given.map(|rows| rows.rows(piece.clone()));
        let sums: [Vec<f64>; 2] = if relu {
            sum_columns(
                piece.len(),
                maps.len(),
                given,
                #[inline(always)]
                |[x, dy, centre, factor, shift]| {
                    let d = passing((x - centre) * factor + shift, dy);
                    [d, d * (x - centre)]
                },
            )
        } else {
            let [x, dy, centres, ..] = given;
            sum_columns(
                piece.len(),
                maps.len(),
                [x, dy, centres],
                #[inline(always)]
                |[x, dy, centre]| [dy, dy * (x - centre)],
            )
        };
        sums.concat()
    });
    let sums = add_in_order(parts);
    let (d, du) = sums.split_at(maps.len());
    let triples = d.iter().zip(du).zip(maps);
    triples.map(|((&d, &du), map)| [d, du * map.scale]).collect()
}

/// The gradient of the input, from the means of the [`sums`], which are 0 where the moments are fixed.
pub(super) fn gradient<T: Float>(
    maps: &[Map<T>],
    relu: bool,
    means: &[[f64; 2]],
    x: &[T],
    dy: &[T],
) -> Vec<T> {
    let rows = MapRows::new(maps);
    let offsets = wide(means.iter().map(|means| T::from_f64(means[0])));
    let slopes = wide(means.iter().zip(maps).map(|(means, map)| T::from_f64(means[1] * map.scale)));
    let [x, centres, factors, shifts] = rows.given(x);
    let (dy, elements) = (Rows::Of(dy), dy.len());
    let (offsets, slopes) = (Rows::Same(&offsets), Rows::Same(&slopes));
    if relu {
        map_rows(
            elements,
            maps.len(),
            [x, dy, centres, factors, shifts, offsets, slopes],
            #[inline(always)]
            |[x, dy, centre, factor, shift, offset, slope]| {
                let d = passing((x - centre) * factor + shift, dy);
                factor * (d - offset - (x - centre) * slope)
            },
        )
    } else {
        map_rows(
            elements,
            maps.len(),
            [x, dy, centres, factors, offsets, slopes],
            #[inline(always)]
            |[x, dy, centre, factor, offset, slope]| factor * (dy - offset - (x - centre) * slope),
        )
    }
}
