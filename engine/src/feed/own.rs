//! A candidate's own news.

use std::collections::VecDeque;
use std::sync::Arc;

use kaowei_core::ids::CandidateId;
use kaowei_core::payment::Order;
use kaowei_core::registration::Enrolment;
use tokio::sync::mpsc;

use super::{Change, FeedPlace, Item, OWN_STREAMS_MAX, OWN_WAITING_MAX};
use crate::Engine;
use crate::failure::Failure;
use crate::incarnation::Incarnation;
use crate::operations::claim_view;
use crate::views::{Account, ClaimView, NoticeView};

/// What a candidate is told, and the place behind it.
#[derive(Debug, Clone)]
pub enum OwnNews {
    /// Nobody knows what was missed: everything is to be read anew.
    Resync,
    /// A claim, as it stands now.
    Claim(ClaimView),
    /// The enrolment as it stands now; none after it was deleted.
    Enrolment(Option<Enrolment>),
    /// An order, as it stands now.
    Order(Box<Order>),
    /// A notice.
    Notice(NoticeView),
}

/// A candidate's stream of news.
pub struct OwnFeed {
    incarnation: Arc<Incarnation>,
    account: Account,
    /// What was missed since the place from which it goes on.
    missed: VecDeque<Item>,
    /// Where to tell first that everything is to be read anew.
    resync: Option<FeedPlace>,
    news: mpsc::Receiver<Item>,
    is_cut: bool,
}

impl std::fmt::Debug for OwnFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnFeed")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Follows a candidate's own state from a place on; none where as many streams as one may have do already.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`] while recovery runs.
    pub fn follow_own(&self, account: Account, from: Option<FeedPlace>) -> Result<Option<OwnFeed>, Failure> {
        let incarnation = self.incarnation()?;
        let feed = &incarnation.feed;
        let mut state = feed.state.lock();
        if state.is_over {
            return Err(Failure::StoreUnavailable);
        }
        let (sender, news) = mpsc::channel(OWN_WAITING_MAX);
        let followers = state.own.entry(account.candidate).or_default();
        followers.retain(|follower| !follower.is_closed());
        if followers.len() >= OWN_STREAMS_MAX {
            return Ok(None);
        }
        followers.push(sender);
        let missed = feed.since(&state, from);
        let resync = missed.is_none().then(|| feed.place(state.kept.latest()));
        drop(state);
        let is_own = |item: &&Item| item.change.candidate() == Some(account.candidate);
        let missed = missed.unwrap_or_default();
        Ok(Some(OwnFeed {
            incarnation,
            account,
            missed: missed.iter().filter(is_own).cloned().collect(),
            resync,
            news,
            is_cut: false,
        }))
    }
}

impl Engine {
    /// Ends a candidate's streams: each is told to read everything anew, and comes again if it may.
    pub fn end_feeds_of(&self, candidate: CandidateId) {
        // Without an incarnation there are none.
        if let Ok(incarnation) = self.incarnation() {
            incarnation.feed.state.lock().own.remove(&candidate);
        }
    }
}

impl OwnFeed {
    /// Waits for the next news; none at the end. Whoever stops waiting loses nothing.
    pub async fn next(&mut self) -> Option<(FeedPlace, OwnNews)> {
        if let Some(place) = self.resync.take() {
            return Some((place, OwnNews::Resync));
        }
        loop {
            let item = match self.missed.pop_front() {
                Some(item) => item,
                None => match self.news.recv().await {
                    Some(item) => item,
                    None => return self.last_word(),
                },
            };
            if let Some(news) = self.look(&item.change) {
                return Some((self.incarnation.feed.place(item.position), news));
            }
        }
    }

    /// Who was too slow is told so; the end of the incarnation tells the next one's first event.
    fn last_word(&mut self) -> Option<(FeedPlace, OwnNews)> {
        let state = self.incarnation.feed.state.lock();
        if state.is_over || std::mem::replace(&mut self.is_cut, true) {
            return None;
        }
        Some((self.incarnation.feed.place(state.kept.latest()), OwnNews::Resync))
    }

    fn look(&self, change: &Change) -> Option<OwnNews> {
        let entry = self.incarnation.candidate(self.account.candidate);
        match change {
            Change::Claim(_, claim) => {
                // One that is listed no more went long ago.
                let standing = entry.read(|candidate| candidate.claim(*claim).copied())?;
                Some(OwnNews::Claim(claim_view(&self.incarnation, standing)))
            }
            Change::Enrolment(_) => Some(OwnNews::Enrolment(
                entry.read(|candidate| candidate.enrolment().copied()),
            )),
            Change::Order(_, order) => {
                let order = entry.read(|candidate| candidate.order(*order).cloned())?;
                Some(OwnNews::Order(Box::new(order)))
            }
            Change::Notice(notice) => Some(OwnNews::Notice(NoticeView::from(&**notice))),
            Change::Pool(_) | Change::Catalogue | Change::Expiry | Change::StaffRevoked => None,
        }
    }
}
