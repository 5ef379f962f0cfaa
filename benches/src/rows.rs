//! The table's rows: which goal, which of ours, beside which baselines.
//!
//! A row of ours is `Row::ours("P2", "engine, SQLite, hot pool", &subject).at_least(100_000.0).times(3.0, &redis)`.

use crate::baselines::Baselines;
use crate::registry::Row;

/// All rows. Baselines that several rows name are still measured once a round.
pub fn all(baselines: &Baselines) -> Vec<Row> {
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
