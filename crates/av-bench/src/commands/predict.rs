use crate::cli::PredictArgs;
use crate::failure::{Failure, Result};
use crate::inputs::Inputs;
use av_features::Cache;
use av_train::SavedModel;

/// `av-bench predict`: one JSON line per clip. A clip that cannot be read does not stop the others; it is
/// reported after them and makes the exit code 2.
pub fn predict(arguments: &PredictArgs) -> Result<()> {
    let model = SavedModel::load(&arguments.model)?;
    let cache = Cache::open(&arguments.cache)?;
    let Inputs { files, problems: mut faults } = Inputs::of(&arguments.clips);
    let total = files.len() + faults.len();
    for clip in &files {
        match model.predict(clip, &cache) {
            Ok(report) => {
                let line = serde_json::to_string(&report)
                    .map_err(|error| Failure::Internal(error.to_string()))?;
                println!("{line}");
            }
            Err(error) => faults.push(error.to_string()),
        }
    }
    for fault in &faults {
        eprintln!("error: {fault}");
    }
    if faults.is_empty() {
        return Ok(());
    }
    let failed = faults.len();
    Err(Failure::Input(format!("{failed} of {total} clips could not be classified")))
}
