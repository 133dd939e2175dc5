//! Linear maps.

use av_ops::linear;

use crate::support::grid::{VIEWS, check_view, every};
use crate::support::normal;

#[test]
fn linear_has_the_right_gradients() {
    // Leading dimensions, inputs, outputs; more rows and more outputs than one piece of 64.
    let shapes = [
        (&[][..], 4, 3),
        (&[1], 3, 2),
        (&[5], 1, 7),
        (&[2, 3], 5, 4),
        (&[3, 1, 2], 2, 1),
        (&[67], 3, 2),
        (&[3], 2, 67),
    ];
    for [shape, bias, view] in every([shapes.len(), 2, VIEWS.len()]) {
        let ((leading, inputs, outputs), view) = (shapes[shape], VIEWS[view]);
        let mut tensors =
            vec![normal("x", &[leading, &[inputs]].concat()), normal("weight", &[outputs, inputs])];
        if bias == 1 {
            tensors.push(normal("bias", &[outputs]));
        }
        check_view(&(shapes[shape], bias, view), view, &tensors, &|t| {
            linear(&t[0], &t[1], t.get(2)).unwrap()
        });
    }
}
