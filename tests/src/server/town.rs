//! The sitting, sites, pools and students that the end-to-end tests share, put in as staff would: over HTTP.
//!
//! Province 99 has the schools 99101 (campuses 991010, 991011) and 99102 (991020); province 98 has 98101 (981010).
//! The clock starts at 2026-09-21T14:13:20Z. Province 99 is open from 09-01 to 12-01, the queues are promoted until
//! 12-02; school 99102 opens its written papers on 09-25 only; province 98 opens on 10-01.

use std::fmt::Write;

use serde_json::Value;

use super::Server;

/// The sitting file.
pub const TOWN_SITTING: &str = r#"{"id":"2026-2","name":"2026年下半年考试","hold_seconds":86400,"enrolment_seconds":86400,
    "choices_close_at":"2026-12-10T00:00:00Z",
    "agreement":{"version":"2026-1","text":"报名协议","documents":[{"id":"privacy","title":"隐私政策","text":"文本"}]},
    "windows":[
        {"province":"*","paper":"qualification","opens_at":"2026-09-01T00:00:00Z","closes_at":"2026-12-01T00:00:00Z"},
        {"province":"*","paper":"written","opens_at":"2026-09-01T00:00:00Z","closes_at":"2026-12-01T00:00:00Z",
         "waitlist_closes_at":"2026-12-02T00:00:00Z","payment_closes_at":"2026-12-03T12:00:00Z"},
        {"province":"*","paper":"oral","opens_at":"2026-09-01T00:00:00Z","closes_at":"2026-12-01T00:00:00Z",
         "waitlist_closes_at":"2026-12-02T00:00:00Z","payment_closes_at":"2026-12-03T12:00:00Z"},
        {"province":"99","school":"99102","paper":"written","opens_at":"2026-09-25T00:00:00Z","closes_at":"2026-11-01T00:00:00Z"},
        {"province":"98","paper":"qualification","opens_at":"2026-10-01T00:00:00Z","closes_at":"2026-12-01T00:00:00Z"},
        {"province":"98","paper":"written","opens_at":"2026-10-01T00:00:00Z","closes_at":"2026-12-01T00:00:00Z"},
        {"province":"98","paper":"oral","opens_at":"2026-10-01T00:00:00Z","closes_at":"2026-12-01T00:00:00Z"}],
    "subjects":[
        {"code":"1","name":"英语四级笔试","paper":"written","language":"en","level":4},
        {"code":"2","name":"英语六级笔试","paper":"written","language":"en","level":6},
        {"code":"3","name":"日语四级笔试","paper":"written","language":"ja","level":4},
        {"code":"F","name":"英语四级口试","paper":"oral","language":"en","level":4,"requires":"1"},
        {"code":"S","name":"英语六级口试","paper":"oral","language":"en","level":6,"requires":"2"}]}"#;

const CAMPUSES: &str = "province_code,province_name,school_code,school_name,campus_code,campus_name,ticket_printing\n\
    99,测试省,99101,测试学校101,991010,99101-0校区,candidate\n\
    99,测试省,99101,测试学校101,991011,99101-1校区,school\n\
    99,测试省,99102,测试学校102,991020,99102-0校区,\n\
    98,邻省,98101,邻省学校,981010,98101-0校区,\n";

/// Subject 2 at 991011 is not open; neither is the oral site 991020-F.
const POOLS: &str = "campus_code,subject_code,capacity,open,fee_fen,exam_date\n\
    991010,1,2,true,3000,2026-12-12\n\
    991010,2,1,true,3000,2026-12-12\n\
    991010,3,1,true,3000,\n\
    991010,F,1,true,5000,2026-11-21\n\
    991010,S,1,true,5000,2026-11-21\n\
    991011,1,1,true,3000,\n\
    991011,2,1,false,3000,\n\
    991020,1,1,true,3000,\n\
    991020,F,1,false,5000,\n\
    981010,1,1,true,3000,\n\
    981010,F,1,true,5000,\n";

/// How many students the town has; the first ones may claim at both campuses of 99101.
const STUDENTS: u32 = 12;

/// A line of a students file.
#[derive(Debug, Clone)]
pub struct Student {
    /// The province's code.
    pub province: &'static str,
    /// The kind of ID document.
    pub id_type: &'static str,
    /// Its number.
    pub id_number: String,
    /// The name.
    pub name: String,
    /// The school's code.
    pub school: &'static str,
    /// The campus's code.
    pub campus: &'static str,
    /// 专业
    pub major: &'static str,
    /// What may be sat.
    pub subjects: &'static str,
    /// What not.
    pub barred: &'static str,
    /// Where.
    pub open_campuses: &'static str,
}

impl Student {
    /// Student number `n` of the town.
    pub fn number(n: u32) -> Self {
        Self {
            province: "99",
            id_type: "passport",
            id_number: format!("P{n}"),
            name: format!("考生{n}"),
            school: "99101",
            campus: "991010",
            major: "数学",
            subjects: "1;2;3;F;S",
            barred: "",
            open_campuses: "991010;991011",
        }
    }

    /// One of province 98.
    pub fn of_98(n: u32) -> Self {
        Self {
            province: "98",
            id_number: format!("N{n}"),
            name: format!("邻省考生{n}"),
            school: "98101",
            campus: "981010",
            open_campuses: "",
            ..Self::number(n)
        }
    }

    /// One of school 99102.
    pub fn of_99102(n: u32) -> Self {
        Self {
            id_number: format!("Q{n}"),
            school: "99102",
            campus: "991020",
            open_campuses: "",
            ..Self::number(n)
        }
    }
}

/// The sitting file as JSON.
pub fn town_sitting() -> Value {
    serde_json::from_str(TOWN_SITTING).expect("the sitting is JSON")
}

/// A students file.
fn file_of(students: &[Student]) -> String {
    let mut text = String::from(
        "province_code,id_type,id_number,name,gender,school_code,campus_code,degree,program_years,entry_year,grade,\
         department,major,class,student_number,remarks,subjects,barred,open_campuses\n",
    );
    for student in students {
        writeln!(
            text,
            "{},{},{},{},女,{},{},本科,4,2022,22,学院,{},1,,,{},{},{}",
            student.province,
            student.id_type,
            student.id_number,
            student.name,
            student.school,
            student.campus,
            student.major,
            student.subjects,
            student.barred,
            student.open_campuses
        )
        .expect("a string takes all");
    }
    text
}

/// Imports student records; all must be good.
pub async fn import_students(server: &Server<'_>, students: &[Student]) {
    import(server, "students", file_of(students), students.len()).await;
}

pub(super) async fn build(server: &Server<'_>) {
    let put = server.staff("national").put("/v1/staff/sitting", &town_sitting());
    put.await.expect(200);
    import(server, "campuses", CAMPUSES.into(), 4).await;
    import(server, "pools", POOLS.into(), 11).await;
    let mut students: Vec<Student> = (0..STUDENTS).map(Student::number).collect();
    students.extend([
        Student::of_98(0),
        Student::of_98(1),
        Student::of_99102(0),
        Student::of_99102(1),
    ]);
    import_students(server, &students).await;
}

async fn import(server: &Server<'_>, kind: &str, text: String, lines: usize) {
    let national = server.staff("national");
    let report = national
        .call("POST", &format!("/v1/staff/imports/{kind}"))
        .csv(text)
        .await
        .expect(200);
    assert_eq!(
        (&report["accepted"], &report["applied"]),
        (&lines.into(), &true.into()),
        "{report}"
    );
}
