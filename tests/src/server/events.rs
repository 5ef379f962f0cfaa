//! A stream of events as its reader sees it: each checked against the document.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::Told;
use super::client::Client;
use super::contract::Contract;
use super::trail::Fact;

/// Far longer than any event takes to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// One event.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// The place behind it, where it says one.
    pub id: Option<String>,
    /// Its data.
    pub data: Value,
}

/// A stream that is read.
pub struct Events {
    response: reqwest::Response,
    unread: String,
    path: &'static str,
    contract: Arc<Contract>,
    told: Told,
}

impl Client {
    /// Follows a stream, from behind the event of that id if one is given.
    pub async fn follow(&self, path: &'static str, last: Option<&str>) -> Events {
        let mut call = self.call("GET", path);
        if let Some(last) = last {
            call = call.with("last-event-id", last);
        }
        let (response, contract, told) = call.open().await;
        assert_eq!(response.status().as_u16(), 200);
        let kind = response.headers().get("content-type").expect("it says its type");
        assert_eq!(kind, "text/event-stream");
        Events {
            response,
            unread: String::new(),
            path,
            contract,
            told,
        }
    }
}

impl Events {
    /// The next event; none at the end.
    pub async fn next(&mut self) -> Option<Event> {
        // Signs of life come in between.
        let next = tokio::time::timeout(PATIENCE, self.read_on()).await;
        next.unwrap_or_else(|_| panic!("no event comes on {}", self.path))
    }

    async fn read_on(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                if let Some(event) = read(&block) {
                    self.contract.judge_event(self.path, &event.name, &event.data);
                    let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                    Fact::gather(&event.data, &mut told);
                    return Some(event);
                }
            }
            let chunk = self.response.chunk().await;
            let chunk = chunk.expect("the stream does not break off")?;
            self.unread.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// The next event, which must have that name.
    pub async fn expect(&mut self, name: &str) -> Event {
        let event = self.next().await.expect("the stream goes on");
        assert_eq!(event.name, name, "{event:?}");
        event
    }

    /// The first event, which must say that everything is to be read anew.
    pub async fn resync(&mut self) -> String {
        self.expect("resync").await.id.expect("it has a place")
    }

    /// Reads to the end, which comes at once.
    pub async fn ends(&mut self) {
        let event = self.next().await;
        assert!(event.is_none(), "{event:?}");
    }
}

/// A block of lines; none where it holds no event.
fn read(block: &str) -> Option<Event> {
    let field = |name: &str| {
        let mut lines = block.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    Some(Event {
        name: field("event")?.into(),
        id: field("id").map(Into::into),
        data: serde_json::from_str(field("data").expect("an event has data")).expect("which is JSON"),
    })
}
