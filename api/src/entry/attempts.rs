//! Tries that may fail, counted by whoever tries what: the more of them, the longer the wait for the next.
//!
//! A try counts when it begins, so that many at once are no way around; one that succeeds takes all back. Bounded: two
//! generations; when the younger is full it becomes the older, and what was the older is forgotten.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use kaowei_core::time::{Moment, Span};
use parking_lot::Mutex;

/// Tries in one generation: both are some 12 MiB then.
const GENERATION_MAX: usize = 100_000;

/// Whoever tries what, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 16]);

impl Key {
    /// Of these parts.
    pub fn of(parts: &[&str]) -> Self {
        let hash = digest(&SHA256, parts.join("\n").as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&hash.as_ref()[..16]);
        Self(key)
    }
}

/// How tries are slowed down.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// So many are free.
    pub free: u32,
    /// The wait before the next; it doubles with each further one.
    pub wait: Span,
    /// The longest wait.
    pub wait_max: Span,
    /// After so long without one, all are forgotten.
    pub forgotten_after: Span,
}

#[derive(Debug, Clone, Copy)]
struct Tally {
    count: u32,
    last_at: Moment,
    /// When the try before the last one began.
    earlier_at: Moment,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Key, Tally>,
    old: HashMap<Key, Tally>,
}

/// The counted tries.
#[derive(Debug)]
pub struct Attempts {
    policy: Policy,
    kept: Mutex<Generations>,
}

impl Attempts {
    /// None yet.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            kept: Mutex::default(),
        }
    }

    /// Begins a try; how many came before it without success.
    ///
    /// # Errors
    /// How long to wait before the next: this one does not count.
    pub fn begin(&self, key: Key, now: Moment) -> Result<u32, Span> {
        let mut kept = self.kept.lock();
        let before = kept
            .find(key)
            .filter(|tally| now.since(tally.last_at) < self.policy.forgotten_after);
        let count = before.map_or(0, |tally| tally.count);
        if let Some(tally) = before {
            let may_at = tally.last_at + self.wait_after(count);
            if now < may_at {
                return Err(may_at.since(now));
            }
        }
        let tally = Tally {
            count: count.saturating_add(1),
            last_at: now,
            earlier_at: before.map_or(now, |tally| tally.last_at),
        };
        kept.keep(key, tally);
        Ok(count)
    }

    /// The latest try was none: nobody looked at it. The next need not wait for it either.
    pub fn take_back(&self, key: Key) {
        let mut kept = self.kept.lock();
        if let Some(tally) = kept.find(key) {
            let tally = Tally {
                count: tally.count.saturating_sub(1),
                last_at: tally.earlier_at,
                ..tally
            };
            kept.keep(key, tally);
        }
    }

    /// The latest try succeeded: those before it are forgiven.
    pub fn succeeded(&self, key: Key) {
        let mut kept = self.kept.lock();
        kept.young.remove(&key);
        kept.old.remove(&key);
    }

    fn wait_after(&self, count: u32) -> Span {
        let policy = &self.policy;
        let Some(beyond) = count.checked_sub(policy.free) else {
            return Span::ZERO;
        };
        let doubled = (0..beyond.min(20)).fold(policy.wait, |wait, _| (wait + wait).min(policy.wait_max));
        doubled.min(policy.wait_max)
    }
}

impl Generations {
    fn find(&self, key: Key) -> Option<Tally> {
        self.young.get(&key).or_else(|| self.old.get(&key)).copied()
    }

    fn keep(&mut self, key: Key, tally: Tally) {
        if self.young.len() >= GENERATION_MAX && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, tally);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts() -> Attempts {
        Attempts::new(Policy {
            free: 2,
            wait: Span::from_secs(1),
            wait_max: Span::from_secs(8),
            forgotten_after: Span::from_secs(100),
        })
    }

    fn at(seconds: u32) -> Moment {
        Moment::from_unix_ms(1_790_000_000_000) + Span::from_secs(seconds)
    }

    #[test]
    fn r1_tries_beyond_the_free_ones_wait_longer_and_longer() {
        let attempts = attempts();
        let key = Key::of(&["li", "192.0.2.7"]);
        assert_eq!(attempts.begin(key, at(0)), Ok(0));
        assert_eq!(attempts.begin(key, at(0)), Ok(1));
        assert_eq!(attempts.begin(key, at(0)), Err(Span::from_secs(1)));
        assert_eq!(attempts.begin(key, at(1)), Ok(2));
        assert_eq!(attempts.begin(key, at(2)), Err(Span::from_secs(1)));
        assert_eq!(attempts.begin(key, at(3)), Ok(3));
        for n in 4..40 {
            assert_eq!(attempts.begin(key, at(3 + 8 * (n - 3))), Ok(n));
        }
        let other = Key::of(&["li", "192.0.2.8"]);
        assert_eq!(
            attempts.begin(other, at(3)),
            Ok(0),
            "another address is not slowed down"
        );
        let next = at(3 + 8 * 36 + 100);
        assert_eq!(attempts.begin(key, next), Ok(0), "they are forgotten in the end");
    }

    #[test]
    fn a_try_that_was_not_looked_at_does_not_count() {
        let attempts = attempts();
        let key = Key::of(&["li", "192.0.2.7"]);
        for _ in 0..10 {
            assert_eq!(attempts.begin(key, at(0)), Ok(0));
            attempts.take_back(key);
        }
        for n in 0..2 {
            assert_eq!(attempts.begin(key, at(0)), Ok(n));
        }
        for _ in 0..10 {
            assert_eq!(attempts.begin(key, at(1)), Ok(2), "nor is it waited for");
            attempts.take_back(key);
        }
    }

    #[test]
    fn success_forgives_and_memory_is_bounded() {
        let attempts = attempts();
        let key = Key::of(&["li", "192.0.2.7"]);
        for _ in 0..2 {
            attempts.begin(key, at(0)).unwrap();
        }
        attempts.succeeded(key);
        assert_eq!(attempts.begin(key, at(0)), Ok(0));
        for n in 0..350_000 {
            attempts.begin(Key::of(&[&n.to_string()]), at(0)).unwrap();
        }
        let kept = attempts.kept.lock();
        assert!(kept.young.len() + kept.old.len() <= 2 * GENERATION_MAX);
    }
}
