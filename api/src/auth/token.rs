//! What a token says.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kaowei_core::ids::ProvinceCode;
use kaowei_engine::{Account, Staff};
use serde::{Deserialize, Serialize};

/// The issuer of tokens made with the server's own key.
pub const OWN_ISSUER: &str = "kaowei";

/// What a token's holder may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A candidate.
    Candidate,
    /// A member of staff, with a scope.
    Staff,
}

/// The claims of a token (2.1), candidates' and staff's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenClaims {
    /// Who made it.
    pub iss: String,
    /// The account, or the member of staff.
    pub sub: String,
    /// Candidate or staff.
    pub role: Role,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// The session that a login opened, so that it can be logged out of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// How many passwords the account had before the one that this was made under: the next one ends it.
    #[serde(default, skip_serializing_if = "is_first")]
    pub generation: i64,
    /// A candidate's province.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// How far a member of staff sees: `national`, `province:99`, `school:99101`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// A candidate's kind of ID document; with the next three, what an outside passport's token carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_type: Option<String>,
    /// Its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_number: Option<String>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The bound phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// Shows nothing that identifies somebody: it may end up in a log.
impl std::fmt::Debug for TokenClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenClaims({} of {}, …)", self.sub, self.iss)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_first(generation: &i64) -> bool {
    *generation == 0
}

/// Whom a verified token stands for.
#[derive(Debug, Clone)]
pub enum Principal {
    /// A candidate with an account.
    Candidate(Account),
    /// A member of staff.
    Staff(Staff),
}

/// The `sub` of a candidate's own token, made by a login or by the command line: the same for the same person in the
/// same province, so that both give one account. It is no secret and keeps none: whoever tries all ID numbers finds the
/// one it was made from, so it goes to its holder alone and is stored nowhere.
pub fn subject_of(province: ProvinceCode, id_type: &str, id_number: &str) -> String {
    let id_number = id_number.trim().to_ascii_uppercase();
    let text = format!("{province}\n{id_type}\n{id_number}");
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..18])
}

#[cfg(test)]
mod tests {
    use super::subject_of;

    #[test]
    fn minting_twice_gives_one_account_and_the_subject_is_url_safe() {
        let province = "99".parse().unwrap();
        let subject = subject_of(province, "resident_id", "99010120000101123X");
        assert_eq!(
            subject,
            subject_of(province, "resident_id", " 99010120000101123x")
        );
        assert_ne!(subject, subject_of(province, "passport", "99010120000101123X"));
        assert_ne!(
            subject,
            subject_of("32".parse().unwrap(), "resident_id", "99010120000101123X")
        );
        assert!(
            subject
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        assert_eq!(subject.len(), 24);
    }
}
