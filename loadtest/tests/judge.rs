//! The judge finds each kind of wrong, and nothing where nothing is wrong.
//!
//! A small book-keeper writes what an honest server would have written (audit, claims, pools) beside the history of
//! its clients; each test makes one thing of it wrong and names the check that must see it.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use kaowei_loadtest::check::{Check, Exports, Source, Verdict, check};
use kaowei_loadtest::history::{ClaimLine, ClaimState, Code, History, Line, Operation};

const POOL: &str = "991010-1";
const ORDER: &str = "00000000000000a1";

/// What a server would have written down.
#[derive(Clone, Default)]
struct Book {
    audit: Vec<Record>,
    claims: Vec<Claim>,
    pools: Vec<(String, [u64; 4])>,
    /// The latest sequence that the list of pools tells, if it tells any.
    latest: Option<u64>,
    history: Vec<Line>,
    /// The rows of the table of orders: id, received, settled, refunded, pending.
    orders: Vec<(&'static str, [u64; 4])>,
    /// What the provider has received and given back.
    provider: [u64; 2],
}

#[derive(Clone)]
struct Record {
    stream: String,
    kind: &'static str,
    payload: String,
}

#[derive(Clone)]
struct Claim {
    id: String,
    candidate: String,
    state: ClaimState,
    record: usize,
    state_record: usize,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

impl Book {
    fn event(&mut self, pool: &str, kind: &'static str, payload: impl Into<String>) -> usize {
        self.audit.push(Record {
            stream: pool.into(),
            kind,
            payload: payload.into(),
        });
        self.audit.len() - 1
    }

    fn pool(&mut self, id: &str, capacity: u64) {
        self.event(
            id,
            "pool_created",
            format!(r#"{{"v":1,"capacity":{capacity},"open":true}}"#),
        );
    }

    /// A claim's creation, as event, as stored row, and as the answer to its request sent at `at_ms`.
    fn claim(&mut self, at_ms: u64, who: u32, pool: &str, number: u32, state: ClaimState) {
        let kind = if state == ClaimState::Held {
            "claim_held"
        } else {
            "claim_queued"
        };
        let record = self.event(
            pool,
            kind,
            format!(r#"{{"claim":{number},"candidate":"p{who}"}}"#),
        );
        self.claims.push(Claim {
            id: format!("{pool}-{number}"),
            candidate: format!("p{who}"),
            state,
            record,
            state_record: record,
        });
        let line = self.answer(at_ms, who, pool, number, state, record);
        self.history.push(line);
    }

    fn answer(
        &self,
        at_ms: u64,
        who: u32,
        pool: &str,
        number: u32,
        state: ClaimState,
        record: usize,
    ) -> Line {
        let (seq, hash) = self.places()[record].clone();
        Line {
            intended_us: at_ms * 1000,
            started_us: at_ms * 1000,
            ended_us: at_ms * 1000 + 500,
            candidate: who,
            operation: Operation::Claim,
            pool: Some(pool.into()),
            key: 1,
            status: 201,
            code: Code::None,
            claims: vec![ClaimLine {
                id: format!("{pool}-{number}"),
                state,
                seq,
                position: None,
                chain_hash: Some(hash),
            }],
        }
    }

    fn shift(&mut self, pool: &str, number: u32, kind: &'static str, to: ClaimState) {
        let record = self.event(pool, kind, format!(r#"{{"claim":{number}}}"#));
        let id = format!("{pool}-{number}");
        let claim = self.claims.iter_mut().find(|claim| claim.id == id).unwrap();
        (claim.state, claim.state_record) = (to, record);
    }

    /// Sequence and hash of each record, by the chain's rule.
    fn places(&self) -> Vec<(u64, String)> {
        let mut heads: Vec<(String, u64, Vec<u8>)> = Vec::new();
        let mut places = Vec::new();
        for (index, record) in self.audit.iter().enumerate() {
            let at = heads
                .iter()
                .position(|head| head.0 == record.stream)
                .unwrap_or_else(|| {
                    heads.push((record.stream.clone(), 0, vec![0; 32]));
                    heads.len() - 1
                });
            let head = &mut heads[at];
            head.1 += 1;
            let instant = 1_790_000_000_000 + index as u64;
            let text = format!(
                "{}\n{}\n{}\n{instant}\n{}",
                record.stream, head.1, record.kind, record.payload
            );
            head.2 = digest(&SHA256, &[&head.2[..], text.as_bytes()].concat())
                .as_ref()
                .to_vec();
            places.push((head.1, hex(&head.2)));
        }
        places
    }

    fn audit_csv(&self) -> String {
        let mut out = String::from("cell,position,stream,sequence,kind,at,payload,hash,actor\n");
        for (index, (record, (seq, hash))) in self.audit.iter().zip(self.places()).enumerate() {
            let (stream, kind) = (&record.stream, record.kind);
            let payload = record.payload.replace('"', "\"\"");
            let at = 1_790_000_000_000 + index as u64;
            let position = index + 1;
            writeln!(
                out,
                "99,{position},{stream},{seq},{kind},{at},\"{payload}\",{hash},x"
            )
            .unwrap();
        }
        out
    }

    fn claims_csv(&self) -> String {
        let places = self.places();
        let mut out =
            String::from("registered_by,claim,pool,candidate,state,seq,chain_hash,state_seq,state_hash\n");
        for claim in &self.claims {
            let pool = claim.id.rsplit_once('-').unwrap().0;
            let ((seq, hash), (state_seq, state_hash)) = (&places[claim.record], &places[claim.state_record]);
            let (id, candidate, state) = (&claim.id, &claim.candidate, claim.state);
            let created = format!("{id},{pool},{candidate},{state},{seq},{hash}");
            writeln!(out, "candidate,{created},{state_seq},{state_hash}").unwrap();
        }
        out
    }

    fn orders_csv(&self) -> String {
        let mut out = String::from("order,state,received_fen,settled_fen,refunded_fen,pending_fen\n");
        for (id, [received, settled, refunded, pending]) in &self.orders {
            writeln!(out, "{id},paid,{received},{settled},{refunded},{pending}").unwrap();
        }
        out
    }

    /// Something that happened to an order, with more fields if there are any.
    fn order(&mut self, kind: &'static str, fields: &str) {
        let payload = format!(r#"{{"order":"{ORDER}","candidate":2{fields}}}"#);
        self.event("cell:99", kind, payload);
    }

    fn pools_json(&self) -> String {
        let pools: Vec<_> = self
            .pools
            .iter()
            .map(|(id, [capacity, held, paid, waiting])| {
                serde_json::json!({ "id": id, "capacity": capacity, "held": held, "paid": paid, "waiting": waiting, "seq": self.latest,
                                    "subject": { "code": "1", "paper": "written", "level": 4 } })
            })
            .collect();
        serde_json::json!({ "pools": pools, "next_cursor": null }).to_string()
    }

    fn exports(&self) -> Exports {
        let exports = Exports::from_texts(self.claims_csv(), self.audit_csv(), &self.pools_json()).unwrap();
        let [received_fen, refunded_fen] = self.provider;
        let books = serde_json::json!({ "received_fen": received_fen, "refunded_fen": refunded_fen });
        let exports = exports.with_orders(Source::Text(self.orders_csv()));
        exports.with_provider(&books.to_string()).unwrap()
    }

    fn history(&self) -> History {
        let mut history = History::new("test");
        for line in &self.history {
            history.push_line(line).unwrap();
        }
        history
    }

    fn judge(&self) -> Verdict {
        check(&self.history(), &self.exports()).unwrap()
    }
}

/// Two seats, four candidates: two held, two wait; one cancels and the head is promoted; a second pool beside it.
fn honest() -> Book {
    let mut book = Book::default();
    book.pool(POOL, 2);
    book.pool("991011-1", 5);
    book.claim(1, 1, POOL, 1, ClaimState::Held);
    book.claim(2, 2, POOL, 2, ClaimState::Held);
    book.claim(3, 3, POOL, 3, ClaimState::Waiting);
    book.claim(4, 4, POOL, 4, ClaimState::Waiting);
    book.shift(POOL, 1, "claim_cancelled", ClaimState::Cancelled);
    book.shift(POOL, 3, "claim_promoted", ClaimState::Held);
    book.claim(6, 1, "991011-1", 1, ClaimState::Held);
    book.history.last_mut().unwrap().key = 2;
    book.event("cell:99", "sitting_set", r#"{"note":"a comma, and \"quotes\""}"#);
    book.event(POOL, "some_new_kind", r#"{"claim":"unknown"}"#);
    let mut refused = book.history[1].clone();
    (refused.candidate, refused.status, refused.code, refused.claims) = (9, 409, Code::PoolFull, Vec::new());
    book.history.push(refused);
    book.pools = vec![(POOL.into(), [2, 2, 0, 1]), ("991011-1".into(), [5, 1, 0, 0])];
    book
}

/// As before, and candidate 2 has paid, once too often: the second payment is back.
fn paid() -> Book {
    let mut book = honest();
    book.order(
        "order_opened",
        r#","paper":"written","claims":[{"claim":"991010-1-2","fee_fen":3000}]"#,
    );
    book.shift(POOL, 2, "order_attached", ClaimState::Held);
    book.order("order_paid", r#","trade":"t1","amount_fen":3000"#);
    book.shift(POOL, 2, "claim_paid", ClaimState::Paid);
    let paid = book.audit.last_mut().unwrap();
    paid.payload = format!(r#"{{"claim":2,"candidate":"p2","order":"{ORDER}"}}"#);
    book.order("order_settled", "");
    let refund = format!(r#","refund":"{ORDER}r1""#);
    let due = format!(r#"{refund},"trade":"t2","amount_fen":3000,"cause":"paid_twice""#);
    book.order("refund_due", &due);
    book.order("refund_done", &refund);
    book.orders = vec![(ORDER, [6000, 3000, 3000, 0])];
    book.provider = [6000, 3000];
    book.pools[0].1 = [2, 1, 1, 1];
    book
}

/// The one check that must find something, and the others that must not.
fn only(verdict: &Verdict, expected: &[Check]) {
    for check in Check::ALL {
        let found = verdict.of(check).violations > 0;
        assert_eq!(found, expected.contains(&check), "{check:?}\n{verdict}");
    }
    for &check in expected {
        assert!(!verdict.of(check).shown[0].what.is_empty());
    }
}

#[test]
fn an_honest_server_passes_every_check() {
    let verdict = paid().judge();
    assert!(verdict.holds(), "{verdict}");
    for check in Check::ALL {
        assert!(verdict.of(check).examined > 0, "{check:?} examined nothing");
    }
}

#[test]
fn a_seat_granted_beyond_capacity_is_found() {
    let mut book = honest();
    book.audit[0].payload = r#"{"capacity":1,"open":true}"#.into();
    book.history.clear();
    book.pools[0].1[0] = 1;
    let verdict = book.judge();
    only(&verdict, &[Check::CapacityNeverExceeded]);
    let shown = &verdict.of(Check::CapacityNeverExceeded).shown[0];
    assert!(shown.evidence[0].contains("claim_held"), "{shown:?}");
}

#[test]
fn a_capacity_lowered_below_what_is_taken_is_found_unless_it_drains() {
    for (draining, expected) in [(false, &[Check::CapacityNeverExceeded][..]), (true, &[][..])] {
        let mut book = honest();
        book.event(
            POOL,
            "capacity_set",
            format!(r#"{{"capacity":1,"draining":{draining}}}"#),
        );
        book.pools[0].1[0] = 1;
        only(&book.judge(), expected);
    }
}

#[test]
fn a_promotion_past_the_head_of_the_queue_is_found() {
    let mut book = Book::default();
    book.pool(POOL, 1);
    book.claim(1, 1, POOL, 1, ClaimState::Held);
    book.claim(2, 2, POOL, 2, ClaimState::Waiting);
    book.claim(3, 3, POOL, 3, ClaimState::Waiting);
    book.shift(POOL, 1, "claim_expired", ClaimState::Expired);
    book.shift(POOL, 3, "claim_promoted", ClaimState::Held);
    book.pools = vec![(POOL.into(), [1, 1, 0, 1])];
    let verdict = book.judge();
    only(&verdict, &[Check::FirstComeFirstServed]);
    let shown = &verdict.of(Check::FirstComeFirstServed).shown[0];
    assert!(shown.what.contains("991010-1-2"), "{shown:?}");
}

#[test]
fn a_newcomer_who_gets_a_seat_while_another_waits_is_found() {
    let mut book = Book::default();
    book.pool(POOL, 1);
    book.claim(1, 1, POOL, 1, ClaimState::Held);
    book.claim(2, 2, POOL, 2, ClaimState::Waiting);
    book.shift(POOL, 1, "claim_cancelled", ClaimState::Cancelled);
    book.claim(3, 3, POOL, 3, ClaimState::Held);
    book.pools = vec![(POOL.into(), [1, 1, 0, 1])];
    only(&book.judge(), &[Check::FirstComeFirstServed]);
}

#[test]
fn a_sequence_against_real_time_is_found() {
    let mut book = honest();
    // Candidate 2, of the greater sequence, had the answer before candidate 1 asked.
    let (one, two) = (book.history[0].started_us, book.history[1].started_us);
    (book.history[0].started_us, book.history[0].ended_us) = (two + 5000, two + 5100);
    (book.history[1].started_us, book.history[1].ended_us) = (one, one + 100);
    only(&book.judge(), &[Check::FirstComeFirstServed]);
}

#[test]
fn a_lost_first_answer_is_not_taken_for_overtaking() {
    let mut book = honest();
    let (one, two) = (book.history[0].started_us, book.history[1].started_us);
    let mut lost = book.history[0].clone();
    (lost.status, lost.code, lost.claims) = (0, Code::TimedOut, Vec::new());
    (book.history[0].started_us, book.history[0].ended_us) = (two + 5000, two + 5100);
    (book.history[1].started_us, book.history[1].ended_us) = (one, one + 100);
    book.history.insert(0, lost);
    assert!(book.judge().holds(), "{}", book.judge());
}

#[test]
fn an_acknowledged_claim_that_is_not_stored_is_found() {
    let mut book = honest();
    let mut ghost = book.history[1].clone();
    ghost.claims[0].id = "991010-1-77".into();
    (ghost.candidate, ghost.started_us, ghost.ended_us) = (77, 900_000, 900_001);
    ghost.claims[0].seq = 77;
    book.history.push(ghost);
    let verdict = book.judge();
    only(&verdict, &[Check::AcknowledgedIsStored]);
    let shown = &verdict.of(Check::AcknowledgedIsStored).shown[0];
    assert!(shown.evidence[0].contains("991010-1-77"), "{shown:?}");
}

#[test]
fn an_answer_with_another_hash_sequence_or_holder_is_found() {
    let wrongs: [fn(&mut Line); 4] = [
        |line| line.claims[0].chain_hash = Some("00".repeat(32)),
        |line| line.claims[0].seq = 9,
        |line| line.candidate = 1,
        |line| line.claims[0].state = ClaimState::Expired,
    ];
    for (nth, wrong) in wrongs.into_iter().enumerate() {
        let mut book = honest();
        let mut poll = book.history[1].clone();
        (poll.operation, poll.key, poll.started_us, poll.ended_us) = (Operation::Poll, 0, 900_000, 900_001);
        wrong(&mut poll);
        book.history.push(poll);
        let verdict = book.judge();
        assert!(
            verdict.of(Check::AcknowledgedIsStored).violations > 0,
            "wrong {nth}\n{verdict}"
        );
    }
}

#[test]
fn a_grant_without_a_readable_claim_is_found() {
    let mut book = honest();
    book.history[0].claims.clear();
    book.history[1].code = Code::Unreadable;
    let verdict = book.judge();
    only(&verdict, &[Check::AcknowledgedIsStored]);
    assert_eq!(verdict.of(Check::AcknowledgedIsStored).violations, 2);
}

#[test]
fn two_active_claims_of_one_level_are_found() {
    let mut book = honest();
    book.claim(7, 2, "991011-1", 2, ClaimState::Held);
    book.history.last_mut().unwrap().key = 2;
    book.pools[1].1[1] = 2;
    let verdict = book.judge();
    only(&verdict, &[Check::OneActiveClaim]);
    assert_eq!(verdict.of(Check::OneActiveClaim).shown[0].evidence.len(), 2);
}

#[test]
fn numbers_and_tables_that_differ_from_the_ledger_are_found() {
    let wrongs: [fn(&mut Book); 6] = [
        |book| book.latest = Some(3),
        |book| book.pools[0].1[1] = 1,
        |book| book.claims[1].state = ClaimState::Paid,
        |book| book.claims[0].state_record = book.claims[0].record,
        |book| drop(book.pools.pop()),
        |book| book.claims[2].candidate = "p4".into(),
    ];
    for (nth, wrong) in wrongs.into_iter().enumerate() {
        let mut book = honest();
        wrong(&mut book);
        let verdict = book.judge();
        assert!(
            verdict.of(Check::NumbersAgree).violations > 0,
            "wrong {nth}\n{verdict}"
        );
    }
}

#[test]
fn a_claim_missing_from_the_table_is_found() {
    let mut book = honest();
    book.claims.remove(1);
    only(&book.judge(), &[Check::NumbersAgree]);
}

#[test]
fn a_forged_removed_or_reordered_record_is_found() {
    let book = honest();
    let csv = book.audit_csv();
    let lines: Vec<&str> = csv.lines().collect();
    let forged = csv.replacen("p3", "p5", 1);
    let removed = [&lines[..5], &lines[6..]].concat().join("\n");
    let mut swapped = lines.clone();
    swapped.swap(4, 5);
    for (nth, audit) in [forged, removed, swapped.join("\n")].into_iter().enumerate() {
        let exports = Exports::from_texts(book.claims_csv(), audit, &book.pools_json()).unwrap();
        let verdict = check(&History::new("none"), &exports).unwrap();
        assert!(
            verdict.of(Check::ChainHolds).violations > 0,
            "forgery {nth}\n{verdict}"
        );
    }
}

#[test]
fn one_key_that_gave_two_claims_is_found() {
    let mut book = honest();
    book.history[4].key = 1; // candidate 1's second claim, under the key of the first
    only(&book.judge(), &[Check::RepeatsAgree]);
}

#[test]
fn pool_full_from_a_pool_that_never_was_full_is_found() {
    let mut book = honest();
    book.history.last_mut().unwrap().pool = Some("991011-1".into());
    only(&book.judge(), &[Check::RefusalsTrue]);
}

#[test]
fn a_seat_left_idle_while_somebody_waits_is_found() {
    let mut book = honest();
    book.shift(POOL, 2, "claim_expired", ClaimState::Expired);
    book.pools[0].1[1] = 1;
    only(&book.judge(), &[Check::NoIdleSeat]);
}

#[test]
fn a_missing_column_is_told_by_its_name() {
    let book = honest();
    let audit = book.audit_csv().replace("payload", "pay");
    let exports = Exports::from_texts(book.claims_csv(), audit, &book.pools_json()).unwrap();
    let error = check(&book.history(), &exports).unwrap_err();
    assert_eq!(error.to_string(), "audit.csv has no column payload");
}

/// Makes the first record of that kind one that means nothing.
fn forget(book: &mut Book, kind: &str) {
    let mut records = book.audit.iter_mut();
    let record = records.find(|record| record.kind == kind).unwrap();
    record.kind = "some_new_kind";
}

fn rewrite(book: &mut Book, kind: &str, from: &str, to: &str) {
    let mut records = book.audit.iter_mut();
    let record = records.find(|record| record.kind == kind).unwrap();
    assert!(record.payload.contains(from), "{}", record.payload);
    record.payload = record.payload.replace(from, to);
}

#[test]
fn money_without_a_seat_and_a_paid_seat_without_money_are_found() {
    type Wrong = (&'static str, fn(&mut Book));
    let wrongs: [Wrong; 13] = [
        ("was kept, and it has no seat", |book| forget(book, "claim_paid")),
        ("by no order that money came for", |book| {
            rewrite(book, "claim_paid", ORDER, "00000000000000b2");
        }),
        ("no money came", |book| forget(book, "order_paid")),
        ("paid by 2999 fen", |book| {
            rewrite(book, "order_paid", "3000", "2999");
        }),
        ("booked twice", |book| rewrite(book, "refund_due", "t2", "t1")),
        ("paid twice", |book| {
            book.order("order_paid", r#","trade":"t3","amount_fen":3000"#);
        }),
        ("not due", |book| forget(book, "refund_due")),
        ("not due", |book| {
            book.order("refund_done", &format!(r#","refund":"{ORDER}r1""#));
        }),
        ("has its seat and its money back", |book| {
            let due = r#","refund":"x","claim":"991010-1-2","trade":"t1","amount_fen":3000"#;
            book.order("refund_due", due);
        }),
        ("differs from its events", |book| {
            book.orders[0].1 = [6000, 3000, 0, 3000];
        }),
        ("not stored", |book| book.orders.clear()),
        ("the provider's books differ", |book| book.provider = [9000, 3000]),
        ("the provider's books differ", |book| book.provider = [6000, 0]),
    ];
    for (what, wrong) in wrongs {
        let mut book = paid();
        wrong(&mut book);
        let verdict = book.judge();
        let shown = &verdict.of(Check::MoneyAccounted).shown;
        assert!(
            shown.iter().any(|violation| violation.what.contains(what)),
            "{what}\n{verdict}"
        );
    }
}

#[test]
fn money_on_its_way_is_no_violation() {
    let mut book = paid();
    forget(&mut book, "refund_done");
    book.orders[0].1 = [6000, 3000, 0, 3000];
    book.provider = [6000, 0];
    let verdict = book.judge();
    assert!(verdict.holds(), "{verdict}");
}

#[test]
fn a_paid_seat_that_was_taken_back_with_its_money_is_in_order() {
    let mut book = paid();
    let refund = format!(r#","refund":"{ORDER}r2""#);
    let of = format!(r#"{refund},"trade":"t1","claim":"991010-1-2","amount_fen":3000"#);
    book.order("refund_asked", &of);
    book.shift(POOL, 2, "claim_refunded", ClaimState::Refunded);
    book.order("refund_due", &of);
    book.order("refund_done", &refund);
    book.shift(POOL, 4, "claim_promoted", ClaimState::Held);
    book.pools[0].1 = [2, 2, 0, 0];
    book.orders[0].1 = [6000, 0, 6000, 0];
    book.provider = [6000, 6000];
    let verdict = book.judge();
    assert!(verdict.holds(), "{verdict}");
}
