//! Builds requests from prepared parts.
//!
//! Promises: what does not depend on the moment (URIs, bodies, the candidates' bearer tokens) is made once and
//! shared; a claim's request allocates its header table, its key's text and nothing else.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;

use super::Target;
use crate::history::{KeyNumber, Operation};
use crate::world::{AGREEMENT_VERSION, Paper, SUBJECTS, World};

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
static ADMISSION_TICKET: HeaderName = HeaderName::from_static("admission-ticket");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What to do where a pool has no seat left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFull {
    /// Be told so.
    Reject,
    /// Wait in the queue.
    Waitlist,
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Oneself.
    Own,
    /// A campus.
    Campus(u32),
    /// A pool, and what to do if it is full.
    Pool(u32, OnFull),
    /// A claim, by its pool and number.
    Claim(u32, u32),
    /// What is sat, by its place in [`SUBJECTS`].
    Exam(u8),
    /// The claims of a paper.
    Paper(Paper),
    /// An order.
    Order(u64),
    /// An order at the provider's cashier, and what is done there.
    Cashier(u64, AtCashier),
}

/// What a person does at the sandbox's cashier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtCashier {
    /// Pays, and the server is told.
    Pays,
    /// Tries in vain.
    Fails,
    /// Pays, and nobody tells the server.
    PaysUnheard,
    /// Pays, and the server is told again and again.
    PaysAndIsToldOften,
    /// Pays a fen, which is not what the order costs.
    PaysAFen,
}

impl AtCashier {
    /// All that is not as it should be.
    pub const ODD: [Self; 4] = [
        Self::Fails,
        Self::PaysUnheard,
        Self::PaysAndIsToldOften,
        Self::PaysAFen,
    ];

    const fn body(self) -> &'static [u8] {
        match self {
            Self::Pays => br#"{"outcome":"paid"}"#,
            Self::Fails => br#"{"outcome":"failed"}"#,
            Self::PaysUnheard => br#"{"outcome":"paid","notify":false}"#,
            Self::PaysAndIsToldOften => br#"{"outcome":"paid","times":3}"#,
            Self::PaysAFen => br#"{"outcome":"paid","amount_fen":1}"#,
        }
    }
}

/// One request of a candidate.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is asked.
    pub operation: Operation,
    /// What it is about.
    pub subject: Subject,
    /// Its idempotency key.
    pub key: KeyNumber,
    /// The version of the state that is known already.
    pub known: Option<HeaderValue>,
    /// A place in the queue at the door.
    pub ticket: Option<HeaderValue>,
}

impl Call {
    /// A call without key and conditions.
    pub const fn plain(operation: Operation, subject: Subject) -> Self {
        Self {
            operation,
            subject,
            key: KeyNumber(0),
            known: None,
            ticket: None,
        }
    }
}

/// The candidates' bearer tokens, in one block of memory.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    block: Bytes,
    ends: Vec<usize>,
}

impl Tokens {
    /// From the tokens in the order of candidates.
    pub fn new<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let mut block = Vec::new();
        let mut ends = Vec::new();
        for token in tokens {
            block.extend_from_slice(b"Bearer ");
            block.extend_from_slice(token.as_bytes());
            ends.push(block.len());
        }
        Self {
            block: block.into(),
            ends,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn bearer(&self, candidate: u32) -> HeaderValue {
        let at = candidate as usize;
        let from = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        HeaderValue::from_maybe_shared(self.block.slice(from..self.ends[at])).unwrap_or(JSON)
    }
}

/// The prepared parts of all requests.
#[derive(Debug)]
pub struct Texts {
    run: String,
    host: HeaderValue,
    tokens: Tokens,
    agreement: Bytes,
    enrolment: Bytes,
    reason: Bytes,
    campuses: Vec<Uri>,
    pools: Vec<Box<str>>,
    claims: Vec<[Bytes; 2]>,
    reports: Vec<Bytes>,
    orders: [Bytes; 2],
}

impl Texts {
    /// Prepares the requests of a run against a server.
    pub fn new(run: &str, target: Target, world: &World, tokens: Tokens) -> Self {
        let campus = |code: &str| Uri::try_from(format!("/v1/pools?campus={code}"));
        let claim =
            |id: &str, on_full: &str| Bytes::from(format!(r#"{{"pool":"{id}","on_full":"{on_full}"}}"#));
        let report = |code: &str| {
            Bytes::from(format!(
                r#"{{"choices":[{{"subject":"{code}","choice":"paper_and_electronic"}}]}}"#
            ))
        };
        let order =
            |paper: Paper| Bytes::from(format!(r#"{{"paper":"{}","method":"sandbox"}}"#, paper.word()));
        Self {
            run: run.to_owned(),
            host: HeaderValue::try_from(target.address().to_string()).unwrap_or(JSON),
            tokens,
            agreement: format!(r#"{{"version":"{AGREEMENT_VERSION}"}}"#).into(),
            enrolment: Bytes::from_static(br#"{"phone_confirmed":true}"#),
            reason: Bytes::from_static(br#"{"reason":"changed_plans"}"#),
            campuses: world
                .campuses
                .iter()
                .map(|it| campus(&it.code).unwrap_or_default())
                .collect(),
            pools: world.pools.iter().map(|pool| pool.id.as_str().into()).collect(),
            claims: world
                .pools
                .iter()
                .map(|pool| [claim(&pool.id, "reject"), claim(&pool.id, "waitlist")])
                .collect(),
            reports: SUBJECTS.iter().map(|subject| report(subject.code)).collect(),
            orders: [Paper::Written, Paper::Oral].map(order),
        }
    }

    /// The request of a candidate's call.
    pub fn request(&self, candidate: u32, call: &Call) -> Request<Full<Bytes>> {
        let (method, uri, body) = self.line_and_body(call);
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(HOST, self.host.clone());
        headers.insert(AUTHORIZATION, self.tokens.bearer(candidate));
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, JSON);
        }
        if call.key.0 != 0 {
            let key = format!("{}-{candidate}-{}", self.run, call.key.0);
            if let Ok(key) = HeaderValue::from_maybe_shared(Bytes::from(key)) {
                headers.insert(IDEMPOTENCY_KEY.clone(), key);
            }
        }
        if let Some(known) = &call.known {
            headers.insert(IF_NONE_MATCH, known.clone());
        }
        if let Some(ticket) = &call.ticket {
            headers.insert(ADMISSION_TICKET.clone(), ticket.clone());
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request
    }

    fn line_and_body(&self, call: &Call) -> (Method, Uri, Bytes) {
        let fixed = Uri::from_static;
        match (call.operation, call.subject) {
            (Operation::Agreement, _) => (Method::PUT, fixed("/v1/agreement"), self.agreement.clone()),
            (Operation::Qualification, _) => (Method::GET, fixed("/v1/qualification"), Bytes::new()),
            (Operation::Enrolment, _) => (Method::POST, fixed("/v1/enrolment"), self.enrolment.clone()),
            (Operation::Pools, Subject::Campus(campus)) => {
                (Method::GET, self.campuses[campus as usize].clone(), Bytes::new())
            }
            (Operation::Claim, Subject::Pool(pool, on_full)) => {
                let body = self.claims[pool as usize][on_full as usize].clone();
                (Method::POST, fixed("/v1/claims"), body)
            }
            (Operation::Cancel | Operation::Withdraw, Subject::Claim(pool, number)) => {
                let path = format!("/v1/claims/{}-{number}/cancel", self.pools[pool as usize]);
                (
                    Method::POST,
                    Uri::try_from(path).unwrap_or_default(),
                    self.reason.clone(),
                )
            }
            (Operation::ScoreReport, Subject::Exam(subject)) => {
                let body = self.reports[usize::from(subject)].clone();
                (Method::PUT, fixed("/v1/enrolment/score-reports"), body)
            }
            (Operation::Order, Subject::Paper(paper)) => (
                Method::POST,
                fixed("/v1/orders"),
                self.orders[paper as usize].clone(),
            ),
            (Operation::Pay, Subject::Cashier(order, how)) => {
                let path = format!("/sandbox/pay/{order:016x}");
                (
                    Method::POST,
                    Uri::try_from(path).unwrap_or_default(),
                    Bytes::from_static(how.body()),
                )
            }
            (Operation::Refresh, Subject::Order(order)) => {
                let path = format!("/v1/orders/{order:016x}/refresh");
                (
                    Method::POST,
                    Uri::try_from(path).unwrap_or_default(),
                    Bytes::new(),
                )
            }
            (
                Operation::Poll
                | Operation::Other
                | Operation::Pools
                | Operation::Claim
                | Operation::Cancel
                | Operation::Withdraw
                | Operation::ScoreReport
                | Operation::Order
                | Operation::Pay
                | Operation::Refresh,
                _,
            ) => (Method::GET, fixed("/v1/claims"), Bytes::new()),
        }
    }
}
