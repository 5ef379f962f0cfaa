//! The history of a run: every request with its instants, and every claim that an answer showed.
//!
//! Promises: nothing that was sent is missing; a request takes 48 bytes and a claim shown 72, so that a whole
//! province fits into memory; a history written as JSON lines and read again is the same history. Instants are
//! microseconds since the run began, of a clock that never steps back.
//!
//! Deliberately absent: what it all means. That is for [`crate::check`].

mod lines;
mod vocabulary;

use std::collections::HashMap;

pub use lines::{ClaimLine, HistoryError, Line};
pub(crate) use lines::{hash_text, parse_hash, split_claim_id};
pub use vocabulary::{ClaimState, Code, Operation, OrderState};

/// A candidate by the order in which the load tester counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CandidateIndex(pub u32);

/// A pool by its place in a history's list of pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolIndex(pub u32);

/// An idempotency key by its number among its candidate's keys; 0 says that none was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyNumber(pub u16);

/// One request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// When it should have been sent: latency counts from here.
    pub intended_us: u64,
    /// When it was sent.
    pub started_us: u64,
    /// When its answer was complete, or the client gave up.
    pub ended_us: u64,
    /// Who sent it.
    pub candidate: CandidateIndex,
    /// The pool it was about, where it was about one.
    pub pool: Option<PoolIndex>,
    /// Its idempotency key.
    pub key: KeyNumber,
    /// The HTTP status; 0 if there was no answer.
    pub status: u16,
    /// What was asked.
    pub operation: Operation,
    /// Why it was refused, or why there was no answer.
    pub code: Code,
}

/// An index of 32 bits: a history of more than that has no place in this machine's memory.
fn small(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 of each")
}

impl Request {
    /// From the intended start to the complete answer.
    pub const fn latency_us(&self) -> u64 {
        self.ended_us.saturating_sub(self.intended_us)
    }

    /// Whether it may have changed something that its sender has not heard of.
    pub const fn outcome_is_unknown(&self) -> bool {
        self.status == 0 || self.status >= 500
    }
}

/// One claim as an answer showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its pool.
    pub pool: PoolIndex,
    /// Its number within the pool.
    pub number: u32,
    /// Its state when the answer was given.
    pub state: ClaimState,
    /// Its place in the queue, if it was waiting.
    pub position: Option<u32>,
    /// The sequence number of the event that created it.
    pub seq: u64,
    /// The chain's hash at that event, where the answer carried it.
    pub chain_hash: Option<[u8; 32]>,
}

/// A claim together with the request whose answer showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The request, by its place in the history.
    pub request: u32,
    /// What it showed.
    pub seen: Seen,
}

/// All requests of a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    run: String,
    pools: Vec<Box<str>>,
    by_id: HashMap<Box<str>, PoolIndex>,
    requests: Vec<Request>,
    sightings: Vec<Sighting>,
}

impl History {
    /// An empty history of the run so named (the name is a part of its idempotency keys).
    pub fn new(run: impl Into<String>) -> Self {
        Self {
            run: run.into(),
            ..Self::default()
        }
    }

    /// Room for so many requests, and as many claims seen: to grow means to copy all, and the open loop would be late.
    pub fn reserve(&mut self, requests: usize) {
        self.requests.reserve(requests);
        self.sightings.reserve(requests);
    }

    /// The run's name.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The index of the pool with this id, made if need be.
    pub fn pool(&mut self, id: &str) -> PoolIndex {
        if let Some(&known) = self.by_id.get(id) {
            return known;
        }
        let index = PoolIndex(small(self.pools.len()));
        self.pools.push(id.into());
        self.by_id.insert(id.into(), index);
        index
    }

    /// The id of a pool of this history.
    pub fn pool_id(&self, pool: PoolIndex) -> &str {
        &self.pools[pool.0 as usize]
    }

    /// All pools, in the order of their indices.
    pub fn pools(&self) -> impl Iterator<Item = (PoolIndex, &str)> {
        self.pools
            .iter()
            .enumerate()
            .map(|(index, id)| (PoolIndex(small(index)), &**id))
    }

    /// Adds a request and the claims that its answer showed.
    pub fn push(&mut self, request: Request, seen: impl IntoIterator<Item = Seen>) {
        let index = small(self.requests.len());
        self.requests.push(request);
        self.sightings
            .extend(seen.into_iter().map(|seen| Sighting { request: index, seen }));
    }

    /// Adds another history of the same run, of which the pools may be numbered differently.
    pub fn append(&mut self, other: &Self) {
        let offset = small(self.requests.len());
        let pools: Vec<PoolIndex> = other.pools.iter().map(|id| self.pool(id)).collect();
        let renamed = |pool: PoolIndex| pools[pool.0 as usize];
        self.requests.extend(other.requests.iter().map(|request| Request {
            pool: request.pool.map(renamed),
            ..*request
        }));
        self.sightings
            .extend(other.sightings.iter().map(|sighting| Sighting {
                request: sighting.request + offset,
                seen: Seen {
                    pool: renamed(sighting.seen.pool),
                    ..sighting.seen
                },
            }));
    }

    /// Every request, in the order of recording.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Every claim shown, in the order of recording.
    pub fn sightings(&self) -> &[Sighting] {
        &self.sightings
    }

    /// The claims that one request's answer showed.
    pub fn seen_by(&self, request: u32) -> &[Sighting] {
        let from = self
            .sightings
            .partition_point(|sighting| sighting.request < request);
        let count = self.sightings[from..].partition_point(|sighting| sighting.request == request);
        &self.sightings[from..from + count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_candidates_fit_into_memory() {
        assert_eq!(size_of::<Request>(), 48);
        assert_eq!(size_of::<Sighting>(), 72);
    }
}
