//! An audit trail, read record by record and believed nothing: the chain of each stream (I6), and each pool replayed
//! through the core's decider: nothing oversold (I1), nobody jumped the queue (I2), events that fit (I10).

use std::collections::HashMap;

use kaowei_core::audit::{ChainHead, Hash, Record, verify};
use kaowei_core::ids::{Fen, PoolId, Sequence};
use kaowei_core::invariant::{Breach, Invariant};
use kaowei_core::seats::{Event, Pool, Settings};
use kaowei_core::time::Moment;
use serde::Deserialize;

/// One line of the export.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Line {
    pub(super) cell: String,
    pub(super) position: i64,
    pub(super) stream: String,
    pub(super) sequence: u64,
    pub(super) kind: String,
    pub(super) at: i64,
    pub(super) payload: String,
    pub(super) hash: String,
}

/// What was verified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Verified {
    pub(super) records: u64,
    pub(super) streams: u64,
    pub(super) pools: u64,
    pub(super) claims: u64,
}

/// The trail as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Trail {
    streams: HashMap<String, Stream>,
    records: u64,
}

#[derive(Debug)]
struct Stream {
    head: ChainHead,
    pool: Option<Replay>,
}

/// A pool replayed from its events.
#[derive(Debug)]
struct Replay {
    pool: Pool,
    claims: u32,
}

fn breach(invariant: Invariant, evidence: String) -> Breach {
    Breach { invariant, evidence }
}

impl Trail {
    /// Verifies the next line.
    ///
    /// # Errors
    /// The [`Breach`] that it is.
    pub(super) fn add(&mut self, line: &Line) -> Result<(), Breach> {
        let stream = self.streams.entry(line.stream.clone()).or_insert_with(|| Stream {
            head: ChainHead::default(),
            pool: None,
        });
        let hash: Hash = line.hash.parse().map_err(|_| {
            let place = format!(
                "{}: the hash of sequence {} is no hash",
                line.stream, line.sequence
            );
            breach(Invariant::ChainUnbroken, place)
        })?;
        let record = Record {
            stream: &line.stream,
            kind: &line.kind,
            at: Moment::from_unix_ms(line.at),
            payload: &line.payload,
        };
        verify(&mut stream.head, record, Sequence(line.sequence), hash)?;
        if line.stream.parse::<PoolId>().is_ok() {
            stream.replay(line).map_err(|found| Breach {
                evidence: format!("{}, sequence {}: {}", line.stream, line.sequence, found.evidence),
                ..found
            })?;
        }
        self.records += 1;
        Ok(())
    }

    /// What was verified.
    pub(super) fn verified(&self) -> Verified {
        let pools = || self.streams.values().filter_map(|stream| stream.pool.as_ref());
        Verified {
            records: self.records,
            streams: self.streams.len() as u64,
            pools: pools().count() as u64,
            claims: pools().map(|replay| u64::from(replay.claims)).sum(),
        }
    }
}

impl Stream {
    fn replay(&mut self, line: &Line) -> Result<(), Breach> {
        let event = Event::read(&line.kind, &line.payload)
            .map_err(|error| breach(Invariant::EventFitsState, error.to_string()))?;
        match (&mut self.pool, &event) {
            (None, Event::PoolCreated { .. }) => {
                let mut pool = Pool::new(Settings {
                    capacity: 0,
                    open: false,
                    draining: false,
                    fee: Fen(0),
                    exam_date: None,
                });
                pool.evolve(&event);
                self.pool = Some(Replay { pool, claims: 0 });
                Ok(())
            }
            (None, _) => Err(breach(
                Invariant::EventFitsState,
                "the stream does not begin with the pool's creation".into(),
            )),
            (Some(_), Event::PoolCreated { .. }) => Err(breach(
                Invariant::EventFitsState,
                "the pool is created twice".into(),
            )),
            (Some(replay), _) => replay.add(&event),
        }
    }
}

impl Replay {
    /// Checks that an event is one that an honest pool could have made now, then makes it so.
    fn add(&mut self, event: &Event) -> Result<(), Breach> {
        self.fits(event)?;
        self.pool.evolve(event);
        if matches!(event, Event::ClaimHeld { .. } | Event::ClaimQueued { .. }) {
            self.claims += 1;
        }
        self.pool.check()
    }

    fn fits(&self, event: &Event) -> Result<(), Breach> {
        let pool = &self.pool;
        match event {
            Event::ClaimHeld { claim, .. } => {
                self.is_next(claim.0)?;
                if !pool.waitlist().is_empty() {
                    let evidence = format!("claim {} got a seat while {} waited", claim.0, pool.waiting());
                    return Err(breach(Invariant::FirstInFirstOut, evidence));
                }
                self.has_free_seat(claim.0)
            }
            Event::ClaimQueued { claim, position, .. } => {
                self.is_next(claim.0)?;
                if *position != pool.waiting() + 1 {
                    let evidence = format!(
                        "claim {} entered the queue at place {position} where {} waited",
                        claim.0,
                        pool.waiting()
                    );
                    return Err(breach(Invariant::FirstInFirstOut, evidence));
                }
                Ok(())
            }
            Event::ClaimPromoted { claim, .. } => {
                if pool.waitlist().head() != Some(*claim) {
                    let evidence = format!("claim {} was promoted and is not the head of the queue", claim.0);
                    return Err(breach(Invariant::FirstInFirstOut, evidence));
                }
                self.has_free_seat(claim.0)
            }
            Event::ClaimCancelled { .. }
            | Event::ClaimExpired { .. }
            | Event::ClaimRefunded { .. }
            | Event::OrderAttached { .. }
            | Event::OrderDetached { .. }
            | Event::CancellationAsked { .. }
            | Event::RemovalAsked { .. }
            | Event::ClaimRemoved { .. } => pool.fits(event),
            Event::ClaimPaid { claim, .. } | Event::DeadlineExtended { claim, .. } => {
                let held = pool
                    .claim(*claim)
                    .is_some_and(|claim| claim.state.held_until().is_some());
                self.fits_if(held, claim.0, "is not held")
            }
            Event::ClaimWithdrawn { claim, .. } | Event::ClaimLapsed { claim, .. } => {
                let waits = pool.waitlist().position(*claim).is_some();
                self.fits_if(waits, claim.0, "does not wait")
            }
            Event::KeyRemembered { claim, .. } => {
                self.fits_if(pool.claim(*claim).is_some(), claim.0, "was never made")
            }
            Event::PoolCreated { .. }
            | Event::CapacitySet { .. }
            | Event::PoolOpened { .. }
            | Event::PoolClosed { .. }
            | Event::TermsSet { .. } => Ok(()),
        }
    }

    fn is_next(&self, number: u32) -> Result<(), Breach> {
        let expected = self.claims + 1;
        if number == expected {
            return Ok(());
        }
        let evidence = format!("claim {number} was made where {expected} was expected");
        Err(breach(Invariant::EventFitsState, evidence))
    }

    fn has_free_seat(&self, claim: u32) -> Result<(), Breach> {
        let (held, paid) = (self.pool.held(), self.pool.paid());
        let capacity = self.pool.settings().capacity;
        if held + paid < capacity {
            return Ok(());
        }
        let evidence =
            format!("claim {claim} got a seat while {held} were held and {paid} paid of {capacity}");
        Err(breach(Invariant::NeverOversold, evidence))
    }

    #[expect(clippy::unused_self, reason = "it reads as a statement about the pool")]
    fn fits_if(&self, fits: bool, claim: u32, otherwise: &str) -> Result<(), Breach> {
        if fits {
            return Ok(());
        }
        Err(breach(
            Invariant::EventFitsState,
            format!("claim {claim} {otherwise}"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use kaowei_core::ids::{CandidateId, ClaimNumber};
    use kaowei_core::seats::{By, RegisteredBy};
    use kaowei_core::sites::{Level, Paper, Site};

    use super::*;

    const POOL: &str = "991010-1";

    fn created(capacity: u32) -> Event {
        Event::PoolCreated {
            site: Site {
                province: "99".parse().unwrap(),
                school: "99101".parse().unwrap(),
            },
            paper: Paper::Written,
            level: Level(4),
            requires: None,
            capacity,
            open: true,
            fee_fen: Fen(1),
            exam_date: None,
            by: By::System,
        }
    }

    fn held(claim: u32) -> Event {
        Event::ClaimHeld {
            claim: ClaimNumber(claim),
            candidate: CandidateId(i64::from(claim)),
            held_until: Moment::MAX,
            fee_fen: Fen(1),
            registered_by: RegisteredBy::Candidate,
            key: None,
        }
    }

    fn queued(claim: u32, position: u32) -> Event {
        Event::ClaimQueued {
            claim: ClaimNumber(claim),
            candidate: CandidateId(i64::from(claim)),
            position,
            fee_fen: Fen(1),
            registered_by: RegisteredBy::Candidate,
            key: None,
        }
    }

    fn expired(claim: u32) -> Event {
        Event::ClaimExpired {
            claim: ClaimNumber(claim),
            candidate: CandidateId(i64::from(claim)),
        }
    }

    fn promoted(claim: u32) -> Event {
        Event::ClaimPromoted {
            claim: ClaimNumber(claim),
            candidate: CandidateId(i64::from(claim)),
            held_until: Moment::MAX,
        }
    }

    /// An export with right hashes, whatever the events.
    fn lines(events: &[Event]) -> Vec<Line> {
        let mut head = ChainHead::default();
        let line = |event: &Event| {
            let payload = event.payload().unwrap();
            let seal = head.append(Record {
                stream: POOL,
                kind: event.kind(),
                at: Moment::from_unix_ms(1),
                payload: &payload,
            });
            Line {
                cell: "99".into(),
                position: 1,
                stream: POOL.into(),
                sequence: seal.sequence.0,
                kind: event.kind().into(),
                at: 1,
                payload,
                hash: seal.hash.to_string(),
            }
        };
        events.iter().map(line).collect()
    }

    fn check(lines: &[Line]) -> Result<Verified, Invariant> {
        let mut trail = Trail::default();
        for line in lines {
            trail.add(line).map_err(|breach| breach.invariant)?;
        }
        Ok(trail.verified())
    }

    #[test]
    fn r35_an_honest_trail_is_verified() {
        let events = [
            created(1),
            held(1),
            queued(2, 1),
            queued(3, 2),
            expired(1),
            promoted(2),
        ];
        let verified = check(&lines(&events)).unwrap();
        assert_eq!((verified.records, verified.pools, verified.claims), (6, 1, 3));
    }

    #[test]
    fn r35_what_was_removed_rewritten_oversold_or_jumped_the_queue_is_found() {
        let honest = lines(&[created(1), held(1), queued(2, 1)]);
        let mut removed = honest.clone();
        removed.remove(1);
        assert_eq!(check(&removed), Err(Invariant::ChainUnbroken));
        let mut rewritten = honest.clone();
        rewritten[1].payload = rewritten[1].payload.replace("\"candidate\":1", "\"candidate\":9");
        assert_eq!(check(&rewritten), Err(Invariant::ChainUnbroken));

        let broken = |events: &[Event]| check(&lines(events)).unwrap_err();
        assert_eq!(broken(&[created(1), held(1), held(2)]), Invariant::NeverOversold);
        let jumped = [
            created(1),
            held(1),
            queued(2, 1),
            queued(3, 2),
            expired(1),
            promoted(3),
        ];
        assert_eq!(broken(&jumped), Invariant::FirstInFirstOut);
        let newcomer = [created(1), held(1), queued(2, 1), expired(1), held(3)];
        assert_eq!(broken(&newcomer), Invariant::FirstInFirstOut);
        assert_eq!(broken(&[created(1), queued(1, 2)]), Invariant::FirstInFirstOut);
        assert_eq!(broken(&[created(1), expired(1)]), Invariant::EventFitsState);
        assert_eq!(broken(&[held(1)]), Invariant::EventFitsState);
        assert_eq!(broken(&[created(2), held(2)]), Invariant::EventFitsState);
    }
}
