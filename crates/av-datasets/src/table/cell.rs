//! What a cell of a text table says.

/// What programs write for a value that is not there, in lower case: spreadsheets, pandas, R, SQL, and the C libraries of
/// Linux and Windows for what is not a number.
const MISSING: [&str; 14] = [
    "",
    "na",
    "n/a",
    "#n/a",
    "#na",
    "<na>",
    "nan",
    "-nan",
    "nan(ind)",
    "-nan(ind)",
    "1.#qnan",
    "-1.#ind",
    "1.#ind",
    "null",
];

/// A cell without the white space around it; none: the value is missing.
pub(super) fn value(cell: &str) -> Option<&str> {
    let cell = cell.trim();
    (!MISSING.iter().any(|missing| cell.eq_ignore_ascii_case(missing))).then_some(cell)
}
