//! The staff's news: what changes below a scope, gathered over moments, since pools change thousands of times a second.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kaowei_core::ids::PoolId;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::Instant;

use super::{Change, FeedPlace, Item};
use crate::Engine;
use crate::failure::Failure;
use crate::incarnation::Incarnation;
use crate::metrics;
use crate::operations::Staff;
use crate::views::{ExpiryStatus, PoolView};

/// Between two looks: what changes oftener is told once.
const GATHER_TIME: Duration = Duration::from_millis(250);

/// What staff are told.
#[derive(Debug, Clone)]
pub enum StaffNews {
    /// Nobody knows what was missed: everything is to be read anew.
    Resync,
    /// A pool, as it stands now.
    Pool(Box<PoolView>),
    /// The sitting or a campus changed; the catalogue's version.
    Catalogue(u64),
    /// Whether deadlines are acted on now.
    Expiry(ExpiryStatus),
}

/// What is still to be told of what was gathered.
#[derive(Debug, Default)]
struct Gathered {
    pools: BTreeSet<PoolId>,
    catalogue: bool,
    expiry: bool,
    /// Up to where.
    position: u64,
}

/// A stream of news for staff.
pub struct StaffFeed {
    incarnation: Arc<Incarnation>,
    staff: Staff,
    resync: Option<FeedPlace>,
    gathered: Gathered,
    looked_at: Option<Instant>,
    news: broadcast::Receiver<Item>,
}

impl std::fmt::Debug for StaffFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaffFeed")
            .field("scope", &self.staff.scope)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Follows what lies below a scope from a place on.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`] while recovery runs.
    pub fn follow_staff(&self, staff: &Staff, from: Option<FeedPlace>) -> Result<StaffFeed, Failure> {
        let incarnation = self.incarnation()?;
        let feed = &incarnation.feed;
        let state = feed.state.lock();
        if state.is_over {
            return Err(Failure::StoreUnavailable);
        }
        let news = state.staff.subscribe();
        let missed = feed.since(&state, from);
        let resync = missed.is_none().then(|| feed.place(state.kept.latest()));
        drop(state);
        let mut following = StaffFeed {
            incarnation,
            staff: staff.clone(),
            resync,
            gathered: Gathered::default(),
            looked_at: None,
            news,
        };
        let missed = missed.unwrap_or_default();
        for item in missed.iter().filter(|item| item.change.is_for_staff()) {
            following.gather(item);
        }
        Ok(following)
    }
}

impl StaffFeed {
    /// Waits for the next news; none at the end, which comes also when the account has ended. Only the last of what was
    /// gathered together has a place: who has not read all of it goes on from before it. Whoever stops waiting loses
    /// nothing.
    pub async fn next(&mut self) -> Option<(Option<FeedPlace>, StaffNews)> {
        loop {
            if !self.incarnation.has_staff(&self.staff) {
                return None;
            }
            if let Some(place) = self.resync.take() {
                return Some((Some(place), StaffNews::Resync));
            }
            if let Some(news) = self.take_gathered() {
                let place = self.gathered.is_empty().then(|| self.place());
                return Some((place, news));
            }
            if let Some(looked_at) = self.looked_at {
                tokio::time::sleep_until(looked_at + GATHER_TIME).await;
            }
            match self.news.recv().await {
                Ok(item) => self.gather(&item),
                Err(RecvError::Lagged(_)) => self.skip_ahead(),
                Err(RecvError::Closed) => return None,
            }
            loop {
                match self.news.try_recv() {
                    Ok(item) => self.gather(&item),
                    Err(TryRecvError::Lagged(_)) => self.skip_ahead(),
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
            self.looked_at = Some(Instant::now());
        }
    }

    fn place(&self) -> FeedPlace {
        self.incarnation.feed.place(self.gathered.position)
    }

    /// Who was too slow reads everything anew, from here on.
    fn skip_ahead(&mut self) {
        metrics::stream_cut();
        let state = self.incarnation.feed.state.lock();
        self.news = state.staff.subscribe();
        self.gathered = Gathered::default();
        self.resync = Some(self.incarnation.feed.place(state.kept.latest()));
    }

    fn gather(&mut self, item: &Item) {
        self.gathered.position = item.position;
        if item.site.is_some_and(|site| !self.staff.scope.covers(site)) {
            return;
        }
        match &item.change {
            Change::Claim(_, claim) => {
                self.gathered.pools.insert(claim.pool);
            }
            Change::Pool(pool) => {
                self.gathered.pools.insert(*pool);
            }
            Change::Catalogue => self.gathered.catalogue = true,
            Change::Expiry => self.gathered.expiry = true,
            Change::Enrolment(_) | Change::Order(..) | Change::Notice(_) | Change::StaffRevoked => {}
        }
    }

    fn take_gathered(&mut self) -> Option<StaffNews> {
        if std::mem::take(&mut self.gathered.catalogue) {
            return Some(StaffNews::Catalogue(self.incarnation.catalogue().version));
        }
        if std::mem::take(&mut self.gathered.expiry) {
            return Some(StaffNews::Expiry(self.incarnation.expiry_status()));
        }
        while let Some(pool) = self.gathered.pools.pop_first() {
            if let Some(pool) = self.incarnation.pool(pool) {
                return Some(StaffNews::Pool(Box::new(pool.view(self.incarnation.now()))));
            }
        }
        None
    }
}

impl Gathered {
    fn is_empty(&self) -> bool {
        self.pools.is_empty() && !self.catalogue && !self.expiry
    }
}
