//! Where several refusals apply, the first in the documented order is given (2.6).

use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Server, Student, import_students, town_sitting};
use serde_json::{Value, json};

on_both_stores! {
    refusals_come_in_the_documented_order
}

/// One candidate asks for one seat while everything is against it, and one obstacle after the other is taken away.
async fn refusals_come_in_the_documented_order(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let oral_window = async |opens: &str, waitlist_closes: Option<&str>| {
        let mut sitting = town_sitting();
        let window = &mut sitting["windows"][2];
        window["opens_at"] = json!(opens);
        if let Some(closes) = waitlist_closes {
            window["waitlist_closes_at"] = json!(closes);
        }
        national.put("/v1/staff/sitting", &sitting).await.expect(200);
    };
    oral_window("2026-10-01T00:00:00Z", None).await;
    let student = |subjects| Student {
        subjects,
        ..Student::number(0)
    };
    import_students(&server, &[student("1;2;3")]).await;
    let li = server.candidate(0);
    let asks = async |status: u16, code: &str| li.claim("991020-F", "reject").await.refused(status, code);

    server
        .nobody()
        .claim("991020-F", "reject")
        .await
        .refused(401, "unauthenticated");
    let broken = server
        .nobody()
        .call("POST", "/v1/claims")
        .body("application/json", "{");
    broken.await.refused(401, "unauthenticated");
    asks(403, "agreement_required").await;
    li.agree().await;
    asks(409, "not_enrolled").await;
    li.enrol_again().await;
    asks(409, "outside_window").await;
    oral_window("2026-09-01T00:00:00Z", None).await;
    asks(403, "not_eligible").await;
    import_students(&server, &[student("1;2;3;F")]).await;
    asks(409, "written_required").await;
    li.hold("991010-1").await;
    let other = li.hold("991010-F").await;
    assert_eq!(asks(409, "level_taken").await["claim"]["id"], json!(other));
    li.cancel(&other).await.expect(200);
    asks(409, "pool_closed").await;
    let pool = async |change: Value| {
        national
            .patch("/v1/staff/pools/991020-F", &change)
            .await
            .expect(200);
    };
    pool(json!({"open": true, "capacity": 0})).await;
    asks(409, "pool_full").await;
    oral_window("2026-09-01T00:00:00Z", Some("2026-09-21T14:00:00Z")).await;
    asks(409, "pool_full").await;
    li.claim("991020-F", "waitlist")
        .await
        .refused(409, "waitlist_closed");
    oral_window("2026-09-01T00:00:00Z", None).await;
    let waiting = li.queue("991020-F").await;
    assert_eq!(asks(409, "already_waiting").await["claim"]["id"], json!(waiting));
    pool(json!({"capacity": 1})).await;
    assert_eq!(li.claim("991020-F", "reject").await.expect(200)["state"], "held");
    // What does not exist is not found, whoever asks.
    for unknown in ["991011-F", "000000-1", "nonsense", "", "991020-F-1", "../etc"] {
        li.claim(unknown, "reject").await.refused(404, "not_found");
    }
    // What can't be read is said before the rules are asked.
    let wrong = json!({"pool": "991010-1", "on_full": "wait"});
    server
        .candidate(1)
        .post("/v1/claims", &wrong)
        .await
        .refused(422, "invalid_request");
    server.finish().await;
}
