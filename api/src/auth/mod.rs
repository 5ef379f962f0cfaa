//! Who asks: bearer tokens, checked before anything else of a request is looked at.
//!
//! A token is verified once (HS256 with the key that all nodes share through the store) and remembered until it ends;
//! a repeat costs a lookup. Algorithms are pinned per key, so a token can't choose how it is checked. Keys of outside
//! issuers (JWKS), which can never mint staff, get their place beside the own key in `keys.rs` when they come.

mod cache;
mod candidate;
mod keys;
mod rate;
mod staff;
mod token;

pub use cache::VerifiedTokens;
pub use candidate::Candidate;
pub use keys::{Keys, MintError};
pub use rate::{AccountRate, RateLimit};
pub use staff::StaffMember;
pub use token::{OWN_ISSUER, Principal, Role, TokenClaims, subject_of};
