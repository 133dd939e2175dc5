//! Convolution of any kind by matrix products of the unfolded image.

use std::ops::Range;

use rayon::prelude::*;

use super::Finish;
use super::geometry::Geometry;
use crate::activation::rectify;
use crate::cpu::Float;
use crate::matrix::{Matrix, MatrixMut};
use crate::sums::{PIECES, add_in_order};

/// Elements of an unfolded band of an image: a band stays in the second-level cache between its
/// unfolding and its product.
const BAND: usize = 1 << 16;

/// Of one group: its output channels, and its rows of the unfolded image.
struct Group {
    outputs: Range<usize>,
    taps: Range<usize>,
}

fn groups(geometry: &Geometry) -> impl Iterator<Item = Group> + use<> {
    let Geometry { outputs, groups, .. } = *geometry;
    let (outputs, taps) = (outputs / groups, geometry.taps() / groups);
    (0..groups).map(move |group| Group {
        outputs: group * outputs..(group + 1) * outputs,
        taps: group * taps..(group + 1) * taps,
    })
}

/// The weight as a matrix: a row for each output channel.
fn matrix<'w, T: Float>(geometry: &Geometry, weight: &'w [T]) -> Matrix<'w, T> {
    let taps = geometry.taps() / geometry.groups;
    Matrix::new(weight, geometry.outputs, taps, taps)
}

/// The convolution.
pub(super) fn forward<T: Float>(
    geometry: &Geometry,
    x: &[T],
    weight: &[T],
    finish: Finish<'_, T>,
) -> Vec<T> {
    let (places, outputs) = (geometry.places(), geometry.outputs);
    let batch = x.len() / geometry.image();
    let mut y = vec![T::zero(); batch * outputs * places];
    let weight = matrix(geometry, weight);
    let per_piece = batch.div_ceil(PIECES);
    y.par_chunks_mut(per_piece * outputs * places)
        .zip(x.par_chunks(per_piece * geometry.image()))
        .for_each(|(y, x)| {
            let mut unfolded = Unfolded::new(geometry);
            for (y, image) in
                y.chunks_exact_mut(outputs * places).zip(x.chunks_exact(geometry.image()))
            {
                for band in unfolded.bands() {
                    let start = band.start * geometry.out[1];
                    let columns = unfolded.fill(image, band);
                    for Group { outputs, taps } in groups(geometry) {
                        let y = &mut y[start + outputs.start * places..];
                        MatrixMut::new(y, outputs.len(), columns.columns(), places)
                            .set_product(weight.rows(outputs), columns.rows(taps));
                    }
                }
                finished(finish, y, places);
            }
        });
    y
}

/// Adds the bias to the places of each channel of an image, and applies ReLU.
fn finished<T: Float>(finish: Finish<'_, T>, y: &mut [T], places: usize) {
    if !finish.relu && finish.bias.iter().all(|&bias| bias == T::zero()) {
        return;
    }
    for (y, &bias) in y.chunks_exact_mut(places).zip(finish.bias) {
        y.iter_mut().for_each(|y| *y += bias);
        if finish.relu {
            y.iter_mut().for_each(|y| *y = rectify(*y));
        }
    }
}

/// The gradient of the input: the transposed product, folded back onto the image.
pub(super) fn input_gradient<T: Float>(geometry: &Geometry, weight: &[T], dy: &[T]) -> Vec<T> {
    let (places, taps, outputs) = (geometry.places(), geometry.taps(), geometry.outputs);
    let batch = dy.len() / (outputs * places);
    let mut dx = vec![T::zero(); batch * geometry.image()];
    let weight = matrix(geometry, weight);
    let per_piece = batch.div_ceil(PIECES);
    dx.par_chunks_mut(per_piece * geometry.image())
        .zip(dy.par_chunks(per_piece * outputs * places))
        .for_each(|(dx, dy)| {
            let mut unfolded = Unfolded::new(geometry);
            for (dx, dy) in
                dx.chunks_exact_mut(geometry.image()).zip(dy.chunks_exact(outputs * places))
            {
                let product = |matrix: &mut [T], dy: &[T], columns: usize| {
                    let dy = Matrix::new(dy, outputs, columns, places);
                    for Group { outputs, taps } in groups(geometry) {
                        let matrix = &mut matrix[taps.start * columns..];
                        MatrixMut::new(matrix, taps.len(), columns, columns).set_product(
                            weight.rows(outputs.clone()).transposed(),
                            dy.rows(outputs),
                        );
                    }
                };
                if geometry.is_identity() {
                    product(dx, dy, places);
                    continue;
                }
                for band in unfolded.bands() {
                    let start = band.start * geometry.out[1];
                    let columns = band.len() * geometry.out[1];
                    let matrix = &mut unfolded.matrix[..taps * columns];
                    product(matrix, &dy[start..], columns);
                    geometry.fold(matrix, band, dx);
                }
            }
        });
    dx
}

/// The gradient of the weight: a partial sum for each piece of the batch, added in order.
pub(super) fn weight_gradient<T: Float>(geometry: &Geometry, x: &[T], dy: &[T]) -> Vec<T> {
    let (places, taps, outputs) = (geometry.places(), geometry.taps(), geometry.outputs);
    let batch = x.len() / geometry.image();
    let per_piece = batch.div_ceil(PIECES);
    let parts = dy
        .par_chunks(per_piece * outputs * places)
        .zip(x.par_chunks(per_piece * geometry.image()))
        .map(|(dy, x)| {
            let mut dw = vec![T::zero(); outputs * taps / geometry.groups];
            let mut unfolded = Unfolded::new(geometry);
            for (dy, image) in
                dy.chunks_exact(outputs * places).zip(x.chunks_exact(geometry.image()))
            {
                for band in unfolded.bands() {
                    let start = band.start * geometry.out[1];
                    let columns = unfolded.fill(image, band);
                    let dy = Matrix::new(&dy[start..], outputs, columns.columns(), places);
                    for Group { outputs, taps } in groups(geometry) {
                        let dw = &mut dw[outputs.start * taps.len()..];
                        MatrixMut::new(dw, outputs.len(), taps.len(), taps.len())
                            .add_product(dy.rows(outputs), columns.rows(taps).transposed());
                    }
                }
            }
            dw
        })
        .collect();
    add_in_order(parts)
}

/// Room for the unfolded band of an image, used again for every band.
struct Unfolded<'g, T> {
    geometry: &'g Geometry,
    rows_per_band: usize,
    matrix: Vec<T>,
}

impl<'g, T: Float> Unfolded<'g, T> {
    fn new(geometry: &'g Geometry) -> Self {
        let row = geometry.taps() * geometry.out[1];
        let rows_per_band = (BAND / row).clamp(1, geometry.out[0]);
        let length = if geometry.is_identity() { 0 } else { rows_per_band * row };
        Self { geometry, rows_per_band, matrix: vec![T::zero(); length] }
    }

    /// The output rows of an image in bands.
    fn bands(&self) -> impl Iterator<Item = Range<usize>> + use<T> {
        let (rows, step) = (self.geometry.out[0], self.rows_per_band);
        (0..rows).step_by(step).map(move |start| start..rows.min(start + step))
    }

    /// The inputs of a band of output rows, one column for each output place.
    fn fill<'a>(&'a mut self, image: &'a [T], band: Range<usize>) -> Matrix<'a, T> {
        let geometry = self.geometry;
        let (taps, columns) = (geometry.taps(), band.len() * geometry.out[1]);
        if geometry.is_identity() {
            return Matrix::new(
                &image[band.start * geometry.out[1]..],
                taps,
                columns,
                geometry.places(),
            );
        }
        let matrix = &mut self.matrix[..taps * columns];
        geometry.unfold(image, band, matrix);
        Matrix::new(matrix, taps, columns, columns)
    }
}
