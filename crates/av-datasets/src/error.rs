//! What can go wrong, and what to do about it.

use std::path::PathBuf;

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A corpus, a table or a protocol that cannot be used as it was described.
///
/// A single file or row that does not belong is not an error: it is a [`Problem`](crate::Problem).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read. Check that it exists and is readable.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },

    /// Something else was found where a folder or an ordinary file is needed.
    #[error("{path} is not {expected}; give the path of one", path = path.display())]
    Kind {
        /// What was given.
        path: PathBuf,
        /// What is needed, in words.
        expected: &'static str,
    },

    /// The folder holds no clip of the corpus. Compare its layout with the one that is expected.
    #[error(
        "{root} holds no clip of {corpus}: {found}; expected {layout}, for example {example}",
        root = root.display()
    )]
    NoClips {
        /// The folder.
        root: PathBuf,
        /// Name of the corpus.
        corpus: String,
        /// What was looked for, in words.
        layout: String,
        /// The name of a file that would be recognised.
        example: String,
        /// What is there instead.
        found: String,
    },

    /// A table that says what the clips of a corpus are does not lie below the data folder. Put it there.
    #[error("{root} has no file {table} in any folder; it says what the clips are: put it there", root = root.display())]
    NoTable {
        /// The folder.
        root: PathBuf,
        /// Name of the table.
        table: &'static str,
    },

    /// A file or folder exceeds a limit that protects the memory of the machine. Split it, or leave
    /// out what is not needed.
    #[error("{path} has more than {limit} {what}; split it or leave some out", path = path.display())]
    Limit {
        /// The file or folder.
        path: PathBuf,
        /// What is counted.
        what: &'static str,
        /// The most that is accepted.
        limit: u64,
    },

    /// A key of a description has a value that cannot work.
    #[error("{key}: {actual} is not {expected}; change the key")]
    Setting {
        /// The key.
        key: &'static str,
        /// What the key needs, in words.
        expected: String,
        /// Its value.
        actual: String,
    },

    /// A regular expression could not be read. Mend it; in TOML, write it in 'single quotes'.
    #[error("{key} is not a regular expression: {source}")]
    Regex {
        /// The key.
        key: &'static str,
        /// The cause.
        source: Box<regex::Error>,
    },

    /// A description file is not valid. Mend the line that the cause names.
    #[error("{path} is not the description of a corpus: {}", brief(source), path = path.display())]
    Description {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Box<toml::de::Error>,
    },

    /// No description with this name comes with the program. Take one of those there are.
    #[error("there is no description of `{name}`; there are: {available}")]
    Name {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        available: String,
    },

    /// A table could not be read as text, for example because it is not UTF-8. Save it as CSV in UTF-8.
    #[error(
        "{path} cannot be read as text from line {line} on: {source}; save it as CSV in UTF-8",
        path = path.display()
    )]
    Csv {
        /// The file.
        path: PathBuf,
        /// Line of the file, from 1.
        line: u64,
        /// The cause.
        source: Box<csv::Error>,
    },

    /// A file that should be a table as text is something else. Save the table as CSV in UTF-8.
    #[error("{path} is no table as text but {found}; save it as CSV in UTF-8", path = path.display())]
    NoText {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: String,
    },

    /// A file of arrays is no feature table. The reason says what to save otherwise; the names and types that are needed
    /// are at [`TableConfig`](crate::TableConfig).
    #[error("{path} is not a feature table: {reason}", path = path.display())]
    Arrays {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A row of a table has too few or too many cells. Mend the line.
    #[error(
        "{path}, line {line} has {actual} cells, but the first line names {expected} columns; mend the line",
        path = path.display()
    )]
    Cells {
        /// The file.
        path: PathBuf,
        /// Line of the file, from 1.
        line: u64,
        /// How many columns there are.
        expected: usize,
        /// How many cells the row has.
        actual: usize,
    },

    /// A row of a table does not end, most often because a quotation mark was opened and not closed. Mend the line.
    #[error(
        "{path}, line {line}: the row has more than {limit} bytes; is a quotation mark left open?",
        path = path.display()
    )]
    LongRow {
        /// The file.
        path: PathBuf,
        /// Line of the file on which the row begins, from 1.
        line: u64,
        /// The most bytes that a row may have.
        limit: u64,
    },

    /// A table lacks a column. Give the name of one that it has.
    #[error("{path} has no column `{column}`; it has: {available}", path = path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column that was asked for.
        column: String,
        /// The columns there are.
        available: String,
    },

    /// Two columns of a table have the same name. Rename one of them.
    #[error("{path} has two columns `{column}`; rename one", path = path.display())]
    RepeatedColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        column: String,
    },

    /// No column of a table is left as a feature. Widen `include` or narrow `exclude`.
    #[error("{path} has no feature column left; widen `include` or narrow `exclude`", path = path.display())]
    NoColumns {
        /// The file.
        path: PathBuf,
    },

    /// A column that `include` names says what a clip is, so that it can be no feature. Take it out of `include`.
    #[error(
        "{path}, column `{column}`: it {role}, so it is no feature; take it out of `include`",
        path = path.display()
    )]
    NoFeature {
        /// The file.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// What it says of a clip, in words.
        role: &'static str,
    },

    /// A feature gives the answer away, so that a score would say nothing. Put its column under `exclude`.
    #[error(
        "{path}, column `{column}` {what}, which gives the answer away; put it under `exclude`, or, if it is meant, name \
         it under `include` without * and ?",
        path = path.display()
    )]
    Leak {
        /// The file.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// What its values are, in words.
        what: String,
    },

    /// A cell of a table is not a number. Mend it, empty it, or list its column under `exclude`.
    #[error(
        "{path}, line {line}, column `{column}`: `{value}` is not a finite number with a decimal point; mend it, empty it \
         (missing), or put the column under `exclude`",
        path = path.display()
    )]
    Cell {
        /// The file.
        path: PathBuf,
        /// Line of the file, from 1.
        line: u64,
        /// Name of the column.
        column: String,
        /// What the cell holds.
        value: String,
    },

    /// No row of a table belongs to a clip. Check the key column, or make keys into clip names with
    /// `rewrite`.
    #[error(
        "no row of {path} belongs to a clip: its first key is `{key}`, a clip is `{clip}`; {remedy}",
        path = path.display()
    )]
    NoRows {
        /// The file.
        path: PathBuf,
        /// Key of its first row, after `rewrite`.
        key: String,
        /// Name of the clip whose name is most like it, else of the first.
        clip: String,
        /// What to do.
        remedy: &'static str,
    },

    /// Two rows of a table are of one clip, and nothing says that they are frames of it. Leave one, or say so with a
    /// column: [`TableConfig`](crate::TableConfig) says which.
    #[error("{path}: {first} and {second} are both of clip `{clip}`: {reason}", path = path.display())]
    RepeatedRow {
        /// The file.
        path: PathBuf,
        /// The clip.
        clip: String,
        /// Where its first row is.
        first: String,
        /// Where the other is.
        second: String,
        /// What to do.
        reason: &'static str,
    },

    /// A table says something else about a clip than what is known. Mend one of the two, or do not name
    /// the column.
    #[error(
        "clip `{clip}` has {what} `{known}`, but {path} says `{actual}`; mend one, or do not name the column",
        path = path.display()
    )]
    Disagreement {
        /// The clip.
        clip: String,
        /// Subject or fold.
        what: &'static str,
        /// What was known.
        known: String,
        /// The table.
        path: PathBuf,
        /// What the table says.
        actual: String,
    },

    /// A clip has no subject, so that nothing can be split by subject. Add a group `subject` to the
    /// pattern or name a subject column of a table.
    #[error(
        "clip `{clip}` has no subject; add a group `subject` to the pattern or a `subject` column to the table"
    )]
    NoSubject {
        /// The first such clip.
        clip: String,
    },

    /// There are too few subjects or folds. Record more subjects, or choose another protocol.
    #[error(
        "{what} needs at least {expected} {unit}, but there are {actual}; choose another protocol"
    )]
    TooFew {
        /// What was asked for.
        what: &'static str,
        /// What is counted.
        unit: &'static str,
        /// How many it needs.
        expected: usize,
        /// How many there are.
        actual: usize,
    },

    /// A fold that was asked for does not exist. Take one of those there are.
    #[error("test_folds: there is no fold `{name}`; the folds are: {available}")]
    UnknownFold {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        available: String,
    },

    /// A subject has clips in two folds, so that a score would rest on known faces and voices. Mend the
    /// fold column, or say `shared_subjects = true` under `[protocol]`.
    #[error(
        "subject `{subject}` is in fold `{first}` and in fold `{second}`; a subject must be in one: mend the folds, \
         or, where the split of the corpus is meant to be like that, set shared_subjects = true"
    )]
    SharedSubject {
        /// The subject.
        subject: String,
        /// One fold.
        first: String,
        /// Another fold.
        second: String,
    },

    /// A training part lacks a class that its test part has. Leave the fold or the class out, or choose
    /// another protocol.
    #[error(
        "class `{class}` has clips of {subjects}, so the training part of fold `{fold}` lacks it; put its code \
         under `excluded` or `unlabelled`, or restrict `test_folds`"
    )]
    LostClass {
        /// The class.
        class: String,
        /// The subjects that have it, in words.
        subjects: String,
        /// The fold.
        fold: String,
    },
}

/// The TOML reader's message without the middle of a line that is longer than people write.
fn brief(error: &toml::de::Error) -> String {
    const ENDS: [usize; 2] = [400, 300];
    let text: Vec<char> = error.to_string().trim_end().chars().collect();
    match text.len().checked_sub(ENDS[0] + ENDS[1]) {
        Some(cut) if cut > 0 => {
            let [start, end] = [&text[..ENDS[0]], &text[ENDS[0] + cut..]].map(String::from_iter);
            format!("{start} ... {end}")
        }
        Some(_) | None => text.into_iter().collect(),
    }
}

/// Names that a message shows before it counts the rest: a table may have thousands of columns.
const SHOWN: usize = 20;

/// Characters that it shows of a name.
const SHOWN_CHARS: usize = 60;

/// Names for a message.
pub(crate) fn listed(names: &[impl AsRef<str>]) -> String {
    let brief = |name: &str| match name.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    };
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| brief(name.as_ref())).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn a_long_list_of_names_is_cut() {
        assert_eq!(listed(&["a", "b"]), "a, b");
        assert!(listed(&vec!["x"; 6000]).ends_with("x, x and 5980 more"));
        assert_eq!(listed(&["é".repeat(61)]), format!("{}...", "é".repeat(60)));
    }
}
