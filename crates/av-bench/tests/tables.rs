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
    assert!(first.contains("p = 0.0010") && first.contains("380 rows"), "{first}");
    assert!(text.lines().nth(1).unwrap().contains("cross-fitted"), "{text}");
    assert!(text.contains("table.csv: 20 of 400 rows left out: no value 20 in `square`"), "{text}");
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
    refuse(&["--x", "x", "--y", "cube"], &["no column `cube`", "square, sign, name"]);
    refuse(&["--x", "x", "--y", "name"], &["column `name`", "400 different texts"]);
    av_train::write_atomic(&folder.path().join("table.csv"), b"x,y\n1,2\n3\n").unwrap();
    refuse(&["--x", "x", "--y", "y"], &["line 3 has 1 cells"]);
    av_train::write_atomic(&folder.path().join("table.csv"), b"x,y\n1,2\n3,4\n").unwrap();
    refuse(&["--x", "x", "--y", "y"], &["at least 20 rows"]);
}

/// Writes a table of two columns, of rows that `cells` gives.
fn rows(folder: &Path, names: &str, count: usize, cells: impl Fn(usize) -> String) {
    let text: String = (0..count).map(|row| cells(row) + "\n").collect();
    av_train::write_atomic(&folder.join("table.csv"), format!("{names}\n{text}").as_bytes())
        .unwrap();
}

/// Two numbers of a row that have nothing to do with each other.
fn independent(row: usize) -> (f64, f64) {
    let noise = |factor: f64| (row as f64 * factor).sin() * 1e4;
    (noise(12.9898).fract(), noise(78.233).fract())
}

#[test]
fn rows_that_were_emptied_are_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    let pair = |row| {
        let (x, y) = independent(row);
        format!("{x},{y}")
    };
    rows(folder.path(), "x,y", 300, pair);
    let whole = hgr(folder.path(), &["--x", "x", "--y", "y"]);
    let whole = String::from_utf8(whole.stdout).unwrap();
    for empty in [",", " , ", "\"\",\"\"", ",,,"] {
        rows(folder.path(), "x,y", 360, |row| if row < 300 { pair(row) } else { empty.into() });
        let output = hgr(folder.path(), &["--x", "x", "--y", "y"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text, format!("{whole}table.csv: 60 rows without any text are no rows\n"));
    }
}

#[test]
fn values_that_both_sides_lack_are_no_dependence_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    rows(folder.path(), "k,x,y", 360, |row| match (row < 300, independent(row)) {
        (true, (x, y)) => format!("k,{x},{y}"),
        (false, _) => "k,NA,-nan".into(),
    });
    let first = |arguments: &[&str]| {
        let output = hgr(folder.path(), &[&["--x", "x", "--y", "y"], arguments].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let sigma: f64 = text.split_whitespace().nth(2).unwrap().parse().unwrap();
        (sigma, text)
    };
    let (sigma, text) = first(&[]);
    assert!(sigma < 0.2 && text.contains("(300 rows,"), "{text}");
    assert!(text.contains("60 of 360 rows left out: no value 60 in `x`, 60 in `y`"), "{text}");
    let (sigma, text) = first(&["--missing-values"]);
    assert!(sigma > 0.9 && text.contains("taken as a value: 60 in `x`, 60 in `y`"), "{text}");
}

#[test]
fn a_column_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |cells: fn(usize) -> String, words: &[&str]| {
        rows(folder.path(), "x,y", 100, cells);
        let output = hgr(folder.path(), &["--x", "x", "--y", "y"]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    refuse(|row| format!(",{row}"), &["column `x` has 0 values", "of 100 rows 0"]);
    refuse(|row| format!("{row},"), &["column `y` has 0 values"]);
    let question =
        |row: usize| format!("{row},{}", if row == 5 { "?".into() } else { row.to_string() });
    refuse(question, &["line 7, column `y`: `?` is no number", "`0` in line 2 is one"]);
    refuse(
        |row| format!("{row},\"{row},5\""),
        &["column `y`", "100 different texts", "decimal point"],
    );
}

#[test]
fn a_name_may_hold_commas() {
    let folder = tempfile::tempdir().unwrap();
    rows(folder.path(), "\"height, cm\",a,y", 60, |row| format!("{row},{},{row}", row * 7 % 60));
    for x in ["height, cm", "a,height, cm", "height, cm,a"] {
        let output = hgr(folder.path(), &["--x", x, "--y", "y"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with("HGR correlation 1.000"), "{x}: {text}");
    }
    let output = hgr(folder.path(), &["--x", "height", "--y", "y"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("no column `height`; it has: height, cm, a, y"), "{error}");
}
