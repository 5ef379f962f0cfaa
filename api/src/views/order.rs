//! An order as its candidate sees it, and what was chosen before it.

use kaowei_core::payment::{self, RefundState, State};
use kaowei_core::registration;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Instant, OWN_NEXT_POLL_MS};

/// When to ask again for an order that is under way.
const ORDER_NEXT_POLL_MS: u32 = 2_000;

/// How an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// It can be paid, or is being closed.
    Open,
    /// Paid; part of the money may be back.
    Paid,
    /// Ended unpaid.
    Closed,
    /// Money is on its way back.
    Refunding,
    /// All its money is back.
    Refunded,
}

/// How far a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundProgress {
    /// The seat is being taken back first.
    Asked,
    /// The provider is being asked.
    Due,
    /// The provider has taken it.
    Sent,
    /// The money is back.
    Done,
}

/// Money on its way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refund {
    /// Its id, also at the provider.
    pub id: String,
    /// The claim whose fee it is; none where a whole payment goes back that paid nothing.
    pub claim: Option<String>,
    /// How much, in fen.
    pub amount_fen: u32,
    /// Why: `claim_gone`, `paid_twice`, `wrong_amount`, `without_written`, `staff`.
    #[schema(example = "claim_gone")]
    pub cause: &'static str,
    /// The reason that staff gave.
    pub reason: Option<String>,
    /// How far it is.
    pub state: RefundProgress,
    /// How often it has failed; it is tried again by itself.
    pub failures: u32,
    /// Since when it is that far.
    pub since: Instant,
}

impl From<&payment::Refund> for Refund {
    fn from(refund: &payment::Refund) -> Self {
        let (state, failures) = match refund.state {
            RefundState::Asked => (RefundProgress::Asked, 0),
            RefundState::Due { failures } => (RefundProgress::Due, failures),
            RefundState::Sent { failures } => (RefundProgress::Sent, failures),
            RefundState::Done => (RefundProgress::Done, 0),
        };
        let reason = match &refund.cause {
            payment::RefundCause::Staff { reason, .. } => Some(reason.to_string()),
            payment::RefundCause::ClaimGone
            | payment::RefundCause::PaidTwice
            | payment::RefundCause::WrongAmount
            | payment::RefundCause::WithoutWritten => None,
        };
        Self {
            id: refund.id.to_string(),
            claim: refund.claim.map(|claim| claim.to_string()),
            amount_fen: refund.amount.0,
            cause: refund.cause.as_str(),
            reason,
            state,
            failures,
            since: refund.since.into(),
        }
    }
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Order {
    /// Its id, also at the provider.
    #[schema(example = "8f3a5c0b7d21e694")]
    pub id: String,
    /// `written` or `oral`.
    #[schema(example = "written")]
    pub paper: &'static str,
    /// `sandbox`, `alipay` or `wechat_pay`.
    #[schema(example = "sandbox")]
    pub method: &'static str,
    /// The claims that it pays.
    pub claims: Vec<String>,
    /// What it costs, in fen.
    pub amount_fen: u32,
    /// How it stands.
    pub state: OrderState,
    /// Where to pay; none before the provider has made the order, and after it has ended. May be relative to this
    /// server.
    #[schema(example = "/sandbox/pay/8f3a5c0b7d21e694")]
    pub pay_url: Option<String>,
    /// When the provider stops taking money for it.
    pub expires_at: Instant,
    /// When it was opened.
    pub created_at: Instant,
    /// When it was paid, by the provider's clock.
    pub paid_at: Option<Instant>,
    /// Why it is being closed or was: `expired`, `claim_left`, `method_changed`, `reissued`, `wrong_amount`,
    /// `at_provider`, `never_sent`.
    pub closed_because: Option<&'static str>,
    /// What goes back.
    pub refunds: Vec<Refund>,
}

impl From<&payment::Order> for Order {
    fn from(order: &payment::Order) -> Self {
        let (pay_url, paid_at, closed_because) = match order.state() {
            State::Attaching | State::Placed { .. } => (None, None, None),
            State::Payable { pay_url, .. } => (Some(pay_url.to_string()), None, None),
            State::Closing { why, .. } | State::Closed { why, .. } => (None, None, Some(why.as_str())),
            State::Paid { paid_at, .. } => (None, Some(*paid_at), None),
        };
        Self {
            id: order.id().to_string(),
            paper: order.paper().as_str(),
            method: order.method().as_str(),
            claims: order
                .claims()
                .iter()
                .map(|ordered| ordered.claim.to_string())
                .collect(),
            amount_fen: order.amount().0,
            state: match order.status() {
                payment::Status::Open => OrderState::Open,
                payment::Status::Paid => OrderState::Paid,
                payment::Status::Closed => OrderState::Closed,
                payment::Status::Refunding => OrderState::Refunding,
                payment::Status::Refunded => OrderState::Refunded,
            },
            pay_url,
            expires_at: order.expires_at().into(),
            created_at: order.opened_at().into(),
            paid_at: paid_at.map(Instant),
            closed_because,
            refunds: order.refunds().iter().map(Refund::from).collect(),
        }
    }
}

/// One order on its own: the order and when to ask again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrderAnswer {
    /// The order.
    #[serde(flatten)]
    pub order: Order,
    /// When to ask again.
    pub next_poll_ms: u32,
}

impl From<&payment::Order> for OrderAnswer {
    fn from(order: &payment::Order) -> Self {
        Self {
            order: Order::from(order),
            next_poll_ms: if order.is_unresolved() {
                ORDER_NEXT_POLL_MS
            } else {
                OWN_NEXT_POLL_MS
            },
        }
    }
}

/// 成绩报告单: of small languages, the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScoreReport {
    /// 纸质和电子
    PaperAndElectronic,
    /// 电子
    Electronic,
}

impl From<ScoreReport> for registration::ScoreReport {
    fn from(choice: ScoreReport) -> Self {
        match choice {
            ScoreReport::PaperAndElectronic => Self::PaperAndElectronic,
            ScoreReport::Electronic => Self::Electronic,
        }
    }
}

impl From<registration::ScoreReport> for ScoreReport {
    fn from(choice: registration::ScoreReport) -> Self {
        match choice {
            registration::ScoreReport::PaperAndElectronic => Self::PaperAndElectronic,
            registration::ScoreReport::Electronic => Self::Electronic,
        }
    }
}

/// The form of the score report of one written subject; the oral one of its level follows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ScoreReportChoice {
    /// The written subject.
    #[schema(example = "1")]
    pub subject: String,
    /// The form.
    pub choice: ScoreReport,
}

/// What was chosen for after the exam.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Choices {
    /// The forms of score reports that were chosen.
    pub score_reports: Vec<ScoreReportChoice>,
    /// 快速打印
    pub quick_print: bool,
}

impl From<&registration::Choices> for Choices {
    fn from(choices: &registration::Choices) -> Self {
        let reports = choices.score_reports.iter();
        Self {
            score_reports: reports
                .map(|chosen| ScoreReportChoice {
                    subject: chosen.subject.to_string(),
                    choice: chosen.choice.into(),
                })
                .collect(),
            quick_print: choices.quick_print,
        }
    }
}
