//! What the judge says: each check with what it examined and what broke it.
//!
//! Promises: every check is listed whether it found something or not; of many violations the first
//! [`SHOWN_MAX`] are kept with their evidence and the rest are counted.

use std::fmt;

use serde::Serialize;

/// So many violations of one check are kept with their evidence.
pub const SHOWN_MAX: usize = 20;

/// The checks, numbered as in the load tester's README.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// 1: replaying a pool's events, held + paid never exceeds the capacity at a grant (R14, R34).
    CapacityNeverExceeded,
    /// 2: promotions take the smallest sequence; nobody is granted a seat while another waits; an answer heard
    /// before a request was sent has the smaller sequence (R14, R19, R20).
    FirstComeFirstServed,
    /// 3: every claim that an answer showed is stored, with that sequence, hash and holder (R15).
    AcknowledgedIsStored,
    /// 4: at most one active claim of a candidate, level and paper at any time (R12).
    OneActiveClaim,
    /// 5: the server's numbers and tables equal the replayed ledger.
    NumbersAgree,
    /// 6: the sequences of a pool are without a gap and its hash chain links (R35).
    ChainHolds,
    /// 7: the same key, or the same claim repeated, gives the same claim (R15).
    RepeatsAgree,
    /// 8: only a pool that had been full said so (R15, R19).
    RefusalsTrue,
    /// 9: no open pool is left with a free seat and somebody waiting (R21).
    NoIdleSeat,
    /// 10: every fen that came has bought a seat, or is back, or is on its way; every paid seat was bought (R26–R29).
    MoneyAccounted,
}

impl Check {
    /// Every check, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::CapacityNeverExceeded,
        Self::FirstComeFirstServed,
        Self::AcknowledgedIsStored,
        Self::OneActiveClaim,
        Self::NumbersAgree,
        Self::ChainHolds,
        Self::RepeatsAgree,
        Self::RefusalsTrue,
        Self::NoIdleSeat,
        Self::MoneyAccounted,
    ];

    /// Its number.
    pub const fn number(self) -> usize {
        self as usize + 1
    }

    /// What it proves, in one line.
    pub const fn title(self) -> &'static str {
        match self {
            Self::CapacityNeverExceeded => "capacity was never exceeded",
            Self::FirstComeFirstServed => "first come, first served: the queue is the order of sequence",
            Self::AcknowledgedIsStored => "every acknowledged answer is stored",
            Self::OneActiveClaim => "one active claim per candidate, level and paper",
            Self::NumbersAgree => "the server's numbers equal the replayed ledger",
            Self::ChainHolds => "sequences without a gap, the hash chain links",
            Self::RepeatsAgree => "repeats gave the same claim",
            Self::RefusalsTrue => "only a full pool said that it was full",
            Self::NoIdleSeat => "no seat lies idle while somebody waits",
            Self::MoneyAccounted => "no money without a seat, no paid seat without money",
        }
    }

    /// What is counted as examined.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::CapacityNeverExceeded => "grants",
            Self::FirstComeFirstServed => "grants and answers",
            Self::AcknowledgedIsStored => "claims shown in answers",
            Self::OneActiveClaim => "claims",
            Self::NumbersAgree => "pools and claims",
            Self::ChainHolds => "audit records",
            Self::RepeatsAgree => "keys",
            Self::RefusalsTrue => "refusals",
            Self::NoIdleSeat => "pools",
            Self::MoneyAccounted => "orders and paid seats",
        }
    }
}

/// Something that must not be, with the records that show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// What is wrong, in a sentence.
    pub what: String,
    /// The requests and records concerned, each in a line.
    pub evidence: Vec<String>,
}

/// One check's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// How much it looked at.
    pub examined: u64,
    /// How many violations there are.
    pub violations: u64,
    /// The first of them.
    pub shown: Vec<Violation>,
}

/// All checks' results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// One for each of [`Check::ALL`], in that order.
    pub findings: Vec<Finding>,
}

impl Verdict {
    pub(super) fn new() -> Self {
        let findings = Check::ALL.map(|check| Finding {
            check,
            examined: 0,
            violations: 0,
            shown: Vec::new(),
        });
        Self {
            findings: findings.into(),
        }
    }

    /// Whether nothing was found.
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|finding| finding.violations == 0)
    }

    /// The result of one check.
    pub fn of(&self, check: Check) -> &Finding {
        &self.findings[check as usize]
    }

    pub(super) fn examined(&mut self, check: Check, count: u64) {
        self.findings[check as usize].examined += count;
    }

    /// Notes a violation; the evidence is only made if it will be shown.
    pub(super) fn violated(
        &mut self,
        check: Check,
        what: impl Into<String>,
        evidence: impl FnOnce() -> Vec<String>,
    ) {
        let finding = &mut self.findings[check as usize];
        finding.violations += 1;
        if finding.shown.len() < SHOWN_MAX {
            finding.shown.push(Violation {
                what: what.into(),
                evidence: evidence(),
            });
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let (check, examined) = (finding.check, finding.examined);
            let mark = if finding.violations == 0 { "ok  " } else { "FAIL" };
            write!(
                f,
                "{mark} {} {} ({examined} {}",
                check.number(),
                check.title(),
                check.unit()
            )?;
            if finding.violations > 0 {
                write!(f, ", {} violations", finding.violations)?;
            }
            writeln!(f, ")")?;
            for violation in &finding.shown {
                writeln!(f, "       {}", violation.what)?;
                for line in &violation.evidence {
                    writeln!(f, "         | {line}")?;
                }
            }
            if finding.violations > finding.shown.len() as u64 {
                let more = finding.violations - finding.shown.len() as u64;
                writeln!(f, "       … and {more} more")?;
            }
        }
        Ok(())
    }
}
