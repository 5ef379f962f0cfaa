//! What is personal lies nowhere in clear, and the keys that see to it may be the operator's own (R1, 5.3).

use aws_lc_rs::digest::{SHA256, digest};
use kaowei_engine::{Engine, OpenError, Settings, StudentRecord, SuppliedKeys};
use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::receiver::Receiver;
use kaowei_tests::server::{Client, PASSWORD, Server, Setup, Student, import_students};
use serde_json::json;

on_both_stores! {
    numbers_phones_passwords_and_codes_lie_nowhere_in_clear
    keys_of_the_operator_are_not_in_the_store_and_it_opens_with_no_others
    a_key_that_lies_in_the_store_is_not_replaced_unnoticed
}

const NEW_PHONE: &str = "13955556666";

async fn numbers_phones_passwords_and_codes_lie_nowhere_in_clear(place: Place) {
    let receiver = Receiver::start();
    // So that the messages with the codes stay.
    receiver.answers(|_| 503);
    let server = Server::start_town_as(&place, Setup::with_webhook(&receiver)).await;
    let student = Student {
        id_type: "resident_id",
        id_number: "11010519491231002X".into(),
        ..Student::number(50)
    };
    import_students(&server, std::slice::from_ref(&student)).await;
    server.register(&student).await;
    let li = server.logged_in(&student).await;
    li.enrol().await;
    li.hold("991010-1").await;
    li.patch("/v1/account", &json!({"phone": NEW_PHONE}))
        .await
        .expect(202);
    let asked = json!({"province": "99", "id_number": student.id_number});
    server
        .nobody()
        .post("/v1/password-resets", &asked)
        .await
        .expect(202);
    let (one, two) = (receiver.nth(1).await, receiver.nth(2).await);
    let shown = format!("{:?}", server.student_claims(&student));
    let subject = server.student_claims(&student).sub;
    let details = server.engine.known_account("kaowei", &subject);
    let details = server.engine.account_details(details.unwrap()).await.unwrap();
    let shown = format!("{shown} {details:?}");
    let personal = [
        student.id_number.as_str(),
        "13800000000",
        NEW_PHONE,
        PASSWORD,
        one["code"].as_str().expect("a code"),
        two["code"].as_str().expect("a code"),
    ];
    for secret in personal {
        assert!(!shown.contains(secret), "{secret} is shown in {shown}");
    }
    server.engine.verify_tables().await.unwrap();
    let answers = answers(&server, &li).await;
    server.finish().await;
    let kept = place.everything_kept().await;
    assert!(
        contains(&kept, student.name.as_bytes()),
        "what is kept was looked at"
    );
    for secret in personal {
        assert!(!answers.contains(secret), "{secret} is answered");
        assert!(!contains(&kept, secret.as_bytes()), "{secret} is kept in clear");
        let hex = secret
            .bytes()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .concat();
        assert!(
            !contains(&kept, hex.as_bytes()),
            "{secret} is kept in hexadecimal digits"
        );
    }
    for guess in guesses(&student, &subject) {
        let plain = digest(&SHA256, guess.as_bytes());
        let hex = plain.as_ref().iter().map(|byte| format!("{byte:02x}"));
        let is_kept = contains(&kept, plain.as_ref()) || contains(&kept, hex.collect::<String>().as_bytes());
        assert!(!is_kept, "whoever tries all ID numbers finds {guess}");
    }
}

/// What is known of a student, with the ID number: a plain hash of it would be found by trying all numbers.
fn guesses(student: &Student, subject: &str) -> [String; 2] {
    let record = json!({"province": student.province, "id_type": student.id_type, "id_number": student.id_number,
        "name": student.name, "gender": "女", "school": student.school, "campus": student.campus, "degree": "本科",
        "program_years": "4", "entry_year": "2022", "grade": "22", "department": "学院", "major": student.major,
        "class": "1", "student_number": "", "remarks": ""});
    let record: StudentRecord = serde_json::from_value(record).unwrap();
    [
        format!("kaowei\0{subject}"),
        serde_json::to_string(&record).unwrap(),
    ]
}

/// All that is answered of a candidate, to the candidate and to staff.
async fn answers(server: &Server<'_>, li: &Client) -> String {
    let staff = server.staff("national");
    [
        li.get("/v1/account").await.text(),
        li.get("/v1/qualification").await.text(),
        li.get("/v1/enrolment").await.text(),
        li.get("/v1/notices").await.text(),
        staff.get("/v1/staff/exports/enrolments.csv").await.text(),
        staff.get("/v1/staff/exports/audit.csv").await.text(),
    ]
    .concat()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn keys(digit: &str) -> SuppliedKeys {
    let key = |n: &str| Some(format!("{digit}{n}").repeat(32).parse().unwrap());
    SuppliedKeys {
        token: key("1"),
        seal: key("2"),
        index: key("3"),
    }
}

async fn refused(place: &Place, keys: SuppliedKeys) -> OpenError {
    let settings = Settings {
        keys,
        ..place.settings()
    };
    Engine::open(settings).await.err().expect("it does not open")
}

async fn keys_of_the_operator_are_not_in_the_store_and_it_opens_with_no_others(place: Place) {
    let with = |keys: &SuppliedKeys| Setup {
        keys: keys.clone(),
        ..Setup::default()
    };
    let own = keys("a");
    let server = Server::start_town_as(&place, with(&own)).await;
    let student = Student::number(0);
    server.register(&student).await;
    let token = server.logged_in(&student).await.token().unwrap().to_owned();
    server.finish().await;
    let kept = place.everything_kept().await;
    for key in ["a1", "a2", "a3"] {
        assert!(!contains(&kept, key.repeat(16).as_bytes()), "{key}");
        let byte = u8::from_str_radix(key, 16).unwrap();
        assert!(!contains(&kept, &[byte; 16]), "{key}");
    }

    let missing = SuppliedKeys {
        seal: None,
        ..own.clone()
    };
    let error = refused(&place, missing).await;
    assert!(
        matches!(
            error,
            OpenError::KeyMissing {
                setting: "--seal-key"
            }
        ),
        "{error}"
    );
    let another = SuppliedKeys {
        index: keys("b").index,
        ..own.clone()
    };
    let error = refused(&place, another).await;
    assert!(
        matches!(
            error,
            OpenError::OtherKey {
                setting: "--index-key"
            }
        ),
        "{error}"
    );
    // Another key for tokens ends them, and nothing else.
    let server = Server::start_as(&place, with(&own)).await;
    server.bearer(&token).get("/v1/account").await.expect(200);
    server.finish().await;
    let changed = SuppliedKeys {
        token: keys("b").token,
        ..own
    };
    let server = Server::start_as(&place, with(&changed)).await;
    server
        .bearer(&token)
        .get("/v1/account")
        .await
        .refused(401, "unauthenticated");
    let li = server.logged_in(&student).await;
    assert_eq!(li.get("/v1/account").await.expect(200)["phone"], "138****0000");
    server.finish().await;
}

async fn a_key_that_lies_in_the_store_is_not_replaced_unnoticed(place: Place) {
    let server = Server::start_town(&place).await;
    server.register(&Student::number(0)).await;
    server.finish().await;
    let error = refused(&place, keys("a")).await;
    assert!(error.to_string().contains("--seal-key"), "{error}");
    let server = Server::start(&place).await;
    server.logged_in(&Student::number(0)).await;
    server.finish().await;
}
