//! What every candidate does once before claims open: agreement, qualification, enrolment.
//!
//! Promises: a closed loop of a fixed width, as fast as the server goes; a candidate who could not enrol takes no
//! part later and is counted.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::worker::Worker;
use crate::client::{Call, Subject};
use crate::history::{Code, KeyNumber, Operation};

/// So many candidates at once, each with one request under way.
const WIDTH: usize = 96;
const TRIES_MAX: usize = 40;
/// Its own range of keys: a candidate counts his claims' keys from 1.
const ENROLMENT_KEY: KeyNumber = KeyNumber(u16::MAX);

impl Worker {
    /// Brings all candidates through the first pages; how many are enrolled.
    pub(super) async fn warm_up(self: Rc<Self>) -> u64 {
        let next = Rc::new(Cell::new(0));
        let lanes: Vec<_> = (0..WIDTH)
            .map(|_| tokio::task::spawn_local(Rc::clone(&self).warm_up_lane(Rc::clone(&next))))
            .collect();
        for lane in lanes {
            // A lane can only fail by a bug, which its panic has told.
            let _ = lane.await;
        }
        self.enrolled
            .borrow()
            .iter()
            .filter(|&&enrolled| enrolled)
            .count() as u64
    }

    async fn warm_up_lane(self: Rc<Self>, next: Rc<Cell<usize>>) {
        loop {
            let place = next.get();
            if place >= self.enrolled.borrow().len() || self.shared.stop.load(Ordering::Relaxed) {
                return;
            }
            next.set(place + 1);
            let enrolled = self.enrol(place).await;
            self.enrolled.borrow_mut()[place] = enrolled;
        }
    }

    async fn enrol(&self, place: usize) -> bool {
        for operation in [
            Operation::Agreement,
            Operation::Qualification,
            Operation::Enrolment,
        ] {
            let mut call = Call::plain(operation, Subject::Own);
            if operation == Operation::Enrolment {
                call.key = ENROLMENT_KEY;
            }
            if !self.until_definite(place, &call).await {
                return false;
            }
        }
        true
    }

    async fn until_definite(&self, place: usize, call: &Call) -> bool {
        for _ in 0..TRIES_MAX {
            let who = self.candidate_at(place);
            let answer = self
                .ask(who, call, self.now_us(), self.shared.limit, Code::TimedOut)
                .await;
            if answer.is_definite() {
                return (200..300).contains(&answer.status);
            }
            if self.shared.stop.load(Ordering::Relaxed) {
                return false;
            }
            let pause_ms = answer.retry_after_ms.unwrap_or(200).max(20);
            tokio::time::sleep(Duration::from_millis(pause_ms.into())).await;
        }
        false
    }
}
