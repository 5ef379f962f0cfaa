//! The journal: the write-ahead log and the only truth.
//!
//! Actors hand over what they decided together with the answer that waits for it ([`Entry`]). One writer gathers
//! what has come, commits it in one transaction, and only then are changes published and answers given
//! ([`writer`], [`publisher`]). While one batch commits, the next gathers: under load the batch grows, latency does
//! not.
//!
//! Nothing is said before it is durable: a refusal is an entry without events, and waits like every other.

mod entry;
mod publisher;
mod thread;
mod writer;

pub(crate) use entry::{CellEvent, Entry, Fate, Happened, PoolEvents, Sealed, Then};
pub(crate) use thread::{JournalThread, Start};
pub(crate) use writer::{CellState, Writer, WriterEnd};
