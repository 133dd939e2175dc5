//! Single operators, forward and backward with a given gradient of the result.

use crate::{Answer, Task};
use av_ops::{
    AdamW, AdamWConfig, BatchNormConfig, Conv2dConfig, CrossEntropyConfig, Direction, Init, Mode,
    Parameters, Pool2dConfig, RecurrentWeights, Running, Streams, Tape, batch_norm, channels_last,
    conv2d, cross_entropy, gru, layer_norm, lstm, max_pool2d,
};
use candle_core::{DType, Device, Tensor, Var};

const SEED: u64 = 1;

/// Normal draws.
pub fn normal(shape: &[usize]) -> Answer<Tensor> {
    let mut draws = Streams::new(SEED).rng("peer");
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| draws.normal() as f32).collect();
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}

fn var(shape: &[usize]) -> Answer<Var> {
    Ok(Var::from_tensor(&normal(shape)?)?)
}

/// Forward, and backward from fixed numbers.
fn task_of(shape: &[usize], f: impl Fn() -> av_ops::Result<Tensor> + 'static) -> Answer<Task> {
    task_from(normal(shape)?, f)
}

/// As [`task_of`] for a result whose channels lie last.
fn last_task_of(shape: &[usize], f: impl Fn() -> av_ops::Result<Tensor> + 'static) -> Answer<Task> {
    task_from(channels_last(&normal(shape)?)?, f)
}

fn task_from(gradient: Tensor, f: impl Fn() -> av_ops::Result<Tensor> + 'static) -> Answer<Task> {
    Ok(Box::new(move || {
        let tape = Tape::start()?;
        tape.backward_from(&f()?, &gradient)?;
        Ok(())
    }))
}

/// The operator tasks, each with its numbers.
pub fn task(name: &str, numbers: &[usize]) -> Answer<Task> {
    match (name, numbers) {
        // 1 where the gradient of the input is wanted; then the input is laid out within the task.
        ("conv2d", &[batch, channels, height, width, outputs, kernel, stride, input]) => {
            let x = var(&[batch, channels, height, width])?;
            let weight = var(&[outputs, channels, kernel, kernel])?;
            let config = Conv2dConfig::square(stride, kernel / 2);
            if input == 1 {
                let shape = conv2d(&x, &weight, None, config)?.dims().to_vec();
                return last_task_of(&shape, move || {
                    conv2d(&channels_last(&x)?, &weight, None, config)
                });
            }
            let x = channels_last(&x.as_detached_tensor())?;
            let shape = conv2d(&x, &weight, None, config)?.dims().to_vec();
            last_task_of(&shape, move || conv2d(&x, &weight, None, config))
        }
        ("batch_norm_relu", &[batch, channels, height, width]) => {
            let shape = [batch, channels, height, width];
            let (x, weight, bias) = (var(&shape)?, var(&[channels])?, var(&[channels])?);
            let (mean, variance) = (var(&[channels])?, var(&[channels])?);
            task_of(&shape, move || {
                let running = Running { mean: &mean, variance: &variance };
                let config = BatchNormConfig { relu: true, ..BatchNormConfig::default() };
                let mut draws = Streams::new(SEED).rng("step");
                batch_norm(&x, &weight, &bias, running, config, &Mode::Train(&mut draws))
            })
        }
        ("layer_norm", &[rows, features]) => {
            let (x, weight, bias) = (var(&[rows, features])?, var(&[features])?, var(&[features])?);
            task_of(&[rows, features], move || layer_norm(&x, &weight, &bias, 1e-5))
        }
        ("lstm" | "gru", &[batch, steps, inputs, hidden]) => {
            let x = var(&[batch, steps, inputs])?;
            let rows = hidden * if name == "lstm" { 4 } else { 3 };
            let [input, recurrent] = [var(&[rows, inputs])?, var(&[rows, hidden])?];
            let [input_bias, hidden_bias] = [var(&[rows])?, var(&[rows])?];
            let is_lstm = name == "lstm";
            task_of(&[batch, steps, hidden], move || {
                let weights = RecurrentWeights {
                    input: &input,
                    hidden: &recurrent,
                    input_bias: &input_bias,
                    hidden_bias: &hidden_bias,
                };
                if is_lstm {
                    Ok(lstm(&x, weights, None, Direction::Forward)?.0)
                } else {
                    Ok(gru(&x, weights, None, Direction::Forward)?.0)
                }
            })
        }
        ("max_pool2d", &[batch, channels, height, width]) => {
            let x = var(&[batch, channels, height, width])?;
            task_of(&[batch, channels, height / 2, width / 2], move || {
                max_pool2d(&x, Pool2dConfig::square(2))
            })
        }
        ("cross_entropy", &[batch, classes]) => {
            let x = var(&[batch, classes])?;
            let labels: Vec<u32> = (0..).take(batch).collect();
            task_of(&[], move || cross_entropy(&x, &labels, &CrossEntropyConfig::default()))
        }
        ("adam", &[count, rows, columns]) => adam(count, rows, columns),
        _ => Err(format!("no such task: {name} {numbers:?}").into()),
    }
}

/// Steps of Adam, the gradients given.
fn adam(count: usize, rows: usize, columns: usize) -> Answer<Task> {
    let mut parameters = Parameters::new(Streams::new(SEED), DType::F32, &Device::Cpu);
    let mut total = Tensor::zeros((), DType::F32, &Device::Cpu)?;
    for index in 0..count {
        let weight = parameters.scope(&index.to_string()).weight("w", (rows, columns), Init::He)?;
        total = (total + weight.sqr()?.sum_all()?)?;
    }
    let gradients = total.backward()?;
    let config = AdamWConfig { weight_decay: 0.0, ..AdamWConfig::default() };
    let mut optimiser = AdamW::new(&parameters, config)?;
    Ok(Box::new(move || Ok(optimiser.step(&gradients, 1e-3)?)))
}
