//! The tree of sites: province, school, campus.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{CampusCode, ProvinceCode, SchoolCode};

/// Where a campus lies: what scopes and windows ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Site {
    /// Its province, and so its cell.
    pub province: ProvinceCode,
    /// Its school.
    pub school: SchoolCode,
}

/// Who prints the admission tickets of a school.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketPrinting {
    /// 考生自行打印
    #[default]
    Candidate,
    /// 学校统一打印
    School,
}

/// One campus with the names above it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Campus {
    /// Its code.
    pub code: CampusCode,
    /// Its name.
    pub name: String,
    /// Its school.
    pub school: SchoolCode,
    /// The school's name.
    pub school_name: String,
    /// Its province.
    pub province: ProvinceCode,
    /// The province's name.
    pub province_name: String,
    /// Who prints the admission tickets.
    #[serde(default)]
    pub ticket_printing: TicketPrinting,
}

impl Campus {
    /// Where it lies.
    pub fn site(&self) -> Site {
        Site {
            province: self.province,
            school: self.school,
        }
    }
}

/// All campuses by code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    campuses: BTreeMap<CampusCode, Campus>,
}

impl Tree {
    /// Adds a campus or replaces it.
    pub fn save(&mut self, campus: Campus) {
        self.campuses.insert(campus.code, campus);
    }

    /// The campus with that code.
    pub fn campus(&self, code: CampusCode) -> Option<&Campus> {
        self.campuses.get(&code)
    }

    /// All campuses, by code.
    pub fn campuses(&self) -> impl Iterator<Item = &Campus> {
        self.campuses.values()
    }

    /// The province of a school.
    pub fn province_of(&self, school: SchoolCode) -> Option<ProvinceCode> {
        self.campuses
            .values()
            .find(|campus| campus.school == school)
            .map(|campus| campus.province)
    }
}
