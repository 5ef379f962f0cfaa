//! How the sandbox tells the merchant what was paid: signed, again and again until that was taken, and as late, as often
//! and in the order that it was told to.

use std::time::Duration;

use kaowei_core::time::Span;

use super::Sandbox;
use super::books::Notice;
use super::signature::{SIGNATURE, TIMESTAMP};
/// After what was not taken, at first; each time twice as long, up to an hour.
const AGAIN_AFTER_MS: u32 = 1_000;
const DOUBLINGS_MAX: u32 = 12;

/// It looks at least so often, since its clock may be set.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(1);

/// Something that is told now.
#[derive(Debug)]
pub(crate) struct Telling {
    due: Notice,
    timestamp: String,
    signature: String,
}

impl Telling {
    /// As it comes to the merchant.
    pub(crate) fn headers(&self) -> [(&str, &str); 2] {
        [(TIMESTAMP, &self.timestamp), (SIGNATURE, &self.signature)]
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.due.body.as_bytes()
    }
}

impl Sandbox {
    /// What is to be told now, in the order in which it is.
    pub(crate) async fn due(&self) -> Result<Vec<Telling>, sqlx::Error> {
        if self.behaviour().down {
            return Ok(Vec::new());
        }
        let mut due = self.books.due(self.now()).await?;
        if self.behaviour().newest_first {
            due.reverse();
        }
        let timestamp = self.now().unix_ms().to_string();
        let signed = due.into_iter().map(|due| Telling {
            signature: self.signer.sign(&timestamp, due.body.as_bytes()),
            timestamp: timestamp.clone(),
            due,
        });
        Ok(signed.collect())
    }

    /// Keeps whether the merchant has taken it.
    pub(crate) async fn was_told(&self, telling: Telling, taken: bool) -> Result<(), sqlx::Error> {
        let mut due = telling.due;
        if taken {
            due.left -= 1;
            due.in_vain = 0;
        } else {
            let doublings = u32::try_from(due.in_vain).unwrap_or(0).min(DOUBLINGS_MAX);
            due.in_vain += 1;
            due.due_at = self.now() + Span::from_ms(AGAIN_AFTER_MS << doublings);
        }
        self.books.keep_due(&due).await
    }

    /// Waits until something may be due.
    pub(crate) async fn until_due(&self) {
        let wait = match self.books.next_due().await {
            Ok(Some(at)) if !self.behaviour().down => at.since(self.now()).to_std().min(LOOK_AT_LEAST_EVERY),
            Ok(_) | Err(_) => LOOK_AT_LEAST_EVERY,
        };
        tokio::time::timeout(wait, self.told.notified()).await.ok();
    }
}
