//! One line of each kind of file: its columns, and what makes it good (2.8).

use std::str::FromStr;
use std::sync::Arc;

use kaowei_core::ids::{CampusCode, Fen, PoolId, ProvinceCode, SchoolCode, SubjectCode, national_cell};
use kaowei_core::registration::ImportKind;
use kaowei_core::sites::{Campus, Scope, Site, TicketPrinting};

use super::super::NewPool;
use super::super::pools::EXAM_DATE_MAX;
use crate::failure::Denied;
use crate::fault::Fault;
use crate::incarnation::Incarnation;
use crate::people::{IdType, ImportedStudent, split};
use crate::store::Secrets;
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
    pub(super) year: u32,
    pub(super) score: u32,
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

    /// What seals persons' data.
    pub(super) fn secrets(&self) -> &Secrets {
        &self.incarnation.store.secrets
    }

    fn in_scope(&self, site: Site) -> Result<(), Fault> {
        if self.scope.covers(site) {
            Ok(())
        } else {
            Err(Fault::OutOfScope {
                school: site.school,
                scope: self.scope,
            })
        }
    }

    fn campus(&self, code: CampusCode) -> Result<&Campus, Fault> {
        let campus = self.catalogue.tree.campus(code);
        campus.ok_or(Fault::UnknownCampus(code))
    }

    fn subject(&self, code: SubjectCode) -> Result<(), Fault> {
        let sitting = self.catalogue.sitting.as_ref().ok_or(Fault::NoSitting)?;
        match sitting.subject(code) {
            Some(_) => Ok(()),
            None => Err(Fault::UnknownSubject(code)),
        }
    }
}

/// Why a line is bad.
pub(super) struct WrongCell {
    /// Where it is one cell's fault.
    pub(super) column: Option<&'static str>,
    pub(super) fault: Fault,
}

impl From<Fault> for WrongCell {
    fn from(fault: Fault) -> Self {
        Self { column: None, fault }
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
        let missing: Vec<&'static str> = required
            .iter()
            .copied()
            .filter(|name| place(name).is_none())
            .collect();
        if !missing.is_empty() {
            return Err(Denied::Unreadable(Fault::MissingColumns(missing)));
        }
        let twice = header
            .iter()
            .find(|name| header.iter().filter(|other| other == name).count() > 1);
        if let Some(name) = twice {
            return Err(Denied::Unreadable(Fault::ColumnTwice(name.into())));
        }
        let places = required.iter().chain(optional).map(|name| place(name)).collect();
        Ok(Self {
            kind,
            places,
            cells: header.len(),
        })
    }

    /// Reads one line.
    pub(super) fn parse(&self, record: &csv::StringRecord, context: &Context) -> Result<Line, WrongCell> {
        // Before the cells are counted: what an open quote swallows is a line that nobody would hear of.
        if record.iter().any(|cell| cell.contains(['\n', '\r'])) {
            let from = record.position().map_or(0, csv::Position::line);
            let more: usize = record.iter().map(|cell| cell.matches('\n').count()).sum();
            let to = from + more as u64;
            return Err(Fault::OpenQuote { to }.into());
        }
        if record.len() != self.cells {
            let (given, expected) = (record.len(), self.cells);
            return Err(Fault::Cells { given, expected }.into());
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

    /// A cell that must not be empty.
    fn required(&self, name: &'static str, max: usize) -> Result<&'a str, WrongCell> {
        self.text_of(name, 1, max)
    }

    fn optional(&self, name: &'static str, max: usize) -> Result<&'a str, WrongCell> {
        self.text_of(name, 0, max)
    }

    fn text_of(&self, name: &'static str, min: usize, max: usize) -> Result<&'a str, WrongCell> {
        let text = self.text(name);
        match Fault::of_text(text, min, max) {
            None => Ok(text),
            Some(fault) => Err(wrong(name, fault)),
        }
    }

    fn code<T: FromStr>(&self, name: &'static str, max: usize) -> Result<T, WrongCell> {
        code(name, self.text(name), max)
    }

    /// The codes of a list.
    fn codes<T: FromStr>(
        &self,
        name: &'static str,
        max: usize,
    ) -> impl Iterator<Item = Result<T, WrongCell>> + 'a {
        split(self.text(name)).map(move |text| code(name, text, max))
    }

    fn number(&self, name: &'static str, min: u32, max: u32) -> Result<u32, WrongCell> {
        let number = self.text(name).parse().ok();
        number
            .filter(|number| (min..=max).contains(number))
            .ok_or_else(|| wrong(name, Fault::Number { min, max }))
    }

    fn flag(&self, name: &'static str) -> Result<bool, WrongCell> {
        match self.text(name) {
            "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" => Ok(false),
            _ => Err(wrong(name, Fault::OneOf(&["true", "false"]))),
        }
    }
}

fn wrong(column: &'static str, fault: Fault) -> WrongCell {
    WrongCell {
        column: Some(column),
        fault,
    }
}

fn code<T: FromStr>(column: &'static str, text: &str, max: usize) -> Result<T, WrongCell> {
    text.parse().map_err(|_| {
        let given = text.into();
        wrong(column, Fault::Code { given, max })
    })
}

fn campus(line: &Cells<'_>, context: &Context) -> Result<Campus, WrongCell> {
    let campus = Campus {
        code: line.code("campus_code", CampusCode::LENGTH_MAX)?,
        name: line.required("campus_name", 100)?.into(),
        school: line.code("school_code", SchoolCode::LENGTH_MAX)?,
        school_name: line.required("school_name", 100)?.into(),
        province: line.code("province_code", ProvinceCode::LENGTH_MAX)?,
        province_name: line.required("province_name", 100)?.into(),
        ticket_printing: match line.text("ticket_printing") {
            "" | "candidate" => TicketPrinting::Candidate,
            "school" => TicketPrinting::School,
            _ => return Err(wrong("ticket_printing", Fault::OneOf(&["candidate", "school"]))),
        },
    };
    if campus.province == national_cell() {
        return Err(wrong("province_code", Fault::ReservedProvince(campus.province)));
    }
    if let Some(known) = context.catalogue.tree.campus(campus.code)
        && known.site() != campus.site()
    {
        return Err(elsewhere(known).into());
    }
    context.in_scope(campus.site())?;
    Ok(campus)
}

fn elsewhere(known: &Campus) -> Fault {
    Fault::CampusElsewhere {
        campus: known.code,
        school: known.school,
        province: known.province,
    }
}

fn pool(line: &Cells<'_>, context: &Context) -> Result<(PoolId, NewPool), WrongCell> {
    let id = PoolId {
        campus: line.code("campus_code", CampusCode::LENGTH_MAX)?,
        subject: line.code("subject_code", SubjectCode::LENGTH_MAX)?,
    };
    let campus = context.campus(id.campus)?;
    context.subject(id.subject)?;
    context.in_scope(campus.site())?;
    let exam_date = line.optional("exam_date", EXAM_DATE_MAX)?;
    let new = NewPool {
        capacity: line.number("capacity", 0, u32::MAX)?,
        open: line.flag("open")?,
        fee: Fen(line.number("fee_fen", 0, u32::MAX)?),
        exam_date: (!exam_date.is_empty()).then(|| exam_date.into()),
    };
    if let Some(numbers) = context.incarnation.pool(id).map(|pool| pool.numbers())
        && new.capacity < numbers.capacity
        && new.capacity < numbers.held + numbers.paid
    {
        let (held, paid) = (numbers.held, numbers.paid);
        return Err(wrong("capacity", Fault::CapacityBelowTaken { held, paid }));
    }
    Ok((id, new))
}

fn student(line: &Cells<'_>, context: &Context) -> Result<ImportedStudent, WrongCell> {
    let id_type: IdType = line
        .text("id_type")
        .parse()
        .map_err(|_| wrong("id_type", Fault::OneOf(IdType::NAMES)))?;
    let id_number = line.text("id_number");
    if !id_type.accepts(id_number) {
        let fault = match id_type {
            IdType::ResidentId => Fault::ResidentId,
            _ => Fault::IdNumber,
        };
        return Err(wrong("id_number", fault));
    }
    let record = StudentRecord {
        province: line.code("province_code", ProvinceCode::LENGTH_MAX)?,
        id_type: id_type.as_str().into(),
        id_number: id_number.into(),
        name: line.required("name", 100)?.into(),
        gender: line.optional("gender", 20)?.into(),
        school: line.code("school_code", SchoolCode::LENGTH_MAX)?,
        campus: line.code("campus_code", CampusCode::LENGTH_MAX)?,
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
        return Err(elsewhere(campus).into());
    }
    context.in_scope(site)?;
    for column in ["subjects", "barred"] {
        for subject in line.codes(column, SubjectCode::LENGTH_MAX) {
            context.subject(subject?)?;
        }
    }
    for open in line.codes("open_campuses", CampusCode::LENGTH_MAX) {
        context.campus(open?)?;
    }
    Ok(ImportedStudent {
        record,
        subjects: line.text("subjects").into(),
        barred: line.text("barred").into(),
        open_campuses: line.text("open_campuses").into(),
    })
}

fn result(line: &Cells<'_>) -> Result<Cet4Result, WrongCell> {
    Ok(Cet4Result {
        ticket: line.required("ticket", 32)?.into(),
        id_number: line.required("id_number", 32)?.into(),
        name: line.required("name", 100)?.into(),
        year: line.number("year", 1987, 2100)?,
        score: line.number("score", 0, 710)?,
    })
}
