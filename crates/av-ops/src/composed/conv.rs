//! Convolution by a product with the patches of the images.

use candle_core::Tensor;

use super::{relu, select};
use crate::Result;
use crate::conv::Conv2dConfig;

/// A convolution with `out` places in each direction.
pub(crate) fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    config: Conv2dConfig,
    out: [usize; 2],
) -> Result<Tensor> {
    let Conv2dConfig { stride, padding, dilation, groups, relu: is_rectified } = config;
    let (batch, channels, _, _) = x.dims4()?;
    let (outputs, _, height, width) = weight.dims4()?;
    // Rows, then columns: for each element of the kernel those that it reads at all places. Picked
    // one direction after the other, gradients are added up along a direction and not an image.
    let mut patches = x.clone();
    for (side, kernel) in [height, width].into_iter().enumerate() {
        let dim = 2 + side;
        let padded = patches.pad_with_zeros(dim, padding[side], padding[side])?;
        let reads = |tap| (0..out[side]).map(move |at| tap * dilation[side] + at * stride[side]);
        patches = select(&padded, dim, (0..kernel).flat_map(reads))?;
    }
    let (taps, places) = (channels / groups * height * width, batch * out[0] * out[1]);
    let patches = patches
        .reshape((batch, channels, height, out[0], width, out[1]))?
        .permute((1, 2, 4, 0, 3, 5))?
        .reshape((groups, taps, places))?;
    let y = weight.reshape((groups, outputs / groups, taps))?.matmul(&patches)?;
    let y = y.reshape((outputs, batch, out[0], out[1]))?.transpose(0, 1)?.contiguous()?;
    let y = y.broadcast_add(&bias.reshape((1, outputs, 1, 1))?)?;
    if is_rectified { relu(&y) } else { Ok(y) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, normal};
    use super::*;
    use crate::{Conv1dConfig, conv1d, conv2d};

    #[test]
    fn convolutions_agree_with_the_kernels() {
        let square = Conv2dConfig::square;
        // Height, width, kernel, options; four input and six output channels.
        let cases = [
            (8, 7, [3, 3], square(2, 1)),
            (5, 9, [3, 2], square(1, 0)),
            (4, 5, [1, 1], square(3, 0)),
            (3, 3, [3, 3], square(1, 2)),
            (9, 7, [3, 2], Conv2dConfig { stride: [2, 1], padding: [1, 0], ..square(1, 0) }),
            (9, 11, [2, 4], Conv2dConfig { dilation: [3, 2], padding: [3, 5], ..square(2, 0) }),
            (8, 7, [3, 3], Conv2dConfig { groups: 2, ..square(2, 1) }),
            (6, 5, [2, 3], Conv2dConfig { groups: 2, dilation: [2, 1], ..square(1, 1) }),
            (5, 6, [3, 3], Conv2dConfig { relu: true, ..square(1, 1) }),
        ];
        for (height, width, [rows, columns], config) in cases {
            for batch in [1, 3] {
                let inputs = [
                    normal("x", &[batch, 4, width, height]),
                    normal("weight", &[6, 4 / config.groups, rows, columns]),
                    normal("bias", &[6]),
                ];
                let case = format!("{height} x {width}, kernel {rows} x {columns}, {config:?}");
                check(&case, &inputs, &|t| {
                    let x = t[0].transpose(2, 3).unwrap();
                    conv2d(&x, &t[1], Some(&t[2]), config).unwrap()
                });
                check(&case, &inputs[..2], &|t| {
                    conv2d(&t[0].transpose(2, 3).unwrap(), &t[1], None, config).unwrap()
                });
            }
        }
        let depthwise = Conv2dConfig { groups: 4, ..square(1, 1) };
        let inputs = [normal("x", &[2, 4, 5, 6]), normal("weight", &[4, 1, 3, 3])];
        check("depthwise", &inputs, &|t| conv2d(&t[0], &t[1], None, depthwise).unwrap());
        let inputs = [normal("x", &[2, 4, 11]), normal("weight", &[6, 2, 3]), normal("bias", &[6])];
        let config = Conv1dConfig { stride: 2, padding: 3, dilation: 2, groups: 2, relu: true };
        check("conv1d", &inputs, &|t| conv1d(&t[0], &t[1], Some(&t[2]), config).unwrap());
    }
}
