//! One candidate: what it wants next, what it remembers, and what it may rely on.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http_body_util::Full;
use kaowei_loadtest::client::Answer;
use kaowei_loadtest::history::{ClaimState, Code, KeyNumber, Operation};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::scene::{About, Scene};

/// The agreement's version in the tests' sittings.
pub(crate) const AGREEMENT_VERSION: &str = "1";

/// A hurried candidate hangs up after so many microseconds at the most.
const HURRY_US_MAX: u64 = 6_000;

/// What a candidate can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wish {
    Agree,
    Enrol,
    /// The enrolment's end.
    Leave,
    Claim {
        pool: usize,
        waitlist: bool,
    },
    /// The end of a claim, of which it was known that it waited.
    GiveUp {
        claim: String,
        waiting: bool,
    },
    Look,
}

/// A wish as it was sent: repeated with the same key until its answer is definite.
#[derive(Debug, Clone)]
struct Asked {
    wish: Wish,
    key: KeyNumber,
}

/// A candidate.
#[derive(Debug)]
pub(super) struct Person {
    index: u32,
    token: String,
    dice: ChaCha8Rng,
    pools: Vec<String>,
    keys: u16,
    open: Option<Asked>,
    /// Own claims as last heard of.
    claims: BTreeMap<String, ClaimState>,
    agreed: bool,
    enrolled: bool,
    /// Whether its enrolment may be gone for a good reason: it asked for that, or its time is short.
    may_be_gone: bool,
    broken: Vec<String>,
}

impl Person {
    pub(super) fn new(index: u32, seed: u64, token: &str, pools: &[&str], lasting: bool) -> Self {
        Self {
            index,
            token: format!("Bearer {token}"),
            dice: ChaCha8Rng::seed_from_u64(seed ^ (u64::from(index) << 32)),
            pools: pools.iter().map(|&id| id.into()).collect(),
            keys: 0,
            open: None,
            claims: BTreeMap::new(),
            agreed: false,
            enrolled: false,
            may_be_gone: !lasting,
            broken: Vec::new(),
        }
    }

    /// What is still without an answer.
    pub(super) fn open(&self) -> Option<String> {
        let asked = self.open.as_ref()?;
        Some(format!("candidate {}: {asked:?}", self.index))
    }

    /// What was not kept.
    pub(super) fn broken(&self) -> Vec<String> {
        self.broken.clone()
    }

    /// Plays until the round is over or the server is gone.
    pub(super) async fn play(&mut self, scene: &Scene) {
        let mut looked = false;
        loop {
            let repeats = self.open.is_some();
            if scene.is_over() || (scene.settles() && !repeats && looked) {
                return;
            }
            let asked = match &self.open {
                Some(asked) => asked.clone(),
                None if scene.settles() => self.asked(Wish::Look),
                None => {
                    let wish = self.next_wish();
                    self.asked(wish)
                }
            };
            self.open = Some(asked.clone());
            let calm = scene.settles() || repeats;
            match self.ask(scene, &asked, calm).await {
                Heard::Definite => {
                    looked |= asked.wish == Wish::Look;
                    self.open = None;
                }
                Heard::NotNow => scene.pause().await,
                Heard::Lost => return,
            }
        }
    }

    /// Sends a wish, sometimes twice at once, sometimes without the patience to hear the answer.
    async fn ask(&mut self, scene: &Scene, asked: &Asked, calm: bool) -> Heard {
        let twice = !calm && self.dice.random_ratio(1, 5);
        let hurried = !calm && self.dice.random_ratio(1, 10);
        let patience = hurried.then(|| Duration::from_micros(self.dice.random_range(1..HURRY_US_MAX)));
        let about = About {
            operation: Self::operation(&asked.wish),
            pool: self
                .pool_of(&asked.wish)
                .and_then(|id| scene.pools.get(id).copied()),
            key: asked.key,
        };
        if matches!(asked.wish, Wish::Leave) {
            self.may_be_gone = true;
        }
        let send = || scene.send(self.index, about, self.request(scene, asked), patience);
        let answers = if twice {
            let (one, two) = futures_util::future::join(send(), send()).await;
            vec![one, two]
        } else {
            vec![send().await]
        };
        let mut heard = Heard::Definite;
        for answer in answers {
            heard = heard.min(self.hear(scene, &asked.wish, &answer));
        }
        heard
    }

    fn hear(&mut self, scene: &Scene, wish: &Wish, answer: &Answer) -> Heard {
        for seen in &answer.claims {
            let pool = scene.pools.iter().find(|(_, index)| **index == seen.pool);
            if let Some((pool, _)) = pool {
                self.claims.insert(format!("{pool}-{}", seen.number), seen.state);
            }
        }
        match answer.code {
            Code::ConnectionLost | Code::TimedOut => return Heard::Lost,
            Code::Internal => self.broken.push(format!(
                "candidate {}: {wish:?} was answered internal",
                self.index
            )),
            code if code.is_transient() => return Heard::NotNow,
            Code::AgreementRequired => {
                self.miss(self.agreed, "an acknowledged agreement is gone", wish);
                self.agreed = false;
            }
            Code::NotEnrolled => {
                self.miss(
                    self.enrolled && !self.may_be_gone,
                    "an acknowledged enrolment is gone",
                    wish,
                );
                self.enrolled = false;
            }
            Code::AlreadyGone => {
                if let Wish::GiveUp { claim, .. } = wish {
                    self.claims.remove(claim);
                }
            }
            _ => {}
        }
        let success = matches!(answer.status, 200..300);
        match wish {
            Wish::Agree if success => self.agreed = true,
            Wish::Enrol if success => self.enrolled = true,
            Wish::Leave if success => self.enrolled = false,
            _ => {}
        }
        let known = matches!(wish, Wish::Agree | Wish::Enrol) && !success;
        if known && answer.code != Code::AgreementRequired {
            let what = format!(
                "candidate {}: {wish:?} was refused with {}",
                self.index, answer.code
            );
            self.broken.push(what);
        }
        Heard::Definite
    }

    fn miss(&mut self, promised: bool, what: &str, wish: &Wish) {
        if promised {
            self.broken
                .push(format!("candidate {}: {what} ({wish:?})", self.index));
        }
    }

    fn asked(&mut self, wish: Wish) -> Asked {
        let keyed = matches!(wish, Wish::Enrol | Wish::Claim { .. });
        if keyed {
            self.keys += 1;
        }
        let key = KeyNumber(if keyed { self.keys } else { 0 });
        Asked { wish, key }
    }

    fn next_wish(&mut self) -> Wish {
        if !self.agreed {
            return Wish::Agree;
        }
        if !self.enrolled {
            return Wish::Enrol;
        }
        match self.dice.random_range(0..100) {
            0..50 => self.claim(false),
            50..65 => self.claim(true),
            65..86 => self.give_up(),
            86..96 => Wish::Look,
            96..98 => Wish::Leave,
            _ => Wish::Agree,
        }
    }

    fn claim(&mut self, oral: bool) -> Wish {
        let is_oral = |id: &str| id.ends_with(['F', 'S']);
        let fitting: Vec<usize> = (0..self.pools.len())
            .filter(|at| is_oral(&self.pools[*at]) == oral)
            .collect();
        Wish::Claim {
            pool: fitting[self.dice.random_range(0..fitting.len())],
            waitlist: self.dice.random(),
        }
    }

    fn give_up(&mut self) -> Wish {
        let active: Vec<_> = self
            .claims
            .iter()
            .filter(|(_, state)| state.is_active())
            .collect();
        if active.is_empty() {
            return Wish::Look;
        }
        let (claim, state) = active[self.dice.random_range(0..active.len())];
        Wish::GiveUp {
            claim: claim.clone(),
            waiting: *state == ClaimState::Waiting,
        }
    }

    fn operation(wish: &Wish) -> Operation {
        match wish {
            Wish::Agree => Operation::Agreement,
            Wish::Enrol => Operation::Enrolment,
            Wish::Leave => Operation::Other,
            Wish::Claim { .. } => Operation::Claim,
            Wish::GiveUp { waiting: false, .. } => Operation::Cancel,
            Wish::GiveUp { waiting: true, .. } => Operation::Withdraw,
            Wish::Look => Operation::Poll,
        }
    }

    fn pool_of<'a>(&'a self, wish: &'a Wish) -> Option<&'a str> {
        match wish {
            Wish::Claim { pool, .. } => Some(&self.pools[*pool]),
            Wish::GiveUp { claim, .. } => claim.rsplit_once('-').map(|(pool, _)| pool),
            Wish::Agree | Wish::Enrol | Wish::Leave | Wish::Look => None,
        }
    }

    fn request(&self, scene: &Scene, asked: &Asked) -> Request<Full<Bytes>> {
        let agreement = format!(r#"{{"version":"{AGREEMENT_VERSION}"}}"#);
        let (method, path, body) = match &asked.wish {
            Wish::Agree => ("PUT", "/v1/agreement".to_owned(), agreement),
            Wish::Enrol => (
                "POST",
                "/v1/enrolment".into(),
                r#"{"phone_confirmed":true}"#.into(),
            ),
            Wish::Leave => ("DELETE", "/v1/enrolment".into(), String::new()),
            Wish::Claim { pool, waitlist } => {
                let on_full = if *waitlist { "waitlist" } else { "reject" };
                let body = format!(r#"{{"pool":"{}","on_full":"{on_full}"}}"#, self.pools[*pool]);
                ("POST", "/v1/claims".into(), body)
            }
            Wish::GiveUp { claim, .. } => {
                let path = format!("/v1/claims/{claim}/cancel");
                ("POST", path, r#"{"reason":"changed_plans"}"#.into())
            }
            Wish::Look => ("GET", "/v1/claims".into(), String::new()),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, scene.host())
            .header(AUTHORIZATION, &self.token);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if asked.key.0 != 0 {
            request = request.header("idempotency-key", format!("crash-{}-{}", self.index, asked.key.0));
        }
        let request = request.body(Full::new(Bytes::from(body)));
        request.expect("a request of fixed parts is well formed")
    }
}

/// What was heard, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Heard {
    Lost,
    NotNow,
    Definite,
}
