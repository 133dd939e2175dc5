//! A batch a few rows at a time.

use candle_core::Tensor;
use rayon::prelude::*;

/// `work` of a batch, from its values for a few rows each: what a network gives in the middle stays in the cache, and all
/// threads are at work without waiting for each other between operators.
///
/// For what takes each row of its own, as a network does in evaluation; then the result is that of `work(x)`, and so are the
/// gradients, with a [`Tape`](crate::Tape) or without. On devices that are not the CPU, `work` gets the whole batch.
///
/// Shapes: `x` (B, ...); `work` gets (b, ...) with `1 <= b <= rows`, where 0 counts as 1, and gives (b, ...).
///
/// Errors: those of `work`; results that do not fit together.
///
/// ```
/// use av_ops::{by_rows, relu};
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::arange(-3f32, 7.0, &Device::Cpu)?.reshape((5, 2))?;
/// let y = by_rows(&x, 2, relu)?;
/// assert_eq!(y.to_vec2::<f32>()?, relu(&x)?.to_vec2::<f32>()?);
/// # Ok::<(), av_ops::Error>(())
/// ```
pub fn by_rows<E: From<candle_core::Error> + Send>(
    x: &Tensor,
    rows: usize,
    work: impl Fn(&Tensor) -> std::result::Result<Tensor, E> + Sync,
) -> std::result::Result<Tensor, E> {
    let (batch, rows) = (x.dim(0)?, rows.max(1));
    if batch <= rows || !x.device().is_cpu() {
        return work(x);
    }
    let piece = |index: usize| {
        let first = index * rows;
        work(&x.narrow(0, first, rows.min(batch - first))?)
    };
    let pieces = (0..batch.div_ceil(rows)).into_par_iter().map(piece);
    let pieces = pieces.collect::<std::result::Result<Vec<_>, E>>()?;
    Ok(Tensor::cat(&pieces, 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, Tape, relu};
    use candle_core::{Device, Var};

    #[test]
    fn the_rows_come_back_in_their_order_whatever_the_pieces() {
        let x = Tensor::arange(0f32, 21.0, &Device::Cpu).unwrap().reshape((7, 3)).unwrap();
        for rows in [0, 1, 2, 3, 6, 7, 8] {
            let most = rows.max(1);
            let y = by_rows(&x, rows, |x| {
                assert!((1..=most).contains(&x.dim(0)?));
                Ok::<_, Error>((x * 2.0)?)
            });
            let expected = (&x * 2.0).unwrap().to_vec2::<f32>().unwrap();
            assert_eq!(y.unwrap().to_vec2::<f32>().unwrap(), expected, "{rows} rows");
        }
    }

    #[test]
    fn a_tape_and_candle_give_the_gradient_of_every_row() {
        let x = Var::new(&[[1f32], [-1.0], [2.0]], &Device::Cpu).unwrap();
        let weight = Tensor::new(&[[3f32], [5.0], [7.0]], &Device::Cpu).unwrap();
        let check = || {
            let y = || by_rows(&x, 1, relu).unwrap();
            let loss = || y().mul(&weight).unwrap().sum_all().unwrap();
            let tape = Tape::start().unwrap();
            let recorded = tape.backward(&loss()).unwrap();
            for gradients in [recorded, loss().backward().unwrap()] {
                let gradient = gradients.get(&x).unwrap().to_vec2::<f32>().unwrap();
                assert_eq!(gradient, [[3.0], [0.0], [7.0]]);
            }
        };
        check();
        // Some pieces on the thread of the tape, others beside it.
        rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap().install(check);
    }

    #[test]
    fn the_error_of_a_piece_is_that_of_the_batch() {
        let x = Tensor::zeros((4, 1), candle_core::DType::F32, &Device::Cpu).unwrap();
        let outcome =
            by_rows(&x, 3, |x| if x.dim(0)? == 1 { Err(Error::Recording) } else { Ok(x.clone()) });
        assert!(matches!(outcome, Err(Error::Recording)));
    }
}
