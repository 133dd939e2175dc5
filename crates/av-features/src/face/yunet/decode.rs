//! Numbers of the network into boxes, landmarks and scores.

use crate::face::detect::Landmarks;

/// Pixels of the input between two cells of each of the three grids.
pub(super) const STRIDES: [usize; 3] = [8, 16, 32];

/// Overlap above which the worse of two boxes is the same face.
const OVERLAP: f64 = 0.3;

/// Most boxes that are compared with each other, the best ones: a picture has some dozens.
const MAX_BOXES: usize = 5000;

/// Outputs of one grid: of each cell, row by row.
#[derive(Debug, Clone, Default)]
pub(super) struct Grid {
    /// Whether there is a face.
    pub(super) cls: Vec<f32>,
    /// How well the box lies.
    pub(super) obj: Vec<f32>,
    /// Middle and logarithms of the sides, four numbers a cell.
    pub(super) bbox: Vec<f32>,
    /// Landmarks, ten numbers a cell.
    pub(super) kps: Vec<f32>,
}

/// A face in pixels of the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Detection {
    pub(super) score: f64,
    pub(super) middle: [f64; 2],
    pub(super) sides: [f64; 2],
    pub(super) landmarks: Landmarks,
}

/// The faces of an input of so many pixels across and down whose score is at least `least`, the best first.
pub(super) fn decode(
    grids: &[Grid; STRIDES.len()],
    [width, _]: [usize; 2],
    least: f64,
) -> Vec<Detection> {
    let mut found: Vec<Detection> = grids
        .iter()
        .zip(STRIDES)
        .flat_map(|(grid, stride)| cells(grid, stride, width / stride, least))
        .collect();
    // Of equal scores the one in the finer grid and the upper row stays first.
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(MAX_BOXES);
    let mut kept: Vec<Detection> = Vec::new();
    for detection in found {
        if kept.iter().all(|better| overlap(better, &detection) <= OVERLAP) {
            kept.push(detection);
        }
    }
    kept
}

/// The faces of one grid with a score of at least `least`.
fn cells(
    grid: &Grid,
    stride: usize,
    columns: usize,
    least: f64,
) -> impl Iterator<Item = Detection> {
    let boxes = grid.bbox.as_chunks::<4>().0.iter().zip(grid.kps.as_chunks::<10>().0);
    let cells = grid.cls.iter().zip(&grid.obj).zip(boxes).enumerate();
    cells.filter_map(move |(i, ((cls, obj), (bbox, kps)))| {
        let [cls, obj] = [cls, obj].map(|&value| f64::from(value).clamp(0.0, 1.0));
        let score = (cls * obj).sqrt();
        let cell = [i % columns, i / columns];
        let place =
            |axis: usize, offset: f32| (cell[axis] as f64 + f64::from(offset)) * stride as f64;
        let side = |logarithm: f32| f64::from(logarithm).exp() * stride as f64;
        let detection = Detection {
            score,
            middle: [place(0, bbox[0]), place(1, bbox[1])],
            sides: [side(bbox[2]), side(bbox[3])],
            landmarks: std::array::from_fn(|n| [place(0, kps[2 * n]), place(1, kps[2 * n + 1])]),
        };
        let places = [detection.middle, detection.sides].into_iter().chain(detection.landmarks);
        // A score that is not a number is not at least anything.
        (score >= least && places.flatten().all(f64::is_finite)).then_some(detection)
    })
}

/// The intersection of two boxes as a share of their union.
fn overlap(a: &Detection, b: &Detection) -> f64 {
    let shared = |axis: usize| {
        let low = |it: &Detection| it.middle[axis] - it.sides[axis] / 2.0;
        let high = |it: &Detection| it.middle[axis] + it.sides[axis] / 2.0;
        (high(a).min(high(b)) - low(a).max(low(b))).max(0.0)
    };
    let both = shared(0) * shared(1);
    let area = |it: &Detection| it.sides[0] * it.sides[1];
    let union = area(a) + area(b) - both;
    if union > 0.0 { both / union } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An input that is wider than it is high.
    const SIDES: [usize; 2] = [96, 64];

    /// Three grids without a face.
    fn empty() -> [Grid; 3] {
        STRIDES.map(|stride| {
            let count = SIDES[0] / stride * (SIDES[1] / stride);
            let zeros = |each: usize| vec![0.0; each * count];
            Grid { cls: zeros(1), obj: zeros(1), bbox: zeros(4), kps: zeros(10) }
        })
    }

    /// Puts a face into a cell, with `b2` and `b3` of 0: its sides are those of the cell.
    fn put(grid: &mut Grid, cell: usize, scores: [f32; 2], offset: [f32; 2]) {
        [grid.cls[cell], grid.obj[cell]] = scores;
        grid.bbox[4 * cell..][..2].copy_from_slice(&offset);
    }

    fn scores(grids: &[Grid; 3], least: f64) -> Vec<f64> {
        decode(grids, SIDES, least).iter().map(|it| it.score).collect()
    }

    #[test]
    fn a_cell_says_where_its_box_and_its_landmarks_are() {
        let mut grids = empty();
        // The grid of 16 has 6 columns: cell 10 is in column 4 of row 1.
        let grid = &mut grids[1];
        put(grid, 10, [0.81, 1.0], [0.5, -0.25]);
        grid.bbox[42..44].copy_from_slice(&[2.0_f32.ln(), 3.0_f32.ln()]);
        for (n, value) in grid.kps[100..110].iter_mut().enumerate() {
            *value = 0.125 * n as f32;
        }
        let found = decode(&grids, SIDES, 0.6);
        assert_eq!(found.len(), 1);
        assert!((found[0].score - 0.9).abs() < 1e-6);
        assert_eq!(found[0].middle, [(4.0 + 0.5) * 16.0, (1.0 - 0.25) * 16.0]);
        let apart = [found[0].sides[0] - 32.0, found[0].sides[1] - 48.0];
        assert!(apart.iter().all(|a| a.abs() < 1e-5), "{found:?}");
        let eye = |n: f64| [64.0 + 2.0 * (2.0 * n), 16.0 + 2.0 * (2.0 * n + 1.0)];
        assert_eq!(found[0].landmarks, [0.0, 1.0, 2.0, 3.0, 4.0].map(eye));
    }

    #[test]
    fn every_grid_has_its_own_columns() {
        for (number, stride) in STRIDES.into_iter().enumerate() {
            let mut grids = empty();
            let columns = SIDES[0] / stride;
            put(&mut grids[number], columns + 1, [1.0, 1.0], [0.0, 0.0]);
            let middles: Vec<_> = decode(&grids, SIDES, 0.5).iter().map(|it| it.middle).collect();
            assert_eq!(middles, [[stride as f64; 2]]);
        }
    }

    #[test]
    fn a_score_at_the_threshold_counts_and_one_below_does_not() {
        let mut grids = empty();
        put(&mut grids[0], 0, [0.25, 1.0], [0.0, 0.0]);
        put(&mut grids[0], 5, [0.25, 0.999], [0.0, 0.0]);
        // Beyond 0 and 1 they are limited: 0.5 again, and 0.
        put(&mut grids[0], 10, [0.25, 7.0], [0.0, 0.0]);
        put(&mut grids[0], 20, [-1.0, -1.0], [0.0, 0.0]);
        assert_eq!(scores(&grids, 0.5), [0.5, 0.5]);
    }

    #[test]
    fn what_is_not_a_number_is_no_face() {
        let (nan, large) = (f32::NAN, f32::MAX);
        for (scores, offset) in [([nan, 1.0], [0.0; 2]), ([1.0; 2], [nan, 0.0])] {
            let mut grids = empty();
            put(&mut grids[0], 3, scores, offset);
            assert_eq!(decode(&grids, SIDES, 0.0).iter().filter(|it| it.score > 0.0).count(), 0);
        }
        let mut grids = empty();
        put(&mut grids[0], 3, [1.0; 2], [0.0; 2]);
        grids[0].bbox[4 * 3 + 2] = large;
        assert_eq!(decode(&grids, SIDES, 0.5), []);
    }

    #[test]
    fn of_boxes_that_overlap_the_best_one_stays() {
        // Boxes of 8 x 8 pixels, moved to the right: they share 8 - d of 8 + d columns.
        let kept = |offset: f32| {
            let mut grids = empty();
            put(&mut grids[0], 4, [0.64, 1.0], [0.0, 0.0]);
            put(&mut grids[0], 5, [0.81, 1.0], [offset / 8.0 - 1.0, 0.0]);
            decode(&grids, SIDES, 0.5).iter().map(|it| it.middle[0]).collect::<Vec<_>>()
        };
        // At d = 4 they share 1/3, at d = 5 3/13 = 0.23.
        assert_eq!(kept(4.0), [36.0]);
        assert_eq!(kept(5.0), [37.0, 32.0]);
    }

    #[test]
    fn a_face_that_was_left_out_covers_no_other() {
        // Each overlaps its neighbour, and the first and the third do not overlap.
        let mut grids = empty();
        for (cell, cls, place) in [(0, 1.0, 0.0), (1, 0.81, 4.0), (2, 0.64, 8.0)] {
            put(&mut grids[0], cell, [cls, 1.0], [place / 8.0 - cell as f32, 0.0]);
        }
        let middles: Vec<_> = decode(&grids, SIDES, 0.5).iter().map(|it| it.middle[0]).collect();
        assert_eq!(middles, [0.0, 8.0]);
    }
}
