//! The parameters of a network, by name.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Shape, Tensor, Var};

use crate::files::{load_tensors, save_tensors};
use crate::init::Init;
use crate::random::Streams;
use crate::{Error, Result};

/// The named parameters of a network: weights that are trained, and buffers (running statistics)
/// that are not.
///
/// Names are paths such as `audio.conv1.weight`; every iteration is in name order. The initial
/// value of a random weight depends on the seed and on its name only, not on when it was created:
/// a layer added to a network leaves all other layers as they were.
///
/// ```
/// use av_ops::{Init, Parameters, Streams};
/// use candle_core::{DType, Device};
///
/// let mut parameters = Parameters::new(Streams::new(7), DType::F32, &Device::Cpu);
/// let mut audio = parameters.scope("audio");
/// let weight = audio.scope("dense").weight("weight", (4, 3), Init::Glorot)?;
/// assert_eq!(weight.dims(), [4, 3]);
/// assert_eq!(parameters.trainable().next().map(|(name, _)| name), Some("audio.dense.weight"));
/// assert_eq!(parameters.count(), 12);
/// # Ok::<(), av_ops::Error>(())
/// ```
#[derive(Debug)]
pub struct Parameters {
    streams: Streams,
    dtype: DType,
    device: Device,
    trainable: BTreeMap<String, Var>,
    buffers: BTreeMap<String, Var>,
}

impl Parameters {
    /// No parameters yet; those to come are of this element type and on this device, and random
    /// ones are drawn from the stream of "init/" and their name.
    pub fn new(streams: Streams, dtype: DType, device: &Device) -> Self {
        Self {
            streams,
            dtype,
            device: device.clone(),
            trainable: BTreeMap::new(),
            buffers: BTreeMap::new(),
        }
    }

    /// Where parameters whose names begin with `name` are created.
    pub fn scope(&mut self, name: &str) -> Scope<'_> {
        Scope { parameters: self, prefix: name.to_owned() }
    }

    /// The element type of all parameters.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The device of all parameters.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The weights in name order.
    pub fn trainable(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.trainable.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// The buffers in name order.
    pub fn buffers(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.buffers.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// The number of trained elements.
    pub fn count(&self) -> usize {
        self.trainable.values().map(|var| var.elem_count()).sum()
    }

    /// A copy of all values, weights and buffers; later training does not change it.
    pub fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot(copies(self.trainable().chain(self.buffers()))?))
    }

    /// Sets all values to those of a snapshot, whose tensors may be on any device.
    ///
    /// Errors: a snapshot of another network, with the first name that differs; nothing is changed
    /// then.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        self.set_all(&snapshot.0, "the snapshot")
    }

    /// Writes weights and buffers to a safetensors file, complete or not at all.
    ///
    /// Errors: as [`save_tensors`].
    pub fn save(&self, path: &Path) -> Result<()> {
        save_tensors(path, &self.snapshot()?.0)
    }

    /// Sets weights and buffers to the values in a safetensors file.
    ///
    /// Errors: a file that cannot be read or is damaged; a parameter that is missing in the file,
    /// unknown to this network or of another shape or element type, by name. Nothing is changed
    /// then.
    pub fn load(&self, path: &Path) -> Result<()> {
        self.set_all(&load_tensors(path, &self.device)?, &path.display().to_string())
    }

    fn set_all(&self, stored: &BTreeMap<String, Tensor>, origin: &str) -> Result<()> {
        let own = || self.trainable().chain(self.buffers()).map(|(name, var)| (name, &**var));
        check_match(own(), stored, origin)?;
        for (name, var) in self.trainable().chain(self.buffers()) {
            if let Some(value) = stored.get(name) {
                var.set(&value.to_device(&self.device)?)?;
            }
        }
        Ok(())
    }
}

/// A part of a network whose parameter names share a beginning.
#[derive(Debug)]
pub struct Scope<'p> {
    parameters: &'p mut Parameters,
    prefix: String,
}

impl Scope<'_> {
    /// A scope inside of this one.
    pub fn scope(&mut self, name: &str) -> Scope<'_> {
        let prefix = self.full(name);
        Scope { parameters: self.parameters, prefix }
    }

    /// Creates a trained parameter and gives its tensor, which follows later changes of the value.
    ///
    /// Errors: a name that exists already.
    pub fn weight(&mut self, name: &str, shape: impl Into<Shape>, init: Init) -> Result<Tensor> {
        let name = self.full(name);
        let var = self.create(&name, &shape.into(), init)?;
        let weight = var.as_tensor().clone();
        self.parameters.trainable.insert(name, var);
        Ok(weight)
    }

    /// Creates a buffer that is stored with the network but not trained; all elements start at
    /// `value`.
    ///
    /// Errors: a name that exists already.
    pub fn buffer(&mut self, name: &str, shape: impl Into<Shape>, value: f64) -> Result<Var> {
        let name = self.full(name);
        let var = self.create(&name, &shape.into(), Init::Constant(value))?;
        self.parameters.buffers.insert(name, var.clone());
        Ok(var)
    }

    fn full(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    fn create(&self, name: &str, shape: &Shape, init: Init) -> Result<Var> {
        let Parameters { streams, dtype, device, trainable, buffers } = &*self.parameters;
        if trainable.contains_key(name) || buffers.contains_key(name) {
            return Err(Error::Duplicate { name: name.to_owned() });
        }
        let mut rng = streams.rng(&format!("init/{name}"));
        let value = init.tensor(shape.dims(), *dtype, device, &mut rng)?;
        Ok(Var::from_tensor(&value)?)
    }
}

/// The values of all parameters of a network at one moment, to keep the best epoch.
///
/// ```
/// use av_ops::{Init, Parameters, Streams};
/// use candle_core::{DType, Device, Tensor};
///
/// let mut parameters = Parameters::new(Streams::new(0), DType::F32, &Device::Cpu);
/// let weight = parameters.scope("net").weight("weight", 1, Init::Constant(3.0))?;
/// let best = parameters.snapshot()?;
/// for (_, var) in parameters.trainable() {
///     var.set(&Tensor::new(&[4f32], &Device::Cpu)?)?;
/// }
/// parameters.restore(&best)?;
/// assert_eq!(weight.to_vec1::<f32>()?, [3.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Snapshot(BTreeMap<String, Tensor>);

impl Snapshot {
    /// The values by name, to be stored with [`save_tensors`](crate::save_tensors).
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.0
    }
}

impl From<BTreeMap<String, Tensor>> for Snapshot {
    /// Values that were stored; they are checked against the network by [`Parameters::restore`].
    fn from(tensors: BTreeMap<String, Tensor>) -> Self {
        Self(tensors)
    }
}

/// Copies of tensors that later changes in place do not reach.
fn copies<'a>(
    tensors: impl Iterator<Item = (&'a str, &'a Var)>,
) -> Result<BTreeMap<String, Tensor>> {
    tensors.map(|(name, var)| Ok((name.to_owned(), var.as_tensor().copy()?.detach()))).collect()
}

/// Checks that `stored` has exactly the names, shapes and element types of `own`.
pub(crate) fn check_match<'a>(
    own: impl Iterator<Item = (&'a str, &'a Tensor)>,
    stored: &BTreeMap<String, Tensor>,
    origin: &str,
) -> Result<()> {
    let describe = |tensor: &Tensor| format!("{:?} {:?}", tensor.dtype(), tensor.dims());
    let own: BTreeMap<&str, &Tensor> = own.collect();
    for (name, tensor) in &own {
        let (name, origin) = ((*name).to_owned(), origin.to_owned());
        let Some(value) = stored.get(&name) else {
            return Err(Error::Missing { name, origin });
        };
        let (expected, actual) = (describe(tensor), describe(value));
        if expected != actual {
            return Err(Error::Mismatch { name, origin, expected, actual });
        }
    }
    match stored.keys().find(|name| !own.contains_key(name.as_str())) {
        Some(name) => Err(Error::Unexpected { name: name.clone(), origin: origin.to_owned() }),
        None => Ok(()),
    }
}
