//! What the cache returns is what the extractor would return, whatever happened to the entry.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use std::path::{Path, PathBuf};

use av_features::{Cache, Error, Extractor, Faces, Features, Origin, Result, Values};
use serde::Serialize;

/// Reports the length of a file, in awkward numbers.
#[derive(Serialize)]
struct Length {
    scale: f32,
}

impl Extractor for Length {
    fn name(&self) -> &'static str {
        "length"
    }

    fn version(&self) -> u32 {
        1
    }

    fn extract(&self, media: &Path) -> Result<Features> {
        let length = media.metadata().unwrap().len();
        Ok(Features {
            shape: vec![1, 4],
            values: Values::F32(vec![
                length as f32 * self.scale,
                f32::NAN,
                -0.0,
                f32::MIN_POSITIVE,
            ]),
            times_s: vec![1.0 / 3.0, 0.1 + 0.2, 1e-300],
            names: ["a", "b", "c", "d \u{e9}"].map(String::from).to_vec(),
            faces: Some(Faces { frames: 7, found: 3 }),
            warnings: vec!["ends early".into()],
        })
    }
}

/// The same extractor a version later.
#[derive(Serialize)]
struct Longer {
    scale: f32,
}

impl Extractor for Longer {
    fn name(&self) -> &'static str {
        "length"
    }

    fn version(&self) -> u32 {
        2
    }

    fn extract(&self, media: &Path) -> Result<Features> {
        Length { scale: self.scale + 1.0 }.extract(media)
    }
}

/// Bit for bit, which is more than `==` says about NaN and -0.
fn bits(features: &Features) -> String {
    let values: Vec<u32> = match &features.values {
        Values::F32(values) => values.iter().map(|value| value.to_bits()).collect(),
        Values::U8(values) => values.iter().map(|&value| value.into()).collect(),
    };
    let times: Vec<u64> = features.times_s.iter().map(|time| time.to_bits()).collect();
    let rest = (&features.shape, &features.names, features.faces, &features.warnings);
    format!("{values:?} {times:?} {rest:?}")
}

struct Bench {
    folder: tempfile::TempDir,
    cache: Cache,
    media: PathBuf,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(&folder.path().join("deep/cache")).unwrap();
    let media = folder.path().join("clip.mp4");
    support::write(&media, b"some film");
    Bench { folder, cache, media }
}

impl Bench {
    fn ask(&self) -> (String, Origin) {
        let cached = self.cache.features(&self.media, &Length { scale: 0.5 }).unwrap();
        (bits(&cached.features), cached.origin)
    }

    fn entries(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("deep/cache");
        folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

#[test]
fn the_second_time_the_same_bits_are_read() {
    let bench = bench();
    let (first, origin) = bench.ask();
    assert_eq!(origin, Origin::Computed);
    assert_eq!(bench.ask(), (first, Origin::Hit));
}

#[test]
fn content_configuration_and_version_make_another_entry_and_the_name_does_not() {
    let bench = bench();
    bench.ask();
    let renamed = bench.folder.path().join("renamed.avi");
    std::fs::rename(&bench.media, &renamed).unwrap();
    let origin =
        |media: &Path, scale| bench.cache.features(media, &Length { scale }).unwrap().origin;
    assert_eq!(origin(&renamed, 0.5), Origin::Hit);
    assert_eq!(origin(&renamed, 0.25), Origin::Computed);
    let later = bench.cache.features(&renamed, &Longer { scale: 0.5 }).unwrap();
    assert_eq!(later.origin, Origin::Computed);
    support::write(&renamed, b"some Film");
    assert_eq!(origin(&renamed, 0.5), Origin::Computed);
    assert_eq!(bench.entries().len(), 4);
}

#[test]
fn one_changed_byte_anywhere_is_noticed_and_mended() {
    let bench = bench();
    let (truth, _) = bench.ask();
    let path = bench.entries().remove(0);
    let entry = std::fs::read(&path).unwrap();
    for at in 0..entry.len() {
        let mut damaged = entry.clone();
        damaged[at] ^= 0x10;
        support::write(&path, &damaged);
        assert_eq!(bench.ask(), (truth.clone(), Origin::Rebuilt), "byte {at}");
    }
    assert_eq!(bench.ask(), (truth, Origin::Hit));
    assert_eq!(std::fs::read(&path).unwrap(), entry);
}

#[test]
fn truncated_lengthened_and_foreign_entries_are_mended() {
    let bench = bench();
    let (truth, _) = bench.ask();
    let path = bench.entries().remove(0);
    let entry = std::fs::read(&path).unwrap();
    for length in 0..entry.len() {
        support::write(&path, &entry[..length]);
        assert_eq!(bench.ask(), (truth.clone(), Origin::Rebuilt), "{length} bytes");
    }
    support::write(&path, &[entry.as_slice(), b"x"].concat());
    assert_eq!(bench.ask(), (truth.clone(), Origin::Rebuilt));
    // A valid entry of another configuration under this name.
    bench.cache.features(&bench.media, &Length { scale: 9.0 }).unwrap();
    let other = bench.entries().into_iter().find(|entry| *entry != path).unwrap();
    std::fs::rename(other, &path).unwrap();
    assert_eq!(bench.ask(), (truth, Origin::Rebuilt));
}

#[test]
fn lengths_that_promise_too_much_allocate_nothing() {
    let bench = bench();
    let (truth, _) = bench.ask();
    let path = bench.entries().remove(0);
    let entry = std::fs::read(&path).unwrap();
    for field in [8, 16] {
        let mut hostile = entry.clone();
        hostile[field..field + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        support::write(&path, &hostile);
        assert_eq!(bench.ask(), (truth.clone(), Origin::Rebuilt));
    }
}

#[test]
fn an_entry_of_gigabytes_is_not_read_and_a_pipe_in_its_place_does_not_wait() {
    let bench = bench();
    let (truth, _) = bench.ask();
    let path = bench.entries().remove(0);
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap(); // a hole
    assert_eq!(bench.ask(), (truth, Origin::Rebuilt));
    std::fs::remove_file(&path).unwrap();
    match std::process::Command::new("mkfifo").arg(&path).status() {
        Ok(status) if status.success() => {
            let error = bench.cache.features(&bench.media, &Length { scale: 0.5 }).unwrap_err();
            assert!(matches!(&error, Error::NotAFile { path: pipe } if *pipe == path), "{error}");
        }
        _ => println!("skipped: mkfifo is not available"),
    }
}

#[test]
fn a_failed_extraction_is_not_stored() {
    let bench = bench();
    let error = bench.cache.features(&bench.media, &av_features::LogMel::default()).unwrap_err();
    let expected = if cfg!(feature = "video") {
        matches!(error, Error::Open { .. })
    } else {
        matches!(error, Error::WithoutVideo { .. })
    };
    assert!(expected, "{error}");
    assert!(bench.entries().is_empty());
    let absent = bench.folder.path().join("absent.mp4");
    let error = bench.cache.features(&absent, &Length { scale: 1.0 }).unwrap_err();
    assert!(matches!(error, Error::Read { .. }), "{error}");
}

#[test]
fn many_threads_share_a_folder() {
    let bench = bench();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| drop(bench.ask())));
        }
    });
    assert_eq!(bench.ask().1, Origin::Hit);
    assert_eq!(bench.entries().len(), 1);
}

/// As many numbers as fill a small disk.
#[derive(Serialize)]
struct Flood {}

impl Extractor for Flood {
    fn name(&self) -> &'static str {
        "flood"
    }

    fn version(&self) -> u32 {
        1
    }

    fn extract(&self, _: &Path) -> Result<Features> {
        Ok(Features {
            shape: vec![1, 1 << 20],
            values: Values::U8(vec![1; 1 << 20]),
            times_s: vec![0.0],
            names: vec![],
            faces: None,
            warnings: vec![],
        })
    }
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing_behind() {
    let bench = bench();
    let disk = bench.folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mut mount = std::process::Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(&disk);
    if !mount.output().is_ok_and(|output| output.status.success()) {
        println!("skipped: a small disk cannot be mounted here");
        return;
    }
    let result = Cache::open(&disk).unwrap().features(&bench.media, &Flood {});
    let left = disk.read_dir().unwrap().count();
    std::process::Command::new("umount").arg(&disk).status().unwrap();
    assert!(matches!(result, Err(Error::Write { .. })), "{result:?}");
    assert_eq!(left, 0);
}
