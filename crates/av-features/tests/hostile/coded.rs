//! Compressed files, made by the encoders that are part of FFmpeg's library itself.

use std::io::{Read as _, Seek as _, SeekFrom};

use av_features::{ClipFormat, write_clip};
use video_rs::ffmpeg::{
    self, ChannelLayout, Dictionary, Packet, Rational, codec, encoder,
    format::{self, Pixel, Sample, context::StreamIo, sample},
    frame,
};

use super::support::{gradient, sine};

/// Ten frames of 96 x 64 pixels at 25 frames a second, and their sound at 16 kHz.
pub fn clip() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    let clip = ClipFormat { width: 96, height: 64, fps: 25, sample_rate_hz: 16_000 };
    let frames = (0..10).map(|i| gradient(96, 64, i));
    write_clip(&path, &clip, frames, &sine(440.0, 16_000, 6400)).unwrap();
    std::fs::read(path).unwrap()
}

/// The picture of a file.
pub struct Film {
    pub container: &'static str,
    pub codec: codec::Id,
    pub pixel: Pixel,
    pub width: u32,
    pub height: u32,
    /// Times of the frames in 25ths of a second.
    pub times: Vec<i64>,
    pub b_frames: usize,
    pub options: &'static [(&'static str, &'static str)],
}

impl Default for Film {
    fn default() -> Self {
        Self {
            container: "avi",
            codec: codec::Id::MPEG4,
            pixel: Pixel::YUV420P,
            width: 96,
            height: 64,
            times: (0..10).collect(),
            b_frames: 0,
            options: &[],
        }
    }
}

impl Film {
    /// The bytes of the file; none, and a printed reason, where this FFmpeg lacks the encoder.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let Some(codec) = encoder::find(self.codec) else {
            println!("skipped: no encoder of {:?}", self.codec);
            return None;
        };
        let tick = Rational::new(1, 25);
        let mut context = codec::Context::new_with_codec(codec);
        context.set_time_base(tick);
        // A transport stream has no header of its own.
        let header = match self.container {
            "mpegts" => codec::Flags::empty(),
            _ => codec::Flags::GLOBAL_HEADER,
        };
        context.set_flags(codec::Flags::BITEXACT | header);
        let mut video = context.encoder().video().unwrap();
        video.set_width(self.width);
        video.set_height(self.height);
        video.set_format(self.pixel);
        video.set_frame_rate(Some(Rational::new(25, 1)));
        video.set_max_b_frames(self.b_frames);
        let video = match video.open_as(codec) {
            Ok(video) => video,
            Err(error) => {
                println!("skipped: {:?}: {error}", self.codec);
                return None;
            }
        };
        let frames = self.times.iter().map(|&time| {
            let mut frame = frame::Video::new(self.pixel, self.width, self.height);
            for plane in 0..frame.planes() {
                frame.data_mut(plane).fill((60 + 5 * plane + 7 * (time & 15) as usize) as u8);
            }
            frame.set_pts(Some(time));
            frame
        });
        Some(mux(self.container, video.0.0, tick, frames, self.options))
    }
}

/// So many samples of silence at 48 kHz as FLAC: what unfolds most.
pub fn flac(samples: usize) -> Option<Vec<u8>> {
    let codec = encoder::find(codec::Id::FLAC)?;
    let tick = Rational::new(1, 48_000);
    let mut context = codec::Context::new_with_codec(codec);
    context.set_time_base(tick);
    let mut audio = context.encoder().audio().unwrap();
    audio.set_rate(48_000);
    let packed = Sample::I16(sample::Type::Packed);
    audio.set_format(packed);
    audio.set_channel_layout(ChannelLayout::MONO);
    let audio = audio.open_as(codec).ok()?;
    let block = audio.frame_size() as usize;
    let frames = (0..samples / block).map(|index| {
        let mut frame = frame::Audio::new(packed, block, ChannelLayout::MONO);
        frame.set_rate(48_000);
        frame.plane_mut::<i16>(0).fill(0);
        frame.set_pts(Some((index * block) as i64));
        frame
    });
    Some(mux("flac", audio.0.0, tick, frames, &[]))
}

/// A sine of 440 Hz of half the range in the first of so many channels, and silence in the others, as AAC.
pub fn aac(container: &str, rate_hz: u32, channels: usize, seconds: usize) -> Option<Vec<u8>> {
    let codec = encoder::find(codec::Id::AAC)?;
    let tick = Rational::new(1, rate_hz as i32);
    let mut context = codec::Context::new_with_codec(codec);
    context.set_time_base(tick);
    context.set_flags(codec::Flags::BITEXACT | codec::Flags::GLOBAL_HEADER);
    let mut audio = context.encoder().audio().unwrap();
    audio.set_rate(rate_hz as i32);
    let planar = Sample::F32(sample::Type::Planar);
    audio.set_format(planar);
    audio.set_bit_rate(128_000);
    let layout = ChannelLayout::default(channels as i32);
    audio.set_channel_layout(layout);
    let audio = audio.open_as(codec).ok()?;
    let block = audio.frame_size() as usize;
    let count = seconds * rate_hz as usize / block;
    let tone = sine(440.0, rate_hz, count * block);
    let frames = tone.chunks_exact(block).enumerate().map(|(index, part)| {
        let mut frame = frame::Audio::new(planar, block, layout);
        frame.set_rate(rate_hz);
        for channel in 0..channels {
            frame.plane_mut::<f32>(channel).fill(0.0);
        }
        frame.plane_mut::<f32>(0).copy_from_slice(part);
        frame.set_pts(Some((index * block) as i64));
        frame
    });
    Some(mux(container, audio.0.0, tick, frames, &[]))
}

/// Encodes frames and puts the packets into a container.
fn mux(
    container: &str,
    mut encoder: codec::encoder::Encoder,
    tick: Rational,
    frames: impl Iterator<Item = impl std::ops::Deref<Target = ffmpeg::Frame>>,
    options: &[(&str, &str)],
) -> Vec<u8> {
    let mut file = tempfile::tempfile().unwrap();
    let io = StreamIo::from_write_seek(file.try_clone().unwrap()).unwrap();
    let mut output = format::output_to_stream(io, None, Some(container)).unwrap();
    let mut stream = output.add_stream_with(&encoder).unwrap();
    stream.set_time_base(tick);
    output.write_header_with(Dictionary::from_iter(options.iter().copied())).unwrap();
    let end = output.stream(0).unwrap().time_base();
    let mut packet = Packet::empty();
    let mut drain = |encoder: &mut codec::encoder::Encoder,
                     output: &mut format::context::Output| {
        while encoder.receive_packet(&mut packet).is_ok() {
            packet.set_stream(0);
            if packet.duration() == 0 {
                // The last frame of an mp4 would last no time at all, and not be shown.
                packet.set_duration(1);
            }
            packet.rescale_ts(tick, end);
            packet.write_interleaved(output).unwrap();
        }
    };
    for frame in frames {
        encoder.send_frame(&frame).unwrap();
        drain(&mut encoder, &mut output);
    }
    encoder.send_eof().unwrap();
    drain(&mut encoder, &mut output);
    output.write_trailer().unwrap();
    drop(output);
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}
