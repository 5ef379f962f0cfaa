//! A client that knows only HTTP: it sends, and checks each answer against the document before a test sees it.

use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::Told;
use super::contract::Contract;
use super::trail::Fact;

/// Who asks: a server's address and, perhaps, a token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    contract: Arc<Contract>,
    told: Told,
}

/// A request, sent when it is awaited.
#[must_use = "a call is sent when it is awaited"]
pub struct Call {
    request: RequestBuilder,
    method: Method,
    path: String,
    judge: Option<Arc<Contract>>,
    told: Told,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub bytes: Bytes,
    asked: String,
}

impl Client {
    pub(super) fn new(base: &str, contract: Arc<Contract>) -> Self {
        Self {
            http: reqwest::Client::new(),
            base: base.into(),
            token: None,
            contract,
            told: Told::default(),
        }
    }

    /// The same with that token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.into()),
            ..self.clone()
        }
    }

    /// Its token.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The server's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The document that answers are checked against.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Any method, without a body.
    pub fn call(&self, method: &str, path: &str) -> Call {
        let method: Method = method.parse().expect("a method");
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        Call {
            request,
            method,
            path: path.into(),
            judge: Some(Arc::clone(&self.contract)),
            told: Arc::clone(&self.told),
        }
    }

    /// `GET`
    pub fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    /// `GET` of an address outside the document.
    pub fn get_unchecked(&self, url: &str) -> Call {
        Call {
            request: self.http.get(url),
            method: Method::GET,
            path: url.into(),
            judge: None,
            told: Arc::clone(&self.told),
        }
    }

    /// `POST` of JSON
    pub fn post(&self, path: &str, body: &Value) -> Call {
        self.call("POST", path).json(body)
    }

    /// `PUT` of JSON
    pub fn put(&self, path: &str, body: &Value) -> Call {
        self.call("PUT", path).json(body)
    }

    /// `PATCH` with JSON
    pub fn patch(&self, path: &str, body: &Value) -> Call {
        self.call("PATCH", path).json(body)
    }

    /// `DELETE`
    pub fn delete(&self, path: &str) -> Call {
        self.call("DELETE", path)
    }

    /// Accepts the agreement of the town's sitting and saves the enrolment.
    pub async fn enrol(&self) -> Value {
        self.agree().await;
        self.enrol_again().await
    }

    /// Saves the enrolment, the agreement being accepted.
    pub async fn enrol_again(&self) -> Value {
        let asked = self.post("/v1/enrolment", &json!({"phone_confirmed": true}));
        asked.await.expect(201)
    }

    /// Accepts the agreement of the town's sitting.
    pub async fn agree(&self) {
        self.put("/v1/agreement", &json!({"version": "2026-1"}))
            .await
            .expect(200);
    }

    /// Claims; `on_full` is `reject` or `waitlist`.
    pub fn claim(&self, pool: &str, on_full: &str) -> Call {
        self.post("/v1/claims", &json!({"pool": pool, "on_full": on_full}))
    }

    /// Claims a seat that must be there; the claim's id.
    pub async fn hold(&self, pool: &str) -> String {
        let claim = self.claim(pool, "reject").await.expect(201);
        assert_eq!(claim["state"], "held");
        id_of(&claim)
    }

    /// Chooses the score report of a written subject.
    pub async fn choose(&self, subject: &str) {
        let choices = json!({"choices": [{"subject": subject, "choice": "electronic"}]});
        self.put("/v1/enrolment/score-reports", &choices)
            .await
            .expect(200);
    }

    /// Asks for an order at the sandbox.
    pub fn order(&self, paper: &str) -> Call {
        self.post("/v1/orders", &json!({"paper": paper, "method": "sandbox"}))
    }

    /// Opens an order that must be there; it can be paid.
    pub async fn payable(&self, paper: &str) -> Value {
        let order = self.order(paper).await.expect(201);
        assert_eq!(order["state"], "open");
        assert!(order["pay_url"].is_string(), "{order}");
        order
    }

    /// Pays at the sandbox's cashier.
    pub fn pay(&self, order: &str, outcome: &Value) -> Call {
        self.post(&format!("/sandbox/pay/{order}"), outcome)
    }

    /// Holds a written seat, pays it, and comes back; the order's id.
    pub async fn buy(&self, pool: &str, subject: &str) -> String {
        self.hold(pool).await;
        self.choose(subject).await;
        let order = id_of(&self.payable("written").await);
        let silent = json!({"outcome": "paid", "notify": false});
        self.pay(&order, &silent).await.expect(200);
        let back = self.call("POST", &format!("/v1/orders/{order}/refresh"));
        assert_eq!(back.await.expect(200)["state"], "paid");
        order
    }

    /// Joins a queue; the claim's id.
    pub async fn queue(&self, pool: &str) -> String {
        let claim = self.claim(pool, "waitlist").await.expect(201);
        assert_eq!(claim["state"], "waiting");
        id_of(&claim)
    }

    /// Gives a claim up, without a reason.
    pub fn cancel(&self, claim: &str) -> Call {
        self.call("POST", &format!("/v1/claims/{claim}/cancel"))
    }

    /// Gives a claim up for a reason.
    pub fn cancel_because(&self, claim: &str, reason: &str) -> Call {
        self.cancel(claim).json(&json!({"reason": reason}))
    }

    /// The states of the own claims, oldest first.
    pub async fn states(&self) -> Vec<String> {
        let list = self.get("/v1/claims").await.expect(200);
        let claims = list["claims"].as_array().expect("a list of claims");
        claims
            .iter()
            .map(|claim| claim["state"].as_str().unwrap_or("").to_owned())
            .collect()
    }

    /// All that any client of this server was told of sequence numbers and hashes.
    pub(super) fn told(&self) -> Vec<Fact> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().cloned().collect()
    }

    /// Takes over what clients of an earlier start of the server were told.
    pub(super) fn remember_told(&self, earlier: &Self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.extend(earlier.told());
    }
}

fn id_of(made: &Value) -> String {
    made["id"].as_str().expect("it has an id").to_owned()
}

impl Call {
    /// With a header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header's value");
        self.request = self.request.header(name, value);
        self
    }

    /// With an idempotency key.
    pub fn key(self, key: &str) -> Self {
        self.with("idempotency-key", key)
    }

    /// With a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.request = self.request.json(body);
        self
    }

    /// With any body.
    pub fn body(mut self, kind: &str, body: impl Into<Bytes>) -> Self {
        let body: Bytes = body.into();
        self.request = self.request.header("content-type", kind).body(body);
        self
    }

    /// With a CSV file.
    pub fn csv(self, text: impl Into<Bytes>) -> Self {
        self.body("text/csv", text)
    }

    /// Sends it; the answer's head, with its body still to come.
    pub(super) async fn open(self) -> (reqwest::Response, Arc<Contract>, Told) {
        let asked = format!("{} {}", self.method, self.path);
        let response = self.request.send().await;
        let response = response.unwrap_or_else(|error| panic!("{asked} got no answer: {error:?}"));
        let contract = self.judge.expect("streams are in the document");
        (response, contract, self.told)
    }

    async fn send(self) -> Reply {
        let asked = format!("{} {}", self.method, self.path);
        let response = self.request.send().await;
        let response = response.unwrap_or_else(|error| panic!("{asked} got no answer: {error:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = body_of(response).await;
        let reply = Reply {
            status,
            headers,
            bytes: bytes.unwrap_or_else(|error| panic!("{asked}: the answer broke off: {error:?}")),
            asked,
        };
        if let Some(contract) = self.judge {
            contract.judge(self.method.as_str(), &self.path, &reply);
            assert_ne!(reply.status, 500, "{reply:?}");
            if reply.header("content-type") == Some("application/json") {
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                Fact::gather(&reply.json(), &mut told);
            }
        }
        reply
    }
}

/// The whole body; of a stream, which has no end, what comes first.
async fn body_of(mut response: reqwest::Response) -> reqwest::Result<Bytes> {
    let kind = response.headers().get("content-type");
    if kind.is_some_and(|kind| kind == "text/event-stream") {
        return Ok(response.chunk().await?.unwrap_or_default());
    }
    response.bytes().await
}

impl IntoFuture for Call {
    type Output = Reply;
    type IntoFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Reply {
    /// A header, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{}: not JSON: {error}: {}", self.asked, self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(super) fn text_start(&self) -> String {
        self.text().chars().take(1_000).collect()
    }

    /// The body of an answer that must have that status; null where there is none.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text_start());
        if self.bytes.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// The problem of an answer that must be this one.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(
            (self.status, self.json()["code"].as_str()),
            (status, Some(code)),
            "{}: {}",
            self.asked,
            self.text_start()
        );
        self.json()
    }
}
