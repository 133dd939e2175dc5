//! `attention`.

use crate::support::attention::{KINDS, SHAPES, inputs, mask_tensor, run};
use crate::support::grid::{VIEWS, check_view, every};

#[test]
fn attention_has_the_right_gradients() {
    for [shape, kind, turned, view] in every([SHAPES.len(), KINDS.len(), 2, VIEWS.len()]) {
        let (shape, kind, turned, view) = (SHAPES[shape], KINDS[kind], turned == 1, VIEWS[view]);
        let mut mask = mask_tensor(kind, shape);
        if turned {
            mask = mask.t().unwrap().contiguous().unwrap().t().unwrap();
        }
        check_view(&(shape, kind, turned, view), view, &inputs(shape), &|t| run(t, kind, &mask));
    }
}
