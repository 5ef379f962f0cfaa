//! The hash chain over everything that happened (R35).

mod chain;

pub use chain::{ChainHead, Hash, Record, Seal, verify};
