//! The softmax, its logarithm, and the loss that rests on it.

use candle_core::{D, Tensor};

use super::constant;
use crate::Result;

/// The exponentials of each row, divided by their sum.
pub(crate) fn softmax(x: &Tensor) -> Result<Tensor> {
    let exponentials = less_largest(x)?.exp()?;
    Ok(exponentials.broadcast_div(&exponentials.sum_keepdim(D::Minus1)?)?)
}

/// The logarithm of the softmax of each row.
pub(crate) fn log_softmax(x: &Tensor) -> Result<Tensor> {
    let x = less_largest(x)?;
    Ok(x.broadcast_sub(&log_total(&x)?)?)
}

/// The sum of `hits[b]` times the loss of row `b` in its class and, where there are `floors`, of
/// `floors[c]` times that in every class `c`.
pub(crate) fn cross_entropy(
    logits: &Tensor,
    classes: &[usize],
    hits: Vec<f64>,
    floors: Option<Vec<f64>>,
) -> Result<Tensor> {
    let (rows, width) = logits.dims2()?;
    let logits = less_largest(logits)?;
    let log_total = log_total(&logits)?;
    let classes: Vec<i64> = classes.iter().map(|&class| class as i64).collect();
    let classes = Tensor::from_vec(classes, (rows, 1), logits.device())?;
    // Gathered and not multiplied by zeros and ones, as the logit of another class may be infinite.
    let losses = (&log_total - logits.gather(&classes, 1)?)?;
    let loss = (losses * constant(hits, (rows, 1), &logits)?)?.sum_all()?;
    let Some(floors) = floors else {
        return Ok(loss);
    };
    let losses = logits.broadcast_sub(&log_total)?.neg()?;
    let spread = losses.broadcast_mul(&constant(floors, (1, width), &logits)?)?.sum_all()?;
    Ok((loss + spread)?)
}

/// Each row less its largest element, which has no gradient: what is computed does not depend on it.
pub(super) fn less_largest(x: &Tensor) -> Result<Tensor> {
    Ok(x.broadcast_sub(&x.detach().max_keepdim(D::Minus1)?)?)
}

/// The logarithm of the sum of exponentials, which is at least 1.
fn log_total(x: &Tensor) -> Result<Tensor> {
    Ok(x.exp()?.sum_keepdim(D::Minus1)?.log()?)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::super::testing::{assert_close, check, composed, normal, values};
    use crate::{CrossEntropyConfig, cross_entropy, log_softmax, softmax};

    #[test]
    fn softmax_agrees_with_the_kernel() {
        for shape in [&[1][..], &[5], &[3, 7], &[2, 1, 4]] {
            let x = [(normal("x", shape) * 4.0).unwrap()];
            let case = format!("{shape:?}");
            check(&case, &x, &|t| softmax(&t[0]).unwrap());
            check(&case, &x, &|t| log_softmax(&t[0]).unwrap());
        }
        let equals = [normal("x", &[6, 5]).round().unwrap()];
        check("equals", &equals, &|t| softmax(&t[0].t().unwrap()).unwrap());
        check("equals", &equals, &|t| log_softmax(&t[0].t().unwrap()).unwrap());
    }

    #[test]
    fn cross_entropy_agrees_with_the_kernel() {
        let weights = vec![0.5, 2.0, 0.0, 1.0, 3.0];
        for rows in [1, 6] {
            let logits = [(normal("logits", &[5, rows]) * 3.0).unwrap()];
            let labels: Vec<u32> = (0..5).cycle().skip(3).take(rows).collect();
            for smoothing in [0.0, 0.1] {
                for weights in [None, Some(weights.clone())] {
                    let config = CrossEntropyConfig { smoothing, weights };
                    check(&format!("{rows} rows, {config:?}"), &logits, &|t| {
                        cross_entropy(&t[0].t().unwrap(), &labels, &config).unwrap()
                    });
                }
            }
        }
    }

    #[test]
    fn infinite_and_large_logits_give_what_the_kernels_give() {
        let (large, infinite) = (2000.0, f64::INFINITY);
        let rows =
            [[large, 0.0, -large], [0.0, -infinite, 1.0], [0.0, f64::NAN, 1.0], [-infinite; 3]];
        for row in rows {
            let x = Var::new(&[row], &Device::Cpu).unwrap();
            let config = CrossEntropyConfig::default();
            let run = || {
                let loss = cross_entropy(&x, &[0], &config).unwrap();
                let gradient = values(loss.backward().unwrap().get(&x).unwrap());
                let results = [softmax(&x).unwrap(), log_softmax(&x).unwrap(), loss];
                [results.map(|y| values(&y)).concat(), gradient].concat()
            };
            assert_close(&format!("{row:?}"), &composed(run), &run(), 1e-12);
        }
    }
}
