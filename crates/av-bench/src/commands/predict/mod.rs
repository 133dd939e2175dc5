//! `av-bench predict`.

mod destination;
mod inputs;

use crate::cli::PredictArgs;
use crate::failure::{Failure, Result};
use crate::forms::Form;
use crate::terminal::warn;
use av_features::Cache;
use av_train::SavedModel;
use destination::Destination;
use inputs::{Input, Inputs};

/// `av-bench predict`: what a model says of clips, to the terminal or into one file a clip. A clip that cannot be read
/// does not stop the others; it is reported after them and makes the exit code 2.
pub fn predict(arguments: &PredictArgs) -> Result<()> {
    let form = arguments.format;
    let Inputs { clips, problems: mut faults } = Inputs::of(&arguments.clips);
    let destination = Destination::new(arguments.out.as_deref(), form, &clips)?;
    let model = SavedModel::load(&arguments.model)?;
    let cache = Cache::open(&arguments.cache)?;
    let total = clips.len() + faults.len();
    let done = classify(&clips, form, &destination, &model, &cache, &mut faults);
    for fault in &faults {
        warn(format_args!("error: {fault}"));
    }
    done?;
    if faults.is_empty() {
        return Ok(());
    }
    let failed = faults.len();
    Err(Failure::Input(format!("{failed} of {total} clips could not be classified")))
}

/// Classifies clips one after another, and lists those that cannot be read.
///
/// # Errors
///
/// A place that cannot be written.
fn classify(
    clips: &[Input],
    form: Form,
    destination: &Destination,
    model: &SavedModel,
    cache: &Cache,
    faults: &mut Vec<String>,
) -> Result<()> {
    let head = form.head(model.classes())?;
    destination.begin(&head)?;
    for clip in clips {
        match model.predict(&clip.path, cache) {
            Ok(report) => {
                destination.put(clip, &head, &form.text(&report, model.classes())?)?;
            }
            Err(error) => faults.push(error.to_string()),
        }
    }
    Ok(())
}
