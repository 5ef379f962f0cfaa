//! The command line (2.7). Standard output carries data only; everything else goes to standard error.

mod audit;
mod client;
mod export;
mod import;
mod maintenance;
mod run;
mod serve;
mod target;
mod task;
mod token;
mod trail;

pub use run::run;
pub use task::{Task, command_line};
pub(crate) use token::{Student, candidate_token, staff_token};
