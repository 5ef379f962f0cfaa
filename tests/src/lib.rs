//! Fixtures of the end-to-end, crash and simulation tests: what a test needs around the product, never a stand-in for
//! the product's own code.

pub mod engine;
pub mod postgres;
pub mod wait;
