//! Cross-entropy.

use av_ops::{CrossEntropyConfig, cross_entropy};

use crate::support::grid::{VIEWS, check_view, every};
use crate::support::{backward, normal};

#[test]
fn cross_entropy_has_the_right_gradient() {
    let shapes = [[1, 2], [3, 5], [5, 3], [18, 2], [1, 7]];
    for at in every([shapes.len(), 3, 2, VIEWS.len()]) {
        let ([rows, classes], view) = (shapes[at[0]], VIEWS[at[3]]);
        let weights = (0..classes).map(|class| [0.5, 2.0, 0.0, 1.25, 3.0][class % 5]);
        let weights = (at[2] == 1).then(|| weights.collect());
        let config = CrossEntropyConfig { smoothing: [0.0, 0.1, 0.6][at[1]], weights };
        let labels: Vec<u32> = (0..18).map(|row| row * 4 % classes as u32).take(rows).collect();
        let x = [normal("x", &[rows, classes])];
        check_view(&(rows, classes, &config, view), view, &x, &|t| {
            cross_entropy(&t[0], &labels, &config).unwrap()
        });
    }
}

#[test]
fn one_class_has_loss_and_gradient_zero() {
    for smoothing in [0.0, 0.1] {
        let config = CrossEntropyConfig { smoothing, weights: None };
        let gradients =
            backward(&[normal("x", &[1, 1])], &|t| cross_entropy(&t[0], &[0], &config).unwrap());
        assert!(gradients[0][0].abs() < 1e-15, "{}", gradients[0][0]);
    }
}
