//! The providers that this server asks.

use std::sync::Arc;

use kaowei_core::payment::Method;
use tokio::sync::Semaphore;

use super::{Provider, Sandbox};

/// So many are asked at the same time: all orders of a province may be resumed at once.
const ASKED_MAX: usize = 64;

/// Those that are set up.
#[derive(Debug)]
pub(crate) struct Providers {
    pub(crate) sandbox: Option<Arc<Sandbox>>,
    /// Whoever asks one has a place.
    pub(crate) asking: Semaphore,
}

impl Providers {
    pub(crate) fn new(sandbox: Option<Arc<Sandbox>>) -> Self {
        Self {
            sandbox,
            asking: Semaphore::new(ASKED_MAX),
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
