//! One round: everybody plays at the same time on one thread, until its end is reached.
//!
//! Promises: a request is in the history whatever becomes of it; nobody waits for ever.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use kaowei_loadtest::client::{Answer, Connections, PoolIds, Read, Target, read_answer};
use kaowei_loadtest::history::{
    CandidateIndex, Code, History, KeyNumber, Operation, PoolIndex, Request as Kept,
};

use super::person::Person;
use super::{Pulse, Round, Until};

/// Something that goes on beside a round, such as an import.
pub type Errand = Pin<Box<dyn Future<Output = ()>>>;

/// Between two tries of what the server can't serve for now.
const PAUSE: Duration = Duration::from_millis(5);

/// How long an answer is waited for.
const LIMIT: Duration = Duration::from_secs(30);

/// A request as the history keeps it.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    pub(super) operation: Operation,
    pub(super) pool: Option<PoolIndex>,
    pub(super) key: KeyNumber,
}

/// A round.
pub(super) struct Scene {
    target: Target,
    connections: Connections,
    history: RefCell<History>,
    pub(super) pools: PoolIds,
    until: Until,
    pulse: Arc<Pulse>,
    began: Instant,
    unavailable: Cell<u32>,
    lost: Cell<bool>,
    over: Cell<bool>,
}

impl Scene {
    pub(super) fn new(
        target: Target,
        history: History,
        pools: PoolIds,
        (until, pulse): (Until, Arc<Pulse>),
        began: Instant,
        people: usize,
    ) -> Self {
        Self {
            target,
            // Two for each: a double click goes over two connections.
            connections: Connections::new(target, 2 * people),
            history: RefCell::new(history),
            pools,
            until,
            pulse,
            began,
            unavailable: Cell::new(0),
            lost: Cell::new(false),
            over: Cell::new(false),
        }
    }

    /// Plays the round.
    pub(super) async fn play(
        self,
        people: Vec<Person>,
        errand: Option<Errand>,
        time_max: Duration,
    ) -> (Vec<Person>, History, Round) {
        let scene = Rc::new(self);
        let errand = errand.map(tokio::task::spawn_local);
        let playing: Vec<_> = people
            .into_iter()
            .map(|mut person| {
                let scene = scene.clone();
                tokio::task::spawn_local(async move {
                    person.play(&scene).await;
                    person
                })
            })
            .collect();
        let everybody = futures_util::future::join_all(playing);
        tokio::pin!(everybody);
        let mut too_long = false;
        let people = tokio::select! {
            people = &mut everybody => people,
            () = tokio::time::sleep(time_max) => {
                too_long = true;
                scene.over.set(true);
                everybody.await
            }
        };
        scene.pulse.end();
        if let Some(errand) = errand {
            // An errand ends with its connection at the latest.
            let ended = tokio::time::timeout(LIMIT, errand).await;
            ended.expect("an errand ends").expect("an errand does not panic");
        }
        let people = people
            .into_iter()
            .map(|person| person.expect("nobody panics"))
            .collect();
        let scene = Rc::into_inner(scene).expect("everybody has left");
        let round = Round {
            answers: scene.pulse.answers(),
            unavailable: scene.unavailable.get(),
            lost: scene.lost.get(),
            too_long,
        };
        (people, scene.history.into_inner(), round)
    }

    /// Whether the round is over.
    pub(super) fn is_over(&self) -> bool {
        let enough = match self.until {
            Until::Answers(most) => self.pulse.answers() >= most,
            Until::Disturbed => self.pulse.is_disturbed(),
            Until::Gone | Until::Settled => false,
        };
        self.over.get() || enough
    }

    /// Whether only what is open is to be settled.
    pub(super) fn settles(&self) -> bool {
        self.until == Until::Settled
    }

    /// Sends a request and keeps it; `patience` is how long the answer is waited for, forever if there is none.
    pub(super) async fn send(
        &self,
        candidate: u32,
        about: About,
        request: Request<Full<Bytes>>,
        patience: Option<Duration>,
    ) -> Answer {
        let started_us = self.now_us();
        let reply = self
            .connections
            .exchange(request, patience.unwrap_or(LIMIT), || {})
            .await;
        let given_up = if patience.is_some() {
            Code::HungUp
        } else {
            Code::TimedOut
        };
        let read = Read::of(about.operation);
        let answer = read_answer(&reply, read, &self.pools, given_up);
        let kept = Kept {
            intended_us: started_us,
            started_us,
            ended_us: self.now_us(),
            candidate: CandidateIndex(candidate),
            pool: about.pool,
            key: about.key,
            status: answer.status,
            operation: about.operation,
            code: answer.code,
        };
        self.history
            .borrow_mut()
            .push(kept, answer.claims.iter().copied());
        if answer.is_definite() {
            self.pulse.answered();
        } else if answer.code == Code::ConnectionLost {
            self.lost.set(true);
        } else if answer.status != 0 {
            self.unavailable.set(self.unavailable.get() + 1);
        }
        answer
    }

    /// Waits a little before the next try.
    pub(super) async fn pause(&self) {
        tokio::time::sleep(PAUSE).await;
    }

    /// The server's address as a `Host`.
    pub(super) fn host(&self) -> String {
        self.target.address().to_string()
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
