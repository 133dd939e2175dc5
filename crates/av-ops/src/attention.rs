//! Scaled dot-product attention.

mod head;

use std::sync::OnceLock;

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp3, DType, Layout, Shape, Tensor, WithDType as _};
use rayon::prelude::*;

use crate::composed;
use crate::cpu::{
    Float, Gradients, Values, check_devices, check_inputs, check_rank, check_shape, slice,
    tensor_like, with_float,
};
use crate::tape;
use crate::{Error, Result};
use head::{Head, Rows, Softmax};

const NAME: &str = "attention";

/// Which keys a query may look at: those where the mask, of element type u8, is not 0.
#[derive(Debug, Clone, Copy)]
pub enum AttentionMask<'m> {
    /// The same keys for all queries of a sequence, (B, keys): the steps that are no padding.
    Keys(&'m Tensor),
    /// The same pairs in all sequences, (queries, keys): the steps that lie in the past.
    Pairs(&'m Tensor),
}

/// For each query the mean of the values, weighted by how well their keys fit it.
///
/// Definition: `y[b,h,i] = sum over j of w[b,h,i,j] v[b,h,j]`, where `w[b,h,i]` is the softmax of
/// `q[b,h,i] . k[b,h,j] / sqrt(D)` over the keys `j` that query `i` may look at. A query that may
/// look at none gives 0, with gradient 0.
///
/// Shapes: `q` (B, heads, queries, D), `k` (B, heads, keys, D), `v` (B, heads, keys, D'); the
/// result is (B, heads, queries, D').
///
/// Errors: shapes that do not fit together, an empty dimension, a mask that is not u8, tensors that
/// are not f32 or f64 or not on one device.
///
/// Numerics: the largest score of a query is taken off before the exponential. Backward computes
/// the weights anew, so that on the CPU memory grows with queries plus keys and not with their
/// product. Values that are hidden by the mask must be finite all the same.
///
/// Source: Vaswani et al., "Attention is all you need", NeurIPS 2017, equation 1.
///
/// ```
/// use av_ops::{AttentionMask, attention};
/// use candle_core::{DType, Device, Tensor};
///
/// // One query that fits all keys alike gives the mean of the values it may look at.
/// let q = Tensor::zeros((1, 1, 1, 2), DType::F32, &Device::Cpu)?;
/// let k = Tensor::ones((1, 1, 3, 2), DType::F32, &Device::Cpu)?;
/// let v = Tensor::new(&[1f32, 5.0, 90.0], &Device::Cpu)?.reshape((1, 1, 3, 1))?;
/// let mask = Tensor::new(&[[1u8, 1, 0]], &Device::Cpu)?;
/// let y = attention(&q, &k, &v, Some(AttentionMask::Keys(&mask)))?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [3.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<AttentionMask<'_>>,
) -> Result<Tensor> {
    attend([q, k, v], mask, HeadLayout::HeadsOutside)
}

/// Whether the heads of a tensor stand before or after its steps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadLayout {
    /// (B, heads, steps, D).
    HeadsOutside,
    /// (B, steps, heads, D), as linear maps give them.
    HeadsInside,
}

/// [`attention`] for either order of heads and steps, which all tensors share.
pub(crate) fn attend(
    [q, k, v]: [&Tensor; 3],
    mask: Option<AttentionMask<'_>>,
    order: HeadLayout,
) -> Result<Tensor> {
    let names = match order {
        HeadLayout::HeadsOutside => "B,heads,T,D",
        HeadLayout::HeadsInside => "B,T,heads,D",
    };
    for tensor in [q, k, v] {
        check_rank(NAME, tensor, names)?;
    }
    check_inputs(NAME, &[q, k, v])?;
    let sizes = Sizes::of(q, k, v, order)?;
    if let Some(mask) = mask {
        sizes.check_mask(mask, q)?;
    }
    if composed::applies(q) {
        return composed::attention([q, k, v], mask, order);
    }
    let mask = mask.map(Mask::read).transpose()?;
    let op = AttentionOp { sizes, order, mask, softmax: OnceLock::new() };
    Ok(tape::apply3([&q.contiguous()?, &k.contiguous()?, &v.contiguous()?], op)?)
}

impl HeadLayout {
    fn dims(self, batch: usize, heads: usize, steps: usize, width: usize) -> [usize; 4] {
        match self {
            Self::HeadsOutside => [batch, heads, steps, width],
            Self::HeadsInside => [batch, steps, heads, width],
        }
    }

    /// Where in a sequence the first row of a head lies, and how far its rows are apart.
    fn start_and_stride(
        self,
        head: usize,
        heads: usize,
        steps: usize,
        width: usize,
    ) -> (usize, usize) {
        match self {
            Self::HeadsOutside => (head * steps * width, width),
            Self::HeadsInside => (head * width, heads * width),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    heads: usize,
    queries: usize,
    keys: usize,
    /// Elements of a query and of a key.
    width: usize,
    /// Elements of a value.
    value_width: usize,
}

impl Sizes {
    fn of(q: &Tensor, k: &Tensor, v: &Tensor, order: HeadLayout) -> Result<Self> {
        let (batch, a, b, width) = q.dims4()?;
        let (_, k_a, k_b, _) = k.dims4()?;
        let (_, _, _, value_width) = v.dims4()?;
        let (heads, queries, keys) = match order {
            HeadLayout::HeadsOutside => (a, b, k_b),
            HeadLayout::HeadsInside => (b, a, k_a),
        };
        let sizes = Self { batch, heads, queries, keys, width, value_width };
        check_shape(NAME, k, "key for each query", &order.dims(batch, heads, keys, width))?;
        check_shape(NAME, v, "value for each key", &order.dims(batch, heads, keys, value_width))?;
        Ok(sizes)
    }

    fn check_mask(&self, mask: AttentionMask<'_>, q: &Tensor) -> Result<()> {
        let (tensor, rows) = match mask {
            AttentionMask::Keys(tensor) => (tensor, self.batch),
            AttentionMask::Pairs(tensor) => (tensor, self.queries),
        };
        check_shape(NAME, tensor, "mask", &[rows, self.keys])?;
        check_devices(NAME, q, tensor)?;
        if tensor.dtype() != DType::U8 {
            return Err(Error::Argument {
                operator: NAME,
                name: "the element type of the mask",
                expected: "U8",
                actual: format!("{:?}", tensor.dtype()),
            });
        }
        Ok(())
    }
}

struct Mask {
    visible: Vec<u8>,
    /// Whether it holds for all sequences alike.
    shared: bool,
}

impl Mask {
    fn read(mask: AttentionMask<'_>) -> Result<Self> {
        let (tensor, shared) = match mask {
            AttentionMask::Keys(tensor) => (tensor, false),
            AttentionMask::Pairs(tensor) => (tensor, true),
        };
        Ok(Self { visible: tensor.flatten_all()?.to_vec1()?, shared })
    }
}

struct AttentionOp {
    sizes: Sizes,
    order: HeadLayout,
    mask: Option<Mask>,
    /// How the weights of each query came about, for each sequence and head: what backward needs.
    softmax: OnceLock<Vec<Vec<Softmax>>>,
}

impl AttentionOp {
    /// The rows of one head in one sequence of a tensor.
    fn rows<'r, T>(
        &self,
        values: &'r [T],
        (sequence, head): (usize, usize),
        steps: usize,
        width: usize,
    ) -> Rows<'r, T> {
        let heads = self.sizes.heads;
        let (start, stride) = self.order.start_and_stride(head, heads, steps, width);
        let values = &values[sequence * heads * steps * width + start..];
        Rows { values, count: steps, width, stride }
    }

    fn head<'h, T>(&'h self, [q, k, v]: [&'h [T]; 3], place: (usize, usize)) -> Head<'h, T> {
        let Sizes { queries, keys, width, value_width, .. } = self.sizes;
        let mask = self.mask.as_ref().map(|mask| {
            if mask.shared { &mask.visible[..] } else { &mask.visible[place.0 * keys..][..keys] }
        });
        Head {
            q: self.rows(q, place, queries, width),
            k: self.rows(k, place, keys, width),
            v: self.rows(v, place, keys, value_width),
            mask,
            scale: (width as f64).sqrt().recip(),
        }
    }

    /// Writes the rows of a head to where they lie in its sequence.
    fn place<T: Float>(&self, part: &[T], head: usize, width: usize, sequence: &mut [T]) {
        let (heads, steps) = (self.sizes.heads, part.len() / width);
        let (start, stride) = self.order.start_and_stride(head, heads, steps, width);
        let rows = sequence.get_mut(start..).unwrap_or_default().chunks_mut(stride);
        for (target, row) in rows.zip(part.chunks_exact(width)) {
            target[..width].copy_from_slice(row);
        }
    }

    fn forward<T: Float>(&self, inputs: [&[T]; 3]) -> (Vec<T>, Vec<Vec<Softmax>>) {
        let Sizes { batch, heads, queries, value_width, .. } = self.sizes;
        let mut y = vec![T::zero(); batch * heads * queries * value_width];
        let sequences = y.par_chunks_mut(heads * queries * value_width).enumerate();
        let softmax = sequences.map(|(sequence, y)| {
            let heads = (0..heads).into_par_iter();
            let parts = heads.map(|head| self.head(inputs, (sequence, head)).forward());
            let (parts, softmax): (Vec<Vec<T>>, Vec<Vec<Softmax>>) = parts.unzip();
            for (head, part) in parts.iter().enumerate() {
                self.place(part, head, value_width, y);
            }
            softmax
        });
        let softmax = softmax.collect::<Vec<_>>().concat();
        (y, softmax)
    }

    /// The gradients of queries, keys and values; empty where they are not wanted.
    fn backward<T: Float>(
        &self,
        inputs: [&[T]; 3],
        (y, dy): (&[T], &[T]),
        softmax: &[Vec<Softmax>],
        wanted: [bool; 3],
    ) -> [Vec<T>; 3] {
        let Sizes { batch, heads, queries, keys, width, value_width } = self.sizes;
        let widths = [width, width, value_width];
        let sizes = [queries * width, keys * width, keys * value_width].map(|size| size * heads);
        let mut gradients = [0, 1, 2]
            .map(|which| vec![T::zero(); if wanted[which] { batch * sizes[which] } else { 0 }]);
        let [dq, dk, dv] = &mut gradients;
        let mut chunks = [
            dq.chunks_exact_mut(sizes[0]),
            dk.chunks_exact_mut(sizes[1]),
            dv.chunks_exact_mut(sizes[2]),
        ];
        let sequences: Vec<[&mut [T]; 3]> = (0..batch)
            .map(|_| chunks.each_mut().map(|chunks| chunks.next().unwrap_or_default()))
            .collect();
        sequences.into_par_iter().enumerate().for_each(|(sequence, mut targets)| {
            let parts = (0..heads).into_par_iter().map(|head| {
                let place = (sequence, head);
                let y = self.rows(y, place, queries, value_width);
                let dy = self.rows(dy, place, queries, value_width);
                let softmax = &softmax[sequence * heads + head];
                self.head(inputs, place).backward(softmax, (y, dy), wanted)
            });
            let parts: Vec<[Vec<T>; 3]> = parts.collect();
            for (head, parts) in parts.iter().enumerate() {
                for ((part, target), width) in parts.iter().zip(&mut targets).zip(widths) {
                    self.place(part, head, width, target);
                }
            }
        });
        gradients
    }

    fn gradients<T: Float>(
        &self,
        inputs: [&Tensor; 3],
        y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<Gradients> {
        let Some(softmax) = self.softmax.get() else {
            candle_core::bail!("{NAME} went back before it went forward")
        };
        let [q, k, v] = inputs.map(Values::of);
        let (y, dy) = (Values::of(y), Values::of(dy));
        let values = [q.slice()?, k.slice()?, v.slice()?];
        let wanted = inputs.map(Tensor::track_op);
        let [dq, dk, dv] = self.backward::<T>(values, (y.slice()?, dy.slice()?), softmax, wanted);
        let some = |values: Vec<T>, which: usize| {
            wanted[which].then(|| tensor_like(values, inputs[which])).transpose()
        };
        Ok((some(dq, 0)?, some(dk, 1)?, some(dv, 2)?))
    }
}

impl CustomOp3 for AttentionOp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_layout: &Layout,
        k: &CpuStorage,
        k_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (y, softmax) = with_float!(q.dtype(), T => {
            let inputs = [slice::<T>(q, q_layout)?, slice(k, k_layout)?, slice(v, v_layout)?];
            let (y, softmax) = self.forward(inputs);
            Ok((T::to_cpu_storage_owned(y), softmax))
        })?;
        self.softmax.get_or_init(|| softmax);
        let Sizes { batch, heads, queries, value_width, .. } = self.sizes;
        Ok((y, Shape::from(self.order.dims(batch, heads, queries, value_width).to_vec())))
    }

    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<Gradients> {
        let dy = dy.contiguous()?;
        with_float!(dy.dtype(), T => self.gradients::<T>([q, k, v], y, &dy))
    }
}
