//! The weights of a direct convolution in the order of its kernels: for each block of channels, and in it for each tap,
//! those of the block's channels, with zeros that fill the last vector.

use rayon::prelude::*;

use super::taps::Taps;
use crate::results::compute;
use crate::tiles::BLOCK;
use crate::turn::turn;

/// Elements between the weights of two channels; those of a kernel are neighbours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strides {
    /// Channels of the result.
    pub channel: usize,
    /// Channels that are read.
    pub read: usize,
}

impl Taps {
    /// Elements of packed weights.
    pub fn packed(&self) -> usize {
        self.len() * self.lanes()
    }

    /// The weights of one group, packed.
    pub fn pack(&self, weights: &[f32], strides: Strides) -> Vec<f32> {
        let ranks = self.ranks();
        compute(self.packed(), self.len() * BLOCK, |block, packed| {
            let width = packed.len() / self.len();
            let first = block * BLOCK;
            let channels = BLOCK.min(self.channels - first);
            let mut room = vec![0.0; ranks.len() * width];
            for read in 0..self.depth {
                let weights = &weights[first * strides.channel + read * strides.read..];
                turn(weights, [channels, ranks.len()], strides.channel, &mut room, width);
                for (rank, row) in ranks.iter().zip(room.chunks_exact(width)) {
                    packed[(rank * self.depth + read) * width..][..width].copy_from_slice(row);
                }
            }
        })
    }

    /// The weights of one group from packed ones.
    pub fn unpack(&self, packed: &[f32], weights: &mut [f32], strides: Strides) {
        let ranks = self.ranks();
        let blocks = packed.par_chunks(self.len() * BLOCK);
        blocks.zip(weights.par_chunks_mut(BLOCK * strides.channel)).for_each(
            |(packed, weights)| {
                let width = packed.len() / self.len();
                let channels = weights.len() / strides.channel;
                let mut room = vec![0.0; ranks.len() * width];
                for read in 0..self.depth {
                    for (rank, row) in ranks.iter().zip(room.chunks_exact_mut(width)) {
                        row.copy_from_slice(&packed[(rank * self.depth + read) * width..][..width]);
                    }
                    let weights = &mut weights[read * strides.read..];
                    turn(&room, [ranks.len(), channels], width, weights, strides.channel);
                }
            },
        );
    }
}
