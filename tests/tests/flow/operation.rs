//! What operators look at: health, readiness, metrics, the document and its readable form (2.2).

use std::collections::BTreeSet;

use kaowei::server::HTTP_METRICS;
use kaowei_core::ids::Sequence;
use kaowei_core::sites::Scope;
use kaowei_engine::metrics::ALL;
use kaowei_engine::{AuditStream, Denied, Engine, ExportKind, Failure, Settings, Staff};
use kaowei_tests::engine::{Place, eventually, staff};
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Client, PASSWORD, Server, Student};
use serde_json::json;

on_both_stores! {
    health_and_readiness_answer_with_the_reason
    a_second_server_on_the_same_place_is_told_what_to_do
    every_metric_is_served_and_described_and_none_names_a_pool_or_a_person
    tables_that_refuse_an_event_stop_for_its_cell_alone_and_loudly
    the_document_is_served_and_readable_without_the_internet
}

async fn health_and_readiness_answer_with_the_reason(place: Place) {
    let server = Server::start(&place).await;
    let nobody = server.nobody();
    assert_eq!(
        nobody.get("/healthz").await.expect(200),
        json!({"status": "alive"})
    );
    let ready = json!({"ready": true, "status": "ready", "reason": null});
    assert_eq!(nobody.get("/readyz").await.expect(200), ready);
    let token = server.staff("national");
    let li = server.candidate(0);
    li.get("/v1/account").await.expect(200);
    // The engine stops under the server, as it does when another process takes over the store.
    server.engine.clone().close().await;
    assert_eq!(
        nobody.get("/healthz").await.expect(200),
        json!({"status": "alive"})
    );
    let reply = nobody.get("/readyz").await.expect(503);
    assert_eq!(
        (&reply["ready"], &reply["status"]),
        (&json!(false), &json!("stopped"))
    );
    assert!(!reply["reason"].as_str().unwrap().is_empty());
    token
        .get("/v1/staff/overview")
        .await
        .refused(503, "store_unavailable");
    let reply = li.claim("991010-1", "reject").await;
    assert!(
        reply.refused(503, "store_unavailable")["retry_after_ms"]
            .as_u64()
            .unwrap()
            > 0
    );
    nobody.get("/v1/sitting").await.refused(503, "store_unavailable");
    server.abandon().await;
    let server = Server::start(&place).await;
    server.nobody().get("/readyz").await.expect(200);
    server.finish().await;
}

async fn a_second_server_on_the_same_place_is_told_what_to_do(place: Place) {
    let server = Server::start_town(&place).await;
    let seat = server.enrolled(0).await.hold("991010-1").await;
    let second = Engine::open(place.settings()).await;
    let sentence = second.err().expect("there is one already").to_string();
    assert!(
        sentence.contains("another kaowei") && sentence.contains("--data-dir"),
        "{sentence}"
    );
    // A folder of its own does not help where the database is the same one.
    let elsewhere = tempfile::tempdir().unwrap();
    let settings = Settings {
        data_dir: elsewhere.path().to_path_buf(),
        ..place.settings()
    };
    assert!(Engine::open(settings).await.is_err());
    let own = server.candidate(0).get(&format!("/v1/claims/{seat}")).await;
    assert_eq!(own.expect(200)["state"], "held", "the first one is not disturbed");
    server.enrolled(1).await.hold("991010-1").await;
    server.finish().await;
}

async fn every_metric_is_served_and_described_and_none_names_a_pool_or_a_person(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    let seat = li.hold("991010-2").await;
    wang.queue("991010-2").await;
    li.claim("991010-2", "reject").await.expect(200);
    li.claim("991010-9", "reject").await.refused(404, "not_found");
    li.cancel(&seat).await.expect(200);
    server.enrolled(2).await.buy("991010-1", "1").await;
    server
        .nobody()
        .get("/no/such/address")
        .await
        .refused(404, "not_found");
    let unknown = server.log_in(&Student::number(99), PASSWORD);
    unknown.await.refused(401, "bad_credentials");
    server.engine.verify_tables().await.unwrap();
    let documented: Vec<(&str, &str)> = ALL
        .iter()
        .map(|metric| (metric.name, metric.help))
        .chain(HTTP_METRICS.iter().map(|metric| (metric.name, metric.help)))
        .collect();
    eventually("every metric has been told", async || {
        let text = server.metrics().await;
        documented
            .iter()
            .all(|(name, _)| text.contains(&format!("# TYPE {name} ")))
    })
    .await;

    let text = server.metrics().await;
    for (name, help) in &documented {
        assert!(
            text.contains(&format!("# HELP {name} {help}")),
            "{name} is not described:\n{text}"
        );
        assert!(name.starts_with("kaowei_"));
    }
    let described: BTreeSet<&str> = documented.iter().map(|(name, _)| *name).collect();
    let samples = text.lines().filter(|line| line.starts_with("kaowei_"));
    for sample in samples.clone() {
        let name = sample.split(['{', ' ']).next().unwrap();
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(name);
        assert!(
            described.contains(name) || described.contains(base),
            "{name} is not documented"
        );
        for personal in ["991010", "考生", "P0", "/no/such"] {
            assert!(!sample.contains(personal), "{sample}");
        }
    }
    for wanted in [
        "kaowei_claims_total{outcome=\"held\"}",
        "kaowei_claims_total{outcome=\"waiting\"}",
        "kaowei_claims_total{outcome=\"repeated\"}",
        "kaowei_claims_total{outcome=\"refused\"}",
        "kaowei_promotions_total",
        "kaowei_http_requests_total{route=\"/v1/claims\",method=\"POST\",status=\"201\",code=\"\"}",
        "kaowei_http_requests_total{route=\"/v1/claims/{id}/cancel\",method=\"POST\",status=\"200\",code=\"\"}",
        "kaowei_http_requests_total{route=\"unknown\",method=\"GET\",status=\"404\",code=\"not_found\"}",
    ] {
        let value = samples
            .clone()
            .find_map(|line| line.strip_prefix(wanted)?.trim().parse::<f64>().ok());
        assert!(value.is_some_and(|value| value >= 1.0), "{wanted} {value:?}");
    }
    let breaches = samples
        .clone()
        .filter(|line| line.starts_with("kaowei_invariant_breaches_total"));
    assert!(breaches.clone().count() > 5 && breaches.clone().all(|line| line.ends_with(" 0")));
    server.finish().await;
}

/// A row that is not the journal's: the place of the third event of a pool.
const PLANT: &str =
    "INSERT INTO stream_index (stream, sequence, cell, position) VALUES ('991010-2', 3, '99', 0)";
const UPROOT: &str = "DELETE FROM stream_index WHERE stream = '991010-2' AND position = 0";

async fn tables_that_refuse_an_event_stop_for_its_cell_alone_and_loudly(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang, zhao) = (
        server.enrolled(0).await,
        server.enrolled(1).await,
        server.enrolled(2).await,
    );
    server.engine.verify_tables().await.unwrap();
    assert_eq!(stuck_cells(&server).await, "0");
    place.tamper_with_tables(PLANT, PLANT).await;

    let seat = li.hold("991010-2").await;
    wang.queue("991010-2").await;
    zhao.queue("991010-2").await;
    // All before the refused event is in the tables, and nothing of its cell from it on.
    eventually("the tables stop before the second claim", async || {
        stuck_cells(&server).await == "1" && lag(&server).await == 2
    })
    .await;
    let fault = Denied::Failed(Failure::Internal);
    for scope in [Scope::National, Scope::Province("99".parse().unwrap())] {
        let staff = Staff { scope, ..staff() };
        let export = server.engine.export(&staff, ExportKind::Claims).await;
        assert_eq!(export.err(), Some(fault.clone()));
        let pool = AuditStream::Pool("991010-2".parse().unwrap());
        let trail = server.engine.audit(&staff, pool, Sequence(0), 10).await;
        assert_eq!(trail.err(), Some(fault.clone()));
    }
    let (of_99, of_98) = (server.staff("province:99"), server.staff("province:98"));
    // What needs no tables goes on, and so do the tables of the other cells.
    assert_eq!(server.nobody().get("/readyz").await.expect(200)["ready"], true);
    li.cancel(&seat).await.expect(200);
    assert_eq!(wang.states().await, ["held"]);
    let trail = of_99.get("/v1/staff/exports/audit.csv").await.text();
    assert!(trail.contains("claim_promoted"), "{trail}");
    for capacity in [5, 6] {
        let raised = of_98.patch("/v1/staff/pools/981010-1", &json!({"capacity": capacity}));
        raised.await.expect(200);
        assert_eq!(last_kind(&of_98).await, "capacity_set");
    }
    let export = of_98.get("/v1/staff/exports/claims.csv").await;
    assert_eq!(export.status, 200);

    // A restart reads what the tables lack from the journal, and finds the same row in the way.
    let server = server.restart().await;
    assert_eq!(server.candidate(0).states().await, ["cancelled"]);
    assert_eq!(server.candidate(1).states().await, ["held"]);
    assert_eq!(server.candidate(2).states().await, ["waiting"]);
    eventually("the tables stop again", async || {
        stuck_cells(&server).await == "1"
    })
    .await;
    // Without it they catch up.
    place.tamper_with_tables(UPROOT, UPROOT).await;
    let server = server.restart().await;
    server.engine.verify_tables().await.unwrap();
    assert_eq!(stuck_cells(&server).await, "0");
    server.finish().await;
}

async fn stuck_cells(server: &Server<'_>) -> String {
    let metrics = server.metrics().await;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("kaowei_checkpoint_stuck_cells "));
    line.expect("it is told").into()
}

async fn lag(server: &Server<'_>) -> i64 {
    let overview = server
        .staff("national")
        .get("/v1/staff/overview")
        .await
        .expect(200);
    overview["checkpoint_lag"].as_i64().expect("a number")
}

async fn last_kind(staff: &Client) -> String {
    let trail = staff.get("/v1/staff/audit?pool=981010-1").await.expect(200);
    let last = trail["records"].as_array().and_then(|records| records.last());
    last.expect("a record")["kind"].as_str().expect("text").into()
}

async fn the_document_is_served_and_readable_without_the_internet(place: Place) {
    let server = Server::start(&place).await;
    let nobody = server.nobody();
    let document = nobody.get("/openapi.json").await.expect(200);
    assert_eq!(document, nobody.contract().document);
    assert_eq!(document["openapi"], "3.1.0");
    let page = nobody.get("/docs/").await;
    assert_eq!(
        (page.status, page.header("content-type").map(|kind| &kind[..9])),
        (200, Some("text/html"))
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    // It comes packed; what it loads is the server's own.
    for (file, kind) in [
        ("swagger-ui.css", "text/css"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui-standalone-preset.js", "text/javascript"),
        ("swagger-initializer.js", "text/javascript"),
    ] {
        let reply = nobody.get(&format!("/docs/{file}")).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, Some(kind)),
            "{file}"
        );
    }
    server.finish().await;
}
