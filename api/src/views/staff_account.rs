//! An account of staff, as those above see it.

use kaowei_core::seats::By;
use kaowei_engine::StaffAccountView;
use serde::Serialize;
use utoipa::ToSchema;

use super::Instant;

/// What has become of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StaffAccountState {
    /// Its holder has not set a password yet.
    Invited,
    /// Its holder can log in.
    Active,
    /// It was taken away.
    Revoked,
}

/// An account of staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StaffAccount {
    /// Its id, by which the audit trail names its holder.
    #[schema(example = "staff-17")]
    pub id: String,
    /// What its holder logs in with.
    #[schema(example = "wang.fang")]
    pub login: String,
    /// Who that is.
    #[schema(example = "王芳")]
    pub name: String,
    /// How far they see: `national`, `province:99`, `school:99101`.
    #[schema(example = "school:99101")]
    pub scope: String,
    /// What has become of it.
    pub state: StaffAccountState,
    /// While it is `invited`: until when its code sets the password.
    pub code_expires_at: Option<Instant>,
    /// Who gave it.
    #[schema(example = "staff-3")]
    pub created_by: String,
    /// When.
    pub created_at: Instant,
    /// Who took it away.
    pub revoked_by: Option<String>,
    /// When.
    pub revoked_at: Option<Instant>,
}

impl From<&StaffAccountView> for StaffAccount {
    fn from(view: &StaffAccountView) -> Self {
        let revoked = view.account.revoked.as_ref();
        let code_ends_at = view.code_ends_at.filter(|_| revoked.is_none());
        Self {
            id: view.id.to_string(),
            login: view.login.clone(),
            name: view.name.clone(),
            scope: view.account.scope.to_string(),
            state: match (revoked, code_ends_at) {
                (Some(_), _) => StaffAccountState::Revoked,
                (None, Some(_)) => StaffAccountState::Invited,
                (None, None) => StaffAccountState::Active,
            },
            code_expires_at: code_ends_at.map(Instant),
            created_by: who(&view.account.created_by),
            created_at: view.account.created_at.into(),
            revoked_by: revoked.map(|revoked| who(&revoked.by)),
            revoked_at: revoked.map(|revoked| revoked.at.into()),
        }
    }
}

fn who(by: &By) -> String {
    match by {
        By::Staff(subject) => subject.to_string(),
        By::System => "system".into(),
        By::Candidate => "candidate".into(),
    }
}
