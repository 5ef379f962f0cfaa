//! Who may do what: every operation of the OpenAPI document, asked by everybody (R32, 5.3). None is left out: an
//! operation that this file does not know fails the test.

use std::collections::BTreeMap;

use kaowei_tests::engine::{Place, eventually};
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{
    Client, Operation, PASSWORD, Reply, Server, Student, import_students, login, registration, town_sitting,
};
use serde_json::{Value, json};

on_both_stores! {
    every_operation_asked_by_everybody_answers_those_that_it_should
}

/// Staff, by scope. The things asked for are those of school 99101 in province 99.
const SCOPES: [&str; 6] = [
    "national",
    "province:99",
    "school:99101",
    "province:98",
    "school:99102",
    "school:98101",
];

/// Whom of the staff an operation answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// All: what they see is cut to their scope.
    AllBelowTheirScope,
    /// Those above school 99101; the others are refused.
    ThoseAbove,
    /// Provinces and the nation, above province 99.
    ProvinceAndAbove,
    /// National staff.
    National,
    /// Those above take the line; the others are told that it lies outside their scope.
    LinesBelowTheirScope,
}

impl Answers {
    fn includes(self, scope: &str) -> bool {
        match self {
            Self::AllBelowTheirScope => true,
            Self::ThoseAbove | Self::LinesBelowTheirScope => {
                ["national", "province:99", "school:99101"].contains(&scope)
            }
            Self::ProvinceAndAbove => ["national", "province:99"].contains(&scope),
            Self::National => scope == "national",
        }
    }
}

/// One request of an operation.
struct Ask {
    path: String,
    body: Body,
    answers: Answers,
}

enum Body {
    None,
    Json(Value),
    Csv(&'static str),
}

impl Ask {
    fn of(path: impl Into<String>, answers: Answers) -> Self {
        Self {
            path: path.into(),
            body: Body::None,
            answers,
        }
    }

    fn json(self, body: Value) -> Self {
        Self {
            body: Body::Json(body),
            ..self
        }
    }

    fn csv(self, text: &'static str) -> Self {
        Self {
            body: Body::Csv(text),
            ..self
        }
    }

    async fn by(&self, client: &Client, method: &str) -> Reply {
        let call = client.call(method, &self.path);
        match &self.body {
            Body::None => call.await,
            Body::Json(body) => call.json(body).await,
            Body::Csv(text) => call.csv(*text).await,
        }
    }
}

/// What is asked of each operation; `claim`, `order` and `review` are candidate 0's.
fn asks(operation: &Operation, claim: &str, order: &str, review: &str) -> Vec<Ask> {
    use Answers::AllBelowTheirScope as All;
    let plain = |path: &str| vec![Ask::of(path, All)];
    match (operation.method.as_str(), operation.template.as_str()) {
        ("GET", "/problems/{code}") => plain("/problems/pool_full"),
        ("GET", "/v1/claims/{id}") => plain(&format!("/v1/claims/{claim}")),
        ("GET", path) if operation.tag != "staff" && !path.contains('{') => plain(path),
        ("POST", "/v1/accounts") => {
            vec![Ask::of("/v1/accounts", All).json(registration(&Student::number(9)))]
        }
        ("POST", "/v1/sessions") => {
            vec![Ask::of("/v1/sessions", All).json(login(&Student::number(9), PASSWORD))]
        }
        ("POST", "/v1/staff/sessions") => {
            let asked = json!({"login": "walker", "password": PASSWORD});
            vec![Ask::of("/v1/staff/sessions", All).json(asked)]
        }
        ("POST", "/v1/password-resets") => {
            let asked = json!({"province": "99", "id_type": "passport", "id_number": "P9"});
            vec![Ask::of("/v1/password-resets", All).json(asked)]
        }
        ("POST", "/v1/password-resets/{id}") => {
            let asked = json!({"code": "00000000", "password": PASSWORD});
            vec![Ask::of("/v1/password-resets/nobodys", All).json(asked)]
        }
        ("PATCH", "/v1/account") => {
            vec![Ask::of("/v1/account", All).json(json!({"phone": "13911112222"}))]
        }
        ("DELETE", "/v1/sessions") => plain("/v1/sessions"),
        ("PUT", "/v1/agreement") => vec![Ask::of("/v1/agreement", All).json(json!({"version": "2026-1"}))],
        ("POST", "/v1/enrolment") => {
            vec![Ask::of("/v1/enrolment", All).json(json!({"phone_confirmed": true}))]
        }
        ("POST", "/v1/claims") => {
            vec![Ask::of("/v1/claims", All).json(json!({"pool": "991010-1", "on_full": "waitlist"}))]
        }
        ("GET", "/v1/orders/{id}") => plain(&format!("/v1/orders/{order}")),
        ("POST", "/v1/orders/{id}/refresh") => plain(&format!("/v1/orders/{order}/refresh")),
        // Nothing is due: an order that is opened here would keep the enrolment from being deleted at the end.
        ("POST", "/v1/orders") => {
            vec![Ask::of("/v1/orders", All).json(json!({"paper": "oral", "method": "sandbox"}))]
        }
        ("PUT", "/v1/enrolment/score-reports") => {
            let choices = json!({"choices": [{"subject": "1", "choice": "electronic"}]});
            vec![Ask::of("/v1/enrolment/score-reports", All).json(choices)]
        }
        ("PUT", "/v1/enrolment/quick-print") => {
            vec![Ask::of("/v1/enrolment/quick-print", All).json(json!({"enabled": false}))]
        }
        ("POST", "/v1/payments/{provider}/notify") => {
            vec![Ask::of("/v1/payments/sandbox/notify", All).json(json!({}))]
        }
        ("GET", "/sandbox/pay/{order}") => plain(&format!("/sandbox/pay/{order}")),
        ("POST", "/sandbox/pay/{order}") => {
            vec![Ask::of(format!("/sandbox/pay/{order}"), All).json(json!({"outcome": "failed"}))]
        }
        ("POST", "/v1/claims/{id}/cancel") => plain(&format!("/v1/claims/{claim}/cancel")),
        ("POST", "/v1/review") => vec![Ask::of("/v1/review", All).json(json!({"cet4_ticket": "N0"}))],
        ("DELETE", path @ ("/v1/enrolment" | "/v1/review")) => plain(path),
        _ => staff_asks(operation, order, review),
    }
}

fn staff_asks(operation: &Operation, order: &str, review: &str) -> Vec<Ask> {
    use Answers::{AllBelowTheirScope, LinesBelowTheirScope, National, ProvinceAndAbove, ThoseAbove};
    let pool = "/v1/staff/pools/991010-3";
    let reason = json!({"resume": true, "reason": "a walk"});
    match (operation.method.as_str(), operation.template.as_str()) {
        (
            "GET",
            path @ ("/v1/staff/overview" | "/v1/staff/pools" | "/v1/staff/sitting" | "/v1/staff/expiry"
            | "/v1/staff/events" | "/v1/staff/reviews" | "/v1/staff/accounts"),
        ) => {
            vec![Ask::of(path, AllBelowTheirScope)]
        }
        ("GET", "/v1/staff/pools/{id}") => vec![Ask::of(pool, ThoseAbove)],
        ("PUT", "/v1/staff/pools/{id}") => {
            let as_it_is = json!({"capacity": 1, "open": true, "fee_fen": 3000});
            vec![Ask::of(pool, ThoseAbove).json(as_it_is)]
        }
        ("PATCH", "/v1/staff/pools/{id}") => vec![Ask::of(pool, ThoseAbove).json(json!({"open": true}))],
        ("GET", "/v1/staff/pools/{id}/preview") => {
            vec![Ask::of(format!("{pool}/preview?capacity=3"), ThoseAbove)]
        }
        ("PUT", "/v1/staff/sitting") => vec![Ask::of("/v1/staff/sitting", National).json(town_sitting())],
        ("GET", "/v1/staff/refunds") => vec![Ask::of("/v1/staff/refunds", AllBelowTheirScope)],
        ("GET", "/v1/staff/settling") => vec![Ask::of("/v1/staff/settling", AllBelowTheirScope)],
        ("GET", "/v1/staff/orders/{id}") => vec![Ask::of(format!("/v1/staff/orders/{order}"), ThoseAbove)],
        ("POST", "/v1/staff/orders/{id}/refund") => {
            let path = format!("/v1/staff/orders/{order}/refund");
            vec![Ask::of(path, ThoseAbove).json(json!({"reason": "a walk"}))]
        }
        ("GET", "/v1/staff/sandbox") => vec![Ask::of("/v1/staff/sandbox", National)],
        ("PUT", "/v1/staff/sandbox") => vec![Ask::of("/v1/staff/sandbox", National).json(json!({}))],
        ("POST", "/v1/staff/accounts") => {
            let asked = json!({"login": "passer-by", "name": "路人", "scope": "school:99101"});
            vec![Ask::of("/v1/staff/accounts", ProvinceAndAbove).json(asked)]
        }
        ("DELETE", "/v1/staff/accounts/{id}") => {
            vec![Ask::of("/v1/staff/accounts/staff-1", ProvinceAndAbove)]
        }
        ("POST", "/v1/staff/expiry") => vec![Ask::of("/v1/staff/expiry", National).json(reason)],
        ("POST", "/v1/staff/imports/{kind}") => vec![
            Ask::of("/v1/staff/imports/campuses", LinesBelowTheirScope).csv(CAMPUS),
            Ask::of("/v1/staff/imports/pools", LinesBelowTheirScope).csv(POOL),
            Ask::of("/v1/staff/imports/students", LinesBelowTheirScope).csv(STUDENT),
            // Results belong to no province.
            Ask::of("/v1/staff/imports/cet4-results", National).csv(RESULT),
        ],
        ("GET", "/v1/staff/exports/{file}") => vec![
            Ask::of("/v1/staff/exports/claims.csv", AllBelowTheirScope),
            Ask::of("/v1/staff/exports/enrolments.csv", AllBelowTheirScope),
            Ask::of("/v1/staff/exports/orders.csv", AllBelowTheirScope),
        ],
        ("POST", "/v1/staff/reviews") => {
            let owner =
                json!({"province": "99", "id_type": "passport", "id_number": "P0", "reason": "a walk"});
            vec![Ask::of("/v1/staff/reviews", ThoseAbove).json(owner)]
        }
        ("POST", "/v1/staff/reviews/{id}") => {
            let rejects = json!({"decision": "rejected", "reason": "a walk"});
            vec![Ask::of(format!("/v1/staff/reviews/{review}"), ThoseAbove).json(rejects)]
        }
        ("GET", "/v1/staff/audit") => vec![
            Ask::of("/v1/staff/audit?pool=991010-3", ThoseAbove),
            Ask::of("/v1/staff/audit?cell=99", ProvinceAndAbove),
            Ask::of("/v1/staff/audit?cell=all", National),
        ],
        (method, template) => panic!("this walk does not know {method} {template}: add who may ask it"),
    }
}

const CAMPUS: &str = "province_code,province_name,school_code,school_name,campus_code,campus_name\n\
    99,测试省,99101,测试学校101,991010,99101-0校区\n";
const POOL: &str = "campus_code,subject_code,capacity,open,fee_fen\n991010,3,1,true,3000\n";
const STUDENT: &str = "province_code,id_type,id_number,name,gender,school_code,campus_code,degree,program_years,\
    entry_year,grade,department,major,class,student_number,remarks,subjects\n\
    99,passport,W1,漫步者,女,99101,991010,本科,4,22,22,院,专业,1,1,,1\n";
const NAMESAKE: &str = "ticket,id_number,name,year,score\nN0,Z1,考生0,2024,430\n";
const RESULT: &str = "ticket,id_number,name,year,score\nT1,P1,考生1,2024,430\n";

async fn every_operation_asked_by_everybody_answers_those_that_it_should(place: Place) {
    let server = Server::start_town(&place).await;
    let (owner, other, order) = enrol_namesakes(&server).await;
    let claim = owner.hold("991010-1").await;
    let review = prepare_reviews(&server, [&owner, &other]).await;
    let nobody = server.nobody();
    let (_, walker) = server
        .appointed(&server.staff("province:99"), "walker", "school:99101")
        .await;
    assert_eq!(walker, "staff-1");
    let staff: BTreeMap<&str, Client> = SCOPES.map(|scope| (scope, server.staff(scope))).into();
    let mut operations = nobody.contract().operations().to_vec();
    // What deletes goes last.
    operations.sort_by_key(|operation| {
        (
            operation.method == "DELETE",
            operation.template.ends_with("cancel"),
        )
    });
    for operation in &operations {
        let method = operation.method.as_str();
        if method == "DELETE" {
            eventually("the money is back", async || {
                let order = owner.get(&format!("/v1/orders/{order}")).await.expect(200);
                order["state"] == "refunded"
            })
            .await;
        }
        for ask in asks(operation, &claim, &order, &review) {
            let what = format!("{method} {}", ask.path);
            match operation.tag.as_str() {
                "public" => {
                    for client in [&nobody, &owner, &other].into_iter().chain(staff.values()) {
                        let status = ask.by(client, method).await.status;
                        assert!(answers_to_anybody(&what).contains(&status), "{what}: {status}");
                    }
                }
                // It ends what it is asked with: two sessions of its own.
                "candidate" if what == "DELETE /v1/sessions" => {
                    let session = async || server.logged_in(&Student::number(9)).await;
                    let two = [&session().await, &session().await];
                    of_candidates(&ask, method, &nobody, &staff, two, &what).await;
                }
                "provider" => {
                    for client in [&nobody, &owner, &other].into_iter().chain(staff.values()) {
                        let reply = ask.by(client, method).await;
                        if ask.path.ends_with("/notify") {
                            reply.refused(400, "invalid_request");
                        } else {
                            assert_eq!(reply.status, 200, "{what}");
                        }
                    }
                }
                "candidate" => of_candidates(&ask, method, &nobody, &staff, [&owner, &other], &what).await,
                "staff" => of_staff(&ask, method, &nobody, &staff, [&owner, &other], &what).await,
                tag => panic!("{what} is tagged {tag}"),
            }
        }
    }
    shows_only_what_is_below(&server).await;
    server.finish().await;
}

/// What needs no token answers one after the other the same, but for what can be done once.
fn answers_to_anybody(what: &str) -> &'static [u16] {
    match what {
        "POST /v1/accounts" => &[201, 409],
        "POST /v1/sessions" | "POST /v1/staff/sessions" => &[201],
        "POST /v1/password-resets" => &[202, 429],
        "POST /v1/password-resets/nobodys" => &[401],
        _ => &[200, 201],
    }
}

/// What can be done once answers the next that it is done.
fn answers_to_staff(what: &str) -> &'static [u16] {
    match what {
        "POST /v1/staff/accounts" => &[201, 409],
        "DELETE /v1/staff/accounts/staff-1" => &[204],
        _ => &[200, 201],
    }
}

async fn of_candidates(
    ask: &Ask,
    method: &str,
    nobody: &Client,
    staff: &BTreeMap<&str, Client>,
    [owner, other]: [&Client; 2],
    what: &str,
) {
    ask.by(nobody, method).await.refused(401, "unauthenticated");
    for staff in staff.values() {
        ask.by(staff, method).await.refused(403, "forbidden");
    }
    set_the_scene(what, owner, &staff["national"]).await;
    let others = ask.by(other, method).await;
    if ask.path == "/v1/orders" {
        others.refused(409, "nothing_due");
        ask.by(owner, method).await.refused(409, "nothing_due");
        return;
    }
    if ask.path.contains("-1-1") || ask.path.starts_with("/v1/orders/") {
        others.refused(404, "not_found");
    } else {
        assert!(matches!(others.status, 200..=204), "{what}: {}", others.text());
    }
    let own = ask.by(owner, method).await;
    assert!(matches!(own.status, 200..=204), "{what}: {}", own.text());
}

async fn of_staff(
    ask: &Ask,
    method: &str,
    nobody: &Client,
    staff: &BTreeMap<&str, Client>,
    candidates: [&Client; 2],
    what: &str,
) {
    ask.by(nobody, method).await.refused(401, "unauthenticated");
    for candidate in candidates {
        ask.by(candidate, method).await.refused(403, "forbidden");
    }
    for (scope, member) in staff {
        set_the_scene(what, candidates[0], &staff["national"]).await;
        let reply = ask.by(member, method).await;
        if ask.path.ends_with("/refund") && ask.answers.includes(scope) && *scope != "national" {
            // Those who come later find that it is done.
            reply.refused(409, "nothing_due");
        } else if ask.answers.includes(scope) {
            let expected = answers_to_staff(what).contains(&reply.status);
            assert!(expected, "{what} by {scope}: {} {}", reply.status, reply.text());
        } else if ask.answers == Answers::LinesBelowTheirScope {
            let refused = reply.refused(422, "invalid_request");
            assert_eq!(refused["rejected"][0]["line"], 2, "{what} by {scope}");
            assert!(
                refused.to_string().contains("管理范围"),
                "{what} by {scope}: {refused}"
            );
        } else {
            reply.refused(403, "forbidden");
        }
    }
}

/// Two who are enrolled and have one name; the first has paid for CET6, by that order, and neither may sit it any more.
async fn enrol_namesakes(server: &Server<'_>) -> (Client, Client, String) {
    let namesake = |n: u32, subjects| Student {
        name: "考生0".into(),
        subjects,
        ..Student::number(n)
    };
    let who_may_sit = |subjects| [0, 1].map(|n| namesake(n, subjects));
    let at_first = who_may_sit("1;2;3;F");
    import_students(server, &at_first).await;
    let [owner, other] = at_first.map(|student| server.student(&student));
    for client in [&owner, &other] {
        client.enrol().await;
    }
    let order = owner.buy("991010-2", "2").await;
    import_students(server, &who_may_sit("1;3;F")).await;
    (owner, other, order)
}

/// A review of each, rejected; the id of the first.
async fn prepare_reviews(server: &Server<'_>, candidates: [&Client; 2]) -> String {
    let national = server.staff("national");
    let import = national.call("POST", "/v1/staff/imports/cet4-results");
    import.csv(NAMESAKE).await.expect(200);
    for candidate in candidates {
        let apply = candidate.post("/v1/review", &json!({"cet4_ticket": "N0"}));
        assert_eq!(apply.await.expect(201)["state"], "pending");
    }
    reject_all(&national).await;
    let list = national.get("/v1/staff/reviews").await.expect(200);
    list["reviews"][0]["id"]
        .as_str()
        .expect("a review has an id")
        .into()
}

/// Makes it so that a review can be applied for, decided or deleted by whoever may; what is as it should be stays.
async fn set_the_scene(what: &str, owner: &Client, national: &Client) {
    if what.ends_with("/review") || what == "POST /v1/staff/reviews" {
        reject_all(national).await;
    } else if what.starts_with("POST /v1/staff/reviews/") {
        let apply = owner.post("/v1/review", &json!({"cet4_ticket": "N0"})).await;
        assert!(matches!(apply.status, 201 | 409), "{}", apply.text());
    }
}

async fn reject_all(national: &Client) {
    let list = national.get("/v1/staff/reviews?state=pending").await.expect(200);
    for review in list["reviews"].as_array().expect("a list of reviews") {
        let path = format!("/v1/staff/reviews/{}", review["id"].as_str().expect("an id"));
        let rejects = json!({"decision": "rejected", "reason": "a walk"});
        national.post(&path, &rejects).await.expect(200);
    }
}

/// What all may ask for shows to each only what lies below the scope.
async fn shows_only_what_is_below(server: &Server<'_>) {
    server.student(&Student::of_99102(0)).enrol().await;
    server.enrolled(2).await.hold("991010-1").await;
    for scope in SCOPES {
        let staff = server.staff(scope);
        let sees_99101 = ["national", "province:99", "school:99101"].contains(&scope);
        let sees_99102 = ["national", "province:99", "school:99102"].contains(&scope);
        let list = staff.get("/v1/staff/pools").await.text();
        assert_eq!(
            (list.contains("991010-1"), list.contains("991020-1")),
            (sees_99101, sees_99102),
            "{scope}"
        );
        let claims = staff.get("/v1/staff/exports/claims.csv").await.text();
        assert_eq!(claims.contains("991010-1"), sees_99101, "{scope}");
        let enrolments = staff.get("/v1/staff/exports/enrolments.csv").await.text();
        assert_eq!(
            (enrolments.contains(",99101,"), enrolments.contains(",99102,")),
            (sees_99101, sees_99102),
            "{scope}"
        );
        let accounts = staff.get("/v1/staff/accounts").await.text();
        let sees_account = ["national", "province:99"].contains(&scope);
        assert_eq!(accounts.contains("walker"), sees_account, "{scope}");
        let overview = staff.get("/v1/staff/overview").await.expect(200);
        assert_eq!(overview["total"]["held"], json!(u8::from(sees_99101)), "{scope}");
    }
}
