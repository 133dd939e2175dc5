//! Reading tensors as slices, and choosing the kernel for their element type.

use std::cell::Cell;
use std::marker::PhantomData;

use candle_core::backend::BackendStorage as _;
use candle_core::{
    CpuStorage, DType, Device, InplaceOp1, Layout, Storage, StorageRef, Tensor, WithDType,
};

use crate::order::Order;
use crate::panels::Packed;
use crate::{Error, Result, elementary};

/// Elements of one parallel piece of an element-wise loop: large enough to outweigh the hand-over
/// to another thread, small enough for the second-level cache.
pub(crate) const PIECE: usize = 1 << 14;

/// An element type that the kernels compute in: f32 to train, f64 to check gradients.
pub(crate) trait Float: WithDType + Packed {
    /// The elements of a storage of this type.
    fn elements_mut(storage: &mut CpuStorage) -> Option<&mut Vec<Self>>;

    /// The square root.
    fn square_root(self) -> Self;

    /// e to this power.
    fn exponential(self) -> Self;

    /// 1 / (1 + e^-x).
    fn sigmoid(self) -> Self;

    /// The hyperbolic tangent.
    fn hyperbolic_tangent(self) -> Self;

    /// Distribution and density of the standard normal distribution.
    fn normal(self) -> (Self, Self);
}

impl Float for f32 {
    fn elements_mut(storage: &mut CpuStorage) -> Option<&mut Vec<Self>> {
        if let CpuStorage::F32(values) = storage { Some(values) } else { None }
    }

    #[inline(always)]
    fn square_root(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn exponential(self) -> Self {
        elementary::exp(self)
    }

    #[inline(always)]
    fn sigmoid(self) -> Self {
        elementary::sigmoid(self)
    }

    #[inline(always)]
    fn hyperbolic_tangent(self) -> Self {
        elementary::tanh(self)
    }

    #[inline(always)]
    fn normal(self) -> (Self, Self) {
        elementary::normal(self)
    }
}

impl Float for f64 {
    fn elements_mut(storage: &mut CpuStorage) -> Option<&mut Vec<Self>> {
        if let CpuStorage::F64(values) = storage { Some(values) } else { None }
    }

    fn square_root(self) -> Self {
        self.sqrt()
    }

    fn exponential(self) -> Self {
        self.exp()
    }

    fn sigmoid(self) -> Self {
        1.0 / (1.0 + (-self).exp())
    }

    fn hyperbolic_tangent(self) -> Self {
        self.tanh()
    }

    fn normal(self) -> (Self, Self) {
        let below = 0.5 * libm::erfc(-self * std::f64::consts::FRAC_1_SQRT_2);
        let root = (2.0 * std::f64::consts::PI).sqrt();
        (below, (-0.5 * self * self).exp() / root)
    }
}

/// Evaluates an expression with a type name bound to the float type of a [`DType`].
macro_rules! with_float {
    ($dtype:expr, $float:ident => $body:expr) => {
        match $dtype {
            dtype if dtype == candle_core::DType::F32 => {
                type $float = f32;
                $body
            }
            dtype if dtype == candle_core::DType::F64 => {
                type $float = f64;
                $body
            }
            dtype => Err(candle_core::Error::UnsupportedDTypeForOp(dtype, "av-ops")),
        }
    };
}
pub(crate) use with_float;

/// The gradients of three inputs; none for an input that no variable leads to.
pub(crate) type Gradients = (Option<Tensor>, Option<Tensor>, Option<Tensor>);

/// The elements of a tensor, locked for reading.
pub(crate) struct Values<'t> {
    storage: StorageRef<'t>,
    layout: &'t Layout,
    order: Order,
}

impl<'t> Values<'t> {
    /// Locks `tensor`, which must be contiguous.
    pub(crate) fn of(tensor: &'t Tensor) -> Self {
        Self::in_order(Order::First, tensor)
    }

    /// Locks `tensor`, which must lie in this order.
    pub(crate) fn in_order(order: Order, tensor: &'t Tensor) -> Self {
        let (storage, layout) = tensor.storage_and_layout();
        Self { storage, layout, order }
    }

    /// The elements in the order of the memory.
    pub(crate) fn slice<T: Float>(&self) -> candle_core::Result<&[T]> {
        self.order.slice(host(&self.storage)?, self.layout)
    }
}

/// The storage of a tensor on the CPU.
pub(crate) fn host(storage: &Storage) -> candle_core::Result<&CpuStorage> {
    if let Storage::Cpu(storage) = storage {
        Ok(storage)
    } else {
        candle_core::bail!("av-ops reads tensors on the CPU only")
    }
}

/// The elements of a contiguous storage in row-major order.
pub(crate) fn slice<'s, T: Float>(
    storage: &'s CpuStorage,
    layout: &Layout,
) -> candle_core::Result<&'s [T]> {
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or(candle_core::Error::RequiresContiguous { op: "av-ops" })?;
    Ok(&T::cpu_storage_as_slice(storage)?[start..end])
}

/// The elements of a contiguous storage in row-major order, to be changed in place.
pub(crate) fn slice_mut<'s, T: Float>(
    storage: &'s mut CpuStorage,
    layout: &Layout,
) -> candle_core::Result<&'s mut [T]> {
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or(candle_core::Error::RequiresContiguous { op: "av-ops" })?;
    let dtype = storage.dtype();
    let elements = T::elements_mut(storage)
        .ok_or(candle_core::Error::UnsupportedDTypeForOp(dtype, "av-ops"))?;
    Ok(&mut elements[start..end])
}

/// Changes the elements of a contiguous tensor in place.
pub(crate) fn change<T: Float>(
    tensor: &Tensor,
    work: impl FnOnce(&mut [T]) -> candle_core::Result<()>,
) -> candle_core::Result<()> {
    tensor.inplace_op1(&Change { work: Cell::new(Some(work)), element: PhantomData::<T> })
}

/// Work that is done once, by an operator that candle might call many times.
struct Change<W, T> {
    work: Cell<Option<W>>,
    element: PhantomData<T>,
}

impl<T: Float, W: FnOnce(&mut [T]) -> candle_core::Result<()>> InplaceOp1 for Change<W, T> {
    fn name(&self) -> &'static str {
        "change"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let elements = slice_mut(storage, layout)?;
        self.work.take().map_or(Ok(()), |work| work(elements))
    }
}

/// A tensor on the CPU with the shape of `like`.
pub(crate) fn tensor_like<T: Float>(values: Vec<T>, like: &Tensor) -> candle_core::Result<Tensor> {
    Tensor::from_vec(values, like.shape(), &Device::Cpu)
}

/// Checks what every operator asks of its inputs: on one device, and all f32 or all f64.
pub(crate) fn check_inputs(operator: &'static str, inputs: &[&Tensor]) -> Result<()> {
    for input in inputs {
        check_devices(operator, inputs[0], input)?;
        let (left, right) = (inputs[0].dtype(), input.dtype());
        if right != DType::F32 && right != DType::F64 {
            return Err(Error::DType { operator, actual: right });
        }
        if left != right {
            return Err(Error::MixedDTypes { operator, left, right });
        }
    }
    Ok(())
}

/// Checks that two tensors are on one device.
pub(crate) fn check_devices(operator: &'static str, a: &Tensor, b: &Tensor) -> Result<()> {
    if a.device().same_device(b.device()) { Ok(()) } else { Err(Error::Device { operator }) }
}

/// Checks that a tensor has the given number of dimensions and no empty one.
pub(crate) fn check_rank(operator: &'static str, input: &Tensor, expected: &str) -> Result<()> {
    let rank = expected.split(',').count();
    if input.rank() != rank || input.dims().contains(&0) {
        return Err(Error::Shape {
            operator,
            expected: format!("a tensor ({expected}) without empty dimensions"),
            actual: input.dims().to_vec(),
        });
    }
    Ok(())
}

/// Checks that a tensor has exactly the given shape.
pub(crate) fn check_shape(
    operator: &'static str,
    input: &Tensor,
    name: &str,
    expected: &[usize],
) -> Result<()> {
    if input.dims() != expected {
        return Err(Error::Shape {
            operator,
            expected: format!("a {name} of shape {expected:?}"),
            actual: input.dims().to_vec(),
        });
    }
    Ok(())
}
