//! How a round goes, as a thread beside it sees it: whoever disturbs the server waits for answers, not for time.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::wait::{self, PATIENCE};

/// The answers of a round, counted.
#[derive(Debug, Default)]
pub struct Pulse {
    answers: AtomicU32,
    /// Whoever disturbs the round has done so.
    disturbed: AtomicBool,
    /// Everybody has left.
    ended: AtomicBool,
}

impl Pulse {
    /// Waits until so many more definite answers have come.
    pub fn wait_for(&self, more: u32) {
        let wanted = self.answers() + more;
        let came = wait::until("answers of the server", PATIENCE, || {
            if self.ended.load(Ordering::Relaxed) && self.answers() < wanted {
                anyhow::bail!("everybody has left at {} of {wanted} answers", self.answers());
            }
            Ok(self.answers() >= wanted)
        });
        came.expect("the server goes on answering");
    }

    /// How many definite answers have come.
    pub(super) fn answers(&self) -> u32 {
        self.answers.load(Ordering::Relaxed)
    }

    pub(super) fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn begin(&self) {
        self.answers.store(0, Ordering::Relaxed);
        self.disturbed.store(false, Ordering::Relaxed);
        self.ended.store(false, Ordering::Relaxed);
    }

    pub(super) fn disturbed(&self) {
        self.disturbed.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_disturbed(&self) -> bool {
        self.disturbed.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
