//! What a member of staff may see and change (R32): everything, one province, or one school.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Site, Tree};
use crate::ids::{Cell, ProvinceCode, SchoolCode, as_text, national_cell};

/// A staff token's scope, written `national`, `province:99` or `school:99101`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
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

    /// The cell that whoever has this scope belongs to; none for a school that is not in the tree.
    pub fn cell(self, tree: &Tree) -> Option<Cell> {
        match self {
            Self::National => Some(national_cell()),
            Self::Province(province) => Some(province),
            Self::School(school) => tree.province_of(school),
        }
    }

    /// Whether who has this scope appoints, sees and dismisses staff of another one in that cell: of what lies strictly
    /// below; only national staff have colleagues of their own level appointed by each other.
    pub fn appoints(self, other: Self, cell: Cell) -> bool {
        match (self, other) {
            (Self::National, _) => true,
            (Self::Province(own), Self::School(_)) => own == cell,
            (Self::Province(_), Self::National | Self::Province(_)) | (Self::School(_), _) => false,
        }
    }
}

as_text!(display Scope);

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
    fn r32_a_scope_covers_and_appoints_what_lies_below_it_and_nothing_else() {
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
        let own = ["national", "province:99", "school:99101"].map(|scope| scope.parse::<Scope>().unwrap());
        let cell = site.province;
        let appointed = own.map(|scope| own.map(|other| scope.appoints(other, cell)));
        assert_eq!(
            appointed,
            [[true, true, true], [false, false, true], [false, false, false]]
        );
        let elsewhere: Scope = "province:32".parse().unwrap();
        assert!(!elsewhere.appoints(own[2], cell));
        assert!("province:".parse::<Scope>().is_err());
        assert!("everything".parse::<Scope>().is_err());
    }
}
