//! Instants as RFC 3339 text, UTC, to the millisecond.

use std::borrow::Cow;

use kaowei_core::time::Moment;
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// An instant on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub Moment);

impl Instant {
    /// An instant that may be "never": the latest there is reads as none.
    pub fn unless_never(moment: Moment) -> Option<Self> {
        (moment != Moment::MAX).then_some(Self(moment))
    }
}

impl From<Moment> for Instant {
    fn from(moment: Moment) -> Self {
        Self(moment)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2026-09-10T01:00:00.000Z"])
            .into()
    }
}

impl ToSchema for Instant {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Instant")
    }
}
