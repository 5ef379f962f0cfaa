//! Writes a world as the import files of the contract (2.8).
//!
//! Promises: a million rows take little memory; `sitting.json` obeys R18 (payment ends later than the queue by the
//! hold time).

use std::io::{self, Write};

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::people;
use super::schools::SchoolKind;
use super::subjects::SUBJECTS;
use super::{NO_POOL, World};

/// When things open, and how long a hold lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SittingTimes {
    /// When qualification, and with it the enrolment, opens.
    pub qualification_opens_at: DateTime<Utc>,
    /// When the claims open.
    pub claims_open_at: DateTime<Utc>,
    /// How long a held seat waits for its payment.
    pub hold_seconds: u32,
}

/// The agreement's version in every sitting made here.
pub const AGREEMENT_VERSION: &str = "loadtest-1";

/// The sitting's id in every sitting made here.
const SITTING_ID: &str = "loadtest";

/// The text of `sitting.json`.
pub fn sitting_json(times: &SittingTimes) -> Value {
    let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let closes_at = times.qualification_opens_at + Duration::days(14);
    let payment_closes_at = closes_at + Duration::days(1) + Duration::seconds(i64::from(times.hold_seconds));
    let window = |paper: &str, opens_at: DateTime<Utc>| {
        json!({ "province": "*", "paper": paper, "opens_at": instant(opens_at), "closes_at": instant(closes_at),
                "waitlist_closes_at": instant(closes_at), "payment_closes_at": instant(payment_closes_at) })
    };
    let subjects: Vec<Value> = SUBJECTS
        .iter()
        .map(|subject| {
            let mut value = json!({ "code": subject.code, "name": subject.name, "paper": subject.paper.word(),
                                    "language": subject.language, "level": subject.level });
            if let Some(required) = subject.requires {
                value["requires"] = required.into();
            }
            value
        })
        .collect();
    json!({
        "id": SITTING_ID, "name": "压力测试考次",
        "hold_seconds": times.hold_seconds, "enrolment_seconds": 86_400,
        "order_margin_seconds": (times.hold_seconds / 2).clamp(1, 360),
        "agreement": { "version": AGREEMENT_VERSION, "text": "压力测试用报名协议。" },
        "windows": [
            window("qualification", times.qualification_opens_at),
            window("written", times.claims_open_at),
            window("oral", times.claims_open_at),
        ],
        "subjects": subjects,
    })
}

/// Writes `campuses.csv`.
pub fn write_campuses(world: &World, out: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "province_code",
        "province_name",
        "school_code",
        "school_name",
        "campus_code",
        "campus_name",
    ])?;
    for campus in &world.campuses {
        let school = &world.schools[campus.school as usize];
        csv.write_record([
            &school.province_code,
            &school.province_name,
            &school.code,
            &school.name,
            &campus.code,
            &campus.name,
        ])?;
    }
    csv.flush()
}

/// Writes `pools.csv`.
pub fn write_pools(world: &World, out: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["campus_code", "subject_code", "capacity", "open", "fee_fen"])?;
    for pool in &world.pools {
        let subject = &SUBJECTS[usize::from(pool.subject)];
        let open = if pool.open { "true" } else { "false" };
        csv.write_record([
            world.campuses[pool.campus as usize].code.as_str(),
            subject.code,
            &pool.capacity.to_string(),
            open,
            &subject.fee_fen.to_string(),
        ])?;
    }
    csv.flush()
}

/// Writes `students.csv`.
pub fn write_students(world: &World, out: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
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
        "barred",
        "open_campuses",
    ])?;
    for candidate in &world.candidates {
        let (school, number) = (world.school_of(candidate), candidate.number);
        let (degree, years) = match school.kind {
            SchoolKind::Undergraduate => ("本科", "4"),
            SchoolKind::Vocational => ("专科", "3"),
        };
        let code = |pool: u32| SUBJECTS[usize::from(world.pools[pool as usize].subject)].code;
        let subjects = if candidate.oral == NO_POOL {
            code(candidate.written).to_owned()
        } else {
            format!("{};{}", code(candidate.written), code(candidate.oral))
        };
        let entry_year = 2023 + number % 3;
        csv.write_record([
            &school.province_code,
            "resident_id",
            &people::id_number(&school.province_code, number),
            &people::name(number),
            people::gender(number),
            &school.code,
            &world.campuses[candidate.campus as usize].code,
            degree,
            years,
            &entry_year.to_string(),
            &entry_year.to_string(),
            "外国语学院",
            "英语",
            &format!("{}班", number % 40 + 1),
            &format!("{}{number:08}", school.code),
            "",
            &subjects,
            "",
            "",
        ])?;
    }
    csv.flush()
}

#[cfg(test)]
mod tests {
    use super::super::{ProvinceChoice, Scale, country};
    use super::*;

    #[test]
    fn every_candidate_has_a_row_with_the_subjects_he_wants() {
        let world = country(&ProvinceChoice::These(vec!["54".into()]), 3, Scale(0.01));
        let mut text = Vec::new();
        write_students(&world, &mut text).unwrap();
        let rows: Vec<csv::StringRecord> = csv::Reader::from_reader(&*text)
            .into_records()
            .map(Result::unwrap)
            .collect();
        assert_eq!(rows.len(), world.candidates.len());
        for (row, candidate) in rows.iter().zip(&world.candidates) {
            assert_eq!(row[2], world.id_number(candidate));
            assert_eq!(row[16].contains(';'), candidate.oral != NO_POOL);
        }
    }

    #[test]
    fn payment_ends_later_than_the_queue_by_the_hold_time() {
        let now = DateTime::UNIX_EPOCH;
        let times = SittingTimes {
            qualification_opens_at: now,
            claims_open_at: now,
            hold_seconds: 86_400,
        };
        let sitting = sitting_json(&times);
        let instant = |name: &str| {
            let text = sitting["windows"][1][name].as_str().unwrap();
            DateTime::parse_from_rfc3339(text).unwrap()
        };
        let spare = instant("payment_closes_at") - instant("waitlist_closes_at");
        assert!(spare.num_seconds() >= 86_400);
    }
}
