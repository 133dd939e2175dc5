use crate::cli::{DatasetsAction, DatasetsArgs};
use crate::failure::{Failure, Result};
use crate::output;
use crate::terminal::{print, print_line};
use av_datasets::{ClassCount, CorpusConfig, Dataset, Difference, Expected};
use std::path::Path;

/// `av-bench datasets`.
pub fn datasets(arguments: &DatasetsArgs) -> Result<()> {
    match &arguments.action {
        None => {
            for name in CorpusConfig::names() {
                let expected = CorpusConfig::shipped(name)?;
                match expected.expected() {
                    Some(Expected { clips, subjects, .. }) => {
                        let subjects = subjects.map(|count| format!(", {count} subjects"));
                        let subjects = subjects.unwrap_or_default();
                        print_line(format_args!("{name}: {clips} clips{subjects}"))?;
                    }
                    None => print_line(name)?,
                }
            }
            Ok(())
        }
        Some(DatasetsAction::Verify { name, data }) => verify(name, data),
    }
}

fn verify(name: &str, data: &Path) -> Result<()> {
    let corpus = if name.ends_with(".toml") {
        CorpusConfig::read(Path::new(name))?
    } else {
        CorpusConfig::shipped(name)?
    };
    let dataset = corpus.index(data)?;
    print(summary(&dataset))?;
    let differences = corpus.expected().map_or(vec![], |e| dataset.summary().differences(e));
    for problem in &dataset.problems {
        print_line(format_args!("problem: {}: {}", problem.path.display(), problem.reason))?;
    }
    for difference in &differences {
        print_line(format_args!("difference: {difference}"))?;
    }
    let problems = &dataset.problems;
    print(output::problems(problems.iter().map(output::of_file)))?;
    if problems.is_empty() && differences.is_empty() {
        return print_line("complete, no problem found");
    }
    Err(Failure::Input(format!("{}: {}", data.display(), verdict(problems.len(), &differences))))
}

/// Damage, shortage and surplus, each in words of its own.
fn verdict(problems: usize, differences: &[Difference]) -> String {
    let mut words = vec![match problems {
        0 => "no problem in files and rows".to_owned(),
        1 => "1 problem in files and rows".to_owned(),
        more => format!("{more} problems in files and rows"),
    }];
    let mut count = |what: &str, surplus: bool| {
        // All clips come first, then subjects and classes.
        if let Some(first) = differences.iter().find(|found| found.is_surplus() == surplus) {
            let Difference { what: counted, expected, actual } = first;
            words.push(format!("{} {counted} {what}", expected.abs_diff(*actual)));
        }
    };
    count("lacking", false);
    count("more than the complete corpus has", true);
    words.join("; ")
}

fn summary(dataset: &Dataset) -> String {
    let summary = dataset.summary();
    let mut text = format!(
        "{}: {} clips, {} subjects, {}, manifest {}\n",
        dataset.name,
        summary.clips,
        summary.subjects.len(),
        summary.lacking(),
        dataset.manifest_hash()
    );
    if let Some(affect) = &summary.affect {
        text.push_str(&format!("  {affect}\n"));
    }
    for class in &summary.classes {
        let ClassCount { class, clips, subjects } = class;
        text.push_str(&format!("  {class:<12}{clips:>6} clips of {subjects} subjects\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_shortage_and_surplus_are_told_apart() {
        let difference =
            |what: &str, expected, actual| Difference { what: what.into(), expected, actual };
        let more = [difference("clips", 192, 240), difference("subjects", 8, 10)];
        assert_eq!(
            verdict(0, &more),
            "no problem in files and rows; 48 clips more than the complete corpus has"
        );
        let fewer = [difference("clips", 192, 190), difference("clips of class `x`", 5, 6)];
        assert_eq!(
            verdict(2, &fewer),
            "2 problems in files and rows; 2 clips lacking; 1 clips of class `x` more than the complete corpus has"
        );
        assert_eq!(verdict(1, &[]), "1 problem in files and rows");
    }
}
