//! The rules of exam registration, and nothing else.
//!
//! Everything here is pure: no I/O, no clock, no randomness, no async. `now` and ids are arguments. A decider is a
//! plain struct with two functions: `decide(&self, command, now)` says what would happen, `evolve(&mut self, event)`
//! makes it so and cannot fail. Live work and replay share `evolve`, so they agree by construction.
//!
//! - [`seats`]: one pool of seats: who holds one, who waits, who is next (R14–R23, R34).
//! - [`registration`]: one candidate: agreement, eligibility, enrolment, one claim per level (R2–R13).
//! - [`payment`]: one order: what was agreed with the provider, what was heard, what goes back (R24–R29).
//! - [`cell`]: what happens in a province outside its pools, as one stream.
//! - [`sites`]: the tree of campuses, the catalogue of subjects, the schedule of windows (R18).
//! - [`notices`]: what candidates are told of without asking (R36).
//! - [`audit`]: the hash chain that makes a rewritten history visible (R35).
//! - [`invariant`]: the numbered list of what must never be false.
//!
//! Deliberately absent: durability (the engine's journal), rules across pools while a request is in flight (the
//! engine's candidate entries), persons (the core knows pseudonyms only).

pub mod audit;
pub mod cell;
pub mod ids;
pub mod invariant;
pub mod notices;
pub mod payment;
pub mod registration;
pub mod seats;
pub mod sites;
pub mod stored;
pub mod time;
