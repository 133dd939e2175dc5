//! `av-bench hgr` as its users meet it.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use std::path::Path;
use std::process::{Command, Output};

/// A parabola with its sign in words, and gaps.
fn table(folder: &Path) {
    let mut text = String::from("x, square,sign,name\n");
    for i in 0..400 {
        let x = f64::from(i) / 200.0 - 0.9975;
        let square = if i % 20 == 7 { String::from("NA") } else { (x * x).to_string() };
        let sign = if x < 0.0 { "minus" } else { "plus" };
        text.push_str(&format!("{x},{square},{sign},name {i}\n"));
    }
    av_train::write_atomic(&folder.join("table.csv"), text.as_bytes()).unwrap();
}

fn hgr(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_av-bench"))
        .current_dir(folder)
        .args(["hgr", "table.csv"])
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn a_table_gives_spectrum_interval_p_value_and_a_drawing() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path());
    let output = hgr(folder.path(), &["--x", "x", "--y", "square,sign", "--svg", "modes.svg"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let first = text.lines().next().unwrap();
    let sigma: f64 = first.split_whitespace().nth(2).unwrap().parse().unwrap();
    // A step, of which few smooth functions hold most.
    assert!(sigma > 0.95, "{first}");
    assert!(first.contains("p = 0.0010") && first.contains("400 rows"), "{first}");
    assert!(text.lines().nth(1).unwrap().contains("cross-fitted"), "{text}");
    let drawing = std::fs::read_to_string(folder.path().join("modes.svg")).unwrap();
    for title in ["f(x)", "g(square)", "g(sign)"] {
        assert!(drawing.contains(title), "{title} is not drawn");
    }
    // The same table and seed give the same numbers.
    let again = hgr(folder.path(), &["--x", "x", "--y", "square,sign", "--svg", "modes.svg"]);
    assert_eq!(text, String::from_utf8(again.stdout).unwrap());
}

#[test]
fn a_table_that_cannot_be_used_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path());
    let refuse = |arguments: &[&str], words: &[&str]| {
        let output = hgr(folder.path(), arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("table.csv") && words.iter().all(|w| error.contains(w)), "{error}");
    };
    refuse(&["--x", "x", "--y", "cube"], &["no column cube", "square, sign, name"]);
    refuse(&["--x", "x", "--y", "name"], &["column name", "400 different texts"]);
    av_train::write_atomic(&folder.path().join("table.csv"), b"x,y\n1,2\n3\n").unwrap();
    refuse(&["--x", "x", "--y", "y"], &["cannot read"]);
    av_train::write_atomic(&folder.path().join("table.csv"), b"x,y\n1,2\n3,4\n").unwrap();
    refuse(&["--x", "x", "--y", "y"], &["at least 20 rows"]);
}
