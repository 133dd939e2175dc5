//! What does not belong to a data set, by kind.

use av_datasets::Problem;
use std::collections::BTreeMap;

/// Kinds that are shown before the rest is counted.
const SHOWN: usize = 6;

/// The file and what is wrong with it.
pub fn of_file(problem: &Problem) -> (String, &str) {
    (problem.path.display().to_string(), &problem.reason)
}

/// How many problems there are of each kind with the first of it, one line a kind; empty where there is none. Each is given
/// as a file or clip and a reason.
pub fn problems<'a>(found: impl Iterator<Item = (String, &'a str)>) -> String {
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    let mut total = 0;
    for (place, (name, reason)) in found.enumerate() {
        let new = || Kind { count: 0, place, first: format!("{name}: {reason}") };
        kinds.entry(kind(reason)).or_insert_with(new).count += 1;
        total += 1;
    }
    let mut kinds = Vec::from_iter(kinds.into_values());
    kinds.sort_by_key(|kind| (std::cmp::Reverse(kind.count), kind.place));
    let mut text = match total {
        0 => return String::new(),
        1 => "1 problem in files, rows and clips:\n".to_owned(),
        more => format!("{more} problems in files, rows and clips:\n"),
    };
    for Kind { count, first, .. } in kinds.iter().take(SHOWN) {
        text.push_str(&match count {
            1 => format!("      1: {first}\n"),
            more => format!("{more:>7} such as {first}\n"),
        });
    }
    let rest: usize = kinds.iter().skip(SHOWN).map(|kind| kind.count).sum();
    if rest > 0 {
        text.push_str(&format!("{rest:>7} of other kinds\n"));
    }
    text
}

/// Problems that differ in names and numbers alone.
struct Kind {
    count: usize,
    /// Of the first among all.
    place: usize,
    first: String,
}

/// A reason without its numbers and what it quotes.
fn kind(reason: &str) -> String {
    let unquoted: String = reason.split('`').step_by(2).collect();
    unquoted.chars().filter(|character| !character.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_counted_by_kind_with_the_first_of_each() {
        let row =
            |line: usize| ("t.csv".to_owned(), format!("line {line}: no clip is named `c{line}`"));
        let mut found: Vec<(String, String)> = vec![("a.mp4".into(), "is no clip".into())];
        found.extend((5..25).map(row));
        let text = problems(found.iter().map(|(name, reason)| (name.clone(), reason.as_str())));
        let expected = "21 problems in files, rows and clips:\n     20 such as t.csv: line 5: no clip is named `c5`\n      \
                        1: a.mp4: is no clip\n";
        assert_eq!(text, expected);
        assert_eq!(problems(std::iter::empty()), "");
        let many: Vec<String> = (0..9).map(|kind| "x".repeat(kind)).collect();
        let text = problems(many.iter().map(|reason| ("f".into(), reason.as_str())));
        assert!(text.ends_with("      3 of other kinds\n") && text.lines().count() == 8, "{text}");
    }
}
