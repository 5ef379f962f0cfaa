//! Where PostgreSQL's programs are on this machine, and as whom they run.
//!
//! Promises: finds the programs in `PATH` or where Debian puts them, and runs the server's programs directly for an
//! ordinary user and as another account for root, since PostgreSQL refuses root. Makes no account.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use super::run;

/// Debian keeps the server's programs of each version here, outside `PATH`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// PostgreSQL's programs, and the account that its server runs as.
#[derive(Debug)]
pub(super) struct Installation {
    programs: PathBuf,
    /// `None` for an ordinary user, who runs the server as themselves.
    account: Option<Account>,
}

/// An existing account for the server, when the tests run as root.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    pub(super) user: u32,
    pub(super) group: u32,
}

impl Installation {
    pub(super) fn find() -> anyhow::Result<Self> {
        let programs = in_path().or_else(in_debians_folder).context(
            "PostgreSQL's server is not on this machine: `make test` installs it from Debian's packages",
        )?;
        let account = if rustix::process::geteuid().is_root() {
            Some(Account::find()?)
        } else {
            None
        };
        Ok(Self { programs, account })
    }

    /// For example "15.18".
    pub(super) fn version(&self) -> anyhow::Result<String> {
        let told = run(Command::new(self.programs.join("postgres")).arg("--version"))?;
        let version = told
            .split_whitespace()
            .find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
        Ok(version
            .context("`postgres --version` names no version")?
            .to_owned())
    }

    /// A client's program, run as whoever runs the tests.
    pub(super) fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        forget_postgres_settings(&mut command);
        command
    }

    /// A program that reads or writes the data folder, run as the server's account.
    pub(super) fn server(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match self.account {
            None => Command::new(program),
            Some(Account { user, group }) => {
                // It replaces itself by the program, so the child's id is the program's.
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={group}"))
                    .arg("--clear-groups");
                command.arg(program);
                command
            }
        };
        forget_postgres_settings(&mut command);
        command
    }

    /// Makes `folder` the server account's own.
    pub(super) fn hand_over(&self, folder: &Path) -> anyhow::Result<()> {
        let Some(Account { user, group }) = self.account else {
            return Ok(());
        };
        std::os::unix::fs::chown(folder, Some(user), Some(group))
            .with_context(|| format!("can't give {} to PostgreSQL's account", folder.display()))
    }
}

impl Account {
    fn find() -> anyhow::Result<Self> {
        for name in ["postgres", "nobody"] {
            let id = |kind| run(Command::new("id").arg(kind).arg(name));
            let (Ok(user), Ok(group)) = (id("-u"), id("-g")) else {
                continue;
            };
            let account = Self {
                user: user.parse()?,
                group: group.parse()?,
            };
            ensure!(
                account.user != 0,
                "the account {name} is root under another name, which PostgreSQL refuses"
            );
            return Ok(account);
        }
        bail!("PostgreSQL refuses to run as root, and there is no account postgres or nobody to run it as")
    }
}

/// A variable like `PGOPTIONS` in the developer's environment must not change what a test sees.
fn forget_postgres_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("PG")) {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C");
}

fn in_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find_map(|folder| {
        // A link in PATH leads to the folder where its sister programs are too.
        let found = folder.join("initdb").canonicalize().ok()?;
        found
            .parent()
            .filter(|programs| is_complete(programs))
            .map(Path::to_path_buf)
    })
}

fn in_debians_folder() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).ok()?;
    let mut numbers: Vec<u32> = versions
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let folders = numbers
        .iter()
        .rev()
        .map(|number| Path::new(DEBIAN).join(number.to_string()).join("bin"));
    folders.into_iter().find(|folder| is_complete(folder))
}

fn is_complete(programs: &Path) -> bool {
    ["initdb", "postgres", "psql"]
        .iter()
        .all(|program| programs.join(program).is_file())
}
