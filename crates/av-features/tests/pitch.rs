//! The pitch of real voices is that of the reference: scripts/goldens/audio.py.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use av_features::{Pyin, read_sound};
use serde_json::Value;

/// How far a pitch may be from the reference, and in what share of the frames it and the voicing must be so.
const MAX_ERROR: f64 = 0.02;
const MIN_SHARE: f64 = 0.99;

/// Unpacks the named wavs of RAVDESS into a folder; false, with a printed reason, where that is impossible.
fn unpack(names: &[&str], folder: &Path) -> bool {
    let Some(data) = support::shared_data() else { return false };
    let archive = data.join("ravdess/wav16k_900.tar.zst");
    if !archive.is_file() {
        println!("skipped: no real recordings at {}", archive.display());
        return false;
    }
    let mut zstd = Command::new("zstd");
    zstd.args(["-dcq", "--long=27"]).arg(&archive).stdout(Stdio::piped());
    let mut zstd = match zstd.spawn() {
        Ok(zstd) => zstd,
        Err(error) => {
            println!("skipped: zstd cannot be run: {error}");
            return false;
        }
    };
    let mut tar = Command::new("tar");
    tar.args(["-x", "--strip-components=1", "-C"]).arg(folder);
    let tar = tar
        .args(names.iter().map(|name| format!("wav16k/{name}")))
        .stdin(zstd.stdout.take().unwrap());
    assert!(tar.status().unwrap().success() && zstd.wait().unwrap().success());
    true
}

#[test]
fn voiced_frames_of_real_voices_have_the_pitch_of_the_reference() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/pitch.json");
    let golden: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let clips = golden["clips"].as_array().unwrap();
    assert_eq!(clips.len(), 40);
    let names: Vec<&str> = clips.iter().map(|clip| clip["name"].as_str().unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    if !unpack(&names, folder.path()) {
        return;
    }
    let pyin = Pyin::default();
    let low_hz = golden["fmin"].as_f64().unwrap();
    assert_eq!((low_hz, golden["fmax"].as_f64()), (pyin.low_hz, Some(pyin.high_hz)));
    let (mut voiced, mut near, mut frames, mut agreed) = (0, 0, 0, 0);
    for (clip, name) in clips.iter().zip(names) {
        let path = folder.path().join(name);
        let hash = blake3::hash(&std::fs::read(&path).unwrap()).to_hex();
        assert_eq!(hash.as_str(), clip["blake3"], "{name} is another file than the reference's");
        let track = pyin.track(&read_sound(&path, pyin.sample_rate_hz).unwrap().samples).unwrap();
        let cents = clip["cents"].as_array().unwrap();
        assert_eq!(track.hz.len(), cents.len(), "{name}");
        let before = near;
        let mut here = 0;
        for (found, cents) in track.hz.iter().zip(cents) {
            let cents = cents.as_f64().unwrap();
            let truth = (cents >= 0.0).then(|| low_hz * 2_f64.powf(cents / 1200.0));
            agreed += usize::from(found.is_some() == truth.is_some());
            if let Some(truth) = truth {
                here += 1;
                near += usize::from(found.is_some_and(|hz| (hz / truth - 1.0).abs() <= MAX_ERROR));
            }
        }
        println!("{name}: {} of {here} voiced frames", near - before);
        voiced += here;
        frames += cents.len();
    }
    println!("{near} of {voiced} voiced frames within 2 %; voicing agrees in {agreed} of {frames}");
    assert!(voiced > 1000, "{voiced}");
    assert!(near as f64 >= MIN_SHARE * voiced as f64, "{near} of {voiced}");
    assert!(agreed as f64 >= MIN_SHARE * frames as f64, "{agreed} of {frames}");
}
