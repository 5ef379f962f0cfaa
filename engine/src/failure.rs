//! What can go wrong, as callers see it. Refusals are answers and live in the core; these are the operational ones.

use std::path::PathBuf;

use kaowei_core::seats::Refusal;
use kaowei_core::time::Span;

use crate::fault::{Fault, WrongField};

/// Why something could not be done now. Nothing was changed, or repeating the request finds what was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The store did not take the change, or recovery runs.
    #[error("the store can't be reached or is recovering; repeat the request")]
    StoreUnavailable,
    /// More requests are being served than can be served well.
    #[error("too many requests are being served; repeat this one after {} ms", retry_after.as_ms())]
    Overloaded {
        /// When to ask again.
        retry_after: Span,
    },
    /// Another server leads this store.
    #[error("another server has taken over this store")]
    NotLeader,
    /// The payment provider did not answer; what it says is asked again by itself.
    #[error("the payment provider can't be reached; repeat the request")]
    ProviderUnavailable,
    /// A fault of ours, logged with its evidence.
    #[error("an internal fault; it has been logged")]
    Internal,
}

/// Why an operation was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The rules say no.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// Not now.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// There is no such thing, or it is another's.
    #[error("not found")]
    NotFound,
    /// It lies outside the scope of this member of staff.
    #[error("outside the scope of this member of staff")]
    OutOfScope,
    /// The idempotency key came with another request before.
    #[error("this idempotency key came with another request before")]
    IdempotencyMismatch,
    /// Values are wrong.
    #[error("wrong values: {0:?}")]
    Invalid(Vec<WrongField>),
    /// There can be no pool of that id.
    #[error("there can be no such pool: {0:?}")]
    NoSuchPool(Fault),
    /// The file can't be read as one of its kind.
    #[error("the file can't be read: {0:?}")]
    Unreadable(Fault),
    /// The person has an account with a password in that province.
    #[error("the account exists")]
    AccountExists,
    /// The account, its password, its captcha or a code is wrong; which, is not told.
    #[error("the login is not correct")]
    BadCredentials,
    /// The account has no password here: it is a passport's.
    #[error("the account belongs to an outside passport")]
    PassportAccount,
    /// The account of this member of staff has ended.
    #[error("the account of this member of staff has ended")]
    StaffAccountEnded,
    /// The token names an account that does not exist and says nothing of the person.
    #[error("there is no such account")]
    UnknownAccount,
}

impl Denied {
    /// One value is wrong.
    pub(crate) fn wrong(pointer: &str, fault: Fault) -> Self {
        Self::Invalid(vec![WrongField {
            pointer: pointer.into(),
            fault,
        }])
    }
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The engine was left before all that was decided had become durable. Nothing that was acknowledged is lost; what was
/// under way is stored or not, and found by the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the store did not answer in time, so it was not waited for: nothing that was acknowledged is lost, \
     what was under way is found at the next start"
)]
pub struct NotClosed;

/// Why a store can't be opened. Each displays one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a store's address.
    #[error("{0:?} is not a store: expected sqlite://PATH or postgres://USER@HOST/DATABASE")]
    StoreUrl(String),
    /// The folder can't be used.
    #[error("the data folder {} can't be used: {source}; check that it exists and may be written", folder.display())]
    DataDir {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another server has the folder.
    #[error(
        "another kaowei uses the data folder {}: stop it first, or give this one a folder of its own with --data-dir",
        folder.display()
    )]
    Locked {
        /// Which.
        folder: PathBuf,
    },
    /// Another server has the database.
    #[error(
        "another kaowei serves this database: stop it first, or give this one a database of its own with --store"
    )]
    DatabaseTaken,
    /// The database can't be reached or used.
    #[error(
        "the store can't be opened: {source}; check that it runs, that --store names it, and that it may be written"
    )]
    Connect {
        /// Why.
        source: sqlx::Error,
    },
    /// Written by a newer release.
    #[error(
        "the store was written by a newer release of kaowei (migration {0}): start that release, this one would damage it"
    )]
    NewerStore(i64),
    /// The schema can't be brought up to date.
    #[error("the store's schema can't be brought up to date: {0}; nothing was changed")]
    Migrate(sqlx::migrate::MigrateError),
    /// Persons' data was sealed with a key that is not in the store.
    #[error("persons' data in this store was sealed with a key of the operator's: supply it with {setting}")]
    KeyMissing {
        /// Which setting supplies it.
        setting: &'static str,
    },
    /// Persons' data was sealed with another key.
    #[error(
        "persons' data in this store was sealed with another key than {setting} says: supply that one, or none if it \
         lies in the store; nothing was changed"
    )]
    OtherKey {
        /// Which setting.
        setting: &'static str,
    },
    /// PostgreSQL is set up to forget.
    #[error(
        "PostgreSQL has {setting} = off: acknowledged claims could be lost; set it to on and start again"
    )]
    NotDurable {
        /// Which setting.
        setting: &'static str,
    },
    /// Nobody writes the journal.
    #[error("the journal's thread could not be started or ended early; the log says why: start again")]
    JournalThread,
    /// It can be read, but took nothing.
    #[error(
        "recovery could not write to the store: {0}; check that it has room and may be written, then start again"
    )]
    Unwritable(Failure),
    /// The system gives no thread.
    #[error("no thread can be started: {0}; allow the process more of them, then start again")]
    Thread(std::io::Error),
    /// What was read does not fit together.
    #[error("the store is damaged: {0}; restore it from a backup, and keep this one as evidence")]
    Damaged(String),
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        Self::Unwritable(failure)
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(source: sqlx::Error) -> Self {
        Self::Connect { source }
    }
}

impl From<kaowei_core::invariant::Breach> for OpenError {
    fn from(breach: kaowei_core::invariant::Breach) -> Self {
        Self::Damaged(breach.to_string())
    }
}

impl From<kaowei_core::stored::InvalidEvent> for OpenError {
    fn from(error: kaowei_core::stored::InvalidEvent) -> Self {
        Self::Damaged(error.to_string())
    }
}
