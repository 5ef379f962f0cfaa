//! P3 for longer: claims without a pause, then how far the tables lag behind the journal, and how long they take to
//! catch up.

use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::world::{Script, World};
use crate::ours::engine::Store;
use crate::wrk;

/// Between two looks at the lag.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What a long run came to.
#[derive(Debug, Clone, Copy)]
pub struct Sustained {
    /// Claims a second, each a new one, decided and durable.
    pub claims_per_second: f64,
    /// Events that the tables did not have yet when the load ended.
    pub lag_events: u64,
    /// Until they had them all.
    pub catch_up: Duration,
}

/// Claims at full rate for so long; `None` where the store is not installed.
///
/// # Errors
/// What the server or wrk said.
pub fn sustained(store: Store, connections: usize, lasting: Duration) -> anyhow::Result<Option<Sustained>> {
    let Some(world) = World::on(store)? else {
        return Ok(None);
    };
    let server = world.serve()?;
    world.enrol(&server)?;
    let script = world.script(&Script::Claim)?;
    let claims_per_second = wrk::run(&server.address, connections, Some(&script), lasting)?;
    let ended = Instant::now();
    let lag = || {
        let told = server.metric("kaowei_checkpoint_lag_events");
        told.context("the server has no metric of the checkpoint's lag")
    };
    let lag_events = lag()?;
    // The metric is set after each slice: nothing is left when two looks in a row find nothing.
    let mut caught_up = ended.elapsed();
    let mut nothing = 0;
    while nothing < 2 {
        std::thread::sleep(LOOK_EVERY);
        if lag()? == 0 {
            nothing += 1;
        } else {
            nothing = 0;
            caught_up = ended.elapsed();
        }
    }
    Ok(Some(Sustained {
        claims_per_second,
        lag_events,
        catch_up: caught_up,
    }))
}
