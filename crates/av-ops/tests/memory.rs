//! Training takes no more memory the longer it runs.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.

mod support;

use av_ops::{
    AdamW, AdamWConfig, BatchNorm, Conv2d, Conv2dConfig, CrossEntropyConfig, Linear, Mode,
    Parameters, Streams, cross_entropy,
};
use candle_core::{DType, Device};
use support::{normal, single};

/// Memory of this process that lies in the machine's, in bytes; none where the system does not tell it in this way.
fn resident() -> Option<u64> {
    // In kilobytes, where /proc/self/statm counts pages, whose size is to be asked for elsewhere.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().unwrap() * 1024)
}

#[test]
fn a_hundred_thousand_steps_take_no_more_memory_than_ten_thousand() {
    const MOST: u64 = 2_000_000;
    if resident().is_none() {
        println!("skipped: only Linux tells the memory of a process in /proc/self/status");
        return;
    }
    let mut parameters = Parameters::new(Streams::new(5), DType::F32, &Device::Cpu);
    let mut scope = parameters.scope("net");
    let conv = Conv2d::new(&mut scope.scope("conv"), 3, 4, 3, Conv2dConfig::square(2, 1)).unwrap();
    let norm = BatchNorm::new(&mut scope.scope("norm"), 4).unwrap();
    let head = Linear::new(&mut scope.scope("head"), 4 * 3 * 2, 2).unwrap();
    let mut optimiser = AdamW::new(&parameters, AdamWConfig::default()).unwrap();
    let images = single(&normal("images", &[2, 3, 5, 4]));
    let mut rng = Streams::new(5).rng("unused");
    let mode = Mode::Train(&mut rng);
    let mut train = |steps: usize| {
        for _ in 0..steps {
            let x = norm.forward_relu(&conv.forward(&images).unwrap(), &mode).unwrap();
            let logits = head.forward(&x.flatten_from(1).unwrap()).unwrap();
            let loss = cross_entropy(&logits, &[0, 1], &CrossEntropyConfig::default()).unwrap();
            optimiser.step(&loss.backward().unwrap(), 1e-3).unwrap();
        }
        resident().unwrap()
    };
    // One thread: steps as small as these take longer to share than to compute.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (few, many) = pool.install(|| (train(10_000), train(90_000)));
    assert!(many < few + MOST, "{few} bytes after 10,000 steps, {many} after 100,000");
}
