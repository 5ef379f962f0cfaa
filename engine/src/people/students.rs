//! Student records as schools imported them (R3). Every version is kept: an enrolment keeps the one it confirmed
//! (R8). What a record allows is live, and no part of its version (R4).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kaowei_core::ids::{CampusCode, ProvinceCode, RecordId, RecordVersion, SubjectCode};
use kaowei_core::registration::{Eligibility, same_name};
use kaowei_core::sites::Site;
use smallvec::SmallVec;

use super::accounts::person_index;
use super::{AccountDetails, IdType, unavailable};
use crate::failure::Failure;
use crate::store::{Secrets, Statement, Store, on};
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
        let row = self
            .row_of(account.province, person.id_type, &person.id_number)
            .await?;
        row.filter(|row| same_name(&row.2, &person.name))
            .map(found)
            .transpose()
    }

    /// A person's record, with the name in it.
    pub(crate) async fn of_person(
        &self,
        province: ProvinceCode,
        id_type: IdType,
        id_number: &str,
    ) -> Result<Option<(Found, String)>, Failure> {
        let row = self.row_of(province, id_type, id_number).await?;
        row.map(|row| {
            let name = row.2.clone();
            Ok((found(row)?, name))
        })
        .transpose()
    }

    async fn row_of(
        &self,
        province: ProvinceCode,
        id_type: IdType,
        id_number: &str,
    ) -> Result<Option<Row>, Failure> {
        let index = person_index(
            &self.store.secrets,
            province.as_str(),
            id_type.as_str(),
            id_number,
        );
        let row = on!(&self.store.people, pool => {
            sqlx::query_as(BY_PERSON).bind(index).fetch_optional(pool).await
        });
        row.map_err(|error| unavailable(&error))
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
    pub(crate) async fn import(&self, students: &[SealedStudent]) -> Result<Vec<RecordId>, Failure> {
        const TOUCHED: &str = "SELECT record FROM students WHERE person IN ({rows})";
        let people = &self.store.people;
        let persons = students.iter().map(|student| [student.person.as_slice().into()]);
        let touched: Vec<(i64,)> = people
            .find(&Statement::new(TOUCHED, &["person"], persons))
            .await
            .map_err(|error| unavailable(&error))?;
        people
            .write(&statements(students))
            .await
            .map_err(|error| unavailable(&error))?;
        self.imports.fetch_add(1, Ordering::AcqRel);
        Ok(touched.into_iter().map(|(record,)| RecordId(record)).collect())
    }
}

/// A line of an import as it is stored.
#[derive(Debug)]
pub(crate) struct SealedStudent {
    line: ImportedStudent,
    person: Vec<u8>,
    digest: Vec<u8>,
    body: Vec<u8>,
}

impl SealedStudent {
    /// By what its person is found.
    pub(crate) fn person(&self) -> &[u8] {
        &self.person
    }

    /// Seals a line: too much work for a thread that serves claims.
    pub(crate) fn seal(line: ImportedStudent, secrets: &Secrets) -> Result<Self, Failure> {
        let record = &line.record;
        let province = record.province.as_str();
        let body = serde_json::to_string(record).map_err(|_| Failure::Internal)?;
        Ok(Self {
            person: person_index(secrets, province, &record.id_type, &record.id_number),
            // Keyed: whoever knows the rest of a record could else try all ID numbers.
            digest: secrets.index(&format!("record\n{body}")).into(),
            body: secrets.seal(&body).map_err(|_| Failure::Internal)?,
            line,
        })
    }
}

fn statements(students: &[SealedStudent]) -> [Statement<'_>; 2] {
    // The version rises only when something of the record itself changed; what it allows is live.
    const SAVE: &str = "INSERT INTO students (person, version, digest, name, province, school, campus, subjects, barred, open_campuses) \
         SELECT person, 1, digest, name, province, school, campus, subjects, barred, open_campuses FROM ({rows}) AS new WHERE true \
         ON CONFLICT (person) DO UPDATE SET \
         version = students.version + CASE WHEN students.digest = excluded.digest THEN 0 ELSE 1 END, \
         digest = excluded.digest, name = excluded.name, province = excluded.province, school = excluded.school, \
         campus = excluded.campus, subjects = excluded.subjects, barred = excluded.barred, open_campuses = excluded.open_campuses";
    const COLUMNS: [&str; 9] = [
        "person",
        "digest",
        "name",
        "province",
        "school",
        "campus",
        "subjects",
        "barred",
        "open_campuses",
    ];
    const KEEP: &str = "INSERT INTO student_versions (record, version, body) \
         SELECT students.record, students.version, new.body FROM ({rows}) AS new JOIN students ON students.person = new.person WHERE true \
         ON CONFLICT (record, version) DO NOTHING";
    let rows = students.iter().map(|student| {
        let ImportedStudent {
            record,
            subjects,
            barred,
            open_campuses,
        } = &student.line;
        [
            student.person.as_slice().into(),
            student.digest.as_slice().into(),
            record.name.as_str().into(),
            (&record.province).into(),
            (&record.school).into(),
            (&record.campus).into(),
            subjects.as_str().into(),
            barred.as_str().into(),
            open_campuses.as_str().into(),
        ]
    });
    let bodies = students
        .iter()
        .map(|student| [student.person.as_slice().into(), student.body.as_slice().into()]);
    [
        Statement::new(SAVE, &COLUMNS, rows),
        Statement::new(KEEP, &["person", "body"], bodies),
    ]
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
