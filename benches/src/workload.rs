//! The claims that every subject gets: the same pools in the same order, and a new candidate for each.
//!
//! Promises: drawn from a fixed seed before the clock starts, so that neither chance nor the drawing is measured.

use std::sync::Arc;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Seats of each pool. Later claims are queued, which costs a subject just as much as a seat.
pub const CAPACITY: u32 = 1_000;

const POOLS_OF_A_COUNTRY: u32 = 30_000;
const ZIPF_EXPONENT: f64 = 1.1;
const DRAWS: usize = 1 << 18;
const SEED: u64 = 20_260_901;

/// How claims spread over pools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// All want the same pool: the most popular campus.
    HotPool,
    /// Over 30,000 pools by popularity (Zipf 1.1): the whole country.
    Zipf,
}

/// One candidate's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Counted from zero, the most popular first.
    pub pool: u32,
    /// Nobody claims twice in a run, and nobody comes in the order of their number.
    pub candidate: u64,
}

/// One client's claims, without end.
#[derive(Debug, Clone)]
pub struct Claims {
    pools: Arc<[u32]>,
    next: u64,
    stride: u64,
}

impl Spread {
    /// How many pools there are.
    pub fn pools(self) -> u32 {
        match self {
            Self::HotPool => 1,
            Self::Zipf => POOLS_OF_A_COUNTRY,
        }
    }

    /// As it is called in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::HotPool => "hot pool",
            Self::Zipf => "30,000 pools",
        }
    }

    /// A stream of claims for each of `clients`; no candidate is in two of them.
    pub fn claims(self, clients: usize) -> Vec<Claims> {
        let pools: Arc<[u32]> = match self {
            Self::HotPool => Arc::new([0]),
            Self::Zipf => zipf(POOLS_OF_A_COUNTRY, ZIPF_EXPONENT, DRAWS),
        };
        let stride = clients as u64;
        (0..stride)
            .map(|next| Claims {
                pools: Arc::clone(&pools),
                next,
                stride,
            })
            .collect()
    }
}

impl Iterator for Claims {
    type Item = Claim;

    fn next(&mut self) -> Option<Claim> {
        let candidate = self.next;
        self.next += self.stride;
        // The remainder is below the length, which is a usize.
        let draw = usize::try_from(candidate % self.pools.len() as u64).ok()?;
        Some(Claim {
            pool: self.pools[draw],
            candidate,
        })
    }
}

/// The nth of `pools` is wanted in proportion to 1 / n^exponent.
fn zipf(pools: u32, exponent: f64, draws: usize) -> Arc<[u32]> {
    let mut reached = 0.0;
    let cumulative: Vec<f64> = (1..=pools)
        .map(|rank| {
            reached += f64::from(rank).powf(-exponent);
            reached
        })
        .collect();
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let draw = |_| {
        let point = random.random::<f64>() * reached;
        // A point that rounds up to the very end belongs to the last pool.
        let rank = cumulative.partition_point(|&upto| upto <= point);
        u32::try_from(rank).map_or(pools - 1, |rank| rank.min(pools - 1))
    };
    (0..draws).map(draw).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_most_popular_pool_gets_its_share_and_every_pool_is_in_range() {
        let draws = zipf(30_000, 1.1, 100_000);
        let first = draws.iter().filter(|&&pool| pool == 0).count();
        let second = draws.iter().filter(|&&pool| pool == 1).count();
        // 1 / sum of n^-1.1 over 30,000 is 0.143; the second's share is 2^-1.1 of that.
        assert!((13_600..15_000).contains(&first), "{first}");
        assert!((6_200..7_100).contains(&second), "{second}");
        assert!(draws.iter().all(|&pool| pool < 30_000));
        assert_eq!(draws, zipf(30_000, 1.1, 100_000), "the seed is fixed");
    }

    #[test]
    fn no_candidate_claims_twice() {
        let streams = Spread::Zipf.claims(7);
        let candidates: Vec<u64> = streams
            .into_iter()
            .flat_map(|claims| claims.take(100).map(|claim| claim.candidate))
            .collect();
        assert_eq!(candidates.iter().collect::<BTreeSet<_>>().len(), 700);
    }
}
