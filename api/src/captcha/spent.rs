//! The captchas that were used, for as long as they would hold: two generations, each of which takes in for the life
//! of a captcha, so that the older has nothing left that still holds when it is forgotten.

use std::collections::HashSet;

use aws_lc_rs::aead::NONCE_LEN;
use kaowei_core::time::Moment;
use parking_lot::Mutex;

use super::captchas::LIFE;

/// Most that one generation keeps: both are some 10 MiB then.
const GENERATION_MAX: usize = 200_000;

/// More were answered in a short time than can be kept. None more is taken, or one could be used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

type Id = [u8; NONCE_LEN];

/// The used ones.
#[derive(Debug, Default)]
pub(super) struct Spent(Mutex<Generations>);

#[derive(Debug)]
struct Generations {
    young: HashSet<Id>,
    old: HashSet<Id>,
    young_since: Moment,
}

impl Default for Generations {
    fn default() -> Self {
        Self {
            young: HashSet::new(),
            old: HashSet::new(),
            young_since: Moment::MIN,
        }
    }
}

impl Spent {
    /// Spends one; whether it was not spent before.
    pub(super) fn spend(&self, id: Id, now: Moment) -> Result<bool, TooMany> {
        let mut kept = self.0.lock();
        let age = now.since(kept.young_since);
        if age >= LIFE {
            kept.old = if age >= LIFE + LIFE {
                HashSet::new()
            } else {
                std::mem::take(&mut kept.young)
            };
            kept.young.clear();
            kept.young_since = now;
        }
        if kept.young.len() >= GENERATION_MAX {
            return Err(TooMany);
        }
        Ok(!kept.old.contains(&id) && kept.young.insert(id))
    }
}

#[cfg(test)]
mod tests {
    use kaowei_core::time::Span;

    use super::*;

    fn id(number: u32) -> Id {
        let mut id = [0; NONCE_LEN];
        id[..4].copy_from_slice(&number.to_be_bytes());
        id
    }

    #[test]
    fn a_used_one_is_known_for_a_whole_life_and_forgotten_after_two() {
        let spent = Spent::default();
        let start = Moment::from_unix_ms(1_790_000_000_000);
        let at = |seconds| start + Span::from_secs(seconds);
        assert_eq!(spent.spend(id(1), at(0)), Ok(true));
        assert_eq!(spent.spend(id(2), at(299)), Ok(true));
        for later in [300, 450, 599] {
            assert_eq!(spent.spend(id(2), at(later)), Ok(false), "{later}");
        }
        assert_eq!(spent.spend(id(3), at(600)), Ok(true));
        assert_eq!(spent.spend(id(1), at(5_000)), Ok(true));
    }

    #[test]
    fn their_number_is_bounded_and_beyond_it_none_is_taken() {
        let spent = Spent::default();
        let start = Moment::from_unix_ms(1_790_000_000_000);
        let most = u32::try_from(GENERATION_MAX).unwrap();
        for number in 0..most {
            assert_eq!(spent.spend(id(number), start), Ok(true));
        }
        assert_eq!(spent.spend(id(most), start), Err(TooMany));
        assert_eq!(spent.spend(id(most), start + LIFE), Ok(true));
    }
}
