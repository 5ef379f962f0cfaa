//! Student records as schools imported them (R3). Every version is kept: an enrolment keeps the one it confirmed
//! (R8). What a record allows is live, and no part of its version (R4).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kaowei_core::ids::{CampusCode, ProvinceCode, RecordId, RecordVersion, SchoolCode, SubjectCode};
use kaowei_core::registration::{Eligibility, same_name};
use kaowei_core::sites::Site;
use smallvec::SmallVec;
use sqlx::AssertSqlSafe;

use super::accounts::person_index;
use super::{AccountDetails, unavailable};
use crate::failure::Failure;
use crate::store::Kind::{Bytes, Text};
use crate::store::{Column, Db, Statement, Store, on};
use crate::views::StudentRecord;

/// One line of an import.
#[derive(Debug, Clone)]
pub(crate) struct ImportedStudent {
    pub(crate) record: StudentRecord,
    pub(crate) subjects: String,
    pub(crate) barred: String,
    pub(crate) open_campuses: String,
}

/// A record that was found, as it is now.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) record: RecordId,
    pub(crate) version: RecordVersion,
    pub(crate) eligibility: Eligibility,
}

/// The student records.
#[derive(Debug, Clone)]
pub(crate) struct Students {
    store: Arc<Store>,
    imports: Arc<AtomicU64>,
}

type Row = (i64, i64, String, String, String, String, String, String, String);

const BY_PERSON: &str = "SELECT record, version, name, province, school, campus, subjects, barred, open_campuses \
     FROM students WHERE person = $1";
const BY_RECORD: &str = "SELECT record, version, name, province, school, campus, subjects, barred, open_campuses \
     FROM students WHERE record = $1";
const VERSION: &str = "SELECT body FROM student_versions WHERE record = $1 AND version = $2";

impl Students {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            imports: Arc::default(),
        }
    }

    /// How many slices were imported: what was found before is as of so many.
    pub(crate) fn imports(&self) -> u64 {
        self.imports.load(Ordering::Acquire)
    }

    /// The record that matches an account: province, ID type, ID number, and the name (R3).
    pub(crate) async fn matching(&self, account: &AccountDetails) -> Result<Option<Found>, Failure> {
        let person = &account.person;
        let province = account.province.as_str();
        let index = person_index(
            &self.store.secrets,
            province,
            person.id_type.as_str(),
            &person.id_number,
        );
        let row: Option<Row> = on!(&self.store.people, pool => {
            sqlx::query_as(BY_PERSON).bind(index).fetch_optional(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        row.filter(|row| same_name(&row.2, &person.name))
            .map(found)
            .transpose()
    }

    /// A record by its id.
    pub(crate) async fn by_id(&self, record: RecordId) -> Result<Option<Found>, Failure> {
        let row: Option<Row> = on!(&self.store.people, pool => {
            sqlx::query_as(BY_RECORD).bind(record.0).fetch_optional(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        row.map(found).transpose()
    }

    /// One version of a record, whole.
    pub(crate) async fn version(
        &self,
        record: RecordId,
        version: RecordVersion,
    ) -> Result<StudentRecord, Failure> {
        let body: Option<(Vec<u8>,)> = on!(&self.store.people, pool => {
            sqlx::query_as(VERSION).bind(record.0).bind(i64::from(version.0)).fetch_optional(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        let unreadable = || {
            tracing::error!(
                record = record.0,
                version = version.0,
                "a student record can't be read"
            );
            Failure::Internal
        };
        let (body,) = body.ok_or_else(unreadable)?;
        let body = self.store.secrets.open(&body).map_err(|_| unreadable())?;
        serde_json::from_str(&body).map_err(|_| unreadable())
    }

    /// Adds records, or new versions of those that changed. The ids of all that were there before.
    pub(crate) async fn import(&self, lines: &[ImportedStudent]) -> Result<Vec<RecordId>, Failure> {
        let people = &self.store.people;
        let rows = self.rows(lines)?;
        let persons: Vec<_> = rows.iter().map(|row| (row.0.clone(),)).collect();
        let persons = json(&persons)?;
        let touched = format!(
            "SELECT record FROM students WHERE person IN ({})",
            people.unfold(&[("person", Bytes)])
        );
        let touched: Vec<(i64,)> = on!(people, pool => {
            sqlx::query_as(AssertSqlSafe(touched)).bind(persons).fetch_all(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        people
            .write(&statements(people, &rows)?)
            .await
            .map_err(|error| unavailable(&error))?;
        self.imports.fetch_add(1, Ordering::AcqRel);
        Ok(touched.into_iter().map(|(record,)| RecordId(record)).collect())
    }

    fn rows(&self, lines: &[ImportedStudent]) -> Result<Vec<StudentRow>, Failure> {
        let secrets = &self.store.secrets;
        lines
            .iter()
            .map(|line| {
                let record = &line.record;
                let body = json(record)?;
                let person = person_index(
                    secrets,
                    record.province.as_str(),
                    &record.id_type,
                    &record.id_number,
                );
                Ok((
                    hex::encode(person),
                    // Keyed: whoever knows the rest of a record could else try all ID numbers.
                    hex::encode(secrets.index(&format!("record\n{body}"))),
                    record.name.clone(),
                    record.province,
                    record.school,
                    record.campus,
                    line.subjects.clone(),
                    line.barred.clone(),
                    line.open_campuses.clone(),
                    hex::encode(secrets.seal(&body).map_err(|_| Failure::Internal)?),
                ))
            })
            .collect()
    }
}

type StudentRow = (
    String,
    String,
    String,
    ProvinceCode,
    SchoolCode,
    CampusCode,
    String,
    String,
    String,
    String,
);

const COLUMNS: [Column; 10] = [
    ("person", Bytes),
    ("digest", Bytes),
    ("name", Text),
    ("province", Text),
    ("school", Text),
    ("campus", Text),
    ("subjects", Text),
    ("barred", Text),
    ("open_campuses", Text),
    ("body", Bytes),
];

fn statements(people: &Db, rows: &[StudentRow]) -> Result<[Statement; 2], Failure> {
    let rows = json(rows)?;
    // The version rises only when something of the record itself changed; what it allows is live.
    let save = format!(
        "INSERT INTO students (person, version, digest, name, province, school, campus, subjects, barred, open_campuses) \
         SELECT person, 1, digest, name, province, school, campus, subjects, barred, open_campuses FROM ({}) AS new WHERE true \
         ON CONFLICT (person) DO UPDATE SET \
         version = students.version + CASE WHEN students.digest = excluded.digest THEN 0 ELSE 1 END, \
         digest = excluded.digest, name = excluded.name, province = excluded.province, school = excluded.school, \
         campus = excluded.campus, subjects = excluded.subjects, barred = excluded.barred, open_campuses = excluded.open_campuses",
        people.unfold(&COLUMNS)
    );
    let keep = format!(
        "INSERT INTO student_versions (record, version, body) \
         SELECT students.record, students.version, new.body FROM ({}) AS new JOIN students ON students.person = new.person WHERE true \
         ON CONFLICT (record, version) DO NOTHING",
        people.unfold(&COLUMNS)
    );
    Ok([Statement::new(save, rows.clone()), Statement::new(keep, rows)])
}

fn found(row: Row) -> Result<Found, Failure> {
    let (record, version, _, province, school, campus, subjects, barred, open_campuses) = row;
    let codes = |text: &str| -> Result<SmallVec<[SubjectCode; 4]>, Failure> {
        split(text)
            .map(|code| code.parse().map_err(|_| Failure::Internal))
            .collect()
    };
    let campuses: Result<SmallVec<[CampusCode; 1]>, Failure> = split(&open_campuses)
        .map(|code| code.parse().map_err(|_| Failure::Internal))
        .collect();
    let eligibility = Eligibility {
        site: Site {
            province: province.parse().map_err(|_| Failure::Internal)?,
            school: school.parse().map_err(|_| Failure::Internal)?,
        },
        campus: campus.parse().map_err(|_| Failure::Internal)?,
        subjects: codes(&subjects)?,
        barred: codes(&barred)?.into_iter().collect(),
        open_campuses: campuses?,
    };
    Ok(Found {
        record: RecordId(record),
        version: RecordVersion(i32::try_from(version).unwrap_or(i32::MAX)),
        eligibility,
    })
}

/// The parts of a list that is separated by `;`.
pub(crate) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim).filter(|part| !part.is_empty())
}

fn json(value: &(impl serde::Serialize + ?Sized)) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|_| Failure::Internal)
}
