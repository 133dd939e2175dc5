//! Names that look like something else, and things that are no files.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::{Case, Expected, coded};
use Expected::{Fails, Gives};

pub fn cases() -> Vec<Case> {
    let clip = coded::clip();
    let long = format!("{}.mp4", "x".repeat(251));
    let names: [(&str, OsString); 8] = [
        ("as a protocol", "http:x.mp4".into()),
        ("as a list", "concat:a|b.mp4".into()),
        ("as an option", "-i %d.mp4".into()),
        ("with a new line", "two\nlines.mp4".into()),
        ("with spaces", "  two  words .mp4".into()),
        ("that is not UTF-8", OsStr::from_bytes(b"caf\xe9 \xff.mp4").into()),
        ("of 255 bytes", long.into()),
        ("without extension", "clip".into()),
    ];
    let mut cases: Vec<Case> = names
        .into_iter()
        .map(|(name, file)| {
            let name = format!("a name {name}");
            Case::new(name, file, clip.clone(), Gives(6400..=6400), Gives(10..=10))
        })
        .collect();
    cases.extend(things());
    cases
}

/// What is no regular file is refused before it is opened.
fn things() -> Vec<Case> {
    const NO_FILE: &str = "is not a regular file";
    const UNREADABLE: &str = "cannot read";
    let case = |name: &str, words, place: fn(&Path) -> bool| Case {
        name: name.into(),
        file: "x.mp4".into(),
        place: Box::new(place),
        sound: Fails(words),
        frames: Fails(words),
    };
    vec![
        case("nothing", UNREADABLE, |_| true),
        case("a folder", NO_FILE, |path| std::fs::create_dir(path).is_ok()),
        case("a pipe", NO_FILE, |path| {
            let made = std::process::Command::new("mkfifo").arg(path).status();
            made.is_ok_and(|status| status.success())
        }),
        // A path of a socket has 108 bytes at most: it may not fit.
        case("a socket", NO_FILE, |path| std::os::unix::net::UnixListener::bind(path).is_ok()),
        case("a link to a device", NO_FILE, |path| symlink("/dev/zero", path).is_ok()),
        case("a link to nothing", UNREADABLE, |path| symlink("nothing.mp4", path).is_ok()),
        case("a link to itself", UNREADABLE, |path| symlink(path, path).is_ok()),
        case("a file that may not be read", UNREADABLE, |path| {
            super::support::write(path, &coded::clip());
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o0)).unwrap();
            // Whoever may read everything reads this too.
            std::fs::File::open(path).is_err()
        }),
        case("a file of 20 GiB, all of it a hole", "a size, in bytes, of 21474836480", |path| {
            std::fs::File::create(path).unwrap().set_len(20 << 30).is_ok()
        }),
    ]
}
