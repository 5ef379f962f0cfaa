//! Streams of server-sent events: how many there may be, how one looks on the wire, and how it ends.

mod body;
mod streams;

pub(crate) use body::{EVENT_STREAM, event, last_place};
pub use streams::{Place, Streams};
