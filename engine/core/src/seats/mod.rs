//! One pool of seats and all that is decided about it (R14–R23, R27, R34).

mod attachment;
mod command;
mod deadlines;
mod event;
mod pool;
mod refusal;
mod standing;
mod state;
mod waitlist;

pub use attachment::{Asked, Attached, Attachment, Leave};
pub use command::{
    By, Change, Command, Expiry, Freed, OnFull, RegisteredBy, RemovalCause, WhenShort, WithdrawReason,
};
pub use deadlines::Deadlines;
pub use event::Event;
pub use pool::{Claim, Decision, Events, Pool, Settings};
pub use refusal::Refusal;
pub use standing::{Answered, First, PoolFacts, Standing};
pub use state::{ClaimState, Gone};
pub use waitlist::Waitlist;
