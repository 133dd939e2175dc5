//! What can go wrong, and what to do about it.

use std::path::PathBuf;

use candle_core::DType;

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// An operator, a parameter set or a parameter file was used in a way that cannot work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor has the wrong shape for an operator. Reshape it, or mend the layer before it.
    #[error("{operator} needs {expected}, but the shape is {actual:?}; check what feeds it")]
    Shape {
        /// The operator that was called.
        operator: &'static str,
        /// What the operator needs, in words.
        expected: String,
        /// The shape it was given.
        actual: Vec<usize>,
    },

    /// A tensor is neither f32 nor f64. Convert it with `to_dtype`.
    #[error("{operator} computes in f32 or f64, not in {actual:?}; convert its input")]
    DType {
        /// The operator that was called.
        operator: &'static str,
        /// The element type it was given.
        actual: DType,
    },

    /// Two tensors that go into one operator differ in element type. Convert one of them.
    #[error("{operator} got {left:?} together with {right:?}; convert one of them")]
    MixedDTypes {
        /// The operator that was called.
        operator: &'static str,
        /// The element type of its first input.
        left: DType,
        /// The element type that differs.
        right: DType,
    },

    /// Two tensors that go into one operator are on different devices. Move one of them with
    /// `to_device`.
    #[error("{operator} got tensors on different devices; move them to one with `to_device`")]
    Device {
        /// The operator that was called.
        operator: &'static str,
    },

    /// A number given to an operator is outside of its range.
    #[error("{operator}: {name} must be {expected}, not {actual}")]
    Argument {
        /// The operator that was called.
        operator: &'static str,
        /// The argument.
        name: &'static str,
        /// Its range, in words.
        expected: &'static str,
        /// The value it was given.
        actual: String,
    },

    /// A class label does not exist. Check the labels, or the width of the last layer.
    #[error("row {row} has label {label}, but the logits have only {classes} classes")]
    Label {
        /// The row of the batch.
        row: usize,
        /// Its label.
        label: u32,
        /// The number of classes.
        classes: usize,
    },

    /// An index lies outside of the table it points into. Check the indices, or enlarge the table.
    #[error("index {index} at place {place} is outside of a table of {rows} rows")]
    Index {
        /// The place of the index among all of them in row-major order.
        place: usize,
        /// The index.
        index: u32,
        /// The number of rows of the table.
        rows: usize,
    },

    /// Two parameters were created under one name. Give each layer its own scope.
    #[error("parameter `{name}` was created twice; give each layer its own scope")]
    Duplicate {
        /// The full name.
        name: String,
    },

    /// A parameter was not found where its value should come from. The network was built
    /// differently from the one that was stored.
    #[error("{origin} lacks parameter `{name}`; it belongs to another network")]
    Missing {
        /// The full name.
        name: String,
        /// The file, snapshot or state that was read.
        origin: String,
    },

    /// A stored parameter has no counterpart in this network. The network was built differently
    /// from the one that was stored.
    #[error("{origin} holds `{name}`, which this network does not have")]
    Unexpected {
        /// The full name.
        name: String,
        /// The file, snapshot or state that was read.
        origin: String,
    },

    /// A stored parameter has another shape or element type than in this network.
    #[error("`{name}` is {actual} in {origin}, but this network needs {expected}")]
    Mismatch {
        /// The full name.
        name: String,
        /// The file, snapshot or state that was read.
        origin: String,
        /// Shape and element type in this network.
        expected: String,
        /// Shape and element type found.
        actual: String,
    },

    /// A gradient is infinite or not a number. Lower the learning rate, or look for the loss term
    /// that overflows.
    #[error("the gradient of `{name}` is not finite; lower the learning rate or check the loss")]
    NonFinite {
        /// The first such parameter in name order.
        name: String,
    },

    /// A tensor file could not be read.
    #[error("cannot read {path}; check that it exists and is readable", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },

    /// A tensor file could not be written.
    #[error("cannot write {path}; check the folder and the free space", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },

    /// A file is damaged, or it is not a safetensors file. Restore it or write it again.
    #[error("{path} is not a whole safetensors file; restore it", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: safetensors::SafeTensorError,
    },

    /// A tape was started while another one records on the same thread. End that one first.
    #[error("a tape records on this thread already; call backward on it, or drop it, first")]
    Recording,

    /// candle refused an operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}
