//! Imports that were cut off while they were applied, and what staff change afterwards (R33).

use kaowei_core::ids::{Sequence, national_cell};
use kaowei_core::seats::{Change, OnFull};
use kaowei_engine::{AuditStream, Engine, OpenError};
use kaowei_tests::engine::{Place, ask, enrolled, staff};
use kaowei_tests::on_both_stores;

on_both_stores! {
    an_import_that_was_cut_off_does_not_come_back_over_a_later_change_of_a_pool
    r35_an_import_that_is_finished_later_is_in_the_trail_with_its_lines
    a_store_whose_import_can_t_be_finished_is_left_free
}

/// As a lost store leaves it: the note is there, the file too, and nobody has finished it.
const CUT_OFF: &str = "INSERT INTO imports (id, kind, spool, skip_bad, staff, scope) \
     VALUES ('1', 'pools', '1.csv', 1, 'test', 'national')";

async fn an_import_that_was_cut_off_does_not_come_back_over_a_later_change_of_a_pool(place: Place) {
    let engine = place.open_with(0, 2).await;
    let folder = place.folder().join("imports");
    std::fs::create_dir_all(&folder).unwrap();
    let file = "campus_code,subject_code,capacity,open,fee_fen\n991010,1,7,true,1\n991010,F,7,true,1\n";
    std::fs::write(folder.join("1.csv"), file).unwrap();
    place.tamper_with_people(CUT_OFF).await;

    let capacity = |capacity| Change {
        capacity: Some(capacity),
        ..Change::default()
    };
    let (written, oral) = ("991010-1".parse().unwrap(), "991010-F".parse().unwrap());
    let changed = engine.change_pool(&staff(), written, capacity(5)).await.unwrap();
    assert_eq!(changed.capacity, 5);
    engine.change_pool(&staff(), oral, capacity(6)).await.unwrap();
    assert_eq!(engine.pool(written).unwrap().capacity, 5, "what came last counts");
    engine.close().await;
    let engine = place.open().await;
    assert_eq!(engine.pool(written).unwrap().capacity, 5);
    engine.close().await;
}

async fn r35_an_import_that_is_finished_later_is_in_the_trail_with_its_lines(place: Place) {
    let engine = place.open_with(2, 1).await;
    for n in 0..2 {
        let candidate = enrolled(&engine, n).await;
        engine
            .claim(candidate, ask("991010-1", OnFull::Waitlist))
            .await
            .unwrap();
    }
    engine.close().await;
    let folder = place.folder().join("imports");
    std::fs::create_dir_all(&folder).unwrap();
    // The first line promotes who waits; only then is the second one refused.
    let file = "campus_code,subject_code,capacity,open,fee_fen\n991010,1,2,true,1\n991010,1,1,true,1\n";
    std::fs::write(folder.join("1.csv"), file).unwrap();
    place.tamper_with_people(CUT_OFF).await;

    let engine = place.open().await;
    assert_eq!(engine.pool("991010-1".parse().unwrap()).unwrap().capacity, 2);
    let trail = AuditStream::Cell(national_cell());
    let records = engine.audit(&staff(), trail, Sequence(0), 100).await.unwrap();
    let imported = records.iter().rfind(|record| record.kind == "imported").unwrap();
    let payload: serde_json::Value = serde_json::from_str(imported.payload.get()).unwrap();
    assert_eq!(
        (&payload["accepted"], &payload["rejected"]),
        (&1.into(), &1.into())
    );
    engine.close().await;
}

async fn a_store_whose_import_can_t_be_finished_is_left_free(place: Place) {
    let engine = place.open_with(0, 1).await;
    engine.close().await;
    place.tamper_with_people(CUT_OFF).await;
    place
        .tamper_with_people("UPDATE imports SET kind = 'nonsense'")
        .await;
    let opened = Engine::open(place.settings()).await.map(|_| ());
    assert!(matches!(opened, Err(OpenError::Damaged(_))), "{opened:?}");
    place.tamper_with_people("DELETE FROM imports").await;
    place.open().await.close().await;
}
