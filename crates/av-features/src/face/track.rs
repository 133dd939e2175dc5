//! Where the face is in every frame of a clip.

use std::path::Path;

use super::detect::{Detector, Face, Search};
use crate::Result;
use crate::features::Faces;
use crate::image::{Frame, Square};
use crate::media::Frames;
use crate::segments::fraction;

/// Detections to each side over which the median smooths.
const MEDIAN_REACH: usize = 2;

/// The path of the face through a clip, and the times of the frames.
#[derive(Debug)]
pub(crate) struct Track {
    /// Time of each frame in seconds.
    times_s: Vec<f64>,
    /// End of the last frame in seconds.
    end_s: f64,
    /// Smoothed detections with their times.
    faces: Vec<(f64, Face)>,
    pub(crate) counts: Faces,
    pub(crate) warnings: Vec<String>,
}

impl Track {
    /// Reads a clip once and looks for the face in every `every`-th frame.
    pub(crate) fn new(media: &Path, every: usize) -> Result<Self> {
        let mut frames = Frames::open(media)?;
        let mut detector = Detector::new()?;
        let mut times_s = Vec::new();
        let mut faces = Vec::new();
        let mut looked = 0;
        while let Some(time_s) = frames.advance()? {
            if times_s.len().is_multiple_of(every) {
                match detector.find(&frames.image()?)? {
                    Search::Blank => {}
                    Search::Missed => looked += 1,
                    Search::Found(face) => {
                        looked += 1;
                        faces.push((time_s, face));
                    }
                }
            }
            times_s.push(time_s);
        }
        let counts = Faces { frames: looked, found: faces.len() };
        let mut warnings = frames.warnings();
        if faces.is_empty() {
            warnings.push("no face was found: the middle of the picture is taken".into());
        }
        Ok(Self { times_s, end_s: frames.end_s(), faces: smooth(&faces), counts, warnings })
    }

    /// Duration in seconds, from the start of the first frame to the end of the last.
    pub(crate) fn duration_s(&self) -> f64 {
        self.end_s - self.times_s.first().copied().unwrap_or(0.0)
    }

    /// For each of `count` segments the frame nearest to its centre.
    pub(crate) fn nearest(&self, count: usize) -> Vec<usize> {
        let start = self.times_s.first().copied().unwrap_or(0.0);
        (0..count)
            .map(|i| {
                let centre = start + self.duration_s() * fraction(i, count);
                let after = self.times_s.partition_point(|&time| time < centre);
                let near = [after.saturating_sub(1), after.min(self.times_s.len() - 1)];
                let distance = |i: usize| (self.times_s[i] - centre).abs();
                if distance(near[1]) < distance(near[0]) { near[1] } else { near[0] }
            })
            .collect()
    }

    /// The square around the face in a frame, `margin` times as large as the detection; where no
    /// face was found at all, the largest square in the middle.
    pub(crate) fn square(&self, frame: &Frame, margin: f64) -> Square {
        let (width, height) = (frame.width as f64, frame.height as f64);
        let (shorter, longer) = (width.min(height), width.max(height));
        let middle = Face { x: 0.5, y: 0.5, side: 1.0 };
        let face = self.face(frame.time_s).unwrap_or(middle);
        let side = (face.side * longer * margin).clamp(1.0, shorter);
        let place =
            |middle: f64, length: f64| (middle * length - side / 2.0).clamp(0.0, length - side);
        Square { left: place(face.x, width), top: place(face.y, height), side }
    }

    /// The face at a time, between the detections before and after.
    fn face(&self, time_s: f64) -> Option<Face> {
        let after = self.faces.partition_point(|(time, _)| *time < time_s);
        let (next, previous) = (self.faces.get(after), after.checked_sub(1));
        match (previous.and_then(|i| self.faces.get(i)), next) {
            (Some((from, a)), Some((to, b))) => {
                let share = (time_s - from) / (to - from);
                let mix = |a: f64, b: f64| a + (b - a) * share;
                Some(Face { x: mix(a.x, b.x), y: mix(a.y, b.y), side: mix(a.side, b.side) })
            }
            (Some((_, face)), None) | (None, Some((_, face))) => Some(*face),
            (None, None) => None,
        }
    }
}

/// The median of the detections around each one, coordinate by coordinate.
fn smooth(faces: &[(f64, Face)]) -> Vec<(f64, Face)> {
    (0..faces.len())
        .map(|i| {
            let around =
                &faces[i.saturating_sub(MEDIAN_REACH)..(i + MEDIAN_REACH + 1).min(faces.len())];
            let median = |coordinate: fn(&Face) -> f64| {
                let mut values: Vec<f64> = around.iter().map(|(_, f)| coordinate(f)).collect();
                values.sort_unstable_by(f64::total_cmp);
                values[values.len() / 2]
            };
            (faces[i].0, Face { x: median(|f| f.x), y: median(|f| f.y), side: median(|f| f.side) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f64) -> Face {
        Face { x, y: 0.4, side: 0.2 }
    }

    fn track(faces: Vec<(f64, Face)>) -> Track {
        let counts = Faces { frames: faces.len(), found: faces.len() };
        let times_s = (0..10).map(|i| f64::from(i) * 0.1).collect();
        Track { times_s, end_s: 1.0, faces, counts, warnings: vec![] }
    }

    fn frame(time_s: f64) -> Frame {
        Frame { rgb: vec![0; 200 * 100 * 3], width: 200, height: 100, time_s }
    }

    #[test]
    fn one_false_detection_does_not_move_the_face() {
        let mut faces: Vec<_> = (0..9).map(|i| (f64::from(i), face(0.5))).collect();
        faces[4].1 = Face { x: 0.9, y: 0.1, side: 0.05 };
        assert!(smooth(&faces).iter().all(|(_, f)| *f == face(0.5)));
    }

    #[test]
    fn the_face_moves_evenly_between_two_detections() {
        let track = track(vec![(0.0, face(0.4)), (0.5, face(0.6))]);
        let square = track.square(&frame(0.25), 1.5);
        // The side is 0.2 of 200 pixels, times 1.5; the middle at (0.5, 0.4) of the frame.
        let error = [square.side - 60.0, square.left - 70.0, square.top - 10.0];
        assert!(error.iter().all(|e| e.abs() < 1e-9), "{square:?}");
        assert_eq!(track.square(&frame(0.9), 1.5), track.square(&frame(0.5), 1.5));
    }

    #[test]
    fn the_square_stays_inside_the_frame() {
        for (x, side) in [(0.0, 0.2), (1.0, 0.3), (0.5, 3.0), (0.99, 0.0)] {
            let track = track(vec![(0.0, Face { x, y: 1.0, side })]);
            let square = track.square(&frame(0.0), 1.3);
            assert!(square.left >= 0.0 && square.left + square.side <= 200.0, "{square:?}");
            assert!(square.top >= 0.0 && square.top + square.side <= 100.0, "{square:?}");
        }
    }

    #[test]
    fn without_a_face_the_middle_is_taken() {
        let square = track(vec![]).square(&frame(0.3), 1.3);
        assert_eq!(square, Square { left: 50.0, top: 0.0, side: 100.0 });
    }

    #[test]
    fn segments_take_the_nearest_frames() {
        // Ten frames from 0.0 to 0.9 s that end at 1.0 s: the centres are 0.1, 0.3, ... 0.9 s.
        assert_eq!(track(vec![]).nearest(5), [1, 3, 5, 7, 9]);
        assert_eq!(track(vec![]).nearest(1), [5]);
    }
}
