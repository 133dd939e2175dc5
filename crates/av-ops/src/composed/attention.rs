//! Attention with all its weights at once.

use candle_core::{D, Tensor};

use super::softmax::{less_largest, softmax};
use crate::Result;
use crate::attention::{AttentionMask, HeadLayout};

/// The score of a hidden key: below any other, and finite, as the difference of two infinite ones
/// is no number.
const HIDDEN: f64 = -1e30;

/// Scaled dot-product attention of tensors whose heads and steps stand in this order.
pub(crate) fn attention(
    inputs: [&Tensor; 3],
    mask: Option<AttentionMask<'_>>,
    order: HeadLayout,
) -> Result<Tensor> {
    let turn = |tensor: &Tensor| match order {
        HeadLayout::HeadsOutside => tensor.contiguous(),
        HeadLayout::HeadsInside => tensor.transpose(1, 2)?.contiguous(),
    };
    let [q, k, v] = inputs.map(turn);
    let q = q?;
    let scores = (q.matmul(&k?.t()?)? * (q.dim(3)? as f64).sqrt().recip())?;
    let weights = match mask {
        Some(mask) => masked_softmax(&scores, mask)?,
        None => softmax(&scores)?,
    };
    Ok(turn(&weights.matmul(&v?)?)?)
}

/// The softmax over the visible keys, or 0 for a query that sees none.
fn masked_softmax(scores: &Tensor, mask: AttentionMask<'_>) -> Result<Tensor> {
    let mask = match mask {
        AttentionMask::Keys(mask) => mask.unsqueeze(1)?.unsqueeze(1)?,
        AttentionMask::Pairs(mask) => mask.unsqueeze(0)?.unsqueeze(0)?,
    };
    let visible = mask.ne(0_u8)?.broadcast_as(scores.shape())?.contiguous()?;
    let hidden = (scores.zeros_like()? + HIDDEN)?;
    let exponentials = less_largest(&visible.where_cond(scores, &hidden)?)?.exp()?;
    let exponentials = (exponentials * visible.to_dtype(scores.dtype())?)?;
    let total = exponentials.sum_keepdim(D::Minus1)?;
    // The sum is at least 1 with a visible key; without one 0 becomes 1.
    let total = (&total + total.eq(0.0)?.to_dtype(total.dtype())?)?;
    Ok(exponentials.broadcast_div(&total)?)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};

    use super::super::testing::{assert_close, check, composed, normal, values};
    use crate::{Attention, AttentionMask, Parameters, Streams, attention};

    fn mask(rows: usize, columns: usize, visible: impl Fn(usize, usize) -> u8) -> Tensor {
        let visible = (0..rows * columns).map(|at| visible(at / columns, at % columns));
        Tensor::from_vec(visible.collect::<Vec<_>>(), (rows, columns), &Device::Cpu).unwrap()
    }

    #[test]
    fn attention_agrees_with_the_kernel_under_every_mask() {
        for (batch, heads, queries, keys, width) in
            [(2, 3, 5, 7, 4), (1, 1, 1, 1, 1), (3, 2, 4, 1, 3)]
        {
            let inputs = [
                normal("q", &[batch, heads, queries, width]),
                normal("k", &[batch, heads, width, keys]),
                normal("v", &[batch, heads, keys, width + 1]),
            ];
            // A sequence without any visible key, queries without any, other values than 1.
            let some =
                mask(batch, keys, |row, key| u8::from(row != 1) * 2 * u8::from(key % 3 != 1));
            let none = mask(batch, keys, |_, _| 0);
            let past = mask(queries, keys, |query, key| u8::from(key < query));
            let masks = [
                None,
                Some(AttentionMask::Keys(&some)),
                Some(AttentionMask::Keys(&none)),
                Some(AttentionMask::Pairs(&past)),
            ];
            for mask in masks {
                let case = format!("{batch} x {heads} x {queries} x {keys} x {width}, {mask:?}");
                check(&case, &inputs, &|t| {
                    attention(&t[0], &t[1].t().unwrap(), &t[2], mask).unwrap()
                });
            }
        }
    }

    #[test]
    fn large_scores_agree_with_the_kernel() {
        let scale = |tensor: Tensor, by: f64| (tensor * by).unwrap();
        let inputs = [
            scale(normal("q", &[1, 1, 3, 2]), 300.0),
            scale(normal("k", &[1, 1, 4, 2]), 300.0),
            normal("v", &[1, 1, 4, 2]),
        ];
        let past = mask(3, 4, |query, key| u8::from(key < query));
        let run = || {
            values(
                &attention(&inputs[0], &inputs[1], &inputs[2], Some(AttentionMask::Pairs(&past)))
                    .unwrap(),
            )
        };
        assert_close("large", &composed(run), &run(), 1e-12);
    }

    #[test]
    fn the_layer_agrees_with_its_kernels() {
        let mut parameters = Parameters::new(Streams::new(1), DType::F64, &Device::Cpu);
        let layer = Attention::new(&mut parameters.scope("layer"), 6, 2).unwrap();
        let x = normal("x", &[2, 5, 6]);
        let run = || values(&layer.forward(&x, None).unwrap());
        assert_close("layer", &composed(run), &run(), 1e-12);
    }
}
