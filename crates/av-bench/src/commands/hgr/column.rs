//! A column of a text table as numbers.

use crate::failure::{Failure, Result};
use hgr_corr::Hgr;
use std::collections::BTreeMap;
use std::path::Path;

/// The cells of a column: numbers, or texts that stand for symbols.
pub struct Column {
    name: String,
    /// A number, NaN where the value is missing, or the number of a text in the order in which they came.
    values: Vec<f64>,
    texts: BTreeMap<String, usize>,
    missing: usize,
    /// Line and cell of the first number and of the first text.
    first_number: Option<(u64, String)>,
    first_text: Option<(u64, String)>,
}

impl Column {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            values: vec![],
            texts: BTreeMap::new(),
            missing: 0,
            first_number: None,
            first_text: None,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Cells without a value.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Adds the value of a line; none: it is missing.
    pub fn push(&mut self, line: u64, value: Option<&str>) {
        let Some(text) = value else {
            self.missing += 1;
            self.values.push(f64::NAN);
            return;
        };
        let number = text.parse().ok().filter(|number: &f64| !number.is_nan());
        let first = if number.is_some() { &mut self.first_number } else { &mut self.first_text };
        first.get_or_insert_with(|| (line, text.into()));
        self.values.push(number.unwrap_or_else(|| {
            let next = self.texts.len();
            *self.texts.entry(text.into()).or_insert(next) as f64
        }));
    }

    /// The numbers; texts are numbered in the order of the alphabet, and NaN is a missing value.
    ///
    /// Errors: numbers and texts in one column; more texts than can be compared.
    pub fn numbers(&self, path: &Path) -> Result<Vec<f64>> {
        let Self { name, texts, .. } = self;
        let path = path.display();
        if let (Some((line, number)), Some((text_line, text))) =
            (&self.first_number, &self.first_text)
        {
            return Err(Failure::Input(format!(
                "{path}, line {text_line}, column `{name}`: `{text}` is no number, and `{number}` in line {line} is one; \
                 empty the cell where the value is missing, write numbers with a decimal point, or give all cells as texts"
            )));
        }
        if self.first_text.is_none() {
            return Ok(self.values.clone());
        }
        if texts.len() > Hgr::SYMBOLS {
            return Err(Failure::Input(format!(
                "{path}, column `{name}` holds {} different texts; at most {} can be compared: join the rare ones, or give \
                 numbers (with a decimal point)",
                texts.len(),
                Hgr::SYMBOLS
            )));
        }
        let mut places = vec![0.0; texts.len()];
        texts.values().enumerate().for_each(|(place, &code)| places[code] = place as f64);
        let place = |value: &f64| if value.is_nan() { f64::NAN } else { places[*value as usize] };
        Ok(self.values.iter().map(place).collect())
    }
}
