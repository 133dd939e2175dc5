//! Images in another size.

use av_ops::{upsample_bilinear2d, upsample_nearest2d};

use crate::support::grid::{VIEWS, check_view, every};
use crate::support::normal;

#[test]
fn upsampling_has_the_right_gradients() {
    // From size to size: by whole numbers, by others, down, from one element, to the same, one way up and the other down.
    let sizes = [
        ([3, 4], (6, 8)),
        ([3, 5], (7, 11)),
        ([7, 6], (3, 4)),
        ([1, 1], (3, 2)),
        ([4, 3], (4, 3)),
        ([5, 1], (2, 9)),
        ([2, 3], (6, 3)),
    ];
    for [size, batch, view] in every([sizes.len(), 2, VIEWS.len()]) {
        let (([height, width], out), batch, view) = (sizes[size], batch + 1, VIEWS[view]);
        let case = (height, width, out, batch, view);
        let x = [normal("x", &[batch, 2, height, width])];
        check_view(&case, view, &x, &|t| upsample_nearest2d(&t[0], out).unwrap());
        check_view(&case, view, &x, &|t| upsample_bilinear2d(&t[0], out).unwrap());
    }
}
