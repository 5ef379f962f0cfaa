//! One simulated candidate: what he does next, given his habits and the last answer.
//!
//! Promises: pure. He knows no socket and no clock: `call` says what to send for a step, `hear` says which steps
//! follow and after how long. A request whose outcome he has not heard he repeats with the same key; a new intention
//! gets a new key. He takes a little over a hundred bytes, so that a million of them fit.
//!
//! Deliberately absent: agreement, qualification and enrolment, which all do once before (`driver/warm_up.rs`).

mod habits;
mod paying;
#[cfg(test)]
mod tests;

use http::HeaderValue;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use smallvec::SmallVec;

pub use habits::Habits;
use habits::{pause_before_retry, poll_pause, think};
use paying::Paying;

use crate::client::{Answer, Call, OnFull, Subject};
use crate::history::{ClaimState, Code, KeyNumber, Operation, PoolIndex};
use crate::world::{self, NO_POOL, Paper, World};

/// Something a candidate does at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Arrive: look at the list, or claim at once.
    Arrive,
    /// Claim the written seat.
    AskWritten,
    /// Claim the oral seat.
    AskOral,
    /// Ask for one's state.
    Poll,
    /// Give up the written claim.
    GiveUp,
    /// Choose the form of the score report.
    Choose,
    /// Open an order for the claims of a paper.
    Order(Paper),
    /// Pay it at the provider's cashier.
    Pay(Paper),
    /// Come back from there: let the server ask the provider.
    ComeBack(Paper),
}

/// How a call is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Once, waiting for the answer.
    Once,
    /// Twice at once with the same key.
    DoubleClick,
    /// Twice at once with this other key.
    SecondTab(KeyNumber),
    /// Hanging up after so many milliseconds.
    HangUp(u16),
}

/// The steps that follow, each with its pause in microseconds.
pub type Follow = SmallVec<[(u64, Step); 2]>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Nothing,
    /// Asked, and no definite answer yet; the key of the asking.
    Asked(KeyNumber),
    Held(u32),
    Waiting(u32),
    /// Refused, given up or lost for good.
    Done,
}

#[derive(Clone, Copy, Debug)]
struct Wish {
    pool: u32,
    standing: Standing,
    on_full: OnFull,
    tries: u8,
}

/// After so many tries without a definite answer a candidate gives up for this run.
const TRIES_MAX: u8 = 60;

/// One candidate's memory.
#[derive(Clone, Debug)]
pub struct Candidate {
    campus: u32,
    written: Wish,
    oral: Wish,
    last_key: KeyNumber,
    polls_left: u16,
    polling: bool,
    known: Option<HeaderValue>,
    ticket: Option<HeaderValue>,
    /// The key of a giving up of which no definite answer was heard.
    giving_up: Option<KeyNumber>,
    /// The written subject that he sits.
    subject: u8,
    paying: Paying,
}

impl Candidate {
    /// A candidate before he arrives.
    pub fn new(plan: &world::Candidate, world: &World, habits: &Habits, dice: &mut ChaCha8Rng) -> Self {
        let wish = |pool: u32, on_full| Wish {
            pool,
            standing: if pool == NO_POOL {
                Standing::Done
            } else {
                Standing::Nothing
            },
            on_full,
            tries: 0,
        };
        let on_full = if dice.random_bool(habits.reject_first) {
            OnFull::Reject
        } else {
            OnFull::Waitlist
        };
        let closed = world.pools.get(plan.oral as usize).is_some_and(|pool| !pool.open);
        Self {
            campus: plan.campus,
            written: wish(plan.written, on_full),
            // A site that has not opened yet takes the queue only (R19).
            oral: wish(plan.oral, if closed { OnFull::Waitlist } else { on_full }),
            last_key: KeyNumber(0),
            polls_left: habits.polls,
            polling: false,
            known: None,
            ticket: None,
            giving_up: None,
            subject: world.pools[plan.written as usize].subject,
            paying: Paying::default(),
        }
    }

    /// What to send for a step, and how; nothing if the step has lost its sense meanwhile.
    pub fn call(&mut self, step: Step, habits: &Habits, dice: &mut ChaCha8Rng) -> Option<(Call, Manner)> {
        match step {
            Step::Arrive if dice.random_bool(habits.look) => {
                let subject = Subject::Campus(self.campus);
                Some((Call::plain(Operation::Pools, subject), Manner::Once))
            }
            Step::Arrive | Step::AskWritten => self.ask(Paper::Written, habits, dice),
            Step::AskOral => self.ask(Paper::Oral, habits, dice),
            Step::Poll => self.poll().map(|call| (call, Manner::Once)),
            Step::GiveUp => self.give_up().map(|call| (call, Manner::Once)),
            Step::Choose | Step::Order(_) | Step::Pay(_) | Step::ComeBack(_) => {
                let call = self.pay_call(step, habits, dice)?;
                Some((call, Manner::Once))
            }
        }
    }

    fn ask(&mut self, paper: Paper, habits: &Habits, dice: &mut ChaCha8Rng) -> Option<(Call, Manner)> {
        let (standing, tries) = (self.wish(paper).standing, self.wish(paper).tries);
        let (key, first) = match standing {
            Standing::Nothing => (self.next_key(), true),
            Standing::Asked(key) => (key, false),
            Standing::Held(_) | Standing::Waiting(_) | Standing::Done => return None,
        };
        if tries >= TRIES_MAX {
            self.wish(paper).standing = Standing::Done;
            return None;
        }
        let manner = if first {
            self.manner(habits, dice)
        } else {
            Manner::Once
        };
        let ticket = self.ticket.take();
        let wish = self.wish(paper);
        (wish.standing, wish.tries) = (Standing::Asked(key), tries + 1);
        let subject = Subject::Pool(wish.pool, wish.on_full);
        let call = Call {
            key,
            ticket,
            ..Call::plain(Operation::Claim, subject)
        };
        Some((call, manner))
    }

    fn manner(&mut self, habits: &Habits, dice: &mut ChaCha8Rng) -> Manner {
        let mut roll: f64 = dice.random();
        let mut falls_to = |share: f64| {
            roll -= share;
            roll < 0.0
        };
        if falls_to(habits.double_click) {
            Manner::DoubleClick
        } else if falls_to(habits.second_tab) {
            Manner::SecondTab(self.next_key())
        } else if falls_to(habits.impatient) {
            Manner::HangUp(dice.random_range(1..30))
        } else {
            Manner::Once
        }
    }

    fn poll(&mut self) -> Option<Call> {
        self.polling = false;
        self.polls_left = self.polls_left.checked_sub(1)?;
        self.polling = true;
        Some(Call {
            known: self.known.clone(),
            ..Call::plain(Operation::Poll, Subject::Own)
        })
    }

    fn give_up(&mut self) -> Option<Call> {
        let (operation, number) = match self.written.standing {
            Standing::Held(number) => (Operation::Cancel, number),
            Standing::Waiting(number) => (Operation::Withdraw, number),
            Standing::Nothing | Standing::Asked(_) | Standing::Done => return None,
        };
        let key = self.giving_up.take().unwrap_or_else(|| self.next_key());
        let subject = Subject::Claim(self.written.pool, number);
        Some(Call {
            key,
            ..Call::plain(operation, subject)
        })
    }

    /// Takes in the answer to a step's call and says which steps follow.
    pub fn hear(
        &mut self,
        step: Step,
        call: &Call,
        answer: &Answer,
        habits: &Habits,
        dice: &mut ChaCha8Rng,
    ) -> Follow {
        match call.operation {
            Operation::Pools => [(think(habits, dice) / 4, Step::AskWritten)]
                .into_iter()
                .collect(),
            Operation::Claim if step == Step::AskOral => self.hear_claim(Paper::Oral, answer, habits, dice),
            Operation::Claim => self.hear_claim(Paper::Written, answer, habits, dice),
            Operation::Poll => self.hear_poll(answer, habits, dice),
            Operation::Cancel | Operation::Withdraw => self.hear_gone(step, call, answer, habits, dice),
            Operation::ScoreReport | Operation::Order | Operation::Pay | Operation::Refresh => {
                self.hear_pay(step, call, answer, habits, dice)
            }
            Operation::Agreement | Operation::Qualification | Operation::Enrolment | Operation::Other => {
                Follow::new()
            }
        }
    }

    fn hear_claim(
        &mut self,
        paper: Paper,
        answer: &Answer,
        habits: &Habits,
        dice: &mut ChaCha8Rng,
    ) -> Follow {
        let step = match paper {
            Paper::Written => Step::AskWritten,
            Paper::Oral => Step::AskOral,
        };
        if !answer.is_definite() {
            self.ticket.clone_from(&answer.ticket);
            return [(pause_before_retry(answer, self.wish(paper).tries, dice), step)]
                .into_iter()
                .collect();
        }
        if matches!(answer.status, 200 | 201) {
            return self.hear_granted(paper, answer, habits, dice);
        }
        let wish = self.wish(paper);
        wish.standing = Standing::Done;
        let again = match answer.code {
            Code::PoolFull if wish.on_full == OnFull::Reject && dice.random_bool(habits.then_queue) => {
                wish.on_full = OnFull::Waitlist;
                true
            }
            // Too early by a moment: whoever stands at the door tries again.
            Code::OutsideWindow => true,
            _ => false,
        };
        if !again {
            return Follow::new();
        }
        wish.standing = Standing::Nothing;
        let pause = if answer.code == Code::OutsideWindow {
            dice.random_range(200_000..600_000)
        } else {
            think(habits, dice)
        };
        [(pause, step)].into_iter().collect()
    }

    fn hear_granted(
        &mut self,
        paper: Paper,
        answer: &Answer,
        habits: &Habits,
        dice: &mut ChaCha8Rng,
    ) -> Follow {
        let mut follow = Follow::new();
        let wish = self.wish(paper);
        let Some(seen) = answer.claims.first().filter(|seen| seen.pool.0 == wish.pool) else {
            wish.standing = Standing::Done;
            return follow;
        };
        let share = match seen.state {
            ClaimState::Held => {
                wish.standing = Standing::Held(seen.number);
                habits.cancel
            }
            ClaimState::Waiting => {
                wish.standing = Standing::Waiting(seen.number);
                habits.withdraw
            }
            _ => {
                wish.standing = Standing::Done;
                0.0
            }
        };
        let held = seen.state == ClaimState::Held;
        if paper == Paper::Oral {
            if held && habits.pay > 0.0 {
                follow.push((think(habits, dice), Step::Order(Paper::Oral)));
            }
        } else if share > 0.0 && dice.random_bool(share) {
            follow.push((think(habits, dice) * 2, Step::GiveUp));
        } else if held {
            follow.extend(self.after_seat(habits, dice));
        }
        if !self.polling && self.polls_left > 0 {
            self.polling = true;
            follow.push((poll_pause(answer, dice), Step::Poll));
        }
        follow
    }

    fn hear_poll(&mut self, answer: &Answer, habits: &Habits, dice: &mut ChaCha8Rng) -> Follow {
        let mut follow = Follow::new();
        if answer.etag.is_some() {
            self.known.clone_from(&answer.etag);
        }
        for seen in &answer.claims {
            let promoted = self.update(Paper::Written, seen.pool, seen.number, seen.state);
            self.update(Paper::Oral, seen.pool, seen.number, seen.state);
            if promoted {
                follow.extend(self.after_seat(habits, dice));
            }
        }
        if self.polls_left > 0 {
            follow.push((poll_pause(answer, dice), Step::Poll));
        } else {
            self.polling = false;
        }
        follow
    }

    /// What a written seat is followed by: who pays does so first, and then claims the oral one.
    fn after_seat(&self, habits: &Habits, dice: &mut ChaCha8Rng) -> Option<(u64, Step)> {
        if habits.pay > 0.0 && dice.random_bool(habits.pay) {
            return Some((think(habits, dice), Step::Choose));
        }
        (self.oral.standing == Standing::Nothing).then(|| (think(habits, dice), Step::AskOral))
    }

    /// Notes the state of a claim; whether it is a seat that was a place in the queue.
    fn update(&mut self, paper: Paper, pool: PoolIndex, number: u32, state: ClaimState) -> bool {
        let wish = self.wish(paper);
        let (Standing::Held(own) | Standing::Waiting(own)) = wish.standing else {
            return false;
        };
        if wish.pool != pool.0 || own != number {
            return false;
        }
        let waited = matches!(wish.standing, Standing::Waiting(_));
        wish.standing = match state {
            ClaimState::Held | ClaimState::Paid => Standing::Held(number),
            ClaimState::Waiting => Standing::Waiting(number),
            _ => Standing::Done,
        };
        waited && state == ClaimState::Held
    }

    fn hear_gone(
        &mut self,
        step: Step,
        call: &Call,
        answer: &Answer,
        habits: &Habits,
        dice: &mut ChaCha8Rng,
    ) -> Follow {
        if !answer.is_definite() {
            self.giving_up = Some(call.key);
            return [(pause_before_retry(answer, 3, dice), step)]
                .into_iter()
                .collect();
        }
        if answer.status != 200 {
            return Follow::new();
        }
        // The oral claim goes with the written one (R13).
        if matches!(self.oral.standing, Standing::Held(_) | Standing::Waiting(_)) {
            self.oral.standing = Standing::Nothing;
        }
        let again = dice.random_bool(habits.claim_again);
        self.written.standing = if again { Standing::Nothing } else { Standing::Done };
        self.written.tries = 0;
        if again {
            return [(think(habits, dice), Step::AskWritten)].into_iter().collect();
        }
        Follow::new()
    }

    /// Ready to arrive once more, with a claim that is gone (for scenarios in which few candidates claim often).
    pub fn renew(&mut self) {
        if self.written.standing == Standing::Done {
            (self.written.standing, self.written.tries) = (Standing::Nothing, 0);
        }
    }

    fn wish(&mut self, paper: Paper) -> &mut Wish {
        match paper {
            Paper::Written => &mut self.written,
            Paper::Oral => &mut self.oral,
        }
    }

    fn next_key(&mut self) -> KeyNumber {
        self.last_key.0 = self.last_key.0.wrapping_add(1).max(1);
        self.last_key
    }
}
