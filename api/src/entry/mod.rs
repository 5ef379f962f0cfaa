//! What stands before an account: limits by address, limits by account and address, captchas (R1).
//!
//! Nobody can lock another out: tries are counted for the pair of account and address. A campus behind one address is
//! not cut off by those who mistype: the address as a whole has a rate, and no tries.

mod address;
mod attempts;
mod settings;
mod visitor;

pub use address::{ClientAddress, Peer};
pub use attempts::{Attempts, Key, Policy};
pub use settings::{AccessSettings, PassportSettings};
pub use visitor::{Entry, Visitor};
