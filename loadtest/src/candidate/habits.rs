//! What candidates do how often, and how long they pause.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::client::Answer;

/// The pause between two looks at one's state where the server does not say.
const POLL_MS: u32 = 2000;

/// How often candidates do what, as shares from 0 to 1, and how long they think.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habits {
    /// Look at their campus's list of pools before claiming.
    pub look: f64,
    /// Click twice: the same request with the same key at once.
    pub double_click: f64,
    /// Have a second tab: the same request with another key at once.
    pub second_tab: f64,
    /// Hang up after some milliseconds and send again with the same key.
    pub impatient: f64,
    /// Ask first without the queue, and decide once they hear that it is full.
    pub reject_first: f64,
    /// Of those told that it is full: enter the queue.
    pub then_queue: f64,
    /// Give a held seat back.
    pub cancel: f64,
    /// Of those: claim again.
    pub claim_again: f64,
    /// Leave the queue.
    pub withdraw: f64,
    /// Pay for a held written seat, and then for the oral one.
    pub pay: f64,
    /// Of those: have trouble at the cashier's once, or make some.
    pub odd_payment: f64,
    /// How often each asks for his state after his claim.
    pub polls: u16,
    /// Mean pause before doing something of one's own accord.
    pub think_seconds: f64,
}

/// A pause of one's own accord, exponential with the habits' mean, cut at four times that.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of microseconds"
)]
pub(super) fn think(habits: &Habits, dice: &mut ChaCha8Rng) -> u64 {
    let drawn = -(1.0 - dice.random::<f64>()).ln();
    (habits.think_seconds * drawn.min(4.0) * 1e6) as u64
}

/// What the server says, or a growing pause, with some chance in it so that they do not all come back at once.
pub(super) fn pause_before_retry(answer: &Answer, tries: u8, dice: &mut ChaCha8Rng) -> u64 {
    let told = answer.retry_after_ms.map(u64::from);
    let pause_ms = told.unwrap_or_else(|| (100_u64 << tries.min(5)).min(2000));
    let spread = dice.random_range(0..=pause_ms / 4 + 1);
    (pause_ms + spread) * 1000
}

pub(super) fn poll_pause(answer: &Answer, dice: &mut ChaCha8Rng) -> u64 {
    let pause_ms = u64::from(answer.next_poll_ms.unwrap_or(POLL_MS).max(100));
    (pause_ms + dice.random_range(0..=pause_ms / 10)) * 1000
}
