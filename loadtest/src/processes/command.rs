//! Runs a program to its end.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::Interrupt;

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It could not be started.
    #[error("can't start {program}")]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It failed.
    #[error("`{line}` ended with {status}:\n{said}")]
    Failed {
        /// Its command line.
        line: String,
        /// How it ended.
        status: ExitStatus,
        /// Its last lines.
        said: String,
    },
    /// The user asked for the end.
    #[error("interrupted")]
    Interrupted,
    /// A file for its output.
    #[error("can't write {file}")]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Runs a program until it ends. Its standard error is kept in `log` and shown if it fails.
pub async fn run_to_end<S: AsRef<OsStr>>(
    program: &Path,
    arguments: &[S],
    stdout: Option<&Path>,
    log: &Path,
    interrupt: &Interrupt,
) -> Result<(), CommandError> {
    let stdout = match stdout {
        Some(file) => create(file)?.into(),
        None => Stdio::null(),
    };
    let mut child = prepared(program, arguments)
        .stdout(stdout)
        .stderr(create(log)?)
        .spawn()
        .map_err(|source| CommandError::Start {
            program: program.to_owned(),
            source,
        })?;
    let status = tokio::select! {
        status = child.wait() => status,
        () = interrupt.nth(1) => {
            end(&mut child).await;
            return Err(CommandError::Interrupted);
        }
    };
    let status = status.map_err(|source| CommandError::Start {
        program: program.to_owned(),
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    let words = arguments.iter().map(|word| word.as_ref().to_string_lossy());
    let line = [program.to_string_lossy()]
        .into_iter()
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ");
    Err(CommandError::Failed {
        line,
        status,
        said: last_lines(log, 20),
    })
}

/// A command outside the terminal's process group, killed at the latest when its handle goes.
pub(super) fn prepared<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Ends a child by its id: SIGTERM, a wait, and SIGKILL if that was not enough.
pub(super) async fn end(child: &mut Child) -> Option<ExitStatus> {
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))?;
    // It may have ended by itself meanwhile.
    let _ = kill_process(pid, Signal::TERM);
    if let Ok(status) = tokio::time::timeout(Duration::from_secs(30), child.wait()).await {
        return status.ok();
    }
    let _ = child.start_kill();
    child.wait().await.ok()
}

/// The last lines of a log.
pub(super) fn last_lines(log: &Path, count: usize) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

pub(super) fn create(file: &Path) -> Result<File, CommandError> {
    File::create(file).map_err(|source| CommandError::File {
        file: file.to_owned(),
        source,
    })
}
