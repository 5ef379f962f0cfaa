//! What providers say by themselves (R26): a hint, which is believed when it is verified.

use std::sync::Arc;
use std::time::Duration;

use kaowei_core::ids::OrderId;
use kaowei_core::payment::{Command, Method};
use kaowei_core::registration::Candidate;

use crate::Engine;
use crate::engine::Readiness;
use crate::fail_points::{FailPoint, pass};
use crate::failure::Failure;
use crate::incarnation::Incarnation;
use crate::metrics;
use crate::payment::{Acknowledgement, News, NotVerified, Notification, Sandbox, tell};

/// The sandbox tells nobody who can't hear, and looks again after so long.
const WHILE_RECOVERING: Duration = Duration::from_millis(200);

/// Why a notification was not taken. The provider will tell it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    /// No such provider is set up.
    #[error("there is no such provider")]
    NoProvider,
    /// It is not believed.
    #[error(transparent)]
    NotVerified(#[from] NotVerified),
    /// Not now.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Engine {
    /// Hears a notification, durably; once it is answered, it need not come again.
    ///
    /// # Errors
    /// [`Unheard`].
    pub async fn notified(
        &self,
        method: Method,
        notification: &Notification<'_>,
    ) -> Result<Acknowledgement, Unheard> {
        let provider = self.inner.providers.of(method).ok_or(Unheard::NoProvider)?;
        let heard = match provider.verify(notification, self.now()) {
            Ok(news) => self.hear(method, news).await,
            Err(not_verified) => Err(not_verified.into()),
        };
        metrics::notified(match heard {
            Ok(()) => "taken",
            Err(Unheard::NotVerified(why)) => why.label(),
            Err(Unheard::Failed(_) | Unheard::NoProvider) => "failed",
        });
        heard.map(|()| provider.acknowledgement())
    }

    async fn hear(&self, method: Method, news: News) -> Result<(), Unheard> {
        let incarnation = self.incarnation()?;
        let (order, command) = match news {
            News::Order(order, heard) => (order, Command::Hear(heard)),
            News::Refund(refund, heard) => (refund.order, Command::HearRefund { refund, heard }),
        };
        pass(FailPoint::NotificationVerified);
        // Whoever tells may hang up: what is under way is done to its end.
        let told = tokio::spawn(hear(incarnation, method, order, command)).await;
        told.unwrap_or(Err(Failure::Internal.into()))?;
        pass(FailPoint::NotificationHeard);
        Ok(())
    }

    /// The sandbox, where it is set up.
    pub fn sandbox(&self) -> Option<Arc<Sandbox>> {
        self.inner.providers.sandbox.clone()
    }

    async fn tell_due(&self, sandbox: &Sandbox) -> Result<(), sqlx::Error> {
        for telling in sandbox.due().await? {
            let notification = Notification {
                headers: &telling.headers(),
                body: telling.body(),
            };
            let taken = self.notified(Method::Sandbox, &notification).await.is_ok();
            sandbox.was_told(telling, taken).await?;
        }
        Ok(())
    }

    /// Lets the sandbox tell what it has to, as long as the engine is there.
    pub(crate) fn start_sandbox(&self) {
        let Some(sandbox) = self.sandbox() else { return };
        let engine = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            loop {
                sandbox.until_due().await;
                let Some(inner) = engine.upgrade() else { return };
                let engine = Self { inner };
                match engine.readiness() {
                    Readiness::Stopped { .. } => return,
                    Readiness::Recovering { .. } => {
                        drop(engine);
                        tokio::time::sleep(WHILE_RECOVERING).await;
                        continue;
                    }
                    Readiness::Ready => {}
                }
                if let Err(error) = engine.tell_due(&sandbox).await {
                    tracing::debug!(%error, "the sandbox can't read or write what it has to tell");
                }
            }
        });
    }
}

async fn hear(
    incarnation: Arc<Incarnation>,
    method: Method,
    order: OrderId,
    command: Command,
) -> Result<(), Unheard> {
    let entry = incarnation.owner_of(order).ok_or(NotVerified::Foreign)?;
    if !entry.read(|candidate| is_paid_by(candidate, order, method)) {
        return Err(NotVerified::Foreign.into());
    }
    let turn = entry.take_turn().await;
    let told = tell(&incarnation, &entry, order, &command, &turn).await?;
    told.map_err(|_| Unheard::Failed(Failure::Internal))
}

/// Whether a provider has a say about an order: none speaks for another, and the sandbox's word is worth no money.
fn is_paid_by(candidate: &Candidate, order: OrderId, method: Method) -> bool {
    candidate
        .order(order)
        .is_some_and(|order| order.method() == method)
}

#[cfg(test)]
mod tests {
    use kaowei_core::ids::CandidateId;
    use kaowei_core::payment::{Event, Limits};
    use kaowei_core::sites::Paper;
    use kaowei_core::time::{Moment, Span};

    use super::*;

    #[test]
    fn r26_the_sandbox_is_not_believed_about_an_order_of_another_provider() {
        let now = Moment::from_unix_ms(1_790_000_000_000);
        let opened = Event::OrderOpened {
            order: OrderId(1),
            candidate: CandidateId(2),
            paper: Paper::Written,
            method: Method::Alipay,
            claims: smallvec::SmallVec::new(),
            expires_at: now + Span::from_secs(3_600),
            limits: Limits {
                close_after: Span::from_secs(300),
                grace: Span::from_secs(120),
            },
            key: None,
        };
        let mut candidate = Candidate::default();
        candidate.evolve_order(&opened, now);
        assert!(is_paid_by(&candidate, OrderId(1), Method::Alipay));
        assert!(!is_paid_by(&candidate, OrderId(1), Method::Sandbox));
        assert!(!is_paid_by(&candidate, OrderId(2), Method::Alipay));
    }
}
