//! Which of several faces is the one.

use serde::{Deserialize, Serialize};

use super::detect::Face;

/// Looks over which a face may be lost before another one takes its place: about a second at every fifth frame.
const LOST: usize = 5;

/// Distance of the middles of two detections of one face, as a share of the larger side: a face that moves
/// faster between two looks is blurred, and two people are further apart.
const REACH: f64 = 0.5;

/// Which face counts where the detector finds several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Follow {
    /// The largest of each frame. Two faces of like size are taken by turns.
    #[default]
    Largest,
    /// One person: the largest face at first, then the one that overlaps it. Where it is not found for five looks
    /// and another face is there, it has left, or the camera has: the largest face is followed from then on.
    /// Of two people who pass in front of each other, the other one may be followed afterwards.
    Same,
}

/// The faces found in one frame.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) time_s: f64,
    /// Width and height of the frame as shares of the longer.
    pub(super) size: [f64; 2],
    pub(super) faces: Vec<Face>,
}

/// A detection that counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sighted {
    pub(super) time_s: f64,
    pub(super) face: Face,
    /// Number of the face that is followed, 0 until it changes.
    pub(super) chain: usize,
}

impl Look {
    /// The faces of a frame of so many pixels across and down.
    pub(super) fn new(time_s: f64, sides: [usize; 2], faces: Vec<Face>) -> Self {
        let longer = sides[0].max(sides[1]) as f64;
        Self { time_s, size: sides.map(|side| side as f64 / longer), faces }
    }

    fn largest(&self) -> Option<Face> {
        self.faces.iter().copied().max_by(|a, b| a.side.total_cmp(&b.side))
    }

    /// The face nearest to `other`, if it overlaps it.
    fn near(&self, other: &Face) -> Option<Face> {
        let distance = |face: &Face| {
            let [right, down] = self.size;
            let apart = ((face.x - other.x) * right).hypot((face.y - other.y) * down);
            apart / face.side.max(other.side)
        };
        let near = self.faces.iter().map(|face| (distance(face), *face));
        let near = near.filter(|(distance, _)| *distance < REACH);
        near.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, face)| face)
    }
}

/// The face of each look, if it is in it.
pub(super) fn choose(looks: &[Look], follow: Follow) -> Vec<Option<Sighted>> {
    match follow {
        Follow::Largest => looks.iter().map(|look| sighted(look, look.largest()?, 0)).collect(),
        Follow::Same => same(looks),
    }
}

fn sighted(look: &Look, face: Face, chain: usize) -> Option<Sighted> {
    Some(Sighted { time_s: look.time_s, face, chain })
}

fn same(looks: &[Look]) -> Vec<Option<Sighted>> {
    let mut followed: Option<(Face, usize)> = None;
    let mut chosen = Vec::with_capacity(looks.len());
    for (i, look) in looks.iter().enumerate() {
        let next = match followed {
            None => look.largest().map(|face| (face, 0)),
            Some((last, chain)) => match look.near(&last) {
                Some(face) => Some((face, chain)),
                None if looks[i + 1..].iter().take(LOST).any(|look| look.near(&last).is_some()) => {
                    None
                }
                None => look.largest().map(|face| (face, chain + 1)),
            },
        };
        followed = next.or(followed);
        chosen.push(next.and_then(|(face, chain)| sighted(look, face, chain)));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f64, side: f64) -> Face {
        Face::new(x, 0.5, side)
    }

    fn looks(faces: &[&[Face]]) -> Vec<Look> {
        let look =
            |(i, faces): (usize, &&[Face])| Look::new(i as f64 * 0.2, [640, 320], faces.to_vec());
        faces.iter().enumerate().map(look).collect()
    }

    /// Where the face is seen, and as the how manyeth.
    fn places(faces: &[&[Face]], follow: Follow) -> Vec<Option<(f64, usize)>> {
        let chosen = choose(&looks(faces), follow);
        chosen.iter().map(|sighted| sighted.map(|it| (it.face.x, it.chain))).collect()
    }

    #[test]
    fn of_two_faces_of_like_size_the_first_one_stays() {
        // Sizes that the detector reads differently from frame to frame.
        let (a, b) = (face(0.25, 0.30), face(0.75, 0.29));
        let larger = face(0.75, 0.31);
        let clip: [&[Face]; 4] = [&[a, b], &[larger, a], &[a, larger], &[b, a]];
        let left = Some((0.25, 0));
        assert_eq!(places(&clip, Follow::Same), [left; 4]);
        let turns = [left, Some((0.75, 0)), Some((0.75, 0)), left];
        assert_eq!(places(&clip, Follow::Largest), turns);
    }

    #[test]
    fn a_moving_face_is_followed_across_the_picture() {
        // It passes above another one.
        let other = Face { y: 0.95, ..face(0.5, 0.2) };
        let clip = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8].map(|x| [other, face(x, 0.25)]);
        let clip = clip.each_ref().map(|faces| faces.as_slice());
        let expected = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8].map(|x| Some((x, 0)));
        assert_eq!(places(&clip, Follow::Same), expected);
    }

    #[test]
    fn a_face_that_is_lost_for_a_moment_is_waited_for() {
        let (a, b) = (face(0.25, 0.3), face(0.75, 0.2));
        for gap in [1, LOST] {
            let mut clip: Vec<&[Face]> = vec![&[]; gap + 2];
            let (with, without) = ([a, b], [b]);
            clip.fill(&without);
            clip[0] = &with;
            clip[gap + 1] = &with;
            let mut expected = vec![None; gap + 2];
            expected[0] = Some((0.25, 0));
            expected[gap + 1] = Some((0.25, 0));
            assert_eq!(places(&clip, Follow::Same), expected, "{gap}");
        }
    }

    #[test]
    fn a_face_that_left_gives_its_place_to_the_other_from_the_moment_it_left() {
        let (a, b) = (face(0.25, 0.3), face(0.75, 0.2));
        let (with, without) = ([a, b], [b]);
        let clip: [&[Face]; 8] =
            [&with, &with, &without, &without, &without, &without, &without, &without];
        let mut expected = vec![Some((0.75, 1)); 8];
        expected[..2].fill(Some((0.25, 0)));
        assert_eq!(places(&clip, Follow::Same), expected);
        // With nobody else there, its place is kept for ever.
        let alone = [a];
        let clip: [&[Face]; 9] = [&alone, &[], &[], &[], &[], &[], &[], &[], &alone];
        let chosen = places(&clip, Follow::Same);
        assert_eq!((chosen[0], chosen[8]), (Some((0.25, 0)), Some((0.25, 0))));
        assert!(chosen[1..8].iter().all(Option::is_none));
    }

    #[test]
    fn after_a_cut_the_largest_face_is_followed_at_once() {
        let (before, after, small) = (face(0.25, 0.3), face(0.7, 0.4), face(0.5, 0.1));
        let clip: [&[Face]; 4] = [&[before], &[before], &[small, after], &[after]];
        let expected = [Some((0.25, 0)), Some((0.25, 0)), Some((0.7, 1)), Some((0.7, 1))];
        assert_eq!(places(&clip, Follow::Same), expected);
    }

    #[test]
    fn of_two_faces_that_overlap_the_nearer_one_counts_by_the_larger_side() {
        let last = face(0.5, 0.2);
        let near = |faces: &[Face]| looks(&[faces])[0].near(&last);
        // 0.03 and 0.06 apart; the order of the detections does not matter.
        let (nearer, farther) = (face(0.53, 0.2), face(0.44, 0.2));
        assert_eq!(near(&[farther, nearer]), Some(nearer));
        assert_eq!(near(&[nearer, farther]), Some(nearer));
        // 0.08 apart: half of the larger side is 0.1, of the smaller one 0.05.
        let small = face(0.58, 0.1);
        assert_eq!(near(&[small]), Some(small));
        assert_eq!(near(&[face(0.62, 0.1)]), None);
    }

    #[test]
    fn overlap_is_measured_in_pixels_whatever_the_shape_of_the_frame() {
        // In a frame of 2 : 1 a tenth of the height is half as many pixels as a tenth of the width.
        let last = Face::new(0.5, 0.5, 0.2);
        let look = |x, y| looks(&[&[Face::new(x, y, 0.2)]])[0].near(&last).is_some();
        assert!(look(0.59, 0.5) && !look(0.61, 0.5));
        assert!(look(0.5, 0.69) && !look(0.5, 0.71));
        // In an upright one it is the other way round.
        let look = |x, y| Look::new(0.0, [320, 640], vec![Face::new(x, y, 0.2)]);
        let look = |x, y| look(x, y).near(&last).is_some();
        assert!(look(0.69, 0.5) && !look(0.71, 0.5));
        assert!(look(0.5, 0.59) && !look(0.5, 0.61));
    }
}
