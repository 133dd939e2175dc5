//! Where the face is in every frame of a clip.

use std::path::Path;

use super::detect::{self, Face, Landmarks, Search};
use super::detector::FaceDetector;
use super::follow::{Follow, Look, Sighted, choose};
use crate::Result;
use crate::features::Faces;
use crate::image::{Frame, Square};
use crate::media::Frames;
use crate::segments::fraction;

/// Detections to each side over which the median smooths.
const MEDIAN_REACH: usize = 2;

/// The path of one face through a clip: what the extractors of the face cut out.
///
/// # Definition
///
/// A frontal face detector looks at every `every`-th frame: at the whole of it at first, at every fifth look, and where a
/// known face is not found again; else around the known faces. A [`FaceDetector`] looks at the whole of every such frame.
/// [`Follow`] says which face counts where there are several. The squares, and the landmarks where there are some, are
/// smoothed by a median over five detections and joined by straight lines over time; before the first and after the last
/// detection the face stays where it was.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "video")] {
/// use av_features::{ClipFormat, FaceTrack, Follow, Frames, Sighting, write_clip};
///
/// # let folder = tempfile::tempdir()?;
/// # let clip = folder.path().join("clip.mp4");
/// // Half a second of a grey wall; any recording will do.
/// let format = ClipFormat { width: 96, height: 64, fps: 20, sample_rate_hz: 16_000 };
/// write_clip(&clip, &format, (0..10).map(|_| vec![128; 96 * 64 * 3]), &[])?;
///
/// let track = FaceTrack::new(&clip, 5, Follow::Largest)?;
/// assert_eq!(track.sighting(0.3), Sighting::Missing);
/// for frame in Frames::open(&clip)? {
///     // Without a face the largest square in the middle.
///     let square = track.square(&frame?, 1.0);
///     assert_eq!((square.left, square.top, square.side), (16.0, 0.0, 64.0));
/// }
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct FaceTrack {
    /// Time of each frame in seconds.
    times_s: Vec<f64>,
    /// End of the last frame in seconds.
    end_s: f64,
    /// Smoothed detections.
    faces: Vec<Sighted>,
    /// Times of the frames that were looked at without finding the face.
    missed_s: Vec<f64>,
    warnings: Vec<String>,
}

/// What the place of the face in a frame rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// The face was found in this frame, or in the frames looked at just before and after it.
    Found,
    /// Between two detections, with frames between them in which the face was looked for and not found.
    Interpolated,
    /// The face was not found here, and not found before or not found again: its place is that of the nearest detection.
    Held,
    /// No face was found in the whole clip: the middle of the picture is taken.
    Missing,
}

impl FaceTrack {
    /// Reads a clip once and looks for the face in every `every`-th frame; blank ones are passed over. An `every`
    /// of 0 is one of 1.
    ///
    /// # Errors
    ///
    /// Those of [`Frames`].
    pub fn new(media: &Path, every: usize, follow: Follow) -> Result<Self> {
        Self::found_by(None, media, every, follow)
    }

    /// The same with a detector by a model file, where there is one.
    ///
    /// # Errors
    ///
    /// Those of [`Frames`]; [`Error::Detector`](crate::Error::Detector) and
    /// [`Error::WithoutOnnx`](crate::Error::WithoutOnnx) for a detector that cannot be used.
    pub fn found_by(
        detector: Option<&FaceDetector>,
        media: &Path,
        every: usize,
        follow: Follow,
    ) -> Result<Self> {
        let mut detector = detect::open(detector)?;
        let mut frames = Frames::open(media)?;
        let mut times_s = Vec::new();
        let mut looks = Vec::new();
        while let Some(time_s) = frames.advance()? {
            if times_s.len().is_multiple_of(every.max(1)) {
                let frame = frames.image()?;
                let faces = match detector.find(&frame)? {
                    Search::Blank => None,
                    Search::Missed => Some(vec![]),
                    Search::Found(faces) => Some(faces),
                };
                let sides = [frame.width, frame.height];
                looks.extend(faces.map(|faces| Look::new(time_s, sides, faces)));
            }
            times_s.push(time_s);
        }
        let chosen = choose(&looks, follow);
        let missed = looks.iter().zip(&chosen).filter(|(_, sighted)| sighted.is_none());
        let missed_s = missed.map(|(look, _)| look.time_s).collect();
        let faces = smooth(&chosen.into_iter().flatten().collect::<Vec<_>>());
        let mut warnings = frames.warnings();
        if faces.is_empty() {
            warnings.push("no face was found: the middle of the picture is taken".into());
        }
        Ok(Self { times_s, end_s: frames.end_s(), faces, missed_s, warnings })
    }

    /// Time of each frame in seconds from the start of the file.
    pub fn times_s(&self) -> &[f64] {
        &self.times_s
    }

    /// Duration in seconds, from the start of the first frame to the end of the last.
    pub fn duration_s(&self) -> f64 {
        self.end_s - self.start_s()
    }

    /// In how many frames the face was looked for and found.
    pub fn faces(&self) -> Faces {
        let found = self.faces.len();
        Faces { frames: found + self.missed_s.len(), found }
    }

    /// What went not quite right with the media file, and whether there is no face.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The square around the face in a frame of the clip, `margin` times as large as the detection; where no
    /// face was found at all, the largest square in the middle. It lies inside the frame.
    pub fn square(&self, frame: &Frame, margin: f64) -> Square {
        self.square_at(frame, frame.time_s, margin)
    }

    /// What the place of the face at a time in seconds rests on.
    pub fn sighting(&self, time_s: f64) -> Sighting {
        let [previous, next] = self.around(time_s);
        let [from, to] = [previous, next].map(|sighted| sighted.map(|it| it.time_s));
        let missed = |from: f64, to: f64| self.missed_s.iter().any(|s| (from..=to).contains(s));
        match (from, to) {
            (None, None) => Sighting::Missing,
            (_, Some(to)) if to == time_s => Sighting::Found,
            (Some(from), Some(to)) if missed(from, to) => Sighting::Interpolated,
            (Some(from), None) if missed(from, f64::INFINITY) => Sighting::Held,
            (None, Some(to)) if missed(f64::NEG_INFINITY, to) => Sighting::Held,
            _ => Sighting::Found,
        }
    }

    /// A track of known faces through frames at these times.
    #[cfg(test)]
    pub(super) fn known(times_s: Vec<f64>, end_s: f64, faces: &[(f64, Face)]) -> Self {
        let sighted = |&(time_s, face)| Sighted { time_s, face, chain: 0 };
        let faces = faces.iter().map(sighted).collect();
        Self { times_s, end_s, faces, missed_s: vec![], warnings: vec![] }
    }

    /// Time of the first frame in seconds.
    pub(super) fn start_s(&self) -> f64 {
        self.times_s.first().copied().unwrap_or(0.0)
    }

    /// The number of the frame nearest to a time in seconds.
    pub(super) fn frame_at(&self, time_s: f64) -> usize {
        let after = self.times_s.partition_point(|&time| time < time_s);
        let near = [after.saturating_sub(1), after.min(self.times_s.len().saturating_sub(1))];
        let distance = |i: usize| self.times_s.get(i).map_or(0.0, |time| (time - time_s).abs());
        if distance(near[1]) < distance(near[0]) { near[1] } else { near[0] }
    }

    /// For each of `count` segments the frame nearest to its centre.
    pub(super) fn nearest(&self, count: usize) -> Vec<usize> {
        let centre = |i| self.start_s() + self.duration_s() * fraction(i, count);
        (0..count).map(|i| self.frame_at(centre(i))).collect()
    }

    /// As [`square`](Self::square), with the face of another time: what moves in the square is not the square.
    pub(super) fn square_at(&self, frame: &Frame, time_s: f64, margin: f64) -> Square {
        let (width, height) = (frame.width as f64, frame.height as f64);
        let (shorter, longer) = (width.min(height), width.max(height));
        let middle = Face::new(0.5, 0.5, 1.0);
        let face = self.face(time_s).unwrap_or(middle);
        let side = (face.side * longer * margin).clamp(1.0, shorter);
        let place =
            |middle: f64, length: f64| (middle * length - side / 2.0).clamp(0.0, length - side);
        Square { left: place(face.x, width), top: place(face.y, height), side }
    }

    /// Where the landmarks of the face at a time lie in a frame, in its pixels; nothing where there are none.
    pub(super) fn landmarks_at(&self, frame: &Frame, time_s: f64) -> Option<Landmarks> {
        let [width, height] = [frame.width as f64, frame.height as f64];
        let landmarks = self.face(time_s)?.landmarks?;
        Some(landmarks.map(|[x, y]| [x * width, y * height]))
    }

    /// The last detection before a time and the first one at it or after it.
    fn around(&self, time_s: f64) -> [Option<&Sighted>; 2] {
        let after = self.faces.partition_point(|sighted| sighted.time_s < time_s);
        [after.checked_sub(1).and_then(|i| self.faces.get(i)), self.faces.get(after)]
    }

    /// The face at a time, between the detections before and after.
    fn face(&self, time_s: f64) -> Option<Face> {
        let [previous, next] = self.around(time_s);
        match (previous, next) {
            (Some(from), Some(to)) => {
                let share = (time_s - from.time_s) / (to.time_s - from.time_s);
                if from.chain != to.chain {
                    // Another face, after a cut: there is nothing between them.
                    return Some(if share < 0.5 { from.face } else { to.face });
                }
                Some(from.face.towards(&to.face, share))
            }
            (Some(sighted), None) | (None, Some(sighted)) => Some(sighted.face),
            (None, None) => None,
        }
    }
}

/// The median of the detections around each one that are of the same chain.
fn smooth(faces: &[Sighted]) -> Vec<Sighted> {
    (0..faces.len())
        .map(|i| {
            let around =
                &faces[i.saturating_sub(MEDIAN_REACH)..(i + MEDIAN_REACH + 1).min(faces.len())];
            let same = around.iter().filter(|other| other.chain == faces[i].chain);
            let same: Vec<Face> = same.map(|other| other.face).collect();
            Sighted { face: Face::median(&same), ..faces[i] }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f64) -> Face {
        Face::new(x, 0.4, 0.2)
    }

    fn sighted(time_s: f64, face: Face) -> Sighted {
        Sighted { time_s, face, chain: 0 }
    }

    fn track(faces: Vec<Sighted>) -> FaceTrack {
        let times_s = (0..10).map(|i| f64::from(i) * 0.1).collect();
        FaceTrack { times_s, end_s: 1.0, faces, missed_s: vec![], warnings: vec![] }
    }

    fn frame(time_s: f64) -> Frame {
        Frame { rgb: vec![0; 200 * 100 * 3], width: 200, height: 100, time_s }
    }

    #[test]
    fn one_false_detection_does_not_move_the_face() {
        let mut faces: Vec<_> = (0..9).map(|i| sighted(f64::from(i), face(0.5))).collect();
        faces[4].face = Face::new(0.9, 0.1, 0.05);
        assert!(smooth(&faces).iter().all(|sighted| sighted.face == face(0.5)));
    }

    #[test]
    fn the_face_moves_evenly_between_two_detections() {
        let track = track(vec![sighted(0.0, face(0.4)), sighted(0.5, face(0.6))]);
        let square = track.square(&frame(0.25), 1.5);
        // The side is 0.2 of 200 pixels, times 1.5; the middle at (0.5, 0.4) of the frame.
        let error = [square.side - 60.0, square.left - 70.0, square.top - 10.0];
        assert!(error.iter().all(|e| e.abs() < 1e-9), "{square:?}");
        assert_eq!(track.square(&frame(0.9), 1.5), track.square(&frame(0.5), 1.5));
    }

    #[test]
    fn landmarks_are_smoothed_and_joined_as_squares_are() {
        // Each landmark goes its own way; one detection is false.
        let landmarks =
            |t: f64| Some(std::array::from_fn(|n| [0.1 * t + 0.02 * n as f64, 0.5 - 0.1 * t]));
        let seen = |i: usize| {
            let t = if i == 4 { 9.0 } else { i as f64 / 8.0 };
            sighted(i as f64 / 8.0, Face { landmarks: landmarks(t), ..face(0.5) })
        };
        let track = track(smooth(&(0..9).map(seen).collect::<Vec<_>>()));
        // At the ends the median over three is the second, later as at first; the false one is passed over.
        for (time_s, t) in
            [(-1.0, 0.125), (0.25, 0.25), (0.3125, 0.3125), (0.5, 0.625), (7.0, 0.875)]
        {
            let found = track.landmarks_at(&frame(0.0), time_s).unwrap();
            let truth = landmarks(t).unwrap().map(|[x, y]: [f64; 2]| [x * 200.0, y * 100.0]);
            let apart =
                found.as_flattened().iter().zip(truth.as_flattened()).map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f64::max) < 1e-9, "{time_s}: {found:?} instead of {truth:?}");
        }
    }

    #[test]
    fn the_face_jumps_at_a_cut_and_is_not_smoothed_over_it() {
        let place = |i: usize| Sighted {
            time_s: i as f64 * 0.1,
            face: face(if i < 3 { 0.2 } else { 0.8 }),
            chain: usize::from(i >= 3),
        };
        let faces: Vec<_> = (0..4).map(place).collect();
        assert_eq!(smooth(&faces), faces);
        let track = track(faces);
        let left = |time_s| track.square(&frame(time_s), 1.0).left;
        assert_eq!([left(0.24), left(0.26)], [0.2 * 200.0 - 20.0, 0.8 * 200.0 - 20.0]);
    }

    #[test]
    fn a_gap_is_told_from_a_detection() {
        let mut track = track(vec![sighted(0.2, face(0.4)), sighted(0.6, face(0.6))]);
        for time_s in [0.0, 0.2, 0.4, 0.6, 0.9] {
            assert_eq!(track.sighting(time_s), Sighting::Found, "{time_s}");
        }
        track.missed_s = vec![0.0, 0.4, 0.8];
        let told = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7].map(|time_s| track.sighting(time_s));
        use Sighting::{Found, Held, Interpolated as Between};
        assert_eq!(told, [Held, Held, Found, Between, Between, Between, Found, Held]);
        assert_eq!(track.faces(), Faces { frames: 5, found: 2 });
        track.faces.clear();
        assert_eq!(track.sighting(0.2), Sighting::Missing);
    }

    #[test]
    fn the_square_stays_inside_the_frame() {
        for (x, side) in [(0.0, 0.2), (1.0, 0.3), (0.5, 3.0), (0.99, 0.0)] {
            let track = track(vec![sighted(0.0, Face::new(x, 1.0, side))]);
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

    #[test]
    fn a_clip_may_start_late_and_the_nearest_frame_is_before_or_after_a_time() {
        let mut late = track(vec![]);
        late.times_s.iter_mut().for_each(|time_s| *time_s += 5.0);
        late.end_s += 5.0;
        assert!((late.duration_s() - 1.0).abs() < 1e-12);
        assert_eq!(late.nearest(5), [1, 3, 5, 7, 9]);
        let numbers = [0.0, 5.04, 5.06, 5.14, 5.16, 5.94, 9.0].map(|time_s| late.frame_at(time_s));
        assert_eq!(numbers, [0, 0, 1, 1, 2, 9, 9]);
    }
}
