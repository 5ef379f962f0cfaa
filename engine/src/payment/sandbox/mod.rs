//! The sandbox: a payment provider that is a part of the server, for demos and tests. No money moves.
//!
//! It keeps books of its own, apart from the engine's, takes "money" at a cashier's page, tells the merchant by signed
//! notifications until they are taken, and is asked like any other provider, with the limits that real ones have. It can
//! be told to misbehave ([`Behaviour`]).
//!
//! It goes by the machine's clock, not by engine time: another company would.

mod behaviour;
mod books;
mod cashier;
mod notify;
mod signature;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use kaowei_core::ids::{OrderId, RefundId};
use kaowei_core::payment::{CLOSE_AFTER, Heard, Method, RefundHeard};
use kaowei_core::time::{Moment, Span};
use tokio::sync::{Mutex, Notify};

pub use behaviour::{Behaviour, RefundManner, Says};
pub use cashier::{CashierBill, CashierRefusal, Outcome};

use super::{
    Acknowledgement, Bill, Created, News, NotVerified, Notification, Provider, RefundBill, Reply, Unanswered,
};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::store::Db;
use books::{Books, Refund};
use signature::Signer;

/// The provider.
#[derive(Debug)]
pub struct Sandbox {
    books: Books,
    signer: Signer,
    clock: Arc<dyn Clock>,
    /// Whoever changes an order looks at it and writes undisturbed.
    counter: Mutex<()>,
    behaviour: parking_lot::RwLock<Behaviour>,
    /// Something is to be told.
    told: Notify,
}

impl Sandbox {
    /// Opens its books.
    pub(crate) async fn open(db: Db, key: &[u8; 32], clock: Arc<dyn Clock>) -> Result<Self, sqlx::Error> {
        let books = Books::new(db);
        let behaviour = books.behaviour().await?;
        Ok(Self {
            books,
            signer: Signer::new(key),
            clock,
            counter: Mutex::default(),
            behaviour: parking_lot::RwLock::new(behaviour),
            told: Notify::new(),
        })
    }

    fn now(&self) -> Moment {
        self.clock.read().0
    }

    /// How it behaves.
    pub fn behaviour(&self) -> Behaviour {
        self.behaviour.read().clone()
    }

    /// Tells it how to behave, from now on and after a restart.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`].
    pub async fn behave(&self, behaviour: Behaviour) -> Result<(), Failure> {
        self.books
            .keep_behaviour(&behaviour)
            .await
            .map_err(|error| unavailable(&error))?;
        *self.behaviour.write() = behaviour;
        self.told.notify_one();
        Ok(())
    }

    /// Takes as long as it was told to, unless it is down.
    async fn reach(&self) -> Result<(), Unanswered> {
        let Behaviour { down, slow_ms, .. } = self.behaviour();
        if down {
            return Err(Unanswered::Unreachable);
        }
        if slow_ms > 0 {
            tokio::time::sleep(Duration::from_millis(slow_ms.into())).await;
        }
        Ok(())
    }

    async fn make(&self, bill: &Bill) -> Result<Created, Unanswered> {
        self.reach().await?;
        let _undisturbed = self.counter.lock().await;
        let order = match self.books.order(bill.order).await? {
            Some(order) => order,
            None => self.books.open(bill, self.now()).await?,
        };
        if order.trade.is_none() && order.is_open(self.now()) {
            let pay_url = format!("/sandbox/pay/{}", bill.order).into();
            return Ok(Created::Payable { pay_url });
        }
        Ok(Created::Is(order.heard(self.now())))
    }

    async fn look(&self, order: OrderId) -> Result<Heard, Unanswered> {
        self.reach().await?;
        if let Some(lie) = self.behaviour.read().lie() {
            return Ok(lie);
        }
        let found = self.books.order(order).await?;
        Ok(found.map_or(Heard::Unknown, |order| order.heard(self.now())))
    }

    async fn shut(&self, order: OrderId) -> Result<Heard, Unanswered> {
        self.reach().await?;
        let _undisturbed = self.counter.lock().await;
        let now = self.now();
        let Some(mut found) = self.books.order(order).await? else {
            return Ok(Heard::Unknown);
        };
        if found.trade.is_none() && found.is_open(now) {
            if now < found.created_at + found.close_after {
                return Err(Unanswered::TooYoung);
            }
            if self.behaviour.read().lie().is_none() {
                self.books.close(order).await?;
                found.closed = true;
            }
        }
        let lie = self.behaviour.read().lie();
        Ok(lie.unwrap_or_else(|| found.heard(now)))
    }

    async fn give_back(&self, bill: &RefundBill) -> Result<RefundHeard, Unanswered> {
        self.reach().await?;
        let _undisturbed = self.counter.lock().await;
        let manner = self.behaviour.read().refunds;
        let before = self.books.refund(bill.refund).await?;
        match before {
            // One that has failed may be tried again.
            Some(Refund::Done) => return Ok(RefundHeard::Done),
            Some(Refund::Pending) if manner == RefundManner::Pending => return Ok(RefundHeard::Pending),
            Some(Refund::Pending | Refund::Failed) | None => {}
        }
        let (received, given_back) = self.books.money_of(&bill.trade, bill.refund).await?;
        let fits = u64::from(bill.amount.0) + given_back <= received;
        let state = match manner {
            _ if !fits => Refund::Failed,
            RefundManner::Done => Refund::Done,
            RefundManner::Pending => Refund::Pending,
            RefundManner::Failed => Refund::Failed,
        };
        self.books.keep_refund(bill, state).await?;
        Ok(state.heard())
    }

    async fn look_at_refund(&self, refund: RefundId) -> Result<RefundHeard, Unanswered> {
        self.reach().await?;
        let _undisturbed = self.counter.lock().await;
        let manner = self.behaviour.read().refunds;
        let found = self.books.refund(refund).await?;
        if found == Some(Refund::Pending) && manner != RefundManner::Pending {
            let state = match manner {
                RefundManner::Failed => Refund::Failed,
                RefundManner::Done | RefundManner::Pending => Refund::Done,
            };
            self.books.end_refund(refund, state).await?;
            return Ok(state.heard());
        }
        Ok(found.map_or(RefundHeard::Unknown, Refund::heard))
    }

    /// What came at the cashier's and what went back, in fen: for who compares the books.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`].
    pub async fn money(&self) -> Result<(u64, u64), Failure> {
        self.books.money().await.map_err(|error| unavailable(&error))
    }
}

impl Provider for Sandbox {
    fn method(&self) -> Method {
        Method::Sandbox
    }

    /// Five of the six minutes that are kept of a hold, and of a shorter margin as large a part: so that a sitting whose
    /// holds last seconds can be tried out.
    fn close_after(&self, margin: Span) -> Span {
        let part = u32::try_from(margin.as_ms() / 6 * 5).unwrap_or(u32::MAX);
        Span::from_ms(part).min(CLOSE_AFTER)
    }

    fn create<'a>(&'a self, bill: &'a Bill) -> Reply<'a, Created> {
        self.make(bill).boxed()
    }

    fn query(&self, order: OrderId) -> Reply<'_, Heard> {
        self.look(order).boxed()
    }

    fn close(&self, order: OrderId) -> Reply<'_, Heard> {
        self.shut(order).boxed()
    }

    fn refund<'a>(&'a self, bill: &'a RefundBill) -> Reply<'a, RefundHeard> {
        self.give_back(bill).boxed()
    }

    fn query_refund(&self, refund: RefundId) -> Reply<'_, RefundHeard> {
        self.look_at_refund(refund).boxed()
    }

    fn verify(&self, notification: &Notification<'_>, now: Moment) -> Result<News, NotVerified> {
        self.signer.verify(notification, now)
    }

    fn acknowledgement(&self) -> Acknowledgement {
        Acknowledgement {
            content_type: "text/plain",
            body: "success",
        }
    }
}

impl From<sqlx::Error> for Unanswered {
    /// The sandbox without its books is a provider that is down.
    fn from(error: sqlx::Error) -> Self {
        tracing::warn!(%error, "the sandbox can't read or write its books");
        Self::Unreachable
    }
}

fn unavailable(error: &sqlx::Error) -> Failure {
    tracing::warn!(%error, "the sandbox can't read or write its books");
    Failure::StoreUnavailable
}
