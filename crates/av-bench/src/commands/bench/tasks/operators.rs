//! Operators of networks, forward and backward from a given gradient of the result.

use super::{Answer, Work};
use super::{normal, variable};
use crate::commands::bench::fixtures::Fixtures;
use av_ops::{Conv2dConfig, Direction, RecurrentWeights, Tape, channels_last, conv2d, lstm};
use std::hint::black_box;

/// A convolution in the middle of a network: images of 32 channels and 24 x 24 pixels to 64 channels. Few images, as a
/// counter of instructions takes two thousand times as long over their products.
const IMAGES: [usize; 4] = [4, 32, 24, 24];
const CHANNELS_OUT: usize = 64;
const CONFIG: Conv2dConfig = Conv2dConfig::square(2, 1);

/// Sequences: 64 numbers in and out; few and short for the same reason.
const BATCH: usize = 8;
const STEPS: usize = 25;
const WIDTH: usize = 64;

/// Gates of an LSTM.
const GATES: usize = 4;

/// `conv2d` with the gradients of image and weight.
pub fn convolution(_: &Fixtures) -> Answer<Work> {
    let images = variable("images", &IMAGES)?;
    let weight = variable("weight", &[CHANNELS_OUT, IMAGES[1], 3, 3])?;
    let shape = conv2d(&images, &weight, None, CONFIG)?.dims().to_vec();
    let gradient = channels_last(&normal("gradient", &shape)?)?;
    Ok(Box::new(move || {
        let tape = Tape::start()?;
        let result = conv2d(&channels_last(&images)?, &weight, None, CONFIG)?;
        black_box(tape.backward_from(&result, &gradient)?);
        Ok(())
    }))
}

/// `lstm` with the gradients of input and weights.
pub fn lstm_step(_: &Fixtures) -> Answer<Work> {
    let rows = GATES * WIDTH;
    let x = variable("sequences", &[BATCH, STEPS, WIDTH])?;
    let [input, hidden] = [variable("input", &[rows, WIDTH])?, variable("hidden", &[rows, WIDTH])?];
    let [input_bias, hidden_bias] =
        [variable("input bias", &[rows])?, variable("hidden bias", &[rows])?];
    let gradient = normal("gradient", &[BATCH, STEPS, WIDTH])?;
    Ok(Box::new(move || {
        let tape = Tape::start()?;
        let weights = RecurrentWeights {
            input: &input,
            hidden: &hidden,
            input_bias: &input_bias,
            hidden_bias: &hidden_bias,
        };
        let (result, _) = lstm(&x, weights, None, Direction::Forward)?;
        black_box(tape.backward_from(&result, &gradient)?);
        Ok(())
    }))
}
