//! How often somebody may ask. Who has a token is counted by account, never by address, since a campus has one address;
//! who has none yet, by address.

use std::hash::Hash;
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

/// Counts the requests of each account, or address.
pub struct RateLimit<Who: Clone + Eq + Hash> {
    limiter: Option<DefaultKeyedRateLimiter<Who>>,
    clock: DefaultClock,
}

impl<Who: Clone + Eq + Hash> std::fmt::Debug for RateLimit<Who> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RateLimit")
    }
}

impl RateLimit<CandidateId> {
    /// A limit for each account.
    pub fn per_account(rate: AccountRate) -> Self {
        let quota = NonZeroU32::new(rate.per_second).map(|per_second| {
            let burst = NonZeroU32::new(rate.burst).unwrap_or(per_second).max(per_second);
            Quota::per_second(per_second).allow_burst(burst)
        });
        Self::new(quota)
    }
}

impl<Who: Clone + Eq + Hash> RateLimit<Who> {
    /// So many a minute, at any time of it; 0 for no limit.
    pub fn per_minute(times: u32) -> Self {
        Self::new(NonZeroU32::new(times).map(Quota::per_minute))
    }

    fn new(quota: Option<Quota>) -> Self {
        Self {
            limiter: quota.map(RateLimiter::keyed),
            clock: DefaultClock::default(),
        }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// `rate_limited`, with when to come again.
    pub fn count(&self, who: &Who) -> Result<(), Problem> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        limiter.check_key(who).map_err(|until| {
            let wait: Duration = until.wait_time_from(self.clock.now());
            let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).max(1);
            Problem::new(Code::RateLimited).with_retry_after(Span::from_ms(wait_ms))
        })
    }

    /// Forgets those that have not asked for a while; called every so often, or the map grows.
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
        let limit = RateLimit::per_account(AccountRate {
            per_second: 50,
            burst: 100,
        });
        let refused = (0..200)
            .filter_map(|_| limit.count(&CandidateId(1)).err())
            .next_back();
        assert_eq!(refused.map(|problem| problem.code()), Some(Code::RateLimited));
        assert!(limit.count(&CandidateId(2)).is_ok());
    }
}
