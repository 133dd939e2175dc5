//! Feature tables with a row for each frame.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{Dataset, Modality, TableConfig};
use support::{add, corpus, tree};

/// Three clips with a table as their picture.
fn join(table: &str, more: &str) -> Result<Dataset, String> {
    let root = tree(["ann.mp4", "bob.mp4", "cy.mp4"]);
    add(root.path(), "t.csv", table);
    let text = "kind = 'pattern'\nname = 'n'\npattern = '(?<id>.*)\\.mp4'\nexample = 'a.mp4'";
    let mut dataset = corpus(text).index(root.path()).unwrap();
    let config: TableConfig =
        toml::from_str(&format!("path = 't.csv'\nkey = 'clip'\n{more}")).unwrap();
    let joined = dataset.join(Modality::Video, root.path(), &config);
    joined.map(|()| dataset).map_err(|error| error.to_string())
}

/// The values of each clip; none: it lacks the picture.
fn rows(dataset: &Dataset) -> Vec<Option<&[f32]>> {
    let row = |source| match source {
        &av_datasets::Source::Row { table, row } => dataset.tables[table].rows[row].as_slice(),
        av_datasets::Source::Media(_) => panic!("no row"),
    };
    dataset.clips.iter().map(|clip| clip.sources[Modality::Video].as_ref().map(row)).collect()
}

#[test]
fn the_mean_over_frames_with_success_stands_for_a_clip() {
    let table = "clip, frame, face_id, timestamp, confidence, success, AU01_r, AU02_r\n\
        ann, 1, 0, 0.000, 0.0, 0, 100, 100\n\
        ann, 2, 0, 0.040, 0.9, 1, 1.5, 4\n\
        bob, 1, 0, 0.000, 0.9, 1, 7, nan\n\
        ann, 3, 0, 0.080, 0.9, 1, -0.25,\n\
        ann, 4, 0, 0.120, 0.9, 1, 2.5, 1\n\
        bob, 2, 0, 0.040, 0.0, 0, 50, 50\n\
        cy, 1, 0, 0.000, 0.1, 0, 3, 3\n\
        cy, 2, 0, 0.040, 0.1, 0, 3, 3\n";
    let dataset = join(table, "");
    let dataset = dataset.unwrap();
    assert_eq!(dataset.tables[0].columns, ["AU01_r", "AU02_r"]);
    let [Some(ann), Some(bob), None] = rows(&dataset)[..] else { panic!("cy has no face") };
    assert_eq!(ann, [1.25, 2.5]);
    assert!(bob[0] == 7.0 && bob[1].is_nan());
    let expected = [
        "t.csv: 4 of 8 rows are of frames without success and are left out, the first is line 2",
        "t.csv: has no row with success for clip `cy`",
    ];
    assert_eq!(dataset.problems.len(), 2);
    for (problem, expected) in dataset.problems.iter().zip(expected) {
        assert!(problem.to_string().ends_with(expected), "{problem}");
    }
}

#[test]
fn rows_of_frames_without_a_column_of_success_all_count() {
    let table = "clip,Frame,x\nann,0,1\nann,1,2\nann,2,6\nbob,0,5\ncy,0,\ncy,1,\n";
    let dataset = join(table, "").unwrap();
    assert_eq!(dataset.problems, []);
    let [Some(ann), Some(bob), Some(cy)] = rows(&dataset)[..] else { panic!("three rows") };
    assert_eq!((ann, bob), (&[3.0][..], &[5.0][..]));
    assert!(cy[0].is_nan());
    // Who names a column of these wants it.
    let asked = join(table, "include = ['Frame', 'x']").unwrap();
    assert_eq!(rows(&asked)[0], Some(&[1.0, 3.0][..]));
}

#[test]
fn a_table_with_one_row_a_clip_is_taken_as_it_is() {
    let table = "clip,frame,success,x\nann,9,0,1\nbob,8,1,-0.0\ncy,7,0.5,3\n";
    let dataset = join(table, "").unwrap();
    assert_eq!(dataset.problems, []);
    assert_eq!(dataset.tables[0].columns, ["frame", "success", "x"]);
    assert_eq!(rows(&dataset)[0], Some(&[9.0, 0.0, 1.0][..]));
    assert!(rows(&dataset)[1].unwrap()[2].is_sign_negative());
}

#[test]
fn repeated_rows_that_are_no_frames_of_one_face_are_refused_with_both_lines() {
    for (table, message) in [
        (
            "clip,x\nann,1\nbob,2\nann,1\n",
            "line 2 and line 4 are both of clip `ann`: leave one row a clip; or, where a row is a frame, add a column",
        ),
        (
            "clip,frame,face_id,x\nann,1,0,1\nann,1,1,2\n",
            "line 2 and line 3 are both of clip `ann`: they are of two faces (`face_id`)",
        ),
        ("clip,frame,who,x\nann,1,p,1\nann,2,q,2\n", "clip `ann` has subject `p`, but"),
        ("clip,frame\nann,1\nann,2\n", "has no feature column left"),
    ] {
        let more = if table.contains("who") { "subject = 'who'" } else { "" };
        let error = join(table, more).unwrap_err();
        assert!(error.contains(message) && error.contains("t.csv"), "{error}");
    }
}
