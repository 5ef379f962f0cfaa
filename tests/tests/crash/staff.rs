//! Kill −9 between the writing of a staff account and its answer (R32): the request's repeat with its key makes one
//! account, and its code sets the password.

use anyhow::Result;
use kaowei_engine::FailPoint;
use kaowei_tests::process::Server;
use kaowei_tests::trial::{Trial, World};
use serde_json::{Value, json};

use super::{KAOWEI, On, seeded};

const DEATHS: [FailPoint; 2] = [FailPoint::StaffAccountWritten, FailPoint::StaffAccountNotAnswered];

#[test]
fn r32_an_account_of_staff_is_given_once_whenever_the_server_dies_on_sqlite() {
    accounts_survive(On::Sqlite, 81);
}

#[test]
fn r32_an_account_of_staff_is_given_once_whenever_the_server_dies_on_postgres() {
    accounts_survive(On::Postgres, 82);
}

fn accounts_survive(on: On, seed: u64) {
    let trial = Trial::new(KAOWEI, on.url(), World::lasting(seeded(seed)));
    let staff = trial.program.must(&["token", "staff", "--scope", "national"]);
    let post = |server: &Server, path: &str, body: &Value| -> Result<(u16, Value)> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let request = client
            .post(format!("{}{path}", server.url()))
            .bearer_auth(staff.trim())
            .header("idempotency-key", body["login"].as_str().unwrap_or_default())
            .json(body);
        trial.crowd.block_on(async {
            let answer = request.send().await?;
            Ok((answer.status().as_u16(), answer.json().await?))
        })
    };
    for point in DEATHS {
        let asked = json!({"login": point.name(), "name": "某人", "scope": "national"});
        let server = trial.armed(point.name(), 1).answers();
        let unanswered = post(&server, "/v1/staff/accounts", &asked);
        assert!(unanswered.is_err(), "{point:?}: {unanswered:?}");
        let end = server.wait();
        assert!(end.was_killed(), "{point:?}: {}:\n{}", end.status, end.log);

        let server = trial.program.serve(&["--captcha", "off"], &[]).answers();
        let (status, account) = post(&server, "/v1/staff/accounts", &asked).expect("an answer");
        assert_eq!(status, 201, "{account}");
        let (_, again) = post(&server, "/v1/staff/accounts", &asked).expect("an answer");
        assert_eq!(again, account);
        let login = json!({"login": point.name(), "password": "correct horse", "code": account["code"]});
        let (status, session) = post(&server, "/v1/staff/sessions", &login).expect("an answer");
        assert_eq!(status, 201, "{session}");
        let (status, list) = trial.request(&server, "GET", "/v1/staff/accounts", staff.trim(), None);
        assert_eq!((status, list.matches(point.name()).count()), (200, 1), "{list}");
        assert!(server.stop().status.success());
    }
    let server = trial.program.answering();
    trial.close(server);
}
