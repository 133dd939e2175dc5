//! Random changes of pictures that leave the expression as it is.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Turns a picture from left to right: a face has no preferred side.
///
/// `picture` is any number of channels of rows of `width` bytes, as in
/// [`FaceCrops`](crate::FaceCrops).
///
/// ```
/// let mut picture = [1, 2, 3, 4, 5, 6];
/// av_features::augment::flip_picture(&mut picture, 3);
/// assert_eq!(picture, [3, 2, 1, 6, 5, 4]);
/// ```
pub fn flip_picture(picture: &mut [u8], width: usize) {
    picture.chunks_mut(width.max(1)).for_each(<[u8]>::reverse);
}

/// Moves a picture to the right and down by whole pixels; the edge is repeated where nothing follows.
///
/// `picture` is any number of channels of `height` rows of `width` bytes.
///
/// ```
/// let mut picture = [1, 2, 3, 4, 5, 6];
/// av_features::augment::shift_picture(&mut picture, [2, 3], [1, -1]);
/// assert_eq!(picture, [4, 4, 5, 4, 4, 5]);
/// ```
pub fn shift_picture(picture: &mut [u8], [height, width]: [usize; 2], [right, down]: [isize; 2]) {
    if height * width == 0 {
        return;
    }
    let from = |place: usize, by: isize, length: usize| {
        place.saturating_add_signed(by.saturating_neg()).min(length - 1)
    };
    for channel in picture.chunks_exact_mut(height * width) {
        let before = channel.to_vec();
        for (i, value) in channel.iter_mut().enumerate() {
            let (row, column) = (from(i / width, down, height), from(i % width, right, width));
            *value = before[row * width + column];
        }
    }
}

/// Changes light and contrast: `128 + contrast * (v - 128) + brightness`, rounded and limited to a byte.
///
/// ```
/// let mut picture = [0, 64, 128, 192, 255];
/// av_features::augment::relight_picture(&mut picture, 10.0, 1.5);
/// assert_eq!(picture, [0, 42, 138, 234, 255]);
/// ```
pub fn relight_picture(picture: &mut [u8], brightness: f64, contrast: f64) {
    for value in picture {
        let level = 128.0 + contrast * (f64::from(*value) - 128.0) + brightness;
        // The cast limits to a byte, and takes what is not a number as 0.
        *value = level.round() as u8;
    }
}

/// How far pictures are changed at random: the same for all channels and frames of a segment.
///
/// # Example
///
/// ```
/// use av_features::augment::PictureAugmentation;
///
/// let augmentation = PictureAugmentation::default();
/// let picture: Vec<u8> = (0..3 * 64 * 64).map(|i| (i % 251) as u8).collect();
/// let [mut a, mut b] = [picture.clone(), picture.clone()];
/// augmentation.apply(&mut a, [64, 64], 7)?;
/// augmentation.apply(&mut b, [64, 64], 7)?;
/// assert_eq!(a, b);
/// assert_ne!(a, picture);
/// # Ok::<(), av_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PictureAugmentation {
    /// Share of the pictures that are turned from left to right, 0 to 1.
    pub flip: f64,
    /// Largest shift in each direction as a share of the side, 0 to 0.5; uniform.
    pub shift: f64,
    /// Largest change of brightness in grey levels, 0 to 255; uniform to both sides.
    pub brightness: f64,
    /// Largest change of contrast, 0 to 1: a factor of 1 - contrast to 1 + contrast; uniform.
    pub contrast: f64,
}

impl Default for PictureAugmentation {
    fn default() -> Self {
        Self { flip: 0.5, shift: 0.06, brightness: 25.0, contrast: 0.2 }
    }
}

/// Separates these draws from any other use of the same function.
const CONTEXT: &str = "av-features 2026 augmentation of pictures";

impl PictureAugmentation {
    /// Changes a picture of any number of channels of `height` rows of `width` bytes. The seed decides everything.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a setting out of range or a picture that has not this height and width.
    pub fn apply(&self, picture: &mut [u8], [height, width]: [usize; 2], seed: u64) -> Result<()> {
        self.check(picture.len(), height * width)?;
        let [flip, right, down, brightness, contrast] = draws(seed);
        if flip < self.flip {
            flip_picture(picture, width);
        }
        let sided = |draw: f64| 2.0 * draw - 1.0;
        let pixels = |draw: f64, side: usize| (sided(draw) * self.shift * side as f64).round();
        let by = [pixels(right, width) as isize, pixels(down, height) as isize];
        if by != [0, 0] {
            shift_picture(picture, [height, width], by);
        }
        let contrast = 1.0 + sided(contrast) * self.contrast;
        relight_picture(picture, sided(brightness) * self.brightness, contrast);
        Ok(())
    }

    fn check(&self, length: usize, plane: usize) -> Result<()> {
        let wrong =
            |reason: String| Err(Error::Config { extractor: "picture augmentation", reason });
        for (key, value, most) in [
            ("flip", self.flip, 1.0),
            ("shift", self.shift, 0.5),
            ("brightness", self.brightness, 255.0),
            ("contrast", self.contrast, 1.0),
        ] {
            if !(0.0..=most).contains(&value) {
                return wrong(format!("{key} is {value}: it must be within 0 to {most}"));
            }
        }
        if plane == 0 || !length.is_multiple_of(plane) {
            return wrong(format!("{length} bytes are no channels of {plane} pixels"));
        }
        Ok(())
    }
}

/// Numbers within 0 to 1 that a seed decides.
fn draws<const COUNT: usize>(seed: u64) -> [f64; COUNT] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    let mut reader = hasher.update(&seed.to_le_bytes()).finalize_xof();
    std::array::from_fn(|_| {
        let mut bytes = [0; 4];
        reader.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / 2f64.powi(32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: PictureAugmentation =
        PictureAugmentation { flip: 0.0, shift: 0.0, brightness: 0.0, contrast: 0.0 };

    /// Two channels of 6 x 10 pixels that all differ.
    fn picture() -> Vec<u8> {
        (0..120).collect()
    }

    #[test]
    fn nothing_asked_for_changes_nothing() {
        let mut changed = picture();
        NONE.apply(&mut changed, [6, 10], 3).unwrap();
        assert_eq!(changed, picture());
    }

    #[test]
    fn a_shift_keeps_channels_apart_and_repeats_the_edge() {
        let mut shifted = picture();
        shift_picture(&mut shifted, [6, 10], [-3, 2]);
        for (i, value) in shifted.iter().enumerate() {
            let (channel, row, column) = (i / 60, i / 10 % 6, i % 10);
            let (from, across) = (row.saturating_sub(2), (column + 3).min(9));
            assert_eq!(usize::from(*value), channel * 60 + from * 10 + across, "{i}");
        }
        let mut far = picture();
        shift_picture(&mut far, [6, 10], [isize::MIN, isize::MAX]);
        assert!(far[..60].iter().all(|&v| v == 9) && far[60..].iter().all(|&v| v == 69));
    }

    #[test]
    fn each_setting_is_used_over_its_whole_range_and_no_further() {
        let seeds = 0..400;
        let count = |change: &PictureAugmentation, test: &dyn Fn(&[u8]) -> bool| {
            let changed = seeds.clone().filter(|&seed| {
                let mut picture = picture();
                change.apply(&mut picture, [6, 10], seed).unwrap();
                test(&picture)
            });
            changed.count()
        };
        let flips = PictureAugmentation { flip: 0.5, ..NONE };
        // Binomial with mean 200 and standard deviation 10: five of them.
        assert!((150..=250).contains(&count(&flips, &|p| p[0] == 9)));
        assert_eq!(count(&PictureAugmentation { flip: 1.0, ..NONE }, &|p| p[0] == 9), 400);
        // Shifts of -3 to 3 rows and -5 to 5 columns; the pixel in row 3, column 5 tells both.
        let shifts = PictureAugmentation { shift: 0.5, ..NONE };
        for (place, value) in [(35, 35), (35, 0), (35, 59)] {
            assert!(count(&shifts, &|p| p[place] == value) > 0, "{value}");
        }
        let light = PictureAugmentation { brightness: 20.0, ..NONE };
        let change = |p: &[u8]| i32::from(p[60]) - 60;
        assert_eq!(count(&light, &|p| change(p).abs() <= 20), 400);
        assert!(count(&light, &|p| change(p) > 17) > 0 && count(&light, &|p| change(p) < -17) > 0);
        let contrast = PictureAugmentation { contrast: 0.5, ..NONE };
        assert_eq!(count(&contrast, &|p| (64 - 60..=128 - 32 + 32).contains(&p[64])), 400);
        assert!(count(&contrast, &|p| p[0] < 4) > 0 && count(&contrast, &|p| p[0] > 60) > 0);
    }

    #[test]
    fn each_change_has_a_draw_of_its_own() {
        // Where the pixel of row 3, column 5 comes from: right or left, and above or below in both cases.
        let shifts = PictureAugmentation { shift: 0.5, ..NONE };
        let light = PictureAugmentation { brightness: 40.0, contrast: 0.5, ..NONE };
        let [mut places, mut lights] = [[0; 4]; 2];
        for seed in 0..400 {
            let mut moved = picture();
            shifts.apply(&mut moved, [6, 10], seed).unwrap();
            let (row, column) = (moved[35] / 10, moved[35] % 10);
            if row != 3 && column != 5 {
                places[usize::from(row > 3) * 2 + usize::from(column > 5)] += 1;
            }
            // Contrast is what two pixels come apart by, brightness what is left.
            let mut lit = vec![98, 158];
            light.apply(&mut lit, [1, 2], seed).unwrap();
            let (low, high) = (f64::from(lit[0]), f64::from(lit[1]));
            let (contrast, brightness) = ((high - low) / 60.0, (low + high) / 2.0 - 128.0);
            lights[usize::from(contrast > 1.0) * 2 + usize::from(brightness > 0.0)] += 1;
        }
        // Binomial with mean 100 and standard deviation 9; of the shifts some go along one axis alone.
        assert!(places.iter().chain(&lights).all(|&count| count > 50), "{places:?} {lights:?}");
    }

    #[test]
    fn grey_levels_are_rounded() {
        let mut picture = [10, 20, 30];
        relight_picture(&mut picture, 0.6, 1.0);
        assert_eq!(picture, [11, 21, 31]);
        relight_picture(&mut picture, -0.4, 1.0);
        assert_eq!(picture, [11, 21, 31]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let error = |augmentation: PictureAugmentation, size| {
            augmentation.apply(&mut picture(), size, 1).unwrap_err().to_string()
        };
        let message = error(PictureAugmentation { shift: 0.6, ..NONE }, [6, 10]);
        assert_eq!(message, "picture augmentation: shift is 0.6: it must be within 0 to 0.5");
        assert!(error(PictureAugmentation { flip: f64::NAN, ..NONE }, [6, 10]).contains("flip"));
        assert!(error(NONE, [7, 10]).contains("120 bytes are no channels of 70 pixels"));
        assert!(error(NONE, [0, 10]).contains("no channels of 0 pixels"));
    }
}
