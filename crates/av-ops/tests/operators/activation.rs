//! GELU and SiLU.

use av_ops::{gelu, silu};
use candle_core::{DType, Device, Tensor, Var};

use crate::support::{assert_close, normal, single, values};
use crate::{F64, message};

/// The standard normal distribution by Simpson's rule from 0.
fn distribution(x: f64) -> f64 {
    let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let step = x / 2000.0;
    let inner: f64 = (1..2000)
        .map(|at| if at % 2 == 1 { 4.0 } else { 2.0 } * density(f64::from(at) * step))
        .sum();
    0.5 + (density(0.0) + inner + density(x)) * step / 3.0
}

#[test]
fn the_values_equal_the_definitions() {
    let x = (normal("x", &[3, 211]) * 3.0).unwrap();
    let (gelus, silus): (Vec<f64>, Vec<f64>) =
        values(&x).into_iter().map(|x| (x * distribution(x), x / (1.0 + (-x).exp()))).unzip();
    assert_close(&values(&gelu(&x).unwrap()), &gelus, 1e-12); // the rule's own error
    assert_close(&values(&silu(&x).unwrap()), &silus, F64);
    // In f32 to the accuracy that the documentation states.
    let narrow = single(&x);
    let wide = narrow.to_dtype(DType::F64).unwrap();
    for f in [gelu, silu] {
        let pairs = values(&f(&narrow).unwrap()).into_iter().zip(values(&f(&wide).unwrap()));
        for ((actual, expected), x) in pairs.zip(values(&wide)) {
            let scale = if x > -1.0 { expected.abs() } else { 1.0 };
            assert!((actual - expected).abs() <= 1e-6 * scale, "{x}: {actual} {expected}");
        }
    }
}

#[test]
fn the_gradients_in_f32_are_those_in_f64_far_out_too() {
    for f in [gelu, silu] {
        let x = Tensor::new(&[-200_f64, -30.0, -9.0, -1.5, 0.0, 0.7, 12.0, 200.0], &Device::Cpu);
        let x = Var::from_tensor(&x.unwrap()).unwrap();
        let narrow = Var::from_tensor(&single(&x)).unwrap();
        let slope = |x: &Var| values(f(x).unwrap().backward().unwrap().get(x).unwrap());
        assert_close(&slope(&narrow), &slope(&x), 1e-6);
    }
}

#[test]
fn nan_stays_and_other_types_are_refused() {
    for f in [gelu, silu] {
        let x = Tensor::new(&[f32::NAN, 0.0, f32::INFINITY], &Device::Cpu).unwrap();
        let y = values(&f(&x).unwrap());
        assert!(y[0].is_nan() && y[1..] == [0.0, f64::INFINITY], "{y:?}");
        assert!(message(f(&x.to_dtype(DType::U8).unwrap())).contains("not in U8"));
    }
}
