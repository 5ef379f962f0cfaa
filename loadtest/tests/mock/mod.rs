//! A tiny server that speaks as much of the contract as the load tester uses, on written pools alone: honest, or
//! with a fault of choice. It keeps its own audit trail with the chain's rule written out anew.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

/// What the server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Grants one seat more than there are.
    Oversells,
    /// Forgets one acknowledged claim.
    Forgets,
}

#[derive(Default)]
struct Pool {
    id: String,
    capacity: usize,
    events: usize,
    hash: Vec<u8>,
    claims: Vec<Claim>,
}

struct Claim {
    candidate: String,
    state: &'static str,
    created: (usize, String),
    latest: (usize, String),
}

struct State {
    fault: Fault,
    pools: Vec<Pool>,
    audit: String,
    position: usize,
    requests: usize,
    logins: usize,
    keys: HashMap<(String, String), (usize, usize)>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

type Answer = (u16, HeaderMap, String);

fn answer(status: u16, body: &Value) -> Answer {
    (status, HeaderMap::new(), body.to_string())
}

fn problem(status: u16, code: &str) -> Answer {
    answer(status, &json!({ "code": code, "status": status }))
}

impl State {
    fn event(&mut self, pool: usize, kind: &str, payload: &Value) -> (usize, String) {
        let it = &mut self.pools[pool];
        it.events += 1;
        self.position += 1;
        let (at, payload) = (1_790_000_000_000 + self.position, payload.to_string());
        let text = format!("{}\n{}\n{kind}\n{at}\n{payload}", it.id, it.events);
        it.hash = digest(&SHA256, &[&it.hash[..], text.as_bytes()].concat())
            .as_ref()
            .to_vec();
        let (quoted, hash) = (payload.replace('"', "\"\""), hex(&it.hash));
        let _ = writeln!(
            self.audit,
            "99,{},{},{},{kind},{at},\"{quoted}\",{hash}",
            self.position, it.id, it.events
        );
        (it.events, hash)
    }

    fn import_pools(&mut self, csv: &str) {
        for line in csv.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let capacity: usize = fields[2].parse().unwrap();
            self.pools.push(Pool {
                id: format!("{}-{}", fields[0], fields[1]),
                capacity,
                hash: vec![0; 32],
                ..Pool::default()
            });
            self.event(
                self.pools.len() - 1,
                "pool_created",
                &json!({ "capacity": capacity, "open": true }),
            );
        }
    }

    fn held(&self, pool: usize) -> usize {
        self.pools[pool]
            .claims
            .iter()
            .filter(|claim| claim.state == "held")
            .count()
    }

    fn head(&self, pool: usize) -> Option<usize> {
        self.pools[pool]
            .claims
            .iter()
            .position(|claim| claim.state == "waiting")
    }

    fn shown(&self, pool: usize, claim: usize) -> Value {
        let (pool, number) = (&self.pools[pool], claim + 1);
        let claim = &pool.claims[claim];
        json!({ "id": format!("{}-{number}", pool.id), "pool": pool.id, "state": claim.state, "seq": claim.created.0,
                "chain_hash": claim.created.1, "position": null, "settling": false,
                "next_poll_ms": 200 })
    }

    fn claim(&mut self, who: &str, key: &str, body: &Value) -> Answer {
        let Some(pool) = self.pools.iter().position(|pool| pool.id == body["pool"]) else {
            return problem(404, "not_found");
        };
        if let Some(&(pool, claim)) = self.keys.get(&(who.to_owned(), key.to_owned())) {
            return answer(201, &self.shown(pool, claim));
        }
        let active = |claim: &Claim| claim.candidate == who && matches!(claim.state, "held" | "waiting");
        if let Some(claim) = self.pools[pool].claims.iter().position(active) {
            return answer(200, &self.shown(pool, claim));
        }
        let capacity = self.pools[pool].capacity + usize::from(self.fault == Fault::Oversells);
        let full = self.held(pool) >= capacity || self.head(pool).is_some();
        if full && body["on_full"] == "reject" {
            return problem(409, "pool_full");
        }
        let number = self.pools[pool].claims.len();
        let (kind, state) = if full {
            ("claim_queued", "waiting")
        } else {
            ("claim_held", "held")
        };
        let place = self.event(pool, kind, &json!({ "claim": number + 1, "candidate": who }));
        self.pools[pool].claims.push(Claim {
            candidate: who.to_owned(),
            state,
            created: place.clone(),
            latest: place,
        });
        self.keys.insert((who.to_owned(), key.to_owned()), (pool, number));
        answer(201, &self.shown(pool, number))
    }

    fn cancel(&mut self, who: &str, id: &str) -> Answer {
        let (pool_id, number) = id.rsplit_once('-').unwrap();
        let pool = self.pools.iter().position(|pool| pool.id == pool_id).unwrap();
        let number: usize = number.parse().unwrap();
        let claim = &self.pools[pool].claims[number - 1];
        if claim.candidate != who {
            return problem(404, "not_found");
        }
        let (kind, state) = match claim.state {
            "held" => ("claim_cancelled", "cancelled"),
            "waiting" => ("claim_withdrawn", "withdrawn"),
            _ => return problem(409, "already_gone"),
        };
        self.shift(pool, number - 1, kind, state);
        while self.held(pool) < self.pools[pool].capacity
            && let Some(head) = self.head(pool)
        {
            self.shift(pool, head, "claim_promoted", "held");
        }
        answer(200, &self.shown(pool, number - 1))
    }

    fn shift(&mut self, pool: usize, claim: usize, kind: &str, state: &'static str) {
        let place = self.event(pool, kind, &json!({ "claim": claim + 1 }));
        let claim = &mut self.pools[pool].claims[claim];
        (claim.state, claim.latest) = (state, place);
    }

    fn own_claims(&self, who: &str, known: Option<&str>) -> Answer {
        let mut list = Vec::new();
        for (at, pool) in self.pools.iter().enumerate() {
            let own = pool
                .claims
                .iter()
                .enumerate()
                .filter(|(_, claim)| claim.candidate == who);
            list.extend(own.map(|(number, _)| self.shown(at, number)));
        }
        let body = json!({ "claims": list, "next_cursor": null, "next_poll_ms": 200 });
        let version = format!(
            "\"{}\"",
            hex(digest(&SHA256, body.to_string().as_bytes()).as_ref())
        );
        if known == Some(&version) {
            return (304, HeaderMap::new(), String::new());
        }
        let (status, mut headers, body) = answer(200, &body);
        headers.insert(ETAG, version.parse().unwrap());
        (status, headers, body)
    }

    fn claims_csv(&self) -> String {
        let mut out = String::from(
            "claim,pool,candidate,state,seq,chain_hash,state_seq,state_hash,created_at,held_until,queued_at,gone_at\n",
        );
        for pool in &self.pools {
            for (at, claim) in pool.claims.iter().enumerate() {
                let ((seq, hash), (state_seq, state_hash)) = (&claim.created, &claim.latest);
                let _ = writeln!(
                    out,
                    "{}-{},{},{},{},{seq},{hash},{state_seq},{state_hash},,,,",
                    pool.id,
                    at + 1,
                    pool.id,
                    claim.candidate,
                    claim.state
                );
            }
        }
        out
    }

    fn pools_json(&self) -> Value {
        let count = |pool: &Pool, state| pool.claims.iter().filter(|claim| claim.state == state).count();
        let pools: Vec<Value> = self
            .pools
            .iter()
            .map(|pool| {
                json!({ "id": pool.id, "capacity": pool.capacity, "held": count(pool, "held"), "paid": 0,
                        "waiting": count(pool, "waiting") })
            })
            .collect();
        json!({ "pools": pools, "next_cursor": null })
    }

    fn audit_csv(&mut self) -> String {
        if self.fault == Fault::Forgets {
            self.fault = Fault::None;
            // The last claim goes from the table, and its record from the trail: nobody would see it but its holder.
            let _ = self.pools[0].claims.pop();
            let end = self.audit.trim_end().rfind('\n').unwrap() + 1;
            self.audit.truncate(end);
        }
        format!(
            "cell,position,stream,sequence,kind,at,payload,hash\n{}",
            self.audit
        )
    }

    fn respond(&mut self, method: &Method, path: &str, headers: &HeaderMap, body: &str) -> Answer {
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let who = text("authorization").trim_start_matches("Bearer ").to_owned();
        let ok = || answer(200, &json!({}));
        match (method, path) {
            (&Method::GET, "/readyz" | "/v1/qualification")
            | (&Method::PUT, "/v1/staff/sitting" | "/v1/agreement") => ok(),
            (&Method::POST, "/v1/staff/imports/pools") => {
                self.import_pools(body);
                ok()
            }
            (&Method::POST, path) if path.starts_with("/v1/staff/imports/") => ok(),
            (&Method::GET, "/v1/staff/exports/audit.csv") => (200, HeaderMap::new(), self.audit_csv()),
            (&Method::GET, "/v1/staff/exports/claims.csv") => (200, HeaderMap::new(), self.claims_csv()),
            (&Method::GET, "/v1/staff/exports/orders.csv") => {
                let header = "order,received_fen,settled_fen,refunded_fen,pending_fen\n";
                (200, HeaderMap::new(), header.into())
            }
            (&Method::GET, path) if path.starts_with("/v1/staff/pools") => answer(200, &self.pools_json()),
            (&Method::GET, path) if path.starts_with("/v1/pools") => answer(200, &json!({ "pools": [] })),
            (&Method::POST, "/v1/sessions") => {
                // Sheds nine of ten.
                self.logins += 1;
                if self.logins.is_multiple_of(10) {
                    answer(201, &json!({ "token": "t" }))
                } else {
                    problem(503, "overloaded")
                }
            }
            (&Method::POST, "/v1/enrolment" | "/v1/accounts") => answer(201, &json!({})),
            (&Method::POST, "/v1/claims") => {
                self.requests += 1;
                if self.requests.is_multiple_of(7) {
                    return answer(503, &json!({ "code": "overloaded", "retry_after_ms": 50 }));
                }
                self.claim(
                    &who,
                    text("idempotency-key"),
                    &serde_json::from_str(body).unwrap(),
                )
            }
            (&Method::GET, "/v1/claims") => {
                let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
                self.own_claims(&who, known)
            }
            (&Method::POST, path) => match path
                .strip_prefix("/v1/claims/")
                .and_then(|it| it.strip_suffix("/cancel"))
            {
                Some(id) => self.cancel(&who, id),
                None => problem(404, "not_found"),
            },
            _ => problem(404, "not_found"),
        }
    }
}

/// Serves until the test's runtime ends.
pub(crate) async fn start(fault: Fault) -> SocketAddr {
    let state = Arc::new(Mutex::new(State {
        fault,
        pools: Vec::new(),
        audit: String::new(),
        position: 0,
        requests: 0,
        logins: 0,
        keys: HashMap::new(),
    }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let state = Arc::clone(&state);
            let service = service_fn(move |request: Request<Incoming>| handle(Arc::clone(&state), request));
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    address
}

async fn handle(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let body = String::from_utf8_lossy(&body);
    let (status, headers, body) =
        state
            .lock()
            .unwrap()
            .respond(&head.method, head.uri.path(), &head.headers, &body);
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status.try_into().unwrap();
    *response.headers_mut() = headers;
    Ok(response)
}
