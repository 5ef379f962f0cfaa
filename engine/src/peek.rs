//! What a command needs to know of a store that a server may be using: the token key, and where the server answers.

use std::fs::{File, TryLockError};
use std::path::PathBuf;

use crate::failure::{Failure, OpenError};
use crate::settings::{Settings, StoreUrl};
use crate::store::{Db, Secrets, Store, folders, on};

/// What could be seen.
#[derive(Debug, Clone)]
pub struct Peek {
    /// The key that signs this store's own tokens.
    pub token_key: [u8; 32],
    /// Where the running server answers; none when none runs.
    pub running: Option<String>,
}

const SET: &str = "INSERT INTO shared_facts (name, value) VALUES ('server_address', $1) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const GET: &str = "SELECT value FROM shared_facts WHERE name = 'server_address'";

/// Looks at a store without taking it. A store that does not exist yet is made.
///
/// # Errors
/// [`OpenError`].
pub async fn peek(settings: &Settings) -> Result<Peek, OpenError> {
    if !is_served(settings).await? {
        let store = Store::open(settings).await?;
        let token_key = store.secrets.token_key;
        store.close().await;
        return Ok(Peek {
            token_key,
            running: None,
        });
    }
    let journal = Db::peek(settings).await?;
    let token_key = Secrets::load(&journal, &settings.keys).await?.token_key;
    let address: Option<(Vec<u8>,)> = on!(&journal, pool => sqlx::query_as(GET).fetch_optional(pool).await?);
    on!(&journal, pool => pool.close().await);
    let running = address.and_then(|(address,)| String::from_utf8(address).ok());
    Ok(Peek { token_key, running })
}

/// Whether a server has the store.
async fn is_served(settings: &Settings) -> Result<bool, OpenError> {
    match &settings.store {
        StoreUrl::Sqlite(_) => {
            let is_locked = |folder: &PathBuf| {
                let file = File::options().write(true).open(folder.join("kaowei.lock"));
                file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
            };
            Ok(folders(settings)?.iter().any(is_locked))
        }
        StoreUrl::Postgres(_) => Store::database_is_taken(settings).await,
    }
}

/// Tells others where the server answers.
pub(crate) async fn announce(store: &Store, address: &str) -> Result<(), Failure> {
    let address = address.as_bytes().to_vec();
    let told = on!(&store.journal, pool => sqlx::query(SET).bind(address).execute(pool).await.map(|_| ()));
    told.map_err(|error| {
        tracing::warn!(%error, "the server's address can't be kept for other commands");
        Failure::StoreUnavailable
    })
}

/// Brings a store's schema up to date.
///
/// # Errors
/// [`OpenError`].
pub async fn migrate(settings: &Settings) -> Result<(), OpenError> {
    let store = Store::open(settings).await?;
    store.close().await;
    Ok(())
}

/// Makes the tables anew from the journal, and compares both.
///
/// # Errors
/// [`OpenError`].
pub async fn rebuild(
    settings: &Settings,
    progress: &dyn Fn(u64, u64),
) -> Result<crate::tables::RebuildReport, OpenError> {
    let store = std::sync::Arc::new(Store::open(settings).await?);
    crate::tables::clear(&store).await?;
    let events = crate::tables::fill(&store, progress).await?;
    let report = crate::tables::verify(&store).await?;
    store.close().await;
    Ok(crate::tables::RebuildReport { events, ..report })
}
