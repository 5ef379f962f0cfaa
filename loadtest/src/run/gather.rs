//! Fetches the exports at a moment when nothing changes.
//!
//! Promises: the pools' numbers before and after the two files are the same, so that the three agree if the server is
//! right; where holds are short it waits until the last of them has fallen due.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::check::{Exports, PoolRow};
use crate::client::StaffClient;

/// Holds shorter than this fall due while we wait.
const SHORT_HOLD_SECONDS: u32 = 900;
const TRIES_MAX: u32 = 20;

pub(super) async fn gather(staff: &StaffClient, folder: &Path, hold_seconds: u32) -> Result<Exports> {
    let file = |name: &str| folder.join(name);
    let quiet = if hold_seconds < SHORT_HOLD_SECONDS {
        Duration::from_secs(u64::from(hold_seconds) + 2)
    } else {
        Duration::from_millis(500)
    };
    for _ in 0..TRIES_MAX {
        let before = until_quiet(staff, quiet).await?;
        eprintln!("fetching the exports");
        staff.export("audit", &file("audit.csv")).await?;
        staff.export("claims", &file("claims.csv")).await?;
        let pages = staff.pools().await?;
        std::fs::write(file("pools.json"), &pages).context("can't write pools.json")?;
        let after = PoolRow::list(&pages)?;
        if after == before {
            let (claims, audit, pools) = (file("claims.csv"), file("audit.csv"), file("pools.json"));
            return Ok(Exports::from_files(&claims, &audit, &pools)?);
        }
    }
    bail!("the pools' numbers never stood still while the exports were fetched")
}

/// Waits until the numbers have stood still for so long.
async fn until_quiet(staff: &StaffClient, quiet: Duration) -> Result<Vec<PoolRow>> {
    let mut known = PoolRow::list(&staff.pools().await?)?;
    let mut since = Instant::now();
    let mut told = false;
    loop {
        let sum = |of: fn(&PoolRow) -> u64| known.iter().map(of).sum::<u64>();
        let nothing_due = sum(|pool| pool.held) + sum(|pool| pool.waiting) == 0;
        if since.elapsed() >= quiet || nothing_due {
            return Ok(known);
        }
        if !told && quiet > Duration::from_secs(1) {
            eprintln!("waiting until the last holds have fallen due");
            told = true;
        }
        tokio::time::sleep(quiet.min(Duration::from_secs(1)) / 2).await;
        let now = PoolRow::list(&staff.pools().await?)?;
        if now != known {
            (known, since) = (now, Instant::now());
        }
    }
}
