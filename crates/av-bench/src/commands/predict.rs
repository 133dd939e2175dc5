use crate::cli::PredictArgs;
use crate::failure::{Failure, Result};
use av_features::Cache;
use av_train::SavedModel;

/// `av-bench predict`: one JSON line per clip. A clip that cannot be read does not stop the others; it is
/// reported and makes the exit code 2.
pub fn predict(arguments: &PredictArgs) -> Result<()> {
    let model = SavedModel::load(&arguments.model)?;
    let cache = Cache::open(&arguments.cache)?;
    let mut failed = 0;
    for clip in &arguments.clips {
        match model.predict(clip, &cache) {
            Ok(report) => {
                let line = serde_json::to_string(&report)
                    .map_err(|error| Failure::Internal(error.to_string()))?;
                println!("{line}");
            }
            Err(error) => {
                eprintln!("error: {error}");
                failed += 1;
            }
        }
    }
    if failed > 0 {
        let total = arguments.clips.len();
        return Err(Failure::Input(format!("{failed} of {total} clips could not be classified")));
    }
    Ok(())
}
