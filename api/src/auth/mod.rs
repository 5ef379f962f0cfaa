//! Who asks: bearer tokens, checked before anything else of a request is looked at.
//!
//! A token is verified once (HS256 with the key that all nodes share through the store) and remembered until it ends;
//! a repeat costs a lookup. Algorithms are pinned per key, so a token can't choose how it is checked. An outside issuer,
//! whose keys come from its JWKS address, can never mint staff.
//!
//! An own token of a candidate ends before its time with a logout or with a new password, one of staff with its account.

mod cache;
mod candidate;
mod ending;
mod keys;
mod passport;
mod rate;
mod session;
mod staff;
mod token;

pub use cache::{Endings, VerifiedTokens};
pub use candidate::Candidate;
pub use keys::{Keys, MintError};
pub use passport::Passport;
pub use rate::{AccountRate, RateLimit};
pub use session::Session;
pub use staff::StaffMember;
pub use token::{OWN_ISSUER, Principal, Role, TokenClaims, subject_of};
