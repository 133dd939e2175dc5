//! A tape for the operators of this crate, beside candle's.

use std::cell::RefCell;
use std::marker::PhantomData;

use candle_core::backend::BackendStorage as _;
use candle_core::backprop::GradStore;
use candle_core::op::BackpropOp;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp3, Layout, Shape, Storage, Tensor, TensorId, WithDType as _,
};

use crate::cpu::{host, with_float};
use crate::order::Order;
use crate::{Error, Result};

/// Backward through the operators of this crate without what candle's own backward does for each tensor:
/// a gradient of zeros, and a sum onto it.
///
/// A tape records the operators that run on its thread from [`start`](Self::start) to
/// [`backward`](Self::backward). Operations of candle may stand before, between and behind them: candle
/// differentiates those. Gradients are those of `loss.backward()` without a tape, up to rounding. Each activation
/// is freed as soon as backward has used it.
///
/// What an operator gives while a tape records is a leaf to candle, as a `Var` is. So backward must be that of
/// the tape, and a tensor from before it ended carries no gradient to what it was made of.
///
/// ```
/// use av_ops::{Tape, relu};
/// use candle_core::{Device, Var};
///
/// let x = Var::new(&[-1f32, 2.0], &Device::Cpu)?;
/// let tape = Tape::start()?;
/// let loss = (relu(&x)?.sqr()? * 3.0)?.sum_all()?;
/// let gradients = tape.backward(&loss)?;
/// assert_eq!(gradients.get(&x).map(|g| g.to_vec1::<f32>()).transpose()?, Some(vec![0.0, 12.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a tape that is dropped records nothing"]
pub struct Tape {
    /// A tape stays on its thread.
    thread: PhantomData<*const ()>,
}

thread_local! {
    /// The operators of the tape that records on this thread, if one does.
    static NODES: RefCell<Option<Vec<Node>>> = const { RefCell::new(None) };
}

impl Tape {
    /// Starts to record.
    ///
    /// Errors: a tape records on this thread already.
    pub fn start() -> Result<Self> {
        NODES.with_borrow_mut(|nodes| {
            if nodes.is_some() {
                return Err(Error::Recording);
            }
            *nodes = Some(Vec::new());
            Ok(Self { thread: PhantomData })
        })
    }

    /// The gradients of a loss for each variable that it depends on; the sum of its elements is the loss.
    ///
    /// Errors: those of backward of an operation of candle.
    pub fn backward(self, loss: &Tensor) -> Result<GradStore> {
        walk(taken(), loss.backward()?)
    }

    /// As [`backward`](Self::backward) from a given gradient of `y`: the gradients of the sum of their products.
    ///
    /// Errors: those of backward of an operation of candle; a gradient of another shape than `y`.
    ///
    /// ```
    /// use av_ops::{Tape, relu};
    /// use candle_core::{Device, Tensor, Var};
    ///
    /// let x = Var::new(&[-1f32, 2.0], &Device::Cpu)?;
    /// let tape = Tape::start()?;
    /// let y = relu(&x)?;
    /// let gradients = tape.backward_from(&y, &Tensor::new(&[5f32, 7.0], &Device::Cpu)?)?;
    /// assert_eq!(gradients.get(&x).map(|g| g.to_vec1::<f32>()).transpose()?, Some(vec![0.0, 7.0]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn backward_from(self, y: &Tensor, gradient: &Tensor) -> Result<GradStore> {
        if y.shape() != gradient.shape() {
            return Err(Error::Shape {
                operator: "backward_from",
                expected: format!("a gradient of shape {:?}", y.dims()),
                actual: gradient.dims().to_vec(),
            });
        }
        let (nodes, mut gradients) = (taken(), GradStore::default());
        add(&nodes, &mut gradients, y, gradient.detach())?;
        walk(nodes, gradients)
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        taken();
    }
}

/// What was recorded; the tape then records no more.
fn taken() -> Vec<Node> {
    NODES.take().unwrap_or_default()
}

/// An operator that ran, with its inputs and its result.
struct Node {
    operator: Operator,
    /// The result with its dimensions in the order of the memory, as the operator knows them: the leaf.
    output: Tensor,
    order: Order,
    /// The result with its channels second, which may be the leaf too.
    view: TensorId,
}

enum Operator {
    One(Box<dyn CustomOp1>, Tensor),
    Three(Box<dyn CustomOp3>, [Tensor; 3]),
}

impl Node {
    /// The inputs, each with its gradient where it has one.
    fn backward(self, gradient: &Tensor) -> candle_core::Result<Vec<(Tensor, Option<Tensor>)>> {
        let Self { operator, output, .. } = self;
        match operator {
            Operator::One(operator, x) => {
                let dx = operator.bwd(&x, &output, gradient)?;
                Ok(vec![(x, dx)])
            }
            Operator::Three(operator, [a, b, c]) => {
                let (da, db, dc) = operator.bwd(&a, &b, &c, &output, gradient)?;
                Ok(vec![(a, da), (b, db), (c, dc)])
            }
        }
    }
}

/// From the last operator to the first; what one holds is dropped with it.
fn walk(mut nodes: Vec<Node>, mut gradients: GradStore) -> Result<GradStore> {
    while let Some(node) = nodes.pop() {
        // Without a gradient, the loss does not depend on it.
        if let Some(gradient) = gradients.remove(&node.output) {
            for (input, gradient) in node.backward(&gradient)? {
                if let Some(gradient) = gradient {
                    add(&nodes, &mut gradients, &input, gradient)?;
                }
            }
        }
    }
    Ok(gradients)
}

/// Adds the gradient of a tensor: to that of the leaf which it is or shows, or through candle's operations to those of
/// the leaves it was made of.
fn add(
    nodes: &[Node],
    gradients: &mut GradStore,
    tensor: &Tensor,
    gradient: Tensor,
) -> candle_core::Result<()> {
    if tensor.is_variable() {
        return add_to_leaf(gradients, tensor, gradient);
    }
    if !tensor.track_op() {
        return Ok(()); // A constant has no gradient.
    }
    match nodes.iter().rfind(|node| node.view == tensor.id()) {
        Some(node) => add_to_leaf(gradients, &node.output, node.order.physical(&gradient)?),
        None => gradients.extend(through_candle(tensor, gradient)?),
    }
}

fn add_to_leaf(
    gradients: &mut GradStore,
    leaf: &Tensor,
    gradient: Tensor,
) -> candle_core::Result<()> {
    let sum = match gradients.remove(leaf) {
        Some(before) => (before + gradient)?.detach(),
        None => gradient,
    };
    gradients.insert(leaf, sum);
    Ok(())
}

fn through_candle(y: &Tensor, gradient: Tensor) -> candle_core::Result<GradStore> {
    if y.device().is_cpu() {
        y.apply_op1(Product { gradient })?.backward()
    } else {
        (y * gradient)?.sum_all()?.backward()
    }
}

/// Stands for the sum of the products with a gradient: backward is that of the sum, the value is never asked for.
struct Product {
    gradient: Tensor,
}

impl CustomOp1 for Product {
    fn name(&self) -> &'static str {
        "product"
    }

    fn cpu_fwd(&self, y: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        with_float!(y.dtype(), T => Ok((T::to_cpu_storage_owned(vec![T::from_f64(0.0)]), Shape::from(()))))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> candle_core::Result<Option<Tensor>> {
        Ok(Some(self.gradient.clone()))
    }
}

fn is_recording() -> bool {
    NODES.with_borrow(Option::is_some)
}

/// Runs an operator of one tensor, on the tape where one records and the result depends on a variable.
pub(crate) fn apply1(
    x: &Tensor,
    operator: impl CustomOp1 + Send + Sync + 'static,
) -> candle_core::Result<Tensor> {
    apply1_in(Order::First, x, operator)
}

/// As [`apply1`] for an operator that gives its result, and takes the result's gradient, with the dimensions in the given
/// order.
pub(crate) fn apply1_in(
    order: Order,
    x: &Tensor,
    operator: impl CustomOp1 + Send + Sync + 'static,
) -> candle_core::Result<Tensor> {
    if !(is_recording() && x.track_op()) {
        return order.logical(&x.apply_op1(operator)?);
    }
    let result = {
        let (storage, layout) = x.storage_and_layout();
        operator.cpu_fwd(host(&storage)?, layout)?
    };
    record(order, Operator::One(Box::new(operator), x.clone()), result)
}

/// Runs an operator of three tensors, as [`apply1`].
pub(crate) fn apply3(
    inputs: [&Tensor; 3],
    operator: impl CustomOp3 + Send + Sync + 'static,
) -> candle_core::Result<Tensor> {
    apply3_in(Order::First, inputs, operator)
}

/// Runs an operator of three tensors, as [`apply1_in`].
pub(crate) fn apply3_in(
    order: Order,
    inputs: [&Tensor; 3],
    operator: impl CustomOp3 + Send + Sync + 'static,
) -> candle_core::Result<Tensor> {
    let [a, b, c] = inputs;
    if !(is_recording() && inputs.iter().any(|input| input.track_op())) {
        return order.logical(&a.apply_op3(b, c, operator)?);
    }
    let result = {
        let [(a, a_layout), (b, b_layout), (c, c_layout)] =
            inputs.map(|input| input.storage_and_layout());
        operator.cpu_fwd(host(&a)?, a_layout, host(&b)?, b_layout, host(&c)?, c_layout)?
    };
    record(order, Operator::Three(Box::new(operator), inputs.map(Tensor::clone)), result)
}

fn record(
    order: Order,
    operator: Operator,
    (storage, shape): (CpuStorage, Shape),
) -> candle_core::Result<Tensor> {
    let output = Tensor::from_storage(Storage::Cpu(storage), shape, BackpropOp::none(), true);
    let result = order.logical(&output)?;
    let node = Node { operator, output, order, view: result.id() };
    NODES.with_borrow_mut(|nodes| nodes.get_or_insert_default().push(node));
    Ok(result)
}
