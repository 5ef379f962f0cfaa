//! What changes, as it is published: for those who follow along over a stream.
//!
//! Fed by the publisher, after a commit, in the order of publication. Items name what changed; whoever passes them on
//! looks at how it stands by then. Followers resume where they were while the latest items are kept, and are told to
//! read everything anew where not. Nobody who is slow holds anything up: a candidate's follower that lags is cut, staff
//! skip ahead. Nor does anybody who comes back: what is kept is searched outside the lock that the publisher takes.
//!
//! Deliberately absent: what outlives an incarnation. The next one's feed knows nothing of this one's places, so who
//! comes with one of those reads everything anew.

mod kept;
mod own;
mod staff;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use kaowei_core::ids::{CandidateId, ClaimId, OrderId, PoolId};
use kaowei_core::notices::NoticeId;
use kaowei_core::sites::Site;
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc};

use kept::{Kept, Missed};
pub use own::{OwnFeed, OwnNews};
pub use staff::{StaffFeed, StaffNews};

use crate::metrics;
use crate::tables::NoticeRow;

/// So many items may wait for one candidate's follower; far more than a candidate makes at once.
const OWN_WAITING_MAX: usize = 64;

/// So many items may wait for the staff's followers: well over a second of an opening's.
const STAFF_WAITING_MAX: usize = 16_384;

/// One candidate may follow with so many streams: a few tabs.
const OWN_STREAMS_MAX: usize = 5;

/// A place in the feed. Written `018f3c-17`; opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedPlace {
    /// Which incarnation's feed.
    incarnation: u64,
    /// The how-manieth item, from 1; 0 is before the first.
    position: u64,
}

impl fmt::Display for FeedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.incarnation, self.position)
    }
}

/// A text that is no place of any feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of an event of this server")]
pub struct InvalidPlace;

impl FromStr for FeedPlace {
    type Err = InvalidPlace;
    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let (incarnation, position) = text.split_once('-').ok_or(InvalidPlace)?;
        Ok(Self {
            incarnation: u64::from_str_radix(incarnation, 16).map_err(|_| InvalidPlace)?,
            position: position.parse().map_err(|_| InvalidPlace)?,
        })
    }
}

/// What changed.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// A candidate's claim, and so its pool's numbers.
    Claim(CandidateId, ClaimId),
    /// A candidate's enrolment.
    Enrolment(CandidateId),
    /// A candidate's order.
    Order(CandidateId, OrderId),
    /// A candidate is told something (R36).
    Notice(Arc<NoticeRow>),
    /// A pool's numbers or settings, by no candidate's doing.
    Pool(PoolId),
    /// The sitting, or a campus.
    Catalogue,
    /// Whether deadlines are acted on.
    Expiry,
    /// An account of staff has ended: its streams end.
    StaffRevoked,
}

impl Change {
    /// The candidate whom it concerns, if it concerns one.
    fn candidate(&self) -> Option<CandidateId> {
        match self {
            Self::Claim(candidate, _) | Self::Enrolment(candidate) | Self::Order(candidate, _) => {
                Some(*candidate)
            }
            Self::Notice(notice) => Some(notice.candidate),
            Self::Pool(_) | Self::Catalogue | Self::Expiry | Self::StaffRevoked => None,
        }
    }

    /// Whether staff are told of it.
    fn is_for_staff(&self) -> bool {
        match self {
            Self::Claim(..) | Self::Pool(_) | Self::Catalogue | Self::Expiry | Self::StaffRevoked => true,
            Self::Enrolment(_) | Self::Order(..) | Self::Notice(_) => false,
        }
    }
}

/// A change at its place in the feed.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    position: u64,
    /// Where the pool lies that changed, if one did: for the staff's scopes.
    site: Option<Site>,
    change: Change,
}

/// The feed of one incarnation.
#[derive(Debug)]
pub(crate) struct Feed {
    incarnation: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    kept: Kept,
    own: HashMap<CandidateId, Vec<mpsc::Sender<Item>>>,
    staff: broadcast::Sender<Item>,
    /// The latest notice of each candidate that the tables may not have yet.
    noticed: HashMap<CandidateId, NoticeId>,
    is_over: bool,
}

impl Feed {
    pub(crate) fn new() -> Self {
        // The random half of a version 7 id: different in every incarnation of every start.
        let incarnation = u64::try_from(uuid::Uuid::now_v7().as_u128() & u128::from(u64::MAX)).unwrap_or(0);
        Self {
            incarnation,
            state: Mutex::new(State {
                kept: Kept::default(),
                own: HashMap::new(),
                staff: broadcast::Sender::new(STAFF_WAITING_MAX),
                noticed: HashMap::new(),
                is_over: false,
            }),
        }
    }

    /// Tells of changes that are published.
    pub(crate) fn tell(&self, changes: impl IntoIterator<Item = (Option<Site>, Change)>) {
        let mut state = self.state.lock();
        for (site, change) in changes {
            state.tell(site, change);
        }
    }

    /// The latest notice of a candidate that the tables may not have yet.
    pub(crate) fn noticed(&self, candidate: CandidateId) -> Option<NoticeId> {
        self.state.lock().noticed.get(&candidate).copied()
    }

    /// Forgets the notices that the tables have, and followers who are gone: else who never changes again would be kept
    /// for ever.
    pub(crate) fn forget(&self, is_in_the_tables: impl Fn(NoticeId) -> bool) {
        let mut state = self.state.lock();
        state.noticed.retain(|_, id| !is_in_the_tables(*id));
        state.own.retain(|_, followers| {
            followers.retain(|follower| !follower.is_closed());
            !followers.is_empty()
        });
    }

    /// Ends all streams.
    pub(crate) fn end(&self) {
        let mut state = self.state.lock();
        state.is_over = true;
        state.own.clear();
        state.staff = broadcast::Sender::new(1);
    }

    fn place(&self, position: u64) -> FeedPlace {
        FeedPlace {
            incarnation: self.incarnation,
            position,
        }
    }

    /// What came after a place; none where not all of it is there any more, or the place is another feed's.
    fn since(&self, state: &State, place: Option<FeedPlace>) -> Option<Missed> {
        let place = place.filter(|place| place.incarnation == self.incarnation)?;
        state.kept.after(place.position)
    }
}

impl State {
    fn tell(&mut self, site: Option<Site>, change: Change) {
        let item = Item {
            position: self.kept.latest() + 1,
            site,
            change,
        };
        if let Change::Notice(notice) = &item.change {
            self.noticed.insert(notice.candidate, notice.id);
        }
        if let Some(candidate) = item.change.candidate()
            && !self.own.is_empty()
        {
            self.tell_own(candidate, &item);
        }
        if item.change.is_for_staff() && self.staff.receiver_count() > 0 {
            // It fails only where the last of them has just gone.
            self.staff.send(item.clone()).ok();
        }
        self.kept.push(item);
    }

    fn tell_own(&mut self, candidate: CandidateId, item: &Item) {
        let Some(followers) = self.own.get_mut(&candidate) else {
            return;
        };
        followers.retain(|follower| match follower.try_send(item.clone()) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                metrics::stream_cut();
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        });
        if followers.is_empty() {
            self.own.remove(&candidate);
        }
    }
}

#[cfg(test)]
mod tests {
    use kaowei_core::notices::Notice;
    use kaowei_core::time::Moment;

    use super::*;

    fn claim(number: u32) -> ClaimId {
        format!("991010-1-{number}").parse().unwrap()
    }

    fn tell(feed: &Feed, number: u32) {
        feed.tell([(None, Change::Claim(CandidateId(7), claim(number)))]);
    }

    fn positions(feed: &Feed, place: FeedPlace) -> Option<Vec<u64>> {
        let missed = feed.since(&feed.state.lock(), Some(place))?;
        Some(missed.iter().map(|item| item.position).collect())
    }

    #[test]
    fn a_place_reads_back_as_it_was_written() {
        let place = Feed::new().place(17);
        assert_eq!(place.to_string().parse::<FeedPlace>().unwrap(), place);
        for text in ["", "17", "x-1", "1-x", "1--1"] {
            assert!(text.parse::<FeedPlace>().is_err(), "{text}");
        }
    }

    #[test]
    fn who_was_here_goes_on_where_he_was_and_who_was_not_reads_everything_anew() {
        let feed = Feed::new();
        assert_eq!(positions(&feed, feed.place(0)), Some(vec![]));
        for number in 1..=3 {
            tell(&feed, number);
        }
        assert_eq!(positions(&feed, feed.place(0)), Some(vec![1, 2, 3]));
        assert_eq!(positions(&feed, feed.place(2)), Some(vec![3]));
        assert_eq!(positions(&feed, feed.place(3)), Some(vec![]));
        assert_eq!(positions(&feed, feed.place(4)), None, "it has not been yet");
        let another = Feed::new();
        assert_eq!(positions(&feed, another.place(1)), None);
        assert!(feed.since(&feed.state.lock(), None).is_none());
    }

    #[test]
    fn who_is_gone_and_what_the_tables_have_is_forgotten() {
        let feed = Feed::new();
        let (gone, _) = mpsc::channel(1);
        let (here, _news) = mpsc::channel(1);
        let followers = [
            (CandidateId(7), vec![gone.clone()]),
            (CandidateId(8), vec![gone, here]),
        ];
        feed.state.lock().own.extend(followers);
        for position in [5, 6] {
            let row = NoticeRow {
                id: format!("99-{position}").parse().unwrap(),
                candidate: CandidateId(position),
                at: Moment::MIN,
                notice: Notice::Paid { claim: claim(1) },
            };
            feed.tell([(None, Change::Notice(Arc::new(row)))]);
        }
        feed.forget(|id| id.position <= 5);
        assert_eq!(feed.state.lock().own.len(), 1);
        assert_eq!(feed.state.lock().own[&CandidateId(8)].len(), 1);
        assert_eq!(feed.noticed(CandidateId(5)), None);
        assert!(feed.noticed(CandidateId(6)).is_some());
    }

    #[test]
    fn a_follower_that_lags_is_cut_and_disturbs_nobody() {
        let feed = Feed::new();
        let (slow, mut of_slow) = mpsc::channel(OWN_WAITING_MAX);
        let (quick, mut of_quick) = mpsc::channel(OWN_WAITING_MAX);
        feed.state.lock().own.insert(CandidateId(7), vec![slow, quick]);
        for number in 1..=u32::try_from(OWN_WAITING_MAX).unwrap() + 1 {
            tell(&feed, number);
            assert!(of_quick.try_recv().is_ok());
        }
        let waiting = std::iter::from_fn(|| of_slow.try_recv().ok()).count();
        assert_eq!(waiting, OWN_WAITING_MAX);
        assert!(of_slow.is_closed() && !of_quick.is_closed());
    }
}
