//! The tables, made anew from a journal longer than a slice.

use std::fmt::Write;

use kaowei_core::registration::ImportKind;
use kaowei_core::time::Span;
use kaowei_engine::rebuild;
use kaowei_tests::engine::{Place, SITTING, import, staff};
use kaowei_tests::on_both_stores;

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
