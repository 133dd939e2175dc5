//! `key=value` settings that are put over what an experiment file says.

use super::system::PAPER;
use super::terms::{CLASSIFICATION, CORRELATION};
use crate::{Error, Result};
use toml::{Table, Value};

/// Tables inside of tables that a setting may reach; an experiment has six.
const MAX_DEPTH: usize = 16;

/// What a path that leads through a number or a word is answered.
const INSIDE: &str = "a key inside a table of the experiment file";

/// Applies one setting, where the key is a dotted path and the value is TOML, or else a word.
///
/// - In a list of tables a step of the path is a name: `systems.fusion.embedding=16`.
/// - `objective.X...` holds for `[objective]` and for every system that has a term X of its own, so that a setting is never
///   without effect because a system says otherwise.
/// - Several values with commas between them, as in `training.epochs=5,10`, are a sweep over the key.
///
/// # Errors
///
/// A setting that is not `key=value`, a path that leads through something that is no table, a value that is neither TOML nor
/// a word.
pub(super) fn apply(table: &mut Table, setting: &str) -> Result<()> {
    let (key, text) = setting.split_once('=').ok_or_else(|| malformed(setting, "key=value"))?;
    let (key, text) = (key.trim(), text.trim());
    match value(text) {
        Some(value) => set(table, key, value).map_err(|expected| malformed(setting, expected)),
        None => {
            let values = text.split(',').map(|part| value(part.trim())).collect::<Option<Vec<_>>>();
            let values = values.filter(|values| values.len() > 1).ok_or_else(|| {
                malformed(
                    setting,
                    "a TOML value, a word, or several of them with commas between them",
                )
            })?;
            let sweep = table.entry("sweep").or_insert_with(|| Value::Table(Table::new()));
            let sweep = sweep
                .as_table_mut()
                .ok_or_else(|| malformed(setting, "next to a table [sweep]"))?;
            sweep.insert(key.into(), Value::Array(values));
            Ok(())
        }
    }
}

fn malformed(setting: &str, expected: &'static str) -> Error {
    Error::Setting { key: setting.into(), actual: setting.into(), expected }
}

/// A TOML value, or a word such as a name or a path.
fn value(text: &str) -> Option<Value> {
    if let Ok(mut parsed) = toml::from_str::<Table>(&format!("value = {text}")) {
        return parsed.remove("value").filter(|_| parsed.is_empty());
    }
    let word =
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-+./:~ ".contains(c));
    word.then(|| Value::String(text.into()))
}

/// Sets one dotted key. The error says what was expected.
pub(super) fn set(
    table: &mut Table,
    key: &str,
    value: Value,
) -> std::result::Result<(), &'static str> {
    let mut path: Vec<&str> = key.split('.').map(str::trim).collect();
    if path.len() > MAX_DEPTH {
        return Err("a key of at most 16 parts");
    }
    if path.iter().any(|step| step.is_empty()) {
        return Err("key=value");
    }
    // The short keys of inputs, where the file has the long one.
    if ["audio", "video"].contains(&path[0])
        && !table.contains_key(path[0])
        && table.contains_key("inputs")
    {
        path.insert(0, "inputs");
    } else if path[0] == "inputs" && path.len() > 1 && table.contains_key(path[1]) {
        path.remove(0);
    }
    if let ["objective", term, ..] = path[..] {
        set_in_systems(table, term, &path, &value)?;
        prepare_term(table, term, path.len());
    }
    if path[0] == "systems" && path.len() > 1 {
        name_systems(table, path[1]);
    }
    set_path(&mut Value::Table(std::mem::take(table)), &path, value).map(|changed| *table = changed)
}

/// Sets a key of a term in every system that has a table of that term.
fn set_in_systems(
    table: &mut Table,
    term: &str,
    path: &[&str],
    value: &Value,
) -> std::result::Result<(), &'static str> {
    let Some(Value::Array(systems)) = table.get_mut("systems") else { return Ok(()) };
    for system in systems {
        let own = system.get("objective").and_then(|objective| objective.get(term));
        if own.is_some_and(Value::is_table) {
            *system = Value::Table(set_path(&mut system.clone(), path, value.clone())?);
        }
    }
    Ok(())
}

/// A key inside of a usual term that `[objective]` does not have: the term gets its usual kind.
fn prepare_term(table: &mut Table, term: &str, steps: usize) {
    let kinds = [(CLASSIFICATION, "cross-entropy"), (CORRELATION, "soft-hgr")];
    let Some((_, kind)) = kinds.iter().find(|(name, _)| *name == term).filter(|_| steps > 2) else {
        return;
    };
    let objective = table.entry("objective").or_insert_with(|| Value::Table(Table::new()));
    if let Some(objective) = objective.as_table_mut() {
        let kind = || Value::Table(Table::from_iter([("kind".to_string(), Value::from(*kind))]));
        objective.entry(term).or_insert_with(kind);
    }
}

/// A system that stands in the list by its name alone becomes a table of that name; without a list it is that of the paper.
fn name_systems(table: &mut Table, name: &str) {
    let paper = || Value::Array(PAPER.iter().map(|(name, ..)| Value::from(*name)).collect());
    if let Value::Array(systems) = table.entry("systems").or_insert_with(paper) {
        for system in systems.iter_mut().filter(|system| system.as_str() == Some(name)) {
            *system = Value::Table(Table::from_iter([("name".to_string(), Value::from(name))]));
        }
    }
}

/// The table that `root` becomes.
fn set_path(
    root: &mut Value,
    path: &[&str],
    value: Value,
) -> std::result::Result<Table, &'static str> {
    let Some((last, steps)) = path.split_last() else { return Err("key=value") };
    let mut place = &mut *root;
    for step in steps {
        place = if let Value::Array(entries) = place {
            let named =
                |entry: &&mut Value| entry.get("name").and_then(Value::as_str) == Some(step);
            let entry = entries.iter_mut().find(named);
            entry.ok_or("a key whose step into a list is the name of one of its tables")?
        } else {
            let table = place.as_table_mut().ok_or(INSIDE)?;
            table.entry(*step).or_insert_with(|| Value::Table(Table::new()))
        };
    }
    let table = place.as_table_mut().ok_or(INSIDE)?;
    table.insert((*last).into(), value);
    let Value::Table(table) = std::mem::replace(root, Value::Boolean(false)) else {
        return Err(INSIDE);
    };
    Ok(table)
}
