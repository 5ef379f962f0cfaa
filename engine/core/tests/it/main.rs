//! The core's rules as scripts, as properties against a naive model, as replays and as an exhaustive search.
//!
//! One binary. [`town`] couples pools and candidates as the engine does; [`script`] is the small language of the
//! pool tests; [`naive`] is the model to compare with: a list and a loop.
//! [`cashier`] adds orders and the [`provider`] that they are paid at.
//!
//! `PROPTEST_CASES` scales the properties (each runs 40 times as many sequences as it says; 25,000 makes the million
//! before a release), `PROPTEST_RNG_SEED` sets their seed. Without them every run is the same.

mod candidates;
mod capacity;
mod cashier;
mod chain;
mod exhaustive;
mod journal;
mod keys;
mod misfits;
mod money;
mod naive;
mod orders;
mod paying;
mod properties;
mod provider;
mod refunds;
mod replay;
mod restored;
mod reviews;
mod script;
mod seats;
mod settling;
mod town;
mod waitlist;
