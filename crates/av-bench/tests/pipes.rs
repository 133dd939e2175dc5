//! Output that nobody reads, or that cannot be written: every command ends without a panic.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use std::fmt::Write;
use std::process::{Command, Stdio};

/// This program, in a folder with `table.csv`.
fn program(arguments: &[&str]) -> (Command, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut table = String::from("x,y\n");
    for row in 0..40 {
        let _ = writeln!(table, "{row},{}", row * row % 17);
    }
    av_train::write_atomic(&folder.path().join("table.csv"), table.as_bytes()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_av-bench"));
    command.args(arguments).current_dir(folder.path());
    (command, folder)
}

const HGR: [&str; 8] = ["hgr", "table.csv", "--x", "x", "--y", "y", "--permutations", "9"];

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    for arguments in [&["datasets"][..], &HGR] {
        let (mut command, _folder) = program(arguments);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*errors), (Some(141), ""), "{arguments:?}");
    }
}

#[test]
fn an_error_that_nobody_hears_is_an_error() {
    let (mut command, _folder) = program(&["hgr", "absent.csv", "--x", "x", "--y", "y"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(command.stderr(writer).status().unwrap().code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let (mut command, _folder) = program(&["datasets"]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.starts_with("error: cannot write the output: "), "{errors}");
}
