//! Figures from a history: latencies from intended starts, rates by the second, codes.
//!
//! Promises: requests that the client itself hung up on are counted but lend no latency; a request that timed out
//! counts with the whole time waited.

use std::collections::{BTreeMap, HashMap};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::history::{Code, History, Operation, Request};

/// Percentiles of latency, in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Percentiles {
    /// How many.
    pub count: u64,
    /// Half are faster.
    pub p50_ms: f64,
    /// Nine in ten are faster.
    pub p90_ms: f64,
    /// 99 in 100 are faster.
    pub p99_ms: f64,
    /// 999 in 1,000 are faster.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// The whole curve: quantile and milliseconds.
    pub curve: Vec<(f64, f64)>,
}

/// One kind of request.
#[derive(Clone, Debug, Serialize)]
pub struct OperationFigures {
    /// What it is called.
    pub name: String,
    /// Its latencies.
    pub latency: Percentiles,
}

/// One second of the load.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Second {
    /// Requests answered in it.
    pub answered: u64,
    /// Claims answered in it.
    pub claims: u64,
    /// Answers 5xx, 429 and none at all.
    pub failed: u64,
    /// Latency of the claims meant for this second.
    pub p50_ms: f64,
    /// The same.
    pub p99_ms: f64,
    /// The same.
    pub p999_ms: f64,
}

/// How often an operation was answered so.
#[derive(Clone, Debug, Serialize)]
pub struct CodeCount {
    /// The operation.
    pub operation: Operation,
    /// The HTTP status; 0 for none.
    pub status: u16,
    /// The refusal's code.
    pub code: Code,
    /// How often.
    pub count: u64,
}

/// All figures.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Requests in all.
    pub requests: u64,
    /// Requests of the load, without the warm-up.
    pub load_requests: u64,
    /// The best second's rate of answers.
    pub peak_per_second: u64,
    /// The best second's rate of claims.
    pub peak_claims_per_second: u64,
    /// Each kind of request.
    pub operations: Vec<OperationFigures>,
    /// From the first intended start of a claim to its definite answer, retries included.
    pub decisions: Percentiles,
    /// How late the client itself sent, in milliseconds: this much of the latencies is not the server's.
    pub client_late_p50_ms: f64,
    /// The same at the 99th percentile.
    pub client_late_p99_ms: f64,
    /// By the second, from the opening.
    pub seconds: Vec<Second>,
    /// Every answer.
    pub codes: Vec<CodeCount>,
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(3_600_000_000, 3).expect("bounds that hold")
}

#[expect(clippy::cast_precision_loss, reason = "microseconds far below 2^52")]
fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
}

impl Percentiles {
    /// Of latencies in microseconds.
    pub fn of_latencies(latencies_us: impl Iterator<Item = u64>) -> Self {
        let mut histogram = histogram();
        for latency_us in latencies_us {
            histogram.saturating_record(latency_us);
        }
        Self::of(&histogram)
    }

    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| ms(histogram.value_at_quantile(quantile));
        #[expect(clippy::cast_precision_loss, reason = "a count far below 2^52")]
        let count = histogram.len() as f64;
        let mut curve = Vec::new();
        if !histogram.is_empty() {
            // Evenly on a scale of nines, as far as there are requests to tell.
            for step in 0..=80 {
                let slower = 10_f64.powf(-f64::from(step) / 80.0 * 6.0);
                if slower * count < 1.0 {
                    break;
                }
                curve.push((1.0 - slower, at(1.0 - slower)));
            }
        }
        Self {
            count: histogram.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: ms(histogram.max()),
            curve,
        }
    }
}

/// Whether a request's duration says something about the server.
fn counts(request: &Request) -> bool {
    request.code != Code::HungUp
}

fn failed(request: &Request) -> bool {
    request.status == 0 || request.status == 429 || request.status >= 500
}

impl Summary {
    /// The figures of a history whose load began at this instant.
    pub fn of(history: &History, load_from_us: u64) -> Self {
        let load = || {
            history
                .requests()
                .iter()
                .filter(move |request| request.intended_us >= load_from_us)
        };
        let mut late = histogram();
        for request in load() {
            late.saturating_record(request.started_us.saturating_sub(request.intended_us));
        }
        let seconds = by_second(load(), load_from_us);
        let peak = |of: fn(&Second) -> u64| seconds.iter().map(of).max().unwrap_or(0);
        Self {
            requests: history.requests().len() as u64,
            load_requests: load().count() as u64,
            peak_per_second: peak(|second| second.answered),
            peak_claims_per_second: peak(|second| second.claims),
            operations: by_operation(history),
            decisions: decisions(history),
            client_late_p50_ms: ms(late.value_at_quantile(0.5)),
            client_late_p99_ms: ms(late.value_at_quantile(0.99)),
            seconds,
            codes: by_code(history),
        }
    }

    /// The figures of one kind of request.
    pub fn operation(&self, operation: Operation) -> Option<&OperationFigures> {
        self.operations.iter().find(|it| it.name == operation.word())
    }
}

fn by_operation(history: &History) -> Vec<OperationFigures> {
    let mut histograms: Vec<Option<Histogram<u64>>> = vec![None; Operation::ALL.len()];
    for request in history.requests().iter().filter(|request| counts(request)) {
        histograms[request.operation.index()]
            .get_or_insert_with(histogram)
            .saturating_record(request.latency_us());
    }
    Operation::ALL
        .iter()
        .zip(histograms)
        .filter_map(|(operation, histogram)| {
            Some(OperationFigures {
                name: operation.word().to_owned(),
                latency: Percentiles::of(&histogram?),
            })
        })
        .collect()
}

fn by_second<'a>(load: impl Iterator<Item = &'a Request>, from_us: u64) -> Vec<Second> {
    let mut seconds: Vec<Second> = Vec::new();
    let mut latencies: Vec<Option<Histogram<u64>>> = Vec::new();
    let second_of = |at_us: u64| usize::try_from(at_us.saturating_sub(from_us) / 1_000_000).unwrap_or(0);
    for request in load {
        let (ended, meant) = (second_of(request.ended_us), second_of(request.intended_us));
        let needed = ended.max(meant) + 1;
        if seconds.len() < needed {
            seconds.resize(needed, Second::default());
            latencies.resize(needed, None);
        }
        let second = &mut seconds[ended];
        second.answered += 1;
        second.failed += u64::from(failed(request));
        if request.operation == Operation::Claim && counts(request) {
            second.claims += 1;
            latencies[meant]
                .get_or_insert_with(histogram)
                .saturating_record(request.latency_us());
        }
    }
    for (second, latency) in seconds.iter_mut().zip(&latencies) {
        if let Some(latency) = latency {
            second.p50_ms = ms(latency.value_at_quantile(0.5));
            second.p99_ms = ms(latency.value_at_quantile(0.99));
            second.p999_ms = ms(latency.value_at_quantile(0.999));
        }
    }
    seconds
}

fn by_code(history: &History) -> Vec<CodeCount> {
    let mut counts: BTreeMap<(Operation, u16, Code), u64> = BTreeMap::new();
    for request in history.requests() {
        *counts
            .entry((request.operation, request.status, request.code))
            .or_default() += 1;
    }
    counts
        .into_iter()
        .map(|((operation, status, code), count)| CodeCount {
            operation,
            status,
            code,
            count,
        })
        .collect()
}

/// From the first intended start under a key to the first definite answer under it.
fn decisions(history: &History) -> Percentiles {
    let mut open: HashMap<(u32, u16), u64> = HashMap::new();
    let mut decided = histogram();
    let claims = || {
        let claim = |request: &&Request| request.operation == Operation::Claim && request.key.0 > 0;
        history.requests().iter().filter(claim)
    };
    for request in claims() {
        let first = open
            .entry((request.candidate.0, request.key.0))
            .or_insert(request.intended_us);
        *first = request.intended_us.min(*first);
    }
    let mut ends: HashMap<(u32, u16), u64> = HashMap::new();
    for request in claims().filter(|request| !request.code.is_transient()) {
        let end = ends
            .entry((request.candidate.0, request.key.0))
            .or_insert(request.ended_us);
        *end = request.ended_us.min(*end);
    }
    for (key, end) in ends {
        decided.saturating_record(end.saturating_sub(open[&key]));
    }
    Percentiles::of(&decided)
}
