//! Imports and exports: every kind, every bad line by its number, nothing half done, memory flat (R33, 2.8).

use std::fmt::Write;

use kaowei_tests::engine::Place;
use kaowei_tests::memory;
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Client, Reply, Server, Setup, Student};
use serde_json::{Value, json};

on_both_stores! {
    r33_every_bad_line_is_reported_by_its_number_and_nothing_changes
    r33_a_line_whose_quote_stays_open_names_the_lines_that_it_takes_with_it
    r33_a_dry_run_changes_nothing_and_skip_bad_takes_the_rest
    columns_come_in_any_order_with_or_without_a_bom_and_must_be_there
    r32_an_import_takes_only_lines_below_the_scope
    r33_exports_show_claims_enrolments_orders_and_the_trail_below_the_scope
    a_file_that_is_longer_than_the_limit_is_refused_and_leaves_nothing_behind
    a_hundred_thousand_students_are_imported_in_flat_memory
}

const STUDENT_HEADER: &str = "province_code,id_type,id_number,name,gender,school_code,campus_code,degree,program_years,\
    entry_year,grade,department,major,class,student_number,remarks,subjects,barred,open_campuses";

async fn import(staff: &Client, kind: &str, text: impl Into<bytes::Bytes>) -> Reply {
    staff
        .call("POST", &format!("/v1/staff/imports/{kind}"))
        .csv(text)
        .await
}

/// The numbers of the rejected lines, each with a sentence.
fn rejected(answer: &Value) -> Vec<u64> {
    let lines = answer["rejected"].as_array().unwrap();
    assert!(
        lines
            .iter()
            .all(|line| !line["problem"].as_str().unwrap().is_empty())
    );
    lines.iter().map(|line| line["line"].as_u64().unwrap()).collect()
}

/// Its lines 3 to 13 are bad, each in its own way.
fn bad_students() -> String {
    let person = "女,99101,991010,本科,4,22,22,院,专业,1,1,";
    format!(
        "{STUDENT_HEADER}\n\
         99,passport,G1,好,{person},1,,\n\
         99,library_card,G2,坏,{person},1,,\n\
         99,resident_id,110105194912310021,坏,{person},1,,\n\
         99,passport,,坏,{person},1,,\n\
         99,passport,G5,,{person},1,,\n\
         98,passport,G6,坏,{person},1,,\n\
         99,passport,G7,坏,{person},9,,\n\
         99,passport,G8,坏,{person},1,9,\n\
         99,passport,G9,坏,{person},1,,999999\n\
         99,passport,G 10,坏,{person},1,,\n\
         99,passport\n\
         99,passport,G12,{},{person},1,,\n\
         99,passport,G13,好,{person},1;F,2,991010;991011\n",
        "长".repeat(101)
    )
}

const BAD_CAMPUSES: &str = "province_code,province_name,school_code,school_name,campus_code,campus_name,ticket_printing\n\
        99,测试省,99101,测试学校101,991012,新校区,school\n\
        99,测试省,99102,测试学校102,991010,别校的校区,\n\
        all,测试省,99101,测试学校101,991013,新校区,\n\
        99,测试省,99101,测试学校101,99-13,新校区,\n\
        99,,99101,测试学校101,991013,新校区,\n\
        99,测试省,99101,测试学校101,991013,新校区,nobody\n";

const BAD_POOLS: &str = "campus_code,subject_code,capacity,open,fee_fen,exam_date\n\
        991011,3,10,true,1,\n\
        999999,1,10,true,1,\n\
        991010,9,10,true,1,\n\
        991010,1,many,true,1,\n\
        991010,1,-1,true,1,\n\
        991010,1,10,maybe,1,\n\
        991010,1,10,true,0.01,\n\
        991010,1,4294967296,true,1,\n";

const BAD_RESULTS: &str = "ticket,id_number,name,year,score\n\
        T1,P1,考生1,2024,430\n\
        ,P1,考生1,2024,430\n\
        T3,P1,考生1,1900,430\n\
        T4,P1,考生1,2024,711\n\
        T5,P1,考生1,2024,4.5\n\
        T6,,考生1,2024,430\n";

async fn r33_every_bad_line_is_reported_by_its_number_and_nothing_changes(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    for (kind, text, bad, good) in [
        ("students", bad_students(), (3..=13).collect::<Vec<u64>>(), 2),
        ("campuses", BAD_CAMPUSES.into(), vec![3, 4, 5, 6, 7], 1),
        ("pools", BAD_POOLS.into(), (3..=9).collect(), 1),
        ("cet4-results", BAD_RESULTS.into(), (3..=7).collect(), 1),
    ] {
        let refused = import(&national, kind, text)
            .await
            .refused(422, "invalid_request");
        assert_eq!(rejected(&refused), bad, "{kind}: {refused}");
        assert_eq!(
            (
                &refused["accepted"],
                &refused["rejected_total"],
                &refused["applied"]
            ),
            (&json!(good), &json!(bad.len()), &json!(false)),
            "{kind}"
        );
    }
    let campuses = server.nobody().get("/v1/campuses?province=99").await.expect(200);
    assert_eq!(campuses["campuses"].as_array().unwrap().len(), 3);
    national
        .get("/v1/staff/pools/991011-3")
        .await
        .refused(404, "not_found");
    let good = server.student(&Student {
        id_number: "G1".into(),
        name: "好".into(),
        ..Student::number(0)
    });
    good.agree().await;
    good.get("/v1/qualification")
        .await
        .refused(404, "no_student_record");
    server.finish().await;
}

async fn r33_a_line_whose_quote_stays_open_names_the_lines_that_it_takes_with_it(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let header = "campus_code,subject_code,capacity,open,fee_fen,exam_date";
    // In the last column every cell is there; before it, the cells of the line seem too few.
    for open_quote in ["991010,1,10,true,1,\"2026-12-12", "991010,1,\"10,true,1,"] {
        let file = format!(
            "{header}\n991011,3,10,true,1,\n{open_quote}\n991010,2,10,true,1,\n991010,3,10,true,1,\n"
        );
        let report = import(&national, "pools?dry_run=true", file).await.expect(200);
        assert_eq!(
            (rejected(&report), &report["accepted"]),
            (vec![3], &json!(1)),
            "{open_quote}"
        );
        let problem = report["rejected"][0]["problem"].as_str().unwrap();
        assert!(problem.contains("第 5 行"), "{open_quote}: {problem}");
    }
    server.finish().await;
}

async fn r33_a_dry_run_changes_nothing_and_skip_bad_takes_the_rest(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let file = "campus_code,subject_code,capacity,open,fee_fen\n991011,3,10,true,1\n991011,F,nine,true,1\n991010,1,0,true,3000\n";
    server.enrolled(0).await.hold("991010-1").await;
    let post = async |query: &str| {
        let path = format!("/v1/staff/imports/pools?{query}");
        national.call("POST", &path).csv(file).await
    };
    let dry = post("dry_run=true&skip_bad=true").await.expect(200);
    assert_eq!((rejected(&dry), &dry["applied"]), (vec![3, 4], &json!(false)));
    let dry = post("dry_run=true").await.expect(200);
    assert_eq!(
        (rejected(&dry), &dry["accepted"], &dry["applied"]),
        (vec![3, 4], &json!(1), &json!(false)),
        "a dry run that finds bad lines has done its work"
    );
    post("skip_bad=maybe").await.refused(422, "invalid_request");
    national
        .get("/v1/staff/pools/991011-3")
        .await
        .refused(404, "not_found");
    let applied = post("skip_bad=true").await.expect(200);
    assert_eq!(applied["applied"], true);
    assert_eq!(
        rejected(&applied),
        [3, 4],
        "line 4 would take a seat away from somebody"
    );
    assert_eq!(
        (&applied["accepted"], &applied["rejected_total"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        national.get("/v1/staff/pools/991011-3").await.expect(200)["capacity"],
        10
    );
    assert_eq!(
        national.get("/v1/staff/pools/991010-1").await.expect(200)["capacity"],
        2
    );
    let again = post("skip_bad=true").await.expect(200);
    assert_eq!(again["accepted"], 1, "importing twice changes nothing");
    let trail = national.get("/v1/staff/audit?cell=all").await.expect(200);
    assert!(
        trail["records"]
            .as_array()
            .unwrap()
            .iter()
            .any(|record| record["kind"] == "imported")
    );
    server.finish().await;
}

async fn columns_come_in_any_order_with_or_without_a_bom_and_must_be_there(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let shuffled = "\u{feff}open,note,fee_fen,subject_code,capacity,campus_code\r\nyes,x,7,3,4,991011\r\n";
    import(&national, "pools", shuffled).await.expect(200);
    let pool = national.get("/v1/staff/pools/991011-3").await.expect(200);
    assert_eq!(
        (&pool["capacity"], &pool["fee_fen"], &pool["exam_date"]),
        (&json!(4), &json!(7), &Value::Null)
    );
    let bom = "\u{feff}ticket,id_number,name,year,score\nT1,P1,\"考生,1\",2024,430\n";
    assert_eq!(
        import(&national, "cet4-results", bom).await.expect(200)["accepted"],
        1
    );
    // The last two columns of students may be absent.
    let shorter = STUDENT_HEADER.trim_end_matches(",barred,open_campuses");
    let students =
        format!("{shorter}\n99,passport,H1,短,女,99101,991010,本科,4,22,22,院,专业,1,1,备注,1;F\n");
    assert_eq!(
        import(&national, "students", students).await.expect(200)["accepted"],
        1
    );

    for (kind, text, missing) in [
        (
            "pools",
            "campus_code,subject_code,capacity,open\n991011,3,4,yes\n",
            "fee_fen",
        ),
        ("students", "province_code,id_type\n99,passport\n", "subjects"),
        ("campuses", "", "province_code"),
        ("cet4-results", "T1,P1,考生1,2024,430\n", "ticket"),
    ] {
        let refused = import(&national, kind, text)
            .await
            .refused(422, "invalid_request");
        assert!(
            refused["detail"].as_str().unwrap().contains(missing),
            "{kind}: {refused}"
        );
    }
    let header_only = "campus_code,subject_code,capacity,open,fee_fen\n";
    assert_eq!(
        import(&national, "pools", header_only).await.expect(200)["accepted"],
        0
    );
    let not_utf8 = [
        b"ticket,id_number,name,year,score\nT1,P1,".as_slice(),
        b"\xbf\xbc\xc9\xfa",
        b",2024,430\n",
    ]
    .concat();
    let refused = import(&national, "cet4-results", not_utf8)
        .await
        .refused(422, "invalid_request");
    assert_eq!(rejected(&refused), [2]);
    import(&national, "textbooks", "a,b\n")
        .await
        .refused(404, "not_found");
    let as_json = national.post("/v1/staff/imports/pools", &json!({}));
    as_json.await.refused(415, "invalid_request");
    server.finish().await;
}

async fn r32_an_import_takes_only_lines_below_the_scope(place: Place) {
    let server = Server::start_town(&place).await;
    let file = "campus_code,subject_code,capacity,open,fee_fen\n991010,1,9,true,1\n991020,1,9,true,1\n981010,1,9,true,1\n";
    for (scope, bad) in [
        ("school:99101", vec![3, 4]),
        ("school:99102", vec![2, 4]),
        ("province:99", vec![4]),
        ("province:98", vec![2, 3]),
    ] {
        let refused = import(&server.staff(scope), "pools", file)
            .await
            .refused(422, "invalid_request");
        assert_eq!(rejected(&refused), bad, "{scope}");
    }
    let results = "ticket,id_number,name,year,score\nT1,P1,考生1,2024,430\n";
    import(&server.staff("school:99101"), "cet4-results", results)
        .await
        .refused(403, "forbidden");
    let national = server.staff("national");
    assert_eq!(
        national.get("/v1/staff/pools/991010-1").await.expect(200)["capacity"],
        2
    );
    server.finish().await;
}

async fn r33_exports_show_claims_enrolments_orders_and_the_trail_below_the_scope(place: Place) {
    let server = Server::start_town(&place).await;
    let claim = server
        .enrolled(0)
        .await
        .claim("991010-2", "reject")
        .await
        .expect(201);
    server.enrolled(1).await.queue("991010-2").await;
    server.student(&Student::of_99102(0)).enrol().await;
    let lines = async |scope: &str, file: &str| {
        let reply = server
            .staff(scope)
            .get(&format!("/v1/staff/exports/{file}"))
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8"));
        let text = reply.text();
        for personal in ["考生0", "P0,", "13800000000"] {
            assert!(!text.contains(personal), "{file} shows {personal}");
        }
        text.lines().skip(1).map(str::to_owned).collect::<Vec<String>>()
    };
    let claims = lines("school:99101", "claims.csv").await;
    assert_eq!(claims.len(), 2);
    let id = claim["id"].as_str().unwrap();
    assert!(
        claims[0].starts_with(&format!("{id},991010-2,")) && claims[0].contains(",held,"),
        "{}",
        claims[0]
    );
    assert!(claims[0].contains(claim["chain_hash"].as_str().unwrap()));
    for (scope, claims, enrolments) in [
        ("national", 2, 3),
        ("province:99", 2, 3),
        ("province:98", 0, 0),
        ("school:99101", 2, 2),
        ("school:99102", 0, 1),
    ] {
        assert_eq!(lines(scope, "claims.csv").await.len(), claims, "{scope}");
        assert_eq!(lines(scope, "enrolments.csv").await.len(), enrolments, "{scope}");
        assert_eq!(lines(scope, "orders.csv").await.len(), 0, "{scope}");
    }
    let whole = lines("national", "audit.csv").await;
    let of_99 = lines("province:99", "audit.csv").await;
    assert!(!of_99.is_empty() && of_99.iter().all(|line| line.starts_with("99,")));
    assert!(whole.len() > of_99.len());
    let of_school = lines("school:99101", "audit.csv").await;
    assert!(!of_school.is_empty() && of_school.iter().all(|line| of_99.contains(line)));
    let of_a_cell = |line: &String| {
        line.split(',')
            .nth(2)
            .is_some_and(|stream| stream.starts_with("cell:"))
    };
    assert!(
        !of_school.iter().any(of_a_cell),
        "a school sees its pools' trails alone"
    );
    server
        .staff("national")
        .get("/v1/staff/exports/people.csv")
        .await
        .refused(404, "not_found");
    server.finish().await;
}

async fn a_file_that_is_longer_than_the_limit_is_refused_and_leaves_nothing_behind(place: Place) {
    let mut setup = Setup::default();
    setup.limits.import_bytes_max = 2_000_000;
    let server = Server::start_as(&place, setup).await;
    let national = server.staff("national");
    let header = "ticket,id_number,name,year,score\n";
    let lines = |count: usize| format!("{header}{}", "T1,P1,考生1,2024,430\n".repeat(count));
    import(&national, "cet4-results", lines(100_000))
        .await
        .refused(413, "payload_too_large");
    assert_eq!(
        import(&national, "cet4-results", lines(50_000)).await.expect(200)["accepted"],
        50_000
    );
    let left = std::fs::read_dir(place.folder().join("uploads")).unwrap().count();
    assert_eq!(left, 0, "uploads are removed whatever happened");
    server.finish().await;
}

/// Slices on their way, and the embedded store's page cache, which may fill to 64 MiB.
const MEMORY_MAX: u64 = 160 << 20;

async fn a_hundred_thousand_students_are_imported_in_flat_memory(place: Place) {
    let server = Server::start_town(&place).await;
    let mut text = String::from(STUDENT_HEADER) + "\n";
    for n in 0..100_000 {
        writeln!(
            text,
            "99,passport,L{n},考生{n},女,99101,991010,本科,4,22,22,学院,专业,1,{n},,1;F,,"
        )
        .unwrap();
    }
    let file = bytes::Bytes::from(text);
    let before = memory::forget_peak();
    let report = import(&server.staff("province:99"), "students", file)
        .await
        .expect(200);
    assert_eq!(report["accepted"], 100_000);
    let grown = memory::peak().saturating_sub(before);
    assert!(grown < MEMORY_MAX, "memory grew by {} MiB", grown >> 20);
    for n in [0, 99_999] {
        let one = Student {
            id_number: format!("L{n}"),
            ..Student::number(n)
        };
        server.student(&one).enrol().await;
    }
    server.finish().await;
}
