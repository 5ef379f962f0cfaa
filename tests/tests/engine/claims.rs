//! Claims: answered, kept, found again (R12–R15, R19–R22).

use futures_util::{FutureExt, TryStreamExt};
use kaowei_core::ids::Fen;
use kaowei_core::seats::{ClaimState, OnFull, Refusal};
use kaowei_core::time::Span;
use kaowei_engine::{ClaimRequest, Denied, Engine, EnrolRequest, ExportKind, KeyHashes, NewPool, Settings};
use kaowei_tests::engine::{Place, SITTING, account, ask, enrolled, eventually, nine, set_up, staff, states};
use kaowei_tests::on_both_stores;

on_both_stores! {
    a_claim_is_answered_kept_and_found_again_after_a_restart
    a_repeat_under_another_key_gets_the_same_claim_and_is_remembered
    r15_a_claim_that_is_listed_no_more_is_found_by_its_key_and_by_its_id
    r17_a_cancelled_claim_is_answered_as_such_though_32_later_ones_are_gone
    r13_an_oral_claim_granted_when_its_written_one_is_gone_is_refused
    an_enrolment_goes_with_all_that_it_holds
    the_key_of_a_deleted_enrolment_brings_nothing_back
    a_pool_that_is_put_twice_while_nobody_waits_begins_once
    a_hundred_candidates_at_once_never_get_more_seats_than_there_are
}

async fn a_claim_is_answered_kept_and_found_again_after_a_restart(place: Place) {
    let engine = place.open_with(3, 1).await;
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
    let waiting = Refusal::AlreadyWaiting(waits.claim.standing.id);
    assert_eq!(
        engine.claim(wang, ask("991010-1", OnFull::Reject)).await,
        Err(waiting.into())
    );
    assert!(
        engine
            .claim(li, ask("991010-F", OnFull::Reject))
            .await
            .unwrap()
            .created
    );
    engine.verify_tables().await.unwrap();
    engine.close().await;

    let engine = place.open().await;
    assert_eq!(engine.claim(li, request).await.unwrap(), made);
    // R13: the oral claim goes with the written one, and the head of the queue is promoted in the same step.
    engine.cancel(li, made.claim.standing.id, None).await.unwrap();
    assert_eq!(states(&engine, li), ["cancelled", "removed"]);
    assert_eq!(states(&engine, wang), ["held"]);
    assert_eq!(
        engine.claim(li, request).await.unwrap(),
        made,
        "the same key gives the same answer"
    );
    engine.verify_tables().await.unwrap();

    let export = engine.export(&staff(), ExportKind::Audit).await.unwrap();
    let bytes: Vec<_> = export.try_collect().await.unwrap();
    let text = String::from_utf8(bytes.concat()).unwrap();
    assert!(text.contains("claim_promoted"), "{text}");
    engine.close().await;
}

async fn a_repeat_under_another_key_gets_the_same_claim_and_is_remembered(place: Place) {
    let engine = place.open_with(1, 1).await;
    let li = enrolled(&engine, 0).await;
    let made = engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
    let key = Some(KeyHashes { key: 7, body: 7 });
    let repeat = engine
        .claim(
            li,
            ClaimRequest {
                key,
                ..ask("991010-1", OnFull::Waitlist)
            },
        )
        .await
        .unwrap();
    assert!(!repeat.created);
    assert_eq!(repeat.claim.standing, made.claim.standing);
    engine.cancel(li, made.claim.standing.id, None).await.unwrap();
    engine.close().await;

    let engine = place.open().await;
    let again = engine
        .claim(
            li,
            ClaimRequest {
                key,
                ..ask("991010-1", OnFull::Waitlist)
            },
        )
        .await
        .unwrap();
    assert_eq!(
        again, repeat,
        "the same key gives the same answer after a restart and a cancellation"
    );
    engine.verify_tables().await.unwrap();
    engine.close().await;
}

async fn r15_a_claim_that_is_listed_no_more_is_found_by_its_key_and_by_its_id(place: Place) {
    let engine = place.open_with(1, 1).await;
    let li = enrolled(&engine, 0).await;
    let keyed = |key| ClaimRequest {
        key: Some(KeyHashes { key, body: key }),
        ..ask("991010-1", OnFull::Reject)
    };
    let claim = async |request| {
        let made = engine.claim(li, request).await.unwrap();
        assert!(made.created);
        engine.cancel(li, made.claim.standing.id, None).await.unwrap();
        made
    };
    let first = claim(ask("991010-1", OnFull::Reject)).await;
    let oldest = claim(keyed(1)).await;
    for key in 2..=32 {
        claim(keyed(key)).await;
    }
    for _ in 0..40 {
        claim(ask("991010-1", OnFull::Reject)).await;
    }
    let (first, oldest_id) = (first.claim.standing.id, oldest.claim.standing.id);
    assert_eq!(states(&engine, li).len(), 32);
    // At once, however far behind the tables are.
    let by_id = engine.claim_by_id(li, first).await.unwrap();
    assert_eq!(
        (by_id.standing.id, by_id.standing.state.as_str()),
        (first, "cancelled")
    );
    assert_eq!(engine.claim(li, keyed(1)).await.unwrap(), oldest);
    assert_eq!(
        engine.cancel(li, oldest_id, None).await,
        Err(Refusal::AlreadyGone.into())
    );
    let nobodys = "991010-1-1000".parse().unwrap();
    assert_eq!(engine.claim_by_id(li, nobodys).await, Err(Denied::NotFound));
    engine.verify_tables().await.unwrap();
    engine.close().await;

    let engine = place.open().await;
    assert_eq!(engine.claim(li, keyed(1)).await.unwrap(), oldest);
    assert_eq!(engine.claim_by_id(li, first).await, Ok(by_id));
    engine.verify_tables().await.unwrap();
    engine.close().await;
}

async fn r17_a_cancelled_claim_is_answered_as_such_though_32_later_ones_are_gone(place: Place) {
    let engine = place.open_with(1, 1).await;
    let li = enrolled(&engine, 0).await;
    let written = engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
    for _ in 0..32 {
        let oral = engine.claim(li, ask("991010-F", OnFull::Reject)).await.unwrap();
        engine.cancel(li, oral.claim.standing.id, None).await.unwrap();
    }
    let written = written.claim.standing.id;
    let cancelled = engine.cancel(li, written, None).await.unwrap();
    assert_eq!(cancelled.standing.state.as_str(), "cancelled");
    assert_eq!(engine.claim_by_id(li, written).await, Ok(cancelled));
    engine.verify_tables().await.unwrap();
    engine.close().await;
}

async fn r13_an_oral_claim_granted_when_its_written_one_is_gone_is_refused(place: Place) {
    // All actors on one thread: what is sent to one first is decided first.
    let settings = Settings {
        arbiters: 1,
        ..place.settings()
    };
    let engine = Engine::open(settings).await.unwrap();
    set_up(&engine, place.folder(), 2, 1).await;
    let sitting = SITTING.replacen('{', r#"{"enrolment_seconds":864000,"#, 1);
    let sitting = serde_json::from_str(&sitting).unwrap();
    engine.put_sitting(&staff(), sitting).await.unwrap();
    let (li, wang) = (enrolled(&engine, 0).await, enrolled(&engine, 1).await);
    let oral = |key| ClaimRequest {
        key: Some(KeyHashes { key, body: 1 }),
        ..ask("991010-F", OnFull::Reject)
    };
    engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();

    // The written claim expires while the oral pool decides: the expiry is in the journal before the grant, and nobody
    // has heard of either.
    let held = place.hold_the_journal().await;
    place.clock.advance(Span::from_secs(86_400));
    engine.look_at_the_clock();
    let mut asked = Box::pin(engine.claim(li, oral(1)));
    assert_eq!((&mut asked).now_or_never(), None);
    held.close().await;
    assert_eq!(asked.await, Err(Refusal::WrittenRequired.into()));
    assert_eq!(states(&engine, li), ["expired", "removed"], "it was granted");
    let again = engine.claim(li, oral(1)).await;
    assert_eq!(again, Err(Refusal::WrittenRequired.into()), "the same answer");
    // Its seat is free, also for himself, under another key.
    engine.claim(wang, ask("991010-1", OnFull::Reject)).await.unwrap();
    let granted = engine.claim(wang, oral(1)).await.unwrap();
    engine
        .cancel(wang, granted.claim.standing.id, None)
        .await
        .unwrap();
    engine
        .cancel(wang, "991010-1-2".parse().unwrap(), None)
        .await
        .unwrap();
    engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
    assert_eq!(engine.claim(li, oral(1)).await, again);
    assert!(engine.claim(li, oral(2)).await.unwrap().created);
    engine.verify_tables().await.unwrap();
    engine.close().await;

    let engine = place.open().await;
    assert_eq!(engine.claim(li, oral(1)).await, again, "after a restart");
    engine.verify_tables().await.unwrap();
    engine.close().await;
}

async fn an_enrolment_goes_with_all_that_it_holds(place: Place) {
    let engine = place.open_with(2, 1).await;
    let (li, wang) = (enrolled(&engine, 0).await, enrolled(&engine, 1).await);
    engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
    engine.claim(li, ask("991010-F", OnFull::Reject)).await.unwrap();
    engine
        .claim(wang, ask("991010-1", OnFull::Waitlist))
        .await
        .unwrap();
    engine.delete_enrolment(li).await.unwrap();
    assert_eq!(states(&engine, li), ["removed", "removed"]);
    assert_eq!(states(&engine, wang), ["held"]);
    assert_eq!(
        engine.enrolment(li).await.unwrap_err(),
        Refusal::NotEnrolled.into()
    );
    enrolled(&engine, 0).await;
    engine.verify_tables().await.unwrap();
    engine.close().await;
}

async fn the_key_of_a_deleted_enrolment_brings_nothing_back(place: Place) {
    let engine = place.open_with(1, 1).await;
    let li = account(&engine, 0).await;
    engine.accept_agreement(li, "1").await.unwrap();
    let request = EnrolRequest {
        key: Some(KeyHashes { key: 5, body: 5 }),
        ..EnrolRequest::default()
    };
    let saved = engine.enrol(li, request).await.unwrap();
    engine.delete_enrolment(li).await.unwrap();
    engine.verify_tables().await.unwrap();
    engine.close().await;

    let engine = place.open().await;
    let again = engine.enrol(li, request).await.unwrap();
    assert!(again.created);
    assert_eq!(
        again.enrolment.enrolment, saved.enrolment.enrolment,
        "the same key gives the same answer"
    );
    assert_eq!(
        engine.enrolment(li).await.unwrap_err(),
        Refusal::NotEnrolled.into()
    );
    engine.close().await;
}

async fn a_pool_that_is_put_twice_while_nobody_waits_begins_once(place: Place) {
    let engine = place.open_with(1, 1).await;
    let cet6 =
        r#""subjects":[{"code":"2","name":"英语六级笔试","paper":"written","language":"en","level":6},"#;
    let sitting = SITTING.replace(r#""subjects":["#, cet6);
    engine
        .put_sitting(&staff(), serde_json::from_str(&sitting).unwrap())
        .await
        .unwrap();
    let id = "991010-2".parse().unwrap();
    let new = NewPool {
        capacity: 1,
        open: true,
        fee: Fen(1),
        exam_date: None,
    };
    let staff = staff();
    for patience in 0..40 {
        // Asked, and hung up after a little while: what was handed over goes on.
        tokio::select! {
            biased;
            _ = engine.put_pool(&staff, id, new.clone()) => {}
            () = yields(patience) => {}
        }
    }
    eventually("the pool is put", async || {
        engine.put_pool(&staff, id, new.clone()).await.is_ok()
    })
    .await;
    engine.verify_tables().await.unwrap();
    engine.close().await;
    let engine = place.open().await;
    assert_eq!(engine.pool(id).unwrap().capacity, 1);
    engine.close().await;
}

async fn yields(times: u32) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

async fn a_hundred_candidates_at_once_never_get_more_seats_than_there_are(place: Place) {
    let engine = place.open_with(100, 30).await;
    let mut candidates = Vec::new();
    for n in 0..100 {
        candidates.push(enrolled(&engine, n).await);
    }
    let claims = candidates
        .iter()
        .map(|li| engine.claim(*li, ask("991010-1", OnFull::Waitlist)));
    let answers = futures_util::future::join_all(claims).await;
    let held = answers
        .iter()
        .filter(|answer| answer.as_ref().unwrap().claim.position.is_none())
        .count();
    assert_eq!(held, 30);
    let pool = engine.pool("991010-1".parse().unwrap()).unwrap();
    assert_eq!((pool.held, pool.waiting, pool.has_seat), (30, 70, false));
    engine.verify_tables().await.unwrap();
    engine.close().await;
}
