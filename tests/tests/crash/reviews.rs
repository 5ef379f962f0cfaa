//! Reviews (R6, R7) survive a kill, as the journal has them: approved, pending, rejected and deleted ones, with the
//! tickets that staff decide by; and the tables that are made anew from the journal say the same.

use kaowei_tests::process::Server;
use kaowei_tests::trial::{Trial, World};
use serde_json::{Value, json};

use super::{KAOWEI, On};

#[test]
fn reviews_survive_a_kill_on_sqlite() {
    reviews_survive_a_kill(On::Sqlite, 101);
}

#[test]
fn reviews_survive_a_kill_on_postgres() {
    reviews_survive_a_kill(On::Postgres, 102);
}

/// Of candidate 0 by document; of namesakes of 1, 2 and 3.
const RESULTS: &str = "ticket,id_number,name,year,score\n\
    T0,A0000000,曾用名,2024,425\nN1,Z1,考生1,2024,600\nN2,Z2,考生2,2024,600\nN3,Z3,考生3,2024,600\n";

fn reviews_survive_a_kill(on: On, seed: u64) {
    let trial = Trial::new(KAOWEI, on.url(), World::lasting(seed));
    let server = trial.program.answering();
    set_up(&trial, &server);
    for (candidate, ticket, state) in [
        (0, "T0", "approved"),
        (1, "N1", "pending"),
        (2, "N2", "pending"),
        (3, "N3", "pending"),
    ] {
        let review = ask(
            &trial,
            &server,
            candidate,
            "POST",
            Some(&json!({"cet4_ticket": ticket})),
        );
        assert_eq!((review.0, &review.1["state"]), (201, &json!(state)));
    }
    for candidate in [2, 3] {
        let waiting = waiting(&trial, &server);
        let case = &waiting[1];
        assert_eq!(case["cet4_ticket"], format!("N{candidate}"));
        let path = format!("/v1/staff/reviews/{}", case["id"].as_str().expect("an id"));
        let verdict = json!({"decision": "rejected", "reason": "not his"});
        let decided = trial.request(&server, "POST", &path, trial.staff_token(), Some(&verdict));
        assert_eq!(decided.0, 200, "{}", decided.1);
    }
    assert_eq!(ask(&trial, &server, 3, "DELETE", None).0, 204);
    let end = server.kill();
    assert!(end.was_killed());
    end.assert_sound();

    let server = trial.program.answering();
    as_before(&trial, &server);
    server.kill();
    trial.program.must(&["rebuild"]);
    let server = trial.program.answering();
    as_before(&trial, &server);
    trial.close(server);
}

/// Nobody may sit CET6, and everybody has accepted the agreement.
fn set_up(trial: &Trial, server: &Server) {
    let students = std::fs::read_to_string(trial.path("students.csv")).expect("the file is there");
    let write =
        |name: &str, text: &str| std::fs::write(trial.path(name), text).expect("a file can be written");
    write("four.csv", &students.replace(",1;2;F;S,", ",1;F,"));
    write("results.csv", RESULTS);
    let staff = trial.staff(server);
    for (kind, file) in [("students", "four.csv"), ("cet4-results", "results.csv")] {
        let file = trial.path(file);
        let imported = trial.crowd.block_on(staff.import(kind, &file));
        imported.expect("the file is imported");
    }
    for candidate in 0..4 {
        let agreed = trial.request(
            server,
            "PUT",
            "/v1/agreement",
            trial.token(candidate),
            Some(&json!({"version": "1"})),
        );
        assert_eq!(agreed.0, 200, "{}", agreed.1);
    }
}

fn as_before(trial: &Trial, server: &Server) {
    for (candidate, status, state) in [
        (0, 200, json!("approved")),
        (1, 200, json!("pending")),
        (2, 200, json!("rejected")),
        (3, 404, Value::Null),
    ] {
        let review = ask(trial, server, candidate, "GET", None);
        assert_eq!((review.0, &review.1["state"]), (status, &state), "{candidate}");
        let found = trial.request(server, "GET", "/v1/qualification", trial.token(candidate), None);
        let found: Value = serde_json::from_str(&found.1).expect("JSON");
        let may_sit = found["eligible_subjects"].as_array().expect("a list");
        let cet6 = may_sit.iter().any(|subject| subject["code"] == "2");
        assert_eq!(cet6, candidate == 0, "{found}");
    }
    let waiting = waiting(trial, server);
    let tickets: Vec<&Value> = waiting.iter().map(|case| &case["cet4_ticket"]).collect();
    assert_eq!(tickets, [&json!("N1")]);
}

/// A request about the own review.
fn ask(trial: &Trial, server: &Server, candidate: usize, method: &str, body: Option<&Value>) -> (u16, Value) {
    let token = trial.token(candidate);
    let (status, text) = trial.request(server, method, "/v1/review", token, body);
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// The reviews that staff are to decide, by id.
fn waiting(trial: &Trial, server: &Server) -> Vec<Value> {
    let path = "/v1/staff/reviews?state=pending";
    let list = trial.request(server, "GET", path, trial.staff_token(), None);
    let list: Value = serde_json::from_str(&list.1).expect("JSON");
    list["reviews"].as_array().expect("a list of reviews").clone()
}
