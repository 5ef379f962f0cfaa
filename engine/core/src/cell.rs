//! What happens in a cell outside its pools, as one stream with one chain: registration and payment.

use crate::ids::CandidateId;
use crate::stored::InvalidEvent;
use crate::{payment, registration};

/// Something that happened in a cell outside its pools.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// To a candidate, to the sitting, by staff.
    Registration(registration::Event),
    /// To an order.
    Payment(payment::Event),
}

impl Event {
    /// Its kind, as the journal stores it. No kind is of both.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Registration(event) => event.kind(),
            Self::Payment(event) => event.kind(),
        }
    }

    /// Its payload as JSON.
    ///
    /// # Errors
    /// None in practice: every field has a JSON form.
    pub fn payload(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Registration(event) => event.payload(),
            Self::Payment(event) => event.payload(),
        }
    }

    /// Reads an event back from its kind and payload.
    ///
    /// # Errors
    /// An error for a kind or version that this release does not know, or a damaged payload.
    pub fn read(kind: &str, payload: &str) -> Result<Self, InvalidEvent> {
        match registration::Event::read(kind, payload) {
            Err(InvalidEvent::Kind(_)) => payment::Event::read(kind, payload).map(Self::Payment),
            read => read.map(Self::Registration),
        }
    }

    /// The candidate whom it concerns, if it concerns one.
    pub fn candidate(&self) -> Option<CandidateId> {
        match self {
            Self::Registration(event) => event.candidate(),
            Self::Payment(event) => Some(event.order().1),
        }
    }
}

impl From<registration::Event> for Event {
    fn from(event: registration::Event) -> Self {
        Self::Registration(event)
    }
}

impl From<payment::Event> for Event {
    fn from(event: payment::Event) -> Self {
        Self::Payment(event)
    }
}
