//! Wav files of every kind that is met in the field.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use std::path::{Path, PathBuf};

use av_features::{Error, Extractor, Functionals, LogMel, Values, read_sound};
use hound::{SampleFormat, WavSpec, WavWriter};
use support::sine;

/// Writes a wav file whose channels are the sine and copies of it at half the amplitude.
fn wav(folder: &Path, bits: u16, format: SampleFormat, channels: u16, rate_hz: u32) -> PathBuf {
    let path = folder.join(format!("{bits}-{format:?}-{channels}.wav"));
    let spec =
        WavSpec { channels, sample_rate: rate_hz, bits_per_sample: bits, sample_format: format };
    let mut writer = WavWriter::create(&path, spec).unwrap();
    for sample in sine(440.0, rate_hz, rate_hz as usize) {
        for channel in 0..channels {
            let sample = if channel == 0 { sample } else { sample / 2.0 };
            match format {
                SampleFormat::Float => writer.write_sample(sample).unwrap(),
                SampleFormat::Int => {
                    let full = 2_f64.powi(i32::from(bits) - 1);
                    writer.write_sample((f64::from(sample) * full).round() as i32).unwrap();
                }
            }
        }
    }
    writer.finalize().unwrap();
    path
}

#[test]
fn integers_of_8_to_32_bits_and_floats_are_read_with_their_scale() {
    let folder = tempfile::tempdir().unwrap();
    let truth = sine(440.0, 16_000, 16_000);
    for (bits, format, error) in [
        (8, SampleFormat::Int, 1.0 / 250.0),
        (16, SampleFormat::Int, 1.0 / 65_000.0),
        (24, SampleFormat::Int, 1e-7),
        (32, SampleFormat::Int, 1e-7),
        (32, SampleFormat::Float, 0.0),
    ] {
        let path = wav(folder.path(), bits, format, 1, 16_000);
        let sound = read_sound(&path, 16_000).unwrap();
        assert_eq!((sound.samples.len(), sound.sample_rate_hz), (16_000, 16_000));
        let worst =
            sound.samples.iter().zip(&truth).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= error, "{bits} {format:?}: {worst}");
    }
}

#[test]
fn channels_are_averaged() {
    let folder = tempfile::tempdir().unwrap();
    for channels in [2, 3, 6] {
        let path = wav(folder.path(), 32, SampleFormat::Float, channels, 16_000);
        let sound = read_sound(&path, 16_000).unwrap();
        let gain = (1.0 + f32::from(channels - 1) / 2.0) / f32::from(channels);
        let truth = sine(440.0, 16_000, 16_000);
        let worst = sound.samples.iter().zip(&truth).map(|(a, b)| (a - gain * b).abs());
        assert!(worst.fold(0.0, f32::max) < 1e-6, "{channels}");
    }
}

#[test]
fn a_truncated_file_gives_what_is_there_and_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = wav(folder.path(), 16, SampleFormat::Int, 2, 16_000);
    let bytes = std::fs::read(&path).unwrap();
    // Half of the samples and a lone byte.
    support::write(&path, &bytes[..44 + 4 * 8000 + 1]);
    let sound = read_sound(&path, 16_000).unwrap();
    assert_eq!(sound.samples.len(), 8000);
    assert_eq!(sound.warnings.len(), 1, "{:?}", sound.warnings);
    let features = LogMel::default().extract(&path).unwrap();
    assert_eq!(features.warnings, sound.warnings);
}

#[test]
fn a_file_without_samples_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = wav(folder.path(), 16, SampleFormat::Int, 1, 16_000);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(44);
    support::write(&path, &bytes);
    assert!(matches!(read_sound(&path, 16_000), Err(Error::Empty { .. })));
    bytes[40..44].fill(0);
    support::write(&path, &bytes);
    assert!(matches!(read_sound(&path, 16_000), Err(Error::Empty { .. })));
}

#[test]
fn samples_that_are_no_numbers_become_zero_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nan.wav");
    let spec = WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 32,
        sample_format: SampleFormat::Float,
    };
    let mut writer = WavWriter::create(&path, spec).unwrap();
    for sample in [0.5, f32::NAN, f32::INFINITY, -0.5] {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
    let sound = read_sound(&path, 16_000).unwrap();
    assert_eq!(sound.samples, [0.5, 0.0, 0.0, -0.5]);
    assert_eq!(sound.warnings.len(), 1);
}

#[test]
fn damaged_headers_are_errors_and_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = wav(folder.path(), 16, SampleFormat::Int, 1, 16_000);
    let bytes = std::fs::read(&path).unwrap()[..2000].to_vec();
    for at in 0..44 {
        for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            support::write(&path, &damaged);
            if let Ok(sound) = read_sound(&path, 16_000) {
                assert!(!sound.samples.is_empty() && sound.samples.len() < 100_000);
            }
        }
    }
}

#[cfg(not(feature = "video"))]
#[test]
fn without_ffmpeg_other_files_say_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mp4");
    support::write(&path, b"no wav");
    assert!(matches!(read_sound(&path, 16_000), Err(Error::WithoutVideo { .. })));
    assert!(matches!(av_features::Frames::open(&path), Err(Error::WithoutVideo { .. })));
    let crops = av_features::FaceCrops::default().extract(&path);
    assert!(matches!(crops, Err(Error::WithoutVideo { .. })));
}

/// A wav file with the sine in a coding that hound does not know.
#[cfg(feature = "video")]
fn coded(folder: &Path, code: u16, bits: u16, data: &[u8], data_length: u32) -> PathBuf {
    let path = folder.join(format!("{code}-{bits}.wav"));
    let block = bits / 8;
    let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x12\0\0\0".to_vec();
    bytes.extend(code.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(16_000_u32.to_le_bytes());
    bytes.extend((16_000 * u32::from(block)).to_le_bytes());
    bytes.extend(block.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend(b"data");
    bytes.extend(data_length.to_le_bytes());
    bytes.extend(data);
    support::write(&path, &bytes);
    path
}

#[cfg(feature = "video")]
#[test]
fn integers_of_24_bits_in_32_are_the_upper_ones() {
    let folder = tempfile::tempdir().unwrap();
    let truth = sine(440.0, 16_000, 1600);
    let data: Vec<u8> = truth
        .iter()
        .flat_map(|&s| ((f64::from(s) * 8_388_608.0).round() as i32 * 256).to_le_bytes())
        .collect();
    let path = coded(folder.path(), 0xfffe, 32, &data, 6400);
    let mut bytes = std::fs::read(&path).unwrap();
    // The format becomes 40 bytes long: 24 bits are in use, no loudspeakers, integers.
    bytes[16] = 40;
    let guid = [1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
    bytes.splice(36..38, [22, 0, 24, 0, 0, 0, 0, 0].into_iter().chain(guid));
    // Notes of an odd length, filled up as they are to be or not, before the format at 12 and before the data at 60.
    let (filled, bare) = (b"note\x03\0\0\0abc\0", b"note\x03\0\0\0abc");
    for (notes, at) in [(&[][..], 12), (filled, 12), (filled, 60), (bare, 12), (bare, 60)] {
        let mut bytes = bytes.clone();
        bytes.splice(at..at, notes.iter().copied());
        support::write(&path, &bytes);
        let sound = read_sound(&path, 16_000).unwrap();
        assert_eq!(sound.samples.len(), 1600, "{notes:?} at {at}");
        let errors = sound.samples.iter().zip(&truth).map(|(a, b)| (a - b).abs());
        let worst = errors.fold(0.0, f32::max);
        assert!(worst < 1e-6, "{notes:?} at {at}: {worst}");
    }
}

#[cfg(feature = "video")]
#[test]
fn doubles_a_law_and_recordings_without_an_end_are_read_through_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    let truth = sine(440.0, 16_000, 16_000);
    let check = |path: &Path, bound: f32| {
        let sound = read_sound(path, 16_000).unwrap();
        assert_eq!(sound.samples.len(), 16_000, "{path:?}");
        let worst =
            sound.samples.iter().zip(&truth).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= bound, "{path:?}: {worst}");
    };
    let doubles: Vec<u8> = truth.iter().flat_map(|&s| f64::from(s).to_le_bytes()).collect();
    check(&coded(folder.path(), 3, 64, &doubles, 128_000), 0.0);
    let shorts: Vec<u8> =
        truth.iter().flat_map(|&s| ((s * 32_768.0).round() as i16).to_le_bytes()).collect();
    check(&coded(folder.path(), 1, 16, &shorts, u32::MAX), 1.0 / 65_000.0);
    check(&coded(folder.path(), 1, 16, &shorts, 0), 1.0 / 65_000.0);
    let a_law: Vec<u8> = vec![0xd5; 16_000];
    let sound = read_sound(&coded(folder.path(), 6, 8, &a_law, 16_000), 16_000).unwrap();
    assert!(sound.samples.iter().all(|s| s.abs() < 1e-3), "0xd5 is the smallest value of A-law");
}

#[test]
fn features_of_a_wav_have_their_shape_and_are_the_same_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = wav(folder.path(), 16, SampleFormat::Int, 1, 44_100);
    let log_mel = LogMel { segments: 7, mels: 40, frames: 33, ..LogMel::default() };
    let features = log_mel.extract(&path).unwrap();
    assert_eq!(features.shape, [7, 3, 40, 33]);
    assert_eq!((features.values.len(), features.times_s.len()), (7 * 3 * 40 * 33, 7));
    assert!((features.times_s[3] - 0.5).abs() < 1e-4);
    assert_eq!(features, log_mel.extract(&path).unwrap());
    let functionals = Functionals::default().extract(&path).unwrap();
    assert_eq!(functionals.shape, [1, functionals.names.len()]);
    assert_eq!(functionals, Functionals::default().extract(&path).unwrap());
}

#[test]
fn the_shortest_clip_of_one_click_has_features() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("click.wav");
    let spec = WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(&path, spec).unwrap();
    let shortest = (48_000.0 * av_features::segments::MIN_CLIP_S) as usize;
    for index in 0..shortest {
        writer.write_sample(if index == 0 { 1000_i16 } else { 0 }).unwrap();
    }
    writer.finalize().unwrap();
    let Values::F32(values) = LogMel::default().extract(&path).unwrap().values else {
        panic!("log-mel is f32")
    };
    assert!(values.iter().all(|value| value.is_finite()));
    let Values::F32(values) = Functionals::default().extract(&path).unwrap().values else {
        panic!("functionals are f32")
    };
    assert!(values.iter().all(|value| value.is_finite()));
}
