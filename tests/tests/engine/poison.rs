//! An event that the store refuses for certain: it alone is dropped, nobody else is disturbed (3.2).

use futures_util::future::join_all;
use kaowei_core::seats::OnFull;
use kaowei_engine::{Denied, Failure};
use kaowei_tests::engine::{Place, ask, enrolled, eventually, states};
use kaowei_tests::on_both_stores;

on_both_stores! {
    one_poisonous_event_stops_neither_its_batch_nor_its_pool
}

pub(super) const SQLITE_TRIGGER: &str = "CREATE TRIGGER poison BEFORE INSERT ON journal WHEN NEW.payload LIKE '%\"candidate\":3,%' \
     AND NEW.kind = 'claim_held' BEGIN SELECT RAISE(ABORT, 'poison'); END";

pub(super) const POSTGRES_TRIGGER: &str = "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     RAISE EXCEPTION 'poison' USING ERRCODE = 'check_violation'; END $$; \
     CREATE TRIGGER poison BEFORE INSERT ON journal FOR EACH ROW \
     WHEN (NEW.payload LIKE '%\"candidate\":3,%' AND NEW.kind = 'claim_held') EXECUTE FUNCTION poison()";

async fn one_poisonous_event_stops_neither_its_batch_nor_its_pool(place: Place) {
    let engine = place.open_with(8, 8).await;
    let mut candidates = Vec::new();
    for n in 0..8 {
        candidates.push(enrolled(&engine, n).await);
    }
    place.tamper(SQLITE_TRIGGER, POSTGRES_TRIGGER).await;

    let claims = candidates
        .iter()
        .map(|candidate| engine.claim(*candidate, ask("991010-1", OnFull::Reject)));
    let answers = join_all(claims).await;
    let poisoned = answers
        .iter()
        .position(|answer| *answer == Err(Denied::Failed(Failure::Internal)));
    let poisoned = poisoned.expect("the poisonous claim is an internal fault");
    assert_eq!(candidates[poisoned].candidate.0, 3);

    // Those decided on top of it repeat; everybody but the poisonous one gets a seat.
    for (n, candidate) in candidates.iter().enumerate().filter(|(n, _)| *n != poisoned) {
        eventually("a repeat finds the truth", async || {
            engine
                .claim(*candidate, ask("991010-1", OnFull::Reject))
                .await
                .is_ok()
        })
        .await;
        assert_eq!(states(&engine, *candidate), ["held"], "candidate {n}");
    }
    let refused = engine
        .claim(candidates[poisoned], ask("991010-1", OnFull::Reject))
        .await;
    assert_eq!(refused, Err(Denied::Failed(Failure::Internal)));
    assert_eq!(engine.pool("991010-1".parse().unwrap()).unwrap().held, 7);
    engine.verify_tables().await.unwrap();
    engine.close().await;
}
