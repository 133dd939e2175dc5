//! From the codes in file names and tables to classes.

use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// What the codes of a corpus mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labels<'a> {
    /// Class of each code; empty: every code is the name of its class.
    pub classes: &'a BTreeMap<String, String>,
    /// Codes of clips that are used without a label.
    pub unlabelled: &'a [String],
    /// Codes of clips that are left out.
    pub excluded: &'a [String],
    /// Order of the classes; empty: that of the codes.
    pub order: &'a [String],
}

/// What one code means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Class(String),
    Unlabelled,
    Excluded,
}

impl<'a> Labels<'a> {
    /// Errors: a code with two meanings; an order that repeats a class or lacks one.
    pub fn check(self) -> Result<Self> {
        let codes = self.classes.keys().chain(self.unlabelled).chain(self.excluded);
        let mut seen = BTreeSet::new();
        if let Some(code) = codes.into_iter().find(|&code| !seen.insert(code)) {
            let expected = "a code with one place in `labels`, `unlabelled` and `excluded`".into();
            return Err(Error::Setting { key: "labels", expected, actual: format!("`{code}`") });
        }
        let mut ordered = BTreeSet::new();
        if let Some(class) = self.order.iter().find(|&class| !ordered.insert(class)) {
            let expected = "a class that is listed once".into();
            return Err(Error::Setting { key: "classes", expected, actual: format!("`{class}`") });
        }
        let lacking = self.classes.values().find(|class| !ordered.contains(class));
        match lacking {
            Some(class) if !self.order.is_empty() => Err(Error::Setting {
                key: "classes",
                expected: format!("a list of all classes of `labels`: `{class}` is lacking"),
                actual: format!("{:?}", self.order),
            }),
            Some(_) | None => Ok(self),
        }
    }

    /// Errors: the reason why the code means nothing.
    pub fn read(&self, code: &str) -> std::result::Result<Label, String> {
        let listed = |codes: &[String]| codes.iter().any(|listed| listed == code);
        if listed(self.excluded) {
            return Ok(Label::Excluded);
        }
        if listed(self.unlabelled) || code.is_empty() {
            return Ok(Label::Unlabelled);
        }
        match self.classes.get(code) {
            Some(class) => Ok(Label::Class(class.clone())),
            None if self.classes.is_empty() => self.name(code),
            None => Err(format!(
                "label code `{code}` is not in `labels`; add it there, or to `unlabelled` or `excluded`"
            )),
        }
    }

    fn name(&self, class: &str) -> std::result::Result<Label, String> {
        if self.order.is_empty() || self.order.iter().any(|known| known == class) {
            return Ok(Label::Class(class.into()));
        }
        Err(format!("class `{class}` is not in `classes`; add it there"))
    }

    /// The classes that occur, in their order.
    pub fn in_order(&self, occurring: &BTreeSet<String>) -> Vec<String> {
        let mut order: Vec<&String> = self.order.iter().collect();
        if order.is_empty() {
            order.extend(self.classes.values());
        }
        if order.is_empty() {
            order.extend(occurring);
        }
        let mut seen = BTreeSet::new();
        order.retain(|&class| occurring.contains(class) && seen.insert(class));
        order.into_iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> BTreeMap<String, String> {
        [("01", "calm"), ("02", "calm"), ("03", "angry")]
            .map(|(code, class)| (code.into(), class.into()))
            .into()
    }

    #[test]
    fn a_code_is_a_class_or_unlabelled_or_excluded_or_unknown() {
        let (classes, unlabelled, excluded) = (map(), ["x".into()], ["y".into()]);
        let labels =
            Labels { classes: &classes, unlabelled: &unlabelled, excluded: &excluded, order: &[] };
        let labels = labels.check().unwrap();
        assert_eq!(labels.read("02"), Ok(Label::Class("calm".into())));
        assert_eq!(labels.read("x"), Ok(Label::Unlabelled));
        assert_eq!(labels.read("y"), Ok(Label::Excluded));
        assert!(labels.read("04").unwrap_err().contains("`04`"));
    }

    #[test]
    fn merged_classes_are_listed_once_in_the_order_of_their_codes() {
        let classes = map();
        let labels = Labels { classes: &classes, unlabelled: &[], excluded: &[], order: &[] };
        let occurring = ["angry", "calm"].map(String::from).into();
        assert_eq!(labels.in_order(&occurring), ["calm", "angry"]);
        assert_eq!(labels.in_order(&["angry".into()].into()), ["angry"]);
    }

    #[test]
    fn a_code_with_two_meanings_is_refused() {
        let (classes, excluded) = (map(), ["03".into()]);
        let labels = Labels { classes: &classes, unlabelled: &[], excluded: &excluded, order: &[] };
        assert!(labels.check().unwrap_err().to_string().contains("`03`"));
    }

    #[test]
    fn an_order_that_lacks_a_class_is_refused() {
        let (classes, order) = (map(), ["calm".into()]);
        let labels = Labels { classes: &classes, unlabelled: &[], excluded: &[], order: &order };
        assert!(labels.check().unwrap_err().to_string().contains("`angry` is lacking"));
    }
}
