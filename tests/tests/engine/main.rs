//! The engine in process, on both stores: what a claim goes through, what time does, what a restart keeps.

mod claims;
mod faults;
mod imports;
mod orders;
mod poison;
mod tables;
mod time;
