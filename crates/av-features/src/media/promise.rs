//! How long a stream says that it is, so that a file which ends early is told.

use std::io::{self, Read, Seek};

use video_rs::ffmpeg::{ffi::AV_NOPTS_VALUE, format::stream::Stream};

use super::stream::seconds;

/// Containers without a header: FFmpeg guesses their length from the rate of the first frames.
const GUESSED: [&str; 8] = ["mp3", "aac", "ac3", "amr", "dv", "mpeg", "mpegts", "mpegvideo"];

/// Bytes within which an mp3 file tells how many frames it has.
const START: u64 = 1 << 16;

/// Marks of such a header. Three bytes of zero follow the first two.
const COUNTS: [&[u8]; 3] = [b"Xing\0\0\0", b"Info\0\0\0", b"VBRI"];

/// Whether a file that is mp3 tells how many frames it has. The file is read from its start again afterwards.
pub(super) fn counts_frames(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut start = vec![];
    file.by_ref().take(START).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(COUNTS.iter().any(|mark| start.windows(mark.len()).any(|bytes| bytes == *mark)))
}

/// The duration that a stream itself promises, in seconds; none where it is a guess or that of the whole file.
pub(super) fn length_s(container: &str, stream: &Stream<'_>, counts_frames: bool) -> Option<f64> {
    if GUESSED.contains(&container) && !(container == "mp3" && counts_frames) {
        return None;
    }
    let tick_s = seconds(stream.time_base());
    if container.starts_with("matroska") {
        let start = stream.start_time();
        let start_s = if start == AV_NOPTS_VALUE { 0.0 } else { start as f64 * tick_s };
        // The time at which the stream ends.
        return Some(time_s(stream.metadata().get("DURATION")?)? - start_s);
    }
    let own_s = (stream.duration() > 0).then(|| stream.duration() as f64 * tick_s);
    let fps = seconds(stream.avg_frame_rate());
    // The avi reader shortens the duration of a truncated file, but not the number of frames.
    let counted = container == "avi" && fps > 0.0 && stream.frames() > 0;
    let counted_s = counted.then(|| stream.frames() as f64 / fps);
    own_s.into_iter().chain(counted_s).reduce(f64::max)
}

/// Seconds of a time such as `00:01:02.500000000`.
fn time_s(text: &str) -> Option<f64> {
    text.split(':').try_fold(0.0, |sum, part| Some(60.0 * sum + part.trim().parse::<f64>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_matroska_are_read() {
        assert_eq!(time_s("01:02:03.500000000"), Some(3723.5));
        assert_eq!(time_s("00:00:04.001000000"), Some(4.001));
        assert_eq!(time_s("soon"), None);
    }

    #[test]
    fn a_file_is_read_from_its_start_afterwards() {
        for (bytes, counts) in [
            (b"ID3 .. \xFF\xFBXing\0\0\0\x0F".as_slice(), true),
            (b"VBRI", true),
            (b"Information", false),
            (b"", false),
        ] {
            let mut file = io::Cursor::new(bytes);
            assert_eq!(counts_frames(&mut file).unwrap(), counts);
            assert_eq!(file.position(), 0);
        }
    }
}
