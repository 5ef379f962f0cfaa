//! How an engine is set up: which store, which folder, how much at once.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::failure::OpenError;
use crate::recovery;

/// Where the journal and all else is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// An embedded store: the path of the journal's file; two more files lie beside it.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(String),
}

impl StoreUrl {
    /// The embedded store in that folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self::Sqlite(folder.join("kaowei.sqlite3"))
    }
}

impl FromStr for StoreUrl {
    type Err = OpenError;
    fn from_str(text: &str) -> Result<Self, OpenError> {
        if let Some(path) = text.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.into()));
        }
        // The address may hold a password: it is not repeated.
        let scheme = text.split("://").next().unwrap_or("");
        Err(OpenError::StoreUrl(scheme.into()))
    }
}

/// How an engine is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where everything is kept.
    pub store: StoreUrl,
    /// The lock, spooled imports; beside them, by default, the embedded store.
    pub data_dir: PathBuf,
    /// Claims decided at the same time; more are told to come again.
    pub claims_in_flight_max: usize,
    /// Threads that run the pools' actors, and whatever a caller puts beside them ([`crate::Engine::arbiters`]).
    pub arbiters: usize,
    /// Events in one transaction of the journal, at the most.
    pub batch_max: usize,
    /// Whether the sandbox is there: a payment provider of the server's own, by which no money moves.
    pub sandbox: bool,
    /// How long a transaction of the journal may take. One that takes longer counts as an outage, even if it lands: nobody
    /// could look after their holds meanwhile, so recovery gives these their time back (1.4). A minute, but in tests.
    pub commit_time_max: Duration,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Settings {
    /// An embedded store in that folder, with everything else as by default.
    pub fn embedded(data_dir: &Path) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            store: StoreUrl::in_folder(data_dir),
            data_dir: data_dir.to_path_buf(),
            claims_in_flight_max: 8_192,
            arbiters: cores,
            batch_max: 4_096,
            sandbox: true,
            commit_time_max: recovery::OUTAGE_MIN.to_std(),
            clock: Arc::new(SystemClock),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_file_or_a_database() {
        assert_eq!(
            "sqlite://a/b.sqlite3".parse::<StoreUrl>().unwrap(),
            StoreUrl::Sqlite("a/b.sqlite3".into())
        );
        assert!(matches!(
            "postgres://u@h/d".parse::<StoreUrl>().unwrap(),
            StoreUrl::Postgres(_)
        ));
        let error = "mysql://secret:word@h/d"
            .parse::<StoreUrl>()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("expected sqlite://PATH") && !error.contains("secret"),
            "{error}"
        );
    }
}
