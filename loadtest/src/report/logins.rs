//! Figures of a storm of logins: what became of them, and what claims felt of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Percentiles;
use crate::history::{Code, History, Operation, Request};
use crate::logins::Stormed;

/// What a storm of logins came to.
#[derive(Clone, Debug, Serialize)]
pub struct LoginFigures {
    /// Accounts that logged in.
    pub accounts: u32,
    /// Logins a second that were served before, alone.
    pub served_alone_per_second: f64,
    /// Logins a second that came.
    pub offered_per_second: f64,
    /// How long.
    pub storm_seconds: u32,
    /// What they were answered.
    pub answers: Vec<LoginAnswers>,
    /// Latency of those that were served.
    pub served: Percentiles,
    /// Latency of the claims before the storm.
    pub claims_quiet: Percentiles,
    /// Latency of the claims meant for its time.
    pub claims_in_storm: Percentiles,
}

/// How often logins were answered so.
#[derive(Clone, Debug, Serialize)]
pub struct LoginAnswers {
    /// The HTTP status; 0 for none.
    pub status: u16,
    /// The refusal's code.
    pub code: String,
    /// How often.
    pub count: u64,
}

impl LoginFigures {
    /// The figures of a storm beside a history whose load began at this instant.
    pub fn of(history: &History, load_from_us: u64, stormed: Stormed) -> Self {
        let plan = stormed.plan;
        let after_us = |seconds: u32| load_from_us + u64::from(seconds) * 1_000_000;
        let storm_from_us = after_us(plan.quiet_seconds);
        let storm_until_us = after_us(plan.quiet_seconds + plan.seconds);
        let claims = |from_us: u64, until_us: u64| {
            let is_meant = move |request: &&Request| {
                request.operation == Operation::Claim
                    && request.code != Code::HungUp
                    && (from_us..until_us).contains(&request.intended_us)
            };
            Percentiles::of_latencies(
                history
                    .requests()
                    .iter()
                    .filter(is_meant)
                    .map(Request::latency_us),
            )
        };
        let served = stormed.logins.iter().filter(|login| login.status == 201);
        let served = Percentiles::of_latencies(served.map(|login| login.latency_us));
        let mut answers: BTreeMap<(u16, String), u64> = BTreeMap::new();
        for login in stormed.logins {
            *answers.entry((login.status, login.code)).or_default() += 1;
        }
        Self {
            accounts: plan.accounts,
            served_alone_per_second: stormed.served_per_second,
            offered_per_second: stormed.offered_per_second,
            storm_seconds: plan.seconds,
            answers: answers
                .into_iter()
                .map(|((status, code), count)| LoginAnswers { status, code, count })
                .collect(),
            served,
            claims_quiet: claims(load_from_us, storm_from_us),
            claims_in_storm: claims(storm_from_us, storm_until_us),
        }
    }

    /// In a few sentences.
    pub fn sentences(&self) -> Vec<String> {
        let (quiet, storm) = (&self.claims_quiet, &self.claims_in_storm);
        let mut told = vec![
            format!(
                "claims: p50 {:.2} ms, p99 {:.2} ms quiet; p50 {:.2} ms, p99 {:.2} ms in the storm",
                quiet.p50_ms, quiet.p99_ms, storm.p50_ms, storm.p99_ms
            ),
            format!(
                "logins: {:.1} a second served alone; then {:.1} a second came for {} s, those served in p50 {:.0} ms, \
                 p99 {:.0} ms",
                self.served_alone_per_second,
                self.offered_per_second,
                self.storm_seconds,
                self.served.p50_ms,
                self.served.p99_ms
            ),
        ];
        let answers = self.answers.iter();
        told.extend(answers.map(|it| format!("logins answered {} {}: {}", it.status, it.code, it.count)));
        told
    }
}
