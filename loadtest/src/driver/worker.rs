//! One worker: a thread with its own runtime, its share of the candidates, its connections and its history.
//!
//! Promises: steps start at their intended instants, to a fraction of a millisecond, as long as this thread keeps
//! up; whether it did is seen in the history (`started_us - intended_us`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use tokio::sync::Notify;

use super::agenda::{Agenda, Due};
use super::crew::Shared;
use super::live::Live;
use super::pacer::Pacer;
use crate::candidate::{Candidate, Manner, Step};
use crate::client::{Answer, Call, Connections, Read, Subject, read_answer};
use crate::history::{CandidateIndex, Code, History, PoolIndex, Request};

/// Room in the history for so many requests of each candidate, more than most of them make.
const ROOM_EACH: usize = 16;

/// Room for no more requests than these from the beginning: under 1 GiB, of which nothing is touched before it is used.
const ROOM_MAX: usize = 8_000_000;

pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) number: usize,
    pub(super) connections: Connections,
    pub(super) candidates: RefCell<Vec<Candidate>>,
    pub(super) enrolled: RefCell<Vec<bool>>,
    dice: RefCell<ChaCha8Rng>,
    history: RefCell<History>,
    agenda: RefCell<Agenda>,
    pacer: Pacer,
    running: Cell<usize>,
    wakes_at_us: Cell<u64>,
    wake: Notify,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, number: usize, mut dice: ChaCha8Rng) -> std::io::Result<Self> {
        let (world, habits) = (&shared.world, &shared.habits);
        let own = world.candidates.iter().skip(number).step_by(shared.workers);
        let candidates: Vec<Candidate> = own
            .map(|plan| Candidate::new(plan, world, habits, &mut dice))
            .collect();
        let mut history = History::new(shared.run.clone());
        history.reserve(ROOM_MAX.min(candidates.len() * ROOM_EACH));
        for pool in &world.pools {
            history.pool(&pool.id);
        }
        Ok(Self {
            number,
            connections: Connections::new(shared.target, shared.connections_each),
            enrolled: RefCell::new(vec![false; candidates.len()]),
            candidates: RefCell::new(candidates),
            dice: RefCell::new(dice),
            history: RefCell::new(history),
            agenda: RefCell::default(),
            pacer: Pacer::new()?,
            running: Cell::new(0),
            wakes_at_us: Cell::new(0),
            wake: Notify::new(),
            shared,
        })
    }

    pub(super) fn now_us(&self) -> u64 {
        u64::try_from(self.shared.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The candidate at this place among all.
    pub(super) fn candidate_at(&self, place: usize) -> CandidateIndex {
        let at = place * self.shared.workers + self.number;
        CandidateIndex(u32::try_from(at).expect("fewer than 2^32 candidates"))
    }

    fn live(&self) -> &Live {
        &self.shared.live[self.number]
    }

    pub(super) fn take_history(&self) -> History {
        self.history.take()
    }

    /// Sends one request, waits for its answer, and records both.
    pub(super) async fn ask(
        &self,
        candidate: CandidateIndex,
        call: &Call,
        intended_us: u64,
        limit: Duration,
        given_up: Code,
    ) -> Answer {
        let request = self.shared.texts.request(candidate.0, call);
        let started_us = Cell::new(self.now_us());
        self.live().began();
        let sent = || started_us.set(self.now_us());
        let reply = self.connections.exchange(request, limit, sent).await;
        let ended_us = self.now_us();
        let answer = read_answer(&reply, Read::of(call.operation), &self.shared.pools, given_up);
        let pool = match call.subject {
            Subject::Pool(pool, _) | Subject::Claim(pool, _) => Some(PoolIndex(pool)),
            Subject::Own
            | Subject::Campus(_)
            | Subject::Exam(_)
            | Subject::Paper(_)
            | Subject::Order(_)
            | Subject::Cashier(..) => None,
        };
        let request = Request {
            intended_us,
            started_us: started_us.get(),
            ended_us,
            candidate,
            pool,
            key: call.key,
            status: answer.status,
            operation: call.operation,
            code: answer.code,
        };
        self.live().ended(&request);
        self.history
            .borrow_mut()
            .push(request, answer.claims.iter().copied());
        answer
    }

    /// Runs the arrivals and all that follows from them until the end of the window.
    pub(super) async fn surge(
        self: Rc<Self>,
        arrivals: Vec<(u64, u32)>,
        until_us: u64,
    ) -> std::io::Result<()> {
        {
            let mut agenda = self.agenda.borrow_mut();
            for (at_us, place) in arrivals {
                let step = Step::Arrive;
                agenda.push(Due { at_us, place, step });
            }
        }
        while !self.shared.stop.load(Ordering::Relaxed) {
            let now_us = self.now_us();
            self.start_due(now_us).await;
            let next_us = self.agenda.borrow().next_us();
            if now_us >= until_us || (next_us.is_none() && self.running.get() == 0) {
                break;
            }
            // Wakes now and then to see whether it is told to stop.
            let wakes_at_us = next_us.unwrap_or(until_us).min(until_us).min(now_us + 200_000);
            self.wakes_at_us.set(wakes_at_us);
            let pause = Duration::from_micros(wakes_at_us.saturating_sub(self.now_us()));
            tokio::select! {
                slept = self.pacer.sleep(pause) => slept?,
                () = self.wake.notified() => {}
            }
        }
        self.agenda.borrow_mut().clear();
        while self.running.get() > 0 {
            self.wakes_at_us.set(0);
            self.wake.notified().await;
        }
        self.agenda.borrow_mut().clear();
        Ok(())
    }

    async fn start_due(self: &Rc<Self>, now_us: u64) {
        let mut started = 0;
        loop {
            let due = self.agenda.borrow_mut().pop_due(now_us);
            let Some(due) = due else { return };
            self.running.set(self.running.get() + 1);
            tokio::task::spawn_local(Rc::clone(self).perform(due));
            started += 1;
            if started % 64 == 0 {
                // Lets answers in between a thousand arrivals of the same moment.
                tokio::task::yield_now().await;
            }
        }
    }

    async fn perform(self: Rc<Self>, due: Due) {
        self.take_step(due).await;
        self.running.set(self.running.get() - 1);
        if self.running.get() == 0 {
            self.wake.notify_one();
        }
    }

    async fn take_step(&self, due: Due) {
        let place = due.place as usize;
        if !self.enrolled.borrow()[place] {
            return;
        }
        let call = {
            let mut candidates = self.candidates.borrow_mut();
            let candidate = &mut candidates[place];
            if due.step == Step::Arrive && self.shared.arrive_again {
                candidate.renew();
            }
            candidate.call(due.step, &self.shared.habits, &mut self.dice.borrow_mut())
        };
        let Some((call, manner)) = call else { return };
        let answer = self
            .send(self.candidate_at(place), &call, manner, due.at_us)
            .await;
        let follow = {
            let mut candidates = self.candidates.borrow_mut();
            let dice = &mut self.dice.borrow_mut();
            candidates[place].hear(due.step, &call, &answer, &self.shared.habits, dice)
        };
        let now_us = self.now_us();
        for (pause_us, step) in follow {
            self.schedule(Due {
                at_us: now_us + pause_us,
                place: due.place,
                step,
            });
        }
    }

    fn schedule(&self, due: Due) {
        self.agenda.borrow_mut().push(due);
        if due.at_us < self.wakes_at_us.get() {
            self.wake.notify_one();
        }
    }

    /// Sends a call in its manner; of two answers the definite one counts.
    async fn send(&self, who: CandidateIndex, call: &Call, manner: Manner, intended_us: u64) -> Answer {
        let limit = self.shared.limit;
        let once = |call| self.ask(who, call, intended_us, limit, Code::TimedOut);
        match manner {
            Manner::Once => once(call).await,
            Manner::DoubleClick => {
                let (first, second) = tokio::join!(once(call), once(call));
                if first.is_definite() { first } else { second }
            }
            Manner::SecondTab(key) => {
                let other = Call { key, ..call.clone() };
                let (first, second) = tokio::join!(once(call), once(&other));
                if first.is_definite() { first } else { second }
            }
            Manner::HangUp(milliseconds) => {
                let limit = Duration::from_millis(milliseconds.into());
                self.ask(who, call, intended_us, limit, Code::HungUp).await
            }
        }
    }
}
