//! One stream of a media file, decoded in order.

use std::path::{Path, PathBuf};

use video_rs::ffmpeg::{
    self, Dictionary, Packet, Rational, codec,
    codec::packet::side_data,
    decoder,
    format::{self, context::Input, context::StreamIo, stream::Disposition},
    media, threading,
};

use super::quiet;
use crate::{Error, Result, files};

/// Containers that are opened, by FFmpeg's names: files with sound and moving pictures, no
/// playlists, no images, no scripts, nothing that refers to other files.
const FORMATS: &str =
    "mov,avi,flv,matroska,mpeg,mpegts,mpegvideo,asf,ogg,wav,w64,aiff,au,flac,mp3,aac";

/// Decoders that are used, by FFmpeg's names: those of recorded video and sound. Image codecs are
/// left out: a small file can unfold to gigabytes.
const CODECS: &str = "h264,hevc,vp8,vp9,libdav1d,av1,mpeg1video,mpeg2video,mpegvideo,mpeg4,\
    msmpeg4v1,msmpeg4v2,msmpeg4,h263,h263p,flv,vp6,vp6f,vp6a,mjpeg,wmv1,wmv2,wmv3,vc1,theora,\
    dvvideo,rawvideo,huffyuv,ffvhuff,ffv1,cinepak,indeo3,indeo5,svq1,svq3,\
    aac,aac_latm,mp3float,mp3,mp2float,mp2,mp1float,mp1,ac3,eac3,vorbis,libvorbis,opus,libopus,\
    flac,alac,wmav1,wmav2,wmapro,wmalossless,nellymoser,speex,libspeex,amrnb,amrwb,gsm,gsm_ms,\
    pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_u16le,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,\
    pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,pcm_bluray,pcm_dvd,\
    adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,adpcm_swf,adpcm_yamaha,adpcm_g722,adpcm_g726";

/// Largest frame in pixels: 4096 x 4096, above every camera of these corpora; 50 MB as RGB.
const MAX_PIXELS: u64 = 1 << 24;

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
    input: Input,
    decoder: decoder::Opened,
    index: usize,
    tick_s: f64,
    /// Time at which the first stream of the file starts, in seconds.
    origin_s: f64,
    /// Duration of the stream by the header, in seconds.
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
}

impl Stream {
    /// Opens the best stream of a kind.
    ///
    /// FFmpeg never sees the name: it reads from the open file, so that a name is never taken for
    /// a protocol and need not be UTF-8.
    pub(crate) fn open(path: &Path, kind: media::Type) -> Result<Self> {
        let file = files::open(path)?;
        quiet();
        let open =
            |source: ffmpeg::Error| Error::Open { path: path.to_owned(), source: source.into() };
        let options = Dictionary::from_iter([
            ("format_whitelist", FORMATS),
            ("codec_whitelist", CODECS),
            ("protocol_whitelist", "file"),
        ]);
        let io = StreamIo::from_read_seek(file).map_err(open)?;
        let input = format::input_from_stream(io, None, Some(options)).map_err(open)?;
        let stream = match input.streams().best(kind) {
            Some(stream) if !stream.disposition().contains(Disposition::ATTACHED_PIC) => stream,
            _ if kind == media::Type::Audio => {
                return Err(Error::NoSound { path: path.to_owned() });
            }
            _ => return Err(Error::NoVideo { path: path.to_owned() }),
        };
        let tick_s = seconds(stream.time_base());
        let starts = input.streams().filter_map(|stream| {
            let start = stream.start_time();
            (start != ffmpeg::ffi::AV_NOPTS_VALUE)
                .then(|| start as f64 * seconds(stream.time_base()))
        });
        let fps = seconds(stream.avg_frame_rate());
        let header_s = match stream.duration() {
            ticks if ticks > 0 => Some(ticks as f64 * tick_s),
            _ => (input.duration() > 0).then(|| input.duration() as f64 / CONTAINER_TICKS_PER_S),
        };
        // The avi reader shortens the duration of a truncated file, but not the number of frames.
        let counted_s = (fps > 0.0 && stream.frames() > 0).then(|| stream.frames() as f64 / fps);
        let header_s = header_s.into_iter().chain(counted_s).reduce(f64::max);
        let matrix = stream
            .side_data()
            .find(|data| data.kind() == side_data::Type::DisplayMatrix)
            .map(|data| data.data().as_chunks().0.iter().map(|b| i32::from_ne_bytes(*b)).collect());
        Ok(Self {
            decoder: decoder(path, &stream)?,
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
            input,
        })
    }

    /// Decodes the next frame; `false` at the end of the stream.
    ///
    /// Packets that cannot be decoded are counted and passed over.
    pub(crate) fn next(&mut self, frame: &mut ffmpeg::Frame) -> Result<bool> {
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

/// Ticks of a container's duration in a second.
const CONTAINER_TICKS_PER_S: f64 = 1e6;

/// Seconds by which a stream may end before its header says so: streams of one file differ, and
/// containers round.
const EARLY_END_S: f64 = 0.3;

/// The same as a share of the duration, for containers that estimate it from the bit rate.
const EARLY_END_SHARE: f64 = 0.05;

/// A rational number of seconds, or zero where the denominator is zero.
fn seconds(value: Rational) -> f64 {
    match value.denominator() {
        0 => 0.0,
        denominator => f64::from(value.numerator()) / f64::from(denominator),
    }
}

/// Opens the decoder of a stream: one thread, listed codecs, frames within [`MAX_PIXELS`].
fn decoder(path: &Path, stream: &format::stream::Stream<'_>) -> Result<decoder::Opened> {
    let fail =
        |source: ffmpeg::Error| Error::Decode { path: path.to_owned(), source: source.into() };
    check_size(path, stream)?;
    let mut context = codec::Context::from_parameters(stream.parameters()).map_err(fail)?;
    context.set_threading(threading::Config { count: 1, ..Default::default() });
    let decoder = context.decoder();
    let codec = decoder::find(decoder.id()).ok_or(ffmpeg::Error::DecoderNotFound).map_err(fail)?;
    let pixels = MAX_PIXELS.to_string();
    let options =
        Dictionary::from_iter([("codec_whitelist", CODECS), ("max_pixels", pixels.as_str())]);
    decoder.open_as_with(codec, options).map_err(fail)
}

/// Refuses frames above [`MAX_PIXELS`] with the reason; the decoder itself only calls them invalid.
fn check_size(path: &Path, stream: &format::stream::Stream<'_>) -> Result<()> {
    let parameters = stream.parameters();
    if parameters.medium() != media::Type::Video {
        return Ok(());
    }
    // The size is readable on an encoder's view of the context, and this one is never opened.
    let size = codec::Context::from_parameters(parameters)
        .and_then(|context| context.encoder().video())
        .map(|video| u64::from(video.width()) * u64::from(video.height()));
    match size {
        Ok(pixels) if pixels > MAX_PIXELS => Err(Error::TooLarge {
            path: path.to_owned(),
            what: "frames, in pixels,",
            actual: pixels,
            limit: MAX_PIXELS,
        }),
        _ => Ok(()),
    }
}
