//! Images out.

use std::io::Write as _;
use std::path::Path;

use video_rs::ffmpeg::{self, Packet, Rational, codec, encoder, format::Pixel, frame};

use super::quiet;
use super::write::context;
use crate::image::Frame;
use crate::{Error, Result, files};

/// Largest side of an image in pixels: more is not opened by most viewers.
const MAX_SIDE: usize = 1 << 15;

/// Writes an image as a PNG file, which appears under its name when it is complete.
///
/// # Errors
///
/// [`Error::ClipFormat`] for an image without pixels, with a side above 32,768, or with another number of bytes than
/// its sides say; [`Error::Encode`] when FFmpeg fails, [`Error::Write`] when the file cannot be written.
///
/// # Example
///
/// ```
/// use av_features::{Frame, write_png};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("red.png");
/// write_png(&path, &Frame { rgb: [255, 0, 0].repeat(6), width: 3, height: 2, time_s: 0.0 })?;
/// assert!(std::fs::read(path)?.starts_with(b"\x89PNG"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_png(path: &Path, image: &Frame) -> Result<()> {
    let Frame { rgb, width, height, .. } = image;
    let sides = [*width, *height];
    if sides.iter().any(|side| !(1..=MAX_SIDE).contains(side)) || rgb.len() != 3 * width * height {
        let bytes = rgb.len();
        let reason = format!("{bytes} bytes are no image of {width} x {height} pixels");
        return Err(Error::ClipFormat { reason });
    }
    quiet();
    let packet = encode(rgb, sides)
        .map_err(|source| Error::Encode { path: path.to_owned(), source: source.into() })?;
    let write = |source| Error::Write { path: path.to_owned(), source };
    let mut file = files::begin(path).map_err(write)?;
    file.write_all(packet.data().unwrap_or_default()).map_err(write)?;
    files::finish(file, path).map_err(write)
}

/// The one packet of the encoder is the file.
fn encode(rgb: &[u8], sides: [usize; 2]) -> std::result::Result<Packet, ffmpeg::Error> {
    let codec = encoder::find(codec::Id::PNG).ok_or(ffmpeg::Error::EncoderNotFound)?;
    // Both sides are checked.
    let [width, height] = sides.map(|side| u32::try_from(side).unwrap_or(0));
    let mut video = context(codec, Rational::new(1, 1)).encoder().video()?;
    video.set_width(width);
    video.set_height(height);
    video.set_format(Pixel::RGB24);
    let mut video = video.open_as(codec)?;
    let mut frame = frame::Video::new(Pixel::RGB24, width, height);
    let (stride, row) = (frame.stride(0), sides[0] * 3);
    for (to, from) in frame.data_mut(0).chunks_mut(stride).zip(rgb.chunks_exact(row)) {
        to[..row].copy_from_slice(from);
    }
    frame.set_pts(Some(0));
    video.send_frame(&frame)?;
    video.send_eof()?;
    let mut packet = Packet::empty();
    video.receive_packet(&mut packet)?;
    Ok(packet)
}
