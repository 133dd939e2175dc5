//! `av-bench extract` as its users meet it: on several machines, interrupted, killed, with bad files, on many clips.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use av_features::{ClipFormat, write_clip};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const FORM: ClipFormat = ClipFormat { width: 64, height: 64, fps: 20, sample_rate_hz: 16_000 };

const EXPERIMENT: &str = r#"
    name = "extraction"
    seeds = [1]
    audio = { kind = "log-mel" }
    video = { kind = "face-crops", segments = 1, size = 8 }
    protocol = { kind = "leave-one-subject-out" }

    [dataset]
    kind = "pattern"
    name = "flat"
    pattern = '(?<id>(?<subject>s\d)_(?<label>[ab])_\d+)\.mp4'
    example = "s1_a_07.mp4"
"#;

/// Short clips that all differ: a flat picture, which costs the face detector no time, and a tone.
struct Corpus {
    folder: tempfile::TempDir,
    clips: usize,
}

impl Corpus {
    fn new(clips: usize) -> Self {
        let corpus = Self { folder: tempfile::tempdir().unwrap(), clips };
        std::fs::create_dir(corpus.path("data")).unwrap();
        for clip in 0..clips {
            let samples: Vec<f32> =
                (0..8000).map(|i| 0.3 * ((i * (clip + 20)) as f32 * 1e-3).sin()).collect();
            let picture = vec![(clip % 200) as u8; 64 * 64 * 3];
            let frames = std::iter::repeat_n(picture, 10);
            write_clip(&corpus.clip(clip), &FORM, frames, &samples).unwrap();
        }
        av_train::write_atomic(&corpus.path("experiment.toml"), EXPERIMENT.as_bytes()).unwrap();
        corpus
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn clip(&self, clip: usize) -> PathBuf {
        let label = ["a", "b"][clip % 2];
        self.path("data").join(format!("s{}_{label}_{clip:04}.mp4", clip % 5))
    }

    fn command(&self, cache: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_av-bench"));
        command
            .arg("extract")
            .arg(self.path("experiment.toml"))
            .args(["--data".as_ref(), self.path("data").as_os_str()])
            .args(["--cache".as_ref(), self.path(cache).as_os_str()])
            .args(more);
        command
    }

    fn start(&self, cache: &str) -> Child {
        let mut command = self.command(cache, &[]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Every file of a cache with its bytes.
    fn entries(&self, cache: &str) -> BTreeMap<String, Vec<u8>> {
        let files = self.path(cache).read_dir().unwrap().map(|entry| entry.unwrap());
        files
            .map(|file| {
                (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap())
            })
            .collect()
    }

    /// Waits until a cache holds this many entries or the child has ended; whether it still runs.
    fn wait(&self, child: &mut Child, cache: &str, entries: usize) -> bool {
        while child.try_wait().unwrap().is_none() {
            if count(&self.path(cache)) >= entries {
                return true;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        false
    }
}

fn count(cache: &Path) -> usize {
    let Ok(files) = cache.read_dir() else { return 0 };
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some()).count()
}

#[track_caller]
fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn succeed(mut command: Command) -> String {
    let output = command.output().unwrap();
    let (summary, errors) = text(&output);
    assert!(output.status.success(), "{summary}{errors}");
    summary
}

#[test]
fn killed_again_and_again_the_cache_comes_out_the_same() {
    let corpus = Corpus::new(60);
    succeed(corpus.command("whole", &[]));
    let whole = corpus.entries("whole");
    assert_eq!(whole.len(), 2 * corpus.clips);
    let mut kills = 0;
    loop {
        let mut child = corpus.start("killed");
        let reached = count(&corpus.path("killed"));
        if !corpus.wait(&mut child, "killed", reached + 15) {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        // What is there is complete, and no kill undoes what was done.
        let entries = corpus.entries("killed");
        assert!(count(&corpus.path("killed")) >= reached + 15);
        for (name, bytes) in entries.iter().filter(|(name, _)| name.ends_with(".features")) {
            assert!(whole.get(name) == Some(bytes), "{name}");
        }
        // What a writer leaves behind that is killed between the two steps of writing.
        av_train::write_atomic(&corpus.path("killed/.features-half"), b"half").unwrap();
    }
    assert!(kills >= 3, "{kills}");
    assert!(
        succeed(corpus.command("killed", &[]))
            .contains("60 clips: 0 computed, 60 from the cache, 0 rebuilt, 0 failed")
    );
    assert!(corpus.entries("killed") == whole);
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_tells_how_to_go_on_and_memory_does_not_grow_with_the_clips() {
    // Their features take 1.5 MB a clip: 300 MB if they were kept.
    let corpus = Corpus::new(200);
    let mut child = corpus.start("cache");
    assert!(corpus.wait(&mut child, "cache", 20));
    // The shell has it where the program `kill` is not installed.
    Command::new("sh").arg("-c").arg(format!("kill -INT {}", child.id())).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let (_, errors) = text(&output);
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert!(errors.contains("the same command goes on from there"), "{errors}");
    let reached = count(&corpus.path("cache"));
    assert!(reached < 2 * corpus.clips, "{reached}");

    let mut child = corpus.start("cache");
    let mut peak_kb = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        peak_kb = peak_kb.max(number.map_or(0, |number| number.parse().unwrap()));
        std::thread::sleep(Duration::from_millis(2));
    }
    let (summary, errors) = text(&child.wait_with_output().unwrap());
    println!("{peak_kb} kB at most\n{summary}");
    let begun = reached / 2;
    assert!(!summary.contains(" 0 from the cache") && begun > 0, "{summary}{errors}");
    assert!(summary.contains("200 clips: ") && summary.contains(" 0 failed"), "{summary}{errors}");
    assert!((1..150_000).contains(&peak_kb), "{peak_kb} kB");
}

#[test]
fn shards_share_the_clips_and_fill_one_cache() {
    let corpus = Corpus::new(24);
    let summary = succeed(corpus.command("whole", &[]));
    // Sound and picture of a clip are one file.
    let bytes: u64 = (0..24).map(|clip| corpus.clip(clip).metadata().unwrap().len()).sum();
    let megabytes = format!(", {:.1} MB of media\n", bytes as f64 / 1e6);
    assert!(bytes > 100_000 && summary.contains(&megabytes), "{bytes}: {summary}");
    // In flat pictures nobody looks for a face.
    assert!(!summary.contains("faces found"), "{summary}");
    let mut clips = 0;
    for shard in ["1/3", "2/3", "3/3"] {
        let summary = succeed(corpus.command("shared", &["--shard", shard]));
        let (own, rest) = summary.split_once(" of 24 clips (shard ").unwrap();
        let own: usize = own.parse().unwrap();
        assert!(rest.starts_with(&format!("{shard}): {own} computed, 0 from the cache")), "{rest}");
        clips += own;
    }
    assert_eq!(clips, 24);
    assert!(corpus.entries("shared") == corpus.entries("whole"));
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_used_is_told_by_the_first_shard_alone_and_counts_among_all() {
    let corpus = Corpus::new(4);
    std::os::unix::fs::symlink("nowhere", corpus.path("data/s1_a_0009.mp4")).unwrap();
    for (shard, faults) in [("1/2", 1), ("2/2", 0)] {
        let summary =
            succeed(corpus.command("cache", &["--shard", shard, "--set", "bad_clips=0.5"]));
        let told = summary.matches("a file that may be a clip and cannot be used: 1\n  /").count();
        assert_eq!(told, faults, "{summary}");
        assert_eq!(summary.matches("s1_a_0009.mp4: cannot be read").count(), faults, "{summary}");
    }
    // One of five: neither of four, nor refused where the share is just reached.
    let output = corpus.command("cache", &["--set", "bad_clips=0.19"]).output().unwrap();
    let (summary, errors) = text(&output);
    assert!(errors.contains("1 of 5 clips failed, 0 are allowed"), "{summary}{errors}");
    succeed(corpus.command("cache", &["--set", "bad_clips=0.2"]));
}

#[test]
fn a_shard_that_is_none_is_told_the_form() {
    let corpus = Corpus::new(1);
    for shard in ["0/4", "5/4", "1/0", "3", "a/b"] {
        let output = corpus.command("cache", &["--shard", shard]).output().unwrap();
        let (_, errors) = text(&output);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains("I/N with I from 1 to N"), "{errors}");
    }
    assert!(!corpus.path("cache").exists());
}

#[test]
fn a_contact_sheet_shows_clips_and_is_refused_where_there_is_nothing_to_draw() {
    let corpus = Corpus::new(4);
    let sheet = corpus.path("sheet.png");
    let sheet = sheet.to_str().unwrap();
    let summary =
        succeed(corpus.command("cache", &["--contact-sheet", sheet, "--sheet-clips", "3"]));
    assert!(summary.starts_with("3 clips on ") && summary.contains("4 computed"), "{summary}");
    let bytes = std::fs::read(sheet).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n"));
    // Three strips of a line and frames of 150 pixels, below the legend: the height in the header of a PNG file.
    let height = u32::from_be_bytes(bytes[20..24].try_into().unwrap());
    assert_eq!(height, 14 + 3 * (14 + 152));

    let refuse = |more: &[&str], word: &str| {
        let output = corpus.command("cache", more).output().unwrap();
        let (_, errors) = text(&output);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(word), "{errors}");
    };
    refuse(&["--contact-sheet", "sheet.tiff"], "a contact sheet is a file .png");
    refuse(&["--sheet-clips", "3"], "--contact-sheet");
    // A shard shows clips of its own, and one without any says so.
    let shown = ["1/2", "2/2"].map(|shard| {
        let more = ["--contact-sheet", sheet, "--sheet-clips", "9", "--shard", shard];
        let summary = succeed(corpus.command("cache", &more));
        summary.split_once(" clips on ").unwrap().0.parse::<usize>().unwrap()
    });
    assert_eq!(shown.iter().sum::<usize>(), 4, "{shown:?}");
    let none = ["--contact-sheet", sheet, "--shard", "1/1000000000000"];
    refuse(&none, "no clip has a media file with a picture");
}

#[test]
fn faults_are_counted_by_kind_and_named_and_the_others_are_extracted() {
    let corpus = Corpus::new(8);
    av_train::write_atomic(&corpus.clip(0), b"this is a text file").unwrap();
    av_train::write_atomic(&corpus.clip(3), b"so is this").unwrap();
    write_clip(&corpus.clip(5), &FORM, std::iter::repeat_n(vec![9; 64 * 64 * 3], 20), &[]).unwrap();
    // Two faults of one clip: neither sound nor enough pictures.
    write_clip(&corpus.clip(6), &FORM, std::iter::repeat_n(vec![9; 64 * 64 * 3], 2), &[]).unwrap();
    let output = corpus.command("cache", &[]).output().unwrap();
    let (summary, errors) = text(&output);
    assert_eq!(output.status.code(), Some(2), "{summary}{errors}");
    assert!(summary.starts_with("8 clips: 4 computed, 0 from the cache, 0 rebuilt, 4 failed\n"));
    assert!(summary.contains("failed, no readable media file: 2\n  s0_a_0000: /"), "{summary}");
    assert!(summary.contains("failed, no sound stream: 2\n  s0_b_0005: /"), "{summary}");
    assert!(summary.contains("failed, too short: 1\n  s1_a_0006: /"), "{summary}");
    assert!(errors.contains("4 of 8 clips failed, 0 are allowed (bad_clips = 0)"), "{errors}");
    // Two entries of each good clip, and the picture of the one without sound.
    assert_eq!(count(&corpus.path("cache")), 9);

    // Every entry is damaged, that of the clip without sound too, which stays one with a fault.
    let entries = corpus.entries("cache");
    for (name, bytes) in &entries {
        let path = corpus.path("cache").join(name);
        av_train::write_atomic(&path, &bytes[..bytes.len() / 2]).unwrap();
    }
    let again = succeed(corpus.command("cache", &["--set", "bad_clips=0.5"]));
    let expected = "8 clips: 0 computed, 0 from the cache, 4 rebuilt, 4 failed\n";
    assert!(again.starts_with(expected), "{again}");
    assert!(corpus.entries("cache") == entries);
}
