//! What is wrong with a value that somebody sent: in a body, in a line of a file.
//!
//! Typed, so that whoever shows it says it in the reader's language. Deliberately absent: sentences (the API has them,
//! all in one place), and what the rules refuse (`Refusal` in the core).

use kaowei_core::ids::{CampusCode, ProvinceCode, SchoolCode, SubjectCode};
use kaowei_core::sites::{Paper, Scope, SittingFault, SittingProblem};
use kaowei_core::time::Moment;

use crate::store::is_storable;

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A text must have so many characters, none of them U+0000.
    Text {
        /// The fewest.
        min: usize,
        /// The most.
        max: usize,
    },
    /// It must be a whole number in that range.
    Number {
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// It must be one of these.
    OneOf(&'static [&'static str]),
    /// Nobody can pay by that method here.
    MethodNotOffered {
        /// By which one can.
        offered: Vec<&'static str>,
    },
    /// A code must be 1 to so many ASCII letters, digits or underscores.
    Code {
        /// What was given.
        given: String,
        /// The most letters.
        max: usize,
    },
    /// It is not a resident ID: 18 characters, the last a right check digit.
    ResidentId,
    /// It is not the number of an ID document: 1 to 32 letters, digits or hyphens.
    IdNumber,
    /// It is not a phone number: 6 to 15 digits, perhaps with a + before them.
    Phone,
    /// A password must not be, or contain, its holder's ID number or phone.
    PersonalPassword,
    /// No site of the exam lies in that province.
    UnknownProvince(ProvinceCode),
    /// It is no login of staff: 3 to 64 letters, digits, dots, hyphens, underscores or @.
    StaffLogin,
    /// No campus of that school is known.
    UnknownSchool(SchoolCode),
    /// There is no such campus.
    UnknownCampus(CampusCode),
    /// The sitting has no such subject.
    UnknownSubject(SubjectCode),
    /// There is no sitting yet.
    NoSitting,
    /// A school lies outside the scope of whoever asks (R32).
    OutOfScope {
        /// Which school.
        school: SchoolCode,
        /// How far they see.
        scope: Scope,
    },
    /// That code of a province is the engine's own.
    ReservedProvince(ProvinceCode),
    /// A campus belongs to another school or province than was said.
    CampusElsewhere {
        /// Which campus.
        campus: CampusCode,
        /// Its school.
        school: SchoolCode,
        /// Its province.
        province: ProvinceCode,
    },
    /// A capacity would be less than what is taken (R34).
    CapacityBelowTaken {
        /// Seats held.
        held: u32,
        /// Seats paid.
        paid: u32,
    },
    /// A line has another number of cells than the header.
    Cells {
        /// How many it has.
        given: usize,
        /// How many the header has.
        expected: usize,
    },
    /// A cell runs over several lines: a quote is not closed.
    OpenQuote {
        /// The last line that it takes with it.
        to: u64,
    },
    /// It is not UTF-8.
    NotUtf8,
    /// The header lacks columns.
    MissingColumns(Vec<&'static str>),
    /// The header names a column twice.
    ColumnTwice(String),
    /// Another version of the agreement is in force.
    OtherAgreement {
        /// Which.
        in_force: String,
    },
    /// A sitting can't be used.
    Sitting(SittingFault),
    /// A subject has pools, so it stays.
    SubjectDropped(SubjectCode),
    /// There are enrolments or claims, so the sitting's id stays.
    SittingInUse {
        /// Its id.
        id: String,
    },
    /// Candidates have accepted that version of the agreement, so its text stays (R2).
    AgreementAccepted {
        /// Which version.
        version: String,
    },
    /// Seats are held or waited for, so their window stays.
    WindowDropped {
        /// In which province.
        province: ProvinceCode,
        /// Of which paper.
        paper: Paper,
    },
    /// Payment would end before holds that were granted (R18).
    PaymentEndsBeforeHolds {
        /// When the last of them ends.
        latest: Moment,
    },
    /// A subject has pools, so its paper, level and required subject stay (R12, R13).
    SubjectHasPools(SubjectCode),
}

impl Fault {
    /// What is wrong with a text that must have so many characters and be one that both stores can keep.
    pub(crate) fn of_text(text: &str, min: usize, max: usize) -> Option<Self> {
        let fits = (min..=max).contains(&text.chars().count()) && is_storable(text);
        (!fits).then_some(Self::Text { min, max })
    }
}

/// A wrong value of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongField {
    /// Where it is, as a JSON pointer.
    pub pointer: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl From<SittingProblem> for WrongField {
    fn from(problem: SittingProblem) -> Self {
        Self {
            pointer: problem.at,
            fault: Fault::Sitting(problem.fault),
        }
    }
}
