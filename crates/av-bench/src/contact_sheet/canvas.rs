//! An image to draw on.

use super::letters;
use av_features::Frame;

/// Thickness of a box in pixels.
const LINE: usize = 2;

/// RGB pixels, black at first. What would fall outside is left out.
pub struct Canvas(Frame);

impl From<Frame> for Canvas {
    fn from(frame: Frame) -> Self {
        Self(frame)
    }
}

impl Canvas {
    pub fn new(width: usize, height: usize) -> Self {
        Self(Frame { rgb: vec![0; 3 * width * height], width, height, time_s: 0.0 })
    }

    pub fn into_frame(self) -> Frame {
        self.0
    }

    fn set(&mut self, [x, y]: [usize; 2], colour: [u8; 3]) {
        let at = 3 * (y * self.0.width + x);
        if x < self.0.width
            && let Some(pixel) = self.0.rgb.get_mut(at..at + 3)
        {
            pixel.copy_from_slice(&colour);
        }
    }

    /// The outline of a square, drawn inwards.
    pub fn frame(&mut self, [left, top]: [usize; 2], side: usize, colour: [u8; 3]) {
        for along in 0..side {
            for line in 0..LINE.min(side) {
                let far = side - 1 - line;
                for [x, y] in [[along, line], [along, far], [line, along], [far, along]] {
                    self.set([left + x, top + y], colour);
                }
            }
        }
    }

    /// Another image.
    pub fn paste(&mut self, [left, top]: [usize; 2], image: &Frame) {
        for (i, pixel) in image.rgb.as_chunks::<3>().0.iter().enumerate() {
            self.set([left + i % image.width, top + i / image.width], *pixel);
        }
    }

    /// One line of text.
    pub fn text(&mut self, [left, top]: [usize; 2], text: &str, colour: [u8; 3]) {
        for (i, letter) in text.chars().enumerate() {
            for (x, y) in letters::pixels(letter) {
                self.set([left + i * letters::ADVANCE + x, top + y], colour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(canvas: Canvas) -> Vec<String> {
        let Frame { rgb, width, .. } = canvas.into_frame();
        let dot = |pixel: &[u8]| if pixel[0] > 0 { '#' } else { '.' };
        rgb.chunks(3 * width).map(|row| row.chunks(3).map(dot).collect()).collect()
    }

    #[test]
    fn a_box_lies_inside_its_square_and_is_cut_at_the_edge() {
        let mut canvas = Canvas::new(7, 6);
        canvas.frame([1, 0], 5, [255; 3]);
        assert_eq!(
            drawn(canvas),
            [".#####.", ".#####.", ".##.##.", ".#####.", ".#####.", "......."]
        );
        let mut canvas = Canvas::new(3, 2);
        canvas.frame([1, 0], 5, [255; 3]);
        canvas.frame([0, 0], 1, [255; 3]);
        canvas.frame([0, 1], 0, [255; 3]);
        assert_eq!(drawn(canvas), ["###", ".##"]);
    }

    #[test]
    fn letters_can_be_read() {
        let mut canvas = Canvas::new(17, 7);
        canvas.text([0, 0], "a1?", [255; 3]);
        let expected = [
            ".###....#...#####",
            "#...#..##...#...#",
            "#...#...#...#...#",
            "#####...#...#...#",
            "#...#...#...#...#",
            "#...#...#...#...#",
            "#...#..###..#####",
        ];
        assert_eq!(drawn(canvas), expected);
    }
}
