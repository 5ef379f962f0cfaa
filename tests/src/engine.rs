//! An engine in process, on either store, with a small sitting: what tests of the engine share.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kaowei_core::ids::Fen;
use kaowei_core::registration::ImportKind;
use kaowei_core::seats::OnFull;
use kaowei_core::sites::Scope;
use kaowei_core::time::Moment;
use kaowei_engine::clock::ManualClock;
use kaowei_engine::{
    Account, ClaimRequest, Engine, EnrolRequest, IdType, Identity, ImportOptions, NewPool, Person, Settings,
    Staff, StoreUrl,
};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;

use crate::postgres::Postgres;

/// A place for one engine's data, gone when dropped.
pub struct Place {
    folder: TempDir,
    store: StoreUrl,
    /// The clock that its engines go by.
    pub clock: Arc<ManualClock>,
}

impl Place {
    /// An embedded store in a folder of its own.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let store = StoreUrl::in_folder(folder.path());
        Self {
            folder,
            store,
            clock: ManualClock::new(nine()),
        }
    }

    /// A database of its own in this process's PostgreSQL.
    pub fn postgres() -> Self {
        let postgres = Postgres::shared().expect("PostgreSQL starts");
        let database = postgres.create_database().expect("a database can be made");
        let store = postgres
            .url(&database)
            .parse()
            .expect("the fixture's address is one");
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self {
            folder,
            store,
            clock: ManualClock::new(nine()),
        }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The settings of an engine there.
    pub fn settings(&self) -> Settings {
        Settings {
            store: self.store.clone(),
            clock: self.clock.clone(),
            ..Settings::embedded(self.folder())
        }
    }

    /// A connection to the database, beside the engine's.
    pub async fn connect_to_postgres(&self) -> sqlx::PgConnection {
        let StoreUrl::Postgres(url) = &self.store else {
            panic!("this place has an embedded store")
        };
        open_database(url).await
    }

    /// A session with the journal's database, behind the engine's back.
    async fn journal(&self) -> Session {
        match &self.store {
            StoreUrl::Sqlite(path) => Session::Sqlite(open_file(path).await),
            StoreUrl::Postgres(url) => Session::Postgres(open_database(url).await),
        }
    }

    /// Changes the tables, in the words of either store.
    pub async fn tamper_with_tables(&self, sqlite: &'static str, postgres: &'static str) {
        self.change("kaowei-tables", sqlite, postgres).await;
    }

    /// Changes what is kept about persons, in words that both stores know.
    pub async fn tamper_with_people(&self, statement: &'static str) {
        self.change("kaowei-people", statement, statement).await;
    }

    async fn change(&self, file: &str, sqlite: &'static str, postgres: &'static str) {
        let mut session = match &self.store {
            StoreUrl::Sqlite(path) => {
                let path = path.with_file_name(file).with_extension("sqlite3");
                Session::Sqlite(open_file(&path).await)
            }
            StoreUrl::Postgres(url) => Session::Postgres(open_database(url).await),
        };
        session.execute(sqlite, postgres).await;
        session.close().await;
    }

    /// Changes the journal's database, in the words of either store.
    pub async fn tamper(&self, sqlite: &'static str, postgres: &'static str) {
        let mut session = self.journal().await;
        session.execute(sqlite, postgres).await;
        session.close().await;
    }

    /// Lets nothing be committed to the journal until the session is closed.
    pub async fn hold_the_journal(&self) -> Session {
        let mut session = self.journal().await;
        session
            .execute("BEGIN IMMEDIATE", "BEGIN; SELECT * FROM cells FOR UPDATE")
            .await;
        session
    }

    /// Opens an engine there.
    pub async fn open(&self) -> Engine {
        Engine::open(self.settings()).await.expect("the engine opens")
    }

    /// Opens an engine there with a sitting, one campus, so many students, and two pools: `991010-1` with that
    /// capacity, `991010-F` with one seat.
    pub async fn open_with(&self, students: u32, capacity: u32) -> Engine {
        let engine = self.open().await;
        set_up(&engine, self.folder(), students, capacity).await;
        engine
    }
}

/// A session with a store of either kind.
pub enum Session {
    /// With a file.
    Sqlite(sqlx::SqliteConnection),
    /// With a database.
    Postgres(sqlx::PgConnection),
}

impl Session {
    async fn execute(&mut self, sqlite: &'static str, postgres: &'static str) {
        let done = match self {
            Self::Sqlite(connection) => connection.execute(sqlite).await.map(|_| ()),
            Self::Postgres(connection) => connection.execute(postgres).await.map(|_| ()),
        };
        done.expect("the statement is done");
    }

    /// Ends it; what it had begun is rolled back.
    pub async fn close(self) {
        let closed = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        };
        closed.expect("the session ends");
    }
}

async fn open_file(path: &Path) -> sqlx::SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(10));
    options.connect().await.expect("the file opens")
}

async fn open_database(url: &str) -> sqlx::PgConnection {
    sqlx::PgConnection::connect(url)
        .await
        .expect("the server answers")
}

/// Runs a test inside an actix system, as the server does.
pub fn run(test: impl Future<Output = ()>) {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be built")
    };
    actix_rt::System::with_tokio_rt(runtime).block_on(test);
}

/// Runs a scenario on both stores, as two tests.
#[macro_export]
macro_rules! on_both_stores {
    ($($name:ident)*) => {
        mod sqlite {
            $(
                #[test]
                fn $name() {
                    $crate::engine::run(super::$name($crate::engine::Place::sqlite()));
                }
            )*
        }
        mod postgres {
            $(
                #[test]
                fn $name() {
                    $crate::engine::run(super::$name($crate::engine::Place::postgres()));
                }
            )*
        }
    };
}

/// Staff who see everything.
pub fn staff() -> Staff {
    Staff {
        subject: "test".into(),
        scope: Scope::National,
    }
}

/// The instant at which a place's clock starts: 2026-09-21, inside the sitting's windows.
pub fn nine() -> Moment {
    Moment::from_unix_ms(1_790_000_000_000)
}

/// A sitting with CET4, written and oral.
pub const SITTING: &str = r#"{"id":"2026-2","name":"考试","agreement":{"version":"1","text":"协议"},
    "windows":[{"province":"*","paper":"written","opens_at":"2026-09-01T00:00:00Z","closes_at":"2026-12-01T00:00:00Z"},
               {"province":"*","paper":"oral","opens_at":"2026-09-01T00:00:00Z","closes_at":"2026-12-01T00:00:00Z"}],
    "subjects":[{"code":"1","name":"英语四级笔试","paper":"written","language":"en","level":4},
                {"code":"F","name":"英语四级口试","paper":"oral","language":"en","level":4,"requires":"1"}]}"#;

const STUDENT_COLUMNS: &str = "province_code,id_type,id_number,name,gender,school_code,campus_code,degree,\
    program_years,entry_year,grade,department,major,class,student_number,remarks,subjects\n";

/// Puts in what [`Place::open_with`] does.
pub async fn set_up(engine: &Engine, folder: &Path, students: u32, capacity: u32) {
    let sitting = serde_json::from_str(SITTING).expect("the sitting is one");
    engine
        .put_sitting(&staff(), sitting)
        .await
        .expect("the sitting is taken");
    let campuses = "province_code,province_name,school_code,school_name,campus_code,campus_name\n\
                    99,测试省,99101,测试学校101,991010,99101-0校区\n";
    import(engine, folder, ImportKind::Campuses, campuses).await;
    let mut text = String::from(STUDENT_COLUMNS);
    for n in 0..students {
        writeln!(
            text,
            "99,passport,P{n},考生{n},女,99101,991010,本科,4,22,22,院,专业,1,{n},,1;F"
        )
        .expect("a string takes all");
    }
    import(engine, folder, ImportKind::Students, &text).await;
    for (id, capacity) in [("991010-1", capacity), ("991010-F", 1)] {
        let new = NewPool {
            capacity,
            open: true,
            fee: Fen(1),
            exam_date: None,
        };
        engine
            .put_pool(&staff(), id.parse().expect("a pool's id"), new)
            .await
            .expect("the pool is made");
    }
}

/// Imports a text; every line must be good.
pub async fn import(engine: &Engine, folder: &Path, kind: ImportKind, text: &str) {
    let file = folder.join("import.csv");
    std::fs::write(&file, text).expect("the folder may be written");
    let report = engine
        .import(&staff(), kind, &file, ImportOptions::default(), &|_, _| {})
        .await;
    let report = report.expect("the file is imported");
    assert!(report.applied, "{report:?}");
}

/// The account of student number `n`.
pub async fn account(engine: &Engine, n: u32) -> Account {
    let person = Person {
        id_type: IdType::Passport,
        id_number: format!("P{n}"),
        name: format!("考生{n}"),
        phone: "13800000000".into(),
    };
    let subject = format!("sub{n}");
    let province = "99".parse().expect("a province's code");
    let identity = Identity {
        issuer: "test",
        subject: &subject,
        province,
        person: Some(person),
    };
    engine.account(identity).await.expect("the account is made")
}

/// The account of student number `n`, agreed and enrolled.
pub async fn enrolled(engine: &Engine, n: u32) -> Account {
    let account = account(engine, n).await;
    engine
        .accept_agreement(account, "1")
        .await
        .expect("the agreement is accepted");
    let enrolled = engine
        .enrol(account, EnrolRequest::default())
        .await
        .expect("the enrolment is saved");
    assert!(enrolled.created);
    account
}

/// A claim without a key.
pub fn ask(pool: &str, on_full: OnFull) -> ClaimRequest {
    ClaimRequest {
        pool: pool.parse().expect("a pool's id"),
        on_full,
        key: None,
    }
}

/// The states of an account's claims, oldest first.
pub fn states(engine: &Engine, account: Account) -> Vec<&'static str> {
    let claims = engine.claims(account).expect("the engine answers");
    claims.iter().map(|claim| claim.standing.state.as_str()).collect()
}

/// Waits for something that another thread does; fails after 20 s.
pub async fn eventually(what: &str, done: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !done().await {
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "did not happen: {what}");
}
