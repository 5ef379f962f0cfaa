//! What candidates are told of without asking (R36): which events are notices, and what each says.
//!
//! A notice is one event of the journal seen by the candidate whom it concerns. It exists exactly when its event does,
//! and its id is the event's place, so that whoever hears of it twice can tell.
//!
//! Deliberately absent: the words (the API has them in both languages), sending, and what has been sent.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{CandidateId, Cell, ClaimId, Fen, InvalidId, OrderId, PoolId, RefundId};
use crate::registration::{self, ReviewDecision};
use crate::seats::{self, ClaimState};
use crate::time::{Moment, Span};
use crate::{cell, payment};

/// How long before a payment deadline its candidate is reminded, the longest first.
pub const LEADS: [Span; 2] = [Span::from_secs(6 * 3_600), Span::from_secs(3_600)];

/// What a notice says. Stored as JSON: a new kind is a new variant, and none is ever taken away.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// 候补成功 (R21).
    Promoted {
        /// Which claim.
        claim: ClaimId,
        /// Its payment deadline.
        held_until: Moment,
    },
    /// The payment deadline comes near.
    DeadlineNear {
        /// Of which claim.
        claim: ClaimId,
        /// The deadline.
        held_until: Moment,
    },
    /// 超时删除 (R16).
    Expired {
        /// Which claim.
        claim: ClaimId,
    },
    /// 已支付 (R26).
    Paid {
        /// Which claim.
        claim: ClaimId,
    },
    /// Staff decided the review of the eligibility for CET6 (R7).
    ReviewDecided {
        /// What.
        decision: ReviewDecision,
    },
    /// Money is to go back (R28, R29).
    RefundDue {
        /// Which refund.
        refund: RefundId,
        /// How much.
        amount_fen: Fen,
    },
    /// The money is back.
    Refunded {
        /// Which refund.
        refund: RefundId,
    },
}

impl Notice {
    /// All kinds.
    pub const KINDS: [&str; 7] = [
        "promoted",
        "deadline_near",
        "expired",
        "paid",
        "review_decided",
        "refund_due",
        "refunded",
    ];

    /// The notice that a pool's event is, and to whom; none for an event that is none.
    pub fn of_pool(pool: PoolId, event: &seats::Event) -> Option<(CandidateId, Self)> {
        let (number, candidate) = event.claim()?;
        let claim = ClaimId { pool, number };
        let notice = match event {
            seats::Event::ClaimPromoted { held_until, .. } => Self::Promoted {
                claim,
                held_until: *held_until,
            },
            seats::Event::ClaimExpired { .. } => Self::Expired { claim },
            seats::Event::ClaimPaid { .. } => Self::Paid { claim },
            _ => return None,
        };
        Some((candidate, notice))
    }

    /// The notice that a cell's event is, and to whom; none for an event that is none.
    pub fn of_cell(event: &cell::Event) -> Option<(CandidateId, Self)> {
        match event {
            cell::Event::Registration(registration::Event::DeadlineNear {
                candidate,
                claim,
                held_until,
                ..
            }) => {
                let notice = Self::DeadlineNear {
                    claim: *claim,
                    held_until: *held_until,
                };
                Some((*candidate, notice))
            }
            cell::Event::Registration(registration::Event::ReviewDecided {
                candidate, decision, ..
            }) => Some((*candidate, Self::ReviewDecided { decision: *decision })),
            cell::Event::Payment(payment::Event::RefundDue {
                candidate,
                refund,
                amount_fen,
                ..
            }) => {
                let notice = Self::RefundDue {
                    refund: *refund,
                    amount_fen: *amount_fen,
                };
                Some((*candidate, notice))
            }
            cell::Event::Payment(payment::Event::RefundDone {
                candidate, refund, ..
            }) => Some((*candidate, Self::Refunded { refund: *refund })),
            _ => None,
        }
    }

    /// Its kind, as it is stored and published.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Promoted { .. } => "promoted",
            Self::DeadlineNear { .. } => "deadline_near",
            Self::Expired { .. } => "expired",
            Self::Paid { .. } => "paid",
            Self::ReviewDecided { .. } => "review_decided",
            Self::RefundDue { .. } => "refund_due",
            Self::Refunded { .. } => "refunded",
        }
    }

    /// The claim that it is about, if it is about one.
    pub fn claim(&self) -> Option<ClaimId> {
        match self {
            Self::Promoted { claim, .. }
            | Self::DeadlineNear { claim, .. }
            | Self::Expired { claim }
            | Self::Paid { claim } => Some(*claim),
            Self::ReviewDecided { .. } | Self::RefundDue { .. } | Self::Refunded { .. } => None,
        }
    }

    /// The payment deadline that it tells, if it tells one.
    pub fn held_until(&self) -> Option<Moment> {
        match self {
            Self::Promoted { held_until, .. } | Self::DeadlineNear { held_until, .. } => Some(*held_until),
            Self::Expired { .. }
            | Self::Paid { .. }
            | Self::ReviewDecided { .. }
            | Self::RefundDue { .. }
            | Self::Refunded { .. } => None,
        }
    }

    /// The order that it is about, if it is about one.
    pub fn order(&self) -> Option<OrderId> {
        match self {
            Self::RefundDue { refund, .. } | Self::Refunded { refund } => Some(refund.order),
            Self::Promoted { .. }
            | Self::DeadlineNear { .. }
            | Self::Expired { .. }
            | Self::Paid { .. }
            | Self::ReviewDecided { .. } => None,
        }
    }
}

/// The lead with which the candidate of a claim is to be reminded now; none where it is too early, too late, or was
/// not held yet when the reminder would have come: such a hold is news in itself. Of two that are due at once, after a
/// pause, the nearer one says it all.
pub fn reminder_due(state: ClaimState, held_since: Moment, now: Moment) -> Option<Span> {
    let held_until = state.held_until().filter(|held_until| *held_until > now)?;
    let lead = LEADS.into_iter().rev().find(|lead| held_until - *lead <= now)?;
    (held_since < held_until - lead).then_some(lead)
}

/// When a hold is to be looked at for its next reminder, if there is one to come.
pub fn next_reminder(held_until: Moment, now: Moment) -> Option<Moment> {
    LEADS
        .into_iter()
        .map(|lead| held_until - lead)
        .find(|at| *at > now)
}

/// The place of a notice's event: its cell and its position in that cell's journal. Written `99-1234`; opaque to
/// clients, and rising for each candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoticeId {
    /// The cell.
    pub cell: Cell,
    /// The position.
    pub position: i64,
}

impl fmt::Display for NoticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.cell, self.position)
    }
}

impl FromStr for NoticeId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let parts = text.split_once('-').and_then(|(cell, position)| {
            Some(Self {
                cell: cell.parse().ok()?,
                position: position.parse().ok().filter(|position| *position >= 0)?,
            })
        });
        parts.ok_or_else(|| {
            InvalidId::new(
                "notice id",
                "an id that the server gave out, such as 99-1234",
                text,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ClaimNumber;

    const HOUR: Span = Span::from_secs(3_600);

    fn at(hour: i64) -> Moment {
        Moment::from_unix_ms(hour * HOUR.as_ms())
    }

    fn order() -> OrderId {
        "8f3a5c0b7d21e694".parse().unwrap()
    }

    fn held(until: Moment) -> ClaimState {
        ClaimState::Held { until }
    }

    #[test]
    fn r36_a_hold_of_a_day_is_reminded_of_6_and_1_hours_before_its_end() {
        let day = held(at(24));
        for (now, lead) in [
            (17, None),
            (18, Some(LEADS[0])),
            (22, Some(LEADS[0])),
            (23, Some(LEADS[1])),
            (24, None),
        ] {
            assert_eq!(reminder_due(day, at(0), at(now)), lead, "{now}");
        }
        assert_eq!(next_reminder(at(24), at(0)), Some(at(18)));
        assert_eq!(next_reminder(at(24), at(18)), Some(at(23)));
        assert_eq!(next_reminder(at(24), at(23)), None);
    }

    #[test]
    fn r36_who_got_a_seat_for_less_than_that_was_told_so_just_now() {
        assert_eq!(reminder_due(held(at(6)), at(0), at(0)), None);
        assert_eq!(reminder_due(held(at(6)), at(0), at(5)), Some(LEADS[1]));
        assert_eq!(reminder_due(held(at(1)), at(0), at(0)), None);
        assert_eq!(
            reminder_due(ClaimState::Paid { order: order() }, at(0), at(18)),
            None
        );
        assert_eq!(reminder_due(ClaimState::Waiting, at(0), at(18)), None);
    }

    #[test]
    fn r36_promotion_expiry_and_payment_are_notices_and_the_candidate_s_own_doing_is_none() {
        let pool: PoolId = "991010-1".parse().unwrap();
        let (number, candidate) = (ClaimNumber(3), CandidateId(7));
        let claim = ClaimId { pool, number };
        let promoted = seats::Event::ClaimPromoted {
            claim: number,
            candidate,
            held_until: at(24),
        };
        let notice = Notice::Promoted {
            claim,
            held_until: at(24),
        };
        assert_eq!(Notice::of_pool(pool, &promoted), Some((candidate, notice)));
        let expired = seats::Event::ClaimExpired {
            claim: number,
            candidate,
        };
        assert_eq!(
            Notice::of_pool(pool, &expired),
            Some((candidate, Notice::Expired { claim }))
        );
        let paid = seats::Event::ClaimPaid {
            claim: number,
            candidate,
            order: order(),
        };
        assert_eq!(
            Notice::of_pool(pool, &paid),
            Some((candidate, Notice::Paid { claim }))
        );
        let cancelled = seats::Event::ClaimCancelled {
            claim: number,
            candidate,
            by: seats::By::Candidate,
            reason: None,
        };
        assert_eq!(Notice::of_pool(pool, &cancelled), None);
    }

    #[test]
    fn a_notice_reads_back_as_it_was_stored_under_the_kind_that_it_names() {
        let claim: ClaimId = "991010-1-3".parse().unwrap();
        let held_until = at(24);
        let refund: RefundId = "8f3a5c0b7d21e694r1".parse().unwrap();
        for notice in [
            Notice::Promoted { claim, held_until },
            Notice::DeadlineNear { claim, held_until },
            Notice::Expired { claim },
            Notice::Paid { claim },
            Notice::ReviewDecided {
                decision: ReviewDecision::Rejected,
            },
            Notice::RefundDue {
                refund,
                amount_fen: Fen(1),
            },
            Notice::Refunded { refund },
        ] {
            let stored = serde_json::to_value(&notice).unwrap();
            assert_eq!(stored["kind"], notice.kind());
            assert!(Notice::KINDS.contains(&notice.kind()));
            assert_eq!(serde_json::from_value::<Notice>(stored).unwrap(), notice);
        }
    }

    #[test]
    fn a_notice_s_id_reads_back_as_it_was_written() {
        let id: NoticeId = "99-1234".parse().unwrap();
        assert_eq!((id.to_string().as_str(), id.position), ("99-1234", 1234));
        for text in ["", "99", "99-", "-1", "99-x", "99--1"] {
            assert!(text.parse::<NoticeId>().is_err(), "{text}");
        }
    }
}
