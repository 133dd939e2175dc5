use crate::cli::PredictArgs;
use crate::failure::{Failure, Result};
use av_features::Cache;
use av_train::Bundle;

/// `av-bench predict`: one JSON line a clip. A clip that cannot be read does not stop the others; it is
/// reported and makes the exit code 2.
pub fn predict(arguments: &PredictArgs) -> Result<()> {
    let bundle = Bundle::load(&arguments.model)?;
    let cache = Cache::open(&arguments.cache)?;
    let mut failed = 0;
    for clip in &arguments.clips {
        match bundle.predict(clip, &cache) {
            Ok(prediction) => {
                let line = serde_json::to_string(&prediction)
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
