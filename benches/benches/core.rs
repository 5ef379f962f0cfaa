//! P1: the core alone, deciding and making so through [`Pool::handle`], on one pool with a queue of a million.
//!
//! No journal, no chain, no candidate: what is left is what a pool's actor cannot avoid. Each round starts from the
//! same pool, cloned outside the time that counts. `cargo bench -p kaowei-benches --bench core`; the figure is
//! `thrpt`, operations a second on one core (a cancellation with its promotion is one operation with two events).

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kaowei_core::ids::{CandidateId, ClaimNumber, Fen};
use kaowei_core::seats::{By, Command, Expiry, OnFull, Pool, RegisteredBy, Settings, WithdrawReason};
use kaowei_core::sites::{Paper, Terms};
use kaowei_core::time::{Moment, Span};

const QUEUE: u32 = 1_000_000;
const OPERATIONS: u32 = 100_000;
/// Visits every place of the queue once, far apart: it has no factor in common with a million.
const STRIDE: u64 = 618_033;

fn now() -> Moment {
    Moment::from_unix_ms(1_800_000_000_000)
}

fn terms() -> Terms {
    Terms {
        paper: Paper::Written,
        opens_at: Moment::MIN,
        closes_at: Moment::MAX,
        waitlist_closes_at: Moment::MAX,
        payment_closes_at: Moment::MAX,
        hold: Span::from_secs(86_400),
    }
}

fn claim(candidate: u32) -> Command {
    Command::Claim {
        candidate: CandidateId(candidate.into()),
        on_full: OnFull::Waitlist,
        registered_by: RegisteredBy::Candidate,
        key: None,
    }
}

fn cancel(number: u32) -> Command {
    Command::Cancel {
        claim: ClaimNumber(number),
        by: By::Candidate,
        reason: Some(WithdrawReason::ChangedPlans),
    }
}

/// Hands one command over; each is a millisecond after the one before, as in a busy second.
fn handle(pool: &mut Pool, terms: &Terms, command: &Command, step: u32) {
    let at = now() + Span::from_ms(step);
    let decision = pool
        .handle(command, terms, at, Expiry::Running)
        .expect("no invariant is broken");
    assert!(decision.outcome.is_ok(), "{command:?}: {:?}", decision.outcome);
    black_box(decision);
}

/// A pool with that many seats, all held, and a million waiting.
fn full_pool(capacity: u32) -> Pool {
    let mut pool = Pool::new(Settings {
        capacity,
        open: true,
        draining: false,
        fee: Fen(3_000),
        exam_date: None,
    });
    let terms = terms();
    for candidate in 0..capacity + QUEUE {
        handle(&mut pool, &terms, &claim(candidate), 0);
    }
    pool
}

/// One of that many numbers from `first` on: far from the last step's, and another at each step.
fn spread(first: u32, among: u32, step: u32) -> u32 {
    let place = (u64::from(step) * STRIDE) % u64::from(among);
    first + u32::try_from(place).expect("less than a million")
}

fn core(criterion: &mut Criterion) {
    let terms = terms();
    let full = full_pool(OPERATIONS);
    let first_waiting = OPERATIONS + 1;
    let mut group = criterion.benchmark_group("core");
    group.sample_size(10);
    group.throughput(Throughput::Elements(OPERATIONS.into()));
    let mut bench = |name: &str, start: &Pool, operate: &dyn Fn(&mut Pool, u32)| {
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || start.clone(),
                |pool| {
                    for step in 0..OPERATIONS {
                        operate(pool, step);
                    }
                },
                BatchSize::PerIteration,
            );
        });
    };

    bench("claim, joins a queue of a million", &full, &|pool, step| {
        handle(pool, &terms, &claim(OPERATIONS + QUEUE + step), step);
    });
    bench(
        "cancel, the head of a million is promoted",
        &full,
        &|pool, step| {
            handle(pool, &terms, &cancel(step + 1), step);
        },
    );
    bench(
        "withdraw, anywhere in a queue of a million",
        &full,
        &|pool, step| {
            handle(pool, &terms, &cancel(spread(first_waiting, QUEUE, step)), step);
        },
    );
    bench(
        "position, anywhere in a queue of a million",
        &full,
        &|pool, step| {
            let place = pool
                .waitlist()
                .position(ClaimNumber(spread(first_waiting, QUEUE, step)));
            assert!(black_box(place).is_some());
        },
    );
    bench(
        "mixed: two claims, a cancellation, a withdrawal",
        &full,
        &|pool, step| {
            let command = match step % 4 {
                0 | 1 => claim(OPERATIONS + QUEUE + step),
                2 => cancel(step / 4 + 1),
                _ => cancel(spread(first_waiting + QUEUE / 2, QUEUE / 2, step / 4)),
            };
            handle(pool, &terms, &command, step);
        },
    );
    let empty = Pool::new(Settings {
        capacity: OPERATIONS,
        open: true,
        draining: false,
        fee: Fen(3_000),
        exam_date: None,
    });
    bench("claim, takes a seat", &empty, &|pool, step| {
        handle(pool, &terms, &claim(step), step);
    });
    group.finish();
}

criterion_group!(benches, core);
criterion_main!(benches);
