//! Time of the losses with their gradient, forward and backward: microseconds per call, the least of several rounds and
//! the middle one.
//!
//! Run: RAYON_NUM_THREADS=1 cargo bench -p hgr-corr --bench losses

use candle_core::{Device, Tensor, Var};
use hgr_corr::{
    HScore, Mask, Missing, Nesting, Penalty, SoftHgr, h_score, label_hgr, nested_h_score, soft_hgr,
    soft_hgr_views,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::time::{Duration, Instant};

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(5);

/// Rows and columns.
const SIZES: [(usize, usize); 5] = [(48, 16), (64, 32), (256, 32), (1024, 64), (48, 96)];

const CLASSES: u32 = 8;

type Answer<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Answer<()> {
    for size in SIZES {
        of_size(size, &mut ChaCha8Rng::seed_from_u64(1))?;
    }
    Ok(())
}

fn of_size((rows, columns): (usize, usize), stream: &mut ChaCha8Rng) -> Answer<()> {
    let mut view = |rows: usize| {
        let values: Vec<f32> = (0..rows * columns).map(|_| stream.sample(StandardNormal)).collect();
        Var::from_tensor(&Tensor::from_vec(values, (rows, columns), &Device::Cpu)?)
    };
    let (f, g, h) = (view(rows)?, view(rows)?, view(rows)?);
    let table = view(CLASSES as usize)?;
    let labels: Vec<u32> = (0..rows).map(|_| stream.random_range(0..CLASSES)).collect();
    // A tenth of the rows lacks the first view, another the second, half of the rows a label.
    let lacks = [0.1, 0.1, 0.5];
    let present = (0..rows).flat_map(|_| lacks.map(|lacks| stream.random_range(0.0..1.0) > lacks));
    let mask = Mask::new(present.collect(), rows, lacks.len())?;
    let views = [&f, &g, &h].map(|view| view.as_tensor().clone());
    let time = |name: &str, loss: &dyn Fn() -> hgr_corr::Result<Tensor>| -> Answer<()> {
        let (least, middle) = timed(loss)?;
        println!("{rows:5} x {columns:3}  {name:17} {least:9.2} {middle:9.2}");
        Ok(())
    };
    let several = |mask, missing| Ok(soft_hgr_views(&views, mask, None, missing)?.value);
    time("soft_hgr", &|| soft_hgr(&f, &g))?;
    let unbiased = SoftHgr { penalty: Penalty::Unbiased, ..SoftHgr::default() };
    time("unbiased", &|| Ok(unbiased.loss(&f, &g)?.value))?;
    time("three views", &|| several(None, Missing::Pairwise))?;
    time("masked", &|| several(Some(&mask), Missing::Pairwise))?;
    time("masked, available", &|| several(Some(&mask), Missing::Available))?;
    time("label_hgr", &|| Ok(label_hgr(&f, &labels, &table)?.value))?;
    time("h_score", &|| Ok(h_score(&f, &g, HScore::Jmlr)?.value))?;
    time("nested_h_score", &|| Ok(nested_h_score(&f, &g, Nesting::Joint)?.value))
}

/// Microseconds per call: the least round and the middle one.
fn timed(loss: &dyn Fn() -> hgr_corr::Result<Tensor>) -> Answer<(f64, f64)> {
    let mut rounds = vec![];
    for _ in 0..ROUNDS {
        let (start, mut calls) = (Instant::now(), 0);
        while start.elapsed() < ROUND {
            loss()?.backward()?;
            calls += 1;
        }
        rounds.push(1e6 * start.elapsed().as_secs_f64() / f64::from(calls));
    }
    rounds.sort_by(f64::total_cmp);
    Ok((rounds[0], rounds[ROUNDS / 2]))
}
