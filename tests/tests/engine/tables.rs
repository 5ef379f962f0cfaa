//! The tables: made anew from a journal longer than a slice, and read while they move on.

use std::fmt::Write;

use kaowei_core::registration::ImportKind;
use kaowei_core::seats::OnFull;
use kaowei_core::time::Span;
use kaowei_engine::rebuild;
use kaowei_tests::engine::{Place, SITTING, ask, enrolled, import, staff, states};
use kaowei_tests::on_both_stores;
use kaowei_tests::wait::PATIENCE;
use sqlx::{Executor, PgConnection, Row};

on_both_stores! {
    the_latest_instant_is_kept_though_a_cell_that_is_taken_over_later_ends_earlier
}

async fn the_latest_instant_is_kept_though_a_cell_that_is_taken_over_later_ends_earlier(place: Place) {
    let engine = place.open_with(1, 1).await;
    let mut campuses =
        String::from("province_code,province_name,school_code,school_name,campus_code,campus_name\n");
    for n in 0..2_500 {
        writeln!(campuses, "99,测试省,99102,测试学校102,C{n},校区{n}").unwrap();
    }
    import(&engine, place.folder(), ImportKind::Campuses, &campuses).await;
    place.clock.advance(Span::from_secs(3_600));
    let renamed = SITTING.replace("考试", "另一次考试");
    let sitting = serde_json::from_str(&renamed).unwrap();
    engine.put_sitting(&staff(), sitting).await.unwrap();
    engine.verify_tables().await.unwrap();
    engine.close().await;

    let rebuilt = rebuild(&place.settings(), &|_, _| {}).await.unwrap();
    assert!(rebuilt.events > 2_500);
}

/// Tables that show nothing yet of what the journal has.
const PUT_ASIDE: &str = "DO $$ DECLARE shown text; BEGIN \
     FOREACH shown IN ARRAY ARRAY['checkpoint', 'documents', 'campuses', 'stream_heads', 'stream_index', 'pools', \
         'claims', 'candidates', 'enrolments', 'idempotency_keys'] LOOP \
     EXECUTE format('CREATE TABLE %I AS TABLE %I', 'kept_' || shown, shown); EXECUTE format('DELETE FROM %I', shown); \
     END LOOP; END $$";

/// A slice that takes over all of it.
const TAKE_OVER: &str = "DO $$ DECLARE kept text; BEGIN \
     FOR kept IN SELECT tablename FROM pg_tables WHERE tablename LIKE 'kept\\_%' LOOP \
     EXECUTE format('INSERT INTO %I SELECT * FROM %I', substr(kept, 6), kept); END LOOP; END $$; COMMIT";

/// A server that was deposed may still finish the slice that it is taking over. On SQLite nobody else has the files.
#[test]
fn tables_that_move_on_while_they_are_read_are_read_anew() {
    kaowei_tests::engine::run(async {
        let place = Place::postgres();
        let engine = place.open_with(1, 1).await;
        let li = enrolled(&engine, 0).await;
        engine.claim(li, ask("991010-1", OnFull::Reject)).await.unwrap();
        engine.verify_tables().await.unwrap();
        engine.close().await;
        place.tamper("", PUT_ASIDE).await;

        let mut deposed = place.connect_to_postgres().await;
        deposed.execute("BEGIN; LOCK TABLE pools").await.unwrap();
        let mut beside = place.connect_to_postgres().await;
        let finishes = async {
            let waiting = tokio::time::timeout(PATIENCE, async {
                while !pools_are_waited_for(&mut beside).await {
                    tokio::task::yield_now().await;
                }
            });
            waiting.await.expect("the pools are read");
            deposed.execute(TAKE_OVER).await.unwrap();
        };
        let (engine, ()) = futures_util::future::join(place.open(), finishes).await;
        assert_eq!(states(&engine, li), ["held"]);
        engine.verify_tables().await.unwrap();
        engine.close().await;
    });
}

async fn pools_are_waited_for(beside: &mut PgConnection) -> bool {
    const WAITS: &str = "SELECT COUNT(*) FROM pg_locks WHERE relation = 'pools'::regclass AND NOT granted";
    let row = sqlx::query(WAITS)
        .fetch_one(beside)
        .await
        .expect("it says who waits");
    row.get::<i64, _>(0) > 0
}
