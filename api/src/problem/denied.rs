//! What the engine refuses or can't do, as problems. Exhaustive: a new refusal does not compile without its code.

use http::StatusCode;
use kaowei_core::registration::ReviewState;
use kaowei_core::seats::Refusal;
use kaowei_core::time::Span;
use kaowei_engine::{Denied, Failure, Fault};

use super::{Code, Problem};

/// When to repeat a request after the store failed: recovery takes about so long.
const RETRY_AFTER_STORE: Span = Span::from_ms(1_000);

/// When to ask a provider again that did not answer.
const RETRY_AFTER_PROVIDER: Span = Span::from_ms(5_000);

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
        // The contract has no code for the two others: what stands in the way is that something is paid, or about to be.
        Refusal::AlreadyPaid | Refusal::OrderUnresolved(_) | Refusal::OralPaid(_) => Code::AlreadyPaid,
        Refusal::AlreadyGone => Code::AlreadyGone,
        Refusal::ReasonRequired => Code::InvalidRequest,
        Refusal::RecordTaken => Code::RecordTaken,
        Refusal::RecordChanged(_) => Code::RecordChanged,
        Refusal::CapacityBelowTaken { .. } => Code::CapacityBelowTaken,
        Refusal::ReviewExists(_) => Code::ReviewExists,
        Refusal::NoMatchingResult => Code::NoMatchingResult,
        Refusal::PaymentClosed => Code::PaymentClosed,
        Refusal::NothingDue => Code::NothingDue,
        Refusal::WrittenUnpaid => Code::WrittenUnpaid,
        Refusal::ScoreReportMissing => Code::ScoreReportMissing,
        Refusal::HoldEnding => Code::HoldEnding,
        Refusal::UnknownClaim | Refusal::UnknownReview => Code::NotFound,
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
            Refusal::ReviewExists(state) => problem.detailed(how_it_stands(state)),
            Refusal::OrderUnresolved(order) => problem.with_field("order", order.to_string()).detailed((
                "还有缴费订单未结束或退款未完成；请等待订单关闭或退款到账后再试。",
                "An order has not ended yet, or its money is on its way: try again when it is closed or refunded.",
            )),
            Refusal::OralPaid(oral) => problem.with_field("oral", oral.to_string()).detailed((
                "同级别口试已支付；请先退口试，再退笔试。",
                "The oral seat of this level is paid: refund that one first.",
            )),
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
            | Refusal::NoMatchingResult
            | Refusal::UnknownReview
            | Refusal::PaymentClosed
            | Refusal::NothingDue
            | Refusal::WrittenUnpaid
            | Refusal::ScoreReportMissing
            | Refusal::HoldEnding
            | Refusal::UnknownClaim => problem,
        }
    }
}

/// How the review stands that is in the way.
fn how_it_stands(state: ReviewState) -> (&'static str, &'static str) {
    match state {
        ReviewState::Pending => (
            "复核申请正等待学校复核，其间不可修改或撤回。",
            "The review waits for the school's decision: until then it can be neither changed nor taken back.",
        ),
        ReviewState::Approved => (
            "复核已通过，不可更改或取消。",
            "The review is approved, and that is final.",
        ),
        ReviewState::Rejected => (
            "复核未通过，可由考生修改后重新提交，或删除。",
            "The review was rejected: the candidate may correct and submit it again, or delete it.",
        ),
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
            Failure::ProviderUnavailable => Self::new(Code::StoreUnavailable)
                .detailed((
                    "支付平台暂时没有应答；系统会自动继续查询，请稍后再更新。",
                    "The payment provider does not answer for now: it is asked again by itself; refresh a little later.",
                ))
                .with_retry_after(RETRY_AFTER_PROVIDER),
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
