//! Kill −9 at every point of the payment path, on both stores: whatever was cut off, in the end every fen that the
//! provider took is settled or back, and nothing is pending (R26–R29).
//!
//! The provider is the sandbox: its books are its own, and compared with the engine's.

use std::time::Instant;

use kaowei_engine::FailPoint;
use kaowei_loadtest::check::Check;
use kaowei_tests::process::{Launch, Server};
use kaowei_tests::trial::{Trial, World};
use kaowei_tests::wait::{self, PATIENCE};
use serde_json::{Value, json};

use super::{KAOWEI, On};

/// The points of the payment path.
pub(super) const PAYMENTS: [FailPoint; 13] = [
    FailPoint::OrderOpened,
    FailPoint::OrderPoolAsked,
    FailPoint::OrderAttached,
    FailPoint::OrderPlaced,
    FailPoint::ProviderAnswered,
    FailPoint::ProviderHeard,
    FailPoint::NotificationVerified,
    FailPoint::NotificationHeard,
    FailPoint::OrderClosing,
    FailPoint::OrderPoolsPaid,
    FailPoint::OrderSettled,
    FailPoint::OrderPoolsReleased,
    FailPoint::RefundSeatBack,
];

/// Points that each event of a payment comes by, and at which of its times each is killed there.
const EVENTS: [FailPoint; 3] = [
    FailPoint::EventsWritten,
    FailPoint::Committed,
    FailPoint::PublishedNotAnswered,
];
const TIMES: [u32; 3] = [7, 13, 20];

mod sqlite {
    #[test]
    fn every_fen_survives_a_kill_at_every_point_of_the_payment_path() {
        super::money_survives(super::On::Sqlite);
    }
}

mod postgres {
    #[test]
    fn every_fen_survives_a_kill_at_every_point_of_the_payment_path() {
        super::money_survives(super::On::Postgres);
    }
}

fn money_survives(on: On) {
    let trial = Trial::new(KAOWEI, on.url(), World::lasting(31));
    let along = TIMES.into_iter().map(|nth| (nth, &EVENTS[..]));
    for (nth, points) in [(1, &PAYMENTS[..]), (2, &PAYMENTS)].into_iter().chain(along) {
        for point in points {
            eprintln!("killed at {}:{nth}", point.name());
            match trial.armed(point.name(), nth) {
                Launch::Answers(server) => {
                    let players = Players {
                        trial: &trial,
                        server: &server,
                    };
                    players.play_until_it_dies();
                    let end = server.wait();
                    assert!(end.was_killed(), "{point:?}: {}:\n{}", end.status, end.log);
                    end.assert_sound();
                }
                // Something that was left over went on at once.
                Launch::Ended(end) => assert!(end.was_killed(), "{point:?}: {}", end.log),
            }
            let server = trial.program.answering();
            let players = Players {
                trial: &trial,
                server: &server,
            };
            players.all_ends();
            players.books_agree();
            let end = server.stop();
            assert!(end.status.success(), "{}", end.log);
            end.assert_sound();
        }
    }
    let server = trial.program.answering();
    let verdict = trial.verdict(&server);
    assert!(verdict.holds(), "{verdict}");
    assert!(verdict.of(Check::MoneyAccounted).examined > 0, "{verdict}");
    let end = server.stop();
    assert!(end.status.success(), "{}", end.log);
    trial.compare_tables();
}

/// Candidates who pay, cancel while they pay, and are refunded.
struct Players<'a> {
    trial: &'a Trial,
    server: &'a Server,
}

/// The server is gone.
struct Gone;

impl Players<'_> {
    fn ask(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Result<(u16, Value), Gone> {
        let answer = self.trial.try_request(self.server, method, path, token, body);
        let (status, text) = answer.map_err(|_| Gone)?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    fn play_until_it_dies(&self) {
        let started = Instant::now();
        for round in 0.. {
            assert!(
                started.elapsed() < PATIENCE,
                "the point was not reached in {round} rounds"
            );
            for who in 0..4 {
                if self.play(who).is_err() {
                    return;
                }
            }
        }
    }

    /// One candidate's way: to pay; to cancel while an order is open; to pay twice and be refunded by staff.
    fn play(&self, who: usize) -> Result<(), Gone> {
        let token = self.trial.token(who);
        self.ask("PUT", "/v1/agreement", token, Some(&json!({"version": "1"})))?;
        self.ask(
            "POST",
            "/v1/enrolment",
            token,
            Some(&json!({"phone_confirmed": true})),
        )?;
        let pool = if who.is_multiple_of(2) {
            "991010-1"
        } else {
            "991011-2"
        };
        let claim = json!({"pool": pool, "on_full": "waitlist"});
        let (_, claim) = self.ask("POST", "/v1/claims", token, Some(&claim))?;
        let choices = json!({"choices": [{"subject": "1", "choice": "electronic"}, {"subject": "2", "choice": "electronic"}]});
        self.ask("PUT", "/v1/enrolment/score-reports", token, Some(&choices))?;
        let wanted = json!({"paper": "written", "method": "sandbox"});
        let (status, order) = self.ask("POST", "/v1/orders", token, Some(&wanted))?;
        if !matches!(status, 200 | 201) {
            return self.be_refunded(token);
        }
        let cashier = format!("/sandbox/pay/{}", order["id"].as_str().unwrap_or(""));
        match who {
            0 => {
                self.ask("POST", &cashier, "", Some(&json!({"outcome": "paid"})))?;
            }
            1 => {
                let cancel = format!("/v1/claims/{}/cancel", claim["id"].as_str().unwrap_or(""));
                self.ask("POST", &cancel, token, Some(&json!({"reason": "changed_plans"})))?;
            }
            _ => {
                let twice = json!({"outcome": "paid", "anyway": true, "times": 2});
                self.ask("POST", &cashier, "", Some(&twice))?;
                let refresh = format!("/v1/orders/{}/refresh", order["id"].as_str().unwrap_or(""));
                self.ask("POST", &refresh, token, None)?;
                self.ask("POST", &cashier, "", Some(&twice))?;
            }
        }
        Ok(())
    }

    /// Staff take back what is paid.
    fn be_refunded(&self, token: &str) -> Result<(), Gone> {
        let (_, page) = self.ask("GET", "/v1/enrolment", token, None)?;
        for order in page["orders"].as_array().into_iter().flatten() {
            if order["state"] == "paid" {
                let path = format!("/v1/staff/orders/{}/refund", order["id"].as_str().unwrap_or(""));
                self.ask(
                    "POST",
                    &path,
                    self.trial.staff_token(),
                    Some(&json!({"reason": "a test"})),
                )?;
            }
        }
        Ok(())
    }

    fn orders(&self) -> Vec<Value> {
        let pages = (0..4).map(|who| self.look("/v1/enrolment", self.trial.token(who)));
        pages
            .flat_map(|page| page["orders"].as_array().cloned().unwrap_or_default())
            .collect()
    }

    /// Every order ends: those that can still be paid are paid, since nobody cancels here.
    fn all_ends(&self) {
        let ended = wait::until("the end of all orders", PATIENCE, || {
            let orders = self.orders();
            let mut busy = orders
                .iter()
                .filter(|order| matches!(order["state"].as_str(), Some("open" | "refunding")))
                .peekable();
            let none_left = busy.peek().is_none();
            for order in busy {
                if let Some(cashier) = order["pay_url"].as_str() {
                    let silent = json!({"outcome": "paid", "notify": false});
                    self.ask("POST", cashier, "", Some(&silent)).ok();
                    self.refresh(order);
                }
            }
            Ok(none_left)
        });
        ended.unwrap_or_else(|error| panic!("{error}: {:#?}", self.orders()));
    }

    fn refresh(&self, order: &Value) {
        let path = format!("/v1/orders/{}/refresh", order["id"].as_str().unwrap_or(""));
        for who in 0..4 {
            self.ask("POST", &path, self.trial.token(who), None).ok();
        }
    }

    /// Received = settled + refunded, by the engine's books and by the provider's, with nothing pending; and every seat
    /// that is paid is one of those.
    fn books_agree(&self) {
        let mut seen = String::new();
        // A notification may still be on its way.
        let agreed = wait::until("books that agree", PATIENCE, || {
            let staff = self.trial.staff_token();
            let export = "/v1/staff/exports/orders.csv";
            let (_, csv) = self.trial.try_request(self.server, "GET", export, staff, None)?;
            let [received, settled, refunded, pending] = sums(&csv);
            assert_eq!(received, settled + refunded + pending, "{csv}");
            let books = self.look("/v1/staff/sandbox", staff);
            let theirs = [&books["received_fen"], &books["refunded_fen"]].map(Value::as_u64);
            seen = format!("{csv}\nthe provider's: {theirs:?}");
            if pending > 0 || theirs != [Some(received), Some(refunded)] {
                return Ok(false);
            }
            let overview = self.look("/v1/staff/overview", staff);
            let paid = overview["total"]["paid"].as_u64();
            assert_eq!(paid, Some(settled), "every seat costs 1 fen: {csv}");
            Ok(true)
        });
        agreed.unwrap_or_else(|error| panic!("{error}: {seen}"));
    }

    fn look(&self, path: &str, token: &str) -> Value {
        let seen = self.ask("GET", path, token, None);
        seen.unwrap_or_else(|Gone| panic!("the server answers {path}")).1
    }
}

/// What all orders together have received, settled, refunded and pending.
fn sums(csv: &str) -> [u64; 4] {
    csv.lines().skip(1).fold([0; 4], |mut sums, line| {
        for (sum, cell) in sums.iter_mut().zip(line.split(',').skip(7)) {
            *sum += cell.parse::<u64>().expect("an amount");
        }
        sums
    })
}
