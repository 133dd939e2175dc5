//! `embedding` and the layer `Embedding`.

use av_ops::{Embedding, Parameters, Streams, embedding};
use candle_core::{DType, Device, Tensor, Var};

use crate::message;
use crate::support::{assert_close, indices, normal, single, values};

#[test]
fn values_are_the_rows() {
    // More places, and more rows, than a piece of 256 has.
    for (rows, width, shape) in
        [(1, 1, &[1][..]), (7, 3, &[2, 3, 5]), (5, 2, &[300]), (600, 3, &[7, 50]), (4, 2, &[])]
    {
        let (table, at) = (normal("table", &[rows, width]), indices(rows, shape));
        let flat = at.flatten_all().unwrap().to_vec1::<u32>().unwrap();
        let all = values(&table);
        let row = |&at: &u32| all[at as usize * width..][..width].to_vec();
        let expected: Vec<f64> = flat.iter().flat_map(row).collect();
        let y = embedding(&table, &at).unwrap();
        assert_eq!(y.dims(), [shape, &[width]].concat());
        assert_eq!(values(&y), expected);
        assert_close(&values(&embedding(&single(&table), &at).unwrap()), &expected, 1e-7);
    }
}

#[test]
fn views_that_are_not_contiguous_are_taken() {
    let at = indices(4, &[3, 5]);
    let turned = at.t().unwrap();
    assert_ne!(values(&at), values(&turned));
    let f = |t: &[Tensor]| embedding(&t[0].t().unwrap(), &turned).unwrap().transpose(0, 2).unwrap();
    let table = normal("table", &[3, 4]);
    let straight = embedding(&table.t().unwrap(), &at).unwrap().transpose(0, 1).unwrap();
    assert_eq!(values(&f(&[table]).transpose(0, 2).unwrap()), values(&straight));
}

#[test]
fn a_row_that_is_named_often_does_not_drift_in_f32() {
    // A running f32 sum of 0.1 over a hundred thousand places is wrong in the fifth digit.
    let table =
        Var::from_tensor(&Tensor::zeros((2, 1), DType::F32, &Device::Cpu).unwrap()).unwrap();
    let at = Tensor::ones(100_001, DType::U32, &Device::Cpu).unwrap();
    let y = (embedding(&table, &at).unwrap() * 0.1).unwrap();
    let gradients = y.sum_all().unwrap().backward().unwrap();
    let expected = 100_001.0 * f64::from(0.1_f32);
    assert_close(&values(gradients.get(&table).unwrap()), &[0.0, expected], 1e-7);
}

#[test]
fn a_nan_reaches_the_places_of_its_row() {
    let table = Tensor::new(&[[1.0_f32], [f32::NAN]], &Device::Cpu).unwrap();
    let at = Tensor::new(&[0_u32, 1, 0], &Device::Cpu).unwrap();
    let nan: Vec<bool> =
        values(&embedding(&table, &at).unwrap()).into_iter().map(f64::is_nan).collect();
    assert_eq!(nan, [false, true, false]);
}

#[test]
fn wrong_inputs_are_named() {
    let (table, at) = (normal("table", &[4, 2]), indices(4, &[3]));
    let outside = Tensor::new(&[[0_u32, 3], [4, 9]], &Device::Cpu).unwrap();
    let none = Tensor::zeros((2, 0), DType::U32, &Device::Cpu).unwrap();
    let float = at.to_dtype(DType::F32).unwrap();
    let cases = [
        (
            message(embedding(&table, &outside)),
            "index 4 at place 2 is outside of a table of 4 rows",
        ),
        (message(embedding(&normal("table", &[4]), &at)), "embedding needs a tensor (V,D)"),
        (message(embedding(&table, &none)), "embedding needs at least one index"),
        (
            message(embedding(&table, &float)),
            "the element type of the indices must be U32, not F32",
        ),
        (message(embedding(&outside, &at)), "not in U32"),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}

#[test]
fn the_layer_looks_up_its_weight() {
    let mut parameters = Parameters::new(Streams::new(3), DType::F64, &Device::Cpu);
    let layer = Embedding::new(&mut parameters.scope("net"), 5, 3).unwrap();
    let (name, weight) = parameters.trainable().next().unwrap();
    assert_eq!((name, weight.dims()), ("net.weight", &[5, 3][..]));
    let at = indices(5, &[2, 4]);
    let expected = embedding(weight, &at).unwrap();
    assert_eq!(values(&layer.forward(&at).unwrap()), values(&expected));
}
