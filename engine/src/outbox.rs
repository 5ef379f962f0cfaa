//! The outbox: what is to be handed to the webhook, and what it has taken (R36).
//!
//! Notices are read from the tables, so none is sent before it is durable, and a cursor a cell says up to where they
//! have been sent. It is kept with the persons' data: the tables are disposable, what was sent is not made anew with
//! them. Beside them are messages, sent one by one until they are taken or their time is over: codes, which no event stands
//! for, and notices that the receiver refused while it took others, so that one can't hold up all.
//!
//! At least once: what was sent when the server was killed is sent again, under the same id.
//!
//! Deliberately absent: HTTP, words, and when to try again after the receiver as a whole did not answer.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use kaowei_core::ids::{CandidateId, national_cell};
use kaowei_core::notices::Notice;
use kaowei_core::time::{Moment, Span};
use tokio::sync::watch;

use crate::Engine;
use crate::fail_points::{FailPoint, pass};
use crate::failure::Failure;
use crate::metrics::{self, Delivery};
use crate::people::{MessageBody, SentCode, due_messages};
use crate::store::{Statement, Store, on};
use crate::tables::{NoticeRow, Progress, notices_after};

/// So many are handed out at once.
const BATCH: usize = 100;

/// Between two looks where nothing was found; the tables change all the time while claims pour in.
const PAUSE: Duration = Duration::from_millis(200);

/// Messages that are to be tried again are looked for so often.
const TICK: Duration = Duration::from_secs(1);

/// A message that was not taken is tried again after so long, then after twice as long each time, up to the longest.
const RETRY_FIRST: Span = Span::from_secs(5);
const RETRY_LONGEST: Span = Span::from_secs(3_600);

/// A notice that was refused while others were taken is tried for so long.
const NOTICE_LIFE: Span = Span::from_secs(3 * 86_400);

/// One thing to hand to the webhook.
#[derive(Clone)]
pub struct Parcel {
    /// The same for every try.
    pub id: String,
    /// Whom it is for.
    pub candidate: CandidateId,
    /// Where it goes: their bound phone, or the one that a code confirms.
    pub phone: String,
    /// When it happened.
    pub at: Moment,
    /// What it is.
    pub content: Content,
    source: Source,
}

/// Shows no phone.
impl std::fmt::Debug for Parcel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parcel({}, {:?})", self.id, self.content)
    }
}

/// What is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A notice.
    Notice(Notice),
    /// A code; no notice, on no page.
    Code(SentCode),
}

/// Where it is kept.
#[derive(Debug, Clone, Copy)]
enum Source {
    Tables,
    Message {
        number: i64,
        attempts: u32,
        expires_at: Moment,
    },
}

/// The outbox of a running engine. There is one.
pub struct Outbox {
    engine: Engine,
    /// Up to where each cell's notices have been sent or set aside.
    cursors: HashMap<String, i64>,
    /// Up to where each cell's tables were when no notice was found behind the cursor.
    looked: HashMap<String, i64>,
    /// Where the cursors stand when all that was handed out last is done.
    next: HashMap<String, i64>,
    /// Messages that can't be handed over any more: nobody has that phone, their time is over, or they can't be read.
    undeliverable: Vec<i64>,
    progress: watch::Receiver<Progress>,
    found_nothing: bool,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox")
            .field("cursors", &self.cursors)
            .finish_non_exhaustive()
    }
}

const CURSORS: &str = "SELECT cell, position FROM outbox_cursors";
const PHONES: &str = "SELECT candidate, phone FROM accounts WHERE candidate IN ({rows})";
const COUNT: &str = "SELECT COUNT(*) FROM messages WHERE candidate <> 0";

impl Engine {
    /// Opens the outbox. Where nothing was ever sent from this store, what happened before is not sent: nobody wants to
    /// hear of it on the day on which a webhook is set up.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`].
    pub async fn outbox(&self) -> Result<Outbox, Failure> {
        let store = &self.inner.store;
        let mut cursors = read_cursors(store).await?;
        if cursors.is_empty() {
            let reached: Vec<(String, i64)> = on!(&store.journal, pool => {
                sqlx::query_as("SELECT cell, position FROM cells").fetch_all(pool).await
            })
            .map_err(|error| unavailable(&error))?;
            cursors.extend(reached);
            // Its row says that the outbox has begun.
            cursors.entry(national_cell().to_string()).or_insert(0);
            let written = store.people.write(&[write_cursors(&cursors)]).await;
            written.map_err(|error| unavailable(&error))?;
        }
        let mut progress = self.inner.checkpointed.subscribe();
        progress.mark_changed();
        Ok(Outbox {
            engine: self.clone(),
            cursors,
            looked: HashMap::new(),
            next: HashMap::new(),
            undeliverable: Vec::new(),
            progress,
            found_nothing: false,
        })
    }
}

impl Outbox {
    /// Waits until there may be something to hand out.
    pub async fn wait(&mut self) {
        if std::mem::take(&mut self.found_nothing) {
            let wanted = self.engine.inner.messages_wanted.notified();
            let changed = async {
                tokio::time::sleep(PAUSE).await;
                // The tables' end comes with the engine's, which ends this too.
                self.progress.changed().await.ok();
            };
            tokio::select! {
                () = wanted => {}
                () = changed => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// What is to be handed over next: messages whose time has come, then notices in the order of each cell.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`]; it may be asked again.
    pub async fn next(&mut self) -> Result<Vec<Parcel>, Failure> {
        let now = self.engine.now();
        let mut parcels = self.messages(now).await?;
        let rows = self.notices(BATCH - parcels.len()).await?;
        let oldest = rows.iter().map(|row| row.at).min();
        let (aside,): (i64,) = on!(&self.store().people, pool => sqlx::query_as(COUNT).fetch_one(pool).await)
            .map_err(|error| unavailable(&error))?;
        let lag = oldest.map_or(Span::ZERO, |at| now.since(at));
        metrics::outbox(lag, u64::try_from(aside).unwrap_or(0));
        parcels.extend(rows.into_iter().map(|row| Parcel {
            id: row.id.to_string(),
            candidate: row.candidate,
            phone: String::new(),
            at: row.at,
            content: Content::Notice(row.notice),
            source: Source::Tables,
        }));
        self.address(&mut parcels).await?;
        if parcels.is_empty() {
            self.found_nothing = self.next.is_empty();
            self.done(Vec::new()).await?;
        }
        Ok(parcels)
    }

    /// Keeps what became of all that was handed out last. Whether the receiver took anything, or was asked nothing that
    /// it should have taken: where not, all is handed out again.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`]: it will all be handed out again.
    pub async fn done(&mut self, outcomes: Vec<(Parcel, Delivery)>) -> Result<bool, Failure> {
        if !outcomes.is_empty() {
            pass(FailPoint::OutboxSent);
        }
        let now = self.engine.now();
        for (_, delivery) in &outcomes {
            metrics::delivered(*delivery);
        }
        let any = |wanted: Delivery| outcomes.iter().any(|(_, delivery)| *delivery == wanted);
        let has_notices = outcomes
            .iter()
            .any(|(parcel, _)| matches!(parcel.source, Source::Tables));
        let answers = any(Delivery::Taken) || !(has_notices || any(Delivery::Failed));
        let store = self.store();
        let mut changes = Changes::default();
        changes.done.extend(&self.undeliverable);
        changes.given_up = self.undeliverable.len();
        for (parcel, delivery) in &outcomes {
            changes.add(store, parcel, *delivery, answers, now)?;
        }
        let moved = if answers { self.next.len() } else { 0 };
        if moved > 0 || !changes.is_empty() {
            let mut statements = Vec::from(changes.statements());
            if moved > 0 {
                statements.push(write_cursors(&self.next));
            }
            let written = store.people.write(&statements).await;
            written.map_err(|error| unavailable(&error))?;
            pass(FailPoint::OutboxDone);
        }
        metrics::given_up(changes.given_up as u64);
        self.undeliverable.clear();
        if answers {
            self.cursors.extend(self.next.drain());
        }
        Ok(answers)
    }

    fn store(&self) -> &Store {
        &self.engine.inner.store
    }

    /// The messages that are due; those whose time is over are not sent.
    async fn messages(&mut self, now: Moment) -> Result<Vec<Parcel>, Failure> {
        let limit = i64::try_from(BATCH / 2).unwrap_or(i64::MAX);
        let due = due_messages(self.store(), now, limit).await?;
        self.undeliverable.clear();
        let mut parcels = Vec::with_capacity(due.len());
        for message in due {
            let number = message.number;
            let (id, phone, content) = match message.body {
                Some(MessageBody::Code(code)) if message.expires_at > now => (
                    format!("message-{number}"),
                    code.phone.clone(),
                    Content::Code(code),
                ),
                Some(MessageBody::Notice { id, notice }) if message.expires_at > now => {
                    (id, String::new(), Content::Notice(notice))
                }
                Some(_) | None => {
                    self.undeliverable.push(number);
                    continue;
                }
            };
            parcels.push(Parcel {
                id,
                candidate: message.candidate,
                phone,
                at: message.created_at,
                content,
                source: Source::Message {
                    number,
                    attempts: message.attempts,
                    expires_at: message.expires_at,
                },
            });
        }
        Ok(parcels)
    }

    /// Notices behind the cursors of the cells whose tables have moved on.
    async fn notices(&mut self, room: usize) -> Result<Vec<NoticeRow>, Failure> {
        let reached = self.progress.borrow_and_update().reached.clone();
        let mut rows: Vec<NoticeRow> = Vec::new();
        self.next.clear();
        for (cell, position) in reached {
            let left = room - rows.len();
            if left == 0 {
                break;
            }
            if self.looked.get(&cell).is_some_and(|looked| *looked >= position) {
                continue;
            }
            let cursor = self.cursors.get(&cell).copied().unwrap_or(0);
            let limit = i64::try_from(left).unwrap_or(i64::MAX);
            let found = notices_after(&self.store().tables, &cell, cursor, limit).await;
            let found = found.map_err(|error| {
                tracing::warn!(%error, "the outbox can't read the notices; it is tried again");
                Failure::StoreUnavailable
            })?;
            match found.last() {
                Some(last) => {
                    self.next.insert(cell, last.id.position);
                }
                None => {
                    self.looked.insert(cell, position);
                }
            }
            rows.extend(found);
        }
        Ok(rows)
    }

    /// Looks up the bound phones; what is for nobody is dropped.
    async fn address(&mut self, parcels: &mut Vec<Parcel>) -> Result<(), Failure> {
        let store = self.engine.inner.store.clone();
        let without = parcels.iter().filter(|parcel| parcel.phone.is_empty());
        let wanted = without.map(|parcel| [parcel.candidate.into()]);
        let rows: Vec<(i64, Vec<u8>)> = store
            .people
            .find(&Statement::new(PHONES, &["candidate"], wanted))
            .await
            .map_err(|error| unavailable(&error))?;
        let mut phones: HashMap<i64, String> = HashMap::with_capacity(rows.len());
        for (candidate, sealed) in rows {
            match store.secrets.open(&sealed) {
                Ok(phone) => drop(phones.insert(candidate, phone)),
                Err(error) => {
                    tracing::error!(candidate, %error, "a phone can't be read: nothing is sent to it");
                }
            }
        }
        parcels.retain_mut(|parcel| {
            if parcel.phone.is_empty()
                && let Some(phone) = phones.get(&parcel.candidate.0)
            {
                parcel.phone.clone_from(phone);
            }
            if parcel.phone.is_empty()
                && let Source::Message { number, .. } = parcel.source
            {
                self.undeliverable.push(number);
            }
            !parcel.phone.is_empty()
        });
        Ok(())
    }
}

/// What a round changes among the messages.
#[derive(Debug, Default)]
struct Changes {
    set_aside: Vec<SetAside>,
    done: Vec<i64>,
    /// Number, attempts, next.
    again: BTreeMap<i64, (u32, Moment)>,
    given_up: usize,
}

/// A notice that becomes a message.
#[derive(Debug)]
struct SetAside {
    candidate: CandidateId,
    /// Sealed.
    body: Vec<u8>,
    created_at: Moment,
    expires_at: Moment,
    next_at: Moment,
}

impl Changes {
    fn add(
        &mut self,
        store: &Store,
        parcel: &Parcel,
        delivery: Delivery,
        receiver_answers: bool,
        now: Moment,
    ) -> Result<(), Failure> {
        match (parcel.source, delivery, &parcel.content) {
            (Source::Message { number, .. }, Delivery::Taken, _) => self.done.push(number),
            (
                Source::Message {
                    number,
                    attempts,
                    expires_at,
                },
                Delivery::Refused | Delivery::Failed,
                _,
            ) => {
                let next_at = now + retry_after(attempts);
                if next_at >= expires_at {
                    tracing::warn!(
                        message = parcel.id,
                        "the webhook did not take a message in its time"
                    );
                    self.given_up += 1;
                    self.done.push(number);
                } else {
                    self.again.insert(number, (attempts.saturating_add(1), next_at));
                }
            }
            (Source::Tables, Delivery::Refused | Delivery::Failed, Content::Notice(notice))
                if receiver_answers =>
            {
                let body = MessageBody::Notice {
                    id: parcel.id.clone(),
                    notice: notice.clone(),
                };
                let body = body.seal(store)?;
                self.set_aside.push(SetAside {
                    candidate: parcel.candidate,
                    body,
                    created_at: parcel.at,
                    expires_at: now + NOTICE_LIFE,
                    next_at: now + RETRY_FIRST,
                });
            }
            (Source::Tables, _, _) => {}
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.set_aside.is_empty() && self.done.is_empty() && self.again.is_empty()
    }

    fn statements(&self) -> [Statement<'_>; 3] {
        const SET_ASIDE: &str = "INSERT INTO messages (candidate, body, created_at, expires_at, next_at, attempts) \
             SELECT candidate, body, created_at, expires_at, next_at, 1 FROM ({rows}) AS new";
        const DELETE: &str = "DELETE FROM messages WHERE message IN ({rows})";
        const AGAIN: &str = "UPDATE messages SET attempts = new.attempts, next_at = new.next_at FROM ({rows}) AS new \
             WHERE messages.message = new.message";
        const KEPT: [&str; 5] = ["candidate", "body", "created_at", "expires_at", "next_at"];
        let set_aside = self.set_aside.iter().map(|kept| {
            [
                kept.candidate.into(),
                kept.body.as_slice().into(),
                kept.created_at.into(),
                kept.expires_at.into(),
                kept.next_at.into(),
            ]
        });
        let done = self.done.iter().map(|number| [(*number).into()]);
        let again = self
            .again
            .iter()
            .map(|(number, (attempts, next_at))| [(*number).into(), (*attempts).into(), (*next_at).into()]);
        [
            Statement::new(SET_ASIDE, &KEPT, set_aside),
            Statement::new(DELETE, &["message"], done),
            Statement::new(AGAIN, &["message", "attempts", "next_at"], again),
        ]
    }
}

/// After how long a message is tried again that has been tried so often before.
fn retry_after(attempts: u32) -> Span {
    let doubled = RETRY_FIRST.as_ms().saturating_mul(1_i64 << attempts.min(20));
    Span::from_ms(u32::try_from(doubled).unwrap_or(u32::MAX)).min(RETRY_LONGEST)
}

async fn read_cursors(store: &Store) -> Result<HashMap<String, i64>, Failure> {
    let rows: Vec<(String, i64)> = on!(&store.people, pool => sqlx::query_as(CURSORS).fetch_all(pool).await)
        .map_err(|error| unavailable(&error))?;
    Ok(rows.into_iter().collect())
}

fn write_cursors(cursors: &HashMap<String, i64>) -> Statement<'_> {
    let rows = cursors
        .iter()
        .map(|(cell, position)| [cell.as_str().into(), (*position).into()]);
    Statement::upsert("outbox_cursors", &["cell"], &["cell", "position"], rows)
}

/// Logged once, where the store does not answer.
fn unavailable(error: &sqlx::Error) -> Failure {
    tracing::warn!(%error, "the outbox's store does not answer; it is tried again");
    Failure::StoreUnavailable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_tried_again_after_twice_as_long_each_time_up_to_an_hour() {
        for (attempts, seconds) in [(0, 5), (1, 10), (4, 80), (9, 2_560), (10, 3_600), (4_000, 3_600)] {
            assert_eq!(retry_after(attempts), Span::from_secs(seconds), "{attempts}");
        }
    }
}
