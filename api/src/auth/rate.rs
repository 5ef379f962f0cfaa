//! How often one account may ask: by account, never by address, since a campus has one address.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use kaowei_core::ids::CandidateId;
use kaowei_core::time::Span;

use crate::problem::{Code, Problem};

/// How often is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountRate {
    /// Requests a second, sustained; 0 for no limit.
    pub per_second: u32,
    /// Requests at once after a pause.
    pub burst: u32,
}

/// Counts the requests of each account.
#[derive(Debug)]
pub struct RateLimit {
    limiter: Option<DefaultKeyedRateLimiter<CandidateId>>,
    clock: DefaultClock,
}

impl RateLimit {
    /// A limit for each account.
    pub fn new(rate: AccountRate) -> Self {
        let quota = NonZeroU32::new(rate.per_second).map(|per_second| {
            let burst = NonZeroU32::new(rate.burst).unwrap_or(per_second).max(per_second);
            Quota::per_second(per_second).allow_burst(burst)
        });
        Self {
            limiter: quota.map(RateLimiter::keyed),
            clock: DefaultClock::default(),
        }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// `rate_limited`, with when to come again.
    pub fn count(&self, account: CandidateId) -> Result<(), Problem> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        limiter.check_key(&account).map_err(|until| {
            let wait: Duration = until.wait_time_from(self.clock.now());
            let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).max(1);
            Problem::new(Code::RateLimited).with_retry_after(Span::from_ms(wait_ms))
        })
    }

    /// Forgets accounts that have not asked for a while; called every so often, or the map grows.
    pub fn forget_idle(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_asks_too_often_is_told_when_to_come_again_and_no_other_suffers() {
        let limit = RateLimit::new(AccountRate {
            per_second: 50,
            burst: 100,
        });
        let refused = (0..200)
            .filter_map(|_| limit.count(CandidateId(1)).err())
            .next_back();
        assert_eq!(refused.map(|problem| problem.code()), Some(Code::RateLimited));
        assert!(limit.count(CandidateId(2)).is_ok());
    }
}
