//! Drives the load: worker threads, each with its own single-threaded runtime, connections, candidates and history.
//!
//! Promises: an open loop. Each step has an intended instant and is started then, however slow the server is;
//! latency counts from it. Workers share nothing that they write but counters.
//!
//! Deliberately absent: which candidates arrive when (`scenario.rs`), and what a candidate does (`candidate.rs`).

mod agenda;
mod crew;
mod live;
mod pacer;
mod warm_up;
mod worker;

pub use crew::{Crew, Orders};
pub use live::{Live, LiveLine, Snapshot};
