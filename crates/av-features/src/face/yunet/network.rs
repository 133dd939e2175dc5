//! An ONNX file as a network that can be run, or why it is none.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Length;
use tract_onnx::pb::{GraphProto, ModelProto, ValueInfoProto, type_proto};
use tract_onnx::prelude::*;

use super::decode::{Grid, STRIDES};

/// Outputs of each grid, with the numbers of a cell.
const OUTPUTS: [(&str, usize); 4] = [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)];

/// Side of the input where the file leaves it open.
const OPEN_SIDE: usize = 640;

/// Sides of the input: whole cells of the coarsest grid, up to what a frame is.
const UNIT: usize = 32;
const MAX_SIDE: usize = 2048;

/// Most numbers of one array inside of the network: a quarter of a gigabyte.
const MAX_NUMBERS: usize = 1 << 26;

/// Longest text of the library that is passed on.
const MAX_REASON: usize = 300;

/// What is asked for where a network is another one.
const WANTED: &str =
    "a network of the YuNet family is wanted, such as the one that OpenCV Zoo publishes";

/// Operators of convolutional networks and their exports. Nothing that loops, draws numbers, or makes an array of any
/// size out of a number.
const OPERATORS: [&str; 50] = [
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "Conv",
    "ConvTranspose",
    "DepthToSpace",
    "DequantizeLinear",
    "Div",
    "Elu",
    "Exp",
    "Flatten",
    "Floor",
    "Gather",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "Log",
    "Max",
    "MaxPool",
    "Min",
    "Mul",
    "Neg",
    "PRelu",
    "Pad",
    "Pow",
    "QLinearConv",
    "QuantizeLinear",
    "ReduceMax",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Resize",
    "Shape",
    "Sigmoid",
    "Slice",
    "Softplus",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Transpose",
    "Unsqueeze",
];

/// A network of the YuNet family, ready to run; clips share it.
pub(in crate::face) struct Network {
    plan: Arc<TypedRunnableModel>,
    /// Width and height of the input.
    sides: [usize; 2],
}

impl Network {
    /// The network of an ONNX file.
    ///
    /// Errors: why it is none.
    pub(in crate::face) fn load(bytes: &[u8]) -> std::result::Result<Self, String> {
        let model = contained(|| onnx().proto_model_for_read(&mut &*bytes))
            .map_err(|error| format!("it is no ONNX file, or not all of it ({error})"))?;
        let graph = model.graph.as_ref().ok_or("it holds no network; was it copied completely?")?;
        let sides = check(graph)?;
        let plan = contained(|| plan(&model, graph, sides))
            .map_err(|error| format!("its network cannot be run ({error}); {WANTED}"))?;
        Ok(Self { plan, sides })
    }

    /// Width and height of the input in pixels.
    pub(super) fn sides(&self) -> [usize; 2] {
        self.sides
    }

    /// The outputs for a picture: planes of blue, green and red.
    pub(super) fn run(
        &self,
        planes: Vec<f32>,
    ) -> std::result::Result<[Grid; STRIDES.len()], String> {
        let [width, height] = self.sides;
        let outputs = contained(|| {
            let input = Tensor::from_shape(&[1, 3, height, width], &planes)?;
            let mut grids = <[Grid; STRIDES.len()]>::default();
            let outputs = self.plan.run(tvec!(input.into()))?;
            for (grid, from) in grids.iter_mut().zip(outputs.chunks_exact(OUTPUTS.len())) {
                let to = [&mut grid.cls, &mut grid.obj, &mut grid.bbox, &mut grid.kps];
                for (to, from) in to.into_iter().zip(from) {
                    to.extend_from_slice(from.try_as_plain_ram()?.as_slice::<f32>()?);
                }
            }
            Ok(grids)
        });
        outputs.map_err(|error| format!("its network failed on a frame ({error}); {WANTED}"))
    }
}

/// Checks everything that the library takes for granted, and gives width and height of the input.
fn check(graph: &GraphProto) -> std::result::Result<[usize; 2], String> {
    let constants: HashSet<&str> = graph.initializer.iter().map(|it| it.name.as_str()).collect();
    let inputs: Vec<&ValueInfoProto> =
        graph.input.iter().filter(|it| !constants.contains(it.name.as_str())).collect();
    let [input] = inputs[..] else {
        return Err(format!("it has {} inputs and not one; {WANTED}", inputs.len()));
    };
    let sides = sides(input)?;
    if let Some(node) = graph.node.iter().find(|it| !OPERATORS.contains(&it.op_type.as_str())) {
        let name = brief(&node.op_type);
        return Err(format!("its operator {name} is none of those that detectors have; {WANTED}"));
    }
    // With an axis that comes twice the library would not come to an end.
    let axes = graph.node.iter().filter(|node| node.op_type == "Transpose");
    let axes = axes.flat_map(|node| &node.attribute).filter(|it| it.name == "perm");
    if !axes.map(|it| &it.ints).all(|axes| (0..axes.len()).all(|it| axes.contains(&(it as i64)))) {
        return Err(format!(
            "its operator Transpose has an axis twice, or one that is not there; {WANTED}"
        ));
    }
    let made: HashSet<&str> =
        graph.node.iter().flat_map(|node| &node.output).map(String::as_str).collect();
    for name in output_names() {
        let listed = graph.output.iter().any(|output| output.name == name);
        if !listed || !made.contains(name.as_str()) {
            return Err(format!("it has no output {name}; {WANTED}"));
        }
    }
    let attributes = graph.node.iter().flat_map(|node| &node.attribute);
    let mut tensors = graph.initializer.iter().chain(attributes.filter_map(|it| it.t.as_ref()));
    if tensors.any(|it| it.data_location == Some(DataLocation::External as i32)) {
        return Err("its numbers are in another file; save it as one file".into());
    }
    Ok(sides)
}

/// Width and height of an input that is a picture.
fn sides(input: &ValueInfoProto) -> std::result::Result<[usize; 2], String> {
    let type_proto::Value::TensorType(tensor) = input
        .r#type
        .as_ref()
        .and_then(|it| it.value.as_ref())
        .ok_or_else(|| format!("its input has no type; {WANTED}"))?;
    let lengths = tensor.shape.iter().flat_map(|shape| &shape.dim).map(|dim| match dim.value {
        Some(Length::DimValue(length)) if length > 0 => Some(length),
        // Some exporters write 0 or -1 for a length that is left open.
        Some(Length::DimValue(_) | Length::DimParam(_)) | None => None,
    });
    let lengths: Vec<Option<i64>> = lengths.take(5).collect();
    let ([None | Some(1), None | Some(3), height, width], true) =
        (&lengths[..], tensor.elem_type == DataType::Float as i32)
    else {
        return Err(format!("its input is no picture (1, 3, H, W) of 32-bit floats; {WANTED}"));
    };
    let open = OPEN_SIDE as i64;
    let sides =
        [width, height].map(|side| usize::try_from(side.unwrap_or(open)).unwrap_or(usize::MAX));
    if sides.iter().all(|side| side.is_multiple_of(UNIT) && *side <= MAX_SIDE) {
        return Ok(sides);
    }
    let [width, height] = sides;
    Err(format!(
        "its input has {width} x {height} pixels; sides are multiples of {UNIT} up to {MAX_SIDE}"
    ))
}

/// Names of the outputs, grid by grid.
fn output_names() -> impl Iterator<Item = String> {
    STRIDES.into_iter().flat_map(|s| OUTPUTS.map(|(name, _)| format!("{name}_{s}")))
}

/// What runs a checked graph: its outputs are those of [`output_names`].
fn plan(
    model: &ModelProto,
    graph: &GraphProto,
    [width, height]: [usize; 2],
) -> TractResult<Arc<TypedRunnableModel>> {
    // Shapes that a file notes of its inside are left out: they are of another input where that was left open.
    let mut network = onnx().with_ignore_value_info(true).model_for_proto_model(model)?;
    network.set_input_fact(0, f32::fact([1, 3, height, width]).into())?;
    let all = network.output_outlets()?.to_vec();
    let place = |name: &String| graph.output.iter().position(|output| output.name == *name);
    let outputs: Vec<_> = output_names().filter_map(|name| place(&name)).map(|i| all[i]).collect();
    network.select_output_outlets(&outputs)?;
    network.analyse(false)?;
    check_arrays(&network)?;
    let network = network.into_optimized()?;
    let lengths = STRIDES.into_iter().flat_map(|s| OUTPUTS.map(|(_, each)| (s, each)));
    for (i, (name, (stride, each))) in output_names().zip(lengths).enumerate() {
        let fact = network.output_fact(i)?;
        let wanted = [1, (height / stride) * (width / stride), each];
        if fact.datum_type != f32::datum_type() || fact.shape.as_concrete() != Some(&wanted) {
            let error = format!("{name} is {fact:?} and not {wanted:?} of 32-bit floats");
            return Err(TractError::msg(error));
        }
    }
    network.into_runnable()
}

/// Checks what the shapes inside of a network come to.
fn check_arrays(network: &InferenceModel) -> TractResult<()> {
    for node in network.nodes() {
        let counts: Vec<Option<usize>> = node.outputs.iter().map(|it| count(&it.fact)).collect();
        if counts.iter().any(|count| count.is_none_or(|count| count > MAX_NUMBERS)) {
            return Err(TractError::msg("an array in it has too many numbers, or no known shape"));
        }
        // Of an array that is reshaped to more numbers than it has the library would make steps without end.
        let before = node.inputs.first().map(|&it| network.outlet_fact(it)).transpose()?;
        if node.op.name() == "Reshape" && counts.first() != before.map(count).as_ref() {
            return Err(TractError::msg("an array in it is reshaped to another number of numbers"));
        }
    }
    Ok(())
}

/// How many numbers an array has; nothing where that is open.
fn count(fact: &InferenceFact) -> Option<usize> {
    let shape = fact.shape.as_concrete_finite().ok()??;
    shape.iter().try_fold(1_usize, |count, &length| count.checked_mul(length))
}

/// What the library does with a file, its panics as errors: it has places that do not expect every file. What is half
/// made by then is dropped.
fn contained<T>(work: impl FnOnce() -> TractResult<T>) -> std::result::Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| brief(&format!("{error:#}"))),
        Err(_) => Err("tract, which runs it, stopped at it".into()),
    }
}

/// The beginning of a text, which may hold whole arrays.
fn brief(text: &str) -> String {
    text.chars().take(MAX_REASON).collect()
}
