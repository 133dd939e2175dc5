//! An experiment from its file to its record: folds x seeds x systems.

use crate::bundle::Bundle;
use crate::common::common_information;
use crate::control::{Control, Event};
use crate::decision::{confusion, decide, log_loss};
use crate::experiment::{AudioInput, Experiment, System, VideoInput};
use crate::files::{read_json, write_json};
use crate::inputs::{ClipProblem, Inputs};
use crate::part::Part;
use crate::record::{
    DataSummary, FORMAT, Record, RunRecord, compare, confusions, spectra, summarise,
};
use crate::trainer::{Fitted, Setup, fit};
use crate::{Error, Result};
use av_datasets::{Dataset, Fold, folds};
use av_features::Cache;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Where an experiment reads and writes.
#[derive(Clone, Debug)]
pub struct Places {
    /// Root of the corpus.
    pub data: PathBuf,
    /// Folder of the run: record, model, unfinished work.
    pub out: PathBuf,
    /// Folder of extracted features, shared by runs.
    pub cache: PathBuf,
}

/// What to do with an output folder that already holds a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Stop with an error: nothing is lost.
    Refuse,
    /// Go on where it stopped, if it is a run of the same experiment and data.
    Resume,
    /// Throw it away and begin anew.
    Replace,
}

/// Seed of folds and validation splits: the same for all seeds of an experiment, so that seeds differ in
/// training alone.
const SPLIT_SEED: u64 = 0;

/// What an experiment is trained on and judged by.
pub struct Prepared {
    /// The clips.
    pub dataset: Dataset,
    /// How they are split.
    pub folds: Vec<Fold>,
    /// Their features.
    pub inputs: Inputs,
}

/// The clips of an experiment: those of its corpus, with the feature tables that it names.
pub fn index(experiment: &Experiment, data: &Path) -> Result<Dataset> {
    let mut dataset = experiment.dataset.index(data)?;
    if let AudioInput::Table(table) = &experiment.audio {
        dataset.join_audio(data, table)?;
    }
    if let VideoInput::Table(table) = &experiment.video {
        dataset.join_video(data, table)?;
    }
    Ok(dataset)
}

/// Indexes the corpus, splits it and extracts what the cache does not hold.
///
/// Errors: those of [`Experiment::dataset`] and of its protocol before anything is extracted, which may take hours;
/// clips of fewer than two classes; those of the extraction.
pub fn prepare(experiment: &Experiment, places: &Places, control: Control) -> Result<Prepared> {
    let dataset = index(experiment, &places.data)?;
    if dataset.classes.len() < 2 {
        return Err(Error::Classes { corpus: dataset.name, classes: dataset.classes });
    }
    let folds = folds(&dataset, &experiment.protocol, SPLIT_SEED)?;
    let cache = Cache::open(&places.cache)?;
    let inputs = Inputs::load(&dataset, experiment, &cache, control)?;
    Ok(Prepared { dataset, folds, inputs })
}

/// Runs an experiment and writes `record.json`, `experiment.json` and the folder `model`.
///
/// Every finished training run is kept in `<out>/units`, and one that is under way in a checkpoint beside
/// it, so that [`Existing::Resume`] comes to the same record after a crash.
pub fn run(
    experiment: &Experiment,
    places: &Places,
    existing: Existing,
    control: Control,
) -> Result<Record> {
    let began = Instant::now();
    if existing == Existing::Refuse {
        check_free(&places.out)?; // before the extraction, which may take hours
    }
    let prepared = prepare(experiment, places, control)?;
    let extracted = began.elapsed();
    let manifest = prepared.dataset.manifest_hash();
    claim(&places.out, existing, &Claim { experiment: experiment.clone(), manifest })?;
    let job = Job { experiment, prepared: &prepared, places, control };
    let runs = job.train_all()?;
    let trained = began.elapsed();
    job.final_model()?.save(&places.out.join(MODEL))?;
    let classes = prepared.dataset.classes.len();
    let record = Record {
        format: FORMAT,
        name: experiment.name.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        device: "cpu".into(),
        experiment: experiment.clone(),
        data: summary_of(&prepared),
        summary: summarise(&runs, classes),
        paired: compare(&runs),
        common_information: spectra(&runs),
        confusion: confusions(&runs, classes),
        runs,
        times: BTreeMap::from([
            ("extraction".into(), extracted.as_secs_f64()),
            ("training".into(), (trained - extracted).as_secs_f64()),
            ("total".into(), began.elapsed().as_secs_f64()),
        ]),
    };
    write_json(&places.out.join("record.json"), &record)?;
    Ok(record)
}

/// What an output folder belongs to.
#[derive(Serialize, Deserialize)]
struct Claim {
    experiment: Experiment,
    manifest: String,
}

/// Makes sure that the output folder is empty, ours to replace, or the beginning of this very run.
fn claim(out: &Path, existing: Existing, claim: &Claim) -> Result<()> {
    let file = out.join(CLAIM);
    if existing == Existing::Replace {
        for part in [UNITS, MODEL] {
            remove(&out.join(part))?;
        }
        return write_json(&file, claim);
    }
    let Some(earlier) = read_json::<Claim>(&file)? else { return write_json(&file, claim) };
    if existing == Existing::Resume && same(&earlier, claim) {
        return Ok(());
    }
    let message = "holds a run of another experiment file or other data: give another --out, or --replace to begin anew";
    Err(Error::Output { path: out.into(), message: message.into() })
}

/// Makes sure that the output folder belongs to no run.
fn check_free(out: &Path) -> Result<()> {
    if read_json::<Claim>(&out.join(CLAIM))?.is_none() {
        return Ok(());
    }
    let message = "holds an earlier run: give --resume to go on with it, --replace to begin anew, or another --out";
    Err(Error::Output { path: out.into(), message: message.into() })
}

/// Equal in everything that decides the record.
fn same(a: &Claim, b: &Claim) -> bool {
    a.manifest == b.manifest
        && serde_json::to_value(&a.experiment).ok() == serde_json::to_value(&b.experiment).ok()
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Write { path: folder.into(), source: error })
        }
        _ => Ok(()),
    }
}

/// File of an output folder that says which run it belongs to.
const CLAIM: &str = "experiment.json";

/// Folder of finished training runs inside an output folder.
const UNITS: &str = "units";

/// Folder of the model inside an output folder.
const MODEL: &str = "model";

/// One training run.
#[derive(Clone, Copy, Debug)]
struct Unit {
    fold: usize,
    seed: u64,
    system: System,
}

struct Job<'a> {
    experiment: &'a Experiment,
    prepared: &'a Prepared,
    places: &'a Places,
    control: Control<'a>,
}

impl Job<'_> {
    /// All training runs, in the order fold, seed, system; several at once.
    fn train_all(&self) -> Result<Vec<RunRecord>> {
        let units: Vec<Unit> = (0..self.prepared.folds.len())
            .flat_map(|fold| self.experiment.seeds.iter().map(move |&seed| (fold, seed)))
            .flat_map(|(fold, seed)| {
                self.experiment.systems.iter().map(move |&system| Unit { fold, seed, system })
            })
            .collect();
        crate::workers::map(&units, |done, unit| {
            let name = self.name(unit);
            let record = self.unit(unit, &name).map_err(|error| error.in_step(&name))?;
            self.control.tell(Event::Trained { done: done(), total: units.len(), unit: &name });
            Ok(record)
        })
    }

    fn name(&self, unit: &Unit) -> String {
        let Unit { fold, seed, system } = unit;
        format!("fold {}, seed {seed}, {}", self.prepared.folds[*fold].name, system.name())
    }

    /// Trains and tests one unit, or takes it from the output folder.
    fn unit(&self, unit: &Unit, name: &str) -> Result<RunRecord> {
        self.control.check()?;
        let Unit { fold, seed, system } = *unit;
        let stem = format!("{fold:03}-{seed}-{}", system.name());
        let path = self.places.out.join(UNITS).join(stem);
        let file = path.with_extension("json");
        if let Some(record) = read_json(&file)? {
            return Ok(record);
        }
        let Prepared { dataset, inputs, .. } = self.prepared;
        let fold = &self.prepared.folds[fold];
        let (train, validation) = self.split(fold)?;
        let setup = self.setup(seed, system, name);
        let fitted = fit(setup, &train, validation.as_ref(), Some(&path), self.control)?;

        let test = Part::new(dataset, inputs, fold.test.clips()).labelled();
        if test.items.is_empty() {
            return Err(Error::EmptyPart {
                what: format!("the test part of fold {}", fold.name),
                mend: "leave the fold out with protocol.test_folds",
            });
        }
        let segments = self.experiment.training.decision_segments;
        let say = |part: &Part| decide(&fitted.model, &fitted.normaliser, system, part, segments);
        let decisions = say(&test)?;
        let common_information = if system.hears() && system.sees() {
            common_information(&say(&train)?, &decisions, seed)?
        } else {
            None
        };
        let counts = confusion(&decisions, dataset.classes.len());
        let sizes =
            [train.items.len(), validation.map_or(0, |part| part.items.len()), test.items.len()];
        let record = RunRecord {
            system,
            fold: fold.name.clone(),
            seed,
            clips: sizes,
            uar: counts.uar(),
            accuracy: counts.accuracy(),
            macro_f1: counts.macro_f1(),
            log_loss: log_loss(&decisions),
            confusion: counts,
            best_epoch: fitted.best_epoch,
            curve: fitted.curve,
            common_information,
        };
        write_json(&file, &record)?;
        for stage in ["fit", "refit"] {
            // The checkpoint has served; that it may be absent or stay is no harm.
            let _ = std::fs::remove_file(path.with_extension(stage));
        }
        Ok(record)
    }

    /// The training clips of a fold, and the inner validation clips of other subjects.
    fn split(&self, fold: &Fold) -> Result<(Part<'_>, Option<Part<'_>>)> {
        let Prepared { dataset, inputs, .. } = self.prepared;
        let share = self.experiment.training.validation;
        if share == 0.0 {
            return Ok((Part::new(dataset, inputs, fold.train.clips()), None));
        }
        let (fit, validation) = fold.train.split_validation(dataset, share, SPLIT_SEED)?;
        let validation = Part::new(dataset, inputs, validation.clips()).labelled();
        Ok((Part::new(dataset, inputs, fit.clips()), Some(validation)))
    }

    fn setup<'s>(&'s self, seed: u64, system: System, name: &'s str) -> Setup<'s> {
        Setup {
            experiment: self.experiment,
            system,
            seed,
            classes: self.prepared.dataset.classes.len(),
            shapes: &self.prepared.inputs.shapes,
            name,
        }
    }

    /// The model to keep: the last system of the experiment, trained on all subjects with the first seed.
    fn final_model(&self) -> Result<Bundle> {
        let system = self.experiment.systems.last().copied().unwrap_or(System::FusionHgr);
        let seed = self.experiment.seeds.first().copied().unwrap_or(SPLIT_SEED);
        let name = format!("final model, {}", system.name());
        let whole = Fold::whole(&self.prepared.dataset);
        let (train, validation) = self.split(&whole)?;
        let setup = self.setup(seed, system, &name);
        let path = self.places.out.join(UNITS).join("final");
        let fitted: Fitted = fit(setup, &train, validation.as_ref(), Some(&path), self.control)?;
        let Prepared { dataset, inputs, .. } = self.prepared;
        Ok(Bundle::new(fitted, self.experiment, system, seed, &dataset.classes, &inputs.shapes))
    }
}

fn summary_of(prepared: &Prepared) -> DataSummary {
    let Prepared { dataset, inputs, .. } = prepared;
    let mut clips_per_class: BTreeMap<String, usize> =
        dataset.classes.iter().map(|class| (class.clone(), 0)).collect();
    for class in dataset.clips.iter().filter_map(|clip| dataset.classes.get(clip.emotion?)) {
        *clips_per_class.entry(class.clone()).or_default() += 1;
    }
    let subjects: std::collections::BTreeSet<&str> =
        dataset.clips.iter().map(|clip| clip.subject.as_str()).collect();
    let files = dataset.problems.iter().filter(|problem| !problem.unreadable).map(ClipProblem::of);
    let faces = inputs.faces;
    DataSummary {
        name: dataset.name.clone(),
        classes: dataset.classes.clone(),
        clips: dataset.clips.len(),
        unlabelled: dataset.clips.iter().filter(|clip| clip.emotion.is_none()).count(),
        clips_per_class,
        subjects: subjects.len(),
        manifest_hash: dataset.manifest_hash(),
        faces,
        faces_share: (faces.frames > 0).then(|| faces.found as f64 / faces.frames as f64),
        problems: files.chain(inputs.problems.iter().cloned()).collect(),
    }
}
