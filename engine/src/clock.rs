//! Time (1.4): what the engine takes for now, and when it stops trusting the wall clock.
//!
//! Engine time never runs backwards. Wall clock and boot-time clock are compared at every look: while they agree
//! within 5 s, engine time is the wall clock's; when they disagree, it goes on by the boot-time clock and expiry is
//! suspended until the operators resume it, so that a clock that jumps forward can't expire a million holds. Then engine
//! time is the wall clock's again, and waits for it where it was set back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kaowei_core::time::{Moment, Span};
use parking_lot::Mutex;

/// How far the clocks may disagree.
pub const DISAGREEMENT_MAX: Span = Span::from_secs(5);

/// Two readings that are no further apart are of one moment.
const AT_ONCE: Duration = Duration::from_millis(100);

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
        let mut before = since_boot();
        loop {
            let wall = wall();
            let after = since_boot();
            // Whoever was stopped in between, for seconds perhaps, looks again.
            if after.saturating_sub(before) <= AT_ONCE {
                return (wall, after);
            }
            before = after;
        }
    }
}

fn wall() -> Moment {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Moment::from_unix_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

fn since_boot() -> Duration {
    let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(boot.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(boot.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
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
///
/// The clocks are read with the lock held: a reading is never older than what it is judged by, and what one thread
/// found out about the clocks before the operators trusted them again is not told afterwards.
#[derive(Debug)]
pub(crate) struct EngineClock {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// An instant at which both clocks were believed.
    anchor: Anchor,
    /// The latest instant that was told.
    last: Moment,
    /// The wall clock is not believed, until the operators trust it.
    disagrees: bool,
}

#[derive(Debug, Clone, Copy)]
struct Anchor {
    wall: Moment,
    since_boot: Duration,
}

/// When the store was asked for its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked(Anchor);

impl EngineClock {
    /// Engine time from now on, never before `floor`: the latest instant that the journal knows.
    pub(crate) fn new(clock: Arc<dyn Clock>, floor: Moment) -> Self {
        let (wall, since_boot) = clock.read();
        let disagrees = floor.since(wall) > DISAGREEMENT_MAX;
        let believed = if disagrees { floor } else { wall };
        let anchor = Anchor {
            wall: believed,
            since_boot,
        };
        let state = State {
            anchor,
            last: wall.max(floor),
            disagrees,
        };
        Self {
            clock,
            state: Mutex::new(state),
        }
    }

    /// Now.
    pub(crate) fn now(&self) -> Moment {
        let mut state = self.state.lock();
        state.look(&*self.clock);
        state.last
    }

    /// Whether the wall clock is not believed.
    pub(crate) fn disagrees(&self) -> bool {
        let mut state = self.state.lock();
        state.look(&*self.clock);
        state.disagrees
    }

    /// Follows a slow drift: to be called every second or so.
    pub(crate) fn follow(&self) {
        let mut state = self.state.lock();
        let seen = state.look(&*self.clock);
        if !state.disagrees {
            state.anchor = seen;
        }
    }

    /// The operators have looked at the clocks: the wall clock is believed again; engine time waits for it where
    /// it is behind, so that no deadline comes before the instant that was shown.
    pub(crate) fn trust_wall(&self) {
        let mut state = self.state.lock();
        let (wall, since_boot) = self.clock.read();
        state.anchor = Anchor { wall, since_boot };
        state.disagrees = false;
    }

    /// Where this machine's clocks are when the store is asked for its time.
    pub(crate) fn ask_the_store(&self) -> Asked {
        let (wall, since_boot) = self.clock.read();
        Asked(Anchor { wall, since_boot })
    }

    /// How far the store's clock and this machine's are apart, at the least: the store looked at its clock at some
    /// time between the question and now.
    pub(crate) fn apart_from_store(&self, asked: Asked, store: Moment) -> Span {
        if !self.clock.should_agree_with_the_store() {
            return Span::ZERO;
        }
        let Asked(earliest) = asked;
        let (_, since_boot) = self.clock.read();
        let latest = earliest.expects(since_boot);
        earliest.wall.since(store).max(store.since(latest))
    }
}

impl State {
    /// Reads the clocks, judges them, and lets engine time go on.
    fn look(&mut self, clock: &dyn Clock) -> Anchor {
        let (wall, since_boot) = clock.read();
        let expected = self.anchor.expects(since_boot);
        self.disagrees |= apart(wall, expected) > DISAGREEMENT_MAX;
        let now = if self.disagrees { expected } else { wall };
        self.last = self.last.max(now);
        Anchor { wall, since_boot }
    }
}

impl Anchor {
    /// What the wall clock should show by the boot-time clock.
    fn expects(&self, since_boot: Duration) -> Moment {
        let passed = since_boot.saturating_sub(self.since_boot);
        self.wall + Span::from_std(passed)
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
    }

    /// Deadlines were shown by engine time: none may come before that instant by the clock that is believed.
    #[test]
    fn engine_time_waits_for_a_wall_clock_that_is_trusted_and_behind() {
        let clock = ManualClock::new(nine());
        let engine = EngineClock::new(clock.clone(), Moment::MIN);
        clock.jump_to(nine() - Span::from_secs(3600));
        clock.advance(Span::from_secs(1));
        assert_eq!(engine.now(), nine() + Span::from_secs(1));
        assert!(engine.disagrees());
        engine.trust_wall();
        clock.advance(Span::from_secs(3000));
        assert!(!engine.disagrees(), "the operators have trusted it");
        assert_eq!(engine.now(), nine() + Span::from_secs(1));
        clock.advance(Span::from_secs(700));
        assert_eq!(engine.now(), nine() + Span::from_secs(101));
    }

    #[test]
    fn a_start_a_little_before_the_journal_s_latest_instant_leaves_the_whole_tolerance() {
        let clock = ManualClock::new(nine());
        let engine = EngineClock::new(clock.clone(), nine() + Span::from_secs(4));
        clock.jump_to(nine() - Span::from_secs(3));
        assert!(!engine.disagrees());
        assert_eq!(engine.now(), nine() + Span::from_secs(4));
    }

    /// A clock whose reader is overtaken by the others once: between its reading and what is made of that.
    #[derive(Debug)]
    struct Overtaken {
        clock: Arc<ManualClock>,
        others: Mutex<Option<std::sync::mpsc::Sender<()>>>,
        done: Mutex<std::sync::mpsc::Receiver<()>>,
    }

    impl Clock for Overtaken {
        fn read(&self) -> (Moment, Duration) {
            let reading = self.clock.read();
            if let Some(others) = self.others.lock().take() {
                others.send(()).unwrap();
                // They either are done, or wait for this one.
                self.done.lock().recv_timeout(Duration::from_millis(100)).ok();
            }
            reading
        }
    }

    /// Lets one thread look at the clock, be stopped after its reading while `others` go on, and make of it what it can.
    fn overtaken(
        clock: &Arc<ManualClock>,
        others: impl FnOnce(&EngineClock) + Send + 'static,
    ) -> Arc<EngineClock> {
        let (start, started) = std::sync::mpsc::channel();
        let (finish, finished) = std::sync::mpsc::channel();
        let overtaken = Arc::new(Overtaken {
            clock: clock.clone(),
            others: Mutex::new(None),
            done: Mutex::new(finished),
        });
        let engine = Arc::new(EngineClock::new(overtaken.clone(), Moment::MIN));
        *overtaken.others.lock() = Some(start);
        let beside = engine.clone();
        let others = std::thread::spawn(move || {
            started.recv().unwrap();
            others(&beside);
            finish.send(()).ok();
        });
        engine.now();
        others.join().unwrap();
        engine
    }

    #[test]
    fn a_thread_that_was_stopped_after_its_reading_does_not_suspend_expiry() {
        let clock = ManualClock::new(nine());
        let time = clock.clone();
        let engine = overtaken(&clock, move |engine| {
            time.advance(Span::from_secs(60));
            engine.follow();
        });
        assert!(!engine.disagrees(), "the clocks agree");
        assert_eq!(engine.now(), nine() + Span::from_secs(60));
    }

    #[test]
    fn what_was_seen_before_the_operators_trusted_the_clock_is_not_told_afterwards() {
        let clock = ManualClock::new(nine());
        let jumps = clock.clone();
        let engine = overtaken(&clock, move |engine| {
            jumps.jump_to(nine() + Span::from_secs(90_000));
            engine.trust_wall();
        });
        assert!(!engine.disagrees());
        assert_eq!(engine.now(), nine() + Span::from_secs(90_000));
    }

    #[test]
    fn a_slow_reply_of_the_store_is_no_disagreement() {
        let clock = ManualClock::new(nine());
        clock.compare_with_the_store();
        let engine = EngineClock::new(clock.clone(), Moment::MIN);
        let asked = engine.ask_the_store();
        clock.advance(Span::from_secs(20));
        let apart = |seconds: i64| {
            engine.apart_from_store(asked, Moment::from_unix_ms(nine().unix_ms() + seconds * 1000))
        };
        for within in [0, 1, 10, 20] {
            assert_eq!(apart(within), Span::ZERO, "{within}");
        }
        assert_eq!(apart(-6), Span::from_secs(6));
        assert_eq!(apart(26), Span::from_secs(6));
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
