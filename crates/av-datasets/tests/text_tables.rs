//! Tables as text as other programs write them.
#![allow(clippy::unwrap_used, clippy::panic)] // a test says what it expects by panicking

use av_datasets::{Error, TextTable};
use std::io::Write;

/// A file with these bytes.
fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Lines and cells of all rows.
fn rows(table: &mut TextTable) -> Vec<(u64, Vec<String>)> {
    let columns = table.columns().len();
    std::iter::from_fn(|| table.next_row().unwrap())
        .map(|row| (row.line(), (0..columns).map(|column| row.cell(column).to_owned()).collect()))
        .collect()
}

const TEXT: &str = "name,\"height, cm\"\nJosé,1.5\n\n\"a\nb\",2\n";

fn wide(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn what_other_systems_write_is_one_table() {
    let marked = format!("\u{feff}{TEXT}");
    let files: [(&str, Vec<u8>); 10] = [
        ("UTF-8", TEXT.into()),
        ("UTF-8 with a mark", marked.clone().into()),
        ("Windows", TEXT.replace('\n', "\r\n").into()),
        ("Macintosh", TEXT.replace('\n', "\r").into()),
        ("semicolons", TEXT.replace("e,", "e;").replace("é,", "é;").replace("\",2", "\";2").into()),
        ("tabs", TEXT.replace("e,", "e\t").replace("é,", "é\t").replace("\",2", "\"\t2").into()),
        ("UTF-16, little endian", wide(&marked, u16::to_le_bytes)),
        ("UTF-16, big endian", wide(&marked, u16::to_be_bytes)),
        ("UTF-16 without a mark", wide(TEXT, u16::to_le_bytes)),
        ("white space", TEXT.replace("é,", "  é ,  ").replace("Jos  é", "  José").into()),
    ];
    for (name, bytes) in files {
        let file = file(&bytes);
        let mut table = TextTable::open(file.path()).unwrap();
        assert_eq!(table.columns(), ["name", "height, cm"], "{name}");
        let two = if name == "Windows" { "a\r\nb" } else { "a\nb" };
        let expected =
            [(2, vec!["José".into(), "1.5".into()]), (4, vec![two.into(), "2".to_owned()])];
        assert_eq!(rows(&mut table), expected, "{name}");
    }
}

#[test]
fn a_line_may_name_the_separator() {
    for (text, line) in [
        ("sep=;\na,b;c\n1,5;2\n", 3),
        ("\u{feff}sep=;\r\na,b;c\r\n1,5;2\r\n", 3),
        ("a,b;c\n1,5;2\n", 2),
    ] {
        let file = file(text.as_bytes());
        let mut table = TextTable::open(file.path()).unwrap();
        let expected: [&str; 2] = if line == 3 { ["a,b", "c"] } else { ["a", "b;c"] };
        assert_eq!(table.columns(), expected);
        assert_eq!(rows(&mut table)[0].0, line);
    }
    // The last line may lack its end.
    let open = file(b"a\n\n1\n\n\n2");
    let lines = rows(&mut TextTable::open(open.path()).unwrap());
    assert_eq!(lines.iter().map(|row| row.0).collect::<Vec<_>>(), [3, 6]);
    // Names that begin like one.
    let file = file(b"sep=a,b\n1,2\n");
    assert_eq!(TextTable::open(file.path()).unwrap().columns(), ["sep=a", "b"]);
}

#[test]
fn rows_without_text_are_no_rows_and_are_counted() {
    let file = file(b"x,y\n1,2\n,\n \t , \n\"\",\"\"\n,,,\n3,\n");
    let mut table = TextTable::open(file.path()).unwrap();
    let found = rows(&mut table);
    assert_eq!(found.iter().map(|row| row.0).collect::<Vec<_>>(), [2, 7]);
    assert_eq!(table.empty_rows(), 4);
}

#[test]
fn words_for_missing_values_are_those_that_programs_write() {
    let missing = ["", "NA", "n/a", "#N/A", "<NA>", "NaN", "-nan", "-nan(ind)", "-1.#IND", "NULL"];
    let present = ["0", "none", "?", ".", "inf", "nano", "-", "missing"];
    let lines: String = missing.iter().chain(&present).map(|word| format!("x,{word}\n")).collect();
    let file = file(format!("k,v\n{lines}").as_bytes());
    let mut table = TextTable::open(file.path()).unwrap();
    let values: Vec<Option<String>> = std::iter::from_fn(|| table.next_row().unwrap())
        .map(|row| row.value(1).map(str::to_owned))
        .collect();
    assert!(values[..missing.len()].iter().all(Option::is_none), "{values:?}");
    assert_eq!(values[missing.len()..], present.map(|word| Some(word.to_owned())));
}

#[test]
fn text_that_is_not_utf_8_is_refused_with_its_line() {
    let file = file(b"name,age\nann,3\nJos\xE9,4\n");
    let mut table = TextTable::open(file.path()).unwrap();
    table.next_row().unwrap();
    let error = table.next_row().unwrap_err();
    assert!(matches!(error, Error::Csv { line: 3, .. }), "{error}");
    assert!(error.to_string().contains("save it as CSV in UTF-8"), "{error}");
}

#[test]
fn columns_may_lack_a_name_and_not_share_one() {
    let open = |text: &str| TextTable::open(file(text.as_bytes()).path());
    let table = open(",x,,\n0,1,2,3\n").unwrap();
    assert_eq!(table.columns(), ["", "x", "", ""]);
    assert!(matches!(table.column(""), Err(Error::Column { .. })));
    assert!(matches!(open("x,y,x\n"), Err(Error::RepeatedColumn { .. })));
}
