//! What clients read when they did something wrong: Chinese unless they prefer English, never one in the other.
//!
//! Every answer that any flow test sees is judged for its language (the fixtures do it); here are answers of every area
//! in both languages, and each fault that a value can have.

use kaowei::problem::{Language, Words};
use kaowei_core::sites::{Paper, SittingFault};
use kaowei_core::time::Moment;
use kaowei_engine::{BadLine, Fault};
use kaowei_tests::engine::Place;
use kaowei_tests::language::is_in;
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Call, Server, town_sitting};
use serde_json::{Value, json};

on_both_stores! {
    what_candidates_are_refused_is_said_in_the_language_asked_for
    what_staff_are_refused_is_said_in_the_language_asked_for
    a_sitting_is_refused_in_the_language_asked_for
    bad_lines_are_said_in_the_language_asked_for_whatever_the_answer
}

/// A refusal says this in Chinese and that in English, and nothing of the other language.
async fn says(call: impl Fn() -> Call, zh: &str, en: &str) {
    for (tag, language, wanted) in [("zh-CN", Language::Chinese, zh), ("en", Language::English, en)] {
        let reply = call().with("accept-language", tag).await;
        assert!((400..500).contains(&reply.status), "{}", reply.text());
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.contains(wanted) && is_in(&detail, language),
            "{tag}: {detail}"
        );
    }
}

async fn what_candidates_are_refused_is_said_in_the_language_asked_for(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    li.hold("991010-2").await;
    let waiting = wang.queue("991010-2").await;
    let again = || wang.claim("991010-2", "reject");
    says(again, "你的候补仍然有效", "Your place is kept").await;
    let old = || li.put("/v1/agreement", &json!({"version": "2025-1"}));
    says(old, "现行的报名协议是 2026-1 版", "in force is version 2026-1").await;
    let mute = || wang.cancel(&waiting);
    says(
        mute,
        "/reason：取消候补须说明原因",
        "/reason: Leaving the queue needs",
    )
    .await;
    let long = || wang.cancel_because(&waiting, &"x".repeat(501));
    says(
        long,
        "/reason：须为 1 至 500 个字符",
        "must have 1 to 500 characters",
    )
    .await;
    let half = || li.post("/v1/claims", &json!({"pool": "991010-1"}));
    says(half, "/on_full：缺少此项", "/on_full: This is missing").await;
    let other = || li.claim("991010-1", "maybe");
    says(
        other,
        "只能是 reject、waitlist 之一",
        "/on_full: It must be one of reject, waitlist.",
    )
    .await;
    let broken = || li.call("POST", "/v1/claims").body("application/json", "{");
    says(broken, "不是完整、正确的 JSON", "is not JSON").await;
    server.finish().await;
}

async fn what_staff_are_refused_is_said_in_the_language_asked_for(place: Place) {
    let server = Server::start_town(&place).await;
    let (national, school) = (server.staff("national"), server.staff("school:99101"));
    server.enrolled(0).await.hold("991010-2").await;
    let change = |change: Value| {
        let school = &school;
        move || school.patch("/v1/staff/pools/991010-2", &change)
    };
    says(
        change(json!({"capacity": -1})),
        "/capacity：须为 0 至 4294967295 的整数",
        "/capacity: It must be a whole number from 0 to 4294967295.",
    )
    .await;
    let unknown = change(json!({"capcity": 1}));
    says(unknown, "没有名为 capcity 的字段", "unknown field `capcity`").await;
    let long = change(json!({"exam_date": "x".repeat(101)}));
    says(long, "/exam_date：不得超过 100 个字符", "at most 100 characters").await;
    let low = change(json!({"capacity": 0}));
    says(low, "已保留 1 个，已支付 0 个", "1 held and 0 paid").await;
    let new = json!({"capacity": 1, "open": true, "fee_fen": 1});
    let nowhere = || school.put("/v1/staff/pools/991010-9", &new);
    says(nowhere, "考次中没有科目 9", "The sitting has no subject 9").await;
    let many = || school.get("/v1/staff/pools/991010-2/preview?capacity=many");
    says(many, "capacity 无法识别", "capacity can't be read").await;
    let mute = || national.post("/v1/staff/expiry", &json!({"resume": true, "reason": " "}));
    says(
        mute,
        "/reason：须为 1 至 500 个字符",
        "/reason: It must have 1 to 500",
    )
    .await;
    let whose = || school.get("/v1/staff/audit");
    says(whose, "请给出 pool 或 cell 之一", "which pool, or which cell").await;
    let import = |text: &'static str| {
        let national = &national;
        move || national.call("POST", "/v1/staff/imports/cet4-results").csv(text)
    };
    let short = import("ticket,name\n");
    says(
        short,
        "表头缺少以下列：id_number、year",
        "lacks the columns id_number",
    )
    .await;
    let twice = import("ticket,id_number,name,year,score,name\n");
    says(twice, "表头中的列“name”出现了两次", "the column \"name\" twice").await;
    server.finish().await;
}

async fn a_sitting_is_refused_in_the_language_asked_for(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    for (pointer, value, zh, en) in [
        (
            "/windows/0/opens_at",
            json!("yesterday"),
            "格式或取值不正确",
            "invalid characters",
        ),
        (
            "/windows/0/province",
            json!("9-9"),
            "格式或取值不正确",
            "the code of a province, or *",
        ),
        (
            "/windows/1/payment_closes_at",
            json!("2026-12-02T12:00:00Z"),
            "不得早于 2026-12-03T00:00:00.000Z",
            "must be 2026-12-03T00:00:00.000Z or later",
        ),
        ("/name", json!(""), "须为 1 至 200 个字符", "1 to 200 characters"),
        (
            "/subjects/2/level",
            json!(6),
            "其笔试口试类别、级别和所需科目不可再更改",
            "can't change any more",
        ),
    ] {
        let mut sitting = town_sitting();
        *sitting.pointer_mut(pointer).unwrap() = value;
        says(|| national.put("/v1/staff/sitting", &sitting), zh, en).await;
    }
    server.finish().await;
}

async fn bad_lines_are_said_in_the_language_asked_for_whatever_the_answer(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let file = "campus_code,subject_code,capacity,open,fee_fen\n991010,1,many,true,1\n";
    for (query, status) in [("", 422), ("?dry_run=true", 200), ("?skip_bad=true", 200)] {
        for (language, problem) in [
            ("zh-CN", "capacity：须为 0 至 4294967295 的整数。"),
            ("en", "capacity: It must be a whole number from 0 to 4294967295."),
        ] {
            let path = format!("/v1/staff/imports/pools{query}");
            let call = national.call("POST", &path).csv(file);
            let reply = call.with("accept-language", language).await;
            assert_eq!(reply.header("content-language"), Some(language));
            let rejected = reply.expect(status)["rejected"].clone();
            assert_eq!(rejected, json!([{"line": 2, "problem": problem}]), "{query}");
        }
    }
    server.finish().await;
}

/// The fault after that one: an arm for each, so that a new fault does not compile without its place here.
fn after(fault: &Fault) -> Option<Fault> {
    let code = || "99".parse().unwrap();
    let subject = "1".parse().unwrap();
    let campus = "991010".parse().unwrap();
    let school = "99101".parse().unwrap();
    Some(match fault {
        Fault::Text { min: 0, .. } => Fault::Text { min: 1, max: 9 },
        Fault::Text { .. } => Fault::Number { min: 1, max: 9 },
        Fault::Number { .. } => Fault::OneOf(&["true", "false"]),
        Fault::OneOf(_) => Fault::MethodNotOffered { offered: Vec::new() },
        Fault::MethodNotOffered { offered } if offered.is_empty() => Fault::MethodNotOffered {
            offered: vec!["sandbox"],
        },
        Fault::MethodNotOffered { .. } => Fault::Code {
            given: "9-9".into(),
            max: 7,
        },
        Fault::Code { .. } => Fault::ResidentId,
        Fault::ResidentId => Fault::IdNumber,
        Fault::IdNumber => Fault::Phone,
        Fault::Phone => Fault::PersonalPassword,
        Fault::PersonalPassword => Fault::UnknownProvince(code()),
        Fault::UnknownProvince(_) => Fault::StaffLogin,
        Fault::StaffLogin => Fault::UnknownSchool(school),
        Fault::UnknownSchool(_) => Fault::UnknownCampus(campus),
        Fault::UnknownCampus(_) => Fault::UnknownSubject(subject),
        Fault::UnknownSubject(_) => Fault::NoSitting,
        Fault::NoSitting => Fault::OutOfScope {
            school,
            scope: "province:99".parse().unwrap(),
        },
        Fault::OutOfScope { .. } => Fault::ReservedProvince(code()),
        Fault::ReservedProvince(_) => Fault::CampusElsewhere {
            campus,
            school,
            province: code(),
        },
        Fault::CampusElsewhere { .. } => Fault::CapacityBelowTaken { held: 1, paid: 2 },
        Fault::CapacityBelowTaken { .. } => Fault::Cells {
            given: 2,
            expected: 3,
        },
        Fault::Cells { .. } => Fault::OpenQuote { to: 4 },
        Fault::OpenQuote { .. } => Fault::NotUtf8,
        Fault::NotUtf8 => Fault::MissingColumns(vec!["ticket", "year"]),
        Fault::MissingColumns(_) => Fault::ColumnTwice("year".into()),
        Fault::ColumnTwice(_) => Fault::OtherAgreement {
            in_force: "2026-1".into(),
        },
        Fault::OtherAgreement { .. } => Fault::SubjectDropped(subject),
        Fault::SubjectDropped(_) => Fault::SittingInUse { id: "2026-2".into() },
        Fault::SittingInUse { .. } => Fault::AgreementAccepted {
            version: "2026-1".into(),
        },
        Fault::AgreementAccepted { .. } => Fault::WindowDropped {
            province: code(),
            paper: Paper::Oral,
        },
        Fault::WindowDropped { .. } => Fault::PaymentEndsBeforeHolds { latest: Moment::MIN },
        Fault::PaymentEndsBeforeHolds { .. } => Fault::SubjectHasPools(subject),
        Fault::SubjectHasPools(_) => Fault::Sitting(SittingFault::Text { max: 9 }),
        Fault::Sitting(fault) => Fault::Sitting(after_of_sitting(*fault)?),
    })
}

fn after_of_sitting(fault: SittingFault) -> Option<SittingFault> {
    Some(match fault {
        SittingFault::Text { .. } => SittingFault::Seconds { max: 9 },
        SittingFault::Seconds { .. } => SittingFault::Empty,
        SittingFault::Empty => SittingFault::SubjectTwice("1".parse().unwrap()),
        SittingFault::SubjectTwice(_) => SittingFault::Requires,
        SittingFault::Requires => SittingFault::WindowTwice,
        SittingFault::WindowTwice => SittingFault::ClosesBeforeItOpens,
        SittingFault::ClosesBeforeItOpens => SittingFault::PaymentEndsTooEarly {
            earliest: Moment::MIN,
        },
        SittingFault::PaymentEndsTooEarly { .. } => SittingFault::PaymentEndsBeforeTheWindow,
        SittingFault::PaymentEndsBeforeTheWindow => SittingFault::SchoolWithoutProvince,
        SittingFault::SchoolWithoutProvince => SittingFault::OutsideTheProvince,
        SittingFault::OutsideTheProvince => return None,
    })
}

#[test]
fn every_fault_is_a_sentence_in_each_language() {
    let first = Fault::Text { min: 0, max: 9 };
    for fault in std::iter::successors(Some(first), after) {
        let words = Words::from(&fault);
        let zh = words.in_language(Language::Chinese);
        let en = words.in_language(Language::English);
        assert!(
            zh.ends_with('。') && is_in(zh, Language::Chinese),
            "{fault:?}: {zh}"
        );
        assert!(
            en.ends_with('.') && is_in(en, Language::English),
            "{fault:?}: {en}"
        );
    }
}

#[test]
fn a_bad_line_s_words_begin_with_its_column() {
    let bad = BadLine {
        line: 2,
        column: Some("capacity"),
        fault: Fault::Number { min: 0, max: 9 },
    };
    let words = Words::from(&bad);
    assert_eq!(
        words.in_language(Language::Chinese),
        "capacity：须为 0 至 9 的整数。"
    );
    assert_eq!(
        words.in_language(Language::English),
        "capacity: It must be a whole number from 0 to 9."
    );
}
