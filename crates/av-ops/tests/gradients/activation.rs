//! Activation functions, softmax and dropout.

use av_ops::{Mode, Result, Streams, dropout, gelu, log_softmax, relu, silu, softmax};
use candle_core::Tensor;

use crate::support::grid::{VIEWS, check_view, every};
use crate::support::{backward, normal, values};

const SHAPES: [&[usize]; 6] = [&[1], &[5], &[1, 1], &[3, 17], &[2, 3, 4], &[1, 3, 2, 5]];

/// Normal draws with deviation 2, so that the ends of the gates are met too.
fn wide(shape: &[usize]) -> Tensor {
    (normal("x", shape) * 2.0).unwrap()
}

#[test]
fn activations_have_the_right_gradients() {
    type Operator = fn(&Tensor) -> Result<Tensor>;
    let operators: [(&str, Operator); 5] = [
        ("relu", relu),
        ("gelu", gelu),
        ("silu", silu),
        ("softmax", softmax),
        ("log_softmax", log_softmax),
    ];
    for (name, operator) in operators {
        for [shape, view] in every([SHAPES.len(), VIEWS.len()]) {
            let (shape, view) = (SHAPES[shape], VIEWS[view]);
            check_view(&(name, shape, view), view, &[wide(shape)], &|t| operator(&t[0]).unwrap());
        }
    }
}

#[test]
fn relu_has_the_right_gradient_over_several_pieces() {
    // The derivative is 0 or 1.
    let x = normal("x", &[16_411]);
    let dx = backward(std::slice::from_ref(&x), &|t| relu(&t[0]).unwrap());
    let dy = values(&normal("projection", &[16_411]));
    for (index, x) in values(&x).into_iter().enumerate() {
        assert_eq!(dx[0][index], if x > 0.0 { dy[index] } else { 0.0 }, "element {index}");
    }
}

#[test]
fn dropout_has_the_right_gradient() {
    for [shape, p, view] in every([SHAPES.len(), 3, VIEWS.len()]) {
        let (shape, p, view) = (SHAPES[shape], [0.0, 0.4, 0.9][p], VIEWS[view]);
        check_view(&(shape, p, view), view, &[wide(shape)], &|t| {
            let mut rng = Streams::new(2).rng("dropout/0");
            dropout(&t[0], p, &mut Mode::Train(&mut rng)).unwrap()
        });
    }
}
