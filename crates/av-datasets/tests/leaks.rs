//! Columns of feature tables that say what the clips are.
#![allow(clippy::unwrap_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{Dataset, Error, Modality, TableConfig};
use support::{add, corpus, problems};

/// The cell of a clip.
type Cell = fn(usize) -> String;

/// 40 clips of four people and two classes, and a feature of noise.
fn table(columns: &[(&str, Cell)]) -> String {
    let names: String = columns.iter().map(|(name, _)| format!(",{name}")).collect();
    let row = |clip: usize| {
        let cells: String = columns.iter().map(|(_, cell)| format!(",{}", cell(clip))).collect();
        format!(
            "c{clip:02},{},{},{}{cells}\n",
            clip % 4,
            clip / 4 % 2,
            (clip * 37 % 41) as f64 * 0.1
        )
    };
    format!("clip,actor,emotion,noise{names}\n{}", (0..40).map(row).collect::<String>())
}

/// The columns that are features of a table, or why not.
fn join(text: &str, more: &str) -> Result<(Vec<String>, Vec<String>, Dataset), Error> {
    join_to(&table(&[]), text, more)
}

/// The same with another list of clips.
fn join_to(
    clips: &str,
    text: &str,
    more: &str,
) -> Result<(Vec<String>, Vec<String>, Dataset), Error> {
    let root = tempfile::tempdir().unwrap();
    add(root.path(), "clips.csv", clips);
    add(root.path(), "features.csv", text);
    let kind =
        "kind = 'rows'\npath = 'clips.csv'\nid = 'clip'\nsubject = 'actor'\nlabel = 'emotion'";
    let mut dataset = corpus(kind).index(root.path()).unwrap();
    let config: TableConfig =
        toml::from_str(&format!("path = 'features.csv'\nkey = 'clip'\n{more}")).unwrap();
    dataset.join(Modality::Video, root.path(), &config)?;
    let table = &dataset.tables[0];
    Ok((table.columns.clone(), problems(&dataset, root.path()), dataset))
}

#[test]
fn columns_that_the_corpus_is_made_from_are_no_features() {
    let text = table(&[("AU01", |clip| (clip % 3).to_string())]);
    let (columns, problems, dataset) = join(&text, "").unwrap();
    assert_eq!((columns, problems), (vec!["noise".to_owned(), "AU01".into()], vec![]));
    let unused: Vec<(&str, &str)> =
        dataset.tables[0].unused.iter().map(|it| (it.name.as_str(), it.reason)).collect();
    let expected =
        [("clip", "names the clip"), ("actor", "names the subject"), ("emotion", "is the label")];
    assert_eq!(unused, expected);
    let error = join(&text, "include = ['noise', 'emotion']").unwrap_err();
    assert!(matches!(error, Error::NoFeature { role: "is the label", .. }), "{error}");
    // Under a pattern it is left out, and `noise` is left.
    assert_eq!(join(&text, "include = ['*o*']").unwrap().0, ["noise"]);
}

#[test]
fn a_column_that_stands_for_the_label_is_refused_by_name() {
    let text = table(&[("code", |clip| if clip / 4 % 2 == 1 { "17".into() } else { "-4".into() })]);
    let error = join(&text, "").unwrap_err();
    assert!(matches!(&error, Error::Leak { column, .. } if column == "code"), "{error}");
    assert!(error.to_string().contains("2 values, each of one class alone"), "{error}");
    assert_eq!(join(&text, "exclude = ['code']").unwrap().0, ["noise"]);
    // Whoever names it means it.
    assert_eq!(join(&text, "include = ['noise', 'code']").unwrap().0, ["noise", "code"]);
}

#[test]
fn a_column_that_numbers_the_rows_is_refused_and_one_without_a_name_left_out() {
    let error = join(&table(&[("Unnamed: 0", |clip| clip.to_string())]), "").unwrap_err();
    assert!(error.to_string().contains("`Unnamed: 0` numbers the rows"), "{error}");
    let (columns, _, dataset) = join(&table(&[("", |clip| clip.to_string())]), "").unwrap();
    assert_eq!(columns, ["noise"]);
    assert_eq!(dataset.tables[0].unused.last().unwrap().reason, "has no name");
}

#[test]
fn a_column_that_stands_for_the_subject_is_a_problem() {
    let text = table(&[("age", |clip| (30 + clip % 4).to_string())]);
    let (columns, found, _) = join(&text, "").unwrap();
    assert_eq!(columns, ["noise", "age"]);
    let [problem] = found.as_slice() else { panic!("{found:?}") };
    assert!(problem.contains("column `age` has 4 values, each of one subject alone"), "{problem}");
    assert!(join(&text, "include = ['noise', 'age']").unwrap().1.is_empty());
    // Where every person has one class, what stands for the person stands for the class, and is no copy of it.
    let clips: String =
        (0..40).map(|clip| format!("c{clip:02},{},{}\n", clip % 4, clip % 2)).collect();
    let clips = format!("clip,actor,emotion\n{clips}");
    assert_eq!(join_to(&clips, &text, "").unwrap().1, found);
}

#[test]
fn what_one_table_calls_the_subject_is_a_feature_of_no_other() {
    let root = tempfile::tempdir().unwrap();
    add(root.path(), "features.csv", &table(&[]).replace(",actor,", ",who,"));
    add(root.path(), "clips.csv", &table(&[]));
    let kind =
        "kind = 'rows'\npath = 'clips.csv'\nid = 'clip'\nsubject = 'actor'\nlabel = 'emotion'";
    let mut dataset = corpus(kind).index(root.path()).unwrap();
    let config = |more: &str| -> TableConfig {
        toml::from_str(&format!("path = 'features.csv'\nkey = 'clip'\n{more}")).unwrap()
    };
    let (audio, video) = (config(""), config("subject = 'who'"));
    [&audio, &video].iter().for_each(|table| dataset.note_metadata(table));
    dataset.join(Modality::Audio, root.path(), &audio).unwrap();
    dataset.join(Modality::Video, root.path(), &video).unwrap();
    assert!(dataset.tables.iter().all(|table| table.columns == ["noise"]), "{:?}", dataset.tables);
}
