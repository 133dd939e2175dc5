//! The command line. Each command's help ends with a real example.

use crate::forms::Form;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Audio-visual emotion recognition by common information.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done, 1 internal error, 2 the input or the disk, 130 Ctrl-C, 141 nobody reads the output."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Render a small corpus, extract, train with and without common information, report
    #[command(after_help = "Example: av-bench demo --out runs/demo")]
    Demo(DemoArgs),
    /// Run an experiment file: extract, train over folds, seeds and systems, judge, report
    #[command(
        after_help = "Example: av-bench run datasets/javanese-av/experiment.toml --data /data/javanese-av --set seeds=[1]"
    )]
    Run(RunArgs),
    /// Fill the feature cache of an experiment; made again, it goes on where it stopped
    #[command(
        after_help = "Example: av-bench extract datasets/javanese-av/experiment.toml --data /data/javanese-av --shard 2/8"
    )]
    Extract(ExtractArgs),
    /// Classify media files: JSON lines, tables, subtitles or annotations of who feels what when
    #[command(
        after_help = "Example: av-bench predict runs/demo/model clips/ --format srt --out subtitles"
    )]
    Predict(PredictArgs),
    /// Compare records: scores, and paired differences with 95 % intervals
    #[command(after_help = "Example: av-bench compare runs/a/record.json runs/b/record.json")]
    Compare(CompareArgs),
    /// Write the HTML page of one or more records
    #[command(after_help = "Example: av-bench report runs/demo/record.json --out report.html")]
    Report(ReportArgs),
    /// Render talking-face clips with a known common latent
    #[command(after_help = "Example: av-bench synth --out /tmp/faces --subjects 4 --seed 7")]
    Synth(SynthArgs),
    /// Maximal correlation of columns of a CSV table: spectrum, 95 % interval and p-value
    #[command(
        after_help = "Example: av-bench hgr table.csv --x age,income --y votes --svg functions.svg"
    )]
    Hgr(HgrArgs),
    /// List the known corpora, or index one and list every problem
    #[command(after_help = "Example: av-bench datasets verify ravdess --data /data/ravdess")]
    Datasets(DatasetsArgs),
    /// Measure fixed work, and compare it with earlier measurements; exit code 2 if something is slower
    #[command(
        after_help = "Example: av-bench bench --instructions --against docs/baseline/speed.json"
    )]
    Bench(BenchArgs),
}

#[derive(Args)]
pub struct BenchArgs {
    /// Earlier measurements to compare with
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Write the measurements (JSON)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Only these tasks
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Count instructions with valgrind, which are the same on a busy machine, instead of wall time, which is only reported
    #[arg(long)]
    pub instructions: bool,
    /// Measure so many times; from two counts of instructions on, each task's tolerance comes from their spread
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub repeats: u16,
    /// Do the work of one task with the files of this folder, in this process
    #[arg(long, hide = true)]
    pub worker: Option<PathBuf>,
    /// Calls that a worker makes
    #[arg(long, hide = true, requires = "worker")]
    pub calls: Option<usize>,
}

#[derive(Args)]
pub struct DemoArgs {
    /// Folder of the corpus, the record and the report
    #[arg(long, default_value = "runs/demo")]
    pub out: PathBuf,
    /// A smaller corpus and fewer epochs: to see that everything works, not how well
    #[arg(long)]
    pub quick: bool,
    /// Go on with an interrupted demo
    #[arg(long)]
    pub resume: bool,
}

#[derive(Args)]
pub struct ExperimentArgs {
    /// The experiment file (TOML)
    pub experiment: PathBuf,
    /// Root folder of the corpus
    #[arg(long)]
    pub data: PathBuf,
    /// Change one key of the experiment, such as training.epochs=5 or systems.fusion.embedding=16; several values, as in
    /// training.epochs=5,10, are a sweep
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Folder of extracted features, shared by runs
    #[arg(long, default_value = "runs/cache")]
    pub cache: PathBuf,
}

#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub common: ExperimentArgs,
    /// Folder of the run (default: runs/ and the name of the experiment)
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Go on with an interrupted run
    #[arg(long, conflicts_with = "replace")]
    pub resume: bool,
    /// Throw away an earlier run in the same folder
    #[arg(long)]
    pub replace: bool,
    /// Also write embeddings.npz: what the encoders make of every test clip
    #[arg(long)]
    pub embeddings: bool,
}

#[derive(Args)]
pub struct ExtractArgs {
    #[command(flatten)]
    pub common: ExperimentArgs,
    /// Extract part I of N of the clips, for work on N machines: each clip is in one part, by its name
    #[arg(long, value_name = "I/N", default_value_t = av_train::Shard::WHOLE)]
    pub shard: av_train::Shard,
    /// First draw some clips with the boxes of their faces, to see by eye whether the boxes cover the faces
    #[arg(long, value_name = "FILE.png")]
    pub contact_sheet: Option<PathBuf>,
    /// Clips on the contact sheet, evenly spread over the part
    #[arg(long, value_name = "N", default_value_t = 24, requires = "contact_sheet")]
    pub sheet_clips: usize,
}

#[derive(Args)]
pub struct PredictArgs {
    /// Folder `model` of a finished run
    pub model: PathBuf,
    /// Media files, folders (every media file in them and below), or patterns in quotes such as 'clips/**/*.mp4'
    #[arg(required = true)]
    pub clips: Vec<PathBuf>,
    /// What is written of each clip
    #[arg(long, value_enum, default_value = "jsonl")]
    pub format: Form,
    /// Write one file for each clip into this folder, by the name of the clip
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Folder of extracted features
    #[arg(long, default_value = "runs/cache")]
    pub cache: PathBuf,
}

#[derive(Args)]
pub struct CompareArgs {
    /// Files record.json
    #[arg(required = true)]
    pub records: Vec<PathBuf>,
    /// Markdown tables, as in the README
    #[arg(long)]
    pub markdown: bool,
}

#[derive(Args)]
pub struct ReportArgs {
    /// Files record.json
    #[arg(required = true)]
    pub records: Vec<PathBuf>,
    /// The page (default: report.html next to the first record)
    #[arg(long)]
    pub out: Option<PathBuf>,
}

#[derive(Args)]
pub struct SynthArgs {
    /// Folder of the corpus
    #[arg(long)]
    pub out: PathBuf,
    /// Names and folders of the clips
    #[arg(long, value_enum, default_value = "ravdess")]
    pub layout: LayoutName,
    /// Persons
    #[arg(long)]
    pub subjects: Option<usize>,
    /// Clips of each person and emotion
    #[arg(long)]
    pub clips: Option<usize>,
    /// Everything is decided by this number
    #[arg(long)]
    pub seed: Option<u64>,
}

/// How a rendered corpus is laid out.
#[derive(Clone, Copy, ValueEnum)]
pub enum LayoutName {
    /// As RAVDESS: Actor_NN/01-01-EE-II-SS-RR-AA.mp4
    Ravdess,
}

impl From<LayoutName> for av_synth::Layout {
    fn from(name: LayoutName) -> Self {
        match name {
            LayoutName::Ravdess => Self::Ravdess,
        }
    }
}

#[derive(Args)]
pub struct HgrArgs {
    /// A table as text (CSV) with a line of names; in empty cells, NA, NaN and the like the value is missing
    pub table: PathBuf,
    /// Columns of one side, separated by commas: their functions are added
    #[arg(long, required = true)]
    pub x: Vec<String>,
    /// Columns of the other side
    #[arg(long, required = true)]
    pub y: Vec<String>,
    /// Take a missing value as a value of its own, instead of leaving its row out
    #[arg(long)]
    pub missing_values: bool,
    /// Draw the functions of the first modes into this file
    #[arg(long)]
    pub svg: Option<PathBuf>,
    /// Permutations behind the p-value
    #[arg(long, default_value_t = 999)]
    pub permutations: usize,
    /// Decides folds and permutations
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

#[derive(Args)]
pub struct DatasetsArgs {
    #[command(subcommand)]
    pub action: Option<DatasetsAction>,
}

#[derive(Subcommand)]
pub enum DatasetsAction {
    /// Index a corpus and list every problem; exit code 2 if there is one
    Verify {
        /// Name of the corpus, or the path of a corpus.toml
        name: String,
        /// Root folder of the corpus
        #[arg(long)]
        data: PathBuf,
    },
}
