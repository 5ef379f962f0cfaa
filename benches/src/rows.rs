//! The table's rows: which goal, which of ours, beside which baselines.
//!
//! A row of ours is `Row::ours("P2", "engine, SQLite, hot pool", &subject).at_least(100_000.0).times(3.0, &redis)`.

use crate::baselines::Baselines;
use crate::ours::engine::{self, Store};
use crate::ours::http::{self, Asked};
use crate::registry::Row;
use crate::workload::Spread;

/// All rows. Baselines that several rows name are still measured once a round.
pub fn all(baselines: &Baselines) -> Vec<Row> {
    let mut rows = Vec::new();
    for store in [Store::Sqlite, Store::Postgres] {
        for spread in [Spread::HotPool, Spread::Zipf] {
            for (in_flight, at_least) in [(512, 100_000.0), (4_096, 150_000.0)] {
                let ours = engine::subject(store, spread, in_flight);
                let row_lock = match spread {
                    Spread::HotPool => &baselines.row_lock_hot_pool.of_96,
                    Spread::Zipf => &baselines.row_lock_zipf.of_96,
                };
                let row = Row::ours("P2", ours.name(), &ours).at_least(at_least);
                rows.push(
                    row.times(50.0, row_lock)
                        .times(3.0, &baselines.redis_always)
                        .beside(&baselines.sqlite),
                );
            }
        }
    }
    for store in [Store::Sqlite, Store::Postgres] {
        let claims = http::subject(store, Asked::Claims, 256);
        let row = Row::ours("P3", claims.name(), &claims).at_least(40_000.0);
        rows.push(
            row.times(1.0, &baselines.redis_always)
                .times(10.0, &baselines.row_lock_hot_pool.of_8)
                .times(0.22, &baselines.hello_256),
        );
    }
    for asked in [Asked::Pools, Asked::PoolsUnchanged, Asked::OwnClaims] {
        let reads = http::subject(Store::Sqlite, asked, 256);
        rows.push(Row::ours("P5", reads.name(), &reads).times(0.6, &baselines.hello_256));
    }
    rows.extend(plain(baselines));
    rows
}

/// Baselines for their own sake.
fn plain(baselines: &Baselines) -> Vec<Row> {
    vec![
        Row::baselines(
            "P2",
            "row lock in a function, hot pool",
            baselines.row_lock_hot_pool.all(),
        ),
        Row::baselines(
            "P2",
            "row lock in a function, 30,000 pools",
            baselines.row_lock_zipf.all(),
        ),
        Row::baselines(
            "P2",
            "four round trips, hot pool",
            baselines.round_trips_hot_pool.all(),
        ),
        Row::baselines("P2", "one transaction a claim", [&baselines.sqlite]),
        Row::baselines("P2", "in memory with a log", [&baselines.redis_always]),
        Row::baselines(
            "P3",
            "HTTP that does nothing",
            [&baselines.hello_64, &baselines.hello_256],
        ),
    ]
}
