//! The member of staff who asks.

use axum::extract::FromRequestParts;
use http::request::Parts;
use kaowei_engine::Staff;

use super::candidate::principal;
use super::token::Principal;
use crate::problem::{Code, Problem};
use crate::state::App;

/// A member of staff. What lies inside the scope is the engine's to say; staff are not counted against a rate.
#[derive(Debug, Clone)]
pub struct StaffMember(pub Staff);

impl FromRequestParts<App> for StaffMember {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match principal(parts, app).await? {
            Principal::Staff(staff) => Ok(Self(staff)),
            Principal::Candidate(_) => Err(Problem::new(Code::Forbidden)
                .detailed(("此操作需要管理人员的令牌。", "This needs a token of staff."))),
        }
    }
}
