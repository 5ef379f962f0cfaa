//! How candidates get in: what operators may set of it.

use http::HeaderName;
use kaowei_core::time::Span;

/// How candidates get in.
#[derive(Debug, Clone)]
pub struct AccessSettings {
    /// Whether captchas are asked for.
    pub captcha: bool,
    /// Registrations, logins and resets a minute from one address; 0 for no limit.
    pub entries_per_minute: u32,
    /// How long a login lasts.
    pub session: Span,
    /// In which header a trusted proxy tells the client's address.
    pub client_address_header: Option<HeaderName>,
    /// The outside passport system, if there is one.
    pub passport: Option<PassportSettings>,
}

/// An outside issuer of candidates' tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassportSettings {
    /// Its name, the `iss` of its tokens.
    pub issuer: String,
    /// The `aud` that its tokens for this server have; any if absent.
    pub audience: Option<String>,
    /// Where its public keys are.
    pub jwks_url: reqwest::Url,
}
