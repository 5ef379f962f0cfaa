//! Logins beside the claims: accounts are registered, what hashing serves is measured, then many times of that come.
//!
//! Promises: logins come at their instants whatever the server does (an open loop), from a thread and over connections
//! of their own, so that they are in no claim's way but at the server.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, LocalSet};

use crate::client::{Connections, Reply, Target};

/// What the server must be told, so that logins meet its hashing and nothing before it.
pub const SERVER_FLAGS: [&str; 4] = ["--captcha", "off", "--entries-per-minute", "0"];

/// Requests at the same time while accounts are made and hashing is measured: more than hash at once.
const LANES: u32 = 16;
/// How long is measured what hashing serves.
const MEASURED: Duration = Duration::from_secs(2);
/// Connections of a storm: more than logins wait at the server.
const STORM_CONNECTIONS: usize = 512;
/// How long an answer is waited for.
const LIMIT: Duration = Duration::from_secs(30);
/// After one that was shed.
const PAUSE: Duration = Duration::from_millis(50);
const PASSWORD: &str = "a storm of logins";

/// A storm, planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StormPlan {
    /// Accounts that log in, in turn.
    pub accounts: u32,
    /// So many times what hashing serves.
    pub times: u32,
    /// How long claims come alone before it.
    pub quiet_seconds: u32,
    /// How long it lasts.
    pub seconds: u32,
}

/// One login's answer.
#[derive(Clone, Debug)]
pub struct Login {
    /// From the instant at which it was to be sent.
    pub latency_us: u64,
    /// The HTTP status; 0 for none.
    pub status: u16,
    /// The refusal's code.
    pub code: String,
}

/// A storm that is ready to begin.
#[derive(Clone, Debug)]
pub struct Storm {
    plan: StormPlan,
    visitors: Visitors,
    served_per_second: f64,
}

/// A storm that goes on.
pub struct Storming {
    storm: Storm,
    stop: Arc<AtomicBool>,
    logins: JoinHandle<Result<Vec<Login>>>,
}

/// What a storm came to.
#[derive(Debug)]
pub struct Stormed {
    /// What it was to be.
    pub plan: StormPlan,
    /// Logins a second that were served before, alone.
    pub served_per_second: f64,
    /// Logins a second that came.
    pub offered_per_second: f64,
    /// All of them.
    pub logins: Vec<Login>,
}

/// Those who log in.
#[derive(Clone, Debug)]
struct Visitors {
    target: Target,
    province: Arc<str>,
    accounts: u32,
}

impl Storm {
    /// Makes the accounts and measures what hashing serves.
    pub async fn prepare(plan: StormPlan, target: Target, province: &str) -> Result<Self> {
        let visitors = Visitors {
            target,
            province: province.into(),
            accounts: plan.accounts,
        };
        eprintln!("registering {} accounts", plan.accounts);
        let own = visitors.clone();
        let served_per_second = on_a_thread(async move || {
            own.register().await?;
            own.measure().await
        })
        .await?;
        eprintln!("hashing alone serves {served_per_second:.1} logins a second");
        Ok(Self {
            plan,
            visitors,
            served_per_second,
        })
    }

    fn rate(&self) -> f64 {
        self.served_per_second * f64::from(self.plan.times)
    }

    /// Lets it loose at that instant.
    pub fn begin(self, at: Instant) -> Storming {
        let stop = Arc::new(AtomicBool::new(false));
        let (storm, stopped) = (self.clone(), Arc::clone(&stop));
        let logins = tokio::spawn(on_a_thread(async move || {
            storm
                .visitors
                .storm(at, storm.rate(), storm.plan.seconds, &stopped)
                .await
        }));
        Storming {
            storm: self,
            stop,
            logins,
        }
    }
}

impl Storming {
    /// Waits for the answers to what was sent; nothing more is.
    pub async fn end(self) -> Result<Stormed> {
        self.stop.store(true, Ordering::Relaxed);
        let logins = self.logins.await.context("the storm panicked")??;
        Ok(Stormed {
            plan: self.storm.plan,
            served_per_second: self.storm.served_per_second,
            offered_per_second: self.storm.rate(),
            logins,
        })
    }
}

impl Visitors {
    fn post(&self, path: &'static str, body: &Value) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body.to_string().into()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = http::Uri::from_static(path);
        let headers = request.headers_mut();
        if let Ok(host) = self.target.address().to_string().try_into() {
            headers.insert(HOST, host);
        }
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        request
    }

    fn registration(&self, n: u32) -> Request<Full<Bytes>> {
        let account = json!({"province": &*self.province, "id_type": "passport", "id_number": format!("STORM{n}"),
            "name": format!("登录者{n}"), "phone": "13900000000", "password": PASSWORD});
        self.post("/v1/accounts", &account)
    }

    fn login(&self, n: u32) -> Request<Full<Bytes>> {
        let login = json!({"province": &*self.province, "id_type": "passport", "id_number": format!("STORM{n}"),
            "password": PASSWORD});
        self.post("/v1/sessions", &login)
    }

    /// Makes the accounts; those of an earlier run are there already.
    async fn register(&self) -> Result<()> {
        self.in_lanes(async |visitors, connections, lane| {
            for n in (lane..visitors.accounts).step_by(LANES as usize) {
                loop {
                    let reply = connections.exchange(visitors.registration(n), LIMIT, || {}).await;
                    match answer_of(&reply) {
                        (201 | 409, _) => break,
                        (503, _) => tokio::time::sleep(PAUSE).await,
                        (status, code) => bail!(
                            "an account is answered {status} {code}; the server must run with {}",
                            SERVER_FLAGS.join(" ")
                        ),
                    }
                }
            }
            Ok(())
        })
        .await
    }

    /// Logins a second that are served, while more wait than are hashed at once.
    async fn measure(&self) -> Result<f64> {
        let served = Rc::new(Cell::new(0_u32));
        let began = Instant::now();
        let counted = Rc::clone(&served);
        self.in_lanes(async move |visitors, connections, lane| {
            let mut n = lane;
            while began.elapsed() < MEASURED {
                let reply = connections
                    .exchange(visitors.login(n % visitors.accounts), LIMIT, || {})
                    .await;
                match answer_of(&reply) {
                    (201, _) => counted.set(counted.get() + 1),
                    (503, _) => tokio::time::sleep(PAUSE).await,
                    (status, code) => bail!("a login is answered {status} {code}"),
                }
                n += LANES;
            }
            Ok(())
        })
        .await?;
        ensure!(served.get() > 0, "not one login was served in {MEASURED:?}");
        Ok(f64::from(served.get()) / began.elapsed().as_secs_f64())
    }

    async fn in_lanes(
        &self,
        work: impl AsyncFn(&Self, &Connections, u32) -> Result<()> + 'static,
    ) -> Result<()> {
        let connections = Rc::new(Connections::new(self.target, LANES as usize));
        let work = Rc::new(work);
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                let (own, connections, work) = (self.clone(), Rc::clone(&connections), Rc::clone(&work));
                tokio::task::spawn_local(async move { work(&own, &connections, lane).await })
            })
            .collect();
        for lane in lanes {
            lane.await??;
        }
        Ok(())
    }

    async fn storm(
        &self,
        begins: Instant,
        rate: f64,
        seconds: u32,
        stopped: &AtomicBool,
    ) -> Result<Vec<Login>> {
        let connections = Rc::new(Connections::new(self.target, STORM_CONNECTIONS));
        let mut under_way = Vec::new();
        for (n, after) in instants(rate, seconds) {
            let intended = begins + after;
            tokio::time::sleep_until(intended.into()).await;
            if stopped.load(Ordering::Relaxed) {
                break;
            }
            let (request, connections) = (self.login(n % self.accounts), Rc::clone(&connections));
            under_way.push(tokio::task::spawn_local(async move {
                let reply = connections.exchange(request, LIMIT, || {}).await;
                let (status, code) = answer_of(&reply);
                let latency_us = u64::try_from(intended.elapsed().as_micros()).unwrap_or(u64::MAX);
                Login {
                    latency_us,
                    status,
                    code,
                }
            }));
        }
        let mut logins = Vec::with_capacity(under_way.len());
        for login in under_way {
            logins.push(login.await?);
        }
        Ok(logins)
    }
}

/// When each login of a storm comes after its beginning.
fn instants(rate: f64, seconds: u32) -> impl Iterator<Item = (u32, Duration)> {
    (0..)
        .map(move |n| (n, Duration::from_secs_f64(f64::from(n) / rate)))
        .take_while(move |(_, after)| *after < Duration::from_secs(seconds.into()))
}

fn answer_of(reply: &Reply) -> (u16, String) {
    match reply {
        Reply::Answered { status, body, .. } => {
            let body: Option<Value> = serde_json::from_slice(body).ok();
            let code = body.and_then(|body| Some(body.get("code")?.as_str()?.to_owned()));
            (status.as_u16(), code.unwrap_or_else(|| "–".into()))
        }
        Reply::Lost => (0, "lost".into()),
        Reply::TimedOut => (0, "timed_out".into()),
    }
}

/// Runs on a thread of its own, with tasks that stay on it.
async fn on_a_thread<T: Send + 'static>(work: impl AsyncFnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        LocalSet::new().block_on(&runtime, work())
    });
    done.await.context("the logins' thread panicked")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_s_logins_come_evenly_for_its_whole_time_and_no_longer() {
        let all: Vec<_> = instants(50.0, 2).collect();
        assert_eq!(all.len(), 100);
        assert_eq!(all[99], (99, Duration::from_millis(1_980)));
    }
}
