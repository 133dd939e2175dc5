use crate::cli::{DatasetsAction, DatasetsArgs};
use crate::failure::{Failure, Result};
use av_datasets::{CorpusConfig, Dataset, Expected};
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
                        println!("{name}: {clips} clips{}", subjects.unwrap_or_default());
                    }
                    None => println!("{name}"),
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
    print(&dataset);
    let differences = corpus.expected().map_or(vec![], |e| dataset.summary().differences(e));
    for problem in &dataset.problems {
        println!("problem: {}: {}", problem.path.display(), problem.reason);
    }
    for difference in &differences {
        println!("difference: {difference}");
    }
    let count = dataset.problems.len() + differences.len();
    if count > 0 {
        return Err(Failure::Input(format!("{count} problems in {}", data.display())));
    }
    println!("complete, no problem found");
    Ok(())
}

fn print(dataset: &Dataset) {
    let summary = dataset.summary();
    println!(
        "{}: {} clips, {} subjects, {}, manifest {}",
        dataset.name,
        summary.clips,
        summary.subjects.len(),
        summary.lacking(),
        dataset.manifest_hash()
    );
    if let Some(affect) = &summary.affect {
        println!("  {affect}");
    }
    for class in &summary.classes {
        println!("  {:<12}{:>6} clips of {} subjects", class.class, class.clips, class.subjects);
    }
}
