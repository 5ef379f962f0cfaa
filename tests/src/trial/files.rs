//! The files of a trial's sitting: one school, two campuses, six small pools.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::World;

/// The pools, by id: four written ones and two oral.
pub const POOLS: [&str; 6] = [
    "991010-1", "991010-2", "991010-F", "991010-S", "991011-1", "991011-2",
];

/// How many students the later import has: more than one slice of an import.
pub const EXTRA_STUDENTS: u32 = 5_500;

pub(super) const AGREEMENT: &str = "1";
pub(super) const STUDENTS: &str = "students.csv";
pub(super) const EXTRA: &str = "extra.csv";

/// What is imported first, in this order.
pub(super) const IMPORTS: [(&str, &str); 3] = [
    ("campuses", "campuses.csv"),
    ("pools", "pools.csv"),
    ("students", STUDENTS),
];

const CAMPUSES: &str = "province_code,province_name,school_code,school_name,campus_code,campus_name\n\
    99,测试省,99101,测试学校101,991010,99101-0校区\n\
    99,测试省,99101,测试学校101,991011,99101-1校区\n";

const PLACES: &str = "campus_code,subject_code,capacity,open,fee_fen\n\
    991010,1,3,true,1\n991010,2,2,true,1\n991010,F,2,true,1\n991010,S,1,true,1\n\
    991011,1,2,true,1\n991011,2,1,true,1\n";

const STUDENT_COLUMNS: &str = "province_code,id_type,id_number,name,gender,school_code,campus_code,degree,\
    program_years,entry_year,grade,department,major,class,student_number,remarks,subjects,barred,open_campuses\n";

pub(super) fn sitting(world: World) -> Value {
    let window = |paper: &str| {
        json!({ "province": "*", "paper": paper, "opens_at": "2020-01-01T00:00:00Z", "closes_at": "2099-01-01T00:00:00Z",
            "waitlist_closes_at": "2099-01-01T00:00:00Z", "payment_closes_at": "2099-06-01T00:00:00Z" })
    };
    let subject = |code: &str, paper: &str, level: u32| json!({ "code": code, "name": code, "paper": paper, "language": "en", "level": level });
    let oral = |code: &str, level: u32, requires: &str| {
        let mut subject = subject(code, "oral", level);
        subject["requires"] = json!(requires);
        subject
    };
    json!({
        "id": "crash", "name": "考试", "hold_seconds": world.hold_seconds, "enrolment_seconds": world.enrolment_seconds,
        "order_margin_seconds": 1, "payment_grace_seconds": 1,
        "agreement": { "version": AGREEMENT, "text": "协议" },
        "windows": [window("qualification"), window("written"), window("oral")],
        "subjects": [subject("1", "written", 4), subject("2", "written", 6), oral("F", 4, "1"), oral("S", 6, "2")],
    })
}

pub(super) fn write(folder: &Path, world: World) {
    let write =
        |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file can be written");
    write("campuses.csv", CAMPUSES);
    write("pools.csv", PLACES);
    write(STUDENTS, &students("A", 0..world.people));
    write(EXTRA, &students("B", 0..EXTRA_STUDENTS));
}

/// The first and the last of the extra students, and the ends of slices.
pub(super) fn few_of_extra() -> String {
    let middle = EXTRA_STUDENTS / 2;
    students("B", [0, middle, EXTRA_STUDENTS - 1].into_iter())
}

fn students(letter: &str, numbers: impl Iterator<Item = u32>) -> String {
    let mut text = String::from(STUDENT_COLUMNS);
    for n in numbers {
        writeln!(
            text,
            "99,passport,{letter}{n:07},考生{n},女,99101,991010,本科,4,22,22,院,专业,1,{letter}{n},,1;2;F;S,,991010;991011"
        )
        .expect("a string takes all");
    }
    text
}
