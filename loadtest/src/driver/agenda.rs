//! What is to be done when: a heap of steps by their intended instants.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::candidate::Step;

/// A step of a candidate at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    /// Microseconds since the run began.
    pub(super) at_us: u64,
    /// The candidate, by his place among this worker's.
    pub(super) place: u32,
    /// What he does.
    pub(super) step: Step,
}

/// All steps to come.
#[derive(Debug, Default)]
pub(super) struct Agenda(BinaryHeap<Reverse<Due>>);

impl Agenda {
    pub(super) fn push(&mut self, due: Due) {
        self.0.push(Reverse(due));
    }

    /// The next step if its instant has come.
    pub(super) fn pop_due(&mut self, now_us: u64) -> Option<Due> {
        let Reverse(next) = self.0.peek()?;
        if next.at_us > now_us {
            return None;
        }
        self.0.pop().map(|Reverse(due)| due)
    }

    /// The instant of the next step.
    pub(super) fn next_us(&self) -> Option<u64> {
        self.0.peek().map(|Reverse(due)| due.at_us)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
