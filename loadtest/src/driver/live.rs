//! Counters of a run in progress, and the line that shows them.
//!
//! Promises: a worker pays a few atomic additions and one uncontended lock a request; on a terminal the line is
//! rewritten twice a second, elsewhere a new one comes every five seconds.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::history::{Code, Request};

/// One worker's counters.
#[derive(Debug)]
pub struct Live {
    in_flight: AtomicU64,
    succeeded: AtomicU64,
    unchanged: AtomicU64,
    by_code: Vec<AtomicU64>,
    interval: Mutex<Histogram<u64>>,
}

/// All workers' counters at a moment.
#[derive(Debug)]
pub struct Snapshot {
    /// Requests under way.
    pub in_flight: u64,
    /// Answers of success.
    pub succeeded: u64,
    /// Answers 304.
    pub unchanged: u64,
    /// Refusals and failures, by [`Code::index`].
    pub by_code: Vec<u64>,
    /// Latencies since the last snapshot.
    pub interval: Histogram<u64>,
}

/// Latencies above this are counted as this.
const LATENCY_US_MAX: u64 = 600_000_000;

impl Default for Live {
    fn default() -> Self {
        Self {
            in_flight: AtomicU64::new(0),
            succeeded: AtomicU64::new(0),
            unchanged: AtomicU64::new(0),
            by_code: Code::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            interval: Mutex::new(empty()),
        }
    }
}

fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, 2).expect("bounds that hold")
}

impl Snapshot {
    fn add(&mut self, interval: &Histogram<u64>) {
        self.interval
            .add(interval)
            .expect("histograms of the same bounds");
    }
}

impl Live {
    pub(super) fn began(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ended(&self, request: &Request) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let counter = match request.code {
            Code::None if request.status == 304 => &self.unchanged,
            Code::None => &self.succeeded,
            code => &self.by_code[code.index()],
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut interval) = self.interval.lock() {
            interval.saturating_record(request.latency_us().clamp(1, LATENCY_US_MAX));
        }
    }

    /// The sum of several workers' counters; begins a new interval.
    pub fn snapshot(all: &[Self]) -> Snapshot {
        let mut sum = Snapshot {
            in_flight: 0,
            succeeded: 0,
            unchanged: 0,
            by_code: vec![0; Code::ALL.len()],
            interval: empty(),
        };
        for live in all {
            sum.in_flight += live.in_flight.load(Ordering::Relaxed);
            sum.succeeded += live.succeeded.load(Ordering::Relaxed);
            sum.unchanged += live.unchanged.load(Ordering::Relaxed);
            for (total, count) in sum.by_code.iter_mut().zip(&live.by_code) {
                *total += count.load(Ordering::Relaxed);
            }
            if let Ok(mut interval) = live.interval.lock() {
                let taken = std::mem::replace(&mut *interval, empty());
                sum.add(&taken);
            }
        }
        sum
    }
}

/// The line on standard error.
#[derive(Debug)]
pub struct LiveLine {
    phase: &'static str,
    began: Instant,
    last: Instant,
    terminal: bool,
}

impl LiveLine {
    /// Begins to show a phase.
    pub fn begin(phase: &'static str) -> Self {
        let began = Instant::now();
        Self {
            phase,
            began,
            last: began,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// How long to wait between two lines.
    pub const fn pause(&self) -> Duration {
        if self.terminal {
            Duration::from_millis(500)
        } else {
            Duration::from_secs(5)
        }
    }

    /// Shows the present state.
    pub fn show(&mut self, all: &[Live], note: &str) {
        let snapshot = Live::snapshot(all);
        let seconds = self.last.elapsed().as_secs_f64().max(1e-3);
        self.last = Instant::now();
        let line = format!(
            "{} {:>4} s {}",
            self.phase,
            self.began.elapsed().as_secs(),
            describe(&snapshot, seconds)
        );
        let note = if note.is_empty() {
            String::new()
        } else {
            format!(" · {note}")
        };
        let mut err = std::io::stderr().lock();
        // A line that can't be shown is no reason to stop a measurement.
        let _ = if self.terminal {
            write!(err, "\r\x1b[2K{line}{note}")
        } else {
            writeln!(err, "{line}{note}")
        };
    }

    /// Ends the line.
    pub fn end(self) {
        if self.terminal {
            eprintln!();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts shown to a person")]
fn describe(snapshot: &Snapshot, seconds: f64) -> String {
    let interval = &snapshot.interval;
    let ms = |quantile| interval.value_at_quantile(quantile) as f64 / 1000.0;
    let mut line = format!(
        "{:>7.0}/s · p50 {:.1} ms p99 {:.1} ms · in flight {} · ok {} · 304 {}",
        interval.len() as f64 / seconds,
        ms(0.5),
        ms(0.99),
        snapshot.in_flight,
        snapshot.succeeded,
        snapshot.unchanged,
    );
    let mut refused: Vec<(u64, Code)> = Code::ALL
        .iter()
        .map(|&code| (snapshot.by_code[code.index()], code))
        .filter(|&(count, _)| count > 0)
        .collect();
    refused.sort_unstable_by(|a, b| b.cmp(a));
    for (count, code) in refused.iter().take(4) {
        let _ = write!(line, " · {code} {count}");
    }
    line
}
