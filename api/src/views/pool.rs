//! A pool as everybody sees it (availability), and as staff see it (numbers).

use std::sync::Arc;

use kaowei_core::ids::{CampusCode, PoolId, SchoolCode};
use kaowei_engine::{Catalogue, PoolView};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Instant, SubjectView};

/// 剩余容量
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// 有
    Some,
    /// 无
    None,
}

/// The queue of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Waitlist {
    /// Whether one may submit to it now.
    pub open: bool,
    /// How many wait.
    pub length: u32,
}

/// A pool, to everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PublicPool {
    /// Campus and subject.
    #[schema(value_type = String, example = "991010-1")]
    pub id: PoolId,
    /// What is sat.
    pub subject: SubjectView,
    /// The school's code.
    #[schema(value_type = String, example = "99101")]
    pub school: SchoolCode,
    /// The school's name.
    pub school_name: String,
    /// The campus's code.
    #[schema(value_type = String, example = "991010")]
    pub campus: CampusCode,
    /// The campus's name.
    pub campus_name: String,
    /// Whether a newcomer would get a seat.
    pub availability: Availability,
    /// Whether the school has opened it.
    pub open: bool,
    /// The queue.
    pub waitlist: Waitlist,
    /// What a seat costs, in fen.
    pub fee_fen: u32,
    /// When the exam is sat, as the school wrote it.
    #[schema(value_type = Option<String>)]
    pub exam_date: Option<Arc<str>>,
    /// From when on seats may be claimed; null where the sitting has no window for it.
    pub opens_at: Option<Instant>,
    /// Until when.
    pub closes_at: Option<Instant>,
}

/// Pools, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PublicPools {
    /// The pools.
    pub pools: Vec<PublicPool>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
    /// When to ask again.
    pub next_poll_ms: u32,
}

/// A pool, to staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StaffPool {
    /// What everybody sees.
    #[serde(flatten)]
    pub public: PublicPool,
    /// The province's code.
    #[schema(value_type = String, example = "99")]
    pub province: kaowei_core::ids::ProvinceCode,
    /// Its seats.
    pub capacity: u32,
    /// Seats held, unpaid.
    pub held: u32,
    /// Seats paid.
    pub paid: u32,
    /// How many wait.
    pub waiting: u32,
    /// Whether more is taken than the capacity, so that released seats vanish.
    pub draining: bool,
    /// The sequence number of its latest event.
    pub seq: u64,
}

/// Pools with their numbers, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StaffPools {
    /// The pools.
    pub pools: Vec<StaffPool>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
    /// When to ask again.
    pub next_poll_ms: u32,
}

impl PublicPool {
    /// A pool with the names of the catalogue.
    pub fn new(view: &PoolView, catalogue: &Catalogue) -> Self {
        let facts = &view.facts;
        let campus = catalogue.tree.campus(facts.id.campus);
        Self {
            id: facts.id,
            subject: SubjectView::of_pool(facts, catalogue),
            school: facts.site.school,
            school_name: campus.map_or_else(String::new, |campus| campus.school_name.clone()),
            campus: facts.id.campus,
            campus_name: campus.map_or_else(String::new, |campus| campus.name.clone()),
            availability: if view.has_seat {
                Availability::Some
            } else {
                Availability::None
            },
            open: view.open,
            waitlist: Waitlist {
                open: view.waitlist_open,
                length: view.waiting,
            },
            fee_fen: view.fee.0,
            exam_date: view.exam_date.clone(),
            opens_at: Instant::unless_never(view.terms.opens_at),
            closes_at: Instant::unless_never(view.terms.closes_at),
        }
    }
}

impl StaffPool {
    /// A pool with its numbers and the names of the catalogue.
    pub fn new(view: &PoolView, catalogue: &Catalogue) -> Self {
        Self {
            public: PublicPool::new(view, catalogue),
            province: view.facts.site.province,
            capacity: view.capacity,
            held: view.held,
            paid: view.paid,
            waiting: view.waiting,
            draining: view.draining,
            seq: view.sequence.0,
        }
    }
}
