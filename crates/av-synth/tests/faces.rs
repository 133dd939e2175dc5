//! One of several rendered faces is followed, as long as it is there.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use av_features::{ClipFormat, FaceTrack, Follow, Frames, Sighting, write_clip};
use av_synth::{Corpus, Emotion, SynthConfig};
use std::path::{Path, PathBuf};

/// Frames of the test clips; the second half begins at 20.
const FRAMES: usize = 40;

/// Frames of two persons.
struct Persons([Vec<Vec<u8>>; 2]);

/// Side of the picture of a person.
const SIDE: usize = 128;

impl Persons {
    fn new() -> Self {
        let config = SynthConfig {
            emotions: vec![Emotion::Neutral, Emotion::Happy],
            subjects: 2,
            clips: 1,
            duration_s: [2.0, 2.0],
            ..SynthConfig::default()
        };
        let corpus = Corpus::new(&config).unwrap();
        let of = |subject: u8| {
            let clip = corpus.clips.iter().find(|clip| clip.take.subject == subject).unwrap();
            clip.frames(&config).collect::<Vec<_>>()
        };
        Self([of(1), of(2)])
    }

    /// A clip of both side by side, where `shown` says for each frame who is there.
    fn clip(&self, folder: &Path, shown: impl Fn(usize) -> [bool; 2]) -> PathBuf {
        let path = folder.join("clip.mp4");
        // Not so flat that it counts as blank.
        let wall: Vec<u8> = (0..3 * SIDE).map(|i| 60 + (i / 6) as u8).collect();
        let frame = |number: usize| -> Vec<u8> {
            let rows = (0..SIDE).flat_map(|row| [0, 1].map(|person| (row, person)));
            let row = |(row, person): (usize, usize)| match shown(number)[person] {
                true => &self.0[person][number][3 * SIDE * row..3 * SIDE * (row + 1)],
                false => &wall[..],
            };
            rows.flat_map(row).copied().collect()
        };
        let (width, height) = (2 * SIDE as u32, SIDE as u32);
        let format = ClipFormat { width, height, fps: 20, sample_rate_hz: 16_000 };
        write_clip(&path, &format, (0..FRAMES).map(frame), &[]).unwrap();
        path
    }
}

/// In which half the middle of the square lies in each frame, and what that rests on.
fn halves(path: &Path, follow: Follow) -> Vec<(usize, Sighting)> {
    let track = FaceTrack::new(path, 2, follow).unwrap();
    Frames::open(path)
        .unwrap()
        .map(|frame| {
            let frame = frame.unwrap();
            let square = track.square(&frame, 1.0);
            let half = (square.left + square.side / 2.0) / SIDE as f64;
            // No square lies between the two.
            assert!((half - half.floor() - 0.5).abs() < 0.3, "{half}");
            (half as usize, track.sighting(frame.time_s))
        })
        .collect()
}

#[test]
fn of_two_faces_side_by_side_one_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Persons::new().clip(folder.path(), |_| [true, true]);
    let halves = halves(&clip, Follow::Same);
    assert_eq!(halves.len(), FRAMES);
    let first = halves[0].0;
    assert!(
        halves.iter().all(|&(half, sighting)| half == first && sighting != Sighting::Missing),
        "{halves:?}"
    );
}

#[test]
fn when_a_face_leaves_the_other_one_is_followed_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let persons = Persons::new();
    let both = halves(&persons.clip(folder.path(), |_| [true, true]), Follow::Same)[0].0;
    let clip = persons.clip(folder.path(), |number| {
        let mut shown = [true, true];
        shown[both] = number < FRAMES / 2;
        shown
    });
    for (number, (half, _)) in halves(&clip, Follow::Same).into_iter().enumerate() {
        // The detector looks at frames 18 and 20: frame 19 is as near to the one as to the other.
        let expected = if number < FRAMES / 2 { both } else { 1 - both };
        assert!(half == expected || number == FRAMES / 2 - 1, "frame {number}");
    }
}

#[test]
fn a_face_that_leaves_an_empty_room_keeps_its_place_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Persons::new().clip(folder.path(), |number| [number < FRAMES / 2, false]);
    let track = FaceTrack::new(&clip, 2, Follow::Same).unwrap();
    let faces = track.faces();
    assert_eq!(faces.frames, FRAMES / 2);
    assert!((FRAMES / 4 - 1..=FRAMES / 4).contains(&faces.found), "{faces:?}");
    let halves = halves(&clip, Follow::Same);
    assert!(halves.iter().all(|&(half, _)| half == 0), "{halves:?}");
    assert_eq!(halves[FRAMES - 1], (0, Sighting::Held));
}

#[test]
fn at_a_cut_the_square_jumps() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Persons::new().clip(folder.path(), |number| {
        let first = number < FRAMES / 2;
        [first, !first]
    });
    for (number, (half, _)) in halves(&clip, Follow::Same).into_iter().enumerate() {
        // The detector looks at frames 18 and 20: frame 19 is as near to the one as to the other.
        if number != FRAMES / 2 - 1 {
            assert_eq!(half, usize::from(number >= FRAMES / 2), "frame {number}");
        }
    }
}
