//! Time (1.4): what the engine takes for now, and when it stops trusting the wall clock.
//!
//! Engine time never runs backwards. Wall clock and boot-time clock are compared at every look: while they agree
//! within 5 s, engine time is the wall clock's; when they disagree, it goes on by the boot-time clock and expiry is
//! suspended until the operators resume it, so that a clock that jumps forward can't expire a million holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kaowei_core::time::{Moment, Span};
use parking_lot::Mutex;

/// How far the clocks may disagree.
pub const DISAGREEMENT_MAX: Span = Span::from_secs(5);

/// A source of time: the machine's, or a test's.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The wall clock, and the time since some fixed instant by a clock that nobody sets and that runs while the
    /// machine sleeps: both as of one moment.
    fn read(&self) -> (Moment, Duration);
    /// Whether the store's clock should agree with it: not one that a test sets at will.
    fn should_agree_with_the_store(&self) -> bool {
        true
    }
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn read(&self) -> (Moment, Duration) {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        let wall = Moment::from_unix_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX));
        let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(boot.tv_sec).unwrap_or(0);
        let nanos = u32::try_from(boot.tv_nsec).unwrap_or(0);
        (wall, Duration::new(seconds, nanos))
    }
}

/// A clock that stands still until a test moves it. Wall and boot-time clock move together, or apart for a jump.
#[derive(Debug)]
pub struct ManualClock {
    shows: Mutex<(Moment, Duration)>,
    compared: AtomicBool,
}

impl ManualClock {
    /// A clock that shows that instant.
    pub fn new(wall: Moment) -> Arc<Self> {
        let shows = Mutex::new((wall, Duration::from_secs(1_000)));
        Arc::new(Self {
            shows,
            compared: AtomicBool::new(false),
        })
    }

    /// Lets time pass on both clocks.
    pub fn advance(&self, span: Span) {
        let mut shows = self.shows.lock();
        *shows = (shows.0 + span, shows.1 + span.to_std());
    }

    /// Lets the engine compare it with the store's clock from now on.
    pub fn compare_with_the_store(&self) {
        self.compared.store(true, Ordering::SeqCst);
    }

    /// Sets the wall clock alone, as an operator or a broken time server would.
    pub fn jump_to(&self, wall: Moment) {
        self.shows.lock().0 = wall;
    }
}

impl Clock for ManualClock {
    fn read(&self) -> (Moment, Duration) {
        *self.shows.lock()
    }

    fn should_agree_with_the_store(&self) -> bool {
        self.compared.load(Ordering::SeqCst)
    }
}

/// Engine time.
#[derive(Debug)]
pub(crate) struct EngineClock {
    clock: Arc<dyn Clock>,
    anchor: Mutex<Anchor>,
    last_ms: AtomicI64,
    disagrees: AtomicBool,
}

/// An instant at which both clocks were believed.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    wall: Moment,
    since_boot: Duration,
}

impl EngineClock {
    /// Engine time from now on, never before `floor`: the latest instant that the journal knows.
    pub(crate) fn new(clock: Arc<dyn Clock>, floor: Moment) -> Self {
        let (wall, since_boot) = clock.read();
        let behind = floor.since(wall) > DISAGREEMENT_MAX;
        let anchor = Anchor {
            wall: wall.max(floor),
            since_boot,
        };
        Self {
            clock,
            anchor: Mutex::new(anchor),
            last_ms: AtomicI64::new(anchor.wall.unix_ms()),
            disagrees: AtomicBool::new(behind),
        }
    }

    /// Now.
    pub(crate) fn now(&self) -> Moment {
        let (wall, expected, _) = self.look();
        let agrees = !self.disagrees.load(Ordering::Relaxed) && apart(wall, expected) <= DISAGREEMENT_MAX;
        let now = if agrees { wall } else { expected };
        if !agrees {
            self.disagrees.store(true, Ordering::Relaxed);
        }
        let before = self.last_ms.fetch_max(now.unix_ms(), Ordering::Relaxed);
        Moment::from_unix_ms(before.max(now.unix_ms()))
    }

    /// Whether the wall clock is not believed.
    pub(crate) fn disagrees(&self) -> bool {
        self.now();
        self.disagrees.load(Ordering::Relaxed)
    }

    /// Follows a slow drift: to be called every second or so.
    pub(crate) fn follow(&self) {
        let (wall, expected, since_boot) = self.look();
        if !self.disagrees.load(Ordering::Relaxed) && apart(wall, expected) <= DISAGREEMENT_MAX {
            *self.anchor.lock() = Anchor { wall, since_boot };
        }
    }

    /// The operators have looked at the clocks: the wall clock is believed again; engine time waits for it where
    /// it is behind.
    pub(crate) fn trust_wall(&self) {
        let (wall, since_boot) = self.clock.read();
        let last = Moment::from_unix_ms(self.last_ms.load(Ordering::Relaxed));
        *self.anchor.lock() = Anchor {
            wall: wall.max(last),
            since_boot,
        };
        // A wall clock that is still far behind stays unbelieved, but is no reason to suspend again.
        self.disagrees
            .store(last.since(wall) > DISAGREEMENT_MAX, Ordering::Relaxed);
    }

    /// How far the store's clock and this machine's are apart.
    pub(crate) fn apart_from_store(&self, store: Moment) -> Span {
        if self.clock.should_agree_with_the_store() {
            apart(store, self.clock.read().0)
        } else {
            Span::ZERO
        }
    }

    /// The wall clock, what it should show by the boot-time clock, and that.
    fn look(&self) -> (Moment, Moment, Duration) {
        let (wall, since_boot) = self.clock.read();
        let anchor = *self.anchor.lock();
        let passed = since_boot.saturating_sub(anchor.since_boot);
        (wall, anchor.wall + Span::from_std(passed), since_boot)
    }
}

fn apart(one: Moment, other: Moment) -> Span {
    one.since(other).max(other.since(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nine() -> Moment {
        Moment::from_unix_ms(1_700_000_000_000)
    }

    #[test]
    fn engine_time_follows_the_wall_clock_while_the_clocks_agree() {
        let clock = ManualClock::new(nine());
        let engine = EngineClock::new(clock.clone(), Moment::MIN);
        clock.advance(Span::from_secs(3600));
        assert_eq!(engine.now(), nine() + Span::from_secs(3600));
        clock.jump_to(nine() + Span::from_secs(3603));
        assert_eq!(engine.now(), nine() + Span::from_secs(3603));
        assert!(!engine.disagrees());
    }

    #[test]
    fn a_jump_forward_is_not_believed_until_the_operators_say_so() {
        let clock = ManualClock::new(nine());
        let engine = EngineClock::new(clock.clone(), Moment::MIN);
        clock.jump_to(nine() + Span::from_secs(90_000));
        clock.advance(Span::from_secs(1));
        assert_eq!(engine.now(), nine() + Span::from_secs(1));
        assert!(engine.disagrees());
        engine.trust_wall();
        assert_eq!(engine.now(), nine() + Span::from_secs(90_001));
        assert!(!engine.disagrees());
    }

    #[test]
    fn a_jump_backwards_never_turns_engine_time_back() {
        let clock = ManualClock::new(nine());
        let engine = EngineClock::new(clock.clone(), Moment::MIN);
        clock.advance(Span::from_secs(10));
        let before = engine.now();
        clock.jump_to(nine() + Span::from_secs(8));
        assert_eq!(engine.now(), before, "a small step back makes it wait");
        clock.jump_to(nine());
        clock.advance(Span::from_secs(20));
        assert_eq!(engine.now(), nine() + Span::from_secs(30));
        assert!(engine.disagrees());
        engine.trust_wall();
        clock.advance(Span::from_secs(1));
        assert_eq!(engine.now(), nine() + Span::from_secs(31));
    }

    #[test]
    fn a_wall_clock_behind_the_journal_at_the_start_is_not_believed() {
        let clock = ManualClock::new(nine());
        let engine = EngineClock::new(clock.clone(), nine() + Span::from_secs(3600));
        assert!(engine.disagrees());
        clock.advance(Span::from_secs(1));
        assert_eq!(engine.now(), nine() + Span::from_secs(3601));
    }
}
