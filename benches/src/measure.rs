//! Measuring a rate over a bounded time.
//!
//! Promises: counts what was answered between two readings of the clock after a warm-up, never what was merely sent;
//! one failed claim fails the measurement, since a rate of errors is no rate.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::JoinSet;

use crate::workload::{Claim, Spread};

/// How long one measurement may take.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Caches, connections and plans get warm in it; not counted.
    pub warm_up: Duration,
    /// What is counted.
    pub measured: Duration,
}

impl Budget {
    /// For figures that are published.
    pub const FULL: Self = Self {
        warm_up: Duration::from_secs(1),
        measured: Duration::from_secs(5),
    };
    /// For a look during work.
    pub const QUICK: Self = Self {
        warm_up: Duration::from_millis(300),
        measured: Duration::from_millis(1_500),
    };
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// Answers a second.
    PerSecond(f64),
    /// This machine lacks something; says what.
    Skipped(String),
}

/// Somebody who makes one claim after another, each when the last has been answered.
pub trait Client: Send + 'static {
    /// Returns when the claim is decided and durable, as far as the subject promises that.
    fn claim(&mut self, claim: Claim) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Runs `measurement` on a runtime with a thread for each core, as a server would have.
pub fn on_all_cores<T>(measurement: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("can't start a runtime")?.block_on(measurement)
}

/// All `clients` claim at once, each waiting for its answer: as many claims are in flight as there are clients.
pub async fn closed_loop<C: Client>(
    clients: Vec<C>,
    spread: Spread,
    budget: &Budget,
) -> anyhow::Result<Measured> {
    let answered = Arc::new(AtomicU64::new(0));
    let enough = Arc::new(AtomicBool::new(false));
    let mut running = JoinSet::new();
    for (claims, mut client) in spread.claims(clients.len()).into_iter().zip(clients) {
        let (answered, enough) = (Arc::clone(&answered), Arc::clone(&enough));
        running.spawn(async move {
            for claim in claims {
                if enough.load(Ordering::Relaxed) {
                    break;
                }
                client.claim(claim).await?;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }

    let counted = async {
        tokio::time::sleep(budget.warm_up).await;
        let (from, start) = (answered.load(Ordering::Relaxed), Instant::now());
        tokio::time::sleep(budget.measured).await;
        let (upto, elapsed) = (answered.load(Ordering::Relaxed), start.elapsed());
        per_second(upto - from, elapsed)
    };
    let measured = tokio::select! {
        measured = counted => measured,
        // Clients go on until told to stop, so one that ends now has failed.
        Some(ended) = running.join_next() => {
            ended.context("a client panicked")??;
            anyhow::bail!("a client ended by itself")
        }
    };
    enough.store(true, Ordering::Relaxed);
    while let Some(ended) = running.join_next().await {
        ended.context("a client panicked")??;
    }
    Ok(measured)
}

/// For subjects that count for themselves.
pub fn per_second(answered: u64, elapsed: Duration) -> Measured {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of a few seconds are far below 2^53"
    )]
    let answered = answered as f64;
    Measured::PerSecond(answered / elapsed.as_secs_f64())
}

/// The middle of the figures; the mean of the two middle ones when there is an even number of them.
pub fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (lower, upper) = (
        sorted.get(sorted.len().checked_sub(1)? / 2)?,
        sorted.get(sorted.len() / 2)?,
    );
    Some(f64::midpoint(*lower, *upper))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    struct Counts(BTreeSet<u64>);

    impl Client for Counts {
        async fn claim(&mut self, claim: Claim) -> anyhow::Result<()> {
            anyhow::ensure!(self.0.insert(claim.candidate), "claimed twice");
            tokio::task::yield_now().await;
            Ok(())
        }
    }

    struct Fails;

    impl Client for Fails {
        async fn claim(&mut self, _claim: Claim) -> anyhow::Result<()> {
            anyhow::bail!("the store is gone")
        }
    }

    const BRIEF: Budget = Budget {
        warm_up: Duration::from_millis(5),
        measured: Duration::from_millis(20),
    };

    #[tokio::test]
    async fn what_is_answered_is_counted() -> anyhow::Result<()> {
        let clients = vec![Counts(BTreeSet::new()), Counts(BTreeSet::new())];
        let measured = closed_loop(clients, Spread::HotPool, &BRIEF).await?;
        assert!(
            matches!(measured, Measured::PerSecond(rate) if rate > 0.0),
            "{measured:?}"
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_failed_claim_fails_the_measurement() {
        let error = closed_loop(vec![Fails], Spread::HotPool, &BRIEF)
            .await
            .expect_err("no claim succeeded");
        assert_eq!(error.to_string(), "the store is gone");
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
    }
}
