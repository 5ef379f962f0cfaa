//! What the engine refuses or can't do, as problems. Exhaustive: a new refusal does not compile without its code.

use http::StatusCode;
use kaowei_core::seats::Refusal;
use kaowei_core::time::Span;
use kaowei_engine::{Denied, Failure, Fault};

use super::{Code, Problem};

/// When to repeat a request after the store failed: recovery takes about so long.
const RETRY_AFTER_STORE: Span = Span::from_ms(1_000);

/// The code of a refusal.
pub fn refusal_code(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::AgreementRequired => Code::AgreementRequired,
        Refusal::NoStudentRecord => Code::NoStudentRecord,
        Refusal::NotEnrolled => Code::NotEnrolled,
        Refusal::OutsideWindow => Code::OutsideWindow,
        Refusal::NotEligible => Code::NotEligible,
        Refusal::WrittenRequired => Code::WrittenRequired,
        Refusal::LevelTaken(_) => Code::LevelTaken,
        Refusal::AlreadyWaiting(_) => Code::AlreadyWaiting,
        Refusal::PoolClosed => Code::PoolClosed,
        Refusal::PoolFull => Code::PoolFull,
        Refusal::WaitlistClosed => Code::WaitlistClosed,
        Refusal::AlreadyPaid => Code::AlreadyPaid,
        Refusal::AlreadyGone => Code::AlreadyGone,
        Refusal::ReasonRequired => Code::InvalidRequest,
        Refusal::RecordTaken => Code::RecordTaken,
        Refusal::RecordChanged(_) => Code::RecordChanged,
        Refusal::CapacityBelowTaken { .. } => Code::CapacityBelowTaken,
        Refusal::UnknownClaim => Code::NotFound,
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = Self::new(refusal_code(&refusal));
        match refusal {
            Refusal::ReasonRequired => Self::wrong_field(
                "/reason",
                (
                    "取消候补须说明原因：从列表中选择，或自行填写。",
                    "Leaving the queue needs a reason: one of the list, or your own words.",
                ),
            ),
            Refusal::RecordChanged(version) => problem.with_field("record_version", version.0),
            Refusal::CapacityBelowTaken { held, paid } => problem
                .detailed(&Fault::CapacityBelowTaken { held, paid })
                .with_field("held", held)
                .with_field("paid", paid),
            Refusal::AgreementRequired
            | Refusal::NoStudentRecord
            | Refusal::NotEnrolled
            | Refusal::OutsideWindow
            | Refusal::NotEligible
            | Refusal::WrittenRequired
            | Refusal::LevelTaken(_)
            | Refusal::AlreadyWaiting(_)
            | Refusal::PoolClosed
            | Refusal::PoolFull
            | Refusal::WaitlistClosed
            | Refusal::AlreadyPaid
            | Refusal::AlreadyGone
            | Refusal::RecordTaken
            | Refusal::UnknownClaim => problem,
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::StoreUnavailable => {
                Self::new(Code::StoreUnavailable).with_retry_after(RETRY_AFTER_STORE)
            }
            Failure::Overloaded { retry_after } => Self::new(Code::Overloaded).with_retry_after(retry_after),
            Failure::NotLeader => Self::new(Code::NotLeader).with_retry_after(RETRY_AFTER_STORE),
            Failure::Internal => Self::new(Code::Internal),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refused(refusal) => refusal.into(),
            Denied::Failed(failure) => failure.into(),
            Denied::NotFound => Self::new(Code::NotFound),
            Denied::OutOfScope => Self::new(Code::Forbidden),
            Denied::IdempotencyMismatch => Self::new(Code::IdempotencyMismatch),
            Denied::Invalid(wrong) => wrong
                .iter()
                .fold(Self::new(Code::InvalidRequest), |problem, wrong| {
                    problem.and_wrong_field(&wrong.pointer, &wrong.fault)
                }),
            // The id is in the address, and well-formed.
            Denied::NoSuchPool(fault) => {
                Self::wrong_parameter(StatusCode::UNPROCESSABLE_ENTITY, "id", &fault)
            }
            Denied::Unreadable(fault) => Self::new(Code::InvalidRequest).detailed(&fault),
            Denied::AccountExists => Self::new(Code::AccountExists),
            Denied::BadCredentials => Self::new(Code::BadCredentials),
            Denied::PassportAccount => Self::new(Code::Forbidden).detailed((
                "此账号来自外部通行证，密码不在本系统中。",
                "The account comes from an outside passport, so its password is not kept here.",
            )),
            Denied::StaffAccountEnded => Self::new(Code::Unauthenticated)
                .detailed(("此管理账号已停用。", "This account of staff has ended.")),
            Denied::UnknownAccount => Self::new(Code::Unauthenticated).detailed((
                "令牌对应的账号不存在，且令牌中没有可用的个人信息。",
                "The token names an account that does not exist, and carries no personal data to make it.",
            )),
        }
    }
}
