//! What time does: deadlines, clock jumps, outages (R9, R16, 1.4).

use std::time::{Duration, Instant};

use kaowei_core::seats::{OnFull, Refusal};
use kaowei_core::time::Span;
use kaowei_engine::{Engine, OpenError, Settings};
use kaowei_tests::engine::{Place, ask, enrolled, eventually, nine, staff, states};
use kaowei_tests::on_both_stores;
use kaowei_tests::wait::PATIENCE;
use sqlx::Row;

on_both_stores! {
    r16_a_hold_expires_at_its_deadline_and_the_enrolment_after_it
    a_forward_clock_jump_suspends_expiry_until_it_is_resumed
    a_backward_clock_jump_moves_no_deadline_and_revives_nothing
    expiry_can_be_resumed_on_a_wall_clock_that_was_set_back
    what_fell_due_during_an_outage_gets_its_time_back
    what_fell_due_during_a_short_stop_is_expired
    an_outage_is_not_forgotten_by_a_recovery_that_was_cut_off
}

#[test]
fn a_store_whose_clock_disagrees_suspends_expiry() {
    kaowei_tests::engine::run(async {
        let place = Place::postgres();
        let engine = place.open_with(1, 1).await;
        place.clock.compare_with_the_store();
        eventually("expiry is suspended at the next heartbeat", async || {
            !engine.expiry().unwrap().running
        })
        .await;
        engine.close().await;
    });
}

/// Before anything is due, not at some heartbeat after it.
#[test]
fn a_store_whose_clock_disagrees_at_the_start_suspends_expiry_before_anything_is_served() {
    kaowei_tests::engine::run(async {
        let place = Place::postgres();
        let engine = place.open_with(1, 1).await;
        let li = enrolled(&engine, 0).await;
        engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
        place.clock.advance(DAY - Span::from_secs(1));
        engine.set_expiry(&staff(), true, "a sign of life").await.unwrap();
        engine.close().await;
        place.clock.advance(Span::from_secs(30));
        place.clock.compare_with_the_store();
        let engine = place.open().await;
        assert!(!engine.expiry().unwrap().running);
        engine.verify_tables().await.unwrap();
        assert_eq!(states(&engine, li), ["held"]);
        engine.close().await;
    });
}

/// The commit lands in the end: nobody noticed anything, but nobody could look after their holds either.
#[test]
fn what_fell_due_while_a_commit_stood_still_gets_its_time_back() {
    const STILL: Duration = Duration::from_millis(200);
    kaowei_tests::engine::run(async {
        let place = Place::postgres();
        let engine = place.open_with(2, 2).await;
        let (li, wang) = (enrolled(&engine, 0).await, enrolled(&engine, 1).await);
        engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
        engine.close().await;

        let settings = Settings {
            commit_time_max: STILL,
            ..place.settings()
        };
        let engine = Engine::open(settings).await.unwrap();
        let session = place.hold_the_journal().await;
        let mut beside = place.connect_to_postgres().await;
        let stuck = async {
            let started = tokio::time::timeout(PATIENCE, async {
                while !stands_still(&mut beside).await {
                    tokio::task::yield_now().await;
                }
            });
            started.await.expect("the commit stands still");
            let since = Instant::now();
            eventually("it has stood still for long enough", async || {
                since.elapsed() > STILL
            })
            .await;
            place.clock.advance(DAY + Span::from_secs(3600));
            engine.look_at_the_clock();
            session.close().await;
        };
        let claimed = engine.claim(wang, ask("991010-1", OnFull::Reject));
        // Answered where it was in that commit, not where it came after a heartbeat's.
        futures_util::future::join(claimed, stuck).await.0.ok();
        eventually("the hold has its time back", async || {
            let claims = engine.claims(li);
            claims.is_ok_and(|claims| {
                let until = claims[0].standing.state.held_until();
                until.expect("it is still held") >= engine.now() + DAY
            })
        })
        .await;
        engine.verify_tables().await.unwrap();
        engine.close().await;
    });
}

/// Whether a commit waits for whoever holds the cells.
async fn stands_still(beside: &mut sqlx::PgConnection) -> bool {
    const WAITS: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND wait_event_type = 'Lock' AND query LIKE 'UPDATE cells%'";
    let row = sqlx::query(WAITS)
        .fetch_one(beside)
        .await
        .expect("it says who waits");
    row.get::<i64, _>(0) > 0
}

const DAY: Span = Span::from_secs(86_400);

async fn r16_a_hold_expires_at_its_deadline_and_the_enrolment_after_it(place: Place) {
    let engine = place.open_with(2, 1).await;
    let (li, wang) = (enrolled(&engine, 0).await, enrolled(&engine, 1).await);
    engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
    engine
        .claim(wang, ask("991010-1", OnFull::Waitlist))
        .await
        .unwrap();
    place.clock.advance(DAY);
    engine.look_at_the_clock();
    eventually("the head of the queue is promoted", async || {
        states(&engine, wang) == ["held"]
    })
    .await;
    assert_eq!(states(&engine, li), ["expired"]);
    // R9: the first one's enrolment is over too; the other's has a claim and stays.
    eventually("the enrolment is deleted", async || {
        engine.enrolment(li).await.is_err()
    })
    .await;
    let again = engine.claim(li, ask("991010-1", OnFull::Reject)).await;
    assert_eq!(again, Err(Refusal::NotEnrolled.into()));
    assert!(engine.enrolment(wang).await.is_ok());
    engine.verify_tables().await.unwrap();
    engine.close().await;
}

async fn a_forward_clock_jump_suspends_expiry_until_it_is_resumed(place: Place) {
    let engine = place.open_with(1, 1).await;
    let li = enrolled(&engine, 0).await;
    engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
    place.clock.jump_to(nine() + Span::from_secs(25 * 3600));
    engine.look_at_the_clock();
    assert!(!engine.expiry().unwrap().running);
    engine.verify_tables().await.unwrap();
    assert_eq!(states(&engine, li), ["held"]);
    assert_eq!(engine.now(), nine(), "engine time does not follow");

    let status = engine
        .set_expiry(&staff(), true, "the clock is right")
        .await
        .unwrap();
    assert!(status.running);
    eventually("the hold expires", async || states(&engine, li) == ["expired"]).await;
    engine.close().await;
}

async fn a_backward_clock_jump_moves_no_deadline_and_revives_nothing(place: Place) {
    let engine = place.open_with(2, 1).await;
    let (li, wang) = (enrolled(&engine, 0).await, enrolled(&engine, 1).await);
    let made = engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
    place.clock.jump_to(nine() - Span::from_secs(3600));
    place.clock.advance(Span::from_secs(1));
    assert!(engine.now() >= nine());
    engine.look_at_the_clock();
    engine
        .claim(wang, ask("991010-1", OnFull::Waitlist))
        .await
        .unwrap();
    assert_eq!(
        engine.claims(li).unwrap()[0].standing.state,
        made.claim.standing.state
    );
    let waits = engine.claims(wang).unwrap()[0].standing;
    assert!(waits.created_at >= made.claim.standing.created_at);
    engine.verify_tables().await.unwrap();
    engine.close().await;
}

async fn expiry_can_be_resumed_on_a_wall_clock_that_was_set_back(place: Place) {
    let engine = place.open_with(1, 1).await;
    let li = enrolled(&engine, 0).await;
    engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
    place.clock.jump_to(nine() - Span::from_secs(3600));
    engine.look_at_the_clock();
    assert!(!engine.expiry().unwrap().running);
    engine
        .set_expiry(&staff(), true, "the clock was wrong before")
        .await
        .unwrap();
    engine.look_at_the_clock();
    assert!(engine.expiry().unwrap().running, "what was resumed stays so");

    // The deadline is the instant that was shown, by the clock that is believed now.
    place.clock.advance(DAY);
    engine.look_at_the_clock();
    engine.verify_tables().await.unwrap();
    assert_eq!(states(&engine, li), ["held"]);
    place.clock.advance(Span::from_secs(3600));
    engine.look_at_the_clock();
    eventually("the hold expires", async || states(&engine, li) == ["expired"]).await;
    engine.close().await;
}

async fn what_fell_due_during_an_outage_gets_its_time_back(place: Place) {
    let engine = place.open_with(1, 1).await;
    let li = enrolled(&engine, 0).await;
    engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
    engine.close().await;
    place.clock.advance(DAY + Span::from_secs(3600));
    let engine = place.open().await;
    let standing = engine.claims(li).unwrap()[0].standing;
    let until = standing.state.held_until().expect("it is still held");
    assert!(until >= engine.now() + DAY, "{until}");
    assert!(engine.enrolment(li).await.unwrap().enrolment.delete_after >= engine.now() + DAY);
    engine.verify_tables().await.unwrap();
    engine.close().await;
}

async fn what_fell_due_during_a_short_stop_is_expired(place: Place) {
    let engine = place.open_with(1, 1).await;
    let li = enrolled(&engine, 0).await;
    engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
    place.clock.advance(DAY - Span::from_secs(20));
    // A sign of life just before the stop.
    engine
        .cancel(li, "991010-1-1".parse().unwrap(), None)
        .await
        .unwrap();
    engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
    place.clock.advance(DAY - Span::from_secs(10));
    engine.set_expiry(&staff(), true, "a sign of life").await.unwrap();
    engine.close().await;
    place.clock.advance(Span::from_secs(30));
    let engine = place.open().await;
    eventually("the hold expires", async || {
        states(&engine, li) == ["cancelled", "expired"]
    })
    .await;
    engine.verify_tables().await.unwrap();
    engine.close().await;
}

/// The first extension is taken, all others are refused.
const SQLITE_ONE_EXTENSION: &str = "CREATE TRIGGER poison BEFORE INSERT ON journal WHEN NEW.kind = 'deadline_extended' \
     AND EXISTS (SELECT 1 FROM journal WHERE kind = 'deadline_extended') BEGIN SELECT RAISE(ABORT, 'poison'); END";

const POSTGRES_ONE_EXTENSION: &str = "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     IF NEW.kind = 'deadline_extended' AND EXISTS (SELECT 1 FROM journal WHERE kind = 'deadline_extended') THEN \
     RAISE EXCEPTION 'poison' USING ERRCODE = 'check_violation'; END IF; RETURN NEW; END $$; \
     CREATE TRIGGER poison BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION poison()";

/// So many holds that a mailbox of an actor that has just been started can't take the extension of all of them.
async fn an_outage_is_not_forgotten_by_a_recovery_that_was_cut_off(place: Place) {
    const HOLDS: u32 = 40;
    let engine = place.open_with(HOLDS, HOLDS).await;
    let mut candidates = Vec::new();
    for n in 0..HOLDS {
        let candidate = enrolled(&engine, n).await;
        engine
            .claim(candidate, ask("991010-1", OnFull::Reject))
            .await
            .unwrap();
        candidates.push(candidate);
    }
    engine.close().await;
    place.clock.advance(DAY + Span::from_secs(3600));
    place.tamper(SQLITE_ONE_EXTENSION, POSTGRES_ONE_EXTENSION).await;
    let cut_off = Engine::open(place.settings()).await.map(|_| ());
    assert!(matches!(cut_off, Err(OpenError::Unwritable(_))), "{cut_off:?}");

    place
        .tamper("DROP TRIGGER poison", "DROP TRIGGER poison ON journal")
        .await;
    let engine = place.open().await;
    for candidate in candidates {
        let standing = engine.claims(candidate).unwrap()[0].standing;
        let until = standing.state.held_until().expect("it is still held");
        assert!(until >= engine.now() + DAY, "{until}");
    }
    engine.verify_tables().await.unwrap();
    engine.close().await;
}
