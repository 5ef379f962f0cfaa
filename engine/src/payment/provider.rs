//! What is asked of a payment provider, whichever it is. The verbs are those that real ones have, with their limits:
//!
//! | here | Alipay (支付宝) | WeChat Pay (微信支付, v3) |
//! | --- | --- | --- |
//! | [`Provider::create`] | `alipay.trade.page.pay` / `wap.pay` (a signed address, nothing is sent; the trade exists from the scan or log-in on), `time_expire` | `POST /v3/pay/transactions/native` or `h5`, `time_expire` |
//! | [`Provider::query`] | `alipay.trade.query` by `out_trade_no`: `WAIT_BUYER_PAY` is open, `TRADE_SUCCESS` and `TRADE_FINISHED` paid, `TRADE_CLOSED` closed (paid, where money had come and is all back), `ACQ.TRADE_NOT_EXIST` unknown | `GET /v3/pay/transactions/out-trade-no/{…}`: `NOTPAY` and `USERPAYING` are open, `SUCCESS` and `REFUND` paid, `CLOSED`, `REVOKED` and `PAYERROR` closed, `ORDER_NOT_EXIST` unknown |
//! | [`Provider::close`] | `alipay.trade.close`; of a trade that does not exist: unknown | `POST …/out-trade-no/{…}/close`, not within 5 minutes of its creation; `ORDER_PAID` is answered by a query |
//! | [`Provider::refund`] | `alipay.trade.refund` with `out_request_no`: `fund_change` of `Y` is done, else pending | `POST /v3/refund/domestic/refunds` with `out_refund_no`, `amount.refund` and `amount.total`: `PROCESSING` is pending, `SUCCESS` done, `CLOSED` and `ABNORMAL` failed |
//! | [`Provider::query_refund`] | `alipay.trade.fastpay.refund.query`: `REFUND_SUCCESS` is done, no such request unknown | `GET /v3/refund/domestic/refunds/{out_refund_no}`, read as above; `RESOURCE_NOT_EXISTS` unknown |
//! | [`Provider::verify`] | form of `notify_url`: RSA2 over the sorted fields, `app_id`, `seller_id`, `notify_time`; acknowledged by `success` | JSON of `notify_url`: `Wechatpay-Signature` over timestamp, nonce and body, then AES-GCM of the resource, `mchid`; acknowledged by 204. Refunds have their own |
//!
//! A refund that failed is sent again under its own number, as both demand: one whose card is gone is done by hand at the
//! provider, and a later answer says so.
//!
//! An order's id is their `out_trade_no`, a refund's their `out_refund_no` or `out_request_no`: both idempotent there,
//! so every verb may be repeated. Asking is never cut off by what the candidate does: who waits is the order's worker.
//!
//! A reply counts only when its signature was verified; one that was not is [`Unanswered::Unverified`], and nothing
//! changes by it.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use kaowei_core::ids::{Fen, OrderId, RefundId};
use kaowei_core::payment::{CLOSE_AFTER, Heard, Method, RefundHeard, TradeId};
use kaowei_core::time::{Moment, Span};

/// A provider's reply, when it comes.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, Unanswered>>;

/// One way to pay.
pub trait Provider: Send + Sync + fmt::Debug {
    /// Which.
    fn method(&self) -> Method;

    /// How old an order must be before this provider closes it, where so much of a hold is kept for that (R25).
    fn close_after(&self, _margin: Span) -> Span {
        CLOSE_AFTER
    }

    /// Makes an order; the same one again is the same order. It stops taking money at an absolute instant.
    fn create<'a>(&'a self, bill: &'a Bill) -> Reply<'a, Created>;

    /// The state of an order. That it is unknown does not mean that nobody can pay it: scan-to-pay trades exist from
    /// the scan on (R27).
    fn query(&self, order: OrderId) -> Reply<'_, Heard>;

    /// Lets nobody pay it any more, and says what has become of it by then.
    fn close(&self, order: OrderId) -> Reply<'_, Heard>;

    /// Gives money back; the same refund again is the same refund.
    fn refund<'a>(&'a self, bill: &'a RefundBill) -> Reply<'a, RefundHeard>;

    /// The state of a refund.
    fn query_refund(&self, refund: RefundId) -> Reply<'_, RefundHeard>;

    /// What a notification says, if it is this provider's, addressed to this merchant and no older than 5 minutes (R26).
    ///
    /// # Errors
    /// [`NotVerified`]: it is refused and counted.
    fn verify(&self, notification: &Notification<'_>, now: Moment) -> Result<News, NotVerified>;

    /// What this provider expects to hear when a notification was taken; anything else lets it come again.
    fn acknowledgement(&self) -> Acknowledgement;
}

/// What a provider is to take money for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The order.
    pub order: OrderId,
    /// How much.
    pub amount: Fen,
    /// What for, as the payer reads it.
    pub subject: Arc<str>,
    /// When it stops taking money.
    pub expires_at: Moment,
    /// How old it must be before it is closed.
    pub close_after: Span,
}

/// What a provider is to give back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundBill {
    /// The refund.
    pub refund: RefundId,
    /// Out of which payment.
    pub trade: TradeId,
    /// How much.
    pub amount: Fen,
    /// How much came by that payment, which some providers want to hear.
    pub received: Fen,
    /// Why, as the payer reads it.
    pub reason: Arc<str>,
}

/// What came of making an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It can be paid.
    Payable {
        /// Where.
        pay_url: Arc<str>,
    },
    /// It has been there, and this has become of it.
    Is(Heard),
}

/// A provider did not answer: nothing is known, and it is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// It was set up when the order was opened, and is not any more.
    #[error("the payment provider is not set up any more")]
    NotSetUp,
    /// It can't be reached, or takes too long.
    #[error("the payment provider can't be reached")]
    Unreachable,
    /// It closes no order that young.
    #[error("the payment provider closes no order that young")]
    TooYoung,
    /// The signature of its reply does not hold.
    #[error("a reply of the payment provider could not be verified")]
    Unverified,
}

/// A request that says that it comes from a provider.
#[derive(Debug, Clone, Copy)]
pub struct Notification<'a> {
    /// Its headers, names in lower case.
    pub headers: &'a [(&'a str, &'a str)],
    /// Its body, as it came.
    pub body: &'a [u8],
}

impl<'a> Notification<'a> {
    /// One of its headers.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// What a verified notification says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Of an order.
    Order(OrderId, Heard),
    /// Of a refund.
    Refund(RefundId, RefundHeard),
}

/// Why a notification is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// Its signature is missing or wrong.
    #[error("the signature is missing or wrong")]
    Forged,
    /// Its timestamp is not within 5 minutes.
    #[error("the timestamp is not within 5 minutes")]
    Stale,
    /// It is for another merchant, or for an order that is none of ours.
    #[error("it is meant for somebody else")]
    Foreign,
    /// It is signed, and can't be read all the same.
    #[error("it can't be read")]
    Unreadable,
}

impl NotVerified {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Forged, Self::Stale, Self::Foreign, Self::Unreadable];

    /// As metrics name it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Forged => "forged",
            Self::Stale => "stale",
            Self::Foreign => "foreign",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What a provider expects to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The type of its body.
    pub content_type: &'static str,
    /// Its body.
    pub body: &'static str,
}
