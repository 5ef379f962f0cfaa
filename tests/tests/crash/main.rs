//! The real program, killed and disturbed while candidates play, with the load tester's judge as judge.

mod control;
mod database;
mod files;
mod full_disk;
mod imports;
mod kills;
mod notices;
mod panics;
mod payments;
mod places;
mod points;
mod reviews;
mod staff;
mod time;

/// The program under test.
const KAOWEI: &str = env!("CARGO_BIN_EXE_kaowei-under-test");

/// A store for a test: embedded, or a database of this process's PostgreSQL.
#[derive(Debug, Clone, Copy)]
enum On {
    Sqlite,
    Postgres,
}

impl On {
    /// Its address; none for the embedded one.
    fn url(self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => {
                let cluster = kaowei_tests::postgres::Postgres::shared().expect("PostgreSQL starts");
                let database = cluster.create_database().expect("a database can be made");
                Some(cluster.url(&database))
            }
        }
    }
}

/// Numbers from 1 to `most` that follow from a seed.
fn rolls(seed: u64, most: u32) -> impl Iterator<Item = u32> {
    use rand::{Rng, SeedableRng};
    let mut dice = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    std::iter::repeat_with(move || dice.random_range(1..=most))
}

/// A test's seed; `CRASH_SEED=n` adds n, for another run of the same tests.
fn seeded(own: u64) -> u64 {
    let more = std::env::var("CRASH_SEED")
        .ok()
        .and_then(|text| text.parse::<u64>().ok());
    own + 1_000 * more.unwrap_or(0)
}
