//! Clips out: frames and samples as an mp4 file with MPEG-4 part 2 video and AAC sound.

use std::io::{Seek as _, SeekFrom};
use std::path::Path;

use video_rs::ffmpeg::{
    self, ChannelLayout, Dictionary, Packet, Rational, codec, encoder,
    format::{self, Pixel, Sample, context::Output, context::StreamIo, sample},
    frame,
    software::scaling,
    threading,
};

use super::quiet;
use crate::{Error, Result, files};

/// Quantiser of every macroblock, 1 (best) to 31: the errors of the codec stay below what an 8-bit
/// camera adds in noise.
const QUANTISER: i32 = 2;

/// Sound bit rate in bits a second: transparent for one channel.
const SOUND_BITS_PER_S: usize = 128_000;

/// AAC allows 6144 bits a frame of 1024 samples and channel, which is 6 bits a sample.
const MAX_BITS_PER_SAMPLE: usize = 6;

/// Samples in an AAC frame.
const SOUND_FRAME: usize = 1024;

/// The sample rates that AAC can express, in Hz.
const SAMPLE_RATES_HZ: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// Largest frame rate: MPEG-4 part 2 counts ticks of a second in 16 bits.
const MAX_FPS: u32 = 65_535;

/// Largest side of a frame: 13 bits in an MPEG-4 part 2 header, and even.
const MAX_SIDE: u32 = 8_190;

/// Size and rates of a clip to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClipFormat {
    /// Width of a frame in pixels: even, at most 8190.
    pub width: u32,
    /// Height of a frame in pixels: even, at most 8190.
    pub height: u32,
    /// Frames a second.
    pub fps: u32,
    /// Samples a second: one of the rates of AAC, such as 16,000, 44,100 or 48,000.
    pub sample_rate_hz: u32,
}

impl ClipFormat {
    fn check(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::ClipFormat { reason });
        let side = |value: u32| (2..=MAX_SIDE).contains(&value) && value.is_multiple_of(2);
        if !side(self.width) || !side(self.height) {
            let (width, height) = (self.width, self.height);
            return invalid(format!(
                "{width} x {height} pixels: both sides must be even and within 2 to {MAX_SIDE}"
            ));
        }
        if self.fps == 0 || self.fps > MAX_FPS {
            return invalid(format!("{} frames a second: 1 to {MAX_FPS} are possible", self.fps));
        }
        if !SAMPLE_RATES_HZ.contains(&self.sample_rate_hz) {
            let rate = self.sample_rate_hz;
            return invalid(format!(
                "{rate} Hz is not a rate of AAC: take one of {SAMPLE_RATES_HZ:?}"
            ));
        }
        Ok(())
    }

    /// Bytes of an RGB24 frame. The sides are checked: the product is below 2^28.
    fn frame_bytes(&self) -> usize {
        self.width as usize * self.height as usize * 3
    }
}

/// Writes a clip: MPEG-4 part 2 video and one channel of AAC in an mp4 file.
///
/// The same input gives the same bytes in every run: one thread an encoder, no time of creation, no
/// version of the encoder. Sound and picture both start at 0 and are interleaved by time. The file
/// appears under its name when it is complete.
///
/// Without frames the file has no video stream, without samples no sound stream.
///
/// # Shapes
///
/// A frame is RGB24: `width * height * 3` bytes, rows from the top. Samples are within -1 to 1.
///
/// # Errors
///
/// [`Error::ClipFormat`] for an odd side, an impossible rate, a frame of another length, a sample
/// that is not finite, and when there are neither frames nor samples; [`Error::Encode`] when FFmpeg
/// fails, a full disk included; [`Error::Write`] when the file cannot be created or renamed.
///
/// # Example
///
/// ```
/// use av_features::{ClipFormat, Frames, write_clip};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("grey.mp4");
/// let format = ClipFormat { width: 64, height: 48, fps: 25, sample_rate_hz: 16_000 };
/// let frames = (0..5).map(|_| vec![128; 64 * 48 * 3]);
/// write_clip(&path, &format, frames, &[0.0; 3200])?;
/// assert_eq!(Frames::open(&path)?.count(), 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_clip(
    path: &Path,
    clip: &ClipFormat,
    frames: impl Iterator<Item = Vec<u8>>,
    samples: &[f32],
) -> Result<()> {
    clip.check()?;
    if let Some(at) = samples.iter().position(|sample| !sample.is_finite()) {
        return Err(Error::ClipFormat { reason: format!("sample {at} is not a finite number") });
    }
    let mut frames = frames.peekable();
    if frames.peek().is_none() && samples.is_empty() {
        return Err(Error::ClipFormat { reason: "neither frames nor samples".into() });
    }
    quiet();
    let write = |source| Error::Write { path: path.to_owned(), source };
    let file = files::begin(path).map_err(write)?;
    let mut handle = file.as_file().try_clone().map_err(write)?;
    handle.seek(SeekFrom::Start(0)).map_err(write)?;
    encode(handle, clip, frames, samples).map_err(|failure| match failure {
        Failure::Input(reason) => Error::ClipFormat { reason },
        Failure::Encoder(source) => Error::Encode { path: path.to_owned(), source: source.into() },
    })?;
    files::finish(file, path).map_err(write)
}

/// Why a clip could not be encoded.
enum Failure {
    Input(String),
    Encoder(ffmpeg::Error),
}

impl From<ffmpeg::Error> for Failure {
    fn from(source: ffmpeg::Error) -> Self {
        Self::Encoder(source)
    }
}

fn encode(
    handle: std::fs::File,
    clip: &ClipFormat,
    mut frames: std::iter::Peekable<impl Iterator<Item = Vec<u8>>>,
    samples: &[f32],
) -> std::result::Result<(), Failure> {
    let mut output =
        format::output_to_stream(StreamIo::from_write_seek(handle)?, None, Some("mp4"))?;
    let mut picture = match frames.peek() {
        Some(_) => Some(Picture::open(&mut output, clip)?),
        None => None,
    };
    let mut sound = match samples {
        [] => None,
        _ => Some(Sound::open(&mut output, clip)?),
    };
    output.write_header_with(Dictionary::from_iter([("fflags", "+bitexact")]))?;
    let mut chunks = samples.chunks(SOUND_FRAME);
    let mut sent = 0_usize;
    for (index, rgb) in frames.enumerate() {
        if rgb.len() != clip.frame_bytes() {
            let (actual, expected) = (rgb.len(), clip.frame_bytes());
            return Err(Failure::Input(format!(
                "frame {index} has {actual} bytes instead of {expected}"
            )));
        }
        if let Some(picture) = &mut picture {
            picture.send(&mut output, &rgb, clip)?;
        }
        // The sound up to the end of this frame, so that packets arrive in the order of time.
        let due = (index as u64 + 1) * u64::from(clip.sample_rate_hz) / u64::from(clip.fps);
        while let Some(sound) = &mut sound
            && (sent as u64) < due
            && let Some(chunk) = chunks.next()
        {
            sound.send(&mut output, chunk)?;
            sent += chunk.len();
        }
    }
    if let Some(mut sound) = sound {
        for chunk in chunks {
            sound.send(&mut output, chunk)?;
        }
        sound.track.finish(&mut output)?;
    }
    if let Some(mut picture) = picture {
        picture.track.finish(&mut output)?;
    }
    output.write_trailer()?;
    Ok(())
}

/// An encoder and the stream of the file that it fills.
struct Track {
    encoder: codec::encoder::Encoder,
    stream: usize,
    /// Ticks of the encoder: a frame or a sample.
    tick: Rational,
    next: i64,
}

impl Track {
    /// Passes a frame with its time to the encoder and what comes out to the file.
    fn send(&mut self, output: &mut Output, frame: &mut ffmpeg::Frame, ticks: i64) -> Encoded {
        frame.set_pts(Some(self.next));
        self.next += ticks;
        self.encoder.send_frame(frame)?;
        self.drain(output)
    }

    fn finish(&mut self, output: &mut Output) -> Encoded {
        self.encoder.send_eof()?;
        self.drain(output)
    }

    fn drain(&mut self, output: &mut Output) -> Encoded {
        let end = output.stream(self.stream).ok_or(ffmpeg::Error::StreamNotFound)?.time_base();
        let mut packet = Packet::empty();
        loop {
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => {}
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => {
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
            packet.set_stream(self.stream);
            if packet.duration() == 0 {
                // The video encoder leaves it open, and the last frame would last no time at all.
                packet.set_duration(1);
            }
            packet.rescale_ts(self.tick, end);
            packet.write_interleaved(output)?;
        }
    }
}

type Encoded = std::result::Result<(), ffmpeg::Error>;

/// What both encoders share: one thread and nothing that changes from build to build.
pub(super) fn context(codec: ffmpeg::Codec, tick: Rational) -> codec::Context {
    let mut context = codec::Context::new_with_codec(codec);
    context.set_threading(threading::Config { count: 1, ..Default::default() });
    context.set_flags(codec::Flags::BITEXACT | codec::Flags::GLOBAL_HEADER);
    context.set_time_base(tick);
    context
}

/// A number of a checked [`ClipFormat`], all of which fit.
fn int(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

struct Picture {
    track: Track,
    scaler: scaling::Context,
    rgb: frame::Video,
    yuv: frame::Video,
}

impl Picture {
    fn open(output: &mut Output, clip: &ClipFormat) -> std::result::Result<Self, ffmpeg::Error> {
        let codec = encoder::find(codec::Id::MPEG4).ok_or(ffmpeg::Error::EncoderNotFound)?;
        let tick = Rational::new(1, int(clip.fps));
        let mut video = context(codec, tick).encoder().video()?;
        video.set_width(clip.width);
        video.set_height(clip.height);
        video.set_format(Pixel::YUV420P);
        video.set_frame_rate(Some(Rational::new(int(clip.fps), 1)));
        video.set_gop(12);
        video.set_max_b_frames(0);
        video.set_qmin(QUANTISER);
        video.set_qmax(QUANTISER);
        let video = video.open_as(codec)?;
        let mut stream = output.add_stream_with(&video)?;
        stream.set_time_base(tick);
        let stream = stream.index();
        let (width, height) = (clip.width, clip.height);
        let flags =
            scaling::Flags::BILINEAR | scaling::Flags::ACCURATE_RND | scaling::Flags::BITEXACT;
        Ok(Self {
            track: Track { encoder: video.0.0, stream, tick, next: 0 },
            scaler: scaling::Context::get(
                Pixel::RGB24,
                width,
                height,
                Pixel::YUV420P,
                width,
                height,
                flags,
            )?,
            rgb: frame::Video::new(Pixel::RGB24, width, height),
            yuv: frame::Video::empty(),
        })
    }

    fn send(&mut self, output: &mut Output, rgb: &[u8], clip: &ClipFormat) -> Encoded {
        let stride = self.rgb.stride(0);
        let row = clip.width as usize * 3;
        for (to, from) in self.rgb.data_mut(0).chunks_mut(stride).zip(rgb.chunks_exact(row)) {
            to[..row].copy_from_slice(from);
        }
        // The encoder may keep a reference to the last frame: each one gets memory of its own.
        self.yuv = frame::Video::empty();
        self.scaler.run(&self.rgb, &mut self.yuv)?;
        self.track.send(output, &mut self.yuv, 1)
    }
}

struct Sound {
    track: Track,
}

impl Sound {
    fn open(output: &mut Output, clip: &ClipFormat) -> std::result::Result<Self, ffmpeg::Error> {
        let codec = encoder::find(codec::Id::AAC).ok_or(ffmpeg::Error::EncoderNotFound)?;
        let tick = Rational::new(1, int(clip.sample_rate_hz));
        let mut audio = context(codec, tick).encoder().audio()?;
        audio.set_rate(int(clip.sample_rate_hz));
        audio.set_format(Sample::F32(sample::Type::Planar));
        audio.set_channel_layout(ChannelLayout::MONO);
        let most = clip.sample_rate_hz as usize * MAX_BITS_PER_SAMPLE;
        audio.set_bit_rate(SOUND_BITS_PER_S.min(most));
        let audio = audio.open_as(codec)?;
        let mut stream = output.add_stream_with(&audio)?;
        stream.set_time_base(tick);
        let stream = stream.index();
        Ok(Self { track: Track { encoder: audio.0.0, stream, tick, next: 0 } })
    }

    fn send(&mut self, output: &mut Output, samples: &[f32]) -> Encoded {
        let rate = self.track.tick.denominator();
        let planar = Sample::F32(sample::Type::Planar);
        let mut frame = frame::Audio::new(planar, samples.len(), ChannelLayout::MONO);
        frame.set_rate(u32::try_from(rate).unwrap_or(0));
        frame.plane_mut::<f32>(0).copy_from_slice(samples);
        self.track.send(output, &mut frame, i64::try_from(samples.len()).unwrap_or(0))
    }
}
