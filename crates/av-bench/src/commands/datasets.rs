use crate::cli::{DatasetsAction, DatasetsArgs};
use crate::failure::{Failure, Result};
use crate::terminal::{print, print_line};
use av_datasets::{ClassCount, CorpusConfig, Dataset, Expected};
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
    let count = dataset.problems.len() + differences.len();
    if count > 0 {
        return Err(Failure::Input(format!("{count} problems in {}", data.display())));
    }
    print_line("complete, no problem found")
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
