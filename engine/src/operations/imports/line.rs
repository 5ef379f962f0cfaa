//! One line of each kind of file: its columns, and what makes it good (2.8).

use std::str::FromStr;
use std::sync::Arc;

use kaowei_core::ids::{CampusCode, Fen, PoolId, SubjectCode, national_cell};
use kaowei_core::registration::ImportKind;
use kaowei_core::sites::{Campus, Scope, Site, TicketPrinting};

use super::super::NewPool;
use crate::failure::Denied;
use crate::incarnation::Incarnation;
use crate::people::{IdType, ImportedStudent, split};
use crate::store::is_storable;
use crate::views::{Catalogue, StudentRecord};

/// A good line.
pub(super) enum Line {
    Campus(Campus),
    Pool(PoolId, NewPool),
    Student(Box<ImportedStudent>),
    Result(Cet4Result),
}

/// A CET4 result.
pub(super) struct Cet4Result {
    pub(super) ticket: String,
    pub(super) id_number: String,
    pub(super) name: String,
    pub(super) year: u16,
    pub(super) score: u16,
}

/// What lines are checked against.
pub(super) struct Context {
    incarnation: Arc<Incarnation>,
    catalogue: Arc<Catalogue>,
    scope: Scope,
}

impl Context {
    pub(super) fn new(incarnation: Arc<Incarnation>, scope: Scope) -> Self {
        Self {
            catalogue: incarnation.catalogue(),
            incarnation,
            scope,
        }
    }

    fn in_scope(&self, site: Site) -> Result<(), String> {
        if self.scope.covers(site) {
            Ok(())
        } else {
            Err(format!(
                "school {} lies outside the scope {}",
                site.school, self.scope
            ))
        }
    }

    fn campus(&self, code: CampusCode) -> Result<&Campus, String> {
        let campus = self.catalogue.tree.campus(code);
        campus.ok_or_else(|| format!("there is no campus {code}: import campuses first"))
    }

    fn subject(&self, code: SubjectCode) -> Result<(), String> {
        match &self.catalogue.sitting {
            None => Err("there is no sitting yet: import it first".into()),
            Some(sitting) if sitting.subject(code).is_none() => {
                Err(format!("the sitting has no subject {code}"))
            }
            Some(_) => Ok(()),
        }
    }
}

/// Where the columns of a file are.
pub(super) struct Columns {
    kind: ImportKind,
    places: Vec<Option<usize>>,
    /// How many cells every line must have: one more or less would shift what stands in the others.
    cells: usize,
}

const CAMPUSES: (&[&str], &[&str]) = (
    &[
        "province_code",
        "province_name",
        "school_code",
        "school_name",
        "campus_code",
        "campus_name",
    ],
    &["ticket_printing"],
);
const POOLS: (&[&str], &[&str]) = (
    &["campus_code", "subject_code", "capacity", "open", "fee_fen"],
    &["exam_date"],
);
const STUDENTS: (&[&str], &[&str]) = (
    &[
        "province_code",
        "id_type",
        "id_number",
        "name",
        "gender",
        "school_code",
        "campus_code",
        "degree",
        "program_years",
        "entry_year",
        "grade",
        "department",
        "major",
        "class",
        "student_number",
        "remarks",
        "subjects",
    ],
    &["barred", "open_campuses"],
);
const RESULTS: (&[&str], &[&str]) = (&["ticket", "id_number", "name", "year", "score"], &[]);

fn names(kind: ImportKind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        ImportKind::Campuses => CAMPUSES,
        ImportKind::Pools => POOLS,
        ImportKind::Students => STUDENTS,
        ImportKind::Cet4Results => RESULTS,
    }
}

impl Columns {
    /// Finds the columns by their names, in whichever order.
    pub(super) fn of(kind: ImportKind, header: &csv::StringRecord) -> Result<Self, Denied> {
        let (required, optional) = names(kind);
        let place = |name: &str| header.iter().position(|column| column == name);
        let missing: Vec<&str> = required
            .iter()
            .copied()
            .filter(|name| place(name).is_none())
            .collect();
        if !missing.is_empty() {
            let problem = format!("the header line lacks the columns {}", missing.join(", "));
            return Err(Denied::Invalid {
                pointer: String::new(),
                problem,
            });
        }
        let twice = header
            .iter()
            .find(|name| header.iter().filter(|other| other == name).count() > 1);
        if let Some(name) = twice {
            let problem = format!("the header line names the column {name:?} twice");
            return Err(Denied::Invalid {
                pointer: String::new(),
                problem,
            });
        }
        let places = required.iter().chain(optional).map(|name| place(name)).collect();
        Ok(Self {
            kind,
            places,
            cells: header.len(),
        })
    }

    /// Reads one line.
    pub(super) fn parse(&self, record: &csv::StringRecord, context: &Context) -> Result<Line, String> {
        if record.len() != self.cells {
            return Err(format!(
                "has {} cells where the header line has {}",
                record.len(),
                self.cells
            ));
        }
        if record.iter().any(|cell| cell.contains(['\n', '\r'])) {
            return Err("has a cell that runs over several lines: a quote is not closed".into());
        }
        if !record.iter().all(is_storable) {
            return Err("holds the character U+0000".into());
        }
        let line = Cells {
            columns: self,
            record,
        };
        match self.kind {
            ImportKind::Campuses => campus(&line, context).map(Line::Campus),
            ImportKind::Pools => pool(&line, context).map(|(id, new)| Line::Pool(id, new)),
            ImportKind::Students => student(&line, context).map(|student| Line::Student(Box::new(student))),
            ImportKind::Cet4Results => result(&line).map(Line::Result),
        }
    }
}

struct Cells<'a> {
    columns: &'a Columns,
    record: &'a csv::StringRecord,
}

impl<'a> Cells<'a> {
    /// A cell; empty where the line or the file has none.
    fn text(&self, name: &str) -> &'a str {
        let (required, optional) = names(self.columns.kind);
        let index = required.iter().chain(optional).position(|column| *column == name);
        let place = index.and_then(|index| self.columns.places[index]);
        place.and_then(|place| self.record.get(place)).unwrap_or("")
    }

    fn required(&self, name: &str, length_max: usize) -> Result<&'a str, String> {
        let text = self.optional(name, length_max)?;
        if text.is_empty() {
            Err(format!("{name} is empty"))
        } else {
            Ok(text)
        }
    }

    fn optional(&self, name: &str, length_max: usize) -> Result<&'a str, String> {
        let text = self.text(name);
        if text.chars().count() > length_max {
            return Err(format!("{name} is longer than {length_max} characters"));
        }
        Ok(text)
    }

    fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<T, String> {
        let text = self.text(name);
        text.parse().map_err(|error: T::Err| format!("{name}: {error}"))
    }

    fn number<T: FromStr>(&self, name: &str, expected: &str) -> Result<T, String> {
        let text = self.text(name);
        text.parse()
            .map_err(|_| format!("{name} {text:?} is not {expected}"))
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        match self.text(name) {
            "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" => Ok(false),
            other => Err(format!("{name} {other:?} is neither true nor false")),
        }
    }
}

fn campus(line: &Cells<'_>, context: &Context) -> Result<Campus, String> {
    let campus = Campus {
        code: line.parsed("campus_code")?,
        name: line.required("campus_name", 100)?.into(),
        school: line.parsed("school_code")?,
        school_name: line.required("school_name", 100)?.into(),
        province: line.parsed("province_code")?,
        province_name: line.required("province_name", 100)?.into(),
        ticket_printing: match line.text("ticket_printing") {
            "" | "candidate" => TicketPrinting::Candidate,
            "school" => TicketPrinting::School,
            other => {
                return Err(format!(
                    "ticket_printing {other:?} is neither candidate nor school"
                ));
            }
        },
    };
    if campus.province == national_cell() {
        return Err(format!("province_code {} is reserved", campus.province));
    }
    if let Some(known) = context.catalogue.tree.campus(campus.code)
        && known.site() != campus.site()
    {
        return Err(format!(
            "campus {} belongs to school {} already",
            campus.code, known.school
        ));
    }
    context.in_scope(campus.site())?;
    Ok(campus)
}

fn pool(line: &Cells<'_>, context: &Context) -> Result<(PoolId, NewPool), String> {
    let id = PoolId {
        campus: line.parsed("campus_code")?,
        subject: line.parsed("subject_code")?,
    };
    let campus = context.campus(id.campus)?;
    context.subject(id.subject)?;
    context.in_scope(campus.site())?;
    let exam_date = line.optional("exam_date", 100)?;
    let new = NewPool {
        capacity: line.number("capacity", "a whole number of seats")?,
        open: line.flag("open")?,
        fee: Fen(line.number("fee_fen", "a whole number of fen")?),
        exam_date: (!exam_date.is_empty()).then(|| exam_date.into()),
    };
    if let Some(numbers) = context.incarnation.pool(id).map(|pool| pool.numbers())
        && new.capacity < numbers.capacity
        && new.capacity < numbers.held + numbers.paid
    {
        let (held, paid) = (numbers.held, numbers.paid);
        return Err(format!(
            "the capacity is less than the {held} held and {paid} paid seats"
        ));
    }
    Ok((id, new))
}

fn student(line: &Cells<'_>, context: &Context) -> Result<ImportedStudent, String> {
    let id_type: IdType = line.parsed("id_type")?;
    let id_number = line.required("id_number", 32)?;
    if !id_type.accepts(id_number) {
        return Err(match id_type {
            IdType::ResidentId => "id_number is not a resident ID: 18 digits with a right check digit".into(),
            _ => "id_number must have 1 to 32 letters, digits or hyphens".into(),
        });
    }
    let record = StudentRecord {
        province: line.parsed("province_code")?,
        id_type: id_type.as_str().into(),
        id_number: id_number.into(),
        name: line.required("name", 100)?.into(),
        gender: line.optional("gender", 20)?.into(),
        school: line.parsed("school_code")?,
        campus: line.parsed("campus_code")?,
        degree: line.optional("degree", 100)?.into(),
        program_years: line.optional("program_years", 20)?.into(),
        entry_year: line.optional("entry_year", 20)?.into(),
        grade: line.optional("grade", 100)?.into(),
        department: line.optional("department", 200)?.into(),
        major: line.optional("major", 200)?.into(),
        class: line.optional("class", 100)?.into(),
        student_number: line.optional("student_number", 100)?.into(),
        remarks: line.optional("remarks", 500)?.into(),
    };
    let campus = context.campus(record.campus)?;
    let site = Site {
        province: record.province,
        school: record.school,
    };
    if campus.site() != site {
        return Err(format!(
            "campus {} belongs to school {} in province {}",
            campus.code, campus.school, campus.province
        ));
    }
    context.in_scope(site)?;
    for subject in split(line.text("subjects")).chain(split(line.text("barred"))) {
        context.subject(subject.parse().map_err(|error| format!("subjects: {error}"))?)?;
    }
    for open in split(line.text("open_campuses")) {
        context.campus(open.parse().map_err(|error| format!("open_campuses: {error}"))?)?;
    }
    Ok(ImportedStudent {
        record,
        subjects: line.text("subjects").into(),
        barred: line.text("barred").into(),
        open_campuses: line.text("open_campuses").into(),
    })
}

fn result(line: &Cells<'_>) -> Result<Cet4Result, String> {
    let result = Cet4Result {
        ticket: line.required("ticket", 32)?.into(),
        id_number: line.required("id_number", 32)?.into(),
        name: line.required("name", 100)?.into(),
        year: line.number("year", "a year")?,
        score: line.number("score", "a score")?,
    };
    if !(1987..=2100).contains(&result.year) {
        return Err(format!("year {} is not between 1987 and 2100", result.year));
    }
    if result.score > 710 {
        return Err(format!("score {} is more than 710", result.score));
    }
    Ok(result)
}
