//! What models are computed on.

use candle_core::{DType, Device};

/// Number type of the weights.
pub(crate) const DTYPE: DType = DType::F32;

/// Where models are trained and applied.
pub(crate) const DEVICE: Device = Device::Cpu;
