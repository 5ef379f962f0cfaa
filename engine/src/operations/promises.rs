//! What a sitting in force has promised, and a change of it must keep: whoever enrolled, accepted, claimed or waits did
//! so by its words.
//!
//! The rest may change at any time: names, windows that open or close, the end of the queue (R23), how long later
//! holds and enrolments last (each keeps the deadline that it was given), the version of the agreement (who has claimed
//! keeps it, and accepts the new one before anything else). Fees belong to pools, and each claim keeps its own.
//!
//! What is under way at this very instant is not seen: a hold granted while the change is being written keeps the
//! deadline by the times that were in force.

use std::collections::BTreeMap;

use kaowei_core::ids::PoolId;
use kaowei_core::sites::{Sitting, Window, WindowPaper};
use kaowei_core::time::Moment;

use crate::fault::{Fault, WrongField};
use crate::incarnation::Incarnation;

/// What the next sitting would break; looks at every candidate where it has to.
pub(super) fn broken(incarnation: &Incarnation, current: &Sitting, next: &Sitting) -> Vec<WrongField> {
    let mut wrong = Vec::new();
    subjects(incarnation, next, &mut wrong);
    identity(incarnation, current, next, &mut wrong);
    windows(incarnation, next, &mut wrong);
    wrong
}

fn add(wrong: &mut Vec<WrongField>, pointer: impl Into<String>, fault: Fault) {
    let pointer = pointer.into();
    let field = WrongField { pointer, fault };
    if !wrong.contains(&field) {
        wrong.push(field);
    }
}

/// A subject that has pools stays, with what rules across pools ask for (R12, R13).
fn subjects(incarnation: &Incarnation, next: &Sitting, wrong: &mut Vec<WrongField>) {
    for pool in incarnation.all_pools() {
        let facts = pool.facts;
        let code = facts.id.subject;
        let Some(n) = next.subjects.iter().position(|subject| subject.code == code) else {
            add(wrong, "/subjects", Fault::SubjectDropped(code));
            continue;
        };
        let subject = &next.subjects[n];
        if (subject.paper, subject.level, subject.requires) != (facts.paper, facts.level, facts.requires) {
            add(wrong, format!("/subjects/{n}"), Fault::SubjectHasPools(code));
        }
    }
}

/// Enrolments and claims belong to the sitting in which they were made, and what was accepted stays as it was read (R2).
fn identity(incarnation: &Incarnation, current: &Sitting, next: &Sitting, wrong: &mut Vec<WrongField>) {
    let version = &current.agreement.version;
    let is_renamed = next.id != current.id;
    let is_reworded = next.agreement.version == *version && next.agreement != current.agreement;
    if !is_renamed && !is_reworded {
        return;
    }
    let (mut is_used, mut is_accepted) = (false, false);
    for entry in incarnation.all_candidates() {
        entry.read(|candidate| {
            is_used |= candidate.enrolment().is_some() || !candidate.claims().is_empty();
            is_accepted |= candidate.has_agreed(version);
        });
    }
    if is_renamed && is_used {
        let id = current.id.clone();
        add(wrong, "/id", Fault::SittingInUse { id });
    }
    if is_reworded && is_accepted {
        let version = version.clone();
        add(wrong, "/agreement/version", Fault::AgreementAccepted { version });
    }
}

/// Whoever holds a seat can pay until its deadline, and whoever waits is promoted or lapses by a window (R18, R23).
fn windows(incarnation: &Incarnation, next: &Sitting, wrong: &mut Vec<WrongField>) {
    // Pools whose payment would end earlier, with the place of their window and that end.
    let mut shortened: BTreeMap<PoolId, (usize, Moment)> = BTreeMap::new();
    for pool in incarnation.all_pools() {
        let numbers = pool.numbers();
        if numbers.held == 0 && numbers.waiting == 0 {
            continue;
        }
        let (site, paper) = (pool.facts.site, pool.facts.paper);
        let window = next.window(site.province, site.school, WindowPaper::from(paper));
        let Some(window) = window else {
            let province = site.province;
            add(wrong, "/windows", Fault::WindowDropped { province, paper });
            continue;
        };
        let ends_at = window.payment_end(next.hold());
        if ends_at < pool.terms().payment_closes_at {
            shortened.insert(pool.facts.id, (place_of(window, next), ends_at));
        }
    }
    if shortened.is_empty() {
        return;
    }
    let mut latest: BTreeMap<usize, Moment> = BTreeMap::new();
    for entry in incarnation.all_candidates() {
        entry.read(|candidate| {
            for claim in candidate.claims() {
                let promised = shortened.get(&claim.id.pool).zip(claim.state.held_until());
                if let Some(((n, ends_at), held_until)) = promised
                    && *ends_at < held_until
                {
                    let latest = latest.entry(*n).or_insert(held_until);
                    *latest = held_until.max(*latest);
                }
            }
        });
    }
    for (n, latest) in latest {
        add(
            wrong,
            format!("/windows/{n}"),
            Fault::PaymentEndsBeforeHolds { latest },
        );
    }
}

fn place_of(window: &Window, sitting: &Sitting) -> usize {
    let mut windows = sitting.windows.iter();
    windows.position(|other| other == window).unwrap_or(0)
}
