//! One candidate: agreement, student record, review, enrolment, and the rules across pools (R2–R13). And who may do what
//! for candidates: the staff's accounts (R32).

mod candidate;
mod choices;
mod eligibility;
mod event;
mod keys;
mod name;
mod review;
mod staff;

pub use candidate::{Agreed, Ask, Candidate, Enrolment, Opening, OrderAsk, OrderVerdict, Verdict};
pub use choices::{Choices, ScoreReport, ScoreReportChoice};
pub use eligibility::Eligibility;
pub use event::{Event, ImportKind};
pub use keys::{AnsweredEnrolment, KEYS_MAX, KeyAnswer, Keys};
pub use name::same_name;
pub use review::{Application, Applying, Cet4Result, Decided, Match, Review, ReviewDecision, ReviewState};
pub use staff::{Revoked, StaffAccount, StaffAccounts};
