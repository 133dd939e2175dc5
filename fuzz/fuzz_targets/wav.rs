//! Sound files: any bytes are finite samples at the rate that was asked for, or an error that names the file.
#![no_main]

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

fuzz_target!(|bytes: &[u8]| {
    let path: PathBuf = FOLDER.path().join("sound.wav");
    File::create(&path).and_then(|mut file| file.write_all(bytes)).expect("a written file");
    match av_features::read_sound(&path, 16_000) {
        Ok(sound) => {
            assert!(!sound.samples.is_empty() && sound.sample_rate_hz == 16_000);
            assert!(sound.samples.iter().all(|sample| sample.is_finite()));
        }
        Err(error) => assert!(error.to_string().contains("sound.wav"), "{error}"),
    }
});
