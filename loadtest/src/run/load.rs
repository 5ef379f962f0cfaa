//! The load: the warm-up of everybody, the opening, the surge.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use chrono::{DateTime, TimeDelta, Utc};

use super::{Loaded, Ready};
use crate::client::StaffClient;
use crate::driver::{Crew, LiveLine};
use crate::logins::Storm;
use crate::processes::Interrupt;
use crate::scenario::Scenario;
use crate::world::{SittingTimes, sitting_json};

/// So many in a hundred stand at the door before it opens.
const EARLY_PERCENT: usize = 1;
/// Over these microseconds before the opening.
const EARLY_US: u64 = 1_000_000;

pub(super) async fn load(scenario: &Scenario, ready: Ready, interrupt: &Interrupt) -> Result<Loaded> {
    let Ready {
        target,
        staff,
        crew,
        times,
        ..
    } = ready;
    let began = Instant::now();
    let everybody = scenario.world.candidates.len();
    let note = format!("{} requests of {everybody} candidates", everybody * 3);
    let enrolled = watched("warm-up", &note, &crew, crew.warm_up(), interrupt).await?;
    let warm_up = began.elapsed();
    if interrupt.has_come() {
        bail!("interrupted before the opening");
    }
    if enrolled == 0 {
        bail!(
            "not one candidate could enrol; the answers: {}",
            answers_so_far(crew)?
        );
    }
    if enrolled < everybody as u64 {
        eprintln!(
            "{} candidates could not enrol and take no part",
            everybody as u64 - enrolled
        );
    }

    let storm = match scenario.logins {
        Some(plan) => {
            let province = &scenario.world.schools[0].province_code;
            Some(Storm::prepare(plan, target, province).await?)
        }
        None => None,
    };
    let opening_us = if scenario.opens_by_staff {
        open(&staff, times, &crew).await
    } else {
        crew.now_us() + 500_000
    };
    let arrivals = arrivals_from(scenario, opening_us);
    let until_us = opening_us + u64::from(scenario.window_seconds) * 1_000_000;
    let began = Instant::now();
    let note = format!("of {} s, {} arrivals", scenario.window_seconds, arrivals.len());
    let storming = storm.zip(scenario.logins).map(|(storm, plan)| {
        let wait_us = opening_us.saturating_sub(crew.now_us());
        storm.begin(began + Duration::from_micros(wait_us) + Duration::from_secs(plan.quiet_seconds.into()))
    });
    watched("load", &note, &crew, crew.surge(&arrivals, until_us), interrupt).await?;
    let load = began.elapsed();
    let stormed = match storming {
        Some(storming) => Some(storming.end().await?),
        None => None,
    };
    Ok(Loaded {
        staff,
        history: crew.finish()?,
        enrolled,
        load_from_us: arrivals.first().map_or(opening_us, |first| first.0),
        warm_up,
        load,
        stormed,
    })
}

/// Lets the staff open the claims in three seconds; if that is refused, waits for the instant that was imported.
async fn open(staff: &StaffClient, times: SittingTimes, crew: &Crew) -> u64 {
    let now = Utc::now();
    // Whole seconds, as the file has them.
    let soon = DateTime::from_timestamp(now.timestamp() + 3, 0).unwrap_or(now);
    let moved = SittingTimes {
        claims_open_at: soon,
        ..times
    };
    let opens_at = match staff.put_sitting(&sitting_json(&moved)).await {
        Ok(()) => soon,
        Err(error) if times.claims_open_at > now => {
            eprintln!(
                "the opening can't be moved ({error}); waiting for {}",
                times.claims_open_at
            );
            times.claims_open_at
        }
        Err(error) => {
            eprintln!(
                "the opening can't be moved ({error}); it was at {}",
                times.claims_open_at
            );
            now
        }
    };
    let wait = (opens_at - Utc::now()).max(TimeDelta::zero());
    crew.now_us() + u64::try_from(wait.num_microseconds().unwrap_or(0)).unwrap_or(0)
}

/// The arrivals as instants of the history; on an opening day the first hundredth is early.
fn arrivals_from(scenario: &Scenario, opening_us: u64) -> Vec<(u64, u32)> {
    let early = if scenario.opens_by_staff {
        scenario.arrivals.len() * EARLY_PERCENT / 100
    } else {
        0
    };
    let arrivals = scenario.arrivals.iter().enumerate();
    let at = |(nth, &(at_us, who)): (usize, &(u64, u32))| {
        if nth < early {
            let before = EARLY_US * (early - nth) as u64 / early as u64;
            (opening_us.saturating_sub(before), who)
        } else {
            (opening_us + at_us, who)
        }
    };
    arrivals.map(at).collect()
}

/// Waits for a crew's order and shows the live line meanwhile; an interrupt stops the crew.
async fn watched(
    phase: &'static str,
    note: &str,
    crew: &Crew,
    order: impl Future<Output = std::io::Result<u64>>,
    interrupt: &Interrupt,
) -> Result<u64> {
    let mut line = LiveLine::begin(phase);
    let mut order = std::pin::pin!(order);
    let mut stopped = false;
    loop {
        tokio::select! {
            result = &mut order => {
                line.show(crew.live(), note);
                line.end();
                return Ok(result?);
            }
            () = interrupt.nth(1), if !stopped => {
                stopped = true;
                eprintln!("\ninterrupted: finishing what is under way (again to end at once)");
                crew.stop();
            }
            () = tokio::time::sleep(line.pause()) => line.show(crew.live(), note),
        }
    }
}

fn answers_so_far(crew: Crew) -> Result<String> {
    let history = crew.finish()?;
    let mut counts = std::collections::BTreeMap::new();
    for request in history.requests() {
        let answer = format!("{} {} {}", request.operation, request.status, request.code);
        *counts.entry(answer).or_insert(0_u64) += 1;
    }
    let counts: Vec<String> = counts
        .into_iter()
        .map(|(answer, count)| format!("{answer}: {count}"))
        .collect();
    Ok(counts.join(", "))
}
