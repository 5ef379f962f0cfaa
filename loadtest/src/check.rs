//! The judge: proves from a history and the server's exports that nothing was oversold, that nobody jumped the queue, and
//! that no money was kept without a seat.
//!
//! Promises: it believes nobody. The audit trail is replayed from its first record and its hashes are computed
//! anew; the server's tables, its numbers and every answer that a client heard are held against that. Each check
//! is numbered in [`Check`]; what breaks one is a [`Violation`] with the records concerned. Time is linear in the
//! records (the real-time order sorts each pool's claims once more); memory is per claim and pool, not per record.
//!
//! Use from outside, say as the judge of a crash test: build a [`History`](crate::history::History) with
//! `History::push_line`, load the exports with [`Exports::from_texts`] or [`Exports::from_files`], call [`check`],
//! and ask [`Verdict::holds`].
//!
//! Deliberately absent: the network. Whoever calls it brings the exports.

mod active;
mod answers;
mod events;
mod exports;
mod judge;
mod ledger;
mod money;
mod order;
mod replay;
mod stored;
mod verdict;

pub use exports::{CheckError, Exports, PoolRow, Source};
pub use judge::check;
pub use verdict::{Check, Finding, SHOWN_MAX, Verdict, Violation};
