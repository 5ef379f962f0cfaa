//! The actor of one pool: takes one command at a time, does what is due, decides, and hands the events and the
//! waiting answer to the journal.
//!
//! Deliberately absent: replies. Nothing is said here; the journal says it when it is durable.

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, Message, SpawnHandle};
use kaowei_core::audit::{ChainHead, Record};
use kaowei_core::seats::{Command, Event, Pool};
use kaowei_core::time::{Moment, Span};
use smallvec::SmallVec;

use super::PoolHandle;
use crate::fail_points::{FailPoint, pass};
use crate::failure::Failure;
use crate::incarnation::Incarnation;
use crate::journal::{Entry, Fate, Happened, PoolEvents, Sealed, Then};
use crate::metrics;

/// Timers do not see that a machine slept: no longer than this until the next look.
const LOOK_AT_LEAST_EVERY: Span = Span::from_secs(30);

/// The most messages in one mailbox; the door keeps far below it.
const MAILBOX_MAX: usize = 1 << 20;

/// Something asked of a pool, with what to do when the answer is durable.
pub(crate) struct Ask {
    pub(crate) command: Command,
    pub(crate) then: Then,
}

impl Message for Ask {
    type Result = ();
}

/// The actor.
pub(crate) struct PoolActor {
    pool: Pool,
    chain: ChainHead,
    handle: Arc<PoolHandle>,
    life: u32,
    incarnation: Arc<Incarnation>,
    timer: Option<(Moment, SpawnHandle)>,
    /// Set when it ends for a known reason, so that only a panic calls for a rebuild.
    ended: bool,
}

impl PoolActor {
    pub(crate) fn new(
        pool: Pool,
        chain: ChainHead,
        handle: Arc<PoolHandle>,
        life: u32,
        incarnation: Arc<Incarnation>,
    ) -> Self {
        Self {
            pool,
            chain,
            handle,
            life,
            incarnation,
            timer: None,
            ended: false,
        }
    }

    fn handle_command(&mut self, command: &Command, then: Then) {
        let now = self.incarnation.now();
        let expiry = self.incarnation.expiry();
        let terms = self.handle.terms();
        let decision = match self.pool.handle(command, &terms, now, expiry) {
            Ok(decision) => decision,
            Err(breach) => {
                metrics::invariant_breached(breach.invariant);
                tracing::error!(pool = %self.handle.facts.id, %breach, ?command, "a pool would have broken an invariant: nothing of it is stored, the pool is rebuilt");
                self.ended = true;
                self.incarnation.rebuild_pool(&self.handle);
                then(&self.incarnation, Fate::Failed(Failure::Internal));
                return;
            }
        };
        match self.seal(decision.events, now) {
            Ok(events) => {
                pass(FailPoint::PoolDecided);
                self.incarnation.hand_over(Entry {
                    happened: Happened::InPool {
                        pool: self.handle.clone(),
                        life: self.life,
                        events,
                        numbers: (&self.pool).into(),
                        outcome: decision.outcome,
                    },
                    then,
                });
            }
            Err(error) => {
                tracing::error!(pool = %self.handle.facts.id, %error, ?command, "an event can't be written as JSON: the pool is rebuilt");
                self.ended = true;
                self.incarnation.rebuild_pool(&self.handle);
                then(&self.incarnation, Fate::Failed(Failure::Internal));
            }
        }
    }

    fn seal(&mut self, events: SmallVec<[Event; 2]>, at: Moment) -> Result<PoolEvents, serde_json::Error> {
        let stream = &self.handle.stream;
        let mut sealed = PoolEvents::with_capacity(events.len());
        for event in events {
            let payload = event.payload()?;
            let seal = self.chain.append(Record {
                stream,
                kind: event.kind(),
                at,
                payload: &payload,
            });
            sealed.push(Sealed { event, seal, payload });
        }
        Ok(sealed)
    }

    /// Whether what it decides can still become durable. One that is out of charge ends with its last timer.
    fn is_in_charge(&self) -> bool {
        !self.ended && !self.incarnation.is_over() && self.handle.life() == self.life
    }

    /// One timer, at the earliest deadline.
    fn arm(&mut self, context: &mut Context<Self>) {
        if !self.is_in_charge() {
            return;
        }
        let Some(due) = self.pool.next_due(&self.handle.terms()) else {
            return;
        };
        if self.timer.is_some_and(|(armed, _)| armed <= due) {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            context.cancel_future(timer);
        }
        let wait = due.since(self.incarnation.now()).min(LOOK_AT_LEAST_EVERY);
        // A suspended expiry must not make the timer spin.
        let wait = wait.max(self.incarnation.shortest_wait());
        let timer = context.run_later(wait.to_std(), |actor, context| {
            actor.timer = None;
            actor.catch_up();
            actor.arm(context);
        });
        self.timer = Some((due, timer));
    }

    fn catch_up(&mut self) {
        let due = self.pool.next_due(&self.handle.terms());
        let now = self.incarnation.now();
        if self.is_in_charge() && due.is_some_and(|due| due <= now) {
            pass(FailPoint::DueNoticed);
            self.handle_command(&Command::CatchUp, Box::new(|_, _| {}));
        }
    }
}

impl Actor for PoolActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.set_mailbox_capacity(MAILBOX_MAX);
        self.arm(context);
    }
}

impl Handler<Ask> for PoolActor {
    type Result = ();

    fn handle(&mut self, ask: Ask, context: &mut Context<Self>) {
        self.handle.took_one();
        if self.ended {
            (ask.then)(&self.incarnation, Fate::Failed(Failure::StoreUnavailable));
            return;
        }
        self.handle_command(&ask.command, ask.then);
        self.arm(context);
    }
}

impl Drop for PoolActor {
    fn drop(&mut self) {
        // actix neither recreates an actor nor survives its panic.
        if std::thread::panicking() && self.handle.life() == self.life {
            metrics::actor_panicked();
            tracing::error!(pool = %self.handle.facts.id, "a pool's actor panicked: it is rebuilt from the store");
            self.incarnation.rebuild_pool(&self.handle);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kaowei_core::ids::{CandidateId, ClaimNumber, Fen};
    use kaowei_core::seats::{PoolFacts, RegisteredBy, Settings as PoolSettings};
    use kaowei_core::sites::{Level, Paper, Site};

    use super::*;
    use crate::clock::ManualClock;
    use crate::{Engine, Settings};

    /// One pool with one hold, so that its actor always has a timer.
    fn pool_with_a_hold(until: Moment) -> (PoolFacts, Pool) {
        let site = Site {
            province: "99".parse().unwrap(),
            school: "99101".parse().unwrap(),
        };
        let facts = PoolFacts {
            id: "991010-1".parse().unwrap(),
            site,
            paper: Paper::Written,
            level: Level(4),
            requires: None,
        };
        let mut pool = Pool::new(PoolSettings {
            capacity: 1,
            open: true,
            ..PoolSettings::none()
        });
        pool.evolve(&Event::ClaimHeld {
            claim: ClaimNumber(1),
            candidate: CandidateId(1),
            held_until: until,
            fee_fen: Fen(1),
            registered_by: RegisteredBy::Candidate,
            key: None,
        });
        (facts, pool)
    }

    /// Every recovery would leave a copy of all pools behind.
    #[test]
    fn actors_with_timers_do_not_outlive_their_incarnation() {
        actix_rt::System::new().block_on(async {
            let folder = std::env::temp_dir().join(format!("kaowei-{}", uuid::Uuid::now_v7()));
            let now = Moment::from_unix_ms(1_790_000_000_000);
            let settings = Settings {
                clock: ManualClock::new(now),
                ..Settings::embedded(&folder)
            };
            let engine = Engine::open(settings).await.unwrap();
            let incarnation = engine.incarnation().unwrap();
            // The clock stands still: the hold never falls due, and the actor looks again and again.
            let (facts, pool) = pool_with_a_hold(now + Span::from_ms(50));
            incarnation.add_pool(facts, pool, ChainHead::default());
            incarnation.barrier().await.unwrap();
            incarnation.end();
            let gone = Arc::downgrade(&incarnation);
            drop(incarnation);
            let waited = tokio::time::timeout(Duration::from_secs(20), async {
                while gone.strong_count() > 0 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            });
            assert!(
                waited.await.is_ok(),
                "it is still kept {} times",
                gone.strong_count()
            );
            engine.close().await;
            std::fs::remove_dir_all(folder).unwrap();
        });
    }
}
