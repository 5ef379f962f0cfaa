//! The candidate who asks.

use axum::extract::FromRequestParts;
use http::request::Parts;
use kaowei_core::time::Moment;
use kaowei_engine::{Account, Identity, Person, Staff};

use super::token::{OWN_ISSUER, Principal, Role, TokenClaims};
use crate::problem::{Code, Problem};
use crate::state::App;

/// A candidate with an account, counted against the account's rate.
#[derive(Debug, Clone, Copy)]
pub struct Candidate(pub Account);

impl FromRequestParts<App> for Candidate {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match principal(parts, app).await? {
            Principal::Candidate(account) => {
                app.rate.count(&account.candidate)?;
                Ok(Self(account))
            }
            Principal::Staff(_) => Err(Problem::new(Code::Forbidden)
                .detailed(("此操作需要考生的令牌。", "This needs a candidate's token."))),
        }
    }
}

/// Whom the request's token stands for.
pub(super) async fn principal(parts: &Parts, app: &App) -> Result<Principal, Problem> {
    let token = bearer(parts).ok_or_else(|| {
        Problem::new(Code::Unauthenticated).detailed((
            "请求中没有 Authorization: Bearer 令牌。",
            "There is no bearer token in the Authorization header.",
        ))
    })?;
    let now = app.engine.now();
    if let Some(known) = app.tokens.get(token, now) {
        return holding(app, known);
    }
    let before = app.tokens.endings();
    let claims = match (app.keys.check(token, now), &app.passport) {
        (None, Some(passport)) => passport.check(token, now).await?,
        (claims, _) => claims,
    };
    let claims = claims.ok_or_else(ended)?;
    let ends_at = Moment::from_unix_ms(claims.exp.saturating_mul(1_000));
    let principal = match claims.role {
        Role::Candidate => Principal::Candidate(account(app, claims).await?),
        Role::Staff => Principal::Staff(staff(claims)?),
    };
    app.tokens.remember(token, ends_at, principal.clone(), before);
    holding(app, principal)
}

/// Who has an account of staff is in the engine's memory and looked up each time: what is remembered of a token does not
/// outlive it.
fn holding(app: &App, principal: Principal) -> Result<Principal, Problem> {
    if let Principal::Staff(staff) = &principal {
        app.engine.check_staff(staff)?;
    }
    Ok(principal)
}

fn ended() -> Problem {
    Problem::new(Code::Unauthenticated)
        .detailed(("令牌无效或已过期。", "The token does not hold, or it has ended."))
}

pub(super) fn bearer(parts: &Parts) -> Option<&[u8]> {
    let header = parts.headers.get(http::header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = header.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then_some(token.trim_ascii())
}

/// The token's account, if neither a logout nor a new password has ended the token.
async fn account(app: &App, claims: TokenClaims) -> Result<Account, Problem> {
    let (issuer, subject) = (claims.iss.clone(), claims.sub.clone());
    let (generation, session) = (claims.generation, claims.sid.clone());
    let account = account_behind(app, claims).await?;
    if issuer == OWN_ISSUER {
        let holds = app.engine.token_generation(&issuer, &subject) == Some(generation);
        let logged_out = match session {
            Some(session) => app.engine.has_session_ended(&session).await?,
            None => false,
        };
        if !holds || logged_out {
            return Err(ended());
        }
    }
    Ok(account)
}

/// The token's account; the first request of an outside passport makes it.
async fn account_behind(app: &App, claims: TokenClaims) -> Result<Account, Problem> {
    if let Some(known) = app.engine.known_account(&claims.iss, &claims.sub) {
        return Ok(known);
    }
    let unusable = |what: &str| {
        let words = (
            format!("令牌中的 {what} 无法识别。"),
            format!("The token's {what} can't be read."),
        );
        Problem::new(Code::Unauthenticated).detailed(words)
    };
    let province = claims.province.as_deref().and_then(|code| code.parse().ok());
    let province = province.ok_or_else(|| unusable("province"))?;
    let person = match (claims.id_type, claims.id_number, claims.name) {
        (Some(id_type), Some(id_number), Some(name)) => Some(Person {
            id_type: id_type.parse().map_err(|_| unusable("id_type"))?,
            id_number,
            name,
            phone: claims.phone.unwrap_or_default(),
        }),
        _ => None,
    };
    let identity = Identity {
        issuer: &claims.iss,
        subject: &claims.sub,
        province,
        person,
    };
    Ok(app.engine.account(identity).await?)
}

fn staff(claims: TokenClaims) -> Result<Staff, Problem> {
    let scope = claims.scope.as_deref().and_then(|scope| scope.parse().ok());
    let scope = scope.ok_or_else(|| {
        Problem::new(Code::Unauthenticated)
            .detailed(("令牌中的 scope 无法识别。", "The token's scope can't be read."))
    })?;
    Ok(Staff {
        subject: claims.sub.into(),
        scope,
    })
}
