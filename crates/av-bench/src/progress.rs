//! Progress bars, the log and Ctrl-C.

use crate::failure::{Failure, Result};
use crate::terminal::warn;
use av_train::{Event, Observer};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// Shows events on the terminal and writes them to a log.
pub struct Watch {
    bar: ProgressBar,
    log: Option<Mutex<File>>,
}

impl Watch {
    /// A watch that logs into `<out>/run.log`, if a folder is given. The first Ctrl-C asks the work to stop
    /// where it can go on later, the second ends the program.
    pub fn new(out: Option<&Path>) -> Result<Self> {
        static HANDLER: OnceLock<bool> = OnceLock::new();
        HANDLER.get_or_init(|| {
            let asked = || {
                if STOP.swap(true, Ordering::Relaxed) {
                    std::process::exit(130);
                }
                warn("stopping after the epoch or clip under way; Ctrl-C again to stop at once");
            };
            ctrlc::set_handler(asked).is_ok()
        });
        let log = out.map(open_log).transpose()?.map(Mutex::new);
        let bar = ProgressBar::new(0);
        let style = "{prefix:>10} {wide_bar} {pos}/{len} {per_sec} {eta} left  {msg}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Ok(Self { bar, log })
    }

    /// Calls `work` with an observer that reports here.
    pub fn during<T>(&self, work: impl FnOnce(Observer) -> T) -> T {
        let event = |event: Event<'_>| self.show(&event);
        let outcome = work(Observer { event: &event, stop: &STOP });
        self.bar.finish_and_clear();
        outcome
    }

    /// Reports rendered clips.
    pub fn rendered(&self, done: usize, total: usize) {
        self.count("render", done, total, "");
    }

    fn show(&self, event: &Event<'_>) {
        match event {
            Event::Extracted { done, total, clip } => {
                self.count("extract", *done, *total, clip);
                self.note(&format!("extracted {done}/{total} {clip}"));
            }
            Event::Joined { modality, table } => {
                let line = format!("{}: {table}", modality.name());
                self.bar.suspend(|| warn(&line));
                self.note(&line);
            }
            Event::Rebuilt { clip } => {
                let line = format!("a damaged cache entry was computed again: {clip}");
                self.bar.suspend(|| warn(format_args!("warning: {line}")));
                self.note(&line);
            }
            Event::Epoch { unit, done, total } => {
                self.bar.set_message(format!("{unit}, epoch {done}/{total}"));
                self.bar.tick();
            }
            Event::Trained { done, total, unit } => {
                self.count("train", *done, *total, unit);
                self.note(&format!("trained {done}/{total} {unit}"));
            }
            _ => {}
        }
    }

    fn count(&self, step: &'static str, done: usize, total: usize, message: &str) {
        if self.bar.prefix() != step {
            self.bar.reset();
            self.bar.set_prefix(step);
        }
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(message.to_string());
    }

    /// The log is a convenience: that a line of it cannot be written stops nothing.
    fn note(&self, line: &str) {
        if let Some(log) = &self.log
            && let Ok(mut file) = log.lock()
        {
            let _ = writeln!(file, "{line}");
        }
    }
}

fn open_log(out: &Path) -> Result<File> {
    std::fs::create_dir_all(out).map_err(|error| Failure::write(out, error))?;
    let path = out.join("run.log");
    let file = File::options().create(true).append(true).open(&path);
    file.map_err(|error| Failure::write(&path, error))
}
