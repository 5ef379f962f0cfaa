//! The session that a login opens, a candidate's or one of staff.

use aws_lc_rs::rand::fill;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use kaowei_core::time::Moment;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{OWN_ISSUER, Role, TokenClaims};
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::views::Instant;
use crate::wire::json;

/// An open session.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OpenedSession {
    /// To be sent as `Authorization: Bearer`.
    token: String,
    /// When it ends.
    expires_at: Instant,
}

/// Opens a session: a token with a name of its own, to which `whose` adds for whom it stands.
pub(super) fn opened(
    app: &App,
    role: Role,
    whose: impl FnOnce(TokenClaims) -> TokenClaims,
) -> Result<Response, Problem> {
    let mut session = [0; 16];
    fill(&mut session).map_err(|_| Code::Internal)?;
    let exp = (app.engine.now() + app.access.session).unix_ms() / 1_000;
    let claims = whose(TokenClaims {
        iss: OWN_ISSUER.into(),
        sub: String::new(),
        role,
        exp,
        sid: Some(URL_SAFE_NO_PAD.encode(session)),
        generation: 0,
        province: None,
        scope: None,
        id_type: None,
        id_number: None,
        name: None,
        phone: None,
    });
    let token = app.keys.mint(&claims).map_err(|error| {
        tracing::error!(%error, "a login's token can't be made");
        Problem::new(Code::Internal)
    })?;
    let session = OpenedSession {
        token,
        expires_at: Moment::from_unix_ms(exp * 1_000).into(),
    };
    Ok(json(StatusCode::CREATED, &session))
}
