//! The session behind a candidate's own token, for logging out of it.

use axum::extract::FromRequestParts;
use bytes::Bytes;
use http::request::Parts;
use kaowei_core::ids::CandidateId;
use kaowei_core::time::Moment;

use super::Candidate;
use super::candidate::bearer;
use crate::problem::{Code, Problem};
use crate::state::App;

/// A session that a login opened.
#[derive(Debug, Clone)]
pub struct Session {
    /// Whose it is.
    pub candidate: CandidateId,
    /// Its name.
    pub id: String,
    /// When its token ends.
    pub ends_at: Moment,
    /// The token itself.
    pub token: Bytes,
}

impl FromRequestParts<App> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Candidate(account) = Candidate::from_request_parts(parts, app).await?;
        let token = bearer(parts).unwrap_or_default();
        let claims = app.keys.check(token, app.engine.now());
        let named = claims.and_then(|claims| Some((claims.sid?, claims.exp)));
        let (id, exp) = named.ok_or_else(|| {
            Problem::new(Code::Forbidden).detailed((
                "此令牌不是登录所得，到期即失效，无法在此退出。",
                "No login made this token: it ends by itself and can't be logged out of here.",
            ))
        })?;
        Ok(Self {
            candidate: account.candidate,
            id,
            ends_at: Moment::from_unix_ms(exp.saturating_mul(1_000)),
            token: Bytes::copy_from_slice(token),
        })
    }
}
