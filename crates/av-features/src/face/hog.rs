//! Statistics of the shape of the face over a clip.

use std::f64::consts::PI;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::detector::{FaceDetector, fingerprint};
use super::follow::Follow;
use super::statistics::mean_and_sd;
use super::tracking::FaceTracking;
use crate::features::{Extractor, Features, Values};
use crate::image::grey;
use crate::media::Frames;
use crate::{Result, segments};

/// Side of the grey picture of the face in pixels.
const SIZE: usize = 64;
/// Cells along a side in which gradients are collected, and the pixels of a cell.
const CELLS: usize = 8;
const CELL: usize = SIZE / CELLS;
/// Cells along a side after averaging.
const PARTS: usize = 4;
const CELLS_PER_PART: usize = CELLS / PARTS;
/// Directions of edges over half a turn.
const DIRECTIONS: usize = 9;
/// Numbers of one picture.
const COLUMNS: usize = PARTS * PARTS * DIRECTIONS;
/// Added to the energy of a block, so that flat skin is not blown up: gradients of about one grey
/// level.
const ENERGY_FLOOR: f32 = 100.0;
/// Largest value of a normalised cell: a single edge does not outweigh all others.
const CLIP: f32 = 0.2;

/// Mean and standard deviation over the clip of histograms of oriented gradients of the face.
///
/// # Definition
///
/// The face of every `every`-th frame, found as for [`FaceCrops`](crate::FaceCrops), as 64 x 64 grey
/// pixels. Centred differences; their magnitude shared between the two nearest of 9 directions over
/// half a turn and the four nearest of 8 x 8 cells. Each cell is divided by the norm of each of the
/// four blocks of 2 x 2 cells around it, limited to 0.2, and the four results are averaged; then 2 x 2
/// cells are averaged.
///
/// # Shapes
///
/// `(1, 288)`: columns `hog_R_C_D_mean` and `hog_R_C_D_sd` of row R, column C (1 to 4 from the top
/// left) and direction D in degrees of the gradient.
///
/// # Source
///
/// N. Dalal and B. Triggs, CVPR 2005, with the averaging of P. Felzenszwalb et al., IEEE Transactions on
/// Pattern Analysis and Machine Intelligence 32(9), 2010.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaceHog {
    /// The detector and the histograms look at every frame whose number is a multiple of this.
    pub every: usize,
    /// Side of the square relative to that of the detection, which reaches from the hair to the chin; of long faces
    /// with an open mouth to the mouth.
    pub margin: f64,
    /// Which of several faces.
    pub follow: Follow,
    /// A detector by a model file, in place of the one that is built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<FaceDetector>,
}

impl Default for FaceHog {
    fn default() -> Self {
        Self { every: 5, margin: 1.0, follow: Follow::Largest, detector: None }
    }
}

impl Extractor for FaceHog {
    fn name(&self) -> &'static str {
        "face-hog"
    }

    fn version(&self) -> u32 {
        3
    }

    fn describe(&self) -> &str {
        "histograms of oriented gradients of the face"
    }

    fn extract(&self, media: &Path) -> Result<Features> {
        self.tracking().check(self.name())?;
        let track = self.tracking().track(media)?;
        segments::check_duration(media, track.duration_s())?;
        let mut frames = Frames::open(media)?;
        let mut rows = Vec::new();
        let mut number = 0_usize;
        while frames.advance()?.is_some() {
            if number.is_multiple_of(self.every) {
                let frame = frames.image()?;
                let rgb = frame.crop(track.square(&frame, self.margin), SIZE)?;
                rows.push(hog(&grey(&rgb)));
            }
            number += 1;
        }
        let values = mean_and_sd(&rows, COLUMNS);
        Ok(Features {
            shape: vec![1, values.len()],
            values: Values::F32(values),
            times_s: segments::centres(track.duration_s(), 1),
            names: names(),
            faces: Some(track.faces()),
            warnings: track.warnings().to_vec(),
        })
    }

    fn fingerprint(&self) -> String {
        let built_in = Self { detector: None, ..self.clone() };
        fingerprint(&built_in, self.detector.as_ref())
    }

    fn tracker(&self) -> Option<FaceTracking> {
        Some(self.tracking())
    }

    fn detector_mut(&mut self) -> Option<&mut FaceDetector> {
        self.detector.as_mut()
    }
}

impl FaceHog {
    /// How the face is tracked.
    fn tracking(&self) -> FaceTracking {
        let Self { every, margin, follow, ref detector, .. } = *self;
        FaceTracking { every, margin, follow, detector: detector.clone() }
    }
}

fn names() -> Vec<String> {
    let mut names = Vec::with_capacity(2 * COLUMNS);
    for row in 1..=PARTS {
        for column in 1..=PARTS {
            for direction in 0..DIRECTIONS {
                let degrees = direction * 180 / DIRECTIONS;
                names.push(format!("hog_{row}_{column}_{degrees}_mean"));
                names.push(format!("hog_{row}_{column}_{degrees}_sd"));
            }
        }
    }
    names
}

type Cells = [[[f32; DIRECTIONS]; CELLS]; CELLS];

/// The histogram of a grey picture of `SIZE` x `SIZE` pixels: part rows, part columns, directions.
fn hog(grey: &[u8]) -> Vec<f32> {
    let mut values = vec![0.0; COLUMNS];
    for (row, cells) in normalise(&histogram(grey)).iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            let part = row / CELLS_PER_PART * PARTS + column / CELLS_PER_PART;
            for (sum, value) in values[part * DIRECTIONS..].iter_mut().zip(cell) {
                *sum += value / (CELLS_PER_PART * CELLS_PER_PART) as f32;
            }
        }
    }
    values
}

/// Gradients by cell and direction, shared between neighbours.
fn histogram(grey: &[u8]) -> Cells {
    let mut cells = Cells::default();
    let at = |x: usize, y: usize| f32::from(grey[y * SIZE + x]);
    // The place between two cells: the index of the first and the share of the second.
    let between = |pixel: usize| {
        let place = ((pixel as f32 + 0.5) / CELL as f32 - 0.5).clamp(0.0, (CELLS - 1) as f32);
        let first = (place as usize).min(CELLS - 2);
        (first, place - first as f32)
    };
    for y in 0..SIZE {
        let (row, down) = between(y);
        for x in 0..SIZE {
            let (column, right) = between(x);
            let dx = at((x + 1).min(SIZE - 1), y) - at(x.saturating_sub(1), y);
            let dy = at(x, (y + 1).min(SIZE - 1)) - at(x, y.saturating_sub(1));
            let strength = dx.hypot(dy);
            if strength == 0.0 {
                continue;
            }
            let turn = f64::from(dy).atan2(f64::from(dx)).rem_euclid(PI) / PI;
            let place = (turn * DIRECTIONS as f64) as f32;
            let (first, share) = (place as usize % DIRECTIONS, place.fract());
            for (cell, weight) in [
                ((row, column), (1.0 - down) * (1.0 - right)),
                ((row, column + 1), (1.0 - down) * right),
                ((row + 1, column), down * (1.0 - right)),
                ((row + 1, column + 1), down * right),
            ] {
                let cell = &mut cells[cell.0][cell.1];
                cell[first] += strength * weight * (1.0 - share);
                cell[(first + 1) % DIRECTIONS] += strength * weight * share;
            }
        }
    }
    cells
}

/// Divides each cell by the norm of the blocks of 2 x 2 cells that hold it.
fn normalise(cells: &Cells) -> Cells {
    let energy = |row: usize, column: usize| -> f32 {
        cells[row][column].iter().map(|value| value * value).sum()
    };
    let mut normal = Cells::default();
    for row in 0..CELLS {
        for column in 0..CELLS {
            let mut blocks = 0.0;
            for top in row.saturating_sub(1)..=row.min(CELLS - 2) {
                for left in column.saturating_sub(1)..=column.min(CELLS - 2) {
                    let sum = energy(top, left)
                        + energy(top, left + 1)
                        + energy(top + 1, left)
                        + energy(top + 1, left + 1);
                    let norm = (sum + ENERGY_FLOOR * ENERGY_FLOOR).sqrt();
                    blocks += 1.0;
                    for (to, from) in normal[row][column].iter_mut().zip(cells[row][column]) {
                        *to += (from / norm).min(CLIP);
                    }
                }
            }
            normal[row][column].iter_mut().for_each(|value| *value /= blocks);
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(grey: impl Fn(usize, usize) -> f64) -> Vec<u8> {
        (0..SIZE * SIZE).map(|i| grey(i % SIZE, i / SIZE).clamp(0.0, 255.0) as u8).collect()
    }

    #[test]
    fn a_ramp_has_the_direction_of_its_gradient_everywhere() {
        for (degrees, direction) in [(0.0_f64, 0), (40.0, 2), (100.0, 5), (160.0, 8)] {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let ramp =
                picture(|x, y| 128.0 + 1.9 * ((x as f64 - 32.0) * cos + (y as f64 - 32.0) * sin));
            let values = hog(&ramp);
            for part in values.chunks_exact(DIRECTIONS) {
                let most = (0..DIRECTIONS).max_by(|a, b| part[*a].total_cmp(&part[*b]));
                assert_eq!(most, Some(direction), "{degrees} degrees: {part:?}");
            }
        }
    }

    #[test]
    fn a_flat_picture_is_zero_and_light_does_not_matter() {
        assert!(hog(&picture(|_, _| 90.0)).iter().all(|&value| value == 0.0));
        let pattern = |x: usize, y: usize| ((x * x + 3 * y) % 97) as f64;
        let dark = hog(&picture(pattern));
        let bright = hog(&picture(|x, y| pattern(x, y) + 100.0));
        assert_eq!(dark, bright);
        let contrast = hog(&picture(|x, y| 2.0 * pattern(x, y)));
        let error = dark.iter().zip(&contrast).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(error < 0.01, "{error}");
    }

    #[test]
    fn an_edge_is_seen_in_its_part_only() {
        let values = hog(&picture(|x, y| if x < 8 && y < 8 { 255.0 } else { 0.0 }));
        let part = |row: usize, column: usize| -> f32 {
            values[(row * PARTS + column) * DIRECTIONS..][..DIRECTIONS].iter().sum()
        };
        assert!(part(0, 0) > 0.1);
        assert_eq!(part(2, 2), 0.0);
        assert_eq!(part(0, 3), 0.0);
    }

    #[test]
    fn the_fingerprint_names_every_setting() {
        let expected = r#"face-hog/3 {"every":5,"margin":1.0,"follow":"largest"}"#;
        assert_eq!(FaceHog::default().fingerprint(), expected);
    }

    #[test]
    fn names_and_columns_agree() {
        let names = names();
        assert_eq!(names.len(), 2 * COLUMNS);
        assert_eq!(names[..2], ["hog_1_1_0_mean", "hog_1_1_0_sd"]);
        assert_eq!(names[2 * COLUMNS - 1], "hog_4_4_160_sd");
    }
}
