//! Media files: sound and frames in, clips out. The only modules that touch FFmpeg.

mod limits;
mod sound;
mod wav;

#[cfg(feature = "video")]
mod compressed;
#[cfg(feature = "video")]
mod frames;
#[cfg(feature = "video")]
mod orientation;
#[cfg(feature = "video")]
mod png;
#[cfg(feature = "video")]
mod promise;
#[cfg(feature = "video")]
mod silence;
#[cfg(feature = "video")]
mod stream;
#[cfg(feature = "video")]
mod write;

#[cfg(not(feature = "video"))]
mod without_video;
#[cfg(not(feature = "video"))]
use without_video::{compressed, frames};

pub use frames::Frames;
pub use limits::Limits;
pub(crate) use limits::RATES_HZ;
#[cfg(feature = "video")]
pub use png::write_png;
pub use sound::{Sound, read_sound, read_sound_within};
#[cfg(feature = "video")]
pub use write::{ClipFormat, write_clip};

/// Silences the log that FFmpeg prints on the standard error stream; errors come as values.
#[cfg(feature = "video")]
fn quiet() {
    use std::sync::Once;
    use video_rs::ffmpeg::util::log;
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without this FFmpeg's errors have no text.
        video_rs::ffmpeg::util::error::register_all();
        log::set_level(log::Level::Quiet);
    });
}
