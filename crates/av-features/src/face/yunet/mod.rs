//! A detector by a network of the YuNet family: frames into its input, its outputs into faces.

mod decode;
mod network;

use std::sync::Arc;

use decode::{Detection, decode};
pub(super) use network::Network;

use super::detect::{Detector, Face, Search, is_blank};
use super::detector::FaceDetector;
use crate::Result;
use crate::image::Frame;

/// Looks at every frame as a whole: the input of the network has one size, so that a part would cost as much.
pub(super) struct Yunet {
    network: Arc<Network>,
    config: FaceDetector,
}

impl Yunet {
    pub(super) fn new(network: Arc<Network>, config: FaceDetector) -> Self {
        Self { network, config }
    }
}

impl Detector for Yunet {
    fn find(&mut self, frame: &Frame) -> Result<Search> {
        if is_blank(&frame.grey()) {
            return Ok(Search::Blank);
        }
        let sides = self.network.sides();
        let small = fitted(frame, sides)?;
        let outputs = self.network.run(planes(&small, sides));
        let outputs = outputs.map_err(|reason| self.config.unusable(&reason))?;
        let found = decode(&outputs, sides, self.config.score());
        let faces = found.iter().map(|it| face(it, &small, frame));
        // What lies in the padding is no face.
        let inside = |face: &Face| [face.x, face.y].iter().all(|place| (0.0..=1.0).contains(place));
        let faces: Vec<Face> = faces.filter(inside).collect();
        Ok(if faces.is_empty() { Search::Missed } else { Search::Found(faces) })
    }
}

/// The frame so large that it just fits.
fn fitted(frame: &Frame, [width, height]: [usize; 2]) -> Result<Frame> {
    let [right, down] = [width as f64 / frame.width as f64, height as f64 / frame.height as f64];
    let side = |length: usize, limit: usize| {
        ((length as f64 * right.min(down)).round() as usize).clamp(1, limit)
    };
    frame.scaled(side(frame.width, width), side(frame.height, height))
}

/// Blue, green and red of a frame that fits, each with 0 to its right and below it.
fn planes(frame: &Frame, [width, height]: [usize; 2]) -> Vec<f32> {
    let mut planes = vec![0.0; 3 * width * height];
    for (plane, colour) in planes.chunks_exact_mut(width * height).zip([2, 1, 0]) {
        let rows = plane.chunks_exact_mut(width).zip(frame.rgb.chunks_exact(3 * frame.width));
        for (to, from) in rows {
            for (value, pixel) in to.iter_mut().zip(from.as_chunks::<3>().0) {
                *value = f32::from(pixel[colour]);
            }
        }
    }
    planes
}

/// A detection in the scaled frame as a face of the whole one.
fn face(found: &Detection, small: &Frame, frame: &Frame) -> Face {
    let sides = [small.width as f64, small.height as f64];
    let share = |point: [f64; 2]| [point[0] / sides[0], point[1] / sides[1]];
    let [x, y] = share(found.middle);
    let [right, down] = share(found.sides);
    let [width, height] = [frame.width as f64, frame.height as f64];
    let side = (right * width).max(down * height) / width.max(height);
    Face { x, y, side, landmarks: Some(found.landmarks.map(share)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_fits_by_its_longer_side_and_the_rest_is_nought() {
        for (sides, input, expected) in [
            ([300, 200], [64, 64], [64, 43]),
            ([200, 300], [64, 64], [43, 64]),
            ([32, 16], [64, 64], [64, 32]),
            ([100, 100], [64, 96], [64, 64]),
            ([640, 1], [64, 64], [64, 1]),
        ] {
            let [width, height] = sides;
            let rgb = [10, 20, 30].repeat(width * height);
            let small = fitted(&Frame { rgb, width, height, time_s: 0.0 }, input).unwrap();
            assert_eq!([small.width, small.height], expected);
            let planes = planes(&small, input);
            for (plane, colour) in planes.chunks_exact(input[0] * input[1]).zip([30.0, 20.0, 10.0])
            {
                for (i, &value) in plane.iter().enumerate() {
                    let inside = i % input[0] < expected[0] && i / input[0] < expected[1];
                    assert_eq!(value, if inside { colour } else { 0.0 }, "{i}");
                }
            }
        }
    }

    #[test]
    fn a_box_becomes_the_square_of_its_longer_side_in_the_frame() {
        let frame = |width, height| Frame { rgb: vec![], width, height, time_s: 0.0 };
        // The frame is four times as large as what the network saw of it.
        let found = Detection {
            score: 1.0,
            middle: [32.0, 12.0],
            sides: [6.0, 8.0],
            landmarks: [[16.0, 6.0]; 5],
        };
        let face = face(&found, &frame(64, 48), &frame(256, 192));
        assert_eq!((face.x, face.y, face.side), (0.5, 0.25, 32.0 / 256.0));
        assert_eq!(face.landmarks, Some([[0.25, 0.125]; 5]));
    }
}
