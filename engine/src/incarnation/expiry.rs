//! Whether deadlines are acted on (1.4).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kaowei_core::ids::national_cell;
use kaowei_core::registration::Event;
use kaowei_core::seats::{self, By, Expiry};
use kaowei_core::time::Span;

use super::Incarnation;
use crate::journal::{CellEvent, Entry, Happened};
use crate::metrics;
use crate::views::ExpiryStatus;

impl Incarnation {
    /// Whether deadlines are acted on. Suspends when the clocks disagree.
    pub(crate) fn expiry(self: &Arc<Self>) -> Expiry {
        let serving = self.serving.load(Ordering::Relaxed);
        if serving && self.expiry_runs.load(Ordering::Relaxed) && !self.clock.disagrees() {
            Expiry::Running
        } else {
            Expiry::Suspended
        }
    }

    /// Whether a hold's deadline has come and is acted on.
    pub(crate) fn is_overdue(self: &Arc<Self>, standing: &seats::Standing) -> bool {
        standing.expires_at().is_some_and(|until| until <= self.now()) && self.expiry() == Expiry::Running
    }

    /// Whether recovery is done.
    pub(crate) fn is_serving(&self) -> bool {
        self.serving.load(Ordering::Acquire)
    }

    /// Recovery is done: what is due is done from now on.
    pub(crate) fn serve(self: &Arc<Self>) {
        self.serving.store(true, Ordering::Release);
        let mut stranded = 0;
        for entry in self.all_candidates() {
            self.follow_orders(&entry);
            stranded += entry.read(|candidate| {
                let unresolved = candidate.orders().iter().filter(|order| order.is_unresolved());
                unresolved
                    .filter(|order| self.providers.of(order.method()).is_none())
                    .count()
            });
        }
        if stranded > 0 {
            tracing::error!(
                stranded,
                "orders wait for a payment provider that is not set up any more: their seats and money stay until it is"
            );
        }
        self.wake_pools();
    }

    pub(crate) fn expiry_status(&self) -> ExpiryStatus {
        self.expiry.lock().clone()
    }

    /// Suspends expiry, if it is not suspended already, and keeps that.
    pub(crate) fn suspend_expiry(self: &Arc<Self>, reason: &str) {
        if !self.expiry_runs.swap(false, Ordering::AcqRel) {
            return;
        }
        tracing::error!(
            reason,
            "expiry is suspended: no hold expires until an operator resumes it (POST /v1/staff/expiry)"
        );
        let reason: Arc<str> = reason.into();
        let event = Event::ExpirySuspended {
            by: By::System,
            reason: reason.clone(),
        };
        self.set_expiry(ExpiryStatus {
            running: false,
            since: Some(self.now()),
            reason: Some(reason),
        });
        let events = vec![CellEvent {
            event: event.into(),
            at: self.now(),
        }];
        self.hand_over(Entry {
            happened: Happened::InCell {
                cell: national_cell(),
                events,
            },
            then: Box::new(|_, _| {}),
        });
    }

    pub(super) fn set_expiry(&self, status: ExpiryStatus) {
        metrics::expiry_suspended(!status.running);
        self.expiry_runs.store(status.running, Ordering::Release);
        *self.expiry.lock() = status;
    }

    /// The shortest wait of a pool's timer: while expiry is suspended nothing is done when it fires.
    pub(crate) fn shortest_wait(&self) -> Span {
        let acting = self.expiry_runs.load(Ordering::Relaxed) && self.serving.load(Ordering::Relaxed);
        if acting {
            Span::from_ms(1)
        } else {
            Span::from_secs(1)
        }
    }
}
