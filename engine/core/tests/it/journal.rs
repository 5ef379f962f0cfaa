//! Events as a journal keeps them: kind, instant and payload, chained.

use kaowei_core::audit::{ChainHead, Record, Seal, verify};
use kaowei_core::seats::Event;
use kaowei_core::time::Moment;

/// One row of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) stream: String,
    pub(crate) kind: String,
    pub(crate) payload: String,
    pub(crate) seal: Seal,
}

impl Row {
    pub(crate) fn write(head: &mut ChainHead, stream: &str, at: Moment, event: &Event) -> Self {
        let payload = event.payload().unwrap();
        let record = Record {
            stream,
            kind: event.kind(),
            at,
            payload: &payload,
        };
        let seal = head.append(record);
        Self {
            stream: stream.into(),
            kind: event.kind().into(),
            payload,
            seal,
        }
    }

    /// Verifies it as the next of its chain.
    pub(crate) fn verify(&self, head: &mut ChainHead) -> bool {
        let record = Record {
            stream: &self.stream,
            kind: &self.kind,
            at: self.seal.at,
            payload: &self.payload,
        };
        verify(head, record, self.seal.sequence, self.seal.hash).is_ok()
    }

    pub(crate) fn read(&self) -> Event {
        Event::read(&self.kind, &self.payload).unwrap()
    }
}
