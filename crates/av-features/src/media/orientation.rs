//! The turn or mirror image that a camera notes in the file.

/// A turn by a multiple of 90 degrees, mirrored or not.
///
/// A pixel `(x, y)` of the stored frame is shown at `(a x + c y, b x + d y)`, moved so that the
/// smallest coordinates are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Orientation {
    a: i32,
    b: i32,
    c: i32,
    d: i32,
}

/// One in the fixed-point numbers of a display matrix.
const ONE: i32 = 1 << 16;

impl Orientation {
    /// Reads the nine numbers of a display matrix; `None` for angles between.
    pub(crate) fn from_matrix(matrix: &[i32]) -> Option<Self> {
        let &[a, b, _, c, d, ..] = matrix else { return None };
        let unit = |value: i32| match value {
            0 | ONE => Some(value / ONE),
            value if value == -ONE => Some(-1),
            _ => None,
        };
        let (a, b, c, d) = (unit(a)?, unit(b)?, unit(c)?, unit(d)?);
        (a * a + b * b == 1 && c * c + d * d == 1 && a * c + b * d == 0).then_some(Self {
            a,
            b,
            c,
            d,
        })
    }

    /// Whether frames are shown as they are stored.
    pub(crate) fn is_upright(self) -> bool {
        self == Self { a: 1, b: 0, c: 0, d: 1 }
    }

    /// Whether width and height change places.
    pub(crate) fn exchanges_sides(self) -> bool {
        self.a == 0
    }

    /// Turns an RGB24 frame; returns the bytes and the new width and height.
    pub(crate) fn apply(self, rgb: &[u8], width: usize, height: usize) -> (Vec<u8>, usize, usize) {
        let (new_width, new_height) =
            if self.exchanges_sides() { (height, width) } else { (width, height) };
        let mut turned = vec![0; rgb.len()];
        let along = |x_sign: i32, y_sign: i32, x: usize, y: usize| match (x_sign, y_sign) {
            (1, _) => x,
            (-1, _) => width - 1 - x,
            (_, 1) => y,
            _ => height - 1 - y,
        };
        for (y, row) in rgb.chunks_exact(width * 3).enumerate() {
            for (x, pixel) in row.chunks_exact(3).enumerate() {
                let at = along(self.b, self.d, x, y) * new_width + along(self.a, self.c, x, y);
                turned[at * 3..at * 3 + 3].copy_from_slice(pixel);
            }
        }
        (turned, new_width, new_height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of 3 x 2 pixels with the values `123 / 456`.
    const FRAME: [u8; 18] = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6];

    fn shown(matrix: [i32; 4]) -> (Vec<u8>, usize, usize) {
        let [a, b, c, d] = matrix.map(|value| value * ONE);
        let matrix = [a, b, 0, c, d, 0, 0, 0, 1 << 30];
        let (rgb, width, height) = Orientation::from_matrix(&matrix).unwrap().apply(&FRAME, 3, 2);
        (rgb.into_iter().step_by(3).collect(), width, height)
    }

    #[test]
    fn a_phone_held_upright_is_turned_clockwise() {
        // FFmpeg calls this matrix a rotation of -90 degrees and shows it turned clockwise.
        assert_eq!(shown([0, 1, -1, 0]), (vec![4, 1, 5, 2, 6, 3], 2, 3));
    }

    #[test]
    fn half_a_turn_and_a_mirror_image() {
        assert_eq!(shown([-1, 0, 0, -1]), (vec![6, 5, 4, 3, 2, 1], 3, 2));
        assert_eq!(shown([-1, 0, 0, 1]), (vec![3, 2, 1, 6, 5, 4], 3, 2));
        assert_eq!(shown([1, 0, 0, 1]), (vec![1, 2, 3, 4, 5, 6], 3, 2));
    }

    #[test]
    fn angles_between_and_damaged_matrices_are_refused() {
        assert_eq!(
            Orientation::from_matrix(&[46_341, 46_341, 0, -46_341, 46_341, 0, 0, 0, 1]),
            None
        );
        assert_eq!(Orientation::from_matrix(&[0; 9]), None);
        assert_eq!(Orientation::from_matrix(&[ONE, ONE, 0, ONE, ONE, 0, 0, 0, 1]), None);
        assert_eq!(Orientation::from_matrix(&[ONE]), None);
    }
}
