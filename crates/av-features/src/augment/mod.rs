//! Sound, spectrograms and pictures made different, the same way for the same seed.
//!
//! ```
//! use av_features::augment::{SpecAugment, add_noise, change_speed, gain};
//!
//! let tone: Vec<f32> = (0..16_000).map(|i| 0.5 * (i as f32 * 0.05).sin()).collect();
//! let noisy = add_noise(&tone, 10.0, 7);
//! assert_eq!(noisy, add_noise(&tone, 10.0, 7));
//! assert_ne!(noisy, add_noise(&tone, 10.0, 8));
//! assert_eq!(change_speed(&tone, 125)?.len(), 12_800);
//! assert!((gain(&tone, -20.0)[100] - tone[100] / 10.0).abs() < 1e-7);
//!
//! let mut patch = vec![1.0; 3 * 64 * 64];
//! let masks = SpecAugment { time_masks: 1, time_width: 16, ..SpecAugment::default() };
//! masks.apply(&mut patch, [3, 64, 64], 0.0, 7)?;
//! # Ok::<(), av_features::Error>(())
//! ```

mod picture;
mod sound;

pub use picture::{PictureAugmentation, flip_picture, relight_picture, shift_picture};
pub use sound::{SpecAugment, add_noise, change_speed, gain};
