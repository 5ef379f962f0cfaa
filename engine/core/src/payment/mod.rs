//! One order: what was agreed with a provider, what was heard of it, and what goes back (R24–R29).

mod event;
mod order;
mod provider;
mod refund;

pub use event::Event;
pub use order::{Attempts, Command, Events, Money, Order, OrderedClaim, State, Status, Step, Why};
pub use provider::{CLOSE_AFTER, Heard, Limits, Method, RefundHeard, TradeId};
pub use refund::{Refund, RefundCause, RefundState};
