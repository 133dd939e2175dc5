//! Attention of one head in one element of a batch.

use std::ops::Range;

use crate::cpu::Float;
use crate::matrix::{Matrix, MatrixMut};
use crate::vectorised::vectorised;

/// Queries whose weights over all keys are held at once.
const QUERIES: usize = 128;

/// Independent partial results, so that the compiler can take several elements at once.
const LANES: usize = 16;

/// Rows of a tensor that belong to one head.
#[derive(Clone, Copy)]
pub(super) struct Rows<'r, T> {
    pub(super) values: &'r [T],
    pub(super) count: usize,
    pub(super) width: usize,
    /// Elements from the start of one row to that of the next.
    pub(super) stride: usize,
}

impl<'r, T: Float> Rows<'r, T> {
    fn part(self, rows: Range<usize>) -> Matrix<'r, T> {
        Matrix::new(&self.values[rows.start * self.stride..], rows.len(), self.width, self.stride)
    }

    fn all(self) -> Matrix<'r, T> {
        self.part(0..self.count)
    }

    #[inline(always)]
    fn row(self, row: usize) -> &'r [T] {
        &self.values[row * self.stride..][..self.width]
    }
}

/// How the scores of a query became weights: `weight = exp(scale score - centre) share`.
#[derive(Clone, Copy)]
pub(super) struct Softmax {
    centre: f64,
    share: f64,
}

/// Queries, keys and values of one head, and which keys each query may look at.
pub(super) struct Head<'h, T> {
    pub(super) q: Rows<'h, T>,
    pub(super) k: Rows<'h, T>,
    pub(super) v: Rows<'h, T>,
    /// One row for all queries or a row for each.
    pub(super) mask: Option<&'h [u8]>,
    pub(super) scale: f64,
}

impl<T: Float> Head<'_, T> {
    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<T> {
        let queries = self.q.count;
        (0..queries).step_by(QUERIES).map(move |start| start..queries.min(start + QUERIES))
    }

    #[inline(always)]
    fn visible(&self, query: usize) -> Option<&[u8]> {
        let keys = self.k.count;
        self.mask.map(|mask| &mask[if mask.len() == keys { 0 } else { query * keys }..][..keys])
    }

    /// The products of some queries with all keys.
    fn set_scores(&self, queries: Range<usize>, scores: &mut [T]) {
        let keys = self.k.count;
        MatrixMut::new(scores, queries.len(), keys, keys)
            .set_product(self.q.part(queries), self.k.all().transposed());
    }

    /// The weighted means of the values, a row for each query, and how the weights came about.
    pub(super) fn forward(&self) -> (Vec<T>, Vec<Softmax>) {
        let (keys, width) = (self.k.count, self.v.width);
        let scale = T::from_f64(self.scale);
        let mut y = vec![T::zero(); self.q.count * width];
        let mut softmax = Vec::with_capacity(self.q.count);
        let mut scores = vec![T::zero(); self.q.count.min(QUERIES) * keys];
        for queries in self.blocks() {
            let scores = &mut scores[..queries.len() * keys];
            self.set_scores(queries.clone(), scores);
            let start = softmax.len();
            vectorised(
                #[inline(always)]
                || {
                    for (query, scores) in queries.clone().zip(scores.chunks_exact_mut(keys)) {
                        softmax.push(exponentiate(scores, self.visible(query), scale));
                    }
                },
            );
            let y = &mut y[queries.start * width..queries.end * width];
            MatrixMut::new(y, queries.len(), width, width)
                .set_product(Matrix::new(scores, queries.len(), keys, keys), self.v.all());
            for (y, softmax) in y.chunks_exact_mut(width).zip(&softmax[start..]) {
                let share = T::from_f64(softmax.share);
                y.iter_mut().for_each(|y| *y *= share);
            }
        }
        (y, softmax)
    }

    /// The gradients of queries, keys and values, as far as they are wanted.
    ///
    /// With weights `w` and `dw = dy v^T`, the gradient of the scores is `w (dw - sum of dw w over
    /// the keys)`, and that sum is the product of `y` and `dy`.
    pub(super) fn backward(
        &self,
        softmax: &[Softmax],
        (y, dy): (Rows<'_, T>, Rows<'_, T>),
        wanted: [bool; 3],
    ) -> [Vec<T>; 3] {
        let (keys, width, value_width) = (self.k.count, self.q.width, self.v.width);
        let sizes = [self.q.count * width, keys * width, keys * value_width];
        let mut gradients =
            [0, 1, 2].map(|at| vec![T::zero(); if wanted[at] { sizes[at] } else { 0 }]);
        let [dq, dk, dv] = &mut gradients;
        let mut weights = vec![T::zero(); self.q.count.min(QUERIES) * keys];
        let mut d_weights = weights.clone();
        for queries in self.blocks() {
            let rows = queries.len();
            let (weights, d_weights) = (&mut weights[..rows * keys], &mut d_weights[..rows * keys]);
            let d_part = dy.part(queries.clone());
            self.set_scores(queries.clone(), weights);
            MatrixMut::new(d_weights, rows, keys, keys)
                .set_product(d_part, self.v.all().transposed());
            self.set_score_gradients(queries.clone(), softmax, (y, dy), weights, d_weights);
            let weights = Matrix::new(weights, rows, keys, keys);
            let d_scores = Matrix::new(d_weights, rows, keys, keys);
            if wanted[0] {
                MatrixMut::new(&mut dq[queries.start * width..], rows, width, width)
                    .set_product(d_scores, self.k.all());
            }
            if wanted[1] {
                MatrixMut::new(dk, keys, width, width)
                    .add_product(d_scores.transposed(), self.q.part(queries));
            }
            if wanted[2] {
                MatrixMut::new(dv, keys, value_width, value_width)
                    .add_product(weights.transposed(), d_part);
            }
        }
        gradients
    }

    /// Turns scores into weights, and the gradients of weights into those of products of queries
    /// and keys.
    fn set_score_gradients(
        &self,
        queries: Range<usize>,
        softmax: &[Softmax],
        (y, dy): (Rows<'_, T>, Rows<'_, T>),
        weights: &mut [T],
        d_weights: &mut [T],
    ) {
        let (keys, scale) = (self.k.count, T::from_f64(self.scale));
        vectorised(
            #[inline(always)]
            || {
                let rows = weights.chunks_exact_mut(keys).zip(d_weights.chunks_exact_mut(keys));
                for (query, (weights, d_weights)) in queries.zip(rows) {
                    hide(weights, self.visible(query));
                    let Softmax { centre, share } = softmax[query];
                    let (centre, share) = (T::from_f64(centre), T::from_f64(share));
                    let mut mean = T::zero();
                    for (&y, &dy) in y.row(query).iter().zip(dy.row(query)) {
                        mean += y * dy;
                    }
                    for (weight, d_weight) in weights.iter_mut().zip(d_weights) {
                        *weight = (*weight * scale - centre).exponential() * share;
                        *d_weight = *weight * (*d_weight - mean) * scale;
                    }
                }
            },
        );
    }
}

/// Gives keys that must not be looked at the score of minus infinity.
#[inline(always)]
fn hide<T: Float>(scores: &mut [T], visible: Option<&[u8]>) {
    let hidden = T::from_f64(f64::NEG_INFINITY);
    for (score, &visible) in scores.iter_mut().zip(visible.unwrap_or_default()) {
        *score = if visible == 0 { hidden } else { *score };
    }
}

/// Replaces scores by their exponentials, the largest of which is 1.
#[inline(always)]
fn exponentiate<T: Float>(scores: &mut [T], visible: Option<&[u8]>, scale: T) -> Softmax {
    hide(scores, visible);
    let lowest = T::from_f64(f64::NEG_INFINITY);
    let mut lanes = [lowest; LANES];
    let (chunks, rest) = scores.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &score) in lanes.iter_mut().zip(chunk) {
            *lane = if score > *lane { score } else { *lane };
        }
    }
    let mut largest = lowest;
    for &score in lanes.iter().chain(rest) {
        largest = if score > largest { score } else { largest };
    }
    // Without a key that may be looked at, the exponentials of all scores are 0.
    let centre = if largest == lowest { T::zero() } else { largest * scale };
    let mut lanes = [T::zero(); LANES];
    let (chunks, rest) = scores.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for (lane, score) in lanes.iter_mut().zip(chunk) {
            *score = (*score * scale - centre).exponential();
            *lane += *score;
        }
    }
    let mut total = T::zero();
    for score in rest {
        *score = (*score * scale - centre).exponential();
        total += *score;
    }
    for lane in lanes {
        total += lane;
    }
    let share = if total == T::zero() { 0.0 } else { 1.0 / total.to_f64() };
    Softmax { centre: centre.to_f64(), share }
}
