//! Images in another size, in one direction after the other.

use candle_core::Tensor;

use super::{constant, select};
use crate::Result;
use crate::upsample::Tap;

/// An image whose elements are means of two lines, and of two neighbours in them.
pub(crate) fn upsample(x: &Tensor, taps: [&[Tap]; 2]) -> Result<Tensor> {
    let mut y = x.clone();
    for (side, taps) in taps.into_iter().enumerate() {
        let dim = 2 + side;
        let first = select(&y, dim, taps.iter().map(|tap| tap.first))?;
        if taps.iter().all(|tap| tap.share == 0.0) {
            y = first;
            continue;
        }
        let second = select(&y, dim, taps.iter().map(|tap| tap.second))?;
        let mut shape = vec![1; x.rank()];
        shape[dim] = taps.len();
        let share = constant(taps.iter().map(|tap| tap.share).collect(), shape, x)?;
        let rest = share.affine(-1.0, 1.0)?;
        let mean = (first.broadcast_mul(&rest)? + second.broadcast_mul(&share)?)?;
        // Without a share an infinite second element does not matter.
        let both = share.gt(0.0)?.broadcast_as(mean.shape())?;
        y = both.where_cond(&mean, &first)?;
    }
    Ok(y)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::testing::{bits, check, composed, normal};
    use super::*;
    use crate::{upsample_bilinear2d, upsample_nearest2d};

    #[test]
    fn other_sizes_agree_with_the_kernels() {
        for size in [(6, 10), (7, 9), (1, 1), (2, 5), (3, 4)] {
            let x = [normal("x", &[2, 3, 5, 3])];
            let turned = |t: &[Tensor]| t[0].transpose(2, 3).unwrap();
            check(&format!("{size:?}"), &x, &|t| upsample_nearest2d(&turned(t), size).unwrap());
            check(&format!("{size:?}"), &x, &|t| upsample_bilinear2d(&turned(t), size).unwrap());
        }
    }

    #[test]
    fn infinite_elements_matter_only_where_they_have_a_share() {
        for place in 0..3 {
            let mut values = [1.0_f32, 2.0, 3.0];
            values[place] = f32::INFINITY;
            let x = Tensor::from_slice(&values, (1, 1, 1, 3), &Device::Cpu).unwrap();
            for size in [(1, 3), (1, 9), (2, 5)] {
                let run = || bits(&upsample_bilinear2d(&x, size).unwrap());
                assert_eq!(composed(run), run(), "place {place}, size {size:?}");
            }
        }
    }
}
