//! `av-bench`: experiments on audio-visual emotion recognition by common information.
//!
//! A thin front end: it reads arguments, shows progress, prints and draws. What it calls is in `av-train`
//! (experiments), `av-synth` (the rendered corpus) and `hgr-corr` (correlations of a table).

// They panic where nobody reads what is printed: see `terminal`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;
mod commands;
mod contact_sheet;
mod failure;
mod forms;
mod markup;
mod output;
mod progress;
mod report;
mod terminal;

use clap::Parser;
use cli::{Cli, Command};
use failure::Failure;
use std::process::ExitCode;

/// The system's allocator gives the buffers of a training step back after every use, and faults them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(arguments) => commands::demo(&arguments),
        Command::Run(arguments) => commands::run(&arguments),
        Command::Extract(arguments) => commands::extract(&arguments),
        Command::Predict(arguments) => commands::predict(&arguments),
        Command::Compare(arguments) => commands::compare(&arguments),
        Command::Report(arguments) => commands::report(&arguments),
        Command::Synth(arguments) => commands::synth(&arguments),
        Command::Hgr(arguments) => commands::hgr(&arguments),
        Command::Datasets(arguments) => commands::datasets(&arguments),
        Command::Bench(arguments) => commands::bench(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Unread) {
                terminal::warn(format_args!("error: {failure}"));
            }
            failure.exit_code()
        }
    }
}
