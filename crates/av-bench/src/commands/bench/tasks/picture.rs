//! Pictures: decoding, and the search for faces.

use super::{Answer, Work};
use crate::commands::bench::fixtures::Fixtures;
use av_features::{FaceTrack, Follow, Frames};
use std::hint::black_box;

/// Frames from one search to the next: four of the clip's twenty are searched, which takes longer than to decode all.
const EVERY: usize = 5;

/// All frames of a clip as pictures.
pub fn decode(fixtures: &Fixtures) -> Answer<Work> {
    let clip = fixtures.clip();
    Ok(Box::new(move || {
        let mut frames = Frames::open(&clip)?;
        while frames.advance()?.is_some() {
            black_box(frames.image()?);
        }
        Ok(())
    }))
}

/// Where the face is in a clip.
pub fn face_search(fixtures: &Fixtures) -> Answer<Work> {
    let clip = fixtures.clip();
    Ok(Box::new(move || {
        let track = FaceTrack::new(&clip, EVERY, Follow::default())?;
        if track.faces().found == 0 {
            return Err("the rendered face was not found".into());
        }
        Ok(())
    }))
}
