//! The engine in process on an embedded store: what a claim goes through, and what a restart keeps.

use std::path::Path;
use std::sync::Arc;

use kaowei_core::ids::Fen;
use kaowei_core::registration::ImportKind;
use kaowei_core::seats::{ClaimState, OnFull, Refusal};
use kaowei_core::sites::Scope;
use kaowei_core::time::{Moment, Span};
use kaowei_engine::clock::ManualClock;
use kaowei_engine::{
    Account, ClaimRequest, Denied, Engine, EnrolRequest, ExportKind, IdType, Identity, ImportOptions,
    KeyHashes, NewPool, Person, Settings, Staff,
};

fn staff() -> Staff {
    Staff {
        subject: "test".into(),
        scope: Scope::National,
    }
}

/// Runs a test inside an actix system, as the server does.
fn run(test: impl Future<Output = ()>) {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    };
    actix_rt::System::with_tokio_rt(runtime).block_on(test);
}

fn settings(folder: &Path, clock: Arc<ManualClock>) -> Settings {
    Settings {
        clock,
        ..Settings::embedded(folder)
    }
}

fn nine() -> Moment {
    Moment::from_unix_ms(1_790_000_000_000)
}

const SITTING: &str = r#"{"id":"2026-2","name":"考试","agreement":{"version":"1","text":"协议"},
    "windows":[{"province":"*","paper":"written","opens_at":"2026-09-01T00:00:00Z","closes_at":"2026-12-01T00:00:00Z"},
               {"province":"*","paper":"oral","opens_at":"2026-09-01T00:00:00Z","closes_at":"2026-12-01T00:00:00Z"}],
    "subjects":[{"code":"1","name":"英语四级笔试","paper":"written","language":"en","level":4},
                {"code":"F","name":"英语四级口试","paper":"oral","language":"en","level":4,"requires":"1"}]}"#;

async fn set_up(engine: &Engine, folder: &Path, students: u32, capacity: u32) {
    engine
        .put_sitting(&staff(), serde_json::from_str(SITTING).unwrap())
        .await
        .unwrap();
    let campuses = "province_code,province_name,school_code,school_name,campus_code,campus_name\n\
                    99,测试省,99101,测试学校101,991010,99101-0校区\n";
    import(engine, folder, ImportKind::Campuses, campuses).await;
    let mut text = String::from(
        "province_code,id_type,id_number,name,gender,school_code,campus_code,degree,program_years,entry_year,grade,department,major,class,student_number,remarks,subjects\n",
    );
    for n in 0..students {
        text.push_str(&format!(
            "99,passport,P{n},考生{n},女,99101,991010,本科,4,22,22,院,专业,1,{n},,1;F\n"
        ));
    }
    import(engine, folder, ImportKind::Students, &text).await;
    for (id, capacity) in [("991010-1", capacity), ("991010-F", 1)] {
        let new = NewPool {
            capacity,
            open: true,
            fee: Fen(1),
            exam_date: None,
        };
        engine.put_pool(&staff(), id.parse().unwrap(), new).await.unwrap();
    }
}

async fn import(engine: &Engine, folder: &Path, kind: ImportKind, text: &str) {
    let file = folder.join("import.csv");
    std::fs::write(&file, text).unwrap();
    let report = engine
        .import(&staff(), kind, &file, ImportOptions::default(), &|_, _| {})
        .await
        .unwrap();
    assert!(report.applied, "{report:?}");
}

async fn account(engine: &Engine, n: u32) -> Account {
    let person = Person {
        id_type: IdType::Passport,
        id_number: format!("P{n}"),
        name: format!("考生{n}"),
        phone: "13800000000".into(),
    };
    let subject = format!("sub{n}");
    let identity = Identity {
        issuer: "test",
        subject: &subject,
        province: "99".parse().unwrap(),
        person: Some(person),
    };
    engine.account(identity).await.unwrap()
}

async fn enrolled(engine: &Engine, n: u32) -> Account {
    let account = account(engine, n).await;
    engine.accept_agreement(account, "1").await.unwrap();
    assert!(
        engine
            .enrol(account, EnrolRequest::default())
            .await
            .unwrap()
            .created
    );
    account
}

fn ask(pool: &str, on_full: OnFull) -> ClaimRequest {
    ClaimRequest {
        pool: pool.parse().unwrap(),
        on_full,
        key: None,
    }
}

/// Waits for something that another thread does; a test that hangs here fails by its runner's limit.
async fn eventually(what: &str, done: impl Fn() -> bool) {
    let waited = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while !done() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("did not happen: {what}"));
}

#[test]
fn a_claim_is_answered_kept_and_found_again_after_a_restart() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::new(nine());
        let engine = Engine::open(settings(folder.path(), clock.clone()))
            .await
            .unwrap();
        set_up(&engine, folder.path(), 3, 1).await;
        let (li, wang) = (enrolled(&engine, 0).await, enrolled(&engine, 1).await);

        let key = Some(KeyHashes { key: 1, body: 2 });
        let request = ClaimRequest {
            key,
            ..ask("991010-1", OnFull::Reject)
        };
        let made = engine.claim(li, request).await.unwrap();
        assert!(made.created);
        assert_eq!(
            made.claim.standing.state,
            ClaimState::Held {
                until: nine() + Span::from_secs(86_400)
            }
        );
        assert_eq!(engine.claim(li, request).await.unwrap(), made);
        let other = ClaimRequest {
            key: Some(KeyHashes { key: 1, body: 3 }),
            ..request
        };
        assert_eq!(engine.claim(li, other).await, Err(Denied::IdempotencyMismatch));
        assert_eq!(
            engine.claim(wang, ask("991010-1", OnFull::Reject)).await,
            Err(Refusal::PoolFull.into())
        );
        let waits = engine
            .claim(wang, ask("991010-1", OnFull::Waitlist))
            .await
            .unwrap();
        assert_eq!(waits.claim.position, Some(1));
        assert!(
            engine
                .claim(li, ask("991010-F", OnFull::Reject))
                .await
                .unwrap()
                .created
        );
        engine.verify_tables().await.unwrap();
        engine.close().await;

        let engine = Engine::open(settings(folder.path(), clock.clone()))
            .await
            .unwrap();
        assert_eq!(engine.claim(li, request).await.unwrap(), made);
        // R13: the oral claim goes with the written one, and the head of the queue is promoted in the same step.
        engine.cancel(li, made.claim.standing.id, None).await.unwrap();
        let states: Vec<_> = engine
            .claims(li)
            .unwrap()
            .iter()
            .map(|claim| claim.standing.state.as_str())
            .collect();
        assert_eq!(states, ["cancelled", "removed"]);
        let promoted = engine.claims(wang).unwrap();
        assert_eq!(promoted[0].standing.state.as_str(), "held");
        assert_eq!(
            engine.claim(li, request).await.unwrap(),
            made,
            "the same key gives the same answer"
        );
        engine.verify_tables().await.unwrap();

        use futures_util::TryStreamExt;
        let export = engine.export(&staff(), ExportKind::Audit).await.unwrap();
        let bytes: Vec<_> = export.try_collect().await.unwrap();
        let text = String::from_utf8(bytes.concat()).unwrap();
        assert!(text.contains("claim_promoted"), "{text}");
        engine.close().await;
    });
}

#[test]
fn a_hold_expires_at_its_deadline_and_the_enrolment_after_it() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::new(nine());
        let engine = Engine::open(settings(folder.path(), clock.clone()))
            .await
            .unwrap();
        set_up(&engine, folder.path(), 2, 1).await;
        let (li, wang) = (enrolled(&engine, 0).await, enrolled(&engine, 1).await);
        engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
        engine
            .claim(wang, ask("991010-1", OnFull::Waitlist))
            .await
            .unwrap();
        clock.advance(Span::from_secs(86_401));
        engine.look_at_the_clock();
        eventually("the head of the queue is promoted", || {
            engine.claims(wang).unwrap()[0].standing.state.as_str() == "held"
        })
        .await;
        assert_eq!(engine.claims(li).unwrap()[0].standing.state.as_str(), "expired");
        // R9: his enrolment's time is over too; hers has a claim and stays.
        while engine.enrolment(li).await.is_ok() {
            tokio::task::yield_now().await;
        }
        let again = engine.claim(li, ask("991010-1", OnFull::Reject)).await;
        assert_eq!(again, Err(Refusal::NotEnrolled.into()));
        assert!(engine.enrolment(wang).await.is_ok());
        engine.verify_tables().await.unwrap();
        engine.close().await;
    });
}
