//! How things look on the wire: what is shown to candidates, to staff, to everybody.
//!
//! What is asked for tens of thousands of times a second (claims, pools) is written by hand into one buffer;
//! tests hold those writers against serde's.

mod account;
mod claim;
mod enrolment;
mod events;
mod instant;
mod notice;
mod order;
mod pool;
mod review;
mod sitting;
mod staff_account;
mod todo;
mod writer;

pub use account::{Account, mask};
pub use claim::{Arrangement, Claim, ClaimAnswer, ClaimList, ClaimState, Registrar};
pub use enrolment::{Due, EnrolmentPage, Progress, Qualification, Record, Step, StepState};
pub use events::{CatalogueNews, EnrolmentNews, OwnEvents};
pub use instant::Instant;
pub use notice::{Notice, NoticeKind, NoticeList};
pub use order::{
    Choices, Order, OrderAnswer, OrderState, Refund, RefundProgress, ScoreReport, ScoreReportChoice,
};
pub use pool::{Availability, PublicPool, PublicPools, StaffPool, StaffPools, Waitlist};
pub use review::{
    Applicant, Cet4Result, OwnReview, Review, ReviewList, ReviewToDecide, StaffReview, State as ReviewState,
};
pub use sitting::{AgreementText, CampusList, CampusView, PublicSitting, SubjectView, WindowView};
pub use staff_account::{StaffAccount, StaffAccountState};
pub use todo::{Action, NextCall, Todo};

/// When to ask again for lists of pools.
pub const POOLS_NEXT_POLL_MS: u32 = 5_000;
/// When to ask again for the own state.
pub const OWN_NEXT_POLL_MS: u32 = 10_000;
