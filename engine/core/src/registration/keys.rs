//! A candidate's idempotency keys: the last 32, each with the answer it got (2.1).

use serde::{Deserialize, Serialize};

use super::{Enrolment, Review};
use crate::ids::{ClaimId, ClaimNumber, OrderId, PoolId};
use crate::seats::Answered;
use crate::stored::KeyNote;

/// How many keys of a candidate are remembered.
pub const KEYS_MAX: u8 = 32;

/// What a key was answered with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyAnswer {
    /// A claim made for it, as it stood when it was made; the claim may be listed no more.
    Made(ClaimId),
    /// A claim that was there already, as it stood then.
    Existing(Box<Answered>),
    /// That the written claim was gone, though a claim had been made: it was taken away before anybody was told. A
    /// refusal that changed nothing is not remembered; this one did.
    WrittenRequired,
    /// The enrolment made for it, as it was saved.
    Enrolled(Box<Enrolment>),
    /// An enrolment that was there already, as it stood then.
    AlreadyEnrolled(Box<AnsweredEnrolment>),
    /// The review as it stood after what was asked.
    Reviewed(Box<Review>),
    /// An order opened for it.
    Ordered(OrderId),
    /// An order that was open already.
    OrderFound(OrderId),
}

/// An enrolment as an answer showed it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AnsweredEnrolment {
    /// How it stood.
    pub enrolment: Enrolment,
    /// The active claims in it.
    pub claims: Vec<Answered>,
}

impl KeyAnswer {
    /// The answer that a claim made for the key.
    pub fn made(pool: PoolId, number: ClaimNumber) -> Self {
        Self::Made(ClaimId { pool, number })
    }
}

/// The remembered keys, in their places.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Keys {
    /// In the order in which they were remembered.
    known: Vec<(KeyNote, KeyAnswer)>,
}

impl Keys {
    /// The note for a new key: the place of the oldest.
    pub fn note(&self, key: u128, body: u128) -> KeyNote {
        let slot = self
            .known
            .last()
            .map_or(0, |(latest, _)| (latest.slot + 1) % KEYS_MAX);
        KeyNote { slot, key, body }
    }

    /// The note and answer of a key that is known.
    pub fn find(&self, key: u128) -> Option<&(KeyNote, KeyAnswer)> {
        self.known.iter().find(|(note, _)| note.key == key)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &(KeyNote, KeyAnswer)> {
        self.known.iter()
    }

    /// Remembers a key with its answer, in the place that its note says.
    pub fn remember(&mut self, note: KeyNote, answer: KeyAnswer) {
        self.known.retain(|(other, _)| other.slot != note.slot);
        self.known.push((note, answer));
    }

    /// Keys as a checkpoint kept them, in the order in which they were remembered.
    pub fn restore(known: Vec<(KeyNote, KeyAnswer)>) -> Self {
        Self { known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_32_keys_are_remembered_and_the_oldest_makes_room() {
        let mut keys = Keys::default();
        for key in 1..=40 {
            let note = keys.note(key, key);
            keys.remember(note, KeyAnswer::made("991010-1".parse().unwrap(), ClaimNumber(1)));
        }
        assert!(keys.find(8).is_none());
        assert!(keys.find(9).is_some());
        assert!(keys.find(40).is_some());
        assert_eq!(keys.iter().count(), 32);
        let restored = Keys::restore(keys.iter().cloned().collect());
        assert_eq!(restored, keys);
    }
}
