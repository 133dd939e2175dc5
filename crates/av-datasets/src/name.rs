//! Names as people compare them.

use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// A name in the composed form of Unicode (NFC): a Mac writes `é` in file names as two characters, `e` and an accent, where
/// a table has one.
pub(crate) fn composed(name: &str) -> Cow<'_, str> {
    match is_nfc_quick(name.chars()) {
        IsNormalized::Yes => name.into(),
        IsNormalized::No | IsNormalized::Maybe => name.nfc().collect::<String>().into(),
    }
}

/// A name in small letters: what is the same in two names that differ in case alone.
pub(crate) fn folded(name: &str) -> String {
    composed(name).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_look_are_one() {
        assert_eq!(composed("Zoe\u{308}_1"), "Zo\u{eb}_1");
        assert_eq!(composed("\u{1100}\u{1161}"), "\u{ac00}");
        assert!(matches!(composed("Zo\u{eb}_1"), Cow::Borrowed("Zo\u{eb}_1")));
        assert_eq!(folded("A\u{30a}_X"), "\u{e5}_x");
    }
}
