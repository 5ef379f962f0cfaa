//! The whole product as a process that a test may kill: the same `main` as the binary `kaowei`, built with the
//! engine's fail points.
//!
//! Promises: it ends with the thread that started it, also when the test was killed itself.

use std::process::ExitCode;

use rustix::process::{Signal, set_parent_process_death_signal};

fn main() -> ExitCode {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        eprintln!("kaowei-under-test: it would outlive its test: {error}");
        return ExitCode::FAILURE;
    }
    kaowei::cli::run(std::env::args_os().collect())
}
