//! The script language of the pool tests.
//!
//! ```text
//! capacity 1
//! 09:00 claim li            -> held
//! 09:01 claim wang queue    -> waiting 1
//! 09:02 cancel li           -> cancelled; wang promoted
//! 09:02 claim zhao          -> pool_full
//! +1 09:02 catch up         -> wang expired
//! ```
//! A line with a time does something and says all that happens, in order, and what the asker is told; of others with
//! their name. `+1` is the next day. A line without a time sets something from there on. `oral` before a command or a
//! setting means the oral pool of the level, and before an effect that it happened there; `suspended` before a
//! command, that expiry is suspended. `o1` is an order; who pays without naming one pays by the first.

use kaowei_core::ids::{CandidateId, OrderId};
use kaowei_core::seats::{
    By, Change, ClaimState, Command, Event, Expiry, OnFull, Refusal, RemovalCause, WhenShort, WithdrawReason,
};
use kaowei_core::time::{Moment, Span};

use crate::town::{Answer, DAY, Town, midnight};

const WRITTEN: usize = 0;
const ORAL: usize = 1;

/// Runs a script and compares every line.
pub(crate) fn run(script: &str) {
    let mut run = Run {
        town: Town::new(&[("991010-1", 0), ("991010-F", 0)]),
        names: Vec::new(),
    };
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_once("->") {
            Some((action, expected)) => {
                let told = run.act(action.trim());
                assert_eq!(told, expected.trim(), "\nat: {line}");
            }
            None => run.set(line),
        }
    }
}

struct Run {
    town: Town,
    names: Vec<String>,
}

impl Run {
    fn set(&mut self, line: &str) {
        let (line, desk) = desk_of(line);
        let desk = &mut self.town.desks[desk];
        match line.split_once(' ').unwrap_or((line, "")) {
            ("capacity", seats) => {
                let mut settings = desk.pool.settings().clone();
                settings.capacity = seats.parse().unwrap();
                desk.pool = kaowei_core::seats::Pool::new(settings);
            }
            ("closed", "") => {
                let mut settings = desk.pool.settings().clone();
                settings.open = false;
                desk.pool = kaowei_core::seats::Pool::new(settings);
            }
            ("opens", at) => desk.terms.opens_at = moment(at),
            ("closes", at) => {
                desk.terms.closes_at = moment(at);
                desk.terms.waitlist_closes_at = moment(at);
                desk.terms.payment_closes_at = moment(at) + desk.terms.hold;
            }
            ("promotes-until", at) => {
                desk.terms.waitlist_closes_at = moment(at);
                desk.terms.payment_closes_at = moment(at) + desk.terms.hold;
            }
            ("pays-until", at) => desk.terms.payment_closes_at = moment(at),
            _ => panic!("no setting: {line}"),
        }
    }

    fn act(&mut self, line: &str) -> String {
        let (at, action) = take_moment(line);
        self.town.now = at;
        self.town.expiry = match action.strip_prefix("suspended ") {
            Some(_) => Expiry::Suspended,
            None => Expiry::Running,
        };
        let (action, desk) = desk_of(action.strip_prefix("suspended ").unwrap_or(action));
        let words: Vec<&str> = action.split_whitespace().collect();
        match words[..] {
            ["show", "pool"] => self.show_pool(desk),
            ["show", name] => self.show(desk, name),
            ["preview", capacity] => {
                let pool = &self.town.desks[desk].pool;
                let promoted = pool.preview(capacity.parse().unwrap());
                let names = promoted.map(|number| self.name(pool.claim(number).unwrap().candidate));
                or_nothing(names.collect::<Vec<_>>().join(", "))
            }
            ["claim", name] => self.claim(desk, name, OnFull::Reject),
            ["claim", name, "queue"] => self.claim(desk, name, OnFull::Waitlist),
            ["catch", "up"] => {
                let events = self.town.catch_up();
                self.tell(desk, None, &events, &Answer::Done)
            }
            _ => {
                let (who, command) = self.parse(desk, &words, at);
                let (events, answer) = self.town.command(desk, &command);
                self.tell(desk, who, &events, &answer)
            }
        }
    }

    fn parse(&mut self, desk: usize, words: &[&str], at: Moment) -> (Option<CandidateId>, Command) {
        let staff = By::Staff("t-1".into());
        let change = |change: Change| {
            let by = By::Staff("t-1".into());
            (None, Command::Change { change, by })
        };
        match *words {
            ["capacity", capacity, ref drain @ ..] => change(Change {
                capacity: Some(capacity.parse().unwrap()),
                when_short: if drain == ["drain"] {
                    WhenShort::Drain
                } else {
                    WhenShort::Refuse
                },
                ..Change::default()
            }),
            ["open"] => change(Change {
                open: Some(true),
                ..Change::default()
            }),
            ["close"] => change(Change {
                open: Some(false),
                ..Change::default()
            }),
            [verb, name, ref rest @ ..] => {
                let who = self.id(name);
                let claim = self.town.claim_of(desk, who).expect("a claim");
                let command = match (verb, rest) {
                    ("cancel", reason) => Command::Cancel {
                        claim,
                        by: By::Candidate,
                        reason: reason.first().map(|text| {
                            let named = |reason: &WithdrawReason| reason.as_str() == *text;
                            WithdrawReason::ALL.into_iter().find(named).expect("a reason")
                        }),
                    },
                    ("remove", []) => Command::Remove {
                        claim,
                        cause: RemovalCause::WithEnrolment,
                    },
                    ("attach", [order]) => Command::Attach {
                        claim,
                        order: order_of(order),
                        margin: Span::from_secs(360),
                    },
                    ("detach", [order]) => Command::Detach {
                        claim,
                        order: order_of(order),
                    },
                    ("pay", [order]) => Command::Pay {
                        claim,
                        order: order_of(order),
                    },
                    ("pay", []) => Command::Pay {
                        claim,
                        order: OrderId(1),
                    },
                    ("refund", [order]) => Command::Refund {
                        claim,
                        order: order_of(order),
                        by: staff,
                        reason: "system fault".into(),
                    },
                    ("extend" | "give-back", ["until", until @ ..]) => Command::Extend {
                        claim,
                        held_until: moment(&until.join(" ")),
                        by: if verb == "extend" { staff } else { By::System },
                        reason: "the school's network was down".into(),
                    },
                    _ => panic!("no command at {at}: {words:?}"),
                };
                (Some(who), command)
            }
            _ => panic!("no command at {at}: {words:?}"),
        }
    }

    fn claim(&mut self, desk: usize, name: &str, on_full: OnFull) -> String {
        let who = self.id(name);
        let (events, answer) = self.town.claim(desk, who, on_full);
        self.tell(desk, Some(who), &events, &answer)
    }

    fn tell(
        &self,
        desk: usize,
        who: Option<CandidateId>,
        events: &[(usize, Event)],
        answer: &Answer,
    ) -> String {
        let mut told: Vec<String> = events
            .iter()
            .map(|(at, event)| {
                let oral = if *at == ORAL && desk == WRITTEN {
                    "oral "
                } else {
                    ""
                };
                let oral = if *at == WRITTEN && desk == ORAL {
                    "written "
                } else {
                    oral
                };
                let name = match event.claim() {
                    Some((_, candidate)) if Some(candidate) != who => format!("{} ", self.name(candidate)),
                    _ => String::new(),
                };
                format!("{oral}{name}{}", effect(event))
            })
            .collect();
        match answer {
            Answer::Done => {}
            Answer::Again(standing) => told.push(format!("again {}", standing.state.as_str())),
            Answer::Refused(refusal) => told.push(code(*refusal).to_owned()),
        }
        or_nothing(told.join("; "))
    }

    fn show(&mut self, desk: usize, name: &str) -> String {
        let who = self.id(name);
        let Some(number) = self.town.claim_of(desk, who) else {
            return "nothing".into();
        };
        let pool = &self.town.desks[desk].pool;
        match pool.claim(number).unwrap().state {
            ClaimState::Held { until } => format!("held until {}", text(until)),
            ClaimState::Waiting => format!("waiting {}", pool.waitlist().position(number).unwrap()),
            state @ (ClaimState::Paid { .. } | ClaimState::Gone(_)) => state.as_str().into(),
        }
    }

    fn show_pool(&self, desk: usize) -> String {
        let pool = &self.town.desks[desk].pool;
        let draining = if pool.settings().draining {
            ", draining"
        } else {
            ""
        };
        let availability = if pool.has_seat() { "some" } else { "none" };
        format!(
            "{} held, {} paid of {}, {} waiting, {availability}{draining}",
            pool.held(),
            pool.paid(),
            pool.settings().capacity,
            pool.waiting(),
        )
    }

    fn id(&mut self, name: &str) -> CandidateId {
        let known = self.names.iter().position(|known| known == name);
        let index = known.unwrap_or_else(|| {
            self.names.push(name.into());
            self.names.len() - 1
        });
        CandidateId(i64::try_from(index).unwrap())
    }

    fn name(&self, candidate: CandidateId) -> &str {
        &self.names[usize::try_from(candidate.0).unwrap()]
    }
}

fn effect(event: &Event) -> String {
    match event {
        Event::PoolCreated { .. } => "created".into(),
        Event::CapacitySet {
            capacity, draining, ..
        } => format!("capacity {capacity}{}", if *draining { " draining" } else { "" }),
        Event::PoolOpened { .. } => "opened".into(),
        Event::PoolClosed { .. } => "closed".into(),
        Event::TermsSet { fee_fen, .. } => format!("fee {}", fee_fen.0),
        Event::ClaimHeld { .. } => "held".into(),
        Event::ClaimQueued { position, .. } => format!("waiting {position}"),
        Event::ClaimPromoted { .. } => "promoted".into(),
        Event::ClaimCancelled { .. } => "cancelled".into(),
        Event::ClaimWithdrawn { .. } => "withdrawn".into(),
        Event::ClaimExpired { .. } => "expired".into(),
        Event::ClaimRemoved { .. } => "removed".into(),
        Event::ClaimPaid { .. } => "paid".into(),
        Event::ClaimRefunded { .. } => "refunded".into(),
        Event::OrderAttached { .. } => "attached".into(),
        Event::OrderDetached { .. } => "detached".into(),
        Event::CancellationAsked { .. } => "cancellation asked".into(),
        Event::RemovalAsked { .. } => "removal asked".into(),
        Event::ClaimLapsed { .. } => "lapsed".into(),
        Event::DeadlineExtended { held_until, .. } => format!("held until {}", text(*held_until)),
        Event::KeyRemembered { .. } => "key remembered".into(),
    }
}

fn code(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::OutsideWindow => "outside_window",
        Refusal::WrittenRequired => "written_required",
        Refusal::AlreadyWaiting(_) => "already_waiting",
        Refusal::PoolClosed => "pool_closed",
        Refusal::PoolFull => "pool_full",
        Refusal::WaitlistClosed => "waitlist_closed",
        Refusal::AlreadyPaid => "already_paid",
        Refusal::AlreadyGone => "already_gone",
        Refusal::ReasonRequired => "reason_required",
        Refusal::NothingDue => "nothing_due",
        Refusal::HoldEnding => "hold_ending",
        Refusal::OrderUnresolved(_) => "order_unresolved",
        Refusal::CapacityBelowTaken { held: 1, paid: 1 } => "capacity_below_taken (1 held, 1 paid)",
        Refusal::CapacityBelowTaken { held: 2, paid: 0 } => "capacity_below_taken (2 held, 0 paid)",
        other => panic!("no script expects {other:?}"),
    }
}

fn order_of(text: &str) -> OrderId {
    let number = text.strip_prefix('o').and_then(|number| number.parse().ok());
    OrderId(number.unwrap_or_else(|| panic!("no order: {text}")))
}

fn or_nothing(text: String) -> String {
    if text.is_empty() { "nothing".into() } else { text }
}

fn desk_of(text: &str) -> (&str, usize) {
    match text.strip_prefix("oral ") {
        Some(rest) => (rest, ORAL),
        None => (text, WRITTEN),
    }
}

/// `09:00` of the first day or `+1 09:00` of the next.
fn moment(text: &str) -> Moment {
    let (at, rest) = take_moment(text);
    assert_eq!(rest, "", "after the time {text}");
    at
}

fn take_moment(text: &str) -> (Moment, &str) {
    let (days, clock) = match text.strip_prefix('+') {
        Some(rest) => rest
            .split_once(' ')
            .map(|(days, clock)| (days.parse().unwrap(), clock))
            .unwrap(),
        None => (0, text),
    };
    let (clock, rest) = clock.split_once(' ').unwrap_or((clock, ""));
    let (hour, minute) = clock
        .split_once(':')
        .unwrap_or_else(|| panic!("no time in {text:?}"));
    let (hour, minute): (u32, u32) = (hour.parse().unwrap(), minute.parse().unwrap());
    let seconds = days * 86_400 + hour * 3_600 + minute * 60;
    (midnight() + Span::from_secs(seconds), rest.trim())
}

fn text(at: Moment) -> String {
    let minutes = at.since(midnight()).as_ms() / 60_000;
    let clock = format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
    match at.since(midnight()).as_ms() / DAY.as_ms() {
        0 => clock,
        days => format!("+{days} {clock}"),
    }
}
