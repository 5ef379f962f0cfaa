//! The real program as a process of its own: started, told to stop, killed, and asked how it ended.
//!
//! Promises:
//! - A server that was started answers when [`Program::serve`] returns, or has ended, with its exit code and all that
//!   it wrote.
//! - Nothing outlives the test: what is dropped is killed and waited for, and the program dies with its parent.
//! - Every wait is bounded and names what was waited for.
//!
//! The program is `kaowei-under-test` of this package: the product's own `main`, with fail points.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;

use crate::wait::{self, PATIENCE};

/// Where a program finds its data.
#[derive(Debug, Clone)]
pub struct Program {
    executable: PathBuf,
    data_dir: PathBuf,
    store: Option<String>,
}

/// How a process ended.
#[derive(Debug)]
pub struct End {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub told: String,
    /// What it wrote to standard error.
    pub log: String,
}

/// What became of a server that was started.
#[derive(Debug)]
pub enum Launch {
    /// It answers.
    Answers(Server),
    /// It has ended before it did.
    Ended(End),
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    process: Process,
    address: String,
    metrics: String,
}

/// A process with what it writes; killed when dropped.
#[derive(Debug)]
struct Process {
    child: Child,
    told: NamedTempFile,
    log: NamedTempFile,
}

impl Program {
    /// The program `executable` on the embedded store in `data_dir`, or on the store named.
    pub fn new(executable: impl Into<PathBuf>, data_dir: &Path, store: Option<String>) -> Self {
        Self {
            executable: executable.into(),
            data_dir: data_dir.to_path_buf(),
            store,
        }
    }

    /// The folder of its data.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Runs a command to its end, with where the data is.
    pub fn run(&self, arguments: &[&str]) -> End {
        let mut command = self.command(arguments);
        self.add_place(&mut command);
        Process::start(&mut command).wait("a command to end")
    }

    /// Runs a command that has no store to its end.
    pub fn run_alone(&self, arguments: &[&str]) -> End {
        Process::start(&mut self.command(arguments)).wait("a command to end")
    }

    /// Runs a command that must succeed; what it told.
    pub fn must(&self, arguments: &[&str]) -> String {
        let end = self.run(arguments);
        assert!(end.status.success(), "{arguments:?}: {}", end.log);
        end.told
    }

    /// Starts a server without limits per account and without the demo, with further arguments and environment.
    pub fn serve(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Launch {
        let mut command = self.command(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--metrics-listen",
            "127.0.0.1:0",
        ]);
        command.args(["--account-rate", "0", "--demo", "off"]);
        self.add_place(&mut command);
        command.args(arguments).envs(environment.iter().copied());
        Self::launch(&mut command)
    }

    /// Starts a server with exactly these arguments.
    pub fn serve_as(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Launch {
        Self::launch(self.command(arguments).envs(environment.iter().copied()))
    }

    /// Starts a server that must answer.
    pub fn answering(&self) -> Server {
        self.serve(&[], &[]).answers()
    }

    fn launch(command: &mut Command) -> Launch {
        let mut process = Process::start(command);
        let mut found = None;
        wait::until("the server to answer or to end", PATIENCE, || {
            if process.child.try_wait()?.is_some() {
                return Ok(true);
            }
            let log = read(&process.log);
            found = after(&log, "listening on http://").zip(after(&log, "metrics on http://"));
            Ok(found.is_some())
        })
        .expect("a server answers or ends");
        match found {
            Some((address, metrics)) => Launch::Answers(Server {
                process,
                address,
                metrics,
            }),
            None => Launch::Ended(process.wait("the server's end")),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.executable);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KAOWEI_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(&self.data_dir);
        command
    }

    fn add_place(&self, command: &mut Command) {
        command.arg("--data-dir").arg(&self.data_dir);
        if let Some(store) = &self.store {
            command.arg("--store").arg(store);
        }
    }
}

impl Launch {
    /// The server, which must answer.
    pub fn answers(self) -> Server {
        match self {
            Self::Answers(server) => server,
            Self::Ended(end) => panic!("the server has ended ({}):\n{}", end.status, end.log),
        }
    }

    /// The end of the server, which must not have answered.
    pub fn ended(self) -> End {
        match self {
            Self::Answers(server) => panic!("the server answers at {}", server.address),
            Self::Ended(end) => end,
        }
    }
}

impl Server {
    /// Its address, `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where its metrics are.
    pub fn metrics(&self) -> &str {
        &self.metrics
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        read(&self.process.log)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Kills it as a power cut would.
    pub fn kill(self) -> End {
        self.process.signal(Signal::KILL);
        self.process.wait("a killed server to end")
    }

    /// Tells it to stop, and waits until it has.
    pub fn stop(self) -> End {
        self.process.signal(Signal::TERM);
        self.process.wait("a server that was told to stop to end")
    }

    /// Waits until it takes no connections any more.
    pub fn wait_until_closed(&self) {
        let closed = wait::until("the server to take no connections", PATIENCE, || {
            Ok(std::net::TcpStream::connect(&self.address).is_err())
        });
        closed.unwrap_or_else(|error| panic!("{error:#}:\n{}", self.log()));
    }

    /// Waits until it ends by itself.
    pub fn wait(self) -> End {
        self.process.wait("the server to end by itself")
    }
}

impl End {
    /// Whether `SIGKILL` ended it.
    pub fn was_killed(&self) -> bool {
        self.status.signal() == Some(Signal::KILL.as_raw())
    }

    /// Asserts that it ended with exit code 1 and one clear sentence that holds `part`.
    pub fn assert_sentence(&self, part: &str) {
        assert_eq!(self.status.code(), Some(1), "{}", self.log);
        let said: Vec<&str> = self
            .log
            .lines()
            .filter(|line| line.starts_with("kaowei: "))
            .collect();
        assert!(
            said.len() == 1 && said[0].contains(part),
            "expected {part:?} in:\n{}",
            self.log
        );
        self.assert_sound();
    }

    /// Asserts that it neither panicked nor found its store damaged or an invariant broken.
    pub fn assert_sound(&self) {
        for wrong in ["panicked at", "is damaged", "invariant", "ended early"] {
            assert!(!self.log.contains(wrong), "{wrong:?} in the log:\n{}", self.log);
        }
    }
}

impl Process {
    fn start(command: &mut Command) -> Self {
        let file = || NamedTempFile::new().expect("a temporary file can be made");
        let (told, log) = (file(), file());
        // Opened anew: whoever reads must not move the place where the process writes.
        let to = |file: &NamedTempFile| Stdio::from(file.reopen().expect("a file can be opened twice"));
        command.stdin(Stdio::piped()).stdout(to(&told)).stderr(to(&log));
        let child = command.spawn().expect("the program can be started");
        Self { child, told, log }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // One that has just ended is not there any more: its end is read by whoever waits.
        kill_process(pid.expect("a process has an id"), signal).ok();
    }

    fn wait(mut self, what: &str) -> End {
        self.wait_for(what, PATIENCE);
        // `Child::wait` would close its standard input first, which is the sign to end.
        let status = self.child.try_wait().expect("a child's end can be read");
        let status = status.expect("it has ended");
        End {
            status,
            told: read(&self.told),
            log: read(&self.log),
        }
    }

    fn wait_for(&mut self, what: &str, bound: Duration) {
        let child = &mut self.child;
        let ended = wait::until(what, bound, || Ok(child.try_wait()?.is_some()));
        if let Err(error) = ended {
            panic!("{error:#}; it wrote:\n{}", read(&self.log));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// All that another process has written so far.
fn read(file: &NamedTempFile) -> String {
    let bytes = std::fs::read(file.path()).expect("a process's output can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What follows `mark` in a text, up to the next blank or slash; none while the line is not complete.
fn after(text: &str, mark: &str) -> Option<String> {
    let (_, rest) = text.split_once(mark)?;
    let line = rest.split_once('\n')?.0;
    line.split(['/', ' ']).next().map(str::to_owned)
}
