//! Imports that were cut off while they were applied, and what staff change afterwards (R33).

use kaowei_core::seats::Change;
use kaowei_tests::engine::{Place, staff};
use kaowei_tests::on_both_stores;

on_both_stores! {
    an_import_that_was_cut_off_does_not_come_back_over_a_later_change_of_a_pool
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
