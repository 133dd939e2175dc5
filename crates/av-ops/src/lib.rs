//! Training operators for candle: gradients that are right, randomness that is seeded, parameters
//! that are in order.
//!
//! candle 0.11.1 computes wrong gradients for some operators (`max_pool2d`, `avg_pool2d` on odd
//! sizes), fails on others (`conv2d` with stride 2 on odd sizes), cannot be seeded on the CPU, and
//! lists parameters in another order in every run. This crate has the operators that small
//! convolutional networks need, without these faults:
//!
//! * every gradient is checked against central differences in f64;
//! * every random number comes from a [named stream](Streams) of one seed;
//! * results on the CPU have the same bits on any number of threads.
//!
//! There are no element types but f32 and f64.
//!
//! # Devices
//!
//! On the CPU every operator is a kernel of this crate. On CUDA and Metal it is put together from
//! operations of candle whose gradients are right: the same networks train there, with the same
//! initial values and the same dropout, but slower than with kernels, and sums run in the element
//! type and in the order of the device. These compositions were compared with the kernels, values
//! and gradients, on the CPU only; they have not run on a GPU yet. There a sequence of
//! thousands of steps through [`lstm`](fn@lstm) or [`gru`](fn@gru) needs a thread with a larger stack
//! (a test takes 1000 steps in 2 MB), because candle frees what it recorded step from step.
//!
//! A program chooses by candle's own feature, `candle-core = { version = "0.11.1", features =
//! ["cuda"] }` or `"metal"`, and by the device that it creates its [`Parameters`] and inputs on. All
//! tensors of one operator must be on one device. Metal has no f64.
//!
//! candle keeps no copy of a variable for the way back, and neither do the operators: set a weight, or let an optimiser
//! set it, after `backward` and not between forward and backward.
//!
//! # Vector instructions
//!
//! Loops use the widest vector instructions of the machine, and so their results differ in the last places from machine to
//! machine. The environment variable `AV_OPS_SIMD` lowers them for the whole process, to test and to compare: `portable` to
//! those that every machine of the target has, `avx2` or `avx512` to these; it never raises them. Any other value changes
//! nothing and is told once on the standard error stream. Matrix products choose their instructions on their own.
//!
//! The kernels count on being inlined into a function with these instructions. `opt-level = 3` and `codegen-units = 1` for
//! this crate, `[profile.release.package.av-ops]`, give the speeds of the project's tables; link-time optimisation decides
//! what is inlined before the instructions are known, and makes some kernels slower.
//!
//! # Order of images
//!
//! Tensors of images have the shape (B, C, H, W). Convolutional networks are fastest in f32 where the channels of a place lie
//! side by side in memory: [`channels_last`] lays an input out so, and what the operators of such networks give keeps it. In
//! evaluation [`Conv2d::with_norm_relu`] makes one of convolution, normalisation and ReLU.
//!
//! # Memory
//!
//! With a [`Tape`] an activation is freed as soon as backward has used it. Every step asks for the same large buffers again: a
//! program trains faster with an allocator that keeps them, such as mimalloc. This crate chooses none.
//!
//! # Example
//!
//! A classifier of images learns one batch by heart.
//!
//! ```
//! use av_ops::{
//!     AdamW, AdamWConfig, BatchNorm, Conv2d, Conv2dConfig, CrossEntropyConfig, Linear, Mode,
//!     Parameters, Streams, Tape, cross_entropy, dropout, global_avg_pool,
//! };
//! use candle_core::{DType, Device, Tensor};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let streams = Streams::new(7);
//! let mut parameters = Parameters::new(streams, DType::F32, &Device::Cpu);
//! let mut scope = parameters.scope("net");
//! let config = Conv2dConfig::square(2, 1);
//! let conv = Conv2d::without_bias(&mut scope.scope("conv"), 3, 8, 3, config)?;
//! let norm = BatchNorm::new(&mut scope.scope("norm"), 8)?;
//! let head = Linear::new(&mut scope.scope("head"), 8, 2)?;
//!
//! let mut rng = streams.rng("example");
//! let pixels: Vec<f32> = (0..4 * 3 * 9 * 7).map(|_| rng.normal() as f32).collect();
//! let images = Tensor::from_vec(pixels, (4, 3, 9, 7), &Device::Cpu)?;
//! let labels = [0, 1, 1, 0];
//!
//! let mut optimiser = AdamW::new(&parameters, AdamWConfig::default())?;
//! let mut losses = Vec::new();
//! for step in 0..50 {
//!     let mut rng = streams.rng(&format!("dropout/{step}"));
//!     let mut mode = Mode::Train(&mut rng);
//!     let tape = Tape::start()?;
//!     let hidden = norm.forward_relu(&conv.forward(&images)?, &mode)?;
//!     let hidden = dropout(&global_avg_pool(&hidden)?, 0.1, &mut mode)?;
//!     let loss = cross_entropy(&head.forward(&hidden)?, &labels, &CrossEntropyConfig::default())?;
//!     optimiser.step(&tape.backward(&loss)?, 0.02)?;
//!     losses.push(loss.to_scalar::<f32>()?);
//! }
//! assert!(losses[49] < 0.1 * losses[0], "{losses:?}");
//! # Ok(())
//! # }
//! ```
//!
//! # Overview
//!
//! | to | call |
//! |---|---|
//! | lay images out for speed | [`channels_last`] |
//! | convolve, enlarge | [`conv1d`](fn@conv1d), [`conv2d`](fn@conv2d), [`upsample_nearest2d`], [`upsample_bilinear2d`] |
//! | pool | [`max_pool2d`], [`avg_pool2d`], [`adaptive_max_pool2d`], [`adaptive_avg_pool2d`], [`global_avg_pool`] |
//! | normalise | [`batch_norm`], [`layer_norm`], [`group_norm`] |
//! | activate, map, drop | [`relu`], [`gelu`], [`silu`], [`softmax`], [`log_softmax`], [`linear`](fn@linear), [`dropout`] |
//! | look rows up in a table | [`embedding`](fn@embedding) |
//! | run along sequences | [`lstm`](fn@lstm), [`gru`](fn@gru), from a [`LstmState`] in a [`Direction`] |
//! | look at other steps | [`attention`](fn@attention), as far as an [`AttentionMask`] shows them |
//! | hold an operator's parameters | [`Conv2d`], [`Conv2Plus1d`], [`BatchNorm`], [`LayerNorm`], [`GroupNorm`], [`Linear`], [`Lstm`], [`Gru`], [`RecurrentWeights`], [`Attention`], [`Embedding`] |
//! | create, copy, store parameters | [`Parameters`], [`Scope`], [`Init`], [`Snapshot`] |
//! | train | [`cross_entropy`], [`Tape`], [`clip_grad_norm`], [`AdamW`], [`Sgd`] |
//! | keep all threads at work | [`awake`](fn@awake), [`by_rows`] |
//! | draw random numbers | [`Streams`], [`Rng`], [`Mode`] |
//! | store other tensors | [`save_tensors`], [`load_tensors`] |

mod activation;
mod attention;
mod awake;
mod columns;
mod composed;
mod conv;
mod cpu;
mod dropout;
mod elementary;
mod embedding;
mod error;
mod files;
mod gru;
mod init;
mod layers;
mod linear;
mod loss;
mod lstm;
mod matrix;
mod norm;
mod optim;
mod order;
mod panels;
mod parameters;
mod pool;
mod products;
mod random;
mod recurrence;
mod results;
mod rows;
mod softmax;
mod sums;
mod tape;
mod tiles;
mod turn;
mod upsample;
mod vectorised;

pub use activation::{gelu, relu, silu};
pub use attention::{AttentionMask, attention};
pub use awake::awake;
pub use conv::{Conv1dConfig, Conv2dConfig, conv1d, conv2d};
pub use dropout::dropout;
pub use embedding::embedding;
pub use error::{Error, Result};
pub use files::{load_tensors, save_tensors};
pub use gru::gru;
pub use init::Init;
pub use layers::{
    Attention, BatchNorm, Conv2Plus1d, Conv2Plus1dConfig, Conv2d, Embedding, GroupNorm, Gru,
    LayerNorm, Linear, Lstm,
};
pub use linear::linear;
pub use loss::{CrossEntropyConfig, cross_entropy};
pub use lstm::{LstmState, lstm};
pub use norm::{BatchNormConfig, GroupNormConfig, Running, batch_norm, group_norm, layer_norm};
pub use optim::{
    AdamW, AdamWConfig, AdamWState, ParameterGroup, Sgd, SgdConfig, SgdState, clip_grad_norm,
};
pub use order::channels_last;
pub use parameters::{Parameters, Scope, Snapshot};
pub use pool::{
    Pool2dConfig, adaptive_avg_pool2d, adaptive_max_pool2d, avg_pool2d, global_avg_pool, max_pool2d,
};
pub use random::{Mode, Rng, Streams};
pub use recurrence::{Direction, RecurrentWeights};
pub use rows::by_rows;
pub use softmax::{log_softmax, softmax};
pub use tape::Tape;
pub use upsample::{upsample_bilinear2d, upsample_nearest2d};
