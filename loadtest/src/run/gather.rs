//! Fetches the exports at a moment when nothing changes.
//!
//! Promises: the pools' numbers before and after the two files are the same, so that the three agree if the server is
//! right; where holds are short it waits until the last of them has fallen due; and it waits a while for money that is on its
//! way, without which the provider's books can't be compared.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::check::{Exports, PoolRow};
use crate::client::StaffClient;

/// Holds shorter than this fall due while we wait.
const SHORT_HOLD_SECONDS: u32 = 900;
const TRIES_MAX: u32 = 20;
/// So long money may be on its way after the load; a real provider takes days for a refund.
const MONEY_SECONDS_MAX: u64 = 60;

pub(super) async fn gather(staff: &StaffClient, folder: &Path, hold_seconds: u32) -> Result<Exports> {
    let file = |name: &str| folder.join(name);
    let quiet = if hold_seconds < SHORT_HOLD_SECONDS {
        Duration::from_secs(u64::from(hold_seconds) + 2)
    } else {
        Duration::from_millis(500)
    };
    let nothing_pending = until_money_has_arrived(staff, &file("orders.csv")).await?;
    for _ in 0..TRIES_MAX {
        let before = until_quiet(staff, quiet).await?;
        eprintln!("fetching the exports");
        staff.export("audit", &file("audit.csv")).await?;
        staff.export("claims", &file("claims.csv")).await?;
        staff.export("orders", &file("orders.csv")).await?;
        if nothing_pending && let Some(books) = staff.provider_books().await? {
            std::fs::write(file("sandbox.json"), &books).context("can't write sandbox.json")?;
        }
        let pages = staff.pools().await?;
        std::fs::write(file("pools.json"), &pages).context("can't write pools.json")?;
        let after = PoolRow::list(&pages)?;
        if after == before {
            let (claims, audit, pools) = (file("claims.csv"), file("audit.csv"), file("pools.json"));
            let exports = Exports::from_files(&claims, &audit, &pools)?;
            return Ok(exports.with_money(folder)?);
        }
    }
    bail!("the pools' numbers never stood still while the exports were fetched")
}

/// Waits until no money is on its way; whether none is.
async fn until_money_has_arrived(staff: &StaffClient, file: &Path) -> Result<bool> {
    let began = Instant::now();
    loop {
        staff.export("orders", file).await?;
        if pending_fen(file)? == 0 {
            return Ok(true);
        }
        if began.elapsed() > Duration::from_secs(MONEY_SECONDS_MAX) {
            eprintln!("money is still on its way: the provider's books are not compared");
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn pending_fen(orders: &Path) -> Result<u64> {
    let mut orders = csv::Reader::from_path(orders)?;
    let column = orders.headers()?.iter().position(|name| name == "pending_fen");
    let column = column.context("orders.csv has no column pending_fen")?;
    let mut sum = 0;
    for row in orders.records() {
        let row = row?;
        let text = row.get(column).context("a row of orders.csv is too short")?;
        sum += text.parse::<u64>().context("pending_fen is not a number")?;
    }
    Ok(sum)
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
