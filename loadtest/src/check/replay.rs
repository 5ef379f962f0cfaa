//! Reads the audit export once, record by record: computes each stream's chain and replays each pool's ledger.
//!
//! Promises: a record is never held in memory; after a broken link or a gap the reading goes on from what the
//! record itself says, so that one forged record is one violation and not a million.

use std::collections::HashMap;

use aws_lc_rs::digest;

use super::active::{Change, Turn};
use super::events::Event;
use super::exports::{CheckError, Exports, Rows};
use super::ledger::{Breach, Ledger, Place};
use super::money::Books;
use super::verdict::{Check, Verdict};
use crate::history::hash_text;
use crate::history::parse_hash;

/// The columns of `audit.csv` that are read, in the order of the constants below.
const COLUMNS: &[&str] = &[
    "cell", "position", "stream", "sequence", "kind", "at", "payload", "hash",
];
const CELL: usize = 0;
const POSITION: usize = 1;
const STREAM: usize = 2;
const SEQUENCE: usize = 3;
const KIND: usize = 4;
const AT: usize = 5;
const PAYLOAD: usize = 6;
const HASH: usize = 7;

/// A claim's number may not exceed the number of records by more than this: a forged number must not make the
/// judge allocate without bound.
const NUMBER_SLACK: u64 = 1 << 20;

/// One stream of the audit trail.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) id: String,
    pub(super) ledger: Ledger,
    next_seq: u64,
    hash: [u8; 32],
}

impl Stream {
    /// The sequence number of its latest record.
    pub(super) fn latest_seq(&self) -> u64 {
        self.next_seq.saturating_sub(1)
    }

    /// Whether it is a pool's, and not the one of all that belongs to no pool.
    pub(super) fn is_pool(&self) -> bool {
        !self.id.starts_with("cell:")
    }
}

/// The audit trail, replayed.
#[derive(Debug, Default)]
pub(super) struct Trail {
    pub(super) streams: Vec<Stream>,
    pub(super) by_id: HashMap<String, u32>,
    pub(super) candidates: Names,
    pub(super) changes: Vec<Change>,
    pub(super) books: Books,
    /// By which order a claim was paid, by stream and number.
    pub(super) seats: HashMap<(u32, u32), Box<str>>,
    records: u64,
}

/// Texts numbered in the order of their first appearance.
#[derive(Debug, Default)]
pub(super) struct Names {
    by_text: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl Names {
    pub(super) fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.by_text.get(text) {
            return number;
        }
        let number = u32::try_from(self.texts.len()).expect("fewer than 2^32 names");
        self.texts.push(text.into());
        self.by_text.insert(text.into(), number);
        number
    }

    pub(super) fn text(&self, number: u32) -> &str {
        &self.texts[number as usize]
    }
}

impl Trail {
    /// Replays the export, noting what breaks a rule.
    pub(super) fn replay(exports: &Exports, verdict: &mut Verdict) -> Result<Self, CheckError> {
        let mut trail = Self::default();
        let mut cells = Names::default();
        let mut rows = Rows::open(&exports.audit, "audit.csv", COLUMNS)?;
        while rows.advance()? {
            trail.records += 1;
            let cell = cells.number(rows.text(CELL));
            trail.record(&rows, cell, verdict)?;
        }
        verdict.examined(Check::ChainHolds, trail.records);
        Ok(trail)
    }

    /// The stream of a pool.
    pub(super) fn pool(&self, id: &str) -> Option<(u32, &Stream)> {
        let &at = self.by_id.get(id)?;
        Some((at, &self.streams[at as usize]))
    }

    /// Every pool's stream, by its number.
    pub(super) fn pools(&self) -> impl Iterator<Item = (u32, &Stream)> {
        (0..).zip(&self.streams).filter(|(_, stream)| stream.is_pool())
    }

    /// Notes the open pools that are left with a free seat and somebody waiting.
    pub(super) fn check_idle_seats(&self, verdict: &mut Verdict) {
        for (_, stream) in self.pools() {
            let ledger = &stream.ledger;
            verdict.examined(Check::NoIdleSeat, 1);
            if ledger.open && ledger.taken() < ledger.capacity && ledger.waiting > 0 {
                let what = format!(
                    "{}: {} of {} seats are taken while {} wait",
                    stream.id,
                    ledger.taken(),
                    ledger.capacity,
                    ledger.waiting
                );
                verdict.violated(Check::NoIdleSeat, what, Vec::new);
            }
        }
    }

    fn record(&mut self, rows: &Rows<'_>, cell: u32, verdict: &mut Verdict) -> Result<(), CheckError> {
        let seq: u64 = rows.number(SEQUENCE)?;
        let hash = parse_hash(rows.text(HASH)).ok_or_else(|| rows.malformed(HASH))?;
        let at = self.stream(rows.text(STREAM));
        self.check_chain(at, rows, Place { seq, hash }, verdict);
        if !self.streams[at as usize].is_pool() {
            self.books
                .record(rows.text(KIND), rows.text(PAYLOAD), rows, verdict);
            return Ok(());
        }
        let event = match Event::read(rows.text(KIND), rows.text(PAYLOAD)) {
            Ok(event) => event,
            Err(field) => {
                let what = format!("a {} record whose {field} can't be read", rows.text(KIND));
                verdict.violated(Check::ChainHolds, what, || vec![evidence(rows)]);
                return Ok(());
            }
        };
        let (claim, candidate) = match event {
            Event::Held { claim, candidate } | Event::Queued { claim, candidate } => {
                (Some(claim), Some(candidate))
            }
            Event::Promoted { claim }
            | Event::Ended { claim, .. }
            | Event::Paid { claim, .. }
            | Event::Noted { claim } => (Some(claim), None),
            Event::Created { .. }
            | Event::CapacitySet { .. }
            | Event::Opened
            | Event::Closed
            | Event::Other => (None, None),
        };
        if claim.is_some_and(|claim| u64::from(claim) > self.records + NUMBER_SLACK) {
            let what = "a claim's number is far beyond the number of records";
            verdict.violated(Check::ChainHolds, what, || vec![evidence(rows)]);
            return Ok(());
        }
        if let Event::Paid {
            claim,
            order: Some(order),
        } = event
        {
            self.seats.insert((at, claim), order.into());
        }
        let candidate = candidate.map_or(u32::MAX, |text| self.candidates.number(text));
        let breaches = self.streams[at as usize]
            .ledger
            .apply(event, candidate, Place { seq, hash });
        for breach in breaches {
            self.report(at, breach, rows, verdict);
        }
        self.note_turn(at, event, rows, cell, verdict)
    }

    /// Counts grants, and keeps what begins or ends a claim for the check across pools.
    fn note_turn(
        &mut self,
        at: u32,
        event: Event<'_>,
        rows: &Rows<'_>,
        cell: u32,
        verdict: &mut Verdict,
    ) -> Result<(), CheckError> {
        if matches!(event, Event::Held { .. } | Event::Promoted { .. }) {
            verdict.examined(Check::CapacityNeverExceeded, 1);
            verdict.examined(Check::FirstComeFirstServed, 1);
        }
        let (claim, turn) = match event {
            Event::Held { claim, .. } | Event::Queued { claim, .. } => (claim, Turn::Begins),
            Event::Ended { claim, .. } => (claim, Turn::Ends),
            Event::Created { .. }
            | Event::CapacitySet { .. }
            | Event::Opened
            | Event::Closed
            | Event::Promoted { .. }
            | Event::Paid { .. }
            | Event::Noted { .. }
            | Event::Other => return Ok(()),
        };
        let Some(known) = self.streams[at as usize].ledger.claim(claim) else {
            return Ok(());
        };
        self.changes.push(Change {
            cell,
            position: rows.number(POSITION)?,
            line: rows.line(),
            stream: at,
            claim,
            candidate: known.candidate,
            turn,
        });
        Ok(())
    }

    fn stream(&mut self, id: &str) -> u32 {
        if let Some(&at) = self.by_id.get(id) {
            return at;
        }
        let at = u32::try_from(self.streams.len()).expect("fewer than 2^32 streams");
        self.streams.push(Stream {
            id: id.to_owned(),
            next_seq: 1,
            ..Stream::default()
        });
        self.by_id.insert(id.to_owned(), at);
        at
    }

    fn check_chain(&mut self, at: u32, rows: &Rows<'_>, place: Place, verdict: &mut Verdict) {
        let stream = &mut self.streams[at as usize];
        if place.seq != stream.next_seq {
            let what = format!(
                "{}: sequence {} stands where {} should",
                stream.id, place.seq, stream.next_seq
            );
            verdict.violated(Check::ChainHolds, what, || vec![evidence(rows)]);
        }
        let computed = link(&stream.hash, rows);
        if computed != place.hash {
            let what = format!("{}: the hash of sequence {} does not link", stream.id, place.seq);
            let previous = stream.hash;
            verdict.violated(Check::ChainHolds, what, || {
                vec![
                    evidence(rows),
                    format!("previous hash {}", hash_text(&previous)),
                    format!("stated        {}", hash_text(&place.hash)),
                    format!("computed      {}", hash_text(&computed)),
                ]
            });
        }
        (stream.next_seq, stream.hash) = (place.seq + 1, place.hash);
    }

    fn report(&self, at: u32, breach: Breach, rows: &Rows<'_>, verdict: &mut Verdict) {
        let stream = &self.streams[at as usize];
        let id = &stream.id;
        let (check, what, waiting) = match breach {
            Breach::GrantAtCapacity { taken, capacity } => {
                let what = format!("{id}: a seat was granted while {taken} of {capacity} were taken");
                (Check::CapacityNeverExceeded, what, None)
            }
            Breach::LoweredBelowTaken { taken, capacity } => {
                let what =
                    format!("{id}: the capacity was lowered to {capacity} while {taken} seats were taken");
                (Check::CapacityNeverExceeded, what, None)
            }
            Breach::JumpedQueue { head } => {
                let what = format!("{id}: a newcomer got a seat while claim {id}-{head} waited");
                (Check::FirstComeFirstServed, what, Some(head))
            }
            Breach::NotTheHead { head } => {
                let what = format!("{id}: another than the head of the queue, {id}-{head}, was promoted");
                (Check::FirstComeFirstServed, what, Some(head))
            }
            Breach::Unfitting { state } => {
                let state = state.map_or("does not exist", crate::history::ClaimState::word);
                let what = format!(
                    "{id}: a {} for a claim that is in state: {state}",
                    rows.text(KIND)
                );
                (Check::NumbersAgree, what, None)
            }
        };
        verdict.violated(check, what, || {
            let mut lines = vec![evidence(rows)];
            if let Some((head, claim)) = waiting.and_then(|head| Some((head, stream.ledger.claim(head)?))) {
                lines.push(format!("claim {id}-{head} waits since sequence {}", claim.seq));
            }
            lines
        });
    }
}

/// The present record as evidence.
pub(super) fn evidence(rows: &Rows<'_>) -> String {
    format!(
        "audit.csv line {}: {} #{} {} at {}: {}",
        rows.line(),
        rows.text(STREAM),
        rows.text(SEQUENCE),
        rows.text(KIND),
        rows.text(AT),
        rows.text(PAYLOAD)
    )
}

/// The chain's rule: SHA-256 of the previous hash and the record's text (R35).
fn link(previous: &[u8; 32], rows: &Rows<'_>) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(previous);
    for (nth, column) in [STREAM, SEQUENCE, KIND, AT, PAYLOAD].into_iter().enumerate() {
        if nth > 0 {
            context.update(b"\n");
        }
        context.update(rows.text(column).as_bytes());
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
