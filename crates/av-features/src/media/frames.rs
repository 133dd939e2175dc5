//! Frames in: the video stream of a file as RGB images with their times.

use std::path::Path;

use video_rs::ffmpeg::{self, color, format::Pixel, frame, media, software::scaling};

use super::limits::Limits;
use super::orientation::Orientation;
use super::stream::Stream;
use crate::image::Frame;
use crate::{Error, Result};

/// Frame rate that is assumed where neither times nor a rate are in the file.
const FALLBACK_FPS: f64 = 25.0;

/// Largest side of a scaled picture.
const MAX_SIDE: usize = 4096;

/// The video stream of a media file: an iterator of frames in the order of time.
///
/// Every frame is decoded, one after the other, in one thread: the result is the same in every
/// run. [`advance`](Self::advance) and [`image`](Self::image) are the two halves of `next`, for
/// those who do not need every image. Frames have the size of the file; a turn by a multiple of 90
/// degrees that the file asks for is applied. The conversion to RGB takes the coefficients of
/// ITU-R BT.601, whatever the file says, and the range of grey levels that it says.
///
/// # Errors
///
/// Opening: [`Error::Read`], [`Error::NotAFile`], [`Error::Open`], [`Error::NoVideo`],
/// [`Error::TooLarge`], [`Error::FrameSize`], [`Error::Decode`], [`Error::Timeout`]. Reading:
/// [`Error::Decode`], [`Error::TooLarge`], [`Error::Timeout`], and [`Error::Empty`] where not one
/// frame could be decoded. Damaged packets are passed over and reported by [`warnings`](Self::warnings).
pub struct Frames {
    stream: Stream,
    frame: frame::Video,
    scaler: Option<scaling::Context>,
    orientation: Option<Orientation>,
    turn_unknown: bool,
    count: u64,
    ended: bool,
    time_s: f64,
    interval_s: f64,
}

impl Frames {
    /// Opens the video stream of a file.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_within(path, &Limits::default())
    }

    /// The same with other limits.
    pub fn open_within(path: &Path, limits: &Limits) -> Result<Self> {
        let stream = Stream::open(path, media::Type::Video, limits)?;
        let orientation = stream.matrix.as_deref().map(Orientation::from_matrix);
        Ok(Self {
            orientation: orientation.flatten().filter(|orientation| !orientation.is_upright()),
            turn_unknown: orientation == Some(None),
            interval_s: 1.0 / stream.fps.unwrap_or(FALLBACK_FPS),
            stream,
            frame: frame::Video::empty(),
            scaler: None,
            count: 0,
            ended: false,
            time_s: 0.0,
        })
    }

    /// Decodes the next frame and returns its time in seconds from the start of the file; `None`
    /// at the end.
    pub fn advance(&mut self) -> Result<Option<f64>> {
        if !self.stream.next(&mut self.frame)? {
            return match self.count {
                0 => Err(Error::Empty { path: self.stream.path.clone(), what: "frame" }),
                _ => Ok(None),
            };
        }
        let limit = self.stream.limits.frames;
        Limits::check(&self.stream.path, "a number of frames", self.count + 1, limit)?;
        let guess = if self.count == 0 { 0.0 } else { self.time_s + self.interval_s };
        self.time_s = self.stream.time_s(&self.frame).unwrap_or(guess);
        self.count += 1;
        Ok(Some(self.time_s))
    }

    /// The image of the frame that [`advance`](Self::advance) reached last.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] when no frame was reached yet or FFmpeg cannot convert its pixels.
    pub fn image(&mut self) -> Result<Frame> {
        self.sized(None)
    }

    /// The same at another size, each pixel the mean of the area that it covers: faster than
    /// [`image`](Self::image) and [`Frame::scaled`], as the colours of the large picture are never made.
    ///
    /// # Errors
    ///
    /// Those of [`image`](Self::image); [`Error::Config`] for sides outside 1 to 4096.
    pub fn scaled(&mut self, width: usize, height: usize) -> Result<Frame> {
        if ![width, height].iter().all(|side| (1..=MAX_SIDE).contains(side)) {
            let reason = format!("{width} x {height}: the sides must be within 1 to {MAX_SIDE}");
            return Err(Error::Config { extractor: "frames", reason });
        }
        self.sized(Some([width, height]))
    }

    fn sized(&mut self, size: Option<[usize; 2]>) -> Result<Frame> {
        let stored = size.map(|[width, height]| match self.orientation {
            Some(orientation) if orientation.exchanges_sides() => [height, width],
            Some(_) | None => [width, height],
        });
        let (rgb, width, height) = self.convert(stored).map_err(|source| Error::Decode {
            path: self.stream.path.clone(),
            source: source.into(),
        })?;
        let (rgb, width, height) = match self.orientation {
            Some(orientation) => orientation.apply(&rgb, width, height),
            None => (rgb, width, height),
        };
        Ok(Frame { rgb, width, height, time_s: self.time_s })
    }

    /// Converts the pixels of the current frame, to another size if one is given.
    fn convert(
        &mut self,
        size: Option<[usize; 2]>,
    ) -> std::result::Result<(Vec<u8>, usize, usize), ffmpeg::Error> {
        let pixel = as_said(&self.frame);
        self.frame.set_format(pixel);
        let (width, height) = (self.frame.width(), self.frame.height());
        if pixel == Pixel::None || width == 0 || height == 0 {
            return Err(ffmpeg::Error::InvalidData);
        }
        let input = scaling::context::Definition { format: pixel, width, height };
        let output = match size {
            // Both are at most MAX_SIDE.
            Some([width, height]) => [width as u32, height as u32],
            None => [width, height],
        };
        let output = scaling::context::Definition {
            format: Pixel::RGB24,
            width: output[0],
            height: output[1],
        };
        let flags = if size.is_some() { scaling::Flags::AREA } else { scaling::Flags::BILINEAR };
        let scaler = match &mut self.scaler {
            Some(scaler) if *scaler.input() == input && *scaler.output() == output => scaler,
            // The first frame, or one of another size or pixel format.
            scaler => scaler.insert(scaling::Context::get(
                pixel,
                width,
                height,
                output.format,
                output.width,
                output.height,
                flags,
            )?),
        };
        let mut rgb = frame::Video::empty();
        scaler.run(&self.frame, &mut rgb)?;
        let (width, height) = (output.width as usize, output.height as usize);
        let mut packed = Vec::with_capacity(width * height * 3);
        for row in rgb.data(0).chunks(rgb.stride(0)).take(height) {
            packed.extend_from_slice(row.get(..width * 3).ok_or(ffmpeg::Error::Bug)?);
        }
        Ok((packed, width, height))
    }

    /// End of the last frame so far, in seconds from the start of the file.
    pub fn end_s(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.time_s + self.interval_s }
    }

    /// What is to be known about the frames so far: damaged packets, an end before the duration of
    /// the header (which is right only after the last frame), a turn that was not applied.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.stream.warnings(self.end_s());
        if self.turn_unknown {
            warnings.push("the video asks for a turn that is no multiple of 90 degrees".into());
        }
        warnings
    }
}

/// The pixel format of a frame that says it has full range: the scaler looks at the format alone.
fn as_said(frame: &frame::Video) -> Pixel {
    let format = frame.format();
    if frame.color_range() != color::Range::JPEG {
        return format;
    }
    let full = [
        (Pixel::YUV420P, Pixel::YUVJ420P),
        (Pixel::YUV422P, Pixel::YUVJ422P),
        (Pixel::YUV440P, Pixel::YUVJ440P),
        (Pixel::YUV444P, Pixel::YUVJ444P),
    ];
    full.into_iter().find(|(limited, _)| *limited == format).map_or(format, |(_, full)| full)
}

impl Iterator for Frames {
    type Item = Result<Frame>;

    /// The next frame; nothing more after the first error.
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = match self.advance() {
            Ok(Some(_)) => self.image(),
            Ok(None) => {
                self.ended = true;
                return None;
            }
            Err(error) => Err(error),
        };
        self.ended = item.is_err();
        Some(item)
    }
}
