//! Files that hold no detector are errors that say so, whatever is in them.

use av_features::{Error, Extractor, FaceDetector, FaceHog};

use crate::network::{DOUBLE, FLOAT, Message, Network, floats, node, tensor};
use crate::{detector, support};

/// What becomes of a detector; no clip is there to be looked at.
fn answer(detector: FaceDetector) -> Error {
    let hog = FaceHog { detector: Some(detector), ..FaceHog::default() };
    hog.extract("absent.mp4".as_ref()).unwrap_err()
}

/// The reason for which a detector is refused.
fn reason(detector: FaceDetector) -> String {
    let model = detector.model().to_owned();
    let error = answer(detector);
    let Error::Detector { path, reason } = error else { panic!("{error}") };
    assert_eq!(path, model);
    reason
}

/// A network with further fields of its graph.
fn with(more: Vec<(u64, Message)>) -> Network {
    Network { more, ..Network::default() }
}

#[test]
fn the_network_of_these_tests_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let error = answer(detector(folder.path(), &Network::default()));
    assert!(matches!(&error, Error::Read { path, .. } if path.ends_with("absent.mp4")), "{error}");
}

#[test]
fn files_that_are_no_onnx_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let whole = Network::default().file();
    for (bytes, words) in [
        (b"".as_slice(), "it holds no network; was it copied completely?"),
        (b"RIFF....WAVE", "it is no ONNX file, or not all of it"),
        (&whole[..whole.len() / 2], "it is no ONNX file, or not all of it"),
    ] {
        support::write(&path, bytes);
        let reason = reason(FaceDetector::new(&path));
        assert!(reason.starts_with(words), "{reason}");
    }
    let absent = reason(FaceDetector::new(folder.path().join("absent")));
    assert!(absent.ends_with("does it exist, and may it be read?"), "{absent}");
    assert_eq!(reason(FaceDetector::new(folder.path())), "it is not a regular file");
}

#[test]
fn networks_of_another_form_are_refused_with_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let good = Network::default;
    let input =
        |kind, lengths: [u64; 4]| Network { input: (kind, lengths.map(Some).to_vec()), ..good() };
    let second = Message::default().text(1, "second");
    let far = Message::default().text(1, "location").text(2, "weights.bin");
    let far = floats("far", &[1], &[1.0]).number(14, 1).message(13, &far);
    let twice = node("Transpose", &["picture"], "x", &[("perm", &[0, 2, 0, 1])]);
    for (network, words) in [
        (Network { without: Some("kps_16"), ..good() }, "it has no output kps_16; a network of"),
        (Network { kps: 8, ..good() }, "its network cannot be run (kps_8 is"),
        (input(DOUBLE, [1, 3, 64, 64]), "its input is no picture (1, 3, H, W) of 32-bit floats"),
        (input(FLOAT, [1, 1, 64, 64]), "its input is no picture"),
        (input(FLOAT, [2, 3, 64, 64]), "its input is no picture"),
        (input(FLOAT, [1, 3, 60, 64]), "its input has 64 x 60 pixels; sides are multiples of 32"),
        (input(FLOAT, [1, 3, 64, 4096]), "its input has 4096 x 64 pixels"),
        (input(FLOAT, [1, 3, 64, 1 << 62]), "its input has 4611686018427387904 x 64 pixels"),
        (with(vec![(11, second)]), "it has 2 inputs and not one"),
        (with(vec![(1, node("Loop", &["picture"], "x", &[]))]), "its operator Loop is none of"),
        (with(vec![(1, twice)]), "its operator Transpose has an axis twice"),
        (with(vec![(5, far)]), "its numbers are in another file"),
        (with(vec![(1, node("Relu", &["nowhere"], "x", &[]))]), "its network cannot be run"),
        (with(vec![(1, node("Relu", &["x"], "x", &[]))]), "its network cannot be run"),
        (with(vec![(1, node("Relu", &[], "x", &[]))]), "its network cannot be run"),
        (with(vec![(5, tensor("short", FLOAT, &[1 << 40], &[0; 4]))]), "its network cannot be run"),
        (with(vec![(5, tensor("words", 8, &[1], &[0; 4]))]), "its network cannot be run"),
    ] {
        let reason = reason(detector(folder.path(), &network));
        assert!(reason.starts_with(words), "{words}: {reason}");
        assert!(reason.len() < 600, "{reason}");
    }
}

#[test]
fn an_output_that_nothing_makes_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    // `cls_8` is listed, and its operator makes another one.
    let file = Network::default().file();
    let made = Message::default().text(2, "cls_8").text(3, "cls_8").text(4, "Reshape");
    let other = Message::default().text(2, "cls_x").text(3, "cls_8").text(4, "Reshape");
    let [made, other] = [made, other].map(|it| it.into_bytes());
    let at = file.windows(made.len()).position(|it| it == made).unwrap();
    let path = folder.path().join("model");
    support::write(&path, &[&file[..at], &other, &file[at + made.len()..]].concat());
    let reason = reason(FaceDetector::new(path));
    assert!(reason.starts_with("it has no output cls_8"), "{reason}");
}

#[test]
fn arrays_that_unfold_are_refused_before_they_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let scales = floats("scales", &[4], &[1.0, 1.0, 1e4, 1e4]);
    let none = floats("none", &[0], &[]);
    let bomb = node("Resize", &["picture", "none", "scales"], "bomb", &[]);
    let network = with(vec![(5, scales), (5, none), (1, bomb)]);
    let reason = reason(detector(folder.path(), &network));
    let words = "its network cannot be run (an array in it has too many numbers";
    assert!(reason.starts_with(words), "{reason}");
}

#[test]
fn a_score_is_within_0_to_1() {
    let folder = tempfile::tempdir().unwrap();
    let detector = detector(folder.path(), &Network::default());
    for score in [-0.1, 1.1, f64::NAN] {
        let reason = reason(detector.clone().with_score(score));
        assert_eq!(reason, "its score must be within 0 to 1");
    }
}

#[test]
fn a_file_that_is_damaged_anywhere_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let whole = Network::default().file();
    // Names, shapes and operators lie between weights, most of which are 0.
    let told: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] != 0).collect();
    for number in 0..300 {
        let at = told[number * 7919 % told.len()];
        let mut bytes = whole.clone();
        if number % 10 == 0 {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << (number % 8);
        }
        support::write(&path, &bytes);
        let error = answer(FaceDetector::new(&path));
        assert!(matches!(error, Error::Detector { .. } | Error::Read { .. }), "{at}: {error}");
    }
}
