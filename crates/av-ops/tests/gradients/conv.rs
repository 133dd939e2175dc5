//! Convolutions.

use av_ops::{Conv1dConfig, Conv2dConfig, conv1d, conv2d};
use candle_core::Tensor;

use crate::support::grid::{VIEWS, View, check_view, pairwise};
use crate::support::{backward, check_gradients, normal, values};

#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub batch: usize,
    /// Of the input and of the result.
    pub channels: [usize; 2],
    pub size: [usize; 2],
    pub kernel: [usize; 2],
    pub config: Conv2dConfig,
    pub bias: bool,
    pub view: View,
}

const SIZES: [[usize; 2]; 3] = [[8, 6], [7, 5], [5, 8]];
const KERNELS: [[usize; 2]; 4] = [[1, 1], [3, 3], [2, 3], [3, 1]];
const STRIDES: [[usize; 2]; 5] = [[1, 1], [2, 2], [3, 3], [1, 3], [2, 1]];
const PADDINGS: [[usize; 2]; 5] = [[0, 0], [1, 1], [2, 2], [0, 1], [2, 0]];
const DILATIONS: [[usize; 2]; 4] = [[1, 1], [2, 2], [1, 3], [3, 1]];

/// Pairs of settings with these batches and these numbers of input channels, output channels and groups.
pub fn cases(batches: &[usize], channels: &[[usize; 3]]) -> Vec<Case> {
    let levels = [batches.len(), channels.len(), SIZES.len(), 4, 5, 5, 4, 2, VIEWS.len()];
    pairwise(levels, |[batch, planes, size, kernel, stride, padding, dilation, bias, view]| {
        let [inputs, outputs, groups] = channels[planes];
        let config = Conv2dConfig {
            stride: STRIDES[stride],
            padding: PADDINGS[padding],
            dilation: DILATIONS[dilation],
            groups,
            relu: (stride + dilation) % 2 == 1,
        };
        let case = Case {
            batch: batches[batch],
            channels: [inputs, outputs],
            size: SIZES[size],
            kernel: KERNELS[kernel],
            config,
            bias: bias == 1,
            view: VIEWS[view],
        };
        case.is_allowed().then_some(case)
    })
}

impl Case {
    /// Whether the kernel fits into the padded image and the padding into the kernel.
    fn is_allowed(&self) -> bool {
        let Conv2dConfig { padding, dilation, .. } = self.config;
        let cover = [0, 1].map(|side| dilation[side] * (self.kernel[side] - 1) + 1);
        let fits = |side: usize| {
            cover[side] <= self.size[side] + 2 * padding[side]
                && padding[side] < cover[0].max(cover[1])
        };
        fits(0) && fits(1)
    }

    /// Image, weight, and bias where there is one.
    pub fn inputs(&self) -> Vec<Tensor> {
        let [inputs, outputs] = self.channels;
        let weight = [outputs, inputs / self.config.groups, self.kernel[0], self.kernel[1]];
        let mut tensors = vec![
            normal("x", &[self.batch, inputs, self.size[0], self.size[1]]),
            normal("weight", &weight),
        ];
        if self.bias {
            tensors.push(normal("bias", &[outputs]));
        }
        tensors
    }

    pub fn run(&self, t: &[Tensor]) -> Tensor {
        conv2d(&t[0], &t[1], t.get(2), self.config).unwrap()
    }
}

#[test]
fn conv2d_has_the_right_gradients() {
    // One group, two groups, a group for each channel with one and with two outputs, one channel.
    let channels = [[3, 4, 1], [4, 6, 2], [3, 3, 3], [2, 4, 2], [1, 2, 1]];
    for case in cases(&[1, 2], &channels) {
        check_view(&case, case.view, &case.inputs(), &|t| case.run(t));
    }
}

#[test]
fn conv2d_has_the_right_gradients_beyond_the_pairs() {
    let square = Conv2dConfig::square;
    // More images than pieces; padding on all sides of a small image; wide kernels; groups with dilation and with stride.
    let cases = [
        (19, [1, 2], [4, 3], [3, 2], square(1, 1)),
        (3, [2, 2], [7, 5], [3, 3], square(3, 2)),
        (1, [1, 2], [5, 9], [2, 5], square(2, 3)),
        (2, [3, 4], [8, 7], [3, 3], square(2, 1)),
        (2, [2, 3], [6, 5], [1, 1], square(1, 0)),
        (2, [2, 3], [7, 5], [1, 1], square(2, 0)),
        (2, [4, 4], [9, 8], [3, 3], Conv2dConfig { dilation: [2, 3], ..square(1, 2) }),
        (1, [4, 4], [8, 7], [2, 3], Conv2dConfig { dilation: [3, 2], ..square(2, 1) }),
        (2, [4, 4], [6, 5], [3, 3], Conv2dConfig { groups: 2, ..square(2, 1) }),
        (1, [4, 4], [5, 6], [3, 3], Conv2dConfig { groups: 4, dilation: [2, 1], ..square(1, 1) }),
        (2, [4, 4], [3, 4], [1, 1], Conv2dConfig { groups: 2, ..square(1, 0) }),
    ];
    for ((batch, channels, size, kernel, config), view) in
        cases.into_iter().flat_map(|case| VIEWS.map(|view| (case, view)))
    {
        let case = Case { batch, channels, size, kernel, config, bias: true, view };
        check_view(&case, view, &case.inputs(), &|t| case.run(t));
    }
}

#[test]
fn conv2d_has_the_right_gradients_when_an_image_takes_several_bands() {
    // 9 * 40 * 200 unfolded elements are more than one band of 65536 holds.
    let config = Conv2dConfig::square(1, 1);
    let x = normal("x", &[1, 1, 40, 200]);
    let check = |t: &[Tensor]| conv2d(&x, &t[0], Some(&t[1]), config).unwrap();
    check_gradients(&[normal("weight", &[2, 1, 3, 3]), normal("bias", &[2])], &check);
    // The input has too many elements for differences: its gradient is the transposed map.
    let weight = normal("weight", &[2, 1, 3, 3]);
    let dx = backward(std::slice::from_ref(&x), &|t| conv2d(&t[0], &weight, None, config).unwrap());
    let dy = values(&normal("projection", &[1, 2, 40, 200]));
    let y = values(&conv2d(&x, &weight, None, config).unwrap());
    let forward: f64 = y.iter().zip(&dy).map(|(y, dy)| y * dy).sum();
    let backward: f64 = values(&x).iter().zip(&dx[0]).map(|(x, dx)| x * dx).sum();
    assert!((forward / backward - 1.0).abs() < 1e-12, "{forward} {backward}");
}

#[derive(Debug)]
struct Line {
    batch: usize,
    channels: [usize; 2],
    length: usize,
    kernel: usize,
    config: Conv1dConfig,
    bias: bool,
    view: View,
}

fn lines() -> Vec<Line> {
    pairwise([2, 4, 2, 3, 3, 3, 3, 2, 3], |at| {
        let [batch, channels, length, kernel, stride, padding, dilation, bias, view] = at;
        let [inputs, outputs, groups] = [[2, 3, 1], [4, 6, 2], [3, 3, 3], [2, 4, 2]][channels];
        let (kernel, dilation) = (kernel + 1, dilation + 1);
        let cover = dilation * (kernel - 1) + 1;
        (padding < cover).then_some(Line {
            batch: batch + 1,
            channels: [inputs, outputs],
            length: [11, 8][length],
            kernel,
            config: Conv1dConfig { stride: stride + 1, padding, dilation, groups, relu: false },
            bias: bias == 1,
            view: VIEWS[view],
        })
    })
}

#[test]
fn conv1d_has_the_right_gradients() {
    for case in lines() {
        let [inputs, outputs] = case.channels;
        let mut tensors = vec![
            normal("x", &[case.batch, inputs, case.length]),
            normal("weight", &[outputs, inputs / case.config.groups, case.kernel]),
        ];
        if case.bias {
            tensors.push(normal("bias", &[outputs]));
        }
        check_view(&case, case.view, &tensors, &|t| {
            conv1d(&t[0], &t[1], t.get(2), case.config).unwrap()
        });
    }
}
