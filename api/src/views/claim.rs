//! A claim as its candidate sees it.

use kaowei_core::audit::Hash;
use kaowei_core::ids::{ClaimId, OrderId, PoolId};
use kaowei_engine::ClaimView;
use serde::Serialize;
use utoipa::ToSchema;

use super::writer::Writer;
use super::{Instant, OWN_NEXT_POLL_MS};

/// About the length of one claim.
const CLAIM_BYTES: usize = 640;

/// How a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimState {
    /// 未支付: the seat is kept until `held_until`.
    Held,
    /// 正在候补: in the queue, at `position`.
    Waiting,
    /// 已支付: final.
    Paid,
    /// 取消报考
    Cancelled,
    /// 取消候补
    Withdrawn,
    /// 超时删除
    Expired,
    /// It went with its written claim or its enrolment.
    Removed,
    /// Promotions ended before its turn came.
    Lapsed,
    /// Staff took the paid seat back; its money goes back too.
    Refunded,
}

/// 科目报考方式
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Registrar {
    /// 考生注册
    Candidate,
    /// Staff, on behalf of the candidate.
    School,
}

/// 编排状态
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arrangement {
    /// 未编排
    Unarranged,
    /// 已编排
    Arranged,
}

/// One claim. Its JSON is written by [`Claim::write`]; this is its published form, and a test holds both together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Claim {
    /// Opaque.
    #[schema(value_type = String, example = "991010-1-17")]
    pub id: ClaimId,
    /// The pool that it is a claim for.
    #[schema(value_type = String, example = "991010-1")]
    pub pool: PoolId,
    /// How it stands.
    #[schema(value_type = ClaimState)]
    pub state: &'static str,
    /// The sequence number, in its pool, of the event that made it; never changes.
    pub seq: u64,
    /// The payment deadline of a held seat.
    pub held_until: Option<Instant>,
    /// The place in the queue of a waiting one, from 1.
    pub position: Option<u32>,
    /// Whether its deadline has passed, or its cancellation was asked, while an order for it is open.
    pub settling: bool,
    /// The order that is open for it, or that has paid it.
    #[schema(value_type = Option<String>, example = "8f3a5c0b7d21e694")]
    pub order: Option<OrderId>,
    /// When it was marked as paid.
    pub paid_at: Option<Instant>,
    /// What it costs, in fen.
    pub fee_fen: u32,
    /// Who registered.
    #[schema(value_type = Registrar)]
    pub registered_by: &'static str,
    /// Whether room and seat number are set.
    #[schema(value_type = Arrangement)]
    pub arrangement: &'static str,
    /// When it was made.
    pub created_at: Instant,
    /// The hash of its pool's chain at `seq`; never changes.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub chain_hash: Hash,
    /// The sequence number of the latest event about it.
    pub state_seq: u64,
    /// The hash of its pool's chain there.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub state_hash: Hash,
    /// When it last changed.
    pub state_at: Instant,
}

/// One claim on its own: the claim and when to ask again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClaimAnswer {
    /// The claim.
    #[serde(flatten)]
    pub claim: Claim,
    /// When to ask again.
    pub next_poll_ms: u32,
}

/// Own claims, in the order in which they were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClaimList {
    /// The claims.
    pub claims: Vec<Claim>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
    /// When to ask again.
    pub next_poll_ms: u32,
}

impl From<&ClaimView> for Claim {
    fn from(view: &ClaimView) -> Self {
        let ClaimView {
            standing,
            position,
            settling_since,
        } = view;
        let paid_by = standing.state.paid_by();
        Self {
            id: standing.id,
            pool: standing.id.pool,
            state: standing.state.as_str(),
            seq: standing.sequence.0,
            held_until: standing.state.held_until().map(Instant),
            position: *position,
            settling: settling_since.is_some(),
            order: paid_by.or_else(|| standing.attached.map(|attached| attached.order)),
            // Nothing happens to a paid claim but its refund.
            paid_at: paid_by.map(|_| Instant(standing.state_at)),
            fee_fen: standing.fee.0,
            registered_by: standing.registered_by.as_str(),
            arrangement: "unarranged",
            created_at: Instant(standing.created_at),
            chain_hash: standing.chain_hash,
            state_seq: standing.state_sequence.0,
            state_hash: standing.state_hash,
            state_at: Instant(standing.state_at),
        }
    }
}

impl Claim {
    /// Its JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(CLAIM_BYTES);
        self.write(&mut writer);
        writer.raw("}");
        writer.finish()
    }

    /// Its JSON, with when to ask again.
    pub fn to_answer(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(CLAIM_BYTES);
        self.write(&mut writer);
        writer.raw(",\"next_poll_ms\":");
        writer.number(OWN_NEXT_POLL_MS.into());
        writer.raw("}");
        writer.finish()
    }

    /// The JSON of a list of them.
    pub fn to_list<'a>(claims: impl ExactSizeIterator<Item = &'a ClaimView>, next: Option<&str>) -> Vec<u8> {
        let mut writer = Writer::with_capacity(64 + CLAIM_BYTES * claims.len());
        writer.raw("{\"claims\":[");
        for (n, claim) in claims.enumerate() {
            if n > 0 {
                writer.raw(",");
            }
            Self::from(claim).write(&mut writer);
            writer.raw("}");
        }
        writer.raw("],\"next_cursor\":");
        writer.optional_text(next);
        writer.raw(",\"next_poll_ms\":");
        writer.number(OWN_NEXT_POLL_MS.into());
        writer.raw("}");
        writer.finish()
    }

    /// Its JSON without the closing brace.
    fn write(&self, writer: &mut Writer) {
        writer.raw("{\"id\":");
        writer.claim(&self.id);
        writer.raw(",\"pool\":");
        writer.pool(&self.pool);
        writer.raw(",\"state\":");
        writer.plain(self.state);
        writer.raw(",\"seq\":");
        writer.number(self.seq);
        writer.raw(",\"held_until\":");
        writer.optional_moment(self.held_until.map(|instant| instant.0));
        writer.raw(",\"position\":");
        writer.optional_number(self.position);
        writer.raw(",\"settling\":");
        writer.flag(self.settling);
        writer.raw(",\"order\":");
        writer.optional_order(self.order);
        writer.raw(",\"paid_at\":");
        writer.optional_moment(self.paid_at.map(|instant| instant.0));
        writer.raw(",\"fee_fen\":");
        writer.number(self.fee_fen.into());
        writer.raw(",\"registered_by\":");
        writer.plain(self.registered_by);
        writer.raw(",\"arrangement\":");
        writer.plain(self.arrangement);
        writer.raw(",\"created_at\":");
        writer.moment(self.created_at.0);
        writer.raw(",\"chain_hash\":");
        writer.hash(&self.chain_hash);
        writer.raw(",\"state_seq\":");
        writer.number(self.state_seq);
        writer.raw(",\"state_hash\":");
        writer.hash(&self.state_hash);
        writer.raw(",\"state_at\":");
        writer.moment(self.state_at.0);
    }
}

#[cfg(test)]
mod tests {
    use kaowei_core::audit::Seal;
    use kaowei_core::ids::{CandidateId, ClaimNumber, Fen, Sequence};
    use kaowei_core::seats::{Event, PoolFacts, RegisteredBy, Standing};
    use kaowei_core::sites::{Level, Paper, Site};
    use kaowei_core::time::Moment;

    use super::*;

    fn view(event: &Event, position: Option<u32>) -> ClaimView {
        let facts = PoolFacts {
            id: "991010-1".parse().unwrap(),
            site: Site {
                province: "99".parse().unwrap(),
                school: "99101".parse().unwrap(),
            },
            paper: Paper::Written,
            level: Level(4),
            requires: None,
        };
        let seal = Seal {
            sequence: Sequence(3),
            hash: Hash([0xab; 32]),
            at: Moment::from_unix_ms(1_700_000_000_123),
        };
        ClaimView {
            standing: Standing::made_by(&facts, event, &seal).unwrap(),
            position,
            settling_since: None,
        }
    }

    /// One held, one waiting, one paid, one settling.
    fn all() -> [ClaimView; 4] {
        let [held, waiting] = both();
        let order = OrderId(0xa1);
        let (mut paid, mut settling) = (held, held);
        paid.standing.state = kaowei_core::seats::ClaimState::Paid { order };
        settling.standing.attached = Some(kaowei_core::seats::Attached {
            order,
            asked_at: None,
        });
        settling.settling_since = Some(Moment::from_unix_ms(1_700_086_400_124));
        [held, waiting, paid, settling]
    }

    fn both() -> [ClaimView; 2] {
        let held = Event::ClaimHeld {
            claim: ClaimNumber(17),
            candidate: CandidateId(5),
            held_until: Moment::from_unix_ms(1_700_086_400_123),
            fee_fen: Fen(5_000),
            registered_by: RegisteredBy::Candidate,
            key: None,
        };
        let queued = Event::ClaimQueued {
            claim: ClaimNumber(18),
            candidate: CandidateId(6),
            position: 1,
            fee_fen: Fen(1),
            registered_by: RegisteredBy::School,
            key: None,
        };
        [view(&held, None), view(&queued, Some(1))]
    }

    #[test]
    fn the_writer_agrees_with_the_published_form() {
        for view in all() {
            let claim = Claim::from(&view);
            assert_eq!(claim.to_json(), serde_json::to_vec(&claim).unwrap());
            let answer = ClaimAnswer {
                claim: claim.clone(),
                next_poll_ms: OWN_NEXT_POLL_MS,
            };
            assert_eq!(claim.to_answer(), serde_json::to_vec(&answer).unwrap());
        }
        let views = both();
        let list = ClaimList {
            claims: views.iter().map(Claim::from).collect(),
            next_cursor: Some("abc".into()),
            next_poll_ms: OWN_NEXT_POLL_MS,
        };
        assert_eq!(
            Claim::to_list(views.iter(), Some("abc")),
            serde_json::to_vec(&list).unwrap()
        );
    }
}
