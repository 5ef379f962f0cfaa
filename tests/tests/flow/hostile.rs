//! Texts that a store could choke on: they are wrong values, on both stores, and nothing stands still after them.

use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Server, Student, town_sitting};
use serde_json::json;

on_both_stores! {
    a_text_that_a_store_can_t_keep_is_a_wrong_value_everywhere
}

/// PostgreSQL keeps no U+0000 in a text.
const NUL: &str = "a\u{0}b";

async fn a_text_that_a_store_can_t_keep_is_a_wrong_value_everywhere(place: Place) {
    let server = Server::start_town(&place).await;
    let (national, school) = (server.staff("national"), server.staff("school:99101"));
    let li = server.enrolled(0).await;
    for exam_date in [NUL.to_owned(), "长".repeat(101)] {
        let put = json!({"capacity": 1, "open": true, "fee_fen": 1, "exam_date": exam_date});
        let refused = [
            school.put("/v1/staff/pools/991010-1", &put).await,
            school.put("/v1/staff/pools/991011-3", &put).await,
            school
                .patch("/v1/staff/pools/991010-1", &json!({"exam_date": exam_date}))
                .await,
        ];
        for reply in refused {
            assert_eq!(
                reply.refused(422, "invalid_request")["errors"][0]["pointer"],
                "/exam_date"
            );
        }
    }
    let mut sitting = town_sitting();
    sitting["agreement"]["version"] = json!(NUL);
    let refused = national
        .put("/v1/staff/sitting", &sitting)
        .await
        .refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/agreement/version");
    li.put("/v1/agreement", &json!({"version": NUL}))
        .await
        .refused(422, "invalid_request");
    let seat = li.hold("991010-1").await;
    let refused = li
        .cancel_because(&seat, NUL)
        .await
        .refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/reason");

    let person = format!("{NUL},女,99101,991010,本科,4,22,22,院,专业,1,1,,1");
    let students = format!(
        "province_code,id_type,id_number,name,gender,school_code,campus_code,degree,program_years,entry_year,grade,\
         department,major,class,student_number,remarks,subjects\n99,passport,Z1,{person}\n"
    );
    let campus = format!(
        "province_code,province_name,school_code,school_name,campus_code,campus_name\n99,{NUL},99101,学校,991019,校区\n"
    );
    let pool = format!("campus_code,subject_code,capacity,open,fee_fen,exam_date\n991010,1,2,true,1,{NUL}\n");
    let result = format!("ticket,id_number,name,year,score\n{NUL},P1,考生1,2024,430\n");
    for (kind, file) in [
        ("students", students),
        ("campuses", campus),
        ("pools", pool),
        ("cet4-results", result),
    ] {
        let import = national
            .call("POST", &format!("/v1/staff/imports/{kind}"))
            .csv(file);
        let refused = import.await.refused(422, "invalid_request");
        assert_eq!(refused["rejected"][0]["line"], 2, "{kind}: {refused}");
    }
    let nameless = Student {
        name: NUL.into(),
        id_number: "Z1".into(),
        ..Student::number(0)
    };
    server
        .student(&nameless)
        .get("/v1/account")
        .await
        .refused(401, "unauthenticated");
    let server = server.restart().await;
    assert_eq!(server.candidate(0).states().await, ["held"]);
    server.finish().await;
}
