//! Pooling.

use av_ops::{
    Pool2dConfig, adaptive_avg_pool2d, adaptive_max_pool2d, avg_pool2d, global_avg_pool, max_pool2d,
};
use candle_core::{Device, Var};

use crate::support::grid::{VIEWS, View, check_view, every, pairwise};
use crate::support::{normal, values, windows};

#[derive(Debug)]
struct Case {
    batch: usize,
    size: [usize; 2],
    config: Pool2dConfig,
    view: View,
}

/// Windows that overlap, lie beside each other, leave gaps and leave a rest.
fn cases() -> Vec<Case> {
    let sizes = [[7, 6], [8, 5], [5, 9]];
    let kernels = [(2, 2), (3, 3), (1, 3), (3, 2), (4, 5), (5, 5)];
    let strides = [(1, 1), (2, 2), (3, 3), (1, 2), (3, 1)];
    let paddings = [(0, 0), (1, 1), (0, 1), (1, 0), (2, 2)];
    let levels = [2, sizes.len(), kernels.len(), strides.len(), paddings.len(), 2, VIEWS.len()];
    let mut cases = pairwise(levels, |[batch, size, kernel, stride, padding, counted, view]| {
        let (kernel, padding) = (kernels[kernel], paddings[padding]);
        let stride = strides[stride];
        let config = Pool2dConfig { kernel, stride, padding, count_padding: counted == 1 };
        let fits = padding.0 <= kernel.0 / 2 && padding.1 <= kernel.1 / 2;
        let (batch, size, view) = (batch + 1, sizes[size], VIEWS[view]);
        fits.then_some(Case { batch, size, config, view })
    });
    // Padded in one direction and in both, larger strides, a single row, rows of more than a vector in pairs.
    let further = [
        ([7, 8], (3, 3), (2, 2), (1, 1)),
        ([5, 9], (2, 2), (2, 2), (1, 1)),
        ([6, 5], (1, 3), (1, 1), (0, 1)),
        ([4, 9], (3, 2), (1, 2), (1, 0)),
        ([5, 7], (4, 5), (3, 4), (2, 2)),
        ([6, 9], (2, 2), (3, 3), (0, 0)),
        ([1, 6], (2, 4), (5, 3), (1, 2)),
        ([9, 35], (3, 2), (2, 2), (0, 0)),
    ];
    for [at, batch, counted] in every([further.len(), 2, 2]) {
        let (size, kernel, stride, padding) = further[at];
        let config = Pool2dConfig { kernel, stride, padding, count_padding: counted == 1 };
        cases.push(Case { batch: batch + 1, size, config, view: View::Whole });
    }
    cases
}

#[test]
fn pooling_has_the_right_gradients() {
    for case in cases() {
        let x = [normal("x", &[case.batch, 2, case.size[0], case.size[1]])];
        check_view(&case, case.view, &x, &|t| max_pool2d(&t[0], case.config).unwrap());
        check_view(&case, case.view, &x, &|t| avg_pool2d(&t[0], case.config).unwrap());
    }
}

#[test]
fn pooling_to_a_size_has_the_right_gradients() {
    let sizes = [[7, 5], [4, 6], [3, 2], [1, 1], [6, 9]];
    let outs = [(1, 1), (3, 2), (2, 6), (5, 3)];
    for [batch, size, out, view] in every([2, sizes.len(), outs.len(), VIEWS.len()]) {
        let (batch, size, out, view) = (batch + 1, sizes[size], outs[out], VIEWS[view]);
        let case = (batch, size, out, view);
        let x = [normal("x", &[batch, 2, size[0], size[1]])];
        check_view(&case, view, &x, &|t| adaptive_avg_pool2d(&t[0], out).unwrap());
        check_view(&case, view, &x, &|t| adaptive_max_pool2d(&t[0], out).unwrap());
        check_view(&case, view, &x, &|t| global_avg_pool(&t[0]).unwrap());
    }
}

#[test]
fn the_first_of_equal_elements_receives_the_gradient_of_a_window() {
    let x = Var::new(&[[[[2.0_f64, 2.0, 1.0], [2.0, 0.0, 1.0]]]], &Device::Cpu).unwrap();
    let y = max_pool2d(&x, windows(2, 1)).unwrap();
    let gradients = y.backward().unwrap();
    assert_eq!(values(gradients.get(&x).unwrap()), [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
}
