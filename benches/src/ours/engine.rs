//! P2: the engine in process, durable, with all rules: candidate's entry, pool's actor, journal, publishing.
//!
//! Each of so many clients claims a place and gives it up again, each when the last has been answered; both are
//! durable decisions by the same way, and both are counted. Candidates are enrolled before the clock starts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kaowei_core::ids::PoolId;
use kaowei_core::registration::ImportKind;
use kaowei_core::seats::OnFull;
use kaowei_core::sites::Scope;
use kaowei_engine::{
    Account, ClaimRequest, Engine, EnrolRequest, IdType, Identity, ImportOptions, KeyHashes, Person,
    Settings, Staff,
};
use kaowei_tests::postgres::Postgres;
use tokio::runtime::Handle;

use crate::measure::{Budget, Measured, per_second};
use crate::registry::Subject;
use crate::workload::{CAPACITY, Spread};

/// Subjects at each campus; with 150 campuses that makes 30,000 pools.
const SUBJECTS: u32 = 200;

/// How many candidates are enrolled at the same time while a measurement is set up.
const ENROLLING: usize = 2_000;

/// Where the engine keeps its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// The embedded one.
    Sqlite,
    /// A private PostgreSQL 15.
    Postgres,
}

impl Store {
    /// As the table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// The engine on a store, with so many decisions in flight.
///
/// # Panics
/// When the machine can't start a thread.
pub fn subject(store: Store, spread: Spread, in_flight: usize) -> Subject {
    let name = format!(
        "engine, {}, {}, {in_flight} in flight",
        store.name(),
        spread.name()
    );
    Subject::new(name, move |budget| {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let mut settings = Settings::embedded(folder.path());
        let postgres = match store {
            Store::Sqlite => None,
            Store::Postgres if !Postgres::is_installed() => {
                return Ok(Measured::Skipped("PostgreSQL is not installed".into()));
            }
            Store::Postgres => Some(Postgres::private(kaowei_tests::postgres::Settings::default())?),
        };
        if let Some(postgres) = &postgres {
            settings.store = postgres.url(&postgres.create_database()?).parse()?;
        }
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a runtime can be built")
        };
        let budget = *budget;
        let system = actix_rt::System::with_tokio_rt(runtime);
        system.block_on(async move {
            let folder = settings.data_dir.clone();
            let engine = Engine::open(settings).await?;
            measure(engine, folder, spread, in_flight, budget).await
        })
    })
}

async fn measure(
    engine: Engine,
    folder: PathBuf,
    spread: Spread,
    in_flight: usize,
    budget: Budget,
) -> anyhow::Result<Measured> {
    let pools = Arc::new(set_up(&engine, &folder, spread, in_flight).await?);
    let accounts: Vec<Account> = stream::iter(0..in_flight)
        .map(|n| enrol(&engine, n))
        .buffered(ENROLLING)
        .try_collect()
        .await?;

    let answered = Arc::new(AtomicU64::new(0));
    let enough = Arc::new(AtomicBool::new(false));
    let mut clients = tokio::task::JoinSet::new();
    // On the threads that run the pools, as a server's requests are.
    let threads = threads(&engine).await?;
    for ((account, claims), thread) in accounts
        .into_iter()
        .zip(spread.claims(in_flight))
        .zip(threads.iter().cycle())
    {
        let (engine, pools) = (engine.clone(), pools.clone());
        let (answered, enough) = (answered.clone(), enough.clone());
        let client = async move {
            for (n, claim) in claims.enumerate() {
                if enough.load(Ordering::Relaxed) {
                    break;
                }
                let pool = pools[claim.pool as usize % pools.len()];
                let key = Some(KeyHashes {
                    key: n as u128 + 1,
                    body: 0,
                });
                let request = ClaimRequest {
                    pool,
                    on_full: OnFull::Waitlist,
                    key,
                };
                let made = engine.claim(account, request).await?;
                answered.fetch_add(1, Ordering::Relaxed);
                engine
                    .cancel(account, made.claim.standing.id, Some("changed_plans"))
                    .await?;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        };
        clients.spawn_on(client, thread);
    }
    tokio::time::sleep(budget.warm_up).await;
    let (from, start) = (answered.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(budget.measured).await;
    let measured = per_second(answered.load(Ordering::Relaxed) - from, start.elapsed());
    enough.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.context("a client panicked")??;
    }
    engine.close().await;
    Ok(measured)
}

/// The runtimes of the engine's arbiters.
async fn threads(engine: &Engine) -> anyhow::Result<Vec<Handle>> {
    let mut threads = Vec::new();
    for arbiter in engine.arbiters() {
        let (tell, told) = tokio::sync::oneshot::channel();
        arbiter.spawn_fn(|| drop(tell.send(Handle::current())));
        threads.push(told.await.context("an arbiter has ended")?);
    }
    Ok(threads)
}

fn staff() -> Staff {
    Staff {
        subject: "bench".into(),
        scope: Scope::National,
    }
}

/// A sitting whose subjects are oral and need nothing, so that every candidate may claim in every pool.
async fn set_up(
    engine: &Engine,
    folder: &Path,
    spread: Spread,
    candidates: usize,
) -> anyhow::Result<Vec<PoolId>> {
    let pools = spread.pools();
    let subjects: Vec<_> = (1..=SUBJECTS.min(pools))
        .map(|level| {
            format!(
                r#"{{"code":"{level}","name":"科目{level}","paper":"oral","language":"en","level":{level}}}"#
            )
        })
        .collect();
    let sitting = format!(
        r#"{{"id":"bench","name":"bench","agreement":{{"version":"1","text":"agreed"}},
            "windows":[{{"province":"*","paper":"oral","opens_at":"2020-01-01T00:00:00Z","closes_at":"2099-01-01T00:00:00Z"}}],
            "subjects":[{}]}}"#,
        subjects.join(",")
    );
    engine
        .put_sitting(&staff(), serde_json::from_str(&sitting)?)
        .await?;

    let campuses = pools.div_ceil(SUBJECTS).max(1);
    let mut text =
        String::from("province_code,province_name,school_code,school_name,campus_code,campus_name\n");
    for campus in 0..campuses {
        writeln!(text, "99,省,99101,校,C{campus},校区{campus}")?;
    }
    import(engine, folder, ImportKind::Campuses, &text).await?;
    let mut text = String::from("campus_code,subject_code,capacity,open,fee_fen\n");
    let mut ids = Vec::new();
    for campus in 0..campuses {
        for subject in 1..=SUBJECTS.min(pools) {
            writeln!(text, "C{campus},{subject},{CAPACITY},true,1")?;
            ids.push(
                format!("C{campus}-{subject}")
                    .parse()
                    .map_err(|error| anyhow!("{error}"))?,
            );
        }
    }
    import(engine, folder, ImportKind::Pools, &text).await?;
    let all: Vec<_> = (1..=SUBJECTS.min(pools))
        .map(|subject| subject.to_string())
        .collect();
    let all = all.join(";");
    let mut text = String::from(
        "province_code,id_type,id_number,name,gender,school_code,campus_code,degree,program_years,entry_year,grade,\
         department,major,class,student_number,remarks,subjects\n",
    );
    for n in 0..candidates {
        writeln!(text, "99,passport,P{n},考生,女,99101,C0,,,,,,,,{n},,{all}")?;
    }
    import(engine, folder, ImportKind::Students, &text).await?;
    Ok(ids)
}

async fn import(engine: &Engine, folder: &Path, kind: ImportKind, text: &str) -> anyhow::Result<()> {
    let file = folder.join("import.csv");
    std::fs::write(&file, text)?;
    let report = engine
        .import(&staff(), kind, &file, ImportOptions::default(), &|_, _| {})
        .await?;
    anyhow::ensure!(report.applied, "{report:?}");
    Ok(())
}

async fn enrol(engine: &Engine, n: usize) -> anyhow::Result<Account> {
    let person = Person {
        id_type: IdType::Passport,
        id_number: format!("P{n}"),
        name: "考生".into(),
        phone: "13800000000".into(),
    };
    let subject = n.to_string();
    let province = "99".parse().map_err(|error| anyhow!("{error}"))?;
    let identity = Identity {
        issuer: "bench",
        subject: &subject,
        province,
        person: Some(person),
    };
    let account = engine.account(identity).await?;
    engine.accept_agreement(account, "1").await?;
    engine.enrol(account, EnrolRequest::default()).await?;
    Ok(account)
}
