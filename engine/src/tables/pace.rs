//! How many events the checkpoint takes over at once and how long it rests after them: claims go first while they pour
//! in, and where few come it catches up as fast as it can. Judged by counting events, not by the time that anything
//! takes, which says as much about the machine's other work.

use std::time::Duration;

/// How many events are taken over in one transaction while claims pour in: few, since on a small machine a long burst
/// of it shows in their latency.
pub(super) const SLICE_MIN: i64 = 1_000;

/// How many at the most: what a slice costs beside its events is then a trifle, and its rows no burden on memory.
const SLICE_MAX: i64 = 16_000;

/// Few claims come where the journal grows by no more than one in so many events taken over.
const FEW: i64 = 10;

/// How many events the tables may lag behind before they hurry: recovery reads a million in a few seconds.
const LAG_MAX: i64 = 1_000_000;

/// The pace, as the last slices make it.
#[derive(Debug)]
pub(super) struct Pace {
    slice: i64,
    /// How long to rest for as long as a slice took.
    patience: u32,
}

impl Pace {
    /// While nothing is known, claims may be pouring in.
    pub(super) fn new() -> Self {
        Self {
            slice: SLICE_MIN,
            patience: 4,
        }
    }

    /// How many events the next slice may have.
    pub(super) fn slice(&self) -> i64 {
        self.slice
    }

    /// Takes note of a slice: so many events, `appended` to the journal since the slice before, `behind` left over.
    pub(super) fn took(&mut self, events: i64, appended: i64, behind: i64) {
        let few_come = appended.saturating_mul(FEW) <= events;
        (self.slice, self.patience) = if few_come {
            ((self.slice * 2).min(SLICE_MAX), 0)
        } else {
            (SLICE_MIN, if behind > LAG_MAX { 1 } else { 4 })
        };
    }

    /// How long to rest after a slice that took so long: four fifths of the time while claims pour in, half of it when
    /// the tables lag too far behind for a quick recovery, and not at all where few come.
    pub(super) fn rest(&self, slice: Duration) -> Duration {
        if self.patience == 0 {
            return Duration::ZERO;
        }
        (slice * self.patience).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICE_TIME: Duration = Duration::from_millis(20);

    #[test]
    fn it_catches_up_in_ever_larger_slices_and_without_a_rest_where_few_claims_come() {
        let mut pace = Pace::new();
        let mut slices = Vec::new();
        for _ in 0..6 {
            slices.push(pace.slice());
            pace.took(pace.slice(), pace.slice() / FEW, 400_000);
            assert_eq!(pace.rest(SLICE_TIME), Duration::ZERO);
        }
        assert_eq!(slices, [1_000, 2_000, 4_000, 8_000, 16_000, 16_000]);
    }

    #[test]
    fn it_steps_back_at_once_when_claims_pour_in() {
        let mut pace = Pace::new();
        assert_eq!(
            pace.rest(SLICE_TIME),
            SLICE_TIME * 4,
            "they may from the beginning"
        );
        pace.took(1_000, 0, 400_000);
        pace.took(2_000, 201, 400_000);
        assert_eq!(pace.slice(), 1_000);
        assert_eq!(pace.rest(SLICE_TIME), SLICE_TIME * 4);
        pace.took(1_000, 5_000, LAG_MAX + 1);
        assert_eq!(
            pace.rest(SLICE_TIME),
            SLICE_TIME,
            "too far behind to be that patient"
        );
    }

    #[test]
    fn a_rest_is_neither_too_short_for_others_to_run_nor_longer_than_a_second() {
        let pace = Pace::new();
        assert_eq!(pace.rest(Duration::ZERO), Duration::from_millis(5));
        assert_eq!(pace.rest(Duration::from_mins(1)), Duration::from_secs(1));
    }
}
