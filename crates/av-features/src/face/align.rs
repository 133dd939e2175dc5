//! Faces turned upright: by five landmarks, onto the places that they have in every picture.

use super::detect::Landmarks;
use crate::Result;
use crate::image::Frame;

/// Where the landmarks lie in a picture of 112 x 112 pixels: the usual places of face recognition, those of ArcFace
/// (J. Deng et al., CVPR 2019).
const TEMPLATE: Landmarks = [
    [38.2946, 51.6963],
    [73.5318, 51.5014],
    [56.0252, 71.7366],
    [41.5493, 92.3655],
    [70.7299, 92.2041],
];

/// Side of that picture.
const TEMPLATE_SIDE: f64 = 112.0;

/// A rotation, a scale and a shift: `(x, y)` goes to `(a x - b y, b x + a y) + shift`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Similarity {
    a: f64,
    b: f64,
    shift: [f64; 2],
}

impl Similarity {
    /// The similarity that takes points nearest to others, by least squares; nothing where the points are one, or all
    /// others are.
    ///
    /// S. Umeyama, IEEE Transactions on Pattern Analysis and Machine Intelligence 13(4), 1991. In the plane its singular
    /// value decomposition is two sums: rotations and scales are `a` and `b`, in which the error is quadratic.
    fn fit(from: &Landmarks, to: &Landmarks) -> Option<Self> {
        let [from_middle, to_middle] = [from, to].map(middle);
        let (mut a, mut b, mut spread) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let [x, y] = [p[0] - from_middle[0], p[1] - from_middle[1]];
            let [u, v] = [q[0] - to_middle[0], q[1] - to_middle[1]];
            a += x * u + y * v;
            b += x * v - y * u;
            spread += x * x + y * y;
        }
        let [a, b] = [a / spread, b / spread];
        let [x, y] = Self { a, b, shift: [0.0; 2] }.apply(from_middle);
        let fit = Self { a, b, shift: [to_middle[0] - x, to_middle[1] - y] };
        (a.hypot(b).is_normal()).then_some(fit)
    }

    fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.a * x - self.b * y + self.shift[0], self.b * x + self.a * y + self.shift[1]]
    }

    fn inverse(&self) -> Self {
        let square = self.a * self.a + self.b * self.b;
        let turned = Self { a: self.a / square, b: -self.b / square, shift: [0.0; 2] };
        let [x, y] = turned.apply(self.shift);
        Self { shift: [-x, -y], ..turned }
    }
}

/// Mean of the points.
fn middle(points: &Landmarks) -> [f64; 2] {
    [0, 1].map(|axis| points.iter().map(|point| point[axis]).sum::<f64>() / points.len() as f64)
}

/// The picture of `size` x `size` pixels, RGB, in which the landmarks of a frame, in its pixels, lie nearest to their
/// places; `margin` times as much is seen around the middle. Beyond the edges of the frame its outermost pixels are
/// repeated. Nothing where the landmarks are at one place, or the picture would lie outside of the frame.
pub(super) fn upright(
    frame: &Frame,
    landmarks: &Landmarks,
    size: usize,
    margin: f64,
) -> Result<Option<Vec<u8>>> {
    let half = TEMPLATE_SIDE / 2.0;
    let place = |at: f64| ((at - half) / margin + half) * size as f64 / TEMPLATE_SIDE;
    let Some(fit) = Similarity::fit(landmarks, &TEMPLATE.map(|point| point.map(place))) else {
        return Ok(None);
    };
    let back = fit.inverse();
    // Pixels of the frame for one of the picture. Where there are several they are averaged first.
    let step = back.a.hypot(back.b).max(1.0);
    let Some([across, down]) = surroundings(frame, &back, size as f64, step) else {
        return Ok(None);
    };
    let length = |range: [f64; 2]| range[1] - range[0];
    let to = [across, down].map(|range| (length(range) / step).ceil() as usize);
    let near = frame.part([across[0], down[0]], [length(across), length(down)], to)?;
    let scale = [to[0] as f64 / length(across), to[1] as f64 / length(down)];
    let mut picture = Vec::with_capacity(3 * size * size);
    for row in 0..size {
        for column in 0..size {
            let [x, y] = back.apply([column as f64 + 0.5, row as f64 + 0.5]);
            picture.extend(between(&near, (x - across[0]) * scale[0], (y - down[0]) * scale[1]));
        }
    }
    Ok(Some(picture))
}

/// First and last column and row of the frame that the picture shows, with a step around them.
fn surroundings(frame: &Frame, back: &Similarity, size: f64, step: f64) -> Option<[[f64; 2]; 2]> {
    let corners = [[0.0, 0.0], [size, 0.0], [0.0, size], [size, size]].map(|it| back.apply(it));
    let range = |axis: usize, length: usize| {
        let places = corners.map(|corner| corner[axis]);
        let low = places.iter().copied().fold(f64::INFINITY, f64::min) - step;
        let high = places.iter().copied().fold(f64::NEG_INFINITY, f64::max) + step;
        let [low, high] = [low.floor().max(0.0), high.ceil().min(length as f64)];
        (high - low >= 1.0).then_some([low, high])
    };
    Some([range(0, frame.width)?, range(1, frame.height)?])
}

/// The colour at a place, from the four pixels around it. The first pixel has its middle at 0.5.
fn between(frame: &Frame, x: f64, y: f64) -> [u8; 3] {
    let neighbours = |place: f64, length: usize| {
        let place = (place - 0.5).clamp(0.0, (length - 1) as f64);
        let first = place as usize;
        (first, (first + 1).min(length - 1), place - first as f64)
    };
    let (left, right, over) = neighbours(x, frame.width);
    let (upper, lower, under) = neighbours(y, frame.height);
    std::array::from_fn(|colour| {
        let at = |x: usize, y: usize| f64::from(frame.rgb[3 * (y * frame.width + x) + colour]);
        let row = |y: usize| at(left, y) + (at(right, y) - at(left, y)) * over;
        (row(upper) + (row(lower) - row(upper)) * under).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(degrees: f64, scale: f64, shift: [f64; 2]) -> Similarity {
        let angle = degrees.to_radians();
        Similarity { a: scale * angle.cos(), b: scale * angle.sin(), shift }
    }

    fn near(a: &Similarity, b: &Similarity) -> bool {
        let apart = [a.a - b.a, a.b - b.b, a.shift[0] - b.shift[0], a.shift[1] - b.shift[1]];
        apart.iter().all(|it| it.abs() < 1e-9)
    }

    #[test]
    fn known_rotations_are_found_again() {
        for degrees in [-170.0, -90.0, -30.0, 0.0, 12.0, 90.0, 179.0] {
            for scale in [0.1, 1.0, 7.0] {
                let truth = turn(degrees, scale, [30.0, -200.0]);
                let found = Similarity::fit(&TEMPLATE, &TEMPLATE.map(|it| truth.apply(it)));
                assert!(near(&found.unwrap(), &truth), "{degrees}: {found:?}");
                let back = truth.inverse();
                assert!(near(&back.inverse(), &truth));
                let [x, y] = back.apply(truth.apply([3.0, 4.0]));
                assert!((x - 3.0).abs() < 1e-9 && (y - 4.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_sum_of_squares_is_least() {
        // Landmarks of a face that is no template: no similarity takes one to the other.
        let face = [[20.0, 31.0], [51.0, 18.0], [44.0, 50.0], [38.0, 72.0], [66.0, 58.0]];
        let error = |it: &Similarity| -> f64 {
            let apart = |(p, q): (&[f64; 2], &[f64; 2])| {
                let [x, y] = it.apply(*p);
                (x - q[0]).powi(2) + (y - q[1]).powi(2)
            };
            face.iter().zip(&TEMPLATE).map(apart).sum()
        };
        let best = Similarity::fit(&face, &TEMPLATE).unwrap();
        for h in [-1e-3, 1e-3] {
            let [x, y] = best.shift;
            for other in [
                Similarity { a: best.a + h, ..best },
                Similarity { b: best.b + h, ..best },
                Similarity { shift: [x + h, y], ..best },
                Similarity { shift: [x, y + h], ..best },
            ] {
                assert!(error(&other) > error(&best), "{other:?}");
            }
        }
    }

    #[test]
    fn landmarks_at_one_place_are_no_face() {
        let frame = Frame { rgb: vec![7; 3 * 64 * 64], width: 64, height: 64, time_s: 0.0 };
        assert_eq!(Similarity::fit(&[[5.0, 6.0]; 5], &TEMPLATE), None);
        assert_eq!(upright(&frame, &[[5.0, 6.0]; 5], 16, 1.0).unwrap(), None);
        // A face far outside of the frame, and one whose corner is inside.
        let at = |shift| TEMPLATE.map(|it| turn(20.0, 0.5, shift).apply(it));
        assert_eq!(upright(&frame, &at([500.0, 0.0]), 16, 1.0).unwrap(), None);
        assert_eq!(
            upright(&frame, &at([50.0, 40.0]), 16, 1.0).unwrap(),
            Some(vec![7; 3 * 16 * 16])
        );
    }

    /// Colours of a smooth picture at a place, in units of its side.
    fn colours(x: f64, y: f64) -> [f64; 3] {
        let wave = |phase: f64| 128.0 + 60.0 * phase.sin();
        [wave(5.0 * x), wave(5.0 * y), wave(4.0 * (x - y) + 1.0)]
    }

    #[test]
    fn a_tilted_picture_becomes_upright_at_any_scale() {
        let size = 32;
        for (degrees, scale, margin) in [
            (0.0, 1.0, 1.0),
            (25.0, 1.0, 1.0),
            (-40.0, 0.3, 1.0),
            (150.0, 2.5, 1.0),
            (25.0, 1.0, 1.5),
        ] {
            // From the template to the frame, whose middle both share.
            let there = turn(degrees, scale, [0.0; 2]);
            let [x, y] = there.apply([56.0; 2]);
            let there = Similarity { shift: [300.0 - x, 250.0 - y], ..there };
            let back = there.inverse();
            let pixel = |i: usize| {
                let place = back.apply([(i % 600) as f64 + 0.5, (i / 600) as f64 + 0.5]);
                let [x, y] = place.map(|it| it / TEMPLATE_SIDE);
                colours(x, y).map(|it| it.round() as u8)
            };
            let rgb = (0..600 * 500).flat_map(pixel).collect();
            let frame = Frame { rgb, width: 600, height: 500, time_s: 0.0 };
            let landmarks = TEMPLATE.map(|it| there.apply(it));
            let picture = upright(&frame, &landmarks, size, margin).unwrap().unwrap();
            assert_eq!(picture.len(), 3 * size * size);
            for (i, rgb) in picture.as_chunks::<3>().0.iter().enumerate() {
                let place =
                    |number: usize| ((number as f64 + 0.5) / size as f64 - 0.5) * margin + 0.5;
                let truth = colours(place(i % size), place(i / size));
                let apart = rgb.iter().zip(truth).map(|(&v, t)| (f64::from(v) - t).abs());
                let apart = apart.fold(0.0, f64::max);
                assert!(apart < 4.0, "{degrees}, {scale}, {margin}: {apart} at {i}");
            }
        }
    }

    #[test]
    fn what_is_shrunk_does_not_alias() {
        // Stripes of one pixel, eight of them for each pixel of the picture.
        let rgb = (0..640 * 480).flat_map(|i| [if i % 2 == 0 { 0 } else { 200 }; 3]).collect();
        let frame = Frame { rgb, width: 640, height: 480, time_s: 0.0 };
        let landmarks = TEMPLATE.map(|it| turn(8.0, 2.0, [200.0, 100.0]).apply(it));
        let picture = upright(&frame, &landmarks, 28, 1.0).unwrap().unwrap();
        assert!(picture.iter().all(|v| (90..=110).contains(v)), "{picture:?}");
    }
}
