//! The script that cuts the pictures of turns out of IEMOCAP's videos.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

use av_datasets::{Clip, CorpusConfig, Source};
use av_features::{ClipFormat, Frames, write_clip};
use av_train::write_atomic as write;
use std::path::Path;
use std::process::{Command, Output};

const TURNS: &str = "[1.0000 - 2.0000]\tSes02M_impro01_M000\thap\t[2, 2, 2]\n\
                     [1.6000 - 3.2000]\tSes02M_impro01_F000\tsad\t[2, 2, 2]\n";

/// Four seconds of MPEG-4 in avi, each darker than the one before: red on the left, blue on the right.
fn write_dialogue(path: &Path) {
    let format = ClipFormat { width: 128, height: 64, fps: 25, sample_rate_hz: 16_000 };
    let picture = |number: usize| -> Vec<u8> {
        let level = 240 - 40 * (number / 25) as u8;
        let pixel = |i: usize| if i % 128 < 64 { [level, 0, 0] } else { [0, 0, level] };
        (0..128 * 64).flat_map(pixel).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    write_clip(&clip, &format, (0..100).map(picture), &[]).unwrap();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(clip).args(["-c:v", "mpeg4", "-q:v", "2"]).arg(path);
    assert!(ffmpeg.status().unwrap().success());
}

fn cut(root: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/iemocap/cut");
    Command::new(script).arg(root).output().unwrap()
}

/// Whether there is an ffmpeg; says so where there is none.
fn has_ffmpeg() -> bool {
    let found = Command::new("ffmpeg").arg("-version").output().is_ok();
    if !found {
        println!("skipped: no program ffmpeg");
    }
    found
}

/// The levels of red and blue in the middle of every frame of a clip's picture, each 64 pixels wide.
fn levels(clip: &Clip) -> Vec<[u8; 2]> {
    let Some(Source::Media(path)) = &clip.sources[av_datasets::Modality::Video] else {
        panic!("no picture of {}", clip.id)
    };
    let level = |frame: av_features::Result<av_features::Frame>| {
        let frame = frame.unwrap();
        assert_eq!([frame.width, frame.height], [64, 64]);
        let middle = 3 * (32 * 64 + 32);
        [frame.rgb[middle], frame.rgb[middle + 2]]
    };
    Frames::open(path).unwrap().map(level).collect()
}

#[test]
fn turns_have_the_picture_of_their_time_and_their_speaker() {
    if !has_ffmpeg() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("Session2");
    let evaluation = format!("% [START_TIME\n\n{TURNS}C-E2:\n");
    write(&session.join("dialog/EmoEvaluation/Ses02M_impro01.txt"), evaluation.as_bytes()).unwrap();
    for turn in ["M000", "F000"] {
        write(
            &session.join(format!("sentences/wav/Ses02M_impro01/Ses02M_impro01_{turn}.wav")),
            b"",
        )
        .unwrap();
    }

    // Without its video a dialogue is told, and nothing is written.
    let output = cut(root.path());
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Ses02M_impro01.avi is missing"), "{said}");

    write_dialogue(&session.join("dialog/avi/DivX/Ses02M_impro01.avi"));
    let output = cut(root.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let dataset = CorpusConfig::shipped("iemocap-4").unwrap().index(root.path()).unwrap();
    assert_eq!(dataset.problems, []);
    let [female, male] = dataset.clips.as_slice() else { panic!("two turns") };
    let near = |found: &[[u8; 2]], truth: &[[u8; 2]]| {
        assert_eq!(found.len(), truth.len());
        for (number, (found, truth)) in found.iter().zip(truth).enumerate() {
            let apart = [0, 1].map(|colour| found[colour].abs_diff(truth[colour]));
            assert!(apart.iter().all(|&it| it < 12), "frame {number}: {found:?} for {truth:?}");
        }
    };
    // The man wears the markers: he is on the left.
    near(&levels(male), &[[200, 0]; 25]);
    let seconds = [([0, 200], 10), ([0, 160], 25), ([0, 120], 5)];
    let seconds = seconds.map(|(level, frames)| vec![level; frames]).concat();
    near(&levels(female), &seconds);

    // A second run leaves what is there.
    let Some(Source::Media(picture)) = &male.sources[av_datasets::Modality::Video] else {
        panic!("no picture")
    };
    write(picture, b"mine").unwrap();
    assert!(cut(root.path()).status.success());
    assert_eq!(std::fs::read(picture).unwrap(), b"mine");
}

#[test]
fn a_video_that_cannot_be_read_is_told_and_leaves_no_file() {
    if !has_ffmpeg() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("Session2");
    write(&session.join("dialog/EmoEvaluation/Ses02M_impro01.txt"), TURNS.as_bytes()).unwrap();
    write(&session.join("dialog/avi/DivX/Ses02M_impro01.avi"), b"RIFF").unwrap();
    // A run that was killed left half of a picture.
    let pictures = session.join("sentences/avi/Ses02M_impro01");
    write(&pictures.join("Ses02M_impro01_F000.avi.part"), b"RIFF").unwrap();
    let output = cut(root.path());
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Ses02M_impro01_F000 cannot be cut out of"), "{said}");
    assert_eq!(std::fs::read_dir(pictures).unwrap().count(), 0);
}

#[test]
fn a_folder_without_sessions_is_told() {
    let root = tempfile::tempdir().unwrap();
    let output = cut(root.path());
    assert_eq!(output.status.code(), Some(2));
}
