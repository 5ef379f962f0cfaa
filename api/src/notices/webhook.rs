//! The webhook: hands notices and messages to the school's SMS or WeChat gateway (R36). At least once, signed, a few at
//! a time, and later and later while nobody answers.
//!
//! Deliberately absent: what has been sent, which the engine's outbox keeps; whatever the receiver says beside its status.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::hmac;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use kaowei_engine::metrics::Delivery;
use kaowei_engine::{Catalogue, Engine, Failure, Outbox, Parcel};
use reqwest::Url;

use super::parcel::Body;
use super::sign;
use crate::wire::bytes_of;

/// Requests at the same time.
const AT_ONCE: usize = 8;

/// How long one may take.
const TIME_MAX: Duration = Duration::from_secs(10);

/// After a round that the receiver did not answer, the next comes after so long, then after twice as long each time.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_LONGEST: Duration = Duration::from_mins(5);
/// The longest after one in which it answered, and took nothing.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_secs(5);

/// The shortest secret.
const SECRET_BYTES_MIN: usize = 16;

/// Why there can be no such webhook.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The address is none.
    #[error("--webhook-url is no address: {0}")]
    Url(String),
    /// The address is not safe: phone numbers would pass in clear.
    #[error(
        "--webhook-url must begin with https://, or with http:// and name this machine: phone numbers are sent there"
    )]
    NotSafe,
    /// There is no secret.
    #[error("--webhook-url needs --webhook-secret-file, a file with the secret that signs what is sent")]
    NoSecret,
    /// The secret can't be read.
    #[error("the webhook's secret can't be read from {}: {source}", file.display())]
    Unreadable {
        /// From which file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The secret is too short.
    #[error(
        "the webhook's secret has less than {SECRET_BYTES_MIN} bytes: make one with `openssl rand -hex 32`"
    )]
    ShortSecret,
    /// The client can't be made.
    #[error("no HTTP client can be made for the webhook")]
    Client(#[from] reqwest::Error),
}

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Something was taken, or there was nothing.
    Taken,
    /// Nothing was taken, but all was answered.
    Refused,
    /// Nothing was taken.
    Silence,
}

/// Where notices are handed to.
#[derive(Debug, Clone)]
pub struct Webhook {
    client: reqwest::Client,
    url: Url,
    secret: hmac::Key,
}

impl Webhook {
    /// The webhook at an address, with a secret.
    ///
    /// # Errors
    /// [`WebhookError`]
    pub fn new(url: &str, secret: &[u8]) -> Result<Self, WebhookError> {
        let url: Url = url
            .parse()
            .map_err(|error| WebhookError::Url(format!("{error}")))?;
        if !is_safe(&url) {
            return Err(WebhookError::NotSafe);
        }
        if secret.len() < SECRET_BYTES_MIN {
            return Err(WebhookError::ShortSecret);
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIME_MAX)
            .build()?;
        Ok(Self {
            client,
            url,
            secret: hmac::Key::new(hmac::HMAC_SHA256, secret),
        })
    }

    /// The webhook that the settings name, with the secret in a file; the line's end is not part of it.
    ///
    /// # Errors
    /// [`WebhookError`]
    pub fn from_file(url: &str, file: Option<&Path>) -> Result<Self, WebhookError> {
        let file = file.ok_or(WebhookError::NoSecret)?;
        let secret = std::fs::read(file).map_err(|source| WebhookError::Unreadable {
            file: file.into(),
            source,
        })?;
        Self::new(url, secret.trim_ascii_end())
    }

    /// Makes sure that what happens from now on will be sent, whatever becomes of this start: before anything happens.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`]
    pub async fn begin(&self, engine: &Engine) -> Result<(), Failure> {
        engine.outbox().await.map(drop)
    }

    /// Hands over what there is, for ever.
    pub async fn serve(self, engine: Engine) {
        let mut failures = 0;
        loop {
            // What was kept in memory of an outbox that failed is not trusted.
            if let Ok(mut outbox) = engine.outbox().await {
                while let Ok(round) = self.round(&engine, &mut outbox).await {
                    self.tell(round, failures);
                    failures = if round == Round::Taken { 0 } else { failures + 1 };
                    if failures > 0 {
                        tokio::time::sleep(pause(round, failures)).await;
                    }
                }
            }
            tokio::time::sleep(PAUSE_FIRST).await;
        }
    }

    /// Hands over some of what there is.
    async fn round(&self, engine: &Engine, outbox: &mut Outbox) -> Result<Round, Failure> {
        outbox.wait().await;
        let parcels = outbox.next().await?;
        if parcels.is_empty() {
            return Ok(Round::Taken);
        }
        let catalogue = engine.catalogue()?;
        let outcomes: Vec<_> = stream::iter(parcels)
            .map(|parcel| self.hand_over(engine, &catalogue, parcel))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let is_silent = outcomes.iter().any(|(_, delivery)| *delivery == Delivery::Failed);
        Ok(match outbox.done(outcomes).await? {
            true => Round::Taken,
            false if is_silent => Round::Silence,
            false => Round::Refused,
        })
    }

    async fn hand_over(&self, engine: &Engine, catalogue: &Catalogue, parcel: Parcel) -> (Parcel, Delivery) {
        let body = bytes_of(&Body::new(&parcel, catalogue));
        let answer = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("kaowei-notice-id", &parcel.id)
            .header("kaowei-signature", sign(&self.secret, engine.now(), &body))
            .body(body)
            .send()
            .await;
        let delivery = match answer {
            Ok(answer) => delivery(answer.status()),
            Err(error) => {
                // The address is left out: it may hold a password.
                tracing::debug!(notice = parcel.id, error = %error.without_url(), "the webhook does not answer");
                Delivery::Failed
            }
        };
        (parcel, delivery)
    }

    /// Once when it stops to answer, and once when it answers again.
    fn tell(&self, round: Round, failures: u32) {
        let answers = round == Round::Taken;
        if !answers && failures == 0 {
            tracing::warn!(
                webhook = self.url.host_str(),
                "the webhook takes no notices: they are kept and tried again"
            );
        } else if answers && failures > 0 {
            tracing::info!(webhook = self.url.host_str(), "the webhook takes notices again");
        }
    }
}

fn is_safe(url: &Url) -> bool {
    let host = url.host_str().unwrap_or("").trim_matches(['[', ']']);
    let is_this_machine =
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && is_this_machine)
}

fn delivery(status: StatusCode) -> Delivery {
    let later = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    if status.is_success() {
        Delivery::Taken
    } else if status.is_client_error() && !later.contains(&status) {
        Delivery::Refused
    } else {
        Delivery::Failed
    }
}

fn pause(round: Round, failures: u32) -> Duration {
    let doubled = PAUSE_FIRST.saturating_mul(1 << (failures - 1).min(20));
    doubled.min(match round {
        // The next notice may be taken, and then this one is set aside.
        Round::Taken | Round::Refused => PAUSE_AFTER_REFUSAL,
        Round::Silence => PAUSE_LONGEST,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_leave_this_machine_only_encrypted() {
        let secret = b"0123456789abcdef";
        for url in [
            "https://sms.example/hook",
            "http://127.0.0.1:8000/",
            "http://[::1]/",
            "http://localhost:1",
        ] {
            assert!(Webhook::new(url, secret).is_ok(), "{url}");
        }
        for url in [
            "http://sms.example/hook",
            "http://10.0.0.1/",
            "ftp://localhost/",
            "sms.example",
            "",
        ] {
            assert!(Webhook::new(url, secret).is_err(), "{url}");
        }
        assert!(matches!(
            Webhook::new("https://sms.example/", b"short"),
            Err(WebhookError::ShortSecret)
        ));
        assert!(matches!(
            Webhook::from_file("https://sms.example/", None),
            Err(WebhookError::NoSecret)
        ));
    }

    #[test]
    fn a_receiver_that_does_not_answer_is_asked_later_and_later() {
        for (failures, pause_ms) in [(1, 500), (2, 1_000), (5, 8_000), (12, 300_000), (4_000, 300_000)] {
            assert_eq!(
                pause(Round::Silence, failures),
                Duration::from_millis(pause_ms),
                "{failures}"
            );
        }
    }

    #[test]
    fn what_the_receiver_says_is_told_by_its_status() {
        for (status, wanted) in [
            (200, Delivery::Taken),
            (204, Delivery::Taken),
            (302, Delivery::Failed),
            (400, Delivery::Refused),
            (410, Delivery::Refused),
            (408, Delivery::Failed),
            (429, Delivery::Failed),
            (503, Delivery::Failed),
        ] {
            assert_eq!(
                delivery(StatusCode::from_u16(status).unwrap()),
                wanted,
                "{status}"
            );
        }
    }
}
