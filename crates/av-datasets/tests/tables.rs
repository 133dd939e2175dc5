//! Feature tables joined to clips.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{Dataset, Modality, Source, TableConfig};
use support::{add, corpus, problems, tree};

fn clips() -> (tempfile::TempDir, Dataset) {
    let root =
        tree(["03-01-03-01-01-01-01.wav", "03-01-04-01-01-01-02.wav", "01-01-05-01-01-01-03.mp4"]);
    let dataset = corpus("kind = 'ravdess'").index(root.path()).unwrap();
    (root, dataset)
}

fn config(more: &str) -> TableConfig {
    toml::from_str(&format!("path = 'table.csv'\nkey = 'clip'\n{more}")).unwrap()
}

fn row(table: usize, row: usize) -> Option<Source> {
    Some(Source::Row { table, row })
}

#[test]
fn a_row_becomes_the_picture_of_its_clip_and_the_rest_is_reported() {
    let (root, mut dataset) = clips();
    // A byte order mark, spaces after commas, Windows line ends: as OpenFace and spreadsheets write them.
    let text = "\u{feff}clip, AU01_r, AU02_r, actor, part\r\n\
        01-01-04-01-01-01-02, 1.5, , 2, b\r\n\
        01-01-03-01-01-01-01, -2e-3, NaN, 1, a\r\n\
        01-01-08-01-01-01-01, 0, 0, 1, a\r\n\r\n";
    add(root.path(), "table.csv", text);
    let config = config("exclude = ['act*']\nfold = 'part'");
    dataset.join(Modality::Video, root.path(), &config).unwrap();

    let [happy, sad, angry] = dataset.clips.as_slice() else { panic!("three clips") };
    assert_eq!(
        (&happy.sources[Modality::Video], &sad.sources[Modality::Video]),
        (&row(0, 1), &row(0, 0))
    );
    assert!(matches!(happy.sources[Modality::Audio], Some(Source::Media(_))));
    assert_eq!(
        angry.sources[Modality::Video],
        None,
        "a medium next to rows could not be trained on"
    );
    assert_eq!((happy.fold.as_deref(), angry.fold.as_deref()), (Some("a"), None));
    let table = &dataset.tables[0];
    assert_eq!(table.columns, ["AU01_r", "AU02_r"]);
    assert_eq!(table.rows.len(), 2);
    assert_eq!(table.rows[1][0], -2e-3);
    assert!(table.rows.iter().all(|row| row[1].is_nan()));
    let found = problems(&dataset, root.path());
    let expected = [
        "table.csv: has no row for clip `01-05-01-01-01-03`",
        "table.csv: line 4: no clip is named `01-01-08-01-01-01-01`",
    ];
    assert_eq!(found, expected);
}

#[test]
fn both_sides_can_be_tables_and_agreeing_folds_are_taken() {
    let (root, mut dataset) = clips();
    add(root.path(), "table.csv", "clip,x,part\n01-01-03-01-01-01-01,1,a\n");
    dataset.join(Modality::Audio, root.path(), &config("fold = 'part'")).unwrap();
    dataset.join(Modality::Video, root.path(), &config("fold = 'part'")).unwrap();
    assert_eq!(
        (&dataset.clips[0].sources[Modality::Audio], &dataset.clips[0].sources[Modality::Video]),
        (&row(0, 0), &row(1, 0))
    );
    // A table that says nothing of folds leaves them as they are.
    dataset.join(Modality::Video, root.path(), &config("exclude = ['part']")).unwrap();
    assert_eq!(dataset.clips[0].fold.as_deref(), Some("a"));

    add(root.path(), "table.csv", "clip,x,part\n01-01-03-01-01-01-01,1,b\n");
    let error = dataset
        .join(Modality::Audio, root.path(), &config("fold = 'part'"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("has fold `a`, but") && error.contains("says `b`"), "{error}");
    let error = dataset
        .join(Modality::Audio, root.path(), &config("subject = 'part'"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("has subject `01`, but"), "{error}");
}

#[test]
fn keys_can_be_rewritten() {
    let (root, mut dataset) = clips();
    add(root.path(), "table.csv", "clip,x\nActor 1/03-01-01-01-01.feat,7\n");
    let config = config(r"rewrite = { pattern = '^.*/(.*)\.feat$', replacement = '01-$1' }");
    dataset.join(Modality::Audio, root.path(), &config).unwrap();
    assert_eq!(dataset.clips[0].sources[Modality::Audio], row(0, 0));
}

#[test]
fn a_subject_column_names_the_subjects_that_paths_do_not() {
    let root = tree(["x.mp4", "y.mp4"]);
    let text = "kind = 'pattern'\nname = 'n'\npattern = '.*'\nexample = 'x.mp4'";
    let mut dataset = corpus(text).index(root.path()).unwrap();
    add(root.path(), "table.csv", "clip,f,who\nx,1,ann\ny,2,bob\n");
    dataset.join(Modality::Video, root.path(), &config("subject = 'who'")).unwrap();
    assert_eq!(dataset.clips[1].subject, "bob");
    assert_eq!(dataset.tables[0].columns, ["f"]);
}

#[test]
fn a_malformed_table_is_refused_with_its_place() {
    let keys = "01-01-03-01-01-01-01";
    for (text, more, message) in [
        (
            format!("clip,x,y\n{keys},1,high\n"),
            "",
            "line 2, column `y`: `high` is not a finite number",
        ),
        (format!("clip,x\n{keys},1e39\n"), "", "line 2, column `x`: `1e39`"),
        (format!("clip,x\n{keys},inf\n"), "", "line 2, column `x`: `inf`"),
        (
            format!("clip,x\n{keys},1,2\n"),
            "",
            "line 2 has 3 cells, but the first line names 2 columns",
        ),
        (format!("clip,x,x\n{keys},1,2\n"), "", "two columns `x`"),
        (format!("name,x\n{keys},1\n"), "", "no column `clip`; it has: name, x"),
        (format!("clip,x\n{keys},1\n"), "exclude = ['z*']", "no column `z*`"),
        (
            format!("clip,x\n{keys},1\n"),
            "include = ['clip']",
            "it names the clip, so it is no feature",
        ),
        (format!("clip,x\n{keys},1\n"), "exclude = ['x']", "no feature column"),
        (format!("clip,x\n{keys},1\n"), "fold = 'fold'", "no column `fold`"),
        (
            format!("clip,x\n{keys},1\n"),
            "rewrite = { pattern = '(', replacement = '' }",
            "rewrite.pattern",
        ),
        ("clip,x\nfilm,1\n".into(), "", "first key is `film`, a clip is `01-03-01-01-01-01`"),
        ("clip,x\n".into(), "", "no row of"),
        (String::new(), "", "no column `clip`"),
    ] {
        let (root, mut dataset) = clips();
        add(root.path(), "table.csv", &text);
        let error =
            dataset.join(Modality::Audio, root.path(), &config(more)).unwrap_err().to_string();
        assert!(
            error.contains(message) && (error.contains("table.csv") || more.contains("rewrite")),
            "{error}"
        );
        assert!(
            dataset.tables.is_empty()
                && matches!(dataset.clips[0].sources[Modality::Audio], Some(Source::Media(_)))
        );
    }
}

#[test]
fn a_table_beyond_the_limits_is_refused_before_it_is_read() {
    let (root, mut dataset) = clips();
    let file = std::fs::File::create(root.path().join("table.csv")).unwrap();
    file.set_len((1 << 30) + 1).unwrap(); // a hole: takes no space
    let error = dataset.join(Modality::Audio, root.path(), &config("")).unwrap_err().to_string();
    assert!(error.contains("more than 1073741824 bytes"), "{error}");

    let columns = (0..1 << 16).map(|i| format!(",c{i}")).collect::<String>();
    add(root.path(), "table.csv", &format!("clip{columns}\n"));
    let error = dataset.join(Modality::Audio, root.path(), &config("")).unwrap_err().to_string();
    assert!(error.contains("more than 65536 columns"), "{error}");
}

#[test]
fn unknown_keys_are_refused() {
    let error = toml::from_str::<TableConfig>("path = 'a'\nkey = 'b'\nkeys = 'c'").unwrap_err();
    assert!(error.to_string().contains("`keys`"), "{error}");
}

/// The error of joining a table with these bytes.
fn refusal(bytes: &[u8]) -> String {
    let (root, mut dataset) = clips();
    let mut file = std::fs::File::create(root.path().join("table.csv")).unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    let error = dataset.join(Modality::Audio, root.path(), &config("")).unwrap_err().to_string();
    assert!(error.contains("table.csv"), "{error}");
    error
}

#[test]
fn hostile_tables_are_refused_with_their_place() {
    const KEY: &str = "01-01-03-01-01-01-01";
    let utf_16: Vec<u8> = "\u{feff}clip,x\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(Vec<u8>, &str); 12] = [
        (format!("clip,x\n{KEY},\0\n").into(), "line 2, column `x`: `\0` is not a finite number"),
        (format!("clip,x\n{KEY}\0,1\n").into(), "no row of"),
        (b"\0".repeat(5000), "is no table as text but bytes that are no text"),
        (
            b"PK\x03\x04 and so on".into(),
            "but a zip archive, as a spreadsheet is; save it as CSV in UTF-8",
        ),
        ([format!("clip,x\n{KEY},1\n").as_bytes(), b"caf\xe9,2\n"].concat(), "line 3"),
        (utf_16[..utf_16.len() - 1].into(), "damaged UTF-16"),
        (utf_16, "no row of"),
        (format!("clip,x\n{KEY},\"1\n{KEY},2\n").into(), "line 2, column `x`: `1"),
        (format!("clip,x\n\"{KEY},1\n2,3\n").into(), "line 2 has 1 cells"),
        (
            format!("clip;x\n{KEY};1,5\n").into(),
            "line 2, column `x`: `1,5` is not a finite number with a decimal point",
        ),
        (format!("clip\tx\n{KEY}\thigh\n").into(), "line 2, column `x`: `high`"),
        (format!("clip,x,y,x\n{KEY},1,2,3\n").into(), "two columns `x`"),
    ];
    for (bytes, words) in cases {
        let error = refusal(&bytes);
        assert!(error.contains(words), "{words}: {error}");
        assert!(error.len() < 500, "{error}");
    }
}

#[test]
fn a_row_without_an_end_is_refused_before_it_fills_the_memory() {
    let columns = "x,".repeat(1 << 20);
    assert!(refusal(columns.as_bytes()).contains("more than 65536 columns"));
    // Once a row of 1 GiB took as much memory: now it ends after 16 MiB.
    let (root, mut dataset) = clips();
    add(root.path(), "table.csv", "clip,x\n01-01-03-01-01-01-01,1\n\"");
    let path = root.path().join("table.csv");
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(1 << 30).unwrap(); // a hole: takes no space
    let error = dataset.join(Modality::Audio, root.path(), &config("")).unwrap_err().to_string();
    assert!(error.contains("table.csv, line 3: the row has more than 16777216 bytes"), "{error}");
    file.set_len(0).unwrap();
    file.set_len(1 << 30).unwrap();
    let error = dataset.join(Modality::Audio, root.path(), &config("")).unwrap_err().to_string();
    assert!(error.contains("is no table as text but bytes that are no text"), "{error}");
}

#[test]
fn a_pipe_and_a_device_are_refused_before_they_are_read() {
    let (root, mut dataset) = clips();
    std::os::unix::fs::symlink("/dev/zero", root.path().join("table.csv")).unwrap();
    let error = dataset.join(Modality::Audio, root.path(), &config("")).unwrap_err().to_string();
    assert!(error.contains("table.csv is not a file"), "{error}");
}
