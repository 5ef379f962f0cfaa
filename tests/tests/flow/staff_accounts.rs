//! Accounts of staff: given by those above, logged in to, taken away (R32).

use kaowei_core::time::Span;
use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Client, PASSWORD, Reply, Server, Setup, town_sitting};
use serde_json::{Value, json};

on_both_stores! {
    r32_accounts_are_given_and_taken_away_by_those_above_alone
    r32_a_code_sets_the_password_once
    r32_an_account_that_is_taken_away_ends_its_tokens_at_once
    r32_whatever_is_wrong_with_a_login_of_staff_looks_the_same
    r32_the_same_request_gives_the_same_account_whatever_became_of_it
    r35_whatever_staff_change_the_trail_says_who_did_it
    r35_the_trail_says_who_gave_and_took_away_an_account_and_why_but_no_names
}

async fn list(client: &Client) -> Vec<Value> {
    let list = client.get("/v1/staff/accounts").await.expect(200);
    list["accounts"].as_array().unwrap().clone()
}

async fn logins(client: &Client) -> Vec<String> {
    let accounts = list(client).await;
    let login = |account: &Value| account["login"].as_str().unwrap().to_owned();
    accounts.iter().map(login).collect()
}

async fn revoke(client: &Client, id: &str) -> Reply {
    client.call("DELETE", &format!("/v1/staff/accounts/{id}")).await
}

async fn first_login(server: &Server<'_>, login: &str, password: &str, code: &Value) -> Reply {
    let asked = json!({"login": login, "password": password, "code": code});
    server.nobody().post("/v1/staff/sessions", &asked).await
}

async fn give(client: &Client, login: &str, scope: &str) -> Reply {
    let asked = json!({"login": login, "name": "某人", "scope": scope});
    client.post("/v1/staff/accounts", &asked).await
}

async fn r32_accounts_are_given_and_taken_away_by_those_above_alone(place: Place) {
    let server = Server::start_town(&place).await;
    // The first is given with a token of the command line.
    let (nation, nation_id) = server
        .appointed(&server.staff("national"), "nation", "national")
        .await;
    let (province, province_id) = server.appointed(&nation, "province", "province:99").await;
    let (school, school_id) = server.appointed(&province, "school", "school:99101").await;
    let neighbour = server.staff("province:98");

    let allowed = |scope: &str| match scope {
        "national" | "province:99" | "province:98" => [true, false, false, false],
        "school:99102" => [true, true, false, false],
        _ => [true, false, false, true],
    };
    for scope in [
        "national",
        "province:99",
        "province:98",
        "school:99102",
        "school:98101",
    ] {
        let givers = [&nation, &province, &school, &neighbour];
        for (n, (giver, may)) in givers.into_iter().zip(allowed(scope)).enumerate() {
            let given = give(giver, &format!("{scope}-{n}").replace(':', "."), scope).await;
            if may {
                assert_eq!(given.expect(201)["scope"], scope);
            } else {
                given.refused(403, "forbidden");
            }
        }
    }
    // Who does not see everything is not told which schools there are.
    let refused = give(&nation, "nowhere", "school:77777")
        .await
        .refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/scope");
    give(&province, "nowhere", "school:77777")
        .await
        .refused(403, "forbidden");
    for (login, scope, pointer) in [
        ("a b", "province:99", "/login"),
        ("ab", "province:99", "/login"),
        ("galaxy", "galaxy", "/scope"),
        ("reserved", "province:all", "/scope"),
    ] {
        let refused = give(&nation, login, scope).await.refused(422, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{login} {scope}");
    }
    give(&nation, " School ", "province:98")
        .await
        .refused(409, "account_exists");

    each_is_shown_those_below([&nation, &province, &school, &neighbour]).await;
    // They see and change what lies below them, as with any token of their scope.
    province.get("/v1/staff/pools/991020-1").await.expect(200);
    school
        .get("/v1/staff/pools/991020-1")
        .await
        .refused(403, "forbidden");

    for client in [&school, &province, &neighbour] {
        revoke(client, &province_id).await.refused(403, "forbidden");
        revoke(client, &nation_id).await.refused(403, "forbidden");
    }
    for client in [&school, &neighbour] {
        revoke(client, &school_id).await.refused(403, "forbidden");
    }
    revoke(&nation, "staff-999").await.refused(404, "not_found");
    revoke(&nation, "999").await.refused(404, "not_found");
    revoke(&province, &school_id).await.expect(204);
    server.finish().await;
}

async fn each_is_shown_those_below([nation, province, school, neighbour]: [&Client; 4]) {
    assert_eq!(
        logins(province).await,
        ["school", "school.99102-0", "school.99102-1"]
    );
    assert_eq!(logins(neighbour).await, ["school.98101-0", "school.98101-3"]);
    assert!(list(school).await.is_empty());
    let all = logins(nation).await;
    assert_eq!(all.len(), 10, "{all:?}");
    let mut paged = Vec::new();
    let mut path = String::from("/v1/staff/accounts?limit=4");
    loop {
        let page = nation.get(&path).await.expect(200);
        paged.extend(
            page["accounts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|account| account["login"].clone()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/staff/accounts?limit=4&cursor={cursor}");
    }
    assert_eq!(json!(paged), json!(all));
}

async fn r32_a_code_sets_the_password_once(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let account = server.appoint(&national, "Wang.Fang", "school:99101").await;
    assert_eq!(account["code_expires_at"], "2026-09-24T14:13:20.000Z");
    assert_eq!(
        (&account["login"], &account["state"]),
        (&json!("wang.fang"), &json!("invited"))
    );
    let other = server.appoint(&national, "other", "school:99101").await;
    let code = &account["code"];
    // Without the code there is no password; another's code sets none, and a short one is none.
    server
        .log_in_staff("wang.fang", PASSWORD)
        .await
        .refused(401, "bad_credentials");
    first_login(&server, "wang.fang", PASSWORD, &other["code"])
        .await
        .refused(401, "bad_credentials");
    let refused = first_login(&server, "wang.fang", "short", code)
        .await
        .refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/password");
    let server = server.restart().await;
    let national = server.staff("national");
    let typed = json!(format!(" {} ", code.as_str().unwrap().to_uppercase()));
    first_login(&server, " WANG.FANG", PASSWORD, &typed)
        .await
        .expect(201);
    // Who missed the answer repeats it; nobody sets another password with it.
    first_login(&server, "wang.fang", PASSWORD, code)
        .await
        .expect(201);
    first_login(&server, "wang.fang", "another horse battery", code)
        .await
        .refused(401, "bad_credentials");
    let session = server.log_in_staff("wang.fang", PASSWORD).await.expect(201);
    assert_eq!(session["expires_at"], "2026-09-22T02:13:20.000Z");
    let states: Vec<_> = list(&national)
        .await
        .iter()
        .map(|account| account["state"].clone())
        .collect();
    assert_eq!(states, ["active", "invited"]);
    server.advance(Span::from_secs(3 * 86_400));
    first_login(&server, "other", PASSWORD, &other["code"])
        .await
        .refused(401, "bad_credentials");
    server.finish().await;
}

async fn r32_an_account_that_is_taken_away_ends_its_tokens_at_once(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let (li, id) = server.appointed(&national, "lina", "province:99").await;
    let again = server.log_in_staff("lina", PASSWORD).await.expect(201);
    let never_used = server.bearer(again["token"].as_str().unwrap());
    let (below, _) = server.appointed(&li, "below", "school:99101").await;
    li.get("/v1/staff/overview").await.expect(200);
    let mut stream = li.follow("/v1/staff/events", None).await;
    stream.resync().await;

    revoke(&national, &id).await.expect(204);
    stream.ends().await;
    for ended in [&li, &never_used] {
        ended
            .get("/v1/staff/overview")
            .await
            .refused(401, "unauthenticated");
        let changed = ended.patch("/v1/staff/pools/991010-1", &json!({"open": false}));
        changed.await.refused(401, "unauthenticated");
        give(ended, "successor", "school:99101")
            .await
            .refused(401, "unauthenticated");
    }
    server
        .log_in_staff("lina", PASSWORD)
        .await
        .refused(401, "bad_credentials");
    // Those whom it gave accounts keep them; so does the command line its tokens.
    below.get("/v1/staff/overview").await.expect(200);
    server
        .staff("province:99")
        .get("/v1/staff/overview")
        .await
        .expect(200);

    let server = server.restart().await;
    let bearer = |client: &Client| server.bearer(client.token().unwrap());
    bearer(&li)
        .get("/v1/staff/overview")
        .await
        .refused(401, "unauthenticated");
    bearer(&below).get("/v1/staff/overview").await.expect(200);
    let national = server.staff("national");
    // Again changes nothing.
    let ended_at = list(&national).await[0]["revoked_at"].clone();
    server.advance(Span::from_secs(60));
    revoke(&national, &id).await.expect(204);
    let ended = &list(&national).await[0];
    assert_eq!(
        (&ended["state"], &ended["revoked_at"]),
        (&json!("revoked"), &ended_at)
    );
    // The login is free again; its old password and tokens are nobody's.
    let (successor, other_id) = server.appointed(&national, "lina", "province:98").await;
    assert_ne!(other_id, id);
    successor.get("/v1/staff/overview").await.expect(200);
    bearer(&li)
        .get("/v1/staff/overview")
        .await
        .refused(401, "unauthenticated");
    server.finish().await;
}

async fn r32_whatever_is_wrong_with_a_login_of_staff_looks_the_same(place: Place) {
    let mut setup = Setup::default();
    setup.access.captcha = true;
    setup.access.client_address_header = Some("x-real-ip".parse().unwrap());
    let server = Server::start_town_as(&place, setup).await;
    let national = server.staff("national");
    let account = server.appoint(&national, "lina", "national").await;
    server.appoint(&national, "invited", "national").await;
    let (home, office) = ("192.0.2.7", "192.0.2.8");
    let ask = async |mut body: Value, level: u8, address: &str| {
        if body["captcha"].is_null() {
            body = server.with_captcha(body, level).await;
        }
        let call = server.nobody().post("/v1/staff/sessions", &body);
        call.with("x-real-ip", address).await
    };
    let first = json!({"login": "lina", "password": PASSWORD, "code": account["code"]});
    ask(first.clone(), 0, home).await.expect(201);

    let unsolved = json!({"id": "nonsense", "answer": "????"});
    let login = |login: &str, password: &str| json!({"login": login, "password": password});
    let mut wrong_captcha = login("lina", PASSWORD);
    wrong_captcha["captcha"] = unsolved;
    let mut wrong_code = first;
    wrong_code["code"] = json!("aaaa-aaaa-aaaa-aaaa");
    let mut said = Vec::new();
    for (n, body) in [
        login("lina", "wrong password"),
        login("nobody", PASSWORD),
        login("invited", PASSWORD),
        login("", ""),
        wrong_captcha,
        wrong_code,
    ]
    .into_iter()
    .enumerate()
    {
        let mut refused = ask(body, 0, &format!("192.0.2.{}", 100 + n))
            .await
            .refused(401, "bad_credentials");
        refused.as_object_mut().unwrap().remove("request_id");
        said.push(refused);
    }
    assert!(said.iter().all(|refused| *refused == said[0]), "{said:?}");

    for (level, next) in [(0, 0), (0, 1), (1, 1), (1, 1), (1, 2)] {
        let refused = ask(login("lina", "wrong password"), level, home)
            .await
            .refused(401, "bad_credentials");
        assert_eq!(refused["captcha_level"], next);
    }
    let refused = ask(login(" LINA", PASSWORD), 2, home)
        .await
        .refused(429, "rate_limited");
    assert_eq!(refused["retry_after_ms"], 1_000);
    // Whoever is elsewhere, and whoever else is there, does not wait.
    ask(login("lina", PASSWORD), 0, office).await.expect(201);
    ask(login("invited", PASSWORD), 0, home)
        .await
        .refused(401, "bad_credentials");
    server.advance(Span::from_secs(1));
    ask(login("lina", PASSWORD), 2, home).await.expect(201);
    server.finish().await;
}

async fn r32_the_same_request_gives_the_same_account_whatever_became_of_it(place: Place) {
    let server = Server::start_town(&place).await;
    let asked = json!({"login": "lina", "name": "李", "scope": "school:99101", "reason": "new"});
    let give = async |server: &Server<'_>, scope: &str, body: &Value| {
        let call = server.staff(scope).post("/v1/staff/accounts", body);
        call.with("idempotency-key", "one").await
    };
    let given = give(&server, "province:99", &asked).await.expect(201);
    assert_eq!(give(&server, "province:99", &asked).await.expect(201), given);
    let mut other = asked.clone();
    other["scope"] = json!("school:99102");
    give(&server, "province:99", &other)
        .await
        .refused(422, "idempotency_mismatch");
    // A key is its sender's own.
    give(&server, "national", &asked)
        .await
        .refused(409, "account_exists");

    first_login(&server, "lina", PASSWORD, &given["code"])
        .await
        .expect(201);
    let server = server.restart().await;
    assert_eq!(give(&server, "province:99", &asked).await.expect(201), given);
    revoke(&server.staff("national"), given["id"].as_str().unwrap())
        .await
        .expect(204);
    assert_eq!(give(&server, "province:99", &asked).await.expect(201), given);
    assert_eq!(list(&server.staff("national")).await.len(), 1);
    server.finish().await;
}

const CAMPUS: &str = "province_code,province_name,school_code,school_name,campus_code,campus_name\n\
    99,测试省,99101,测试学校101,991010,新校区\n";

async fn r35_whatever_staff_change_the_trail_says_who_did_it(place: Place) {
    let server = Server::start_town(&place).await;
    let (nation, id) = server
        .appointed(&server.staff("national"), "nation", "national")
        .await;
    for change in [
        json!({"capacity": 3}),
        json!({"open": false}),
        json!({"open": true}),
        json!({"fee_fen": 3100}),
    ] {
        nation
            .patch("/v1/staff/pools/991010-1", &change)
            .await
            .expect(200);
    }
    let new = json!({"capacity": 1, "open": true, "fee_fen": 3000});
    nation.put("/v1/staff/pools/991020-2", &new).await.expect(201);
    let mut sitting = town_sitting();
    sitting["name"] = json!("另一个名称");
    nation.put("/v1/staff/sitting", &sitting).await.expect(200);
    let imported = nation.call("POST", "/v1/staff/imports/campuses").csv(CAMPUS);
    imported.await.expect(200);
    for (resume, reason) in [(false, "clocks disagree"), (true, "clocks agree")] {
        let asked = json!({"resume": resume, "reason": reason});
        nation.post("/v1/staff/expiry", &asked).await.expect(200);
    }
    let (_, below) = server.appointed(&nation, "below", "school:99101").await;
    revoke(&nation, &below).await.expect(204);

    let export = nation.get("/v1/staff/exports/audit.csv").await.text();
    let mut reader = csv::Reader::from_reader(export.as_bytes());
    let mut kinds = Vec::new();
    for record in reader.records() {
        let record = record.unwrap();
        let payload: Value = serde_json::from_str(&record[6]).unwrap();
        if payload["by"]["staff"] == json!(id) {
            kinds.push(record[4].to_owned());
        }
        if record[4].starts_with("expiry_") {
            assert!(payload["reason"].is_string(), "{payload}");
        }
    }
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [
            "campus_saved",
            "capacity_set",
            "expiry_resumed",
            "expiry_suspended",
            "imported",
            "pool_closed",
            "pool_created",
            "pool_opened",
            "sitting_saved",
            "staff_account_created",
            "staff_account_revoked",
            "terms_set",
        ]
    );
    server.finish().await;
}

async fn r35_the_trail_says_who_gave_and_took_away_an_account_and_why_but_no_names(place: Place) {
    let server = Server::start_town(&place).await;
    let (nation, nation_id) = server
        .appointed(&server.staff("national"), "nation", "national")
        .await;
    let asked =
        json!({"login": "secret-login", "name": "秘密", "scope": "school:99101", "reason": "term begins"});
    let account = nation.post("/v1/staff/accounts", &asked).await.expect(201);
    let id = account["id"].as_str().unwrap();
    nation
        .patch("/v1/staff/pools/991010-1", &json!({"capacity": 3}))
        .await
        .expect(200);
    let ended = nation.call("DELETE", &format!("/v1/staff/accounts/{id}?reason=term%20ends"));
    ended.await.expect(204);

    let of_province = server.staff("province:99");
    let trail = of_province.get("/v1/staff/audit?cell=99").await.expect(200);
    let records = trail["records"].as_array().unwrap();
    let [given, taken] = &records[records.len() - 2..] else {
        panic!("{records:?}")
    };
    let who = json!({"staff": nation_id});
    assert_eq!(given["kind"], "staff_account_created");
    assert_eq!(
        given["payload"],
        json!({"v": 1, "account": id, "scope": "school:99101", "by": who, "reason": "term begins"})
    );
    assert_eq!(taken["kind"], "staff_account_revoked");
    assert_eq!(
        taken["payload"],
        json!({"v": 1, "account": id, "by": who, "reason": "term ends"})
    );
    // What the account did is told by its id too.
    let pool = of_province.get("/v1/staff/audit?pool=991010-1").await.expect(200);
    let last = pool["records"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["kind"], &last["payload"]["by"]),
        (&json!("capacity_set"), &who)
    );

    let export = server
        .staff("national")
        .get("/v1/staff/exports/audit.csv")
        .await
        .text();
    assert!(export.contains(id));
    let code = account["code"].as_str().unwrap().to_owned();
    server.engine.verify_tables().await.unwrap();
    server.finish().await;
    let kept = place.everything_kept().await;
    for secret in ["secret-login", "秘密", &code, PASSWORD] {
        assert!(!export.contains(secret), "{secret} is in the trail");
        let part = secret.as_bytes();
        assert!(
            !kept.windows(part.len()).any(|window| window == part),
            "{secret} is kept in clear"
        );
    }
}
