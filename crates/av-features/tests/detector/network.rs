//! ONNX files written byte by byte: a network that takes a blue square of one cell for a face.

/// A message of protocol buffers, field by field. Which field is which: `onnx.proto` of the ONNX project.
#[derive(Clone, Default)]
pub struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    pub fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub fn message(self, field: u64, message: &Message) -> Self {
        self.bytes(field, &message.0)
    }
}

/// The numbers of the element types.
pub const FLOAT: u64 = 1;
pub const DOUBLE: u64 = 11;
const INT64: u64 = 7;

/// An operator with attributes that are lists of numbers.
pub fn node(kind: &str, inputs: &[&str], output: &str, lists: &[(&str, &[u64])]) -> Message {
    let mut node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
    node = node.text(2, output).text(3, output).text(4, kind);
    lists.iter().fold(node, |node, (name, values)| {
        let list = Message::default().text(1, name).number(20, 7);
        node.message(5, &values.iter().fold(list, |list, &value| list.number(8, value)))
    })
}

/// A constant array.
pub fn tensor(name: &str, kind: u64, dims: &[usize], bytes: &[u8]) -> Message {
    let tensor = dims.iter().fold(Message::default(), |it, &dim| it.number(1, dim as u64));
    tensor.number(2, kind).text(8, name).bytes(9, bytes)
}

pub fn floats(name: &str, dims: &[usize], values: &[f32]) -> Message {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    tensor(name, FLOAT, dims, &bytes)
}

fn integers(name: &str, values: &[i64]) -> Message {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    tensor(name, INT64, &[values.len()], &bytes)
}

/// An input or output; a length that is left open has a name.
fn value(name: &str, kind: u64, lengths: &[Option<u64>]) -> Message {
    let shape = lengths.iter().fold(Message::default(), |shape, length| {
        shape.message(
            1,
            &match length {
                Some(length) => Message::default().number(1, *length),
                None => Message::default().text(2, "open"),
            },
        )
    });
    let array = Message::default().number(1, kind).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &array))
}

/// What a file holds.
#[derive(Clone)]
pub struct Network {
    /// Element type and lengths of the input.
    pub input: (u64, Vec<Option<u64>>),
    /// How well every box lies, within 0 to 1.
    pub obj: f32,
    /// Places of the landmarks, in cells.
    pub landmarks: [f32; 10],
    /// Numbers of a cell that `kps_8` gives.
    pub kps: usize,
    /// An output that is not listed.
    pub without: Option<&'static str>,
    /// Further operators, constants and inputs: fields of the graph.
    pub more: Vec<(u64, Message)>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            input: (FLOAT, [1, 3, 64, 64].map(Some).to_vec()),
            obj: 0.999,
            landmarks: [0.5; 10],
            kps: 10,
            without: None,
            more: vec![],
        }
    }
}

impl Network {
    /// The bytes of the file.
    pub fn file(&self) -> Vec<u8> {
        let mut graph = Message::default().text(2, "blue squares");
        graph = graph.message(11, &value("picture", self.input.0, &self.input.1));
        for stride in [8, 16, 32] {
            // Only the finest grid looks at blue, the first of the three colours.
            let seen = if stride == 8 { 40.0 / 255.0 / 64.0 } else { 0.0 };
            let sure = (self.obj / (1.0 - self.obj)).ln();
            let kps = if stride == 8 { self.kps } else { 10 };
            graph = self.output(graph, "cls", stride, seen, &[-20.0]);
            graph = self.output(graph, "obj", stride, 0.0, &[sure]);
            graph =
                self.output(graph, "bbox", stride, 0.0, &[0.5, 0.5, 3.0_f32.ln(), 3.0_f32.ln()]);
            graph = self.output(graph, "kps", stride, 0.0, &self.landmarks[..kps]);
        }
        graph = self.more.iter().fold(graph, |graph, (field, it)| graph.message(*field, it));
        let opset = Message::default().text(1, "").number(2, 13);
        Message::default().number(1, 8).message(7, &graph).message(8, &opset).0
    }

    /// Adds a convolution of whole cells, whose weights are `blue` and 0, in the layout of the output.
    fn output(
        &self,
        graph: Message,
        kind: &str,
        stride: usize,
        blue: f32,
        bias: &[f32],
    ) -> Message {
        let name = format!("{kind}_{stride}");
        let [weight, offset, shape] = ["weight", "bias", "shape"].map(|it| format!("{name}.{it}"));
        let [cells, turned, score] = ["cells", "turned", "score"].map(|it| format!("{name}.{it}"));
        let (count, area) = (bias.len(), stride * stride);
        let one = [vec![blue; area], vec![0.0; 2 * area]].concat();
        let side = [stride as u64; 2];
        let spread = [("kernel_shape", side.as_slice()), ("strides", side.as_slice())];
        let (first, last) = if kind == "cls" || kind == "obj" {
            (score.as_str(), Some(node("Sigmoid", &[&score], &turned, &[])))
        } else {
            (turned.as_str(), None)
        };
        let mut graph = graph
            .message(5, &floats(&weight, &[count, 3, stride, stride], &one.repeat(count)))
            .message(5, &floats(&offset, &[count], bias))
            .message(5, &integers(&shape, &[1, -1, count as i64]))
            .message(1, &node("Conv", &["picture", &weight, &offset], &cells, &spread))
            .message(1, &node("Transpose", &[&cells], first, &[("perm", &[0, 2, 3, 1])]));
        graph = last.iter().fold(graph, |graph, last| graph.message(1, last));
        graph = graph.message(1, &node("Reshape", &[&turned, &shape], &name, &[]));
        if self.without == Some(&name) {
            return graph;
        }
        graph.message(12, &value(&name, FLOAT, &[Some(1), None, Some(count as u64)]))
    }
}
