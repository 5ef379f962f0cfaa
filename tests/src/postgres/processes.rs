//! PostgreSQL's processes as the system sees them: who is whose child, who is stopped, and signals to them.

use std::fs;

use anyhow::Context as _;
use rustix::process::{Pid, Signal};

/// The server's children: its backends, writers and workers. Each leads a session of its own, so there is no process
/// group to send a signal to.
pub(super) fn children_of(parent: u32) -> anyhow::Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").context("can't list processes")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if field(pid, "PPid:").is_some_and(|found| found == parent.to_string()) {
            children.push(pid);
        }
    }
    Ok(children)
}

/// True for a process that stands still after `SIGSTOP`, and for one that is gone.
pub(super) fn is_stopped_or_gone(pid: u32) -> bool {
    field(pid, "State:").is_none_or(|state| state.starts_with(['T', 'Z', 'X']))
}

/// Sends `signal`; a process that has just gone is fine.
pub(super) fn send(pid: u32, signal: Signal) -> anyhow::Result<()> {
    let number = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .context("not a process id")?;
    match rustix::process::kill_process(number, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("can't send {signal:?} to process {pid}")),
    }
}

fn field(pid: u32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim().to_owned())
}
