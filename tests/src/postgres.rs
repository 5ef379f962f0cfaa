//! A private PostgreSQL for tests: real, durable, and gone when the tests are.
//!
//! Promises:
//! - Needs no running server and no setting: the programs are found, the cluster lives in a temporary folder and
//!   listens on a socket in it (no port that could be taken; nobody else can connect).
//! - Works as an ordinary user and as root (the server then runs under another account).
//! - Nothing outlives the test process, even one that was killed (`watchdog`).
//! - What it breaks is broken when a call returns: [`Postgres::stop`] has stopped, [`Postgres::sigstop`] has frozen
//!   every process, [`Postgres::restart_immediate`] has recovered.
//!
//! A test that disturbs its server takes one of its own with [`Postgres::private`]; all others ask
//! [`Postgres::shared`] and make themselves a database. Under cargo-nextest each test is a process, so "shared" is
//! per test there too; a cluster from the template takes about a quarter of a second.
//!
//! Deliberately absent: TCP (a test of cut networks puts a proxy before the socket), replication.

mod installation;
mod processes;
mod template;
mod watchdog;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context as _, anyhow, bail, ensure};
use rustix::process::Signal;

use self::installation::Installation;
use self::watchdog::Watchdog;
use crate::wait::{self, PATIENCE};

const SUPERUSER: &str = "kaowei";

/// A socket's path may not be longer on Linux.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// How a cluster differs from the usual one.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether commits reach the disk. On unless a test is not about durability and wants to be quick.
    pub fsync: bool,
    /// Where the cluster's folder is made: `None` for the system's temporary folder.
    pub parent: Option<PathBuf>,
    /// Further server settings, as in `postgresql.conf`.
    pub parameters: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fsync: true,
            parent: None,
            parameters: Vec::new(),
        }
    }
}

/// A running or stopped cluster. Dropping it ends the server and deletes its folder.
#[derive(Debug)]
pub struct Postgres {
    installation: Installation,
    settings: Settings,
    folder: PathBuf,
    databases: AtomicU32,
    /// `None` while stopped.
    server: Mutex<Option<Child>>,
    /// `None` only while this is dropped.
    watchdog: Option<Watchdog>,
}

impl Postgres {
    /// The cluster that the tests of this process share; started by the first that asks.
    pub fn shared() -> anyhow::Result<&'static Self> {
        static SHARED: OnceLock<Result<Postgres, String>> = OnceLock::new();
        let shared =
            SHARED.get_or_init(|| Self::private(Settings::default()).map_err(|error| format!("{error:#}")));
        shared.as_ref().map_err(|error| anyhow!(error.clone()))
    }

    /// Whether the server's programs are on this machine, for those who can do without.
    pub fn is_installed() -> bool {
        Installation::find().is_ok()
    }

    /// A running cluster of the caller's own.
    pub fn private(settings: Settings) -> anyhow::Result<Self> {
        let installation = Installation::find()?;
        let parent = settings.parent.clone().unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::Builder::new()
            .prefix("kaowei-postgres-")
            .tempdir_in(&parent);
        let folder =
            folder.with_context(|| format!("can't make a folder for PostgreSQL in {}", parent.display()))?;
        // From here on the watchdog deletes it, also when the next line fails.
        let watchdog = Watchdog::over(folder.path())?;
        let folder = folder.keep();
        installation.hand_over(&folder)?;
        ensure!(
            folder.join(".s.PGSQL.5432").as_os_str().len() <= SOCKET_PATH_BYTES_MAX,
            "{} is too long a path for PostgreSQL's socket: set TMPDIR to a shorter one",
            folder.display()
        );
        template::fill(&folder.join("data"), &installation)?;
        let cluster = Self {
            installation,
            settings,
            folder,
            databases: AtomicU32::new(0),
            server: Mutex::new(None),
            watchdog: Some(watchdog),
        };
        cluster.start()?;
        Ok(cluster)
    }

    /// Makes an empty database and returns its name.
    pub fn create_database(&self) -> anyhow::Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(name)
    }

    /// The URL of `database`, for sqlx and everything else that speaks libpq's.
    pub fn url(&self, database: &str) -> String {
        // The folder is the socket's: a host that begins with a slash.
        let host = self
            .folder
            .display()
            .to_string()
            .replace('%', "%25")
            .replace(' ', "%20");
        format!("postgres://{SUPERUSER}@localhost/{database}?host={host}")
    }

    /// Runs one statement and returns what it printed: a line per row, columns divided by `|`.
    pub fn sql(&self, database: &str, statement: &str) -> anyhow::Result<String> {
        let psql = &mut self.installation.client("psql");
        psql.args([
            "--no-psqlrc",
            "--no-align",
            "--tuples-only",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
        ]);
        psql.args(["--dbname", &self.url(database), "--command", statement]);
        run(psql)
    }

    /// The version of the server's programs, for example "15.18".
    pub fn version(&self) -> anyhow::Result<String> {
        self.installation.version()
    }

    /// The cluster's folder: `data` and `log` are in it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a stopped server and returns when it takes connections.
    pub fn start(&self) -> anyhow::Result<()> {
        let mut server = self.server();
        ensure!(server.is_none(), "PostgreSQL runs already");
        let mut child = self.command().spawn().context("can't start PostgreSQL")?;
        let ready = wait::until("PostgreSQL to take connections", PATIENCE, || {
            if let Some(status) = child.try_wait()? {
                bail!("PostgreSQL ended at its start ({status}):\n{}", self.end_of_log());
            }
            Ok(self.says_ready(child.id()))
        });
        *server = Some(child);
        ready
    }

    /// Stops as an administrator would: open transactions are rolled back, a checkpoint is written.
    pub fn stop(&self) -> anyhow::Result<()> {
        self.end(Signal::INT)
    }

    /// Stops as a crash would, without a checkpoint, and starts again, which recovers from the write-ahead log.
    pub fn restart_immediate(&self) -> anyhow::Result<()> {
        self.end(Signal::QUIT)?;
        self.start()
    }

    /// Freezes every process of the server, until [`Self::sigcont`]: connections stay open and nothing answers.
    pub fn sigstop(&self) -> anyhow::Result<()> {
        let postmaster = self.postmaster()?;
        // The postmaster first, so that no further children are born.
        processes::send(postmaster, Signal::STOP)?;
        wait::until("PostgreSQL to stand still", PATIENCE, || {
            let running: Vec<u32> = processes::children_of(postmaster)?
                .into_iter()
                .chain([postmaster])
                .filter(|pid| !processes::is_stopped_or_gone(*pid))
                .collect();
            running
                .iter()
                .try_for_each(|pid| processes::send(*pid, Signal::STOP))?;
            Ok(running.is_empty())
        })
    }

    /// Lets a frozen server go on.
    pub fn sigcont(&self) -> anyhow::Result<()> {
        let postmaster = self.postmaster()?;
        let children = processes::children_of(postmaster)?;
        children
            .into_iter()
            .chain([postmaster])
            .try_for_each(|pid| processes::send(pid, Signal::CONT))
    }

    /// Ends every connection to `database` as an administrator would, and returns how many there were.
    pub fn kill_backends(&self, database: &str) -> anyhow::Result<usize> {
        let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity";
        let told = self.sql("postgres", &format!("{ended} WHERE datname = '{database}'"))?;
        told.parse()
            .with_context(|| format!("not a number of backends: {told}"))
    }

    /// Kills every backend of `database` with `SIGKILL`, whatever it is at, and returns how many there were. The
    /// server answers by ending all other connections and recovering; [`Self::wait_until_ready`] waits for that.
    pub fn crash_backends(&self, database: &str) -> anyhow::Result<usize> {
        let backends = format!("SELECT pid FROM pg_stat_activity WHERE datname = '{database}'");
        let told = self.sql("postgres", &backends)?;
        let pids: Vec<u32> = told.lines().map(str::parse).collect::<Result<_, _>>()?;
        pids.iter()
            .try_for_each(|pid| processes::send(*pid, Signal::KILL))?;
        wait::until("the killed backends to be gone", PATIENCE, || {
            Ok(pids.iter().all(|pid| processes::is_stopped_or_gone(*pid)))
        })?;
        Ok(pids.len())
    }

    /// Returns when the server answers a query.
    pub fn wait_until_ready(&self) -> anyhow::Result<()> {
        wait::until("PostgreSQL to answer", PATIENCE, || {
            Ok(self.sql("postgres", "SELECT 1").is_ok())
        })
    }

    /// The last lines that the server logged.
    pub fn end_of_log(&self) -> String {
        const LINES: usize = 20;
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }

    fn command(&self) -> Command {
        let mut command = self.installation.server("postgres");
        command
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg("-k")
            .arg(&self.folder);
        let fsync = if self.settings.fsync { "on" } else { "off" };
        let usual = [
            ("listen_addresses", ""),
            ("timezone", "UTC"),
            ("max_connections", "200"),
            ("fsync", fsync),
        ];
        let own = self
            .settings
            .parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in usual.into_iter().chain(own) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("log"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(log.map_or_else(|_| Stdio::null(), Stdio::from));
        // In the test's process group Ctrl-C would reach it and shut it down in the middle of a test's own end.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.current_dir(&self.folder);
        command
    }

    /// The server writes its id first and its state last into this file.
    fn says_ready(&self, pid: u32) -> bool {
        let told = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        let mut lines = told.lines();
        lines.next() == Some(&pid.to_string()) && lines.last().is_some_and(|state| state.trim() == "ready")
    }

    fn end(&self, signal: Signal) -> anyhow::Result<()> {
        let mut server = self.server();
        let child = server.as_mut().context("PostgreSQL does not run")?;
        processes::send(child.id(), signal)?;
        wait::until("PostgreSQL to end", PATIENCE, || Ok(child.try_wait()?.is_some()))?;
        *server = None;
        Ok(())
    }

    fn postmaster(&self) -> anyhow::Result<u32> {
        Ok(self.server().as_ref().context("PostgreSQL does not run")?.id())
    }

    fn server(&self) -> MutexGuard<'_, Option<Child>> {
        // A test that panicked while it held the lock has left a true value: each step sets it at its end.
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // One way to end it, whether the tests end well or not: the watchdog's.
        drop(self.watchdog.take());
        if let Some(mut ended) = self.server().take() {
            let _ = ended.wait();
        }
    }
}

/// Runs a program to its end and returns what it printed, or fails with its complaint.
fn run(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("can't run {program}"))?;
    ensure!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
