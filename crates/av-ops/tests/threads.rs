//! Every operator gives the same bits on one thread and on several, forward and backward, at sizes that it splits into
//! several pieces. Optimisers: `operators/optim.rs`; a whole network: `training.rs`.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.

mod support;

use av_ops::{
    BatchNormConfig, Conv1dConfig, Conv2dConfig, CrossEntropyConfig, Direction, GroupNormConfig,
    Mode, Pool2dConfig, Running, Streams, adaptive_avg_pool2d, adaptive_max_pool2d, avg_pool2d,
    batch_norm, channels_last, conv1d, conv2d, cross_entropy, dropout, embedding, gelu,
    global_avg_pool, group_norm, layer_norm, linear, log_softmax, max_pool2d, relu, silu, softmax,
    upsample_bilinear2d, upsample_nearest2d,
};
use candle_core::{Tensor, Var};
use support::attention::Kind;
use support::{attention, bits, indices, normal, recurrent, single};

/// The bits of result and gradients in f32.
fn run(
    threads: usize,
    inputs: &[Tensor],
    f: &(dyn Fn(&[Tensor]) -> Tensor + Sync),
) -> Vec<Vec<u32>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let vars: Vec<Var> =
            inputs.iter().map(|input| Var::from_tensor(&single(input)).unwrap()).collect();
        let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
        let y = f(&tensors);
        let dy = single(&normal("projection", y.dims()));
        let gradients = (&y * dy).unwrap().sum_all().unwrap().backward().unwrap();
        let gradients = vars.iter().map(|var| bits(gradients.get(var).unwrap()));
        std::iter::once(bits(&y)).chain(gradients).collect()
    })
}

/// Panics with the name unless the bits are the same on one, two, three and seven threads.
#[track_caller]
fn check(name: &str, inputs: &[Tensor], f: &(dyn Fn(&[Tensor]) -> Tensor + Sync)) {
    let one = run(1, inputs, f);
    for threads in [2, 3, 7] {
        assert!(run(threads, inputs, f) == one, "{name} on {threads} threads");
    }
}

#[test]
fn convolutions() {
    let square = Conv2dConfig::square;
    // Straight from the image, with stride and groups, for each channel alone, of single elements; each has more images than
    // the 16 pieces, and the third and the fourth run by matrix products in f32 too.
    let cases = [
        ("dense", [5, 12], [3, 3], square(1, 1)),
        ("in groups", [8, 6], [3, 2], Conv2dConfig { groups: 2, ..square(2, 1) }),
        ("in depth", [6, 6], [3, 3], Conv2dConfig { groups: 6, ..square(1, 1) }),
        ("of single elements", [7, 5], [1, 1], square(1, 0)),
        ("dilated", [4, 5], [3, 3], Conv2dConfig { dilation: [2, 3], ..square(1, 2) }),
    ];
    for (name, [inputs, outputs], [rows, columns], config) in cases {
        let tensors = [
            normal("x", &[35, inputs, 13, 17]),
            normal("weight", &[outputs, inputs / config.groups, rows, columns]),
            normal("bias", &[outputs]),
        ];
        check(name, &tensors, &|t| conv2d(&t[0], &t[1], Some(&t[2]), config).unwrap());
        check(&format!("{name}, channels last"), &tensors, &|t| {
            conv2d(&channels_last(&t[0]).unwrap(), &t[1], Some(&t[2]), config).unwrap()
        });
    }
    let tensors = [normal("x", &[35, 4, 60]), normal("weight", &[6, 2, 5]), normal("bias", &[6])];
    let config = Conv1dConfig { stride: 2, padding: 3, dilation: 2, groups: 2, relu: true };
    check("of lines", &tensors, &|t| conv1d(&t[0], &t[1], Some(&t[2]), config).unwrap());
}

#[test]
fn pooling() {
    let x = [normal("x", &[9, 7, 41, 31])];
    let windows = |kernel, stride, padding| Pool2dConfig {
        kernel,
        stride,
        padding,
        ..Pool2dConfig::square(1)
    };
    for config in [
        Pool2dConfig::square(2),
        windows((3, 3), (2, 2), (1, 1)),
        windows((3, 2), (1, 2), (1, 0)),
        windows((4, 5), (3, 4), (2, 2)),
        windows((2, 4), (5, 3), (1, 2)),
    ] {
        let name = format!("{config:?}");
        check(&name, &x, &|t| max_pool2d(&t[0], config).unwrap());
        check(&name, &x, &|t| avg_pool2d(&t[0], config).unwrap());
    }
    check("mean to a size", &x, &|t| adaptive_avg_pool2d(&t[0], (4, 9)).unwrap());
    check("largest to a size", &x, &|t| adaptive_max_pool2d(&t[0], (4, 9)).unwrap());
    check("mean", &x, &|t| global_avg_pool(&t[0]).unwrap());
    let last = |t: &Tensor| channels_last(t).unwrap();
    check("mean, channels last", &x, &|t| global_avg_pool(&last(&t[0])).unwrap());
}

#[test]
fn upsampling() {
    let x = [normal("x", &[9, 7, 23, 21])];
    check("nearest", &x, &|t| upsample_nearest2d(&t[0], (49, 37)).unwrap());
    check("bilinear", &x, &|t| upsample_bilinear2d(&t[0], (49, 37)).unwrap());
}

#[test]
fn normalisation() {
    let with = |x: Tensor, features: usize| {
        [x, normal("weight", &[features]), normal("bias", &[features])]
    };
    let planes = with(normal("x", &[9, 6, 41, 31]), 6);
    for (relu, training) in [(false, false), (false, true), (true, false), (true, true)] {
        check("batch_norm", &planes, &|t| normalise(t, relu, training));
        check("batch_norm, channels last", &planes, &|t| {
            let last = channels_last(&t[0]).unwrap();
            normalise(&[last, t[1].clone(), t[2].clone()], relu, training)
        });
        let config = GroupNormConfig { groups: 2, relu, ..GroupNormConfig::default() };
        check("group_norm", &planes, &|t| group_norm(&t[0], &t[1], &t[2], config).unwrap());
    }
    let rows = with(normal("x", &[2100, 33]), 33);
    check("layer_norm", &rows, &|t| layer_norm(&t[0], &t[1], &t[2], 1e-5).unwrap());
}

fn normalise(t: &[Tensor], relu: bool, training: bool) -> Tensor {
    let mean = Var::from_tensor(&single(&normal("mean", t[1].dims()))).unwrap();
    let variance = Var::from_tensor(&t[1].ones_like().unwrap()).unwrap();
    let running = Running { mean: &mean, variance: &variance };
    let config = BatchNormConfig { relu, ..BatchNormConfig::default() };
    let mut rng = Streams::new(0).rng("unused");
    let mode = if training { Mode::Train(&mut rng) } else { Mode::Eval };
    batch_norm(&t[0], &t[1], &t[2], running, config, &mode).unwrap()
}

#[test]
fn activations_softmax_and_dropout() {
    let x = [normal("x", &[3, 17_000])];
    check("relu", &x, &|t| relu(&t[0]).unwrap());
    check("gelu", &x, &|t| gelu(&t[0]).unwrap());
    check("silu", &x, &|t| silu(&t[0]).unwrap());
    check("dropout", &x, &|t| {
        let mut rng = Streams::new(2).rng("dropout/0");
        dropout(&t[0], 0.4, &mut Mode::Train(&mut rng)).unwrap()
    });
    let rows = [normal("x", &[70, 1300])];
    check("softmax", &rows, &|t| softmax(&t[0]).unwrap());
    check("log_softmax", &rows, &|t| log_softmax(&t[0]).unwrap());
}

#[test]
fn cross_entropy_of_many_rows() {
    let x = [normal("x", &[70, 1300])];
    let labels: Vec<u32> = (0..70).collect();
    let weights: Vec<f64> = (0..1300).map(|class| f64::from(class % 7)).collect();
    for weights in [None, Some(weights)] {
        let config = CrossEntropyConfig { smoothing: 0.1, weights };
        check("cross_entropy", &x, &|t| cross_entropy(&t[0], &labels, &config).unwrap());
    }
}

#[test]
fn linear_maps_and_tables() {
    // More rows and outputs than a piece of 64.
    let inputs = [normal("x", &[3, 67, 33]), normal("weight", &[150, 33]), normal("bias", &[150])];
    check("linear", &inputs, &|t| linear(&t[0], &t[1], Some(&t[2])).unwrap());
    // More rows and places than a piece of 256.
    let at = indices(700, &[9, 333]);
    check("embedding", &[normal("table", &[700, 5])], &|t| embedding(&t[0], &at).unwrap());
}

#[test]
fn recurrence() {
    // More sequences than a piece and more steps than a window of 16.
    let shape = [35, 21, 5, 19];
    for direction in [Direction::Forward, Direction::Reverse] {
        check("lstm", &recurrent::inputs(4, shape), &|t| recurrent::run_lstm(t, direction));
        check("gru", &recurrent::inputs(3, shape)[..6], &|t| recurrent::run_gru(t, direction));
    }
}

#[test]
fn attention_of_many_queries() {
    let shape = [3, 2, 135, 70, 9, 5];
    for kind in [Kind::None, Kind::Keys, Kind::Pairs] {
        let mask = attention::mask_tensor(kind, shape);
        check("attention", &attention::inputs(shape), &|t| attention::run(t, kind, &mask));
    }
}
