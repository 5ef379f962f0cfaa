//! The whole product as a process that a test may kill: the same `main` as the binary `kaowei`, built with the
//! engine's fail points.
//!
//! Promises: it ends with its test, also when that was killed itself: its standard input is a pipe that the test holds
//! open, and the end of that pipe is its own.

use std::io::Read;
use std::process::ExitCode;

use rustix::process::{Signal, getpid, kill_process};

fn main() -> ExitCode {
    std::thread::spawn(|| {
        let ended = std::io::stdin().read_to_end(&mut Vec::new());
        eprintln!("kaowei-under-test: the test is gone ({ended:?})");
        kill_process(getpid(), Signal::KILL)
    });
    kaowei::cli::run(std::env::args_os().collect())
}
