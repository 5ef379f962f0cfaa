//! One candidate: agreement, student record, enrolment, and the rules across pools (R2–R13). And who may do what for
//! candidates: the staff's accounts (R32).

mod candidate;
mod eligibility;
mod event;
mod keys;
mod name;
mod staff;

pub use candidate::{Agreed, Ask, Candidate, Enrolment, Verdict};
pub use eligibility::Eligibility;
pub use event::{Event, ImportKind};
pub use keys::{AnsweredEnrolment, KEYS_MAX, KeyAnswer, Keys};
pub use name::same_name;
pub use staff::{Revoked, StaffAccount, StaffAccounts};
