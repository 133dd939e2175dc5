//! `embedding`.

use av_ops::embedding;

use crate::support::grid::{VIEWS, check_view, every};
use crate::support::{indices, normal};

#[test]
fn embedding_has_the_right_gradient() {
    // Rows and width of the table, shape of the indices: a row that is named often, rows that never are, more places and
    // more rows than a piece of 256.
    let shapes = [
        (1, 1, &[1][..]),
        (7, 3, &[2, 3, 5]),
        (4, 2, &[3, 5]),
        (3, 2, &[300]),
        (600, 1, &[40]),
        (4, 2, &[]),
    ];
    for [shape, turned, view] in every([shapes.len(), 2, VIEWS.len()]) {
        let ((rows, width, shape), turned, view) = (shapes[shape], turned == 1, VIEWS[view]);
        let mut at = indices(rows, shape);
        if turned && shape.len() > 1 {
            at = at.transpose(0, 1).unwrap();
        }
        let table = [normal("table", &[rows, width])];
        check_view(&(rows, width, shape, turned, view), view, &table, &|t| {
            embedding(&t[0], &at).unwrap()
        });
    }
}
