use crate::cli::CompareArgs;
use crate::failure::Result;
use crate::output;
use crate::terminal::print_line;
use av_train::{Record, compare_records};
use std::path::PathBuf;

/// Reads records.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Record>> {
    Ok(paths.iter().map(|path| Record::read(path)).collect::<av_train::Result<_>>()?)
}

/// `av-bench compare`.
pub fn compare(arguments: &CompareArgs) -> Result<()> {
    let records = read(&arguments.records)?;
    for record in &records {
        let table = if arguments.markdown { output::markdown } else { output::record };
        print_line(table(record))?;
    }
    for (index, a) in records.iter().enumerate() {
        for b in &records[index + 1..] {
            print_line(output::differences(&compare_records(a, b)?))?;
        }
    }
    Ok(())
}
