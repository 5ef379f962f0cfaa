//! Programs that the load tester starts: the server, its command line, cargo.
//!
//! Promises: each is ended by its own id (SIGTERM, then a wait, then SIGKILL) on every way out, Ctrl-C included; none
//! is in the terminal's process group, so that Ctrl-C reaches the load tester alone, which then ends them in order.

mod command;
mod find;
mod interrupt;
mod server;

pub use command::{CommandError, run_to_end};
pub use find::{FindError, find_or_build};
pub use interrupt::Interrupt;
pub use server::{Server, ServerError};
