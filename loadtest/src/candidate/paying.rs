//! How a candidate pays for a held seat: chooses the score report, opens an order, goes to the cashier, comes back (S19–S25).

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::habits::{Habits, pause_before_retry, poll_pause, think};
use super::{Candidate, Follow, Standing, Step, TRIES_MAX};
use crate::client::{Answer, AtCashier, Call, Subject};
use crate::history::{KeyNumber, Operation, OrderState};
use crate::world::Paper;

/// A candidate's order, as far as he knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Paying {
    /// The order that is open.
    order: Option<u64>,
    /// The key of an order of which no definite answer was heard.
    asking: Option<KeyNumber>,
    tries: u8,
    /// Whether he has had trouble at the cashier's: once is enough.
    odd: bool,
}

fn one(pause_us: u64, step: Step) -> Follow {
    [(pause_us, step)].into_iter().collect()
}

impl Candidate {
    /// What to send for a step of paying.
    pub(super) fn pay_call(&mut self, step: Step, habits: &Habits, dice: &mut ChaCha8Rng) -> Option<Call> {
        if self.paying.tries >= TRIES_MAX {
            return None;
        }
        self.paying.tries += 1;
        match (step, self.paying.order) {
            (Step::Choose, _) => {
                let subject = Subject::Exam(self.subject);
                Some(Call::plain(Operation::ScoreReport, subject))
            }
            (Step::Order(paper), None) if matches!(self.wish(paper).standing, Standing::Held(_)) => {
                let key = self.paying.asking.unwrap_or_else(|| self.next_key());
                self.paying.asking = Some(key);
                Some(Call {
                    key,
                    ..Call::plain(Operation::Order, Subject::Paper(paper))
                })
            }
            (Step::Pay(_), Some(order)) => {
                let odd = !self.paying.odd && dice.random_bool(habits.odd_payment);
                self.paying.odd |= odd;
                let how = if odd {
                    AtCashier::ODD[dice.random_range(0..AtCashier::ODD.len())]
                } else {
                    AtCashier::Pays
                };
                Some(Call::plain(Operation::Pay, Subject::Cashier(order, how)))
            }
            (Step::ComeBack(_), Some(order)) => Some(Call::plain(Operation::Refresh, Subject::Order(order))),
            _ => None,
        }
    }

    /// Takes in what was answered to a step of paying.
    pub(super) fn hear_pay(
        &mut self,
        step: Step,
        call: &Call,
        answer: &Answer,
        habits: &Habits,
        dice: &mut ChaCha8Rng,
    ) -> Follow {
        if !answer.is_definite() {
            return one(pause_before_retry(answer, self.paying.tries, dice), step);
        }
        match step {
            Step::Choose if answer.status == 200 => one(think(habits, dice), Step::Order(Paper::Written)),
            Step::Order(paper) => {
                self.paying.asking = None;
                let Some(order) = answer.order else {
                    return Follow::new();
                };
                self.paying.order = Some(order.id);
                let next = if order.payable {
                    Step::Pay(paper)
                } else {
                    Step::ComeBack(paper)
                };
                one(think(habits, dice), next)
            }
            // Who was refused has paid before, or the order has ended: he comes back to see.
            Step::Pay(paper) => {
                let failed = matches!(call.subject, Subject::Cashier(_, AtCashier::Fails));
                let next = if failed {
                    Step::Pay(paper)
                } else {
                    Step::ComeBack(paper)
                };
                one(think(habits, dice), next)
            }
            Step::ComeBack(paper) => self.hear_order(paper, answer, habits, dice),
            _ => Follow::new(),
        }
    }

    fn hear_order(
        &mut self,
        paper: Paper,
        answer: &Answer,
        habits: &Habits,
        dice: &mut ChaCha8Rng,
    ) -> Follow {
        let Some(order) = answer.order else {
            return Follow::new();
        };
        match order.state {
            OrderState::Paid => {
                self.paying = Paying::default();
                let wants_oral = paper == Paper::Written && self.oral.standing == Standing::Nothing;
                if wants_oral {
                    one(think(habits, dice), Step::AskOral)
                } else {
                    Follow::new()
                }
            }
            OrderState::Open if order.payable => one(think(habits, dice), Step::Pay(paper)),
            OrderState::Open | OrderState::Refunding => {
                one(poll_pause(answer, dice) / 4, Step::ComeBack(paper))
            }
            // His seat is still his: he tries once more.
            OrderState::Closed | OrderState::Refunded => {
                self.paying.order = None;
                one(think(habits, dice), Step::Order(paper))
            }
            OrderState::Other => Follow::new(),
        }
    }
}
