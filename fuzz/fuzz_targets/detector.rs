//! ONNX files as face detectors: a network that is damaged anywhere is refused, or looks at a picture.
#![no_main]

#[path = "../../crates/av-features/tests/detector/network.rs"]
#[allow(dead_code)]
mod network;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use av_features::{ClipFormat, Error, FaceDetector, FaceTrack, Follow, write_clip};
use libfuzzer_sys::fuzz_target;
use network::Network;
use tempfile::TempDir;

struct Scene {
    whole: Vec<u8>,
    clip: PathBuf,
    model: PathBuf,
    _folder: TempDir,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    // Panics of the library below are caught and become errors; the hook of the fuzzer would end the process before.
    // Those of this target are not caught, and end it all the same.
    std::panic::set_hook(Box::new(|panic| {
        if panic.location().is_some_and(|place| place.file().contains("fuzz_targets")) {
            eprintln!("{panic}");
        }
    }));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [clip, model] = ["clip.mp4", "model.onnx"].map(|name| folder.path().join(name));
    let format = ClipFormat { width: 64, height: 64, fps: 20, sample_rate_hz: 16_000 };
    let picture: Vec<u8> =
        (0..64 * 64).flat_map(|i| [(i % 64) as u8, 90, 4 * (i / 64) as u8]).collect();
    write_clip(&clip, &format, std::iter::once(picture), &[]).expect("a clip");
    Scene { whole: Network::default().file(), clip, model, _folder: folder }
});

fn write(path: &Path, bytes: &[u8]) {
    File::create(path).and_then(|mut file| file.write_all(bytes)).expect("a written file");
}

// Each four bytes are a change of the file: three say where, the last is written there. A place behind the end cuts it off.
fuzz_target!(|bytes: &[u8]| {
    let mut model = SCENE.whole.clone();
    for [low, middle, high, value] in bytes.as_chunks::<4>().0 {
        let at = u32::from_le_bytes([*low, *middle, *high, 0]) as usize;
        match model.get_mut(at) {
            Some(byte) => *byte = *value,
            None => model.truncate(at % (model.len() + 1)),
        }
    }
    write(&SCENE.model, &model);
    let detector = FaceDetector::new(&SCENE.model);
    match FaceTrack::found_by(Some(&detector), &SCENE.clip, 1, Follow::Largest) {
        Ok(_) => {}
        Err(Error::Detector { path, .. }) => assert_eq!(path, SCENE.model),
        Err(error) => panic!("{error}"),
    }
});
