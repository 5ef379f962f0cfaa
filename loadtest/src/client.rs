//! The HTTP client: many keep-alive connections on one thread, requests built and answers read with few allocations.
//!
//! Promises: a request goes out once; nothing is repeated behind the caller's back, a broken connection is an answer
//! like any other (status 0). Connections are used in turn, so that all of them stay in use.
//!
//! Deliberately absent: TLS and other hosts; the load only ever goes to the loopback address.

mod answer;
mod connections;
mod requests;
mod staff;
mod target;

pub use answer::{Answer, OrderSeen, PoolIds, Read, read_answer};
pub use connections::{Connections, Reply};
pub use requests::{AtCashier, Call, OnFull, Subject, Texts, Tokens};
pub use staff::{StaffClient, StaffError};
pub use target::{Target, TargetError};
