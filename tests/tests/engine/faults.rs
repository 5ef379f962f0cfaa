//! A store that can't be read, or can't be trusted, just when something has to be read from it again: whoever waits is
//! answered, and nothing is served that is not true.

use std::time::Duration;

use futures_util::future::{join, join_all};
use kaowei_core::seats::OnFull;
use kaowei_engine::{Account, Denied, Engine, Failure, OpenError, Readiness, Settings};
use kaowei_tests::engine::{Place, ask, enrolled, eventually, states};
use kaowei_tests::on_both_stores;

use super::poison::{POSTGRES_TRIGGER, SQLITE_TRIGGER};

on_both_stores! {
    a_pool_that_can_t_be_read_again_is_read_when_the_store_is_back
    a_journal_whose_hashes_do_not_follow_is_not_served
    tables_of_another_journal_are_not_served
    r13_recovery_does_not_ask_for_ever_for_what_the_store_refuses
}

/// The candidate whose claim the store refuses, and others.
struct People {
    poisoned: Account,
    others: Vec<Account>,
}

/// An engine with four candidates, all enrolled, whose tables show all of it.
async fn four_candidates(place: &Place) -> (Engine, People) {
    let engine = place.open_with(4, 4).await;
    let mut others = Vec::new();
    for n in 0..4 {
        others.push(enrolled(&engine, n).await);
    }
    let poisoned = others
        .iter()
        .position(|account| account.candidate.0 == 3)
        .expect("candidates are numbered");
    let poisoned = others.remove(poisoned);
    engine.verify_tables().await.unwrap();
    (engine, People { poisoned, others })
}

const UNAVAILABLE: Denied = Denied::Failed(Failure::StoreUnavailable);

async fn a_pool_that_can_t_be_read_again_is_read_when_the_store_is_back(place: Place) {
    let (engine, people) = four_candidates(&place).await;
    let [li, wang, zhao] = people.others[..] else {
        panic!("three others")
    };
    let held = engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
    engine.verify_tables().await.unwrap();
    place.tamper(SQLITE_TRIGGER, POSTGRES_TRIGGER).await;
    let away = "ALTER TABLE claims RENAME TO claims_away";
    place.tamper_with_tables(away, away).await;

    let refused = engine
        .claim(people.poisoned, ask("991010-1", OnFull::Reject))
        .await;
    assert_eq!(refused, Err(Denied::Failed(Failure::Internal)));
    let meanwhile = engine.claim(wang, ask("991010-1", OnFull::Reject)).await;
    assert_eq!(meanwhile, Err(UNAVAILABLE));
    eventually("recovery waits for the store", async || {
        matches!(engine.readiness(), Readiness::Recovering { .. })
    })
    .await;
    let meanwhile = engine.claim(zhao, ask("991010-F", OnFull::Reject)).await;
    assert_eq!(meanwhile, Err(UNAVAILABLE));

    let back = "ALTER TABLE claims_away RENAME TO claims";
    place.tamper_with_tables(back, back).await;
    eventually("the engine is ready again", async || {
        engine.readiness() == Readiness::Ready
    })
    .await;
    let again = engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
    assert_eq!(again.claim, held.claim);
    for candidate in [wang, zhao] {
        engine
            .claim(candidate, ask("991010-1", OnFull::Reject))
            .await
            .unwrap();
    }
    engine.verify_tables().await.unwrap();
    engine.close().await;
}

/// The tables take nothing more over, so that whoever reads has to read the journal.
const SQLITE_STUCK: &str =
    "CREATE TRIGGER stuck BEFORE INSERT ON checkpoint BEGIN SELECT RAISE(ABORT, 'stuck'); END";

const POSTGRES_STUCK: &str = "CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     RAISE EXCEPTION 'stuck'; END $$; \
     CREATE TRIGGER stuck BEFORE INSERT ON checkpoint FOR EACH ROW EXECUTE FUNCTION stuck()";

async fn a_journal_whose_hashes_do_not_follow_is_not_served(place: Place) {
    let (engine, people) = four_candidates(&place).await;
    place.tamper_with_tables(SQLITE_STUCK, POSTGRES_STUCK).await;
    engine
        .claim(people.others[0], ask("991010-1", OnFull::Reject))
        .await
        .unwrap();
    // Another text of the same event.
    let rewritten = "UPDATE journal SET payload = payload || ' ' WHERE kind = 'claim_held'";
    place.tamper(rewritten, rewritten).await;
    place.tamper(SQLITE_TRIGGER, POSTGRES_TRIGGER).await;

    let refused = engine
        .claim(people.poisoned, ask("991010-1", OnFull::Reject))
        .await;
    assert_eq!(refused, Err(Denied::Failed(Failure::Internal)));
    let stopped = tokio::time::timeout(Duration::from_secs(20), engine.stopped());
    let reason = stopped.await.expect("the engine stops");
    assert!(
        reason.contains("the store is damaged") && reason.contains("does not follow"),
        "{reason}"
    );
    let claims = people
        .others
        .iter()
        .map(|candidate| engine.claim(*candidate, ask("991010-1", OnFull::Reject)));
    for answer in join_all(claims).await {
        assert_eq!(answer, Err(UNAVAILABLE));
    }
    engine.close().await;
    let opened = Engine::open(place.settings()).await.map(|_| ());
    assert!(matches!(opened, Err(OpenError::Damaged(_))), "{opened:?}");
}

/// A pool would go on from a hash that its journal does not have, and nobody could verify its chain any more.
async fn tables_of_another_journal_are_not_served(place: Place) {
    let (engine, people) = four_candidates(&place).await;
    engine
        .claim(people.others[0], ask("991010-1", OnFull::Reject))
        .await
        .unwrap();
    engine.verify_tables().await.unwrap();
    engine.close().await;
    place
        .tamper_with_tables(
            "UPDATE stream_heads SET hash = zeroblob(32)",
            "UPDATE stream_heads SET hash = decode(repeat('00', 32), 'hex')",
        )
        .await;
    let opened = Engine::open(place.settings()).await.map(|_| ());
    let refused = opened.expect_err("it does not open").to_string();
    assert!(
        refused.contains("not made from its journal") && refused.contains("kaowei rebuild"),
        "{refused}"
    );
}

const SQLITE_KEEPS: &str = "CREATE TRIGGER keeps BEFORE INSERT ON journal WHEN NEW.kind = 'claim_removed' \
     BEGIN SELECT RAISE(ABORT, 'keeps'); END";

const POSTGRES_KEEPS: &str = "CREATE FUNCTION keeps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     RAISE EXCEPTION 'keeps' USING ERRCODE = 'check_violation'; END $$; \
     CREATE TRIGGER keeps BEFORE INSERT ON journal FOR EACH ROW WHEN (NEW.kind = 'claim_removed') \
     EXECUTE FUNCTION keeps()";

/// More orphans in one pool than a mailbox of an actor that has just been started takes.
async fn r13_recovery_does_not_ask_for_ever_for_what_the_store_refuses(place: Place) {
    const ORPHANS: u32 = 40;
    let engine = place.open_with(ORPHANS, ORPHANS).await;
    let mut written = Vec::new();
    for n in 0..ORPHANS {
        let candidate = enrolled(&engine, n).await;
        let claimed = engine.claim(candidate, ask("991010-1", OnFull::Reject)).await;
        engine
            .claim(candidate, ask("991010-F", OnFull::Waitlist))
            .await
            .unwrap();
        written.push((candidate, claimed.unwrap().claim.standing.id));
    }
    place.tamper(SQLITE_KEEPS, POSTGRES_KEEPS).await;
    let cancels = written
        .iter()
        .map(|(candidate, claim)| engine.cancel(*candidate, *claim, None));
    let closing = async {
        eventually("all written claims are gone", async || {
            written
                .iter()
                .all(|(candidate, _)| states(&engine, *candidate)[0] == "cancelled")
        })
        .await;
        engine.clone().close().await;
    };
    let (answers, ()) = join(join_all(cancels), closing).await;
    for answer in answers {
        assert!(matches!(answer, Err(Denied::Failed(_))), "{answer:?}");
    }

    let opened = Engine::open(place.settings()).await.map(|_| ());
    assert!(matches!(opened, Err(OpenError::Unwritable(_))), "{opened:?}");
    place
        .tamper("DROP TRIGGER keeps", "DROP TRIGGER keeps ON journal")
        .await;
    let engine = place.open().await;
    for (candidate, _) in written {
        assert_eq!(states(&engine, candidate), ["cancelled", "removed"]);
    }
    engine.verify_tables().await.unwrap();
    engine.close().await;
}

/// Sessions that begin from now on are told an error when they ask for the lock; the sequence keeps that they have.
const NO_LOCK: &str = "CREATE SEQUENCE asked; \
     CREATE FUNCTION pg_try_advisory_lock(bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
     PERFORM nextval('asked'); RAISE EXCEPTION 'not now'; END $$; \
     DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$; \
     SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Without the lock only the fence would keep a second server out, when it has led already.
#[test]
fn a_lock_that_can_t_be_taken_again_at_once_is_taken_before_anything_is_served() {
    kaowei_tests::engine::run(async {
        let place = Place::postgres();
        let (engine, people) = four_candidates(&place).await;
        place.tamper("", NO_LOCK).await;
        let refused = engine
            .claim(people.others[0], ask("991010-1", OnFull::Reject))
            .await;
        assert_eq!(refused, Err(UNAVAILABLE));
        eventually("the lock is asked for", async || {
            let asked: (bool,) = sqlx::query_as("SELECT is_called FROM asked")
                .fetch_one(&mut place.connect_to_postgres().await)
                .await
                .unwrap();
            asked.0
        })
        .await;
        place
            .tamper("", "DROP FUNCTION public.pg_try_advisory_lock(bigint)")
            .await;
        eventually("the engine is ready again", async || {
            engine.readiness() == Readiness::Ready
        })
        .await;
        let elsewhere = tempfile::tempdir().unwrap();
        let second = Settings {
            data_dir: elsewhere.path().into(),
            ..place.settings()
        };
        let opened = Engine::open(second).await.map(|_| ());
        assert!(matches!(opened, Err(OpenError::DatabaseTaken)), "{opened:?}");
        engine.verify_tables().await.unwrap();
        engine.close().await;
    });
}
