//! The tables: current state for SQL users, staff lists, exports and fast recovery. Made from the journal in the
//! background, in order; disposable.

mod checkpoint;
mod claims;
mod fold;
mod fold_orders;
mod notices;
mod pace;
mod progress;
mod rebuild;
mod staff;
mod statements;

pub(crate) use checkpoint::{Checkpoint, read_positions};
pub(crate) use claims::claim_of;
pub(crate) use fold_orders::read_order;
pub(crate) use notices::{NoticeRow, notices_after, notices_of, read_reminders};
pub(crate) use progress::Progress;
pub use rebuild::RebuildReport;
pub(crate) use rebuild::{clear, fill, verify};
pub(crate) use staff::read_staff_accounts;
