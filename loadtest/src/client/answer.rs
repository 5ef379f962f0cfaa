//! Reads answers: the status, the refusal's code, the claims shown, and when to ask again.
//!
//! Promises: strings are borrowed from the body; a success that does not carry what the contract says is
//! `unreadable_answer`, never guessed at.

use std::collections::HashMap;

use http::HeaderMap;
use http::HeaderValue;
use http::header::{ETAG, RETRY_AFTER};
use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::Reply;
use crate::history::{ClaimState, Code, Operation, OrderState, PoolIndex, Seen, parse_hash, split_claim_id};

/// The pools' indices by their ids.
pub type PoolIds = HashMap<Box<str>, PoolIndex>;

/// An answer, as far as a candidate cares.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status; 0 for none.
    pub status: u16,
    /// The refusal's code.
    pub code: Code,
    /// The claims shown.
    pub claims: SmallVec<[Seen; 2]>,
    /// The order shown.
    pub order: Option<OrderSeen>,
    /// When to send the same again, if told.
    pub retry_after_ms: Option<u32>,
    /// When to ask for the state again, if told.
    pub next_poll_ms: Option<u32>,
    /// The state's version.
    pub etag: Option<HeaderValue>,
    /// A place in the queue at the door.
    pub ticket: Option<HeaderValue>,
}

/// An order as an answer showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderSeen {
    /// Its id.
    pub id: u64,
    /// Its state.
    pub state: OrderState,
    /// Whether the provider takes money for it.
    pub payable: bool,
}

/// How an answer of success is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Its body does not matter here.
    Nothing,
    /// It is one claim.
    Claim,
    /// It is the list of own claims.
    Claims,
    /// It is one order.
    Order,
}

impl Read {
    /// How the success of an operation is read.
    pub const fn of(operation: Operation) -> Self {
        match operation {
            Operation::Claim | Operation::Cancel | Operation::Withdraw => Self::Claim,
            Operation::Poll => Self::Claims,
            Operation::Order | Operation::Refresh => Self::Order,
            Operation::Agreement
            | Operation::Qualification
            | Operation::Enrolment
            | Operation::Pools
            | Operation::ScoreReport
            | Operation::Pay
            | Operation::Other => Self::Nothing,
        }
    }
}

#[derive(Deserialize)]
struct ClaimBody<'a> {
    id: &'a str,
    state: &'a str,
    seq: u64,
    #[serde(default)]
    position: Option<u32>,
    #[serde(default, borrow)]
    chain_hash: Option<&'a str>,
    #[serde(default)]
    next_poll_ms: Option<u32>,
}

#[derive(Deserialize)]
struct ClaimsBody<'a> {
    #[serde(borrow)]
    claims: SmallVec<[ClaimBody<'a>; 2]>,
    #[serde(default)]
    next_poll_ms: Option<u32>,
}

#[derive(Deserialize)]
struct OrderBody<'a> {
    id: &'a str,
    state: &'a str,
    #[serde(default)]
    pay_url: Option<&'a str>,
    #[serde(default)]
    next_poll_ms: Option<u32>,
}

#[derive(Deserialize)]
struct ProblemBody<'a> {
    #[serde(default)]
    code: &'a str,
    #[serde(default)]
    retry_after_ms: Option<u32>,
    #[serde(default, borrow)]
    claim: Option<&'a RawValue>,
    #[serde(default, borrow)]
    admission: Option<Admission<'a>>,
}

#[derive(Deserialize)]
struct Admission<'a> {
    ticket: &'a str,
    #[serde(default)]
    retry_after_ms: Option<u32>,
}

impl Answer {
    /// No answer at all, for this reason.
    pub fn none(code: Code) -> Self {
        Self {
            status: 0,
            code,
            claims: SmallVec::new(),
            order: None,
            retry_after_ms: None,
            next_poll_ms: None,
            etag: None,
            ticket: None,
        }
    }

    /// Whether it says for good what became of the request.
    pub const fn is_definite(&self) -> bool {
        !self.code.is_transient()
    }
}

/// Reads what came back; `given_up` is the code of a request whose time was up.
pub fn read_answer(reply: &Reply, read: Read, pools: &PoolIds, given_up: Code) -> Answer {
    let (status, headers, body) = match reply {
        Reply::Lost => return Answer::none(Code::ConnectionLost),
        Reply::TimedOut => return Answer::none(given_up),
        Reply::Answered {
            status,
            headers,
            body,
        } => (status.as_u16(), headers, body),
    };
    let mut answer = Answer::none(Code::None);
    answer.status = status;
    if status >= 400 {
        read_problem(&mut answer, headers, body, pools);
    } else if status < 300 {
        if read_success(&mut answer, read, body, pools).is_none() {
            answer.code = Code::Unreadable;
        }
        answer.etag = headers.get(ETAG).and_then(kept);
    }
    answer
}

/// A value that is kept for long has bytes of its own: as it came it would keep the connection's whole buffer.
fn kept(value: &HeaderValue) -> Option<HeaderValue> {
    HeaderValue::from_bytes(value.as_bytes()).ok()
}

fn read_success(answer: &mut Answer, read: Read, body: &[u8], pools: &PoolIds) -> Option<()> {
    match read {
        Read::Nothing => {}
        Read::Claim => {
            let claim: ClaimBody = serde_json::from_slice(body).ok()?;
            answer.next_poll_ms = claim.next_poll_ms;
            answer.claims.push(claim.seen(pools)?);
        }
        Read::Claims => {
            let list: ClaimsBody = serde_json::from_slice(body).ok()?;
            answer.next_poll_ms = list.next_poll_ms;
            for claim in &list.claims {
                answer.claims.push(claim.seen(pools)?);
            }
        }
        Read::Order => {
            let order: OrderBody = serde_json::from_slice(body).ok()?;
            answer.next_poll_ms = order.next_poll_ms;
            answer.order = Some(OrderSeen {
                id: u64::from_str_radix(order.id, 16).ok()?,
                state: OrderState::of(order.state),
                payable: order.pay_url.is_some(),
            });
        }
    }
    Some(())
}

fn read_problem(answer: &mut Answer, headers: &HeaderMap, body: &[u8], pools: &PoolIds) {
    let seconds = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    answer.retry_after_ms = seconds.map(|seconds| seconds.saturating_mul(1000));
    answer.code = match answer.status {
        429 => Code::RateLimited,
        500 => Code::Internal,
        503 => Code::StoreUnavailable,
        _ => Code::Other,
    };
    let Ok(problem) = serde_json::from_slice::<ProblemBody>(body) else {
        return;
    };
    if !problem.code.is_empty() {
        answer.code = Code::of(problem.code);
    }
    answer.retry_after_ms = problem.retry_after_ms.or(answer.retry_after_ms);
    if let Some(admission) = problem.admission {
        answer.ticket = HeaderValue::from_str(admission.ticket).ok();
        answer.retry_after_ms = admission.retry_after_ms.or(answer.retry_after_ms);
    }
    // A refusal may show the claim that stands in the way, whole or by its id alone.
    let shown = problem
        .claim
        .and_then(|claim| serde_json::from_str::<ClaimBody>(claim.get()).ok());
    answer.claims.extend(shown.and_then(|claim| claim.seen(pools)));
}

impl ClaimBody<'_> {
    fn seen(&self, pools: &PoolIds) -> Option<Seen> {
        let (pool, number) = split_claim_id(self.id)?;
        let chain_hash = match self.chain_hash {
            Some(text) => Some(parse_hash(text)?),
            None => None,
        };
        Some(Seen {
            pool: *pools.get(pool)?,
            number,
            state: ClaimState::of(self.state),
            position: self.position,
            seq: self.seq,
            chain_hash,
        })
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn read(status: u16, body: &str, how: Read) -> Answer {
        let reply = Reply::Answered {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        };
        let pools = PoolIds::from([("991010-1".into(), PoolIndex(0))]);
        read_answer(&reply, how, &pools, Code::TimedOut)
    }

    #[test]
    fn a_claim_is_read_with_its_hash_and_place() {
        let hash = "0f".repeat(32);
        let body = format!(
            r#"{{"id":"991010-1-7","pool":"991010-1","state":"waiting","seq":9,"held_until":null,"position":3,
                "settling":false,"chain_hash":"{hash}","next_poll_ms":4000}}"#
        );
        let answer = read(201, &body, Read::Claim);
        let seen = answer.claims[0];
        assert_eq!((seen.number, seen.seq, seen.position), (7, 9, Some(3)));
        assert_eq!(
            (seen.state, seen.chain_hash),
            (ClaimState::Waiting, Some([15; 32]))
        );
        assert_eq!(answer.next_poll_ms, Some(4000));
        assert!(answer.is_definite());
    }

    #[test]
    fn a_success_that_shows_no_claim_is_unreadable() {
        for body in ["", "{}", r#"{"id":"elsewhere-1-7","state":"held","seq":1}"#] {
            assert_eq!(read(201, body, Read::Claim).code, Code::Unreadable, "{body}");
        }
    }

    #[test]
    fn an_order_is_read_with_whether_it_can_be_paid() {
        let body = r#"{"id":"00000000000000a1","state":"open","pay_url":"/sandbox/pay/00000000000000a1"}"#;
        let order = read(201, body, Read::Order).order.unwrap();
        assert_eq!(
            (order.id, order.state, order.payable),
            (0xa1, OrderState::Open, true)
        );
        let body = r#"{"id":"00000000000000a1","state":"refunding","pay_url":null}"#;
        let order = read(200, body, Read::Order).order.unwrap();
        assert_eq!((order.state, order.payable), (OrderState::Refunding, false));
        assert_eq!(read(200, "{}", Read::Order).code, Code::Unreadable);
    }

    #[test]
    fn a_place_at_the_door_is_kept_with_its_time() {
        let body =
            r#"{"code":"queued","admission":{"ticket":"t.1","number":5,"ahead":4,"retry_after_ms":700}}"#;
        let answer = read(503, body, Read::Claim);
        assert_eq!((answer.code, answer.retry_after_ms), (Code::Queued, Some(700)));
        assert_eq!(answer.ticket.unwrap(), "t.1");
        assert!(!read(503, "no json", Read::Claim).is_definite());
    }

    #[test]
    fn a_refusal_may_show_the_claim_in_the_way() {
        let body = r#"{"code":"level_taken","claim":{"id":"991010-1-2","state":"held","seq":3}}"#;
        let answer = read(409, body, Read::Claim);
        assert_eq!((answer.code, answer.claims.len()), (Code::LevelTaken, 1));
        let body = r#"{"code":"level_taken","claim":"991010-1-2"}"#;
        assert_eq!(read(409, body, Read::Claim).claims.len(), 0);
    }
}
