//! A picture that is painted in the coordinates of a head.

use crate::person::Colour;

/// A point in halves of the height of the head; x to the right of the picture, y down, the middle
/// of the head at the origin.
pub(crate) type Point = [f64; 2];

/// A rectangle of head coordinates: left, top, right, bottom.
pub(crate) type Bounds = [f64; 4];

/// Where the head lies in the picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placement {
    /// The middle of the head in pixels.
    pub(crate) centre: Point,
    /// Half the height of the head in pixels.
    pub(crate) scale: f64,
    /// Cosine and sine of the tilt of the head towards a shoulder.
    pub(crate) roll: [f64; 2],
}

/// A picture in head coordinates.
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Colour>,
    placement: Placement,
}

impl Canvas {
    pub(crate) fn new(width: usize, height: usize, placement: Placement) -> Self {
        Self { width, height, pixels: vec![[0.0; 3]; width * height], placement }
    }

    /// The width of a pixel in head coordinates.
    pub(crate) fn pixel(&self) -> f64 {
        1.0 / self.placement.scale
    }

    /// Covers the whole picture; `brush` turns a place in the picture, both coordinates between 0
    /// and 1, into a colour.
    pub(crate) fn backdrop(&mut self, brush: impl Fn(Point) -> Colour) {
        let (width, height) = (self.width as f64, self.height as f64);
        for (row, pixels) in self.pixels.chunks_mut(self.width).enumerate() {
            for (column, pixel) in pixels.iter_mut().enumerate() {
                *pixel = brush([column as f64 / width, row as f64 / height]);
            }
        }
    }

    /// Paints a shape within the bounds: `share` says how much of a pixel it covers, 0 to 1, and
    /// `colour` its colour where it does.
    pub(crate) fn fill(
        &mut self,
        bounds: Bounds,
        share: impl Fn(Point) -> f64,
        colour: impl Fn(Point) -> Colour,
    ) {
        self.paint(bounds, |point| {
            let share = share(point);
            if share > 0.0 { (colour(point), share) } else { (DARK, 0.0) }
        });
    }

    /// Mixes `brush` into the pixels within the bounds: it turns a point of the head into a colour
    /// and the share, 0 to 1, with which the colour covers what is there.
    pub(crate) fn paint(&mut self, bounds: Bounds, brush: impl Fn(Point) -> (Colour, f64)) {
        let Placement { centre, scale, roll: [cos, sin] } = self.placement;
        let [left, top, right, bottom] = self.pixel_bounds(bounds);
        for row in top..bottom {
            for column in left..right {
                let (x, y) = (column as f64 + 0.5 - centre[0], row as f64 + 0.5 - centre[1]);
                let point = [(cos * x + sin * y) / scale, (cos * y - sin * x) / scale];
                let (colour, share) = brush(point);
                if share <= 0.0 {
                    continue;
                }
                let share = share.min(1.0);
                if let Some(pixel) = self.pixels.get_mut(row * self.width + column) {
                    for (part, new) in pixel.iter_mut().zip(colour) {
                        *part += share * (new - *part);
                    }
                }
            }
        }
    }

    /// The smallest rectangle of pixels that holds the bounds, cut to the picture.
    fn pixel_bounds(&self, [left, top, right, bottom]: Bounds) -> [usize; 4] {
        let Placement { centre, scale, roll: [cos, sin] } = self.placement;
        let corners = [[left, top], [right, top], [left, bottom], [right, bottom]];
        let turned = corners.map(|[x, y]| {
            [centre[0] + scale * (cos * x - sin * y), centre[1] + scale * (sin * x + cos * y)]
        });
        let least = |axis: usize| turned.iter().map(|p| p[axis]).fold(f64::INFINITY, f64::min);
        let most = |axis: usize| turned.iter().map(|p| p[axis]).fold(f64::NEG_INFINITY, f64::max);
        // A float cast saturates: what lies left of or above the picture becomes 0.
        [
            (least(0).floor() as usize).min(self.width),
            (least(1).floor() as usize).min(self.height),
            (most(0).ceil() as usize).min(self.width),
            (most(1).ceil() as usize).min(self.height),
        ]
    }

    /// The picture as bytes, red, green and blue of each pixel in rows from the top; `noise` gives
    /// what the camera adds to each pixel in shares of full brightness.
    pub(crate) fn into_rgb(self, mut noise: impl FnMut() -> f64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(3 * self.pixels.len());
        for pixel in &self.pixels {
            let grain = noise();
            // A float cast saturates at 0 and 255.
            bytes.extend(pixel.map(|part| (255.0 * (part + grain) + 0.5) as u8));
        }
        bytes
    }
}

/// The share of a pixel that a shape covers whose edge is this far, inside negative.
pub(crate) fn cover(distance: f64, pixel: f64) -> f64 {
    (0.5 - distance / pixel).clamp(0.0, 1.0)
}

/// A soft spot: 1 in its middle, falling as a Gaussian with these standard deviations.
pub(crate) fn spot([x, y]: Point, centre: Point, spread: Point) -> f64 {
    let square = ((x - centre[0]) / spread[0]).powi(2) + ((y - centre[1]) / spread[1]).powi(2);
    // Beyond four standard deviations it is less than a grey level.
    if square < 16.0 { (-0.5 * square).exp() } else { 0.0 }
}

/// The colour made lighter or, below 1, darker.
pub(crate) fn tint(colour: Colour, factor: f64) -> Colour {
    colour.map(|part| (part * factor).clamp(0.0, 1.0))
}

/// A colour between two, 0 = the first.
pub(crate) fn mix(first: Colour, second: Colour, share: f64) -> Colour {
    [0, 1, 2].map(|i| first[i] + share * (second[i] - first[i]))
}

/// The colours of shadow.
pub(crate) const DARK: Colour = [0.10, 0.05, 0.04];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_covers_its_area_wherever_it_lies_between_pixels() {
        for shift in [0.0, 0.3, 0.71] {
            let placement =
                Placement { centre: [20.0 + shift, 17.0], scale: 10.0, roll: [0.8, 0.6] };
            let mut canvas = Canvas::new(41, 35, placement);
            let pixel = canvas.pixel();
            let disc = |[x, y]: Point| cover((x * x + y * y).sqrt() - 1.0, pixel);
            canvas.fill([-1.1, -1.1, 1.1, 1.1], disc, |_| [1.0; 3]);
            let area: f64 = canvas.pixels.iter().map(|pixel| pixel[0]).sum();
            assert!((area / (std::f64::consts::PI * 100.0) - 1.0).abs() < 0.002, "{area}");
        }
    }

    #[test]
    fn shapes_beyond_the_picture_are_cut() {
        let placement = Placement { centre: [-5.0, 50.0], scale: 10.0, roll: [1.0, 0.0] };
        let mut canvas = Canvas::new(7, 5, placement);
        canvas.fill([-9.0, -9.0, 9.0, 9.0], |_| 1.0, |_| [1.0; 3]);
        assert!(canvas.pixels.iter().all(|pixel| *pixel == [1.0; 3]));
        canvas.fill([-3.0, 3.0, 3.0, 9.0], |_| 1.0, |_| [0.0; 3]);
        assert!(canvas.pixels.iter().all(|pixel| *pixel == [1.0; 3]));
        // To the right of the middle of the last column but one, x = 1.05: two columns of seven.
        canvas.fill([1.05, -9.0, 9.0, 9.0], |_| 1.0, |_| [0.0; 3]);
        let dark = |pixels: &[Colour]| pixels.iter().map(|p| *p == [0.0; 3]).collect::<Vec<_>>();
        assert!(
            canvas
                .pixels
                .chunks(7)
                .all(|row| { dark(row) == [false, false, false, false, false, true, true] })
        );
    }
}
