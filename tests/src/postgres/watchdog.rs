//! A process that outlives the tests for a moment, to leave nothing of PostgreSQL behind.
//!
//! Promises: once the test process is gone, by whatever way (a normal end, a panic, `SIGKILL`, a timeout of the test
//! runner that kills the whole process group), the server is ended and its folder deleted within moments.
//! A shell and not a thread, since nothing inside the process survives `SIGKILL`; a pipe and not `PDEATHSIG`, since
//! that fires when the starting *thread* ends, and a test's thread ends before the tests do.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

const SCRIPT: &str = include_str!("watchdog.sh");

#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Watches over `folder` from now on.
    pub(super) fn over(folder: &Path) -> anyhow::Result<Self> {
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .env("folder", folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            // An inherited output would keep the test runner waiting for more of it.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own: Ctrl-C and the test runner's timeout end the test's group.
            .process_group(0)
            .spawn()
            .context("can't start the shell that ends PostgreSQL after the tests")?;
        Ok(Self { shell })
    }
}

impl Drop for Watchdog {
    /// Returns when the server has ended and its folder is gone.
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // There is nobody to tell: a failure to wait leaves the shell to finish alone.
        let _ = self.shell.wait();
    }
}
