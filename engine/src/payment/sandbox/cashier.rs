//! What a person at the sandbox's cashier does, and what the sandbox is told to do with it.

use kaowei_core::ids::{Fen, OrderId};
use kaowei_core::payment::TradeId;
use kaowei_core::time::{Moment, Span};

use super::books::{Notice, Payment};
use super::signature::PaymentTold;
use super::{Sandbox, unavailable};
use crate::failure::Failure;

/// A bill as the cashier shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CashierBill {
    /// The order.
    pub order: OrderId,
    /// How much.
    pub amount: Fen,
    /// What for.
    pub subject: String,
    /// Until when it can be paid.
    pub expires_at: Moment,
    /// Whether it has been paid.
    pub paid: bool,
    /// Whether it can be paid now.
    pub payable: bool,
}

/// What a person does at the cashier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Pays, or tries in vain.
    pub paid: bool,
    /// How often the merchant is told; once if absent.
    pub times: Option<u32>,
    /// How much later than at once; in milliseconds.
    pub delay_ms: Option<u32>,
    /// Another amount than the bill's.
    pub amount: Option<Fen>,
    /// The merchant is not told at all: only a query finds out.
    pub silent: bool,
    /// Money is taken though the bill is paid, closed or expired.
    pub anyway: bool,
}

/// Why the cashier takes no money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CashierRefusal {
    /// There is no such bill.
    #[error("there is no such bill")]
    Unknown,
    /// It was paid before.
    #[error("the bill is paid")]
    Paid,
    /// It is closed, or its time is over.
    #[error("the bill is closed")]
    Closed,
    /// The cashier is closed.
    #[error("the sandbox is told to be down")]
    Down,
    /// Its books can't be reached.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Sandbox {
    /// A bill.
    ///
    /// # Errors
    /// [`CashierRefusal::Unknown`], [`CashierRefusal::Failed`].
    pub async fn bill(&self, order: OrderId) -> Result<CashierBill, CashierRefusal> {
        let found = self
            .books
            .order(order)
            .await
            .map_err(|error| unavailable(&error))?;
        let found = found.ok_or(CashierRefusal::Unknown)?;
        Ok(CashierBill {
            order,
            amount: found.amount,
            paid: found.trade.is_some(),
            payable: found.trade.is_none() && found.is_open(self.now()),
            subject: found.subject,
            expires_at: found.expires_at,
        })
    }

    /// Takes money for a bill, and lets the merchant know.
    ///
    /// # Errors
    /// [`CashierRefusal`].
    pub async fn pay(&self, order: OrderId, outcome: Outcome) -> Result<CashierBill, CashierRefusal> {
        if self.behaviour().down {
            return Err(CashierRefusal::Down);
        }
        if outcome.paid {
            self.take(order, outcome).await?;
            self.told.notify_one();
        }
        self.bill(order).await
    }

    async fn take(&self, order: OrderId, outcome: Outcome) -> Result<(), CashierRefusal> {
        let _undisturbed = self.counter.lock().await;
        let found = self
            .books
            .order(order)
            .await
            .map_err(|error| unavailable(&error))?;
        let found = found.ok_or(CashierRefusal::Unknown)?;
        let now = self.now();
        if !outcome.anyway {
            if found.trade.is_some() {
                return Err(CashierRefusal::Paid);
            }
            if !found.is_open(now) {
                return Err(CashierRefusal::Closed);
            }
        }
        let id = uuid::Uuid::now_v7().simple().to_string();
        let payment = Payment {
            order,
            trade: TradeId(id.as_str().into()),
            amount: outcome.amount.unwrap_or(found.amount),
            paid_at: now,
        };
        let due = self.to_be_told(&payment, id, outcome)?;
        let booked = self.books.pay(&payment, due.as_ref()).await;
        booked.map_err(|error| unavailable(&error))?;
        Ok(())
    }

    /// What is to be told of a payment, if anything.
    fn to_be_told(&self, payment: &Payment, id: String, outcome: Outcome) -> Result<Option<Notice>, Failure> {
        let behaviour = self.behaviour();
        let times = outcome.times.unwrap_or(1).saturating_add(behaviour.repeats);
        if outcome.silent || times == 0 {
            return Ok(None);
        }
        let delay = outcome.delay_ms.unwrap_or(behaviour.delay_ms);
        let told = PaymentTold::new(
            payment.order,
            payment.trade.clone(),
            payment.amount,
            payment.paid_at,
        );
        let body = serde_json::to_string(&told).map_err(|error| {
            tracing::error!(%error, "a notification of the sandbox has no JSON form");
            Failure::Internal
        })?;
        Ok(Some(Notice {
            id,
            body,
            due_at: payment.paid_at + Span::from_ms(delay),
            left: times.into(),
            in_vain: 0,
        }))
    }
}
