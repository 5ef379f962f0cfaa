//! Waiting for a condition, with a bound, instead of sleeping for luck.
//!
//! Promises: returns as soon as the condition holds (checked every few milliseconds), and fails with a sentence that
//! names what was waited for when it does not hold within the bound. The tests of this package sleep nowhere else; the crowd's people pause
//! before they try again, as clients do.

use std::time::{Duration, Instant};

use anyhow::bail;

/// Long enough for anything on a busy machine, short enough for a person to wait for a failure.
pub const PATIENCE: Duration = Duration::from_mins(1);

const PAUSE: Duration = Duration::from_millis(4);

/// Blocks until `holds` says so, or fails after `bound` naming `what` was waited for.
///
/// For asynchronous tests call it from `spawn_blocking`, or the runtime's thread stands still meanwhile.
pub fn until(
    what: &str,
    bound: Duration,
    mut holds: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > bound {
            bail!("waited {} s in vain for: {what}", bound.as_secs_f32());
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
