//! Two networks that see the same digits in different ways learn what both ways have in common, without labels.
//!
//! The views are Fourier coefficients (76) and profile correlations (216) of 2,000 handwritten digits: the data set
//! Multiple Features of UCI (CC BY 4.0) as a folder with the arrays fou.npy and fac.npy, 200 rows of each class in
//! turn. The first 150 of each class train, the other 50 judge.
//!
//! Run: cargo run --release -p hgr-corr --example two_networks -- FOLDER

use candle_core::{DType, Device, Tensor, Var, backprop::GradStore};
use hgr_corr::{Matrix, SoftHgr, held_out_spectrum, shuffled_spectrum};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};

type Answer<T> = Result<T, Box<dyn std::error::Error>>;

const FEATURES: usize = 10;
const HIDDEN: usize = 32;
const STEPS: usize = 300;

/// Step of plain gradient descent, and the share of every weight that is lost in a step.
const RATE: f64 = 0.1;
const DECAY: f64 = 1e-3;

fn main() -> Answer<()> {
    let folder = std::env::args().nth(1).ok_or("name the folder: see the head of this example")?;
    let folder = PathBuf::from(folder);
    let (fourier, fourier_judge) = view(&folder.join("fou.npy"))?;
    let (profile, profile_judge) = view(&folder.join("fac.npy"))?;
    let mut stream = ChaCha8Rng::seed_from_u64(1);
    let f = Network::new(fourier.dim(1)?, &mut stream)?;
    let g = Network::new(profile.dim(1)?, &mut stream)?;
    for step in 0..=STEPS {
        let loss = SoftHgr::default().loss(&f.forward(&fourier)?, &g.forward(&profile)?)?;
        if step % 100 == 0 {
            println!(
                "step {step}: score {:.3}, at most {}",
                loss.cross - loss.penalty,
                FEATURES / 2
            );
        }
        let gradients = loss.value.backward()?;
        f.descend(&gradients)?;
        g.descend(&gradients)?;
    }
    let fitted = (numbers(&f.forward(&fourier)?)?, numbers(&g.forward(&profile)?)?);
    let judged = (numbers(&f.forward(&fourier_judge)?)?, numbers(&g.forward(&profile_judge)?)?);
    let fitted = (matrix(&fitted.0)?, matrix(&fitted.1)?);
    let judged = (matrix(&judged.0)?, matrix(&judged.1)?);
    println!("correlations on the other digits {:.2?}", held_out_spectrum(fitted, judged)?);
    println!("with their pairs shuffled        {:.2?}", shuffled_spectrum(fitted, judged, 1)?);
    Ok(())
}

/// A view of the digits that train and of those that judge, scaled by the former.
fn view(path: &Path) -> Answer<(Tensor, Tensor)> {
    let all = Tensor::read_npy(path)?.to_dtype(DType::F32)?;
    let rows = |keep: fn(u32) -> bool| -> candle_core::Result<Tensor> {
        let rows: Vec<u32> = (0..2000).filter(|row| keep(row % 200)).collect();
        all.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)
    };
    let (fit, judge) = (rows(|place| place < 150)?, rows(|place| place >= 150)?);
    let mean = fit.mean_keepdim(0)?;
    let spread = (fit.broadcast_sub(&mean)?.sqr()?.mean_keepdim(0)?.sqrt()? + 1e-6)?;
    let scale = |rows: Tensor| rows.broadcast_sub(&mean)?.broadcast_div(&spread);
    Ok((scale(fit)?, scale(judge)?))
}

/// A hidden layer and a linear one.
struct Network {
    hidden: Var,
    output: Var,
}

impl Network {
    fn new(inputs: usize, stream: &mut ChaCha8Rng) -> Answer<Self> {
        let mut weights = |rows: usize, columns: usize| {
            let reach = (3.0 / rows as f32).sqrt();
            let values: Vec<f32> =
                (0..rows * columns).map(|_| stream.random_range(-reach..reach)).collect();
            Var::from_tensor(&Tensor::from_vec(values, (rows, columns), &Device::Cpu)?)
        };
        Ok(Self { hidden: weights(inputs, HIDDEN)?, output: weights(HIDDEN, FEATURES)? })
    }

    fn forward(&self, rows: &Tensor) -> candle_core::Result<Tensor> {
        rows.matmul(&self.hidden)?.tanh()?.matmul(&self.output)
    }

    fn descend(&self, gradients: &GradStore) -> Answer<()> {
        for weights in [&self.hidden, &self.output] {
            let gradient = gradients.get(weights).ok_or("a weight has no gradient")?;
            let kept = (weights.as_tensor() * (1.0 - DECAY))?;
            weights.set(&(kept - (gradient * RATE)?)?)?;
        }
        Ok(())
    }
}

fn numbers(features: &Tensor) -> candle_core::Result<Vec<f64>> {
    features.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}

fn matrix(values: &[f64]) -> hgr_corr::Result<Matrix<'_>> {
    Matrix::new(values, values.len() / FEATURES, FEATURES)
}
