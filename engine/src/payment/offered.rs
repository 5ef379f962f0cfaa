//! The providers that this server asks.

use std::sync::Arc;

use kaowei_core::payment::{Method, Step};
use tokio::sync::Semaphore;

use super::{Provider, Sandbox};

/// So many are asked at the same time for each of these. A slow provider keeps a place for long, so nobody who wants to
/// pay is to wait behind the scheduled queries of a whole province, nor behind those who refresh again and again.
const ASKED_MAX: usize = 32;

/// Those that are set up.
#[derive(Debug)]
pub(crate) struct Providers {
    pub(crate) sandbox: Option<Arc<Sandbox>>,
    /// Places of those who make, close and refund orders.
    changes: Semaphore,
    /// Places of candidates who refresh.
    pub(super) refreshes: Semaphore,
    /// Places of scheduled queries: all orders of a province may be resumed at once.
    queries: Semaphore,
}

impl Providers {
    pub(crate) fn new(sandbox: Option<Arc<Sandbox>>) -> Self {
        Self {
            sandbox,
            changes: Semaphore::new(ASKED_MAX),
            refreshes: Semaphore::new(ASKED_MAX),
            queries: Semaphore::new(ASKED_MAX),
        }
    }

    /// Where an order's worker has its place while it asks for a step.
    pub(super) fn places(&self, step: Step) -> &Semaphore {
        match step {
            Step::Query | Step::QueryRefund(_) => &self.queries,
            Step::Attach
            | Step::Create
            | Step::Close
            | Step::Pay
            | Step::Detach
            | Step::TakeBack(_)
            | Step::Refund(_)
            | Step::Nothing { .. } => &self.changes,
        }
    }

    /// The provider of a method, if it is set up.
    pub(crate) fn of(&self, method: Method) -> Option<Arc<dyn Provider>> {
        match method {
            Method::Sandbox => self.sandbox.clone().map(|sandbox| sandbox as Arc<dyn Provider>),
            Method::Alipay | Method::WechatPay => None,
        }
    }

    /// The methods that one can pay by.
    pub(crate) fn methods(&self) -> Vec<&'static str> {
        let all = [Method::Sandbox, Method::Alipay, Method::WechatPay].into_iter();
        let offered = all.filter(|method| self.of(*method).is_some());
        offered.map(Method::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r25_who_wants_to_pay_does_not_wait_behind_a_province_of_scheduled_queries() {
        let providers = Providers::new(None);
        let queried = providers.places(Step::Query).try_acquire_many(32);
        let refreshed = providers.refreshes.try_acquire_many(32);
        assert!(queried.is_ok() && refreshed.is_ok());
        assert!(
            providers.places(Step::Query).try_acquire().is_err(),
            "it is bounded"
        );
        for step in [Step::Create, Step::Close] {
            assert!(providers.places(step).try_acquire().is_ok(), "{step:?}");
        }
    }
}
