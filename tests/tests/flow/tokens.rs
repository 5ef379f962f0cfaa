//! Tokens: forged, ended, of another kind, of somebody else (2.1, 5.3).

use kaowei::auth::{Keys, Role, TokenClaims};
use kaowei_core::time::Span;
use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Server, Student};

on_both_stores! {
    forged_ended_and_unreadable_tokens_are_all_unauthenticated
    a_token_ends_by_the_engine_s_clock_also_when_it_was_seen_before
    another_s_claims_do_not_exist
}

/// A good token's claims, changed.
type Change = fn(&mut TokenClaims);

/// Claims that make a token useless, though the server's own key signed it.
const USELESS: [(&str, Change); 9] = [
    ("ended", |claims| claims.exp = 1_790_000_000),
    ("ended long ago", |claims| claims.exp = 0),
    ("another issuer", |claims| claims.iss = "elsewhere".into()),
    ("no province", |claims| claims.province = None),
    ("no person", |claims| claims.name = None),
    ("no such document", |claims| {
        claims.id_type = Some("library_card".into());
    }),
    ("no such number", |claims| {
        claims.id_type = Some("resident_id".into());
    }),
    ("staff without a scope", |claims| claims.role = Role::Staff),
    ("staff of nowhere", |claims| {
        claims.role = Role::Staff;
        claims.scope = Some("galaxy".into());
    }),
];

async fn forged_ended_and_unreadable_tokens_are_all_unauthenticated(place: Place) {
    let server = Server::start_town(&place).await;
    let good = server.student_claims(&Student::number(0));
    let token = server.mint(&good);
    server.bearer(&token).get("/v1/account").await.expect(200);
    let (head, signature) = token.rsplit_once('.').unwrap();
    let (_, payload) = head.split_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let mut tokens = vec![
        ("no token", String::new()),
        ("no JWT", "nonsense".into()),
        ("another's key", Keys::new(&[7; 32]).mint(&good).unwrap()),
        ("no signature", format!("{head}.")),
        (
            "another signature",
            format!("{head}.{flipped}{}", &signature[1..]),
        ),
        ("algorithm none", format!("eyJhbGciOiJub25lIn0.{payload}.")),
        (
            "algorithm HS512",
            format!("eyJhbGciOiJIUzUxMiJ9.{payload}.{signature}"),
        ),
        ("very long", format!("{head}.{}", "A".repeat(20_000))),
    ];
    for (what, change) in USELESS {
        let mut claims = good.clone();
        claims.sub = "somebody new".into();
        change(&mut claims);
        tokens.push((what, server.mint(&claims)));
    }
    for (what, token) in tokens {
        let client = server.bearer(&token);
        for path in ["/v1/account", "/v1/staff/overview"] {
            let refused = client.get(path).await;
            refused.refused(401, "unauthenticated");
            assert!(refused.header("www-authenticate").is_some(), "{what}");
        }
    }
    // The scheme's letters may be of either case; another scheme is none.
    let ask = |header: &str| server.nobody().get("/v1/account").with("authorization", header);
    ask(&format!("bearer {token}")).await.expect(200);
    ask("Basic dXNlcjpwYXNz").await.refused(401, "unauthenticated");
    // Public addresses don't look at tokens.
    server.bearer("nonsense").get("/v1/sitting").await.expect(200);
    server.finish().await;
}

async fn a_token_ends_by_the_engine_s_clock_also_when_it_was_seen_before(place: Place) {
    let server = Server::start_town(&place).await;
    let mut claims = server.student_claims(&Student::number(0));
    claims.exp = 1_790_000_060;
    let li = server.bearer(&server.mint(&claims));
    li.get("/v1/account").await.expect(200);
    server.advance(Span::from_secs(59));
    li.get("/v1/account").await.expect(200);
    server.advance(Span::from_secs(1));
    li.get("/v1/account").await.refused(401, "unauthenticated");
    // The same person with a new token is the same account.
    let again = server.candidate(0);
    let account = again.get("/v1/account").await.expect(200);
    assert_eq!(account["created_at"], "2026-09-21T14:13:20.000Z");
    // Once the account is known, the token needs no personal data.
    claims.exp += 3_600;
    claims.name = None;
    claims.id_number = None;
    server
        .bearer(&server.mint(&claims))
        .get("/v1/account")
        .await
        .expect(200);
    let server = server.restart().await;
    server
        .bearer(&server.mint(&claims))
        .get("/v1/account")
        .await
        .expect(200);
    server.finish().await;
}

async fn another_s_claims_do_not_exist(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    let mine = li.hold("991010-1").await;
    let theirs = wang.hold("991010-1").await;
    for foreign in [
        theirs.as_str(),
        "991010-1-999",
        "991010-1-0",
        "991010-1-01",
        "999999-1-1",
        "nonsense",
        "991010-1",
    ] {
        li.get(&format!("/v1/claims/{foreign}"))
            .await
            .refused(404, "not_found");
        li.cancel(foreign).await.refused(404, "not_found");
    }
    for odd in ["%00", "%ff", "a%2Fb", "991010-1-1%20", &"9".repeat(3_000)] {
        li.get(&format!("/v1/claims/{odd}"))
            .await
            .refused(404, "not_found");
        server
            .staff("national")
            .get(&format!("/v1/staff/pools/{odd}"))
            .await
            .refused(404, "not_found");
    }
    assert_eq!(wang.states().await, ["held"]);
    li.get(&format!("/v1/claims/{mine}")).await.expect(200);
    server.finish().await;
}
