//! Candidates who play against a real server while it is killed, stopped and disturbed.
//!
//! Promises:
//! - Every request is kept in a history for the load tester's judge, answered or not.
//! - A request without a definite answer is repeated with its key before its sender does anything else, after a
//!   restart too.
//! - What they do follows from the seed; what happens to them does not.
//! - Beyond the judge's checks: an agreement that was acknowledged is never asked for again, and an enrolment that was
//!   acknowledged and nobody deleted is never missing ([`Crowd::broken_promises`]).
//!
//! Deliberately absent: judgement of claims. That is the load tester's (`kaowei_loadtest::check`).

mod person;
mod pulse;
mod scene;

use std::sync::Arc;
use std::time::{Duration, Instant};

use kaowei_loadtest::client::PoolIds;
use kaowei_loadtest::history::History;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use self::person::Person;
pub use self::pulse::Pulse;
pub use self::scene::Errand;
use self::scene::Scene;

/// How long a round may last before the test says so.
const ROUND_MAX: Duration = Duration::from_secs(40);

/// All candidates of a test, with what they remember.
#[derive(Debug)]
pub struct Crowd {
    runtime: Runtime,
    people: Vec<Person>,
    history: History,
    pools: PoolIds,
    began: Instant,
    pulse: Arc<Pulse>,
}

/// When a round ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The server is gone: whoever loses a connection leaves.
    Gone,
    /// So many answers came, or the server is gone.
    Answers(u32),
    /// Whoever disturbs the round has done so, or the server is gone.
    Disturbed,
    /// Everybody has a definite answer to all that was asked, and has looked at the own claims.
    Settled,
}

/// How a round went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Definite answers.
    pub answers: u32,
    /// Requests that the server could not serve for now.
    pub unavailable: u32,
    /// Whether a connection was lost.
    pub lost: bool,
    /// Whether it took too long.
    pub too_long: bool,
}

impl Crowd {
    /// Candidates with these tokens, who claim in these pools. `lasting`: enrolments outlast the test.
    pub fn new(run: &str, seed: u64, tokens: &[String], pools: &[&str], lasting: bool) -> Self {
        let mut history = History::new(run);
        let ids = pools.iter().map(|id| ((*id).into(), history.pool(id))).collect();
        let people = (0..)
            .zip(tokens)
            .map(|(index, token)| Person::new(index, seed, token, pools, lasting))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self {
            runtime: runtime.expect("a runtime can be built"),
            people,
            history,
            pools: ids,
            began: Instant::now(),
            pulse: Arc::default(),
        }
    }

    /// Lets everybody play against the server at `address`, with an errand beside.
    pub fn play(&mut self, address: &str, until: Until, errand: Option<Errand>) -> Round {
        self.pulse.begin();
        self.play_on(address, until, errand)
    }

    fn play_on(&mut self, address: &str, until: Until, errand: Option<Errand>) -> Round {
        let target = format!("http://{address}")
            .parse()
            .expect("a server of this machine");
        let history = std::mem::take(&mut self.history);
        let people = std::mem::take(&mut self.people);
        let pools = self.pools.clone();
        let pulse = self.pulse.clone();
        let scene = Scene::new(target, history, pools, (until, pulse), self.began, people.len());
        let local = LocalSet::new();
        let (people, history, round) = local.block_on(&self.runtime, scene.play(people, errand, ROUND_MAX));
        (self.people, self.history) = (people, history);
        round
    }

    /// Lets everybody play while `disturb` does what it does, on a thread of its own.
    pub fn play_disturbed(
        &mut self,
        address: &str,
        until: Until,
        disturb: impl FnOnce(&Pulse) + Send,
    ) -> Round {
        let pulse = self.pulse.clone();
        pulse.begin();
        std::thread::scope(|scope| {
            let disturber = scope.spawn(move || {
                disturb(&pulse);
                pulse.disturbed();
            });
            let round = self.play_on(address, until, None);
            if let Err(panic) = disturber.join() {
                std::panic::resume_unwind(panic);
            }
            round
        })
    }

    /// Lets everybody repeat what was not answered, and look at the own claims.
    pub fn settle(&mut self, address: &str) {
        let round = self.play(address, Until::Settled, None);
        let open: Vec<String> = self.people.iter().filter_map(Person::open).collect();
        assert!(
            open.is_empty() && !round.lost,
            "{round:?}; without an answer: {open:#?}"
        );
    }

    /// All requests so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// How many requests are without a definite answer.
    pub fn open(&self) -> usize {
        self.people.iter().filter_map(Person::open).count()
    }

    /// What was promised to candidates beside their claims and was not kept.
    pub fn broken_promises(&self) -> Vec<String> {
        self.people.iter().flat_map(Person::broken).collect()
    }

    /// Runs something on the crowd's own runtime.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        LocalSet::new().block_on(&self.runtime, work)
    }
}
