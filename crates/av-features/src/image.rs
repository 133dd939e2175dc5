//! RGB images: grey values, squares cut out and scaled.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::error::Cause;
use crate::{Error, Result};

/// A frame of a video.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Red, green and blue of each pixel, rows from the top: `3 * width * height` bytes.
    pub rgb: Vec<u8>,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Time in seconds from the start of the file.
    pub time_s: f64,
}

/// A square part of a frame in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Square {
    /// Distance from the left edge of the frame.
    pub left: f64,
    /// Distance from the upper edge of the frame.
    pub top: f64,
    /// Length of a side.
    pub side: f64,
}

impl Frame {
    /// The luma of ITU-R BT.601, one byte a pixel.
    pub(crate) fn grey(&self) -> Vec<u8> {
        grey(&self.rgb)
    }

    /// The frame at another size, scaled with a filter that does not alias.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] for pixels that do not fit the sides.
    pub fn scaled(&self, width: usize, height: usize) -> Result<Self> {
        let from = [self.width, self.height];
        let rgb = scale::<U8x3>(&self.rgb, from, [width, height], ResizeOptions::new())?;
        Ok(Self { rgb, width, height, time_s: self.time_s })
    }

    /// Cuts out a square, which must lie inside, and scales it to `size` pixels; RGB.
    pub(crate) fn crop(&self, square: Square, size: usize) -> Result<Vec<u8>> {
        let Square { left, top, side } = square;
        Ok(self.part([left, top], [side; 2], [size; 2])?.rgb)
    }

    /// Cuts out a rectangle by its upper left corner and its sides, which must lie inside, and scales it to so many
    /// pixels across and down.
    pub(crate) fn part(&self, corner: [f64; 2], sides: [f64; 2], to: [usize; 2]) -> Result<Self> {
        let options = ResizeOptions::new().crop(corner[0], corner[1], sides[0], sides[1]);
        let rgb = scale::<U8x3>(&self.rgb, [self.width, self.height], to, options)?;
        Ok(Self { rgb, width: to[0], height: to[1], time_s: self.time_s })
    }
}

/// The luma of ITU-R BT.601 of every pixel.
pub(crate) fn grey(rgb: &[u8]) -> Vec<u8> {
    rgb.as_chunks().0.iter().map(|&rgb| luma(rgb)).collect()
}

fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let sum = 77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue) + 128;
    // The factors add up to 256: the sum stays below 65,536.
    (sum >> 8) as u8
}

/// Scales a grey image.
pub(crate) fn scale_grey(grey: &[u8], from: [usize; 2], to: [usize; 2]) -> Result<Vec<u8>> {
    scale::<U8>(grey, from, to, ResizeOptions::new())
}

/// Scales an image with a triangle filter that widens with the reduction, so that nothing aliases. The kind of pixel is a
/// type: as a value, the code for every kind that the library knows would be compiled.
fn scale<P: PixelTrait>(
    pixels: &[u8],
    from: [usize; 2],
    to: [usize; 2],
    options: ResizeOptions,
) -> Result<Vec<u8>> {
    let fail = |source: Cause| Error::Internal { what: "scaling an image", source };
    // Sides are at most those of a checked video or configuration.
    let [width, height] = from.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    let source = TypedImageRef::<P>::from_buffer(width, height, pixels);
    let source = source.map_err(|e| fail(e.into()))?;
    let mut scaled = vec![0; to[0] * to[1] * P::size()];
    let [width, height] = to.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    let target = TypedImage::<P>::from_buffer(width, height, &mut scaled);
    let mut target = target.map_err(|e| fail(e.into()))?;
    let options = options.resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize_typed(&source, &mut target, &options).map_err(|e| fail(e.into()))?;
    Ok(scaled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_of_white_black_and_the_primaries() {
        let colours = [[255; 3], [0; 3], [255, 0, 0], [0, 255, 0], [0, 0, 255]];
        assert_eq!(colours.map(luma), [255, 0, 77, 149, 29]);
    }

    #[test]
    fn a_crop_shows_what_lies_in_the_square_and_does_not_alias() {
        // Left half: stripes of one pixel, which must become grey; right half: one colour.
        let mut rgb = Vec::new();
        for _ in 0..64 {
            rgb.extend((0..64).flat_map(|x| [if x % 2 == 0 { 0 } else { 200 }; 3]));
            rgb.extend((0..64).flat_map(|_| [10, 20, 30]));
        }
        let frame = Frame { rgb, width: 128, height: 64, time_s: 0.0 };
        let left = frame.crop(Square { left: 0.0, top: 0.0, side: 64.0 }, 8).unwrap();
        assert_eq!(left.len(), 8 * 8 * 3);
        assert!(left.iter().all(|&v| (90..=110).contains(&v)), "{left:?}");
        // The filter reaches over the edge of the square by half a pixel of the result.
        let right = frame.crop(Square { left: 64.0, top: 0.0, side: 64.0 }, 5).unwrap();
        let inner = right.as_chunks::<3>().0.iter().enumerate().filter(|(i, _)| i % 5 > 0);
        assert!(inner.map(|(_, rgb)| *rgb).all(|rgb| rgb == [10, 20, 30]), "{right:?}");
    }
}
