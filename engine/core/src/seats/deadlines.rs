//! The payment deadlines of a pool's holds, earliest first (R16).

use std::collections::BTreeSet;

use crate::ids::ClaimNumber;
use crate::time::Moment;

/// Holds by deadline, then by number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Deadlines(BTreeSet<(Moment, ClaimNumber)>);

impl Deadlines {
    /// Adds a hold.
    pub fn add(&mut self, held_until: Moment, claim: ClaimNumber) {
        self.0.insert((held_until, claim));
    }

    /// Takes a hold out.
    pub fn remove(&mut self, held_until: Moment, claim: ClaimNumber) {
        self.0.remove(&(held_until, claim));
    }

    /// The earliest deadline.
    pub fn earliest(&self) -> Option<Moment> {
        self.0.first().map(|(held_until, _)| *held_until)
    }

    /// Holds whose deadline has come, earliest first.
    pub fn due(&self, now: Moment) -> impl Iterator<Item = ClaimNumber> {
        self.0
            .iter()
            .take_while(move |(held_until, _)| *held_until <= now)
            .map(|(_, claim)| *claim)
    }
}
