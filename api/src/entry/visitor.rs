//! Whoever has no token yet, and the gate before what they ask.

use aws_lc_rs::error::Unspecified;
use axum::extract::FromRequestParts;
use http::request::Parts;
use kaowei_core::time::{Moment, Span};
use kaowei_engine::{Denied, Failure, Message};
use serde_json::Value;

use super::{AccessSettings, Attempts, ClientAddress, Key, Policy};
use crate::auth::RateLimit;
use crate::captcha::{CaptchaAnswer, Captchas, Level};
use crate::problem::{Code, Problem};
use crate::state::App;

/// Five are free: then 1 s, 2 s, 4 s … 5 min.
const LOGINS: Policy = Policy {
    free: 5,
    wait: Span::from_secs(1),
    wait_max: Span::from_secs(300),
    forgotten_after: Span::from_secs(3_600),
};

/// A code a minute, then every 2, 4, 8, 10 minutes: for whoever asks for it from one address, and for the phone that it
/// goes to, so that nobody's phone is flooded. With eight digits and five tries each, guessing one takes centuries.
const CODES: Policy = Policy {
    free: 1,
    wait: Span::from_secs(60),
    wait_max: Span::from_secs(600),
    forgotten_after: Span::from_secs(3_600),
};

/// Captchas for each entry that an address may make: some can't be read.
const CAPTCHAS_PER_ENTRY: u32 = 4;

/// How long to wait while more captchas were answered than can be kept.
const RETRY_AFTER_CAPTCHAS: Span = Span::from_secs(30);

/// What all visitors pass.
#[derive(Debug)]
pub struct Entry {
    /// The captchas.
    pub captchas: Captchas,
    /// Tries to log in, by account and address.
    logins: Attempts,
    /// Codes asked for, by account and address.
    codes: Attempts,
    /// Messages with codes, by account.
    messages: Attempts,
    entries: RateLimit<ClientAddress>,
    pictures: RateLimit<ClientAddress>,
}

impl Entry {
    /// The gate, open.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn new(settings: &AccessSettings) -> Result<Self, Unspecified> {
        let entries = settings.entries_per_minute;
        Ok(Self {
            captchas: Captchas::new()?,
            logins: Attempts::new(LOGINS),
            codes: Attempts::new(CODES),
            messages: Attempts::new(CODES),
            entries: RateLimit::per_minute(entries),
            pictures: RateLimit::per_minute(entries.saturating_mul(CAPTCHAS_PER_ENTRY)),
        })
    }

    /// Counts a captcha that was asked for.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn count_captcha(&self, address: ClientAddress) -> Result<(), Problem> {
        self.pictures.count(&address)
    }

    /// Begins a try to log in; how many failed before it.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn begin_login(&self, key: Key, now: Moment) -> Result<u32, Problem> {
        self.logins.begin(key, now).map_err(too_early)
    }

    /// A login could not be looked at: it was no try.
    pub fn login_not_served(&self, key: Key) {
        self.logins.take_back(key);
    }

    /// A login succeeded.
    pub fn login_succeeded(&self, key: Key) {
        self.logins.succeeded(key);
    }

    /// Counts a code that was asked for.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn begin_code(&self, key: Key, now: Moment) -> Result<(), Problem> {
        self.codes.begin(key, now).map(|_| ()).map_err(too_early)
    }

    /// A code was asked for in vain: it does not count.
    pub fn code_not_made(&self, key: Key) {
        self.codes.take_back(key);
    }

    /// What a code for that account needs now. Never a refusal: a stranger who asks often keeps nobody from asking.
    pub fn message(&self, account: Key, now: Moment) -> Message {
        match self.messages.begin(account, now) {
            Ok(_) => Message::Own,
            Err(_) => Message::Last,
        }
    }

    /// Forgets addresses that have not asked for a while.
    pub fn forget_idle(&self) {
        self.entries.forget_idle();
        self.pictures.forget_idle();
    }
}

fn too_early(wait: Span) -> Problem {
    Problem::new(Code::RateLimited).with_retry_after(wait)
}

/// Somebody without a token, counted against the rate of their address.
#[derive(Debug, Clone, Copy)]
pub struct Visitor {
    /// Where they are.
    pub address: ClientAddress,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let address = ClientAddress::from_request_parts(parts, app).await?;
        app.entry.entries.count(&address)?;
        Ok(Self { address })
    }
}

impl App {
    /// The captcha that was handed in; where none is asked for, none, whatever was.
    ///
    /// # Errors
    /// 422 where it is missing, or is no answer to one.
    pub(crate) fn captcha(&self, given: Option<Value>) -> Result<Option<CaptchaAnswer>, Problem> {
        if !self.access.captcha {
            return Ok(None);
        }
        let missing = || Problem::wrong_field("/captcha", ("缺少此项。", "This is missing."));
        let wrong =
            |_| Problem::wrong_field("/captcha", ("须有 id 与 answer。", "It must have id and answer."));
        let given = given.ok_or_else(missing)?;
        serde_json::from_value(given).map(Some).map_err(wrong)
    }

    /// Whether a captcha was solved that is hard enough; it is spent. Where none is asked for, none need be.
    ///
    /// # Errors
    /// [`Failure::Overloaded`] where more were answered than can be kept.
    pub(crate) fn is_solved(&self, captcha: Option<&CaptchaAnswer>, level: Level) -> Result<bool, Failure> {
        let Some(captcha) = captcha else {
            return Ok(true);
        };
        let solved = self.entry.captchas.check(captcha, level, self.engine.now());
        solved.map_err(|_| Failure::Overloaded {
            retry_after: RETRY_AFTER_CAPTCHAS,
        })
    }

    /// Lets a try to log in through the gate, with the level that its captcha must have.
    ///
    /// # Errors
    /// `rate_limited`; `bad_credentials`; what the login was denied for.
    pub(crate) async fn try_login<T, Login>(
        &self,
        key: Key,
        login: impl FnOnce(Level) -> Login,
    ) -> Result<T, Problem>
    where
        Login: Future<Output = Result<T, Denied>>,
    {
        let failures = self.entry.begin_login(key, self.engine.now())?;
        match login(Level::after(failures)).await {
            Ok(opened) => {
                self.entry.login_succeeded(key);
                Ok(opened)
            }
            Err(Denied::BadCredentials) => Err(self.refused_login(failures + 1)),
            Err(denied) => {
                self.entry.login_not_served(key);
                Err(denied.into())
            }
        }
    }

    /// What is said to a login that is not right: not what is wrong with it, but how hard the next captcha must be.
    pub(crate) fn refused_login(&self, failures: u32) -> Problem {
        let problem = Problem::new(Code::BadCredentials);
        if self.access.captcha {
            problem.with_field("captcha_level", Level::after(failures).number())
        } else {
            problem
        }
    }
}
