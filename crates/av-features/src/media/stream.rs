//! One stream of a media file, decoded in order.

use std::path::{Path, PathBuf};

use video_rs::ffmpeg::{
    self, Dictionary, Packet, Rational, codec,
    codec::packet::side_data,
    decoder,
    format::{self, context::Input, context::StreamIo, stream::Disposition},
    media, threading,
};

use super::limits::{CODECS, Clock, FORMATS, Limits, PROTOCOLS};
use super::{promise, quiet};
use crate::{Error, Result, files};

/// Damaged packets in a row after which the rest of a stream is given up.
const MAX_DAMAGED_RUN: usize = 500;

/// Where a decoder stands.
#[derive(PartialEq)]
enum State {
    Reading,
    Draining,
    Done,
}

/// One stream of a media file: the demuxer, the decoder and the loop between them.
pub(crate) struct Stream {
    pub(crate) path: PathBuf,
    pub(crate) limits: Limits,
    /// Size of the file in bytes.
    pub(crate) bytes: u64,
    clock: Clock,
    input: Input,
    decoder: decoder::Opened,
    index: usize,
    tick_s: f64,
    /// Time at which the first stream of sound or picture starts, in seconds.
    origin_s: f64,
    /// Duration that the stream itself promises, in seconds.
    pub(crate) header_s: Option<f64>,
    /// Whether the header counts the duration by the sample, so that padding can be cut off.
    pub(crate) header_is_exact: bool,
    /// Frames a second by the header.
    pub(crate) fps: Option<f64>,
    /// The nine numbers of the display matrix.
    pub(crate) matrix: Option<Vec<i32>>,
    state: State,
    damaged_run: usize,
    /// Packets that could not be decoded.
    pub(crate) damaged: usize,
    /// Whether players take another stream, which cannot be decoded here.
    passed_over: bool,
}

impl Stream {
    /// Opens the best stream of a kind.
    ///
    /// FFmpeg never sees the name: it reads from the open file, so that a name is never taken for
    /// a protocol and need not be UTF-8.
    pub(crate) fn open(path: &Path, kind: media::Type, limits: &Limits) -> Result<Self> {
        let (mut file, bytes) = files::open(path, limits.bytes)?;
        let read = |source| Error::Read { path: path.to_owned(), source };
        let counts_frames = promise::counts_frames(&mut file).map_err(read)?;
        quiet();
        let mut clock = Clock::start(limits);
        let alarm = clock.alarm();
        let open = |source: ffmpeg::Error| match clock.check(path) {
            Ok(()) => Error::Open { path: path.to_owned(), source: source.into() },
            Err(timeout) => timeout,
        };
        let options = Dictionary::from_iter([
            ("format_whitelist", FORMATS),
            ("codec_whitelist", CODECS),
            ("protocol_whitelist", PROTOCOLS),
        ]);
        let io = StreamIo::from_read_seek(file).map_err(open)?;
        let interrupt = move || alarm.rings();
        let input = format::input_from_stream_with_interrupt(io, None, Some(options), interrupt)
            .map_err(open)?;
        // What was cut off by the alarm may look like the end of the file.
        clock.check(path)?;
        let (stream, passed_over) = match choose(&input, kind) {
            Some((stream, passed_over))
                if !stream.disposition().contains(Disposition::ATTACHED_PIC) =>
            {
                (stream, passed_over)
            }
            _ if kind == media::Type::Audio => {
                return Err(Error::NoSound { path: path.to_owned() });
            }
            _ => return Err(Error::NoVideo { path: path.to_owned() }),
        };
        let tick_s = seconds(stream.time_base());
        let starts = input.streams().filter_map(|stream| {
            let start = stream.start_time();
            let medium = stream.parameters().medium();
            let read = matches!(medium, media::Type::Audio | media::Type::Video);
            (read && start != ffmpeg::ffi::AV_NOPTS_VALUE)
                .then(|| start as f64 * seconds(stream.time_base()))
        });
        let fps = seconds(stream.avg_frame_rate());
        let header_s = promise::length_s(input.format().name(), &stream, counts_frames);
        let matrix = stream
            .side_data()
            .find(|data| data.kind() == side_data::Type::DisplayMatrix)
            .map(|data| data.data().as_chunks().0.iter().map(|b| i32::from_ne_bytes(*b)).collect());
        let decoder = decoder(path, &stream, limits.pixels)?;
        clock.pause();
        Ok(Self {
            limits: *limits,
            bytes,
            clock,
            decoder,
            index: stream.index(),
            tick_s,
            origin_s: starts.reduce(f64::min).unwrap_or(0.0),
            header_s,
            header_is_exact: stream.duration() > 0 && input.format().name().starts_with("mov"),
            fps: (fps > 0.0).then_some(fps),
            matrix,
            path: path.to_owned(),
            state: State::Reading,
            damaged_run: 0,
            damaged: 0,
            passed_over,
            input,
        })
    }

    /// Decodes the next frame; `false` at the end of the stream.
    ///
    /// Packets that cannot be decoded are counted and passed over.
    pub(crate) fn next(&mut self, frame: &mut ffmpeg::Frame) -> Result<bool> {
        self.clock.resume();
        let more = self.decode(frame);
        self.clock.pause();
        more
    }

    fn decode(&mut self, frame: &mut ffmpeg::Frame) -> Result<bool> {
        while self.state != State::Done {
            match self.decoder.receive_frame(frame) {
                Ok(()) => {
                    self.damaged_run = 0;
                    return Ok(true);
                }
                Err(ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => {}
                Err(ffmpeg::Error::Eof) => self.state = State::Done,
                Err(_) => self.damage(),
            }
            if self.state == State::Reading {
                self.feed()?;
            }
            self.clock.check(&self.path)?;
        }
        Ok(false)
    }

    /// Passes one packet from the file to the decoder.
    fn feed(&mut self) -> Result<()> {
        let mut packet = Packet::empty();
        match packet.read(&mut self.input) {
            Ok(()) if packet.stream() == self.index => {
                if self.decoder.send_packet(&packet).is_err() {
                    self.damage();
                }
            }
            Ok(()) => {}
            Err(ffmpeg::Error::Eof) => {
                self.state = State::Draining;
                if self.decoder.send_eof().is_err() {
                    self.damage();
                }
            }
            Err(ffmpeg::Error::InvalidData) => self.damage(),
            Err(source) => {
                self.clock.check(&self.path)?;
                return Err(Error::Decode { path: self.path.clone(), source: source.into() });
            }
        }
        Ok(())
    }

    fn damage(&mut self) {
        self.damaged += 1;
        self.damaged_run += 1;
        if self.damaged_run > MAX_DAMAGED_RUN {
            self.state = State::Done;
        }
    }

    /// The time of a frame in seconds from the start of the file, where the file tells it.
    pub(crate) fn time_s(&self, frame: &ffmpeg::Frame) -> Option<f64> {
        frame.timestamp().map(|ticks| ticks as f64 * self.tick_s - self.origin_s)
    }

    /// What is to be said about a stream that was read to its end, `decoded_s` seconds of it.
    pub(crate) fn warnings(&self, decoded_s: f64) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.passed_over {
            warnings
                .push("the track that players take has no decoder here; another is read".into());
        }
        if self.damaged > 0 {
            warnings.push(format!("{} damaged packets were passed over", self.damaged));
        }
        if let Some(header_s) = self.header_s
            && decoded_s < header_s - EARLY_END_S.max(EARLY_END_SHARE * header_s)
        {
            warnings.push(format!(
                "ends after {decoded_s:.2} s although the header promises {header_s:.2} s"
            ));
        }
        warnings
    }
}

/// Seconds by which a stream may end before its header says so: streams of one file differ, and
/// containers round.
const EARLY_END_S: f64 = 0.3;

/// The same as a share of the duration.
const EARLY_END_SHARE: f64 = 0.05;

/// A rational number of seconds, or zero where the denominator is zero.
pub(super) fn seconds(value: Rational) -> f64 {
    match value.denominator() {
        0 => 0.0,
        denominator => f64::from(value.numerator()) / f64::from(denominator),
    }
}

/// The stream that players take, or, where it cannot be decoded here, the first of those that can, and whether it is another.
fn choose(input: &Input, kind: media::Type) -> Option<(format::stream::Stream<'_>, bool)> {
    let best = input.streams().best(kind)?;
    let decodable = |stream: &format::stream::Stream<'_>| {
        let codec = decoder::find(stream.parameters().id());
        codec.is_some_and(|codec| CODECS.split(',').any(|known| known == codec.name()))
    };
    if decodable(&best) {
        return Some((best, false));
    }
    let other = input.streams().find(|stream| {
        let picture = stream.disposition().contains(Disposition::ATTACHED_PIC);
        stream.parameters().medium() == kind && !picture && decodable(stream)
    });
    // Without one, the error is about the best.
    Some(other.map_or((best, false), |other| (other, true)))
}

/// Opens the decoder of a stream: one thread, listed codecs, frames of so many pixels at most.
fn decoder(
    path: &Path,
    stream: &format::stream::Stream<'_>,
    max_pixels: u64,
) -> Result<decoder::Opened> {
    let fail =
        |source: ffmpeg::Error| Error::Decode { path: path.to_owned(), source: source.into() };
    check_size(path, stream, max_pixels)?;
    let mut context = codec::Context::from_parameters(stream.parameters()).map_err(fail)?;
    context.set_threading(threading::Config { count: 1, ..Default::default() });
    let decoder = context.decoder();
    let codec = decoder::find(decoder.id()).ok_or(ffmpeg::Error::DecoderNotFound).map_err(fail)?;
    let pixels = max_pixels.to_string();
    let options =
        Dictionary::from_iter([("codec_whitelist", CODECS), ("max_pixels", pixels.as_str())]);
    decoder.open_as_with(codec, options).map_err(fail)
}

/// Refuses larger frames with the reason; the decoder itself only calls them invalid.
fn check_size(path: &Path, stream: &format::stream::Stream<'_>, limit: u64) -> Result<()> {
    let parameters = stream.parameters();
    if parameters.medium() != media::Type::Video {
        return Ok(());
    }
    // The size is readable on an encoder's view of the context, and this one is never opened.
    let size = codec::Context::from_parameters(parameters)
        .and_then(|context| context.encoder().video())
        .map(|video| (video.width(), video.height()));
    match size {
        Ok((width, height)) if u64::from(width) * u64::from(height) > limit => {
            Err(Error::FrameSize { path: path.to_owned(), width, height, limit })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}
