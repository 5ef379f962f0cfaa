//! The server over real HTTP, in process, on either store: the real router, frame, limits and tokens around a real
//! engine on a manual clock; only the process is not its own.
//!
//! Promises: every answer that a [`Client`] sees is checked against the server's own OpenAPI document, and at
//! [`Server::finish`] the audit trail holds, the tables equal the journal, and every sequence number and hash that
//! a candidate was told is in the trail.
//!
//! Deliberately absent: signals, processes and kills (the crash tests have them).

mod client;
mod contract;
mod town;
mod trail;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kaowei::auth::{AccountRate, Keys, OWN_ISSUER, Role, TokenClaims, subject_of};
use kaowei::server::{Connections, HttpServer, MetricsServer, Recorder, assemble, bind};
use kaowei::state::Limits;
use kaowei_core::time::Span;
use kaowei_engine::{Engine, Settings};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use client::{Call, Client, Reply};
pub use contract::{Contract, Operation};
pub use town::{Student, TOWN_SITTING, import_students, town_sitting};

use crate::engine::{Place, nine};

/// How long the tokens of tests hold, by the engine's clock.
const TOKEN_LIFE: Span = Span::from_secs(200 * 86_400);

/// A running server.
pub struct Server<'a> {
    /// The engine inside, to move its clock on and to look at what has no address.
    pub engine: Engine,
    place: &'a Place,
    setup: Setup,
    nobody: Client,
    keys: Keys,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

/// What a test may set up otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// The limits of requests; no account is limited by default.
    pub limits: Limits,
    /// Claims that may be decided at the same time.
    pub claims_in_flight_max: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits {
                account_rate: AccountRate {
                    per_second: 0,
                    burst: 0,
                },
                import_bytes_max: 64 * 1_048_576,
                request_seconds_max: 60,
            },
            claims_in_flight_max: 8_192,
        }
    }
}

impl<'a> Server<'a> {
    /// Starts one on an empty store, or on what an earlier one left there.
    pub async fn start(place: &'a Place) -> Self {
        Self::start_as(place, Setup::default()).await
    }

    /// Starts one set up like that.
    pub async fn start_as(place: &'a Place, setup: Setup) -> Self {
        recorder();
        let settings = Settings {
            claims_in_flight_max: setup.claims_in_flight_max,
            ..place.settings()
        };
        let engine = Engine::open(settings).await.expect("the engine opens");
        let spool = place.folder().join("uploads");
        let (app, frame) = assemble(engine.clone(), spool, setup.limits).expect("the server is put together");
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = bind(any_port, "--listen").expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let connections = Connections {
            max: 1_000,
            stop_time_max: Duration::from_secs(20),
        };
        let (stop, told) = oneshot::channel::<()>();
        let server = HttpServer::new(listener, frame, connections, engine.arbiters());
        let serving = tokio::spawn(server.serve(async {
            told.await.ok();
        }));
        Self {
            place,
            setup,
            nobody: Client::new(&format!("http://{address}"), Contract::read(&app.openapi)),
            keys: Keys::new(&engine.token_key()),
            engine,
            stop: Some(stop),
            serving: Some(serving),
        }
    }

    /// Starts one with the town: sitting, sites, pools and twelve students, all put in over HTTP.
    pub async fn start_town(place: &'a Place) -> Self {
        let server = Self::start(place).await;
        town::build(&server).await;
        server
    }

    /// A client without a token.
    pub fn nobody(&self) -> Client {
        self.nobody.clone()
    }

    /// A client with any token.
    pub fn bearer(&self, token: &str) -> Client {
        self.nobody.with_token(token)
    }

    /// Staff of that scope: `national`, `province:99`, `school:99101`.
    pub fn staff(&self, scope: &str) -> Client {
        self.bearer(&self.mint(&self.staff_claims(scope)))
    }

    /// Student number `n` of the town.
    pub fn candidate(&self, n: u32) -> Client {
        self.student(&Student::number(n))
    }

    /// The candidate whom a student record describes.
    pub fn student(&self, student: &Student) -> Client {
        self.bearer(&self.mint(&self.student_claims(student)))
    }

    /// The candidate after accepting the agreement and saving the enrolment.
    pub async fn enrolled(&self, n: u32) -> Client {
        let candidate = self.candidate(n);
        candidate.enrol().await;
        candidate
    }

    /// Signs a token with the server's own key.
    pub fn mint(&self, claims: &TokenClaims) -> String {
        self.keys.mint(claims).expect("a token can be signed")
    }

    /// What a staff token of that scope says.
    pub fn staff_claims(&self, scope: &str) -> TokenClaims {
        TokenClaims {
            iss: OWN_ISSUER.into(),
            sub: format!("staff of {scope}"),
            role: Role::Staff,
            exp: (nine() + TOKEN_LIFE).unix_ms() / 1_000,
            province: None,
            scope: Some(scope.into()),
            id_type: None,
            id_number: None,
            name: None,
            phone: None,
        }
    }

    /// What a candidate's token says: all that an outside passport's carries.
    pub fn student_claims(&self, student: &Student) -> TokenClaims {
        let province = student.province.parse().expect("a province's code");
        TokenClaims {
            sub: subject_of(province, student.id_type, &student.id_number),
            role: Role::Candidate,
            province: Some(student.province.into()),
            scope: None,
            id_type: Some(student.id_type.into()),
            id_number: Some(student.id_number.clone()),
            name: Some(student.name.clone()),
            phone: Some("13800000000".into()),
            ..self.staff_claims("")
        }
    }

    /// Lets time pass, and the engine notice it.
    pub fn advance(&self, span: Span) {
        self.place.clock.advance(span);
        self.engine.look_at_the_clock();
    }

    /// Sets the wall clock alone.
    pub fn jump(&self, span: Span) {
        self.place.clock.jump_to(self.engine.now() + span);
        self.engine.look_at_the_clock();
    }

    /// What Prometheus gets.
    pub async fn metrics(&self) -> String {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = bind(any_port, "--metrics-listen").expect("a port is free");
        let metrics = MetricsServer::new(listener, recorder().clone());
        let address = metrics.address().expect("a listener has an address");
        let serving = tokio::spawn(metrics.serve());
        let answer = self
            .nobody
            .get_unchecked(&format!("http://{address}/metrics"))
            .await;
        serving.abort();
        assert_eq!(answer.status, 200);
        answer.text()
    }

    /// Stops it as a signal would, and starts it again on the same store.
    pub async fn restart(mut self) -> Self {
        self.stop_serving().await;
        self.engine.clone().close().await;
        let again = Self::start_as(self.place, self.setup).await;
        again.nobody.remember_told(&self.nobody);
        again
    }

    /// Stops it after checking what it kept.
    pub async fn finish(mut self) {
        let export = self.staff("national").get("/v1/staff/exports/audit.csv").await;
        assert_eq!(export.status, 200);
        trail::verify(&export.text(), &self.nobody.told());
        self.engine
            .verify_tables()
            .await
            .expect("the tables equal the journal");
        self.stop_serving().await;
        self.engine.clone().close().await;
    }

    /// Stops it without a look at what it kept: for tests that broke its engine.
    pub async fn abandon(mut self) {
        self.stop_serving().await;
    }

    async fn stop_serving(&mut self) {
        drop(self.stop.take());
        if let Some(serving) = self.serving.take() {
            serving.await.expect("the server ends without a panic");
        }
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        let finished = self.serving.is_none();
        assert!(
            finished || std::thread::panicking(),
            "a test must end with `server.finish().await`, which checks what was kept"
        );
    }
}

/// The recorder of this process's metrics.
fn recorder() -> &'static Recorder {
    static RECORDER: OnceLock<Recorder> = OnceLock::new();
    RECORDER.get_or_init(|| Recorder::install().expect("no other recorder is installed"))
}

type Told = Arc<std::sync::Mutex<std::collections::BTreeSet<trail::Fact>>>;
