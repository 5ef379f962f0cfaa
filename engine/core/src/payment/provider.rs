//! What is said to and heard from a provider, whichever it is. Verified before it gets here (R26): a forged answer is
//! no [`Heard`]. That a provider can't be reached is none either: nothing changes then, and it is asked again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::Fen;
use crate::time::{Moment, Span};

/// Providers refuse to close an order that is younger; WeChat Pay says so, the others are treated alike.
pub const CLOSE_AFTER: Span = Span::from_secs(5 * 60);

/// How a candidate pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The server's own, for demos and tests.
    Sandbox,
    /// 支付宝
    Alipay,
    /// 微信支付
    WechatPay,
}

impl Method {
    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Alipay => "alipay",
            Self::WechatPay => "wechat_pay",
        }
    }
}

/// What an order is bound to with its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// How old an order must be before it can be closed; [`CLOSE_AFTER`] where the provider does not say otherwise.
    pub close_after: Span,
    /// How long after its expiry "unknown order" counts as closed (R27): who scans at the last moment makes the trade
    /// exist a little later.
    pub grace: Span,
}

/// A provider's id of one payment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TradeId(pub Arc<str>);

/// A verified answer about an order, whether a notification, or the reply to creating, closing or querying it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Heard {
    /// Money came for it.
    Paid {
        /// The payment.
        trade: TradeId,
        /// How much.
        amount: Fen,
        /// When, by the provider's clock.
        at: Moment,
    },
    /// It can be paid.
    Open,
    /// It can't be paid any more and was not.
    Closed,
    /// There is no such order; also said of one that nobody has scanned yet.
    Unknown,
}

/// A verified answer about a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundHeard {
    /// It was taken, and its end is not known yet.
    Pending,
    /// The money is back.
    Done,
    /// It did not go through.
    Failed,
    /// There is no such refund.
    Unknown,
}
