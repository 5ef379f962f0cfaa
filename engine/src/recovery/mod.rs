//! From what is stored to what is in memory: after a start, after a commit whose outcome is unknown, and for one pool.
//!
//! First the lead is taken: every cell's epoch is bumped, which waits for a commit that was thought lost and shuts
//! out a stale writer. Then tables, then the journal's tail behind their checkpoint, with every hash verified.
//! Nothing is served before cascades that a crash cut off are done and holds that fell due while nobody looked have
//! got their time back.

mod catch_up;
mod lead;
mod memory;
mod pool;
mod tables;

pub(crate) use catch_up::{OUTAGE_MIN, catch_up};
pub(crate) use lead::{Lead, take_the_lead};
pub(crate) use memory::{Source, StoredEvent, events_after, load};
pub(crate) use pool::rebuild_pool;
pub(crate) use tables::claim as read_claim;
