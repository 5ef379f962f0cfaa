//! When things are open (R18): windows of provinces and schools, and what follows from them for one pool.

use serde::{Deserialize, Serialize};

use super::Paper;
use crate::ids::{ProvinceCode, SchoolCode};
use crate::time::{Moment, Span};

/// What a window is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowPaper {
    /// Looking up and confirming one's student record (S6).
    Qualification,
    /// Registration for written subjects.
    Written,
    /// Registration for oral subjects.
    Oral,
}

impl From<Paper> for WindowPaper {
    fn from(paper: Paper) -> Self {
        match paper {
            Paper::Written => Self::Written,
            Paper::Oral => Self::Oral,
        }
    }
}

/// Whom a window is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected the code of a province, or *")]
pub enum WindowProvince {
    /// This province.
    One(ProvinceCode),
    /// `*`: every province without a window of its own for that paper.
    Any(AnyProvince),
}

/// The `*` of a window that is for every province without its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AnyProvince {
    /// `*`
    #[serde(rename = "*")]
    Star,
}

/// One window as the sitting file writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// For which province, or `*`.
    pub province: WindowProvince,
    /// For one school of it only (S6, S15); such a window lies inside its province's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<SchoolCode>,
    /// For what.
    pub paper: WindowPaper,
    /// From when on it is open.
    #[serde(with = "rfc3339")]
    pub opens_at: Moment,
    /// Until when; from then on it is closed.
    #[serde(with = "rfc3339")]
    pub closes_at: Moment,
    /// When promotions end and those who still wait lapse (R23); `closes_at` when absent.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub waitlist_closes_at: Option<Moment>,
    /// When payment ends (R18); when absent, the hold time after the last seat may have been given.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub payment_closes_at: Option<Moment>,
}

impl Window {
    /// When promotions end.
    pub fn waitlist_end(&self) -> Moment {
        self.waitlist_closes_at.unwrap_or(self.closes_at)
    }

    /// When payment ends, for holds of that length.
    pub fn payment_end(&self, hold: Span) -> Moment {
        self.payment_closes_at
            .unwrap_or_else(|| self.waitlist_end().max(self.closes_at) + hold)
    }

    /// Whether it is open at that instant.
    pub fn is_open(&self, now: Moment) -> bool {
        self.opens_at <= now && now < self.closes_at
    }

    /// What it means for the pools of its paper.
    pub fn terms(&self, paper: Paper, hold: Span) -> Terms {
        Terms {
            paper,
            opens_at: self.opens_at,
            closes_at: self.closes_at,
            waitlist_closes_at: self.waitlist_end(),
            payment_closes_at: self.payment_end(hold),
            hold,
        }
    }
}

/// The times that a pool decides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Written or oral: an oral site that has not opened still takes a queue (R19).
    pub paper: Paper,
    /// From when on seats may be claimed.
    pub opens_at: Moment,
    /// Until when.
    pub closes_at: Moment,
    /// Until when the queue is promoted; then it lapses (R23).
    pub waitlist_closes_at: Moment,
    /// No hold outlives this (R18).
    pub payment_closes_at: Moment,
    /// How long a seat is held for payment (R16).
    pub hold: Span,
}

impl Terms {
    /// The terms of a pool for which the sitting has no window: never open.
    pub fn closed(paper: Paper, hold: Span) -> Self {
        Self {
            paper,
            opens_at: Moment::MAX,
            closes_at: Moment::MAX,
            waitlist_closes_at: Moment::MAX,
            payment_closes_at: Moment::MAX,
            hold,
        }
    }

    /// Whether claims are taken at that instant.
    pub fn is_open(&self, now: Moment) -> bool {
        self.opens_at <= now && now < self.closes_at
    }

    /// The deadline of a hold granted at that instant: 24 h, but never past the end of payment (R18).
    pub fn deadline(&self, granted: Moment) -> Moment {
        (granted + self.hold).min(self.payment_closes_at)
    }
}

/// Instants as RFC 3339 text, as people write them in the sitting file.
pub(crate) mod rfc3339 {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::time::Moment;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
    pub(crate) fn serialize<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(moment)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        Ok(DateTime::<Utc>::deserialize(deserializer)?.into())
    }

    pub(crate) mod option {
        use super::{DateTime, Deserialize, Deserializer, Moment, Serializer, Utc};

        #[expect(clippy::ref_option, reason = "the signature is serde's")]
        pub(crate) fn serialize<S: Serializer>(
            moment: &Option<Moment>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match moment {
                Some(moment) => serializer.collect_str(moment),
                None => serializer.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Moment>, D::Error> {
            Ok(Option::<DateTime<Utc>>::deserialize(deserializer)?.map(Moment::from))
        }
    }
}
