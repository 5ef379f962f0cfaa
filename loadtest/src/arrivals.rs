//! When candidates arrive: intended times, drawn before the run, whatever the server does (an open loop).
//!
//! The opening curve, over the nominal window of two hours: the share that has arrived by t seconds is
//! `F(t) = ln(1 + t / 30) / ln(241)`. The rate falls as 1 / (t + 30 s): a fifth comes in the first minute, half in
//! the first 7.3 minutes, and the peak, at the opening itself, is N / 165 a second. A shorter window compresses the
//! curve in time and keeps its shape.
//!
//! Promises: the instants are in order, the same seed gives the same ones, and their number is exact.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// The window that the opening curve is stated for.
pub const NOMINAL_WINDOW_SECONDS: f64 = 7200.0;
const KNEE_SECONDS: f64 = 30.0;

/// The shape of arrivals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve {
    /// The opening curve, compressed into so many seconds.
    Opening {
        /// The compressed window.
        window_seconds: f64,
    },
    /// A Poisson process.
    Constant {
        /// Arrivals a second, on average.
        rate_per_second: f64,
    },
}

/// The share of all candidates who have arrived `seconds` after the opening, in nominal time.
pub fn opening_share(seconds: f64) -> f64 {
    (1.0 + seconds / KNEE_SECONDS).ln() / (1.0 + NOMINAL_WINDOW_SECONDS / KNEE_SECONDS).ln()
}

/// When this share has arrived: the inverse of [`opening_share`].
fn opening_instant(share: f64) -> f64 {
    KNEE_SECONDS * ((1.0 + NOMINAL_WINDOW_SECONDS / KNEE_SECONDS).powf(share) - 1.0)
}

impl Curve {
    /// `count` intended instants in ascending order, in microseconds from the start.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "instants are positive and far below 2^52 microseconds"
    )]
    pub fn instants_us(self, count: u32, dice: &mut ChaCha8Rng) -> Vec<u64> {
        let mut instants = Vec::with_capacity(count as usize);
        let mut now_seconds = 0.0;
        for nth in 0..count {
            match self {
                // Stratified: one arrival in each nth part of the curve, so that the shape is exact.
                Self::Opening { window_seconds } => {
                    let share = (f64::from(nth) + dice.random::<f64>()) / f64::from(count);
                    now_seconds = opening_instant(share) * window_seconds / NOMINAL_WINDOW_SECONDS;
                }
                Self::Constant { rate_per_second } => {
                    now_seconds += -(1.0 - dice.random::<f64>()).ln() / rate_per_second;
                }
            }
            instants.push((now_seconds * 1e6) as u64);
        }
        instants
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_fifth_comes_in_the_first_minute_and_all_by_the_end() {
        assert!((opening_share(60.0) - 0.2).abs() < 0.001);
        assert!((opening_share(NOMINAL_WINDOW_SECONDS) - 1.0).abs() < 1e-9);
        let window_seconds = 120.0;
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let instants = Curve::Opening { window_seconds }.instants_us(100_000, &mut dice);
        // 120 s stand for two hours, so one for a minute.
        let first_minute_us = 1_000_000;
        let early = instants.iter().filter(|&&at| at < first_minute_us).count();
        assert!((19_900..20_200).contains(&early), "{early}");
        assert!(instants.is_sorted() && *instants.last().unwrap() <= 120_000_000);
    }

    #[test]
    fn a_constant_rate_is_kept_on_average() {
        let mut dice = ChaCha8Rng::seed_from_u64(2);
        let rate = Curve::Constant {
            rate_per_second: 5000.0,
        };
        let instants = rate.instants_us(50_000, &mut dice);
        let last = *instants.last().unwrap();
        assert!(
            instants.is_sorted() && (9_500_000..10_500_000).contains(&last),
            "{last}"
        );
    }
}
