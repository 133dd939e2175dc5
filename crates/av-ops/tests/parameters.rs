//! Named initial values, snapshots and files.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use av_ops::{BatchNorm, Error, Init, Linear, Parameters, Streams, load_tensors, save_tensors};
use candle_core::{DType, Device, Tensor};
use support::{bits, values};

fn empty(seed: u64, dtype: DType) -> Parameters {
    Parameters::new(Streams::new(seed), dtype, &Device::Cpu)
}

/// Two layers and a normalisation.
fn network(seed: u64) -> Parameters {
    let mut parameters = empty(seed, DType::F32);
    let mut scope = parameters.scope("net");
    Linear::new(&mut scope.scope("first"), 3, 4).unwrap();
    BatchNorm::new(&mut scope.scope("norm"), 4).unwrap();
    Linear::new(&mut scope.scope("second"), 4, 2).unwrap();
    parameters
}

fn all_bits(parameters: &Parameters) -> Vec<(String, Vec<u32>)> {
    let all = parameters.trainable().chain(parameters.buffers());
    all.map(|(name, var)| (name.to_owned(), bits(var))).collect()
}

/// Moves every value, as a training step would.
fn change(parameters: &Parameters) {
    for (_, var) in parameters.trainable().chain(parameters.buffers()) {
        var.set(&(var.as_tensor() + 1.0).unwrap()).unwrap();
    }
}

#[test]
fn initial_values_depend_on_seed_and_name_and_not_on_the_order() {
    let draw = |seed, names: &[&str], dtype| -> BTreeMap<String, Vec<f64>> {
        let mut parameters = empty(seed, dtype);
        for name in names {
            parameters.scope(name).weight("weight", (3, 5), Init::He).unwrap();
        }
        parameters.trainable().map(|(name, var)| (name.to_owned(), values(var))).collect()
    };
    let forward = draw(1, &["a", "b", "c"], DType::F64);
    assert_eq!(forward, draw(1, &["c", "b", "a"], DType::F64));
    assert_eq!(forward["b.weight"], draw(1, &["b"], DType::F64)["b.weight"]);
    assert_ne!(forward["a.weight"], forward["b.weight"]);
    assert_ne!(forward["a.weight"], draw(2, &["a"], DType::F64)["a.weight"]);
    // f32 networks start at the rounded values of f64 networks.
    let single: Vec<f64> = forward["a.weight"].iter().map(|&v| f64::from(v as f32)).collect();
    assert_eq!(draw(1, &["a"], DType::F32)["a.weight"], single);
}

#[test]
fn names_are_paths_in_order_and_buffers_are_not_trained() {
    let parameters = network(0);
    let trainable: Vec<&str> = parameters.trainable().map(|(name, _)| name).collect();
    let expected = [
        "net.first.bias",
        "net.first.weight",
        "net.norm.bias",
        "net.norm.weight",
        "net.second.bias",
        "net.second.weight",
    ];
    assert_eq!(trainable, expected);
    let buffers: Vec<&str> = parameters.buffers().map(|(name, _)| name).collect();
    assert_eq!(buffers, ["net.norm.running_mean", "net.norm.running_variance"]);
    assert_eq!(parameters.count(), 4 + 12 + 4 + 4 + 2 + 8);
}

#[test]
fn a_name_can_be_used_once_only() {
    let mut parameters = empty(0, DType::F32);
    let mut scope = parameters.scope("a");
    scope.weight("w", 1, Init::Constant(0.0)).unwrap();
    let error = scope.buffer("w", 1, 0.0).unwrap_err();
    assert!(matches!(error, Error::Duplicate { name } if name == "a.w"));
}

#[test]
fn a_snapshot_holds_weights_and_buffers_and_does_not_follow_training() {
    let parameters = network(0);
    let before = all_bits(&parameters);
    let snapshot = parameters.snapshot().unwrap();
    change(&parameters);
    assert!(all_bits(&parameters).iter().zip(&before).all(|(now, then)| now.1 != then.1));
    parameters.restore(&snapshot).unwrap();
    assert_eq!(all_bits(&parameters), before);
    change(&parameters);
    parameters.restore(&snapshot).unwrap();
    assert_eq!(all_bits(&parameters), before);
}

#[test]
fn a_file_restores_the_bits_and_is_itself_reproducible() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) =
        (folder.path().join("a.safetensors"), folder.path().join("b.safetensors"));
    let parameters = network(3);
    change(&parameters);
    parameters.save(&first).unwrap();
    let other = network(4);
    assert_ne!(all_bits(&other), all_bits(&parameters));
    other.load(&first).unwrap();
    assert_eq!(all_bits(&other), all_bits(&parameters));
    other.save(&second).unwrap();
    assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
    // An existing file is replaced, and no temporary file stays.
    network(5).save(&second).unwrap();
    assert_ne!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_layer_sees_a_loaded_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let build = |seed| {
        let mut parameters = empty(seed, DType::F32);
        let layer = Linear::new(&mut parameters.scope("layer"), 3, 2).unwrap();
        (parameters, layer)
    };
    let ((stored, old), (fresh, new)) = (build(1), build(2));
    stored.save(&path).unwrap();
    let x = Tensor::new(&[[1.0_f32, -2.0, 0.5]], &Device::Cpu).unwrap();
    let output = |layer: &Linear| bits(&layer.forward(&x).unwrap());
    assert_ne!(output(&old), output(&new));
    fresh.load(&path).unwrap();
    assert_eq!(output(&old), output(&new));
}

/// Stores the network with one change and gives the error of loading it.
fn load_error(change: impl FnOnce(&mut BTreeMap<String, Tensor>)) -> (String, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.safetensors");
    let parameters = network(0);
    parameters.save(&path).unwrap();
    let mut tensors = load_tensors(&path, &Device::Cpu).unwrap();
    change(&mut tensors);
    save_tensors(&path, &tensors).unwrap();
    let before = all_bits(&parameters);
    let error = parameters.load(&path).unwrap_err().to_string();
    assert_eq!(all_bits(&parameters), before, "a failed load changes nothing");
    (error, path)
}

fn tensor(dtype: DType, shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, dtype, &Device::Cpu).unwrap()
}

#[test]
fn loading_names_the_file_and_the_parameter_that_is_wrong() {
    let weight = "net.second.weight";
    let (error, path) = load_error(|t| drop(t.remove(weight)));
    assert_eq!(
        error,
        format!("{} lacks parameter `{weight}`; it belongs to another network", path.display())
    );
    let (error, path) = load_error(|t| drop(t.insert("z".to_owned(), tensor(DType::F32, &[1]))));
    assert_eq!(error, format!("{} holds `z`, which this network does not have", path.display()));
    let (error, path) =
        load_error(|t| drop(t.insert(weight.to_owned(), tensor(DType::F32, &[4, 2]))));
    let file = path.display();
    assert_eq!(
        error,
        format!("`{weight}` is F32 [4, 2] in {file}, but this network needs F32 [2, 4]")
    );
    let (error, _) = load_error(|t| drop(t.insert(weight.to_owned(), tensor(DType::F64, &[2, 4]))));
    assert!(error.starts_with(&format!("`{weight}` is F64 [2, 4]")), "{error}");
}

#[test]
fn damaged_and_absent_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.safetensors");
    let parameters = network(0);
    parameters.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let cut = |length: usize| {
        std::fs::File::options().write(true).open(&path).unwrap().set_len(length as u64).unwrap();
        parameters.load(&path).unwrap_err()
    };
    for length in [bytes.len() - 1, bytes.len() / 2, 9, 3, 0] {
        let error = cut(length);
        assert!(matches!(&error, Error::Format { path: named, .. } if *named == path), "{error}");
    }
    let absent = folder.path().join("absent");
    let error = parameters.load(&absent).unwrap_err();
    assert!(matches!(&error, Error::Read { path, .. } if *path == absent), "{error}");
    let error = parameters.save(Path::new("/nowhere/model")).unwrap_err();
    assert!(matches!(&error, Error::Write { .. }), "{error}");
}
