//! How fast Kaowei is beside what people use today, measured in the same run.
//!
//! Promises: a figure never stands alone. The [`registry`] says what is compared with what, every round runs each
//! subject once (A B C, A B C, …), so that a slow minute of the machine falls on all alike, and a ratio is the median
//! of the rounds' ratios. A baseline that this machine lacks is named with the reason.
//!
//! To add a figure of ours: write a function that takes a [`measure::Budget`] and returns a [`measure::Measured`], and
//! a row in [`rows`]. `measure::closed_loop` drives anything that implements [`measure::Client`].
//!
//! Deliberately absent: latencies, which need an open loop (the load tester), and instruction counts (callgrind).

pub mod baselines;
pub mod machine;
pub mod measure;
pub mod ours;
pub mod registry;
pub mod report;
pub mod rows;
pub mod workload;
pub mod wrk;
