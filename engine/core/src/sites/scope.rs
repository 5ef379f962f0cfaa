//! What a member of staff may see and change (R32): everything, one province, or one school.

use std::fmt;
use std::str::FromStr;

use super::Site;
use crate::ids::{ProvinceCode, SchoolCode};

/// A staff token's scope, written `national`, `province:99` or `school:99101`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything.
    National,
    /// One province and what lies below it.
    Province(ProvinceCode),
    /// One school and what lies below it.
    School(SchoolCode),
}

impl Scope {
    /// Whether a site lies below it.
    pub fn covers(self, site: Site) -> bool {
        match self {
            Self::National => true,
            Self::Province(province) => province == site.province,
            Self::School(school) => school == site.school,
        }
    }

    /// Whether a whole province lies below it.
    pub fn covers_province(self, province: ProvinceCode) -> bool {
        match self {
            Self::National => true,
            Self::Province(own) => own == province,
            Self::School(_) => false,
        }
    }
}

/// A text that is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scope: expected national, province:99 or school:99101")]
pub struct InvalidScope(String);

impl FromStr for Scope {
    type Err = InvalidScope;
    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let scope = match text.split_once(':') {
            None if text == "national" => Some(Self::National),
            Some(("province", code)) => code.parse().ok().map(Self::Province),
            Some(("school", code)) => code.parse().ok().map(Self::School),
            _ => None,
        };
        scope.ok_or_else(|| InvalidScope(text.into()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::National => f.write_str("national"),
            Self::Province(code) => write!(f, "province:{code}"),
            Self::School(code) => write!(f, "school:{code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r32_a_scope_covers_what_lies_below_it_and_nothing_else() {
        let site = Site {
            province: "99".parse().unwrap(),
            school: "99101".parse().unwrap(),
        };
        for (scope, covers) in [
            ("national", true),
            ("province:99", true),
            ("province:32", false),
            ("school:99101", true),
            ("school:99102", false),
        ] {
            let parsed: Scope = scope.parse().unwrap();
            assert_eq!(parsed.covers(site), covers, "{scope}");
            assert_eq!(parsed.to_string(), scope);
        }
        assert!("province:".parse::<Scope>().is_err());
        assert!("everything".parse::<Scope>().is_err());
    }
}
