//! Fixtures of the end-to-end, crash and simulation tests: what a test needs around the product, never a stand-in for
//! the product's own code.

#![expect(
    clippy::missing_panics_doc,
    reason = "a fixture that fails makes its test fail, and a panic is how"
)]

pub mod crowd;
pub mod engine;
pub mod language;
pub mod memory;
pub mod postgres;
pub mod process;
pub mod request;
pub mod server;
pub mod trial;
pub mod wait;
