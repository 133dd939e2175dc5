use super::compare::read;
use crate::cli::ReportArgs;
use crate::failure::Result;
use crate::report::page;
use crate::terminal::print_line;
use av_train::write_atomic;

/// `av-bench report`.
pub fn report(arguments: &ReportArgs) -> Result<()> {
    let records = read(&arguments.records)?;
    let out = match &arguments.out {
        Some(path) => path.clone(),
        None => arguments.records[0].with_file_name("report.html"),
    };
    write_atomic(&out, page(&records.iter().collect::<Vec<_>>())?.as_bytes())?;
    print_line(out.display())
}
