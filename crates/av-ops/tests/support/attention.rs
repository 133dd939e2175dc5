//! Attention on drawn inputs.

use av_ops::{AttentionMask, attention};
use candle_core::{Device, Tensor};

use super::normal;

/// Batch, heads, queries, keys, elements of a key and of a value.
pub type Shape = [usize; 6];

/// One of each; odd sizes; more queries than a block of 128 has; more keys than 16 lanes.
pub const SHAPES: [Shape; 5] = [
    [1, 1, 1, 1, 1, 1],
    [2, 3, 4, 5, 2, 3],
    [1, 2, 130, 2, 1, 2],
    [2, 1, 3, 35, 3, 1],
    [3, 2, 5, 3, 4, 2],
];

pub fn inputs([batch, heads, queries, keys, width, value_width]: Shape) -> Vec<Tensor> {
    vec![
        normal("q", &[batch, heads, queries, width]),
        normal("k", &[batch, heads, keys, width]),
        normal("v", &[batch, heads, keys, value_width]),
    ]
}

/// Shows about two thirds of the keys, none in the last row.
pub fn pattern(rows: usize, keys: usize) -> Tensor {
    let show = |at: usize| u8::from(at / keys + 1 < rows && (at * 7 + at / keys) % 3 != 1);
    Tensor::from_vec((0..rows * keys).map(show).collect(), (rows, keys), &Device::Cpu).unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    None,
    Keys,
    Pairs,
}

pub const KINDS: [Kind; 3] = [Kind::None, Kind::Keys, Kind::Pairs];

pub fn mask_tensor(kind: Kind, shape: Shape) -> Tensor {
    pattern(if kind == Kind::Keys { shape[0] } else { shape[2] }, shape[3])
}

pub fn run(t: &[Tensor], kind: Kind, mask: &Tensor) -> Tensor {
    let mask = match kind {
        Kind::None => None,
        Kind::Keys => Some(AttentionMask::Keys(mask)),
        Kind::Pairs => Some(AttentionMask::Pairs(mask)),
    };
    attention(&t[0], &t[1], &t[2], mask).unwrap()
}
