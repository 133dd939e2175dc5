//! A regression whose output must not depend on a protected column, in any way and not only linearly.
//!
//! The penalty is half the sum of the squared canonical correlations of powers of the output and of the protected
//! column: 0 only where no such functions are correlated. Afterwards the dependence is measured on other rows.
//!
//! Run: cargo run -p hgr-corr --example fairness

use candle_core::{Device, Tensor, Var};
use hgr_corr::{Cca, CcaScore, hgr};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROWS: usize = 1000;
const STEPS: usize = 300;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let penalty = Cca { score: CcaScore::HalfSumSquares, ridge: 1e-3 };
    for weight in [0.0, 1.0, 20.0] {
        let (inputs, protected, target) = draw(1)?;
        // Not 0: a constant output has no spread to divide by.
        let weights = Var::new(&[[0.1], [0.1]], &Device::Cpu)?;
        for _ in 0..STEPS {
            let output = inputs.matmul(&weights)?;
            let error = (&output - &target)?.sqr()?.mean_all()?;
            let found = penalty.loss(&powers(&output, 2)?, &powers(&protected, 3)?)?;
            let gradients = (error - (found.value * weight)?)?.backward()?;
            let gradient = gradients.get(&weights).ok_or("no gradient")?;
            weights.set(&(weights.as_tensor() - (gradient * 0.05)?)?)?;
        }
        let (inputs, protected, target) = draw(2)?;
        let output = inputs.matmul(&weights)?;
        let error = (&output - &target)?.sqr()?.mean_all()?.to_scalar::<f64>()?;
        let flat = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f64>();
        let left = hgr(&flat(&output)?, &flat(&protected)?)?.sigma;
        println!("weight {weight}: mean squared error {error:.3}, dependence left {left:.3}");
    }
    Ok(())
}

/// Inputs, protected column and target: the second input holds the square of the protected column.
fn draw(seed: u64) -> candle_core::Result<(Tensor, Tensor, Tensor)> {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = || stream.random_range(-1.0..1.0);
    let (mut inputs, mut protected, mut target) = (vec![], vec![], vec![]);
    for _ in 0..ROWS {
        let (p, skill): (f64, f64) = (uniform(), uniform());
        let hint = p * p - 1.0 / 3.0 + 0.1 * uniform();
        inputs.extend([skill, hint]);
        protected.push(p);
        target.push(skill + hint);
    }
    let column = |values| Tensor::from_vec(values, (ROWS, 1), &Device::Cpu);
    Ok((Tensor::from_vec(inputs, (ROWS, 2), &Device::Cpu)?, column(protected)?, column(target)?))
}

/// The first powers of a column, side by side.
fn powers(column: &Tensor, highest: u32) -> candle_core::Result<Tensor> {
    let powers: Vec<Tensor> =
        (1..=highest).map(|power| column.powf(f64::from(power))).collect::<Result<_, _>>()?;
    Tensor::cat(&powers, 1)
}
