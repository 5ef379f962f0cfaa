//! The data of events.

use kaowei_core::registration::Enrolment;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Claim, Instant, Notice, Order};

/// The data of each event of a candidate, by its name.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it documents what is written one by one")]
pub struct OwnEvents {
    /// Everything is to be read anew.
    #[schema(value_type = Object)]
    resync: (),
    /// A claim changed: as it stands now.
    claim: Claim,
    /// An order changed: as it stands now.
    order: Order,
    /// The enrolment was saved, deleted, or is kept for longer; or a choice or the review in it changed.
    enrolment: EnrolmentNews,
    /// A notice.
    notice: Notice,
}

/// How the enrolment stands; `GET /v1/enrolment` has all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct EnrolmentNews {
    /// Whether there is one.
    pub enrolled: bool,
    /// When it was saved.
    pub saved_at: Option<Instant>,
    /// From when on it is deleted if it has no active claim.
    pub delete_after: Option<Instant>,
}

impl From<Option<&Enrolment>> for EnrolmentNews {
    fn from(enrolment: Option<&Enrolment>) -> Self {
        Self {
            enrolled: enrolment.is_some(),
            saved_at: enrolment.map(|enrolment| enrolment.saved_at.into()),
            delete_after: enrolment.map(|enrolment| enrolment.delete_after.into()),
        }
    }
}

/// The sitting or a campus changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct CatalogueNews {
    /// Rises with every change of either.
    pub version: u64,
}
