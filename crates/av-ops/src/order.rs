//! Where in memory the channels of images lie.

use crate::cpu::{Float, check_inputs, slice, with_float};
use crate::results::compute;
use crate::turn::turn;
use crate::{Error, Result, composed, tape};
use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Shape, Tensor, WithDType as _};

const NAME: &str = "channels_last";

/// What follows what in the memory of a tensor (B, C, ...).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The places of one channel, as candle lays tensors out.
    First,
    /// The channels of one place.
    Last,
}

impl Order {
    /// That of a tensor: the channels are last where its strides are those of a contiguous tensor (B, ..., C).
    pub fn of(x: &Tensor) -> Self {
        let [_, channels, rest @ ..] = x.dims() else { return Self::First };
        let [image, 1, places @ ..] = x.stride() else { return Self::First };
        let mut expected = *channels;
        for (&extent, &stride) in rest.iter().zip(places).rev() {
            if stride != expected {
                return Self::First;
            }
            expected *= extent;
        }
        if rest.is_empty() || *image != expected { Self::First } else { Self::Last }
    }

    /// The tensor with its dimensions in the order of the memory.
    pub fn physical(self, x: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::First => Ok(x.clone()),
            Self::Last => x.permute(physical(x.rank())),
        }
    }

    /// The tensor (B, C, ...) whose dimensions are in the order of the memory.
    pub fn logical(self, x: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::First => Ok(x.clone()),
            Self::Last => {
                let rank = x.rank();
                x.permute([0, rank - 1].into_iter().chain(1..rank - 1).collect::<Vec<_>>())
            }
        }
    }

    /// Sizes in the order of the memory.
    pub fn dims(self, dims: &[usize]) -> Vec<usize> {
        match self {
            Self::First => dims.to_vec(),
            Self::Last => [&dims[..1], &dims[2..], &dims[1..2]].concat(),
        }
    }

    /// The tensor (B, C, ...) of these sizes with values in the order of the memory.
    pub fn tensor<T: Float>(self, values: Vec<T>, dims: &[usize]) -> candle_core::Result<Tensor> {
        self.logical(&Tensor::from_vec(values, self.dims(dims), &Device::Cpu)?)
    }

    /// The elements of a tensor that lies in this order.
    pub fn slice<'s, T: Float>(
        self,
        storage: &'s CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<&'s [T]> {
        match self {
            Self::First => slice(storage, layout),
            Self::Last => slice(storage, &layout.permute(&physical(layout.dims().len()))?),
        }
    }
}

/// The dimensions (B, C, ...) of a tensor of this rank as they follow each other where the channels are last.
fn physical(rank: usize) -> Vec<usize> {
    [0].into_iter().chain(2..rank).chain([1]).collect()
}

/// The same images with the channels of a place side by side in memory, which convolution, batch normalisation and
/// [`global_avg_pool`](crate::global_avg_pool) are fastest with.
///
/// The shape stays (B, C, ...): what changes are the strides. These operators give results in the order of their
/// input, so that it is enough to call this on the input of a network. Every other operator takes such a tensor too,
/// at the cost of a copy. Convolution keeps the order in f32 with eight output channels of a group and more.
///
/// Shapes: `x` (B, C, ...) with at least one dimension after the channels; the result has the shape of `x`.
///
/// Errors: fewer than three dimensions, a tensor that is not f32 or f64.
///
/// Numerics: the values are copied. Results of an operator in the one and the other order differ in rounding.
///
/// ```
/// use av_ops::{Conv2dConfig, channels_last, conv2d};
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::arange(0f32, 18.0, &Device::Cpu)?.reshape((1, 2, 3, 3))?;
/// let sum = Tensor::ones((8, 2, 3, 3), x.dtype(), &Device::Cpu)?;
/// let y = conv2d(&channels_last(&x)?, &sum, None, Conv2dConfig::default())?;
/// assert_eq!(y.dims(), [1, 8, 1, 1]);
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [153.0; 8]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn channels_last(x: &Tensor) -> Result<Tensor> {
    if x.rank() < 3 {
        return Err(Error::Shape {
            operator: NAME,
            expected: "a tensor (B,C,...) of three dimensions or more".to_owned(),
            actual: x.dims().to_vec(),
        });
    }
    check_inputs(NAME, &[x])?;
    if Order::of(x) == Order::Last || x.elem_count() == 0 || composed::applies(x) {
        return Ok(x.clone());
    }
    Ok(tape::apply1_in(Order::Last, &x.contiguous()?, ChannelsLast)?)
}

struct ChannelsLast;

impl CustomOp1 for ChannelsLast {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let dims = layout.dims();
        let (channels, places) = (dims[1], dims[2..].iter().product::<usize>());
        let y = with_float!(x.dtype(), T => {
            let x = slice::<T>(x, layout)?;
            let image = channels * places;
            let y = compute::<T>(x.len(), image, |index, y| {
                turn(&x[index * image..], [channels, places], places, y, channels);
            });
            Ok(T::to_cpu_storage_owned(y))
        })?;
        Ok((y, Shape::from(Order::Last.dims(dims))))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        Order::Last.logical(dy).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_told_by_the_strides() -> Result<()> {
        let x = Tensor::zeros((2, 3, 4, 5), candle_core::DType::F32, &Device::Cpu)?;
        let last = channels_last(&x)?;
        assert_eq!((Order::of(&x), Order::of(&last)), (Order::First, Order::Last));
        assert_eq!(last.dims(), x.dims());
        assert_eq!(last.stride(), [60, 1, 15, 3]);
        // Parts of images, and an image of one channel that lies as candle lays it out.
        assert_eq!(Order::of(&last.narrow(3, 0, 4)?), Order::First);
        assert_eq!(Order::of(&last.narrow(2, 1, 3)?), Order::First);
        assert_eq!(Order::of(&last.narrow(0, 1, 1)?), Order::Last);
        assert_eq!(Order::of(&x.narrow(1, 0, 1)?.contiguous()?), Order::First);
        assert_eq!(Order::of(&x.flatten_from(1)?), Order::First);
        Ok(())
    }
}
