//! Opening a store: folders, locks, connections, migrations, and the checks that make "durable" true.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool, SqlSafeStr, SqlitePool};

use super::Secrets;
use crate::failure::OpenError;
use crate::settings::{Settings, StoreUrl, SuppliedKeys};

/// A pool of connections to either kind of database.
#[derive(Debug, Clone)]
pub(crate) enum Db {
    /// A file.
    Sqlite(SqlitePool),
    /// A server.
    Postgres(PgPool),
}

/// An open store. On PostgreSQL the three are one database.
#[derive(Debug)]
pub(crate) struct Store {
    /// The journal, for reading; it is written through [`super::JournalConnection`].
    pub(crate) journal: Db,
    /// Persons' data.
    pub(crate) people: Db,
    /// The tables.
    pub(crate) tables: Db,
    /// The checkpoint's own connections.
    pub(crate) checkpoint: CheckpointDbs,
    /// Held by whoever writes the tables, or reads them as a whole.
    pub(crate) tables_lock: tokio::sync::Mutex<()>,
    /// The shared keys.
    pub(crate) secrets: Secrets,
    address: Address,
    /// Held until the store is closed: nobody else may write it.
    lock: Mutex<Option<Lock>>,
}

/// What the checkpoint reads and writes through. On SQLite a connection is a thread, which has the priority of whoever
/// connected: these connect when the checkpoint's thread first needs them.
#[derive(Debug)]
pub(crate) struct CheckpointDbs {
    pub(crate) journal: Db,
    pub(crate) tables: Db,
}

#[derive(Debug)]
enum Address {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
}

#[derive(Debug)]
#[expect(dead_code, reason = "the locks are held by being kept")]
enum Lock {
    Folders(Vec<File>),
    Database(Vec<File>, PgConnection),
}

/// A migration of one of the schema's three parts, each a file of its own on SQLite.
struct Part {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! part {
    ($version:literal, $name:literal) => {
        part!("000", $version, $name)
    };
    ($zeros:literal, $version:literal, $name:literal) => {
        Part {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!(
                "../../../migrations/sqlite/",
                $zeros,
                $version,
                "_",
                $name,
                ".sql"
            )),
            postgres: include_str!(concat!(
                "../../../migrations/postgres/",
                $zeros,
                $version,
                "_",
                $name,
                ".sql"
            )),
        }
    };
}

const JOURNAL: &[Part] = &[part!(1, "journal")];
const PEOPLE: &[Part] = &[
    part!(2, "people"),
    part!(5, "outbox"),
    part!(7, "credentials"),
    part!(8, "sandbox"),
    part!("00", 12, "review_tickets"),
    part!("00", 13, "staff_credentials"),
];
const TABLES: &[Part] = &[
    part!(3, "tables"),
    part!(4, "notices"),
    part!(6, "orders"),
    part!("00", 11, "reviews"),
    part!("00", 14, "staff_accounts"),
];

/// The advisory lock that a server holds on its database ("kaowei" in ASCII).
const DATABASE_LOCK: i64 = 0x6b61_6f77_6569;

impl Store {
    /// Opens a store for its one server: locked, migrated, checked.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, OpenError> {
        let mut locks = Vec::new();
        for folder in folders(settings)? {
            locks.push(lock_folder(&folder)?);
        }
        match &settings.store {
            StoreUrl::Sqlite(path) => Self::open_sqlite(path, &settings.keys, locks).await,
            StoreUrl::Postgres(url) => Self::open_postgres(url, &settings.keys, locks).await,
        }
    }

    async fn open_sqlite(path: &Path, keys: &SuppliedKeys, locks: Vec<File>) -> Result<Self, OpenError> {
        let journal = sqlite_options(path, SqliteSynchronous::Full);
        let people = sqlite_options(&beside(path, "people"), SqliteSynchronous::Full);
        let tables = sqlite_options(&beside(path, "tables"), SqliteSynchronous::Normal);
        let open = async |options: &SqliteConnectOptions, readers| -> Result<SqlitePool, sqlx::Error> {
            sqlite_pool(readers).connect_with(options.clone()).await
        };
        let pools = [
            open(&journal, 4).await?,
            open(&people, 4).await?,
            open(&tables, 4).await?,
        ];
        for (pool, parts) in pools.iter().zip([JOURNAL, PEOPLE, TABLES]) {
            let mut connection = pool.acquire().await?;
            let migrations = parts.iter().map(|part| part.migration(part.sqlite));
            migrate(&mut *connection, migrations.collect()).await?;
        }
        let [journal_db, people_db, tables_db] = pools.map(Db::Sqlite);
        let secrets = Secrets::load(&journal_db, keys).await?;
        let later =
            |options: &SqliteConnectOptions| Db::Sqlite(sqlite_pool(1).connect_lazy_with(options.clone()));
        Ok(Self {
            journal: journal_db,
            people: people_db,
            tables: tables_db,
            checkpoint: CheckpointDbs {
                journal: later(&journal),
                tables: later(&tables),
            },
            tables_lock: tokio::sync::Mutex::default(),
            secrets,
            address: Address::Sqlite(journal),
            lock: Mutex::new(Some(Lock::Folders(locks))),
        })
    }

    async fn open_postgres(url: &str, keys: &SuppliedKeys, locks: Vec<File>) -> Result<Self, OpenError> {
        let options = postgres_options(url)?;
        let mut lock = options.connect().await?;
        if !lock_soon(&mut lock).await? {
            return Err(OpenError::DatabaseTaken);
        }
        check_durability(&mut lock).await?;
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(10))
            // A connection that was used a moment ago is not asked whether it is still there.
            .test_before_acquire(false)
            .before_acquire(|connection, usage| {
                Box::pin(async move {
                    if usage.idle_for > Duration::from_secs(1) {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options.clone())
            .await?;
        let mut connection = pool.acquire().await?;
        let parts = [JOURNAL, PEOPLE, TABLES].into_iter().flatten();
        let mut migrations: Vec<_> = parts.map(|part| part.migration(part.postgres)).collect();
        migrations.sort_by_key(|migration| migration.version);
        migrate(&mut *connection, migrations).await?;
        drop(connection);
        let journal = Db::Postgres(pool.clone());
        let secrets = Secrets::load(&journal, keys).await?;
        Ok(Self {
            journal,
            people: Db::Postgres(pool.clone()),
            tables: Db::Postgres(pool.clone()),
            checkpoint: CheckpointDbs {
                journal: Db::Postgres(pool.clone()),
                tables: Db::Postgres(pool),
            },
            tables_lock: tokio::sync::Mutex::default(),
            secrets,
            address: Address::Postgres(options),
            lock: Mutex::new(Some(Lock::Database(locks, lock))),
        })
    }

    /// A connection of the journal's own.
    pub(crate) async fn connect_journal(&self) -> Result<super::JournalConnection, sqlx::Error> {
        Ok(match &self.address {
            Address::Sqlite(options) => super::JournalConnection::Sqlite(options.connect().await?),
            Address::Postgres(options) => super::JournalConnection::Postgres(options.connect().await?),
        })
    }

    /// Closes all pools and gives the lock back.
    pub(crate) async fn close(&self) {
        let CheckpointDbs { journal, tables } = &self.checkpoint;
        for db in [tables, journal, &self.tables, &self.people, &self.journal] {
            super::on!(db, pool => pool.close().await);
        }
        let lock = self.lock.lock().take();
        if let Some(Lock::Database(_, mut connection)) = lock
            && let Err(error) = unlock(&mut connection).await
        {
            tracing::debug!(%error, "the lock's connection was gone already");
        }
    }

    /// Takes the lock again where it went with its connection.
    pub(crate) async fn lock_again(&self) -> Result<(), OpenError> {
        let Address::Postgres(options) = &self.address else {
            return Ok(());
        };
        let lock = self.lock.lock().take();
        let Some(Lock::Database(folder, mut connection)) = lock else {
            return Ok(());
        };
        let is_ours = match connection.ping().await {
            Ok(()) => Ok(true),
            Err(_) => lock_anew(options, &mut connection).await,
        };
        // Kept whatever came of it: the next try begins with it, and the folder stays locked.
        *self.lock.lock() = Some(Lock::Database(folder, connection));
        if is_ours? {
            Ok(())
        } else {
            Err(OpenError::DatabaseTaken)
        }
    }

    /// Whether a server holds the database.
    pub(crate) async fn database_is_taken(settings: &Settings) -> Result<bool, OpenError> {
        let StoreUrl::Postgres(url) = &settings.store else {
            return Ok(false);
        };
        let mut connection = postgres_options(url)?.connect().await?;
        let free = try_lock(&mut connection).await?;
        connection.close().await?;
        Ok(!free)
    }
}

impl Db {
    /// Opens the journal's part of a store that another process may be serving, to read shared facts.
    pub(crate) async fn peek(settings: &Settings) -> Result<Self, OpenError> {
        match &settings.store {
            StoreUrl::Sqlite(path) => {
                let options = sqlite_options(path, SqliteSynchronous::Full).create_if_missing(false);
                Ok(Self::Sqlite(
                    SqlitePoolOptions::new()
                        .max_connections(1)
                        .connect_with(options)
                        .await?,
                ))
            }
            StoreUrl::Postgres(url) => {
                let options = postgres_options(url)?;
                Ok(Self::Postgres(
                    PgPoolOptions::new()
                        .max_connections(1)
                        .connect_with(options)
                        .await?,
                ))
            }
        }
    }
}

impl Part {
    fn migration(&self, sql: &'static str) -> Migration {
        Migration::new(
            self.version,
            self.name.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    }
}

async fn migrate<C: Migrate + 'static>(
    connection: &mut C,
    migrations: Vec<Migration>,
) -> Result<(), OpenError> {
    Migrator::with_migrations(migrations)
        .run_direct(None, connection, false)
        .await
        .map_err(|error| match error {
            MigrateError::VersionMissing(version) => OpenError::NewerStore(version),
            MigrateError::Execute(source) => OpenError::Connect { source },
            other => OpenError::Migrate(other),
        })
}

fn sqlite_pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        // A file does not hang up: asking it before every statement would double the cost of reading.
        .test_before_acquire(false)
}

fn sqlite_options(path: &Path, synchronous: SqliteSynchronous) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(30))
        // Each statement over many rows in each of its sizes, and some more.
        .statement_cache_capacity(128)
        // So many rows lie between the connection's thread and whoever reads, before one has to wait for the other.
        .row_buffer_size(1_024)
        .pragma("cache_size", "-65536")
        .pragma("temp_store", "MEMORY")
        .pragma("journal_size_limit", "67108864")
}

fn postgres_options(url: &str) -> Result<PgConnectOptions, OpenError> {
    let options: PgConnectOptions = url.parse().map_err(|source| OpenError::Connect { source })?;
    Ok(options.application_name("kaowei"))
}

async fn try_lock(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let (free,): (bool,) = sqlx::query_as("SELECT pg_try_advisory_lock($1)")
        .bind(DATABASE_LOCK)
        .fetch_one(connection)
        .await?;
    Ok(free)
}

/// Given back explicitly: a server is done with a closed connection only a little later.
async fn unlock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_unlock_all()")
        .execute(connection)
        .await
        .map(|_| ())
}

/// Waits a little for a server that was killed: PostgreSQL gives its lock back when it notices.
async fn lock_soon(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    for _ in 0..30 {
        if try_lock(connection).await? {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(false)
}

/// Takes the lock through a fresh connection, which takes the place of the lost one only when it has it.
async fn lock_anew(options: &PgConnectOptions, lost: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let mut fresh = options.connect().await?;
    let is_ours = lock_soon(&mut fresh).await?;
    if is_ours {
        *lost = fresh;
    }
    Ok(is_ours)
}

async fn check_durability(connection: &mut PgConnection) -> Result<(), OpenError> {
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let sql = AssertSqlSafe(format!("SHOW {setting}"));
        let (value,): (String,) = sqlx::query_as(sql).fetch_one(&mut *connection).await?;
        if value == "off" {
            return Err(OpenError::NotDurable { setting });
        }
    }
    Ok(())
}

fn beside(path: &Path, part: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{part}.{extension}"))
}

/// Makes a folder for its owner alone: the keys that sign tokens and seal persons' data lie in it.
fn make_folder(folder: &Path) -> Result<(), OpenError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| OpenError::DataDir {
        folder: folder.to_path_buf(),
        source,
    })
}

/// The folders that belong to one server alone: the data folder, and the embedded store's own where that is another,
/// so that two servers can't meet in one store by different data folders. All are there afterwards.
pub(crate) fn folders(settings: &Settings) -> Result<Vec<PathBuf>, OpenError> {
    let mut folders = vec![settings.data_dir.clone()];
    if let StoreUrl::Sqlite(path) = &settings.store {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folders.push(folder.unwrap_or(Path::new(".")).to_path_buf());
    }
    let mut distinct = Vec::new();
    for folder in folders {
        make_folder(&folder)?;
        let same = folder.canonicalize().map_err(|source| OpenError::DataDir {
            folder: folder.clone(),
            source,
        })?;
        if !distinct.contains(&same) {
            distinct.push(same);
        }
    }
    Ok(distinct)
}

fn lock_folder(folder: &Path) -> Result<File, OpenError> {
    let unusable = |source| OpenError::DataDir {
        folder: folder.to_path_buf(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("kaowei.lock"))
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            folder: folder.to_path_buf(),
        }),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}
