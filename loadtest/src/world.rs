//! The simulated country: schools, campuses, pools and candidates, derived by rule from the public list of schools.
//!
//! Promises: the same provinces, seed and scale give the same world, byte for byte. The rules are in the README.
//! Deliberately absent: what candidates do with it (`candidate.rs`, `scenario/`).

mod derive;
mod files;
mod people;
mod schools;
mod subjects;

pub use derive::{ProvinceChoice, Scale, candidates_at_full_scale, country, single_pool};
pub use files::{AGREEMENT_VERSION, SittingTimes, sitting_json, write_campuses, write_pools, write_students};
pub use schools::{School, SchoolKind, schools};
pub use subjects::{Paper, SUBJECTS, Subject};

/// No pool.
pub const NO_POOL: u32 = u32::MAX;

/// One campus of a school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campus {
    /// Six digits: the school's code and one more.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its school, by place in [`World::schools`].
    pub school: u32,
    /// Its pools, by place in [`World::pools`].
    pub pools: std::ops::Range<u32>,
}

/// One pool: the seats of a subject at a campus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// `{campus}-{subject}`.
    pub id: String,
    /// Its campus, by place in [`World::campuses`].
    pub campus: u32,
    /// Its subject, by place in [`SUBJECTS`].
    pub subject: u8,
    /// Seats.
    pub capacity: u32,
    /// Whether it takes claims for seats; an oral pool that is not open takes waiting ones.
    pub open: bool,
}

/// One candidate, as the import knows him.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// His campus, by place in [`World::campuses`].
    pub campus: u32,
    /// The written pool he wants.
    pub written: u32,
    /// The oral pool he wants, or [`NO_POOL`].
    pub oral: u32,
    /// His number within his province, from which name and ID number are made.
    pub number: u32,
}

/// Everything that is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// The schools.
    pub schools: Vec<School>,
    /// The campuses.
    pub campuses: Vec<Campus>,
    /// The pools.
    pub pools: Vec<Pool>,
    /// The candidates.
    pub candidates: Vec<Candidate>,
}

impl World {
    /// A candidate's school.
    pub fn school_of(&self, candidate: &Candidate) -> &School {
        &self.schools[self.campuses[candidate.campus as usize].school as usize]
    }

    /// A candidate's ID number: valid by its check digit, in an area code that no place has.
    pub fn id_number(&self, candidate: &Candidate) -> String {
        people::id_number(&self.school_of(candidate).province_code, candidate.number)
    }

    /// All seats.
    pub fn seats(&self) -> u64 {
        self.pools.iter().map(|pool| u64::from(pool.capacity)).sum()
    }
}
