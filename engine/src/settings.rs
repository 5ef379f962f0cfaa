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

/// A key of 32 bytes that the operator keeps, in 64 hexadecimal digits. It is never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SuppliedKey(pub(crate) [u8; 32]);

impl std::fmt::Debug for SuppliedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SuppliedKey(…)")
    }
}

/// A text that is no key. It does not repeat the text, which may be one nearly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits, as `openssl rand -hex 32` prints them")]
pub struct InvalidKey;

impl FromStr for SuppliedKey {
    type Err = InvalidKey;
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let mut key = [0; 32];
        hex::decode_to_slice(text.trim(), &mut key).map_err(|_| InvalidKey)?;
        Ok(Self(key))
    }
}

/// The keys that the operator keeps; those that are absent are made at first start and lie in the store.
#[derive(Debug, Clone, Default)]
pub struct SuppliedKeys {
    /// Signs tokens. Another one ends all tokens.
    pub token: Option<SuppliedKey>,
    /// Seals persons' data. Without it, they are lost.
    pub seal: Option<SuppliedKey>,
    /// Finds persons. Without it, nobody is found.
    pub index: Option<SuppliedKey>,
}

/// How an engine is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where everything is kept.
    pub store: StoreUrl,
    /// Keys that are kept outside the store.
    pub keys: SuppliedKeys,
    /// The lock, spooled imports; beside them, by default, the embedded store.
    pub data_dir: PathBuf,
    /// Claims decided at the same time; more are told to come again.
    pub claims_in_flight_max: usize,
    /// Threads that run the pools' actors, and whatever a caller puts beside them ([`crate::Engine::arbiters`]).
    pub arbiters: usize,
    /// Threads of low priority that hash passwords.
    pub costly_threads: usize,
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
            keys: SuppliedKeys::default(),
            data_dir: data_dir.to_path_buf(),
            claims_in_flight_max: 8_192,
            arbiters: cores,
            costly_threads: cores.div_ceil(2),
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
    fn a_key_has_64_hexadecimal_digits_and_is_never_shown() {
        let text = "0f".repeat(32);
        let key: SuppliedKey = text.parse().unwrap();
        assert_eq!(key, SuppliedKey([0x0f; 32]));
        assert_eq!(format!("{key:?}"), "SuppliedKey(…)");
        for wrong in ["", "0f", &"0g".repeat(32), &"0f".repeat(33)] {
            assert_eq!(wrong.parse::<SuppliedKey>(), Err(InvalidKey), "{wrong}");
        }
    }

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
