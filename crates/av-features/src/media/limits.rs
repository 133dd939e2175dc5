//! What is read of a media file at most, which kinds of file are read, and how long that may take.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// Containers that are opened, by FFmpeg's names: files with sound and moving pictures, no
/// playlists, no images, no scripts, nothing that refers to other files.
#[cfg(feature = "video")]
pub(crate) const FORMATS: &str = "mov,avi,flv,matroska,mpeg,mpegts,mpegvideo,asf,ogg,wav,w64,aiff,au,flac,mp3,aac,\
    ac3,amr,caf,dv,nistsphere,voc,mxf";

/// Decoders that are used, by FFmpeg's names: those of recorded video and sound. Image codecs are
/// left out: a small file can unfold to gigabytes.
#[cfg(feature = "video")]
pub(crate) const CODECS: &str = "h264,hevc,vp8,vp9,libdav1d,av1,mpeg1video,mpeg2video,mpegvideo,\
    mpeg4,msmpeg4v1,msmpeg4v2,msmpeg4,h263,h263p,flv,vp6,vp6f,vp6a,mjpeg,wmv1,wmv2,wmv3,vc1,theora,\
    prores,dnxhd,dvvideo,rawvideo,huffyuv,ffvhuff,ffv1,cinepak,indeo3,indeo5,svq1,svq3,\
    aac,aac_latm,mp3float,mp3,mp2float,mp2,mp1float,mp1,ac3,eac3,vorbis,libvorbis,opus,libopus,\
    flac,alac,wmav1,wmav2,wmapro,wmalossless,nellymoser,speex,libspeex,amrnb,amrwb,gsm,gsm_ms,\
    pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_u16le,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,\
    pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,pcm_bluray,pcm_dvd,\
    adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,adpcm_swf,adpcm_yamaha,g722,g726,g726le,qcelp,ilbc";

/// Protocols by which one file may lead to another: none but files, and no listed container asks.
#[cfg(feature = "video")]
pub(crate) const PROTOCOLS: &str = "file";

/// Lowest and highest sample rate in Hz that is read or made.
pub(crate) const RATES_HZ: std::ops::RangeInclusive<u32> = 1_000..=384_000;

/// What is read of one media file at most; above it the file is refused with
/// [`Error::TooLarge`], [`Error::FrameSize`] or [`Error::Timeout`].
///
/// [`read_sound`](crate::read_sound), [`Frames::open`](crate::Frames::open) and the extractors take
/// the default, which is above every recording of the field and below what exhausts a machine.
/// [`read_sound_within`](crate::read_sound_within) and
/// [`Frames::open_within`](crate::Frames::open_within) take others.
///
/// Besides, whatever is asked for: containers and codecs are those of a list of recorded sound and
/// video, sample rates are within 1,000 to 384,000 Hz, and 500 damaged packets in a row end a
/// stream.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use av_features::Limits;
///
/// let strict = Limits { pixels: 1920 * 1080, stall: Duration::from_secs(5), ..Limits::default() };
/// assert_eq!(strict.sound_s, 3600);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file. Default 16 GiB: an hour of any camera.
    pub bytes: u64,
    /// Pixels of a frame. Default 2^24, which is 4096 x 4096: 50 MB as RGB. Decoders count what they
    /// round sides up by, so that frames just below the limit may be refused too.
    pub pixels: u64,
    /// Frames of a clip. Default 216,000: an hour at 60 frames a second.
    pub frames: u64,
    /// Seconds of sound. Default 3600: an utterance lasts seconds, a session may last an hour.
    pub sound_s: u64,
    /// Samples of sound, all channels as one. Default an hour at 48,000 Hz: 691 MB.
    pub samples: u64,
    /// Samples of sound for each byte of the file, where there are more than 2^25 (134 MB). Default
    /// 128: more than speech at the lowest bit rates has, less than silence that unfolds without end.
    pub samples_per_byte: u64,
    /// Channels of sound. Default 64.
    pub channels: u64,
    /// Longest wait for the next frame or the next piece of sound. Default one minute. What the
    /// caller does between frames does not count.
    pub stall: Duration,
    /// Longest time for reading the whole clip, counted in the same way. Default one hour.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 16 << 30,
            pixels: 1 << 24,
            frames: 216_000,
            sound_s: 3600,
            samples: 3600 * 48_000,
            samples_per_byte: 128,
            channels: 64,
            stall: Duration::from_secs(60),
            time: Duration::from_secs(3600),
        }
    }
}

/// Samples of sound that a file of any size may unfold to.
const FREE_SAMPLES: u64 = 1 << 25;

impl Limits {
    /// Refuses a value above a limit.
    pub(crate) fn check(path: &Path, what: &'static str, actual: u64, limit: u64) -> Result<()> {
        if actual <= limit {
            return Ok(());
        }
        Err(Error::TooLarge { path: path.to_owned(), what, actual, limit })
    }

    /// Refuses sound that is too long for a file of this size.
    pub(crate) fn check_sound(
        &self,
        path: &Path,
        samples: usize,
        sample_rate_hz: u32,
        file_bytes: u64,
    ) -> Result<()> {
        let samples = samples as u64;
        let seconds = samples / u64::from(sample_rate_hz.max(1));
        Self::check(path, "sound, in seconds,", seconds, self.sound_s)?;
        Self::check(path, "sound, in samples,", samples, self.samples)?;
        if samples <= FREE_SAMPLES {
            return Ok(());
        }
        let share = samples / file_bytes.max(1);
        Self::check(path, "sound, in samples a byte of the file,", share, self.samples_per_byte)
    }
}

/// Refuses a file whose sound has a rate outside of [`RATES_HZ`].
pub(crate) fn check_rate(path: &Path, sample_rate_hz: u32) -> Result<()> {
    if RATES_HZ.contains(&sample_rate_hz) {
        return Ok(());
    }
    Err(Error::FileRate { path: path.to_owned(), sample_rate_hz })
}

/// Measures the time that is spent on a clip against [`Limits::stall`] and [`Limits::time`].
#[derive(Debug)]
pub(crate) struct Clock {
    alarm: Alarm,
    stall: Duration,
    /// What is left of the time of the clip.
    left: Duration,
    started: Duration,
}

/// The moment at which a clip has taken too long; FFmpeg asks for it while it opens and reads.
#[derive(Debug, Clone)]
pub(crate) struct Alarm {
    origin: Instant,
    /// Nanoseconds from the origin.
    at: Arc<AtomicU64>,
}

impl Alarm {
    /// Whether the time is up.
    pub(crate) fn rings(&self) -> bool {
        nanoseconds(self.origin.elapsed()) >= self.at.load(Ordering::Relaxed)
    }
}

impl Clock {
    /// A clock that runs.
    pub(crate) fn start(limits: &Limits) -> Self {
        let alarm = Alarm { origin: Instant::now(), at: Arc::default() };
        let mut clock =
            Self { alarm, stall: limits.stall, left: limits.time, started: Duration::ZERO };
        clock.resume();
        clock
    }

    /// Lets the time run for the next frame.
    pub(crate) fn resume(&mut self) {
        self.started = self.alarm.origin.elapsed();
        let end = self.started.saturating_add(self.stall.min(self.left));
        self.alarm.at.store(nanoseconds(end), Ordering::Relaxed);
    }

    /// Stops the time: a frame is there, and the caller has the word.
    #[cfg(any(test, feature = "video"))]
    pub(crate) fn pause(&mut self) {
        let spent = self.alarm.origin.elapsed().saturating_sub(self.started);
        self.left = self.left.saturating_sub(spent);
    }

    /// What others may ask.
    #[cfg(feature = "video")]
    pub(crate) fn alarm(&self) -> Alarm {
        self.alarm.clone()
    }

    /// Errors: the time is up.
    pub(crate) fn check(&self, path: &Path) -> Result<()> {
        if !self.alarm.rings() {
            return Ok(());
        }
        Err(Error::Timeout {
            path: path.to_owned(),
            limit_s: self.stall.min(self.left).as_secs_f64(),
        })
    }
}

/// 584 years fit.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "clip.mp4";

    fn limits(stall_ms: u64, time_ms: u64) -> Limits {
        let [stall, time] = [stall_ms, time_ms].map(Duration::from_millis);
        Limits { stall, time, ..Limits::default() }
    }

    #[test]
    fn the_time_between_two_frames_does_not_count() {
        let mut clock = Clock::start(&limits(200, 10_000));
        for _ in 0..3 {
            clock.pause();
            std::thread::sleep(Duration::from_millis(90));
            clock.resume();
            assert!(clock.check(Path::new(PATH)).is_ok());
        }
        std::thread::sleep(Duration::from_millis(210));
        let error = clock.check(Path::new(PATH)).unwrap_err().to_string();
        assert!(error.starts_with("clip.mp4 takes longer than 0.2 s"), "{error}");
    }

    #[test]
    fn the_time_of_all_frames_adds_up() {
        let mut clock = Clock::start(&limits(10_000, 100));
        std::thread::sleep(Duration::from_millis(60));
        clock.pause();
        clock.resume();
        assert!(!clock.alarm.rings());
        std::thread::sleep(Duration::from_millis(50));
        assert!(clock.alarm.rings());
    }

    #[test]
    fn a_limit_of_any_length_is_one() {
        let mut clock =
            Clock::start(&Limits { stall: Duration::MAX, time: Duration::MAX, ..limits(0, 0) });
        assert!(!clock.alarm.rings());
        clock.pause();
        clock.resume();
        assert!(!clock.alarm.rings());
        assert!(Clock::start(&limits(0, 0)).alarm.rings());
    }

    #[test]
    fn sound_is_refused_by_seconds_by_samples_and_by_what_a_byte_unfolds_to() {
        let check = |samples, rate_hz, bytes| {
            let result = Limits::default().check_sound(Path::new(PATH), samples, rate_hz, bytes);
            result.err().map(|error| error.to_string())
        };
        let hour = 3600 * 48_000;
        assert_eq!(check(hour, 48_000, 30_000_000), None);
        assert!(check(hour + 1, 96_000, 30_000_000).unwrap().contains("in samples, of 172800001"));
        assert!(check(3601 * 16_000, 16_000, 30_000_000).unwrap().contains("in seconds, of 3601"));
        assert_eq!(check(1 << 25, 48_000, 100), None);
        let bomb = check((1 << 25) + 1, 48_000, 1 << 16).unwrap();
        assert!(bomb.contains("in samples a byte of the file, of 512, more than 128"), "{bomb}");
        assert_eq!(check((1 << 25) + 1, 48_000, 1 << 18), None);
    }

    /// Names of codecs are not always those of their decoders: `adpcm_g722` is decoded by `g722`.
    #[cfg(feature = "video")]
    #[test]
    fn every_decoder_of_the_list_is_one_by_that_name() {
        use video_rs::ffmpeg::decoder;
        // Libraries that FFmpeg may be built without.
        let optional = ["libdav1d", "libvorbis", "libopus", "libspeex"];
        for name in CODECS.split(',').filter(|name| !optional.contains(name)) {
            assert!(decoder::find_by_name(name).is_some(), "there is no decoder `{name}`");
        }
    }
}
