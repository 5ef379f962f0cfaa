//! The load tester of Kaowei: simulates an opening day over HTTP and proves that nothing was oversold.
//!
//! Promises: it knows only HTTP and the contract's files; no crate of the engine is linked, so that a mistake there
//! can't hide itself here. The library is for tests that want the judge: [`check`] and [`history`].

pub mod arrivals;
pub mod bench;
pub mod candidate;
pub mod check;
pub mod cli;
pub mod client;
pub mod driver;
pub mod history;
pub mod logins;
pub mod processes;
pub mod report;
pub mod run;
pub mod scenario;
pub mod setup;
pub mod world;
