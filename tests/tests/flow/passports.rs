//! Tokens of an outside passport system, whose keys are fetched from its address (2.1).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kaowei::entry::PassportSettings;
use kaowei_core::time::Span;
use kaowei_tests::engine::{Place, nine};
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Server, Setup, Student};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

on_both_stores! {
    a_candidate_of_an_outside_passport_needs_no_registration
    an_outside_issuer_s_forged_foreign_and_staff_tokens_are_refused
    without_the_passport_s_keys_nobody_says_whether_a_token_holds
    keys_are_fetched_also_for_whoever_waits_no_longer
}

/// A passport system on this machine that serves its keys.
struct PassportSystem {
    url: String,
    fetches: Arc<AtomicUsize>,
    /// An answer takes one of these.
    answers: Arc<Semaphore>,
    curve: EncodingKey,
    edwards: EncodingKey,
}

const ISSUER: &str = "https://passport.example";

impl PassportSystem {
    async fn start(is_up: bool) -> Self {
        let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let edwards = Ed25519KeyPair::generate().unwrap();
        let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let point = curve.public_key().as_ref();
        let keys = json!({"keys": [
            {"kty": "EC", "crv": "P-256", "kid": "curve", "use": "sig", "x": base64(&point[1..33]), "y": base64(&point[33..])},
            {"kty": "OKP", "crv": "Ed25519", "kid": "edwards", "alg": "EdDSA", "x": base64(edwards.public_key().as_ref())},
            {"kty": "oct", "kid": "shared", "alg": "HS256", "k": base64(&[7; 32])},
            {"kty": "EC", "crv": "P-256", "kid": "seals", "use": "enc", "x": base64(&point[1..33]), "y": base64(&point[33..])},
        ]});
        let fetches = Arc::new(AtomicUsize::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let answer = if is_up {
            let body = keys.to_string();
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
        } else {
            "HTTP/1.1 500 Broken\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into()
        };
        let answers = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let (counted, may_answer) = (Arc::clone(&fetches), Arc::clone(&answers));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let mut head = [0; 4_096];
                let _ = stream.read(&mut head).await;
                may_answer.acquire().await.unwrap().forget();
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self {
            url,
            fetches,
            answers,
            curve: EncodingKey::from_ec_der(curve.to_pkcs8v1().unwrap().as_ref()),
            edwards: EncodingKey::from_ed_der(edwards.to_pkcs8v1().unwrap().as_ref()),
        }
    }

    fn setup(&self) -> Setup {
        let mut setup = Setup::default();
        setup.access.passport = Some(PassportSettings {
            issuer: ISSUER.into(),
            audience: Some("kaowei".into()),
            jwks_url: self.url.parse().unwrap(),
        });
        setup
    }

    fn token(&self, claims: &Value) -> String {
        sign(Algorithm::ES256, "curve", claims, &self.curve)
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }
}

fn sign(algorithm: Algorithm, id: &str, claims: &Value, key: &EncodingKey) -> String {
    let header = Header {
        kid: Some(id.into()),
        ..Header::new(algorithm)
    };
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

fn claims(student: &Student) -> Value {
    // Its clock is a little ahead.
    let begins_at = (nine() + Span::from_secs(60)).unix_ms() / 1_000;
    let ends_at = (nine() + Span::from_secs(3_600)).unix_ms() / 1_000;
    json!({"iss": ISSUER, "sub": student.id_number, "aud": "kaowei", "nbf": begins_at, "exp": ends_at, "role": "candidate",
        "province": student.province, "id_type": student.id_type, "id_number": student.id_number,
        "name": student.name, "phone": "13700000000"})
}

async fn a_candidate_of_an_outside_passport_needs_no_registration(place: Place) {
    let passport = PassportSystem::start(true).await;
    let server = Server::start_town_as(&place, passport.setup()).await;
    let li = server.bearer(&passport.token(&claims(&Student::number(0))));
    assert_eq!(li.get("/v1/account").await.expect(200)["phone"], "137****0000");
    li.enrol().await;
    li.hold("991010-1").await;
    let edwards = sign(
        Algorithm::EdDSA,
        "edwards",
        &claims(&Student::number(1)),
        &passport.edwards,
    );
    server.bearer(&edwards).enrol().await;
    assert_eq!(passport.fetches(), 1, "keys are fetched once");
    // Its subjects are not those of this server's own tokens.
    assert_eq!(
        server.candidate(0).get("/v1/claims").await.expect(200)["claims"],
        json!([])
    );
    // It has no password here, and no session.
    let asked = json!({"password": "a new password", "current_password": "x"});
    li.patch("/v1/account", &asked).await.refused(403, "forbidden");
    li.delete("/v1/sessions").await.refused(403, "forbidden");
    server.advance(Span::from_secs(3_600));
    li.get("/v1/account").await.refused(401, "unauthenticated");
    server.finish().await;
}

async fn an_outside_issuer_s_forged_foreign_and_staff_tokens_are_refused(place: Place) {
    let passport = PassportSystem::start(true).await;
    let server = Server::start_town_as(&place, passport.setup()).await;
    let good = claims(&Student::number(0));
    let changed = |field: &str, value: Value| {
        let mut claims = good.clone();
        claims[field] = value;
        passport.token(&claims)
    };
    let another = PassportSystem::start(true).await;
    let shared = EncodingKey::from_secret(&[7; 32]);
    let tokens = [
        ("another's key", another.token(&good)),
        (
            "an unknown key",
            sign(Algorithm::ES256, "nobody's", &good, &passport.curve),
        ),
        (
            "a key of another kind",
            sign(Algorithm::ES256, "edwards", &good, &passport.curve),
        ),
        (
            "a key that seals",
            sign(Algorithm::ES256, "seals", &good, &passport.curve),
        ),
        (
            "a shared secret",
            sign(Algorithm::HS256, "shared", &good, &shared),
        ),
        (
            "another issuer",
            changed("iss", json!("https://elsewhere.example")),
        ),
        ("this server's own issuer", changed("iss", json!("kaowei"))),
        ("another audience", changed("aud", json!("another"))),
        ("no audience", changed("aud", Value::Null)),
        ("ended", changed("exp", json!(nine().unix_ms() / 1_000))),
        ("not yet", changed("nbf", json!(nine().unix_ms() / 1_000 + 61))),
        ("no province", changed("province", Value::Null)),
        ("staff", changed("role", json!("staff"))),
    ];
    for (what, token) in tokens {
        let client = server.bearer(&token);
        for path in ["/v1/account", "/v1/staff/overview"] {
            assert_eq!(client.get(path).await.status, 401, "{what}");
        }
    }
    let mut staff = good.clone();
    staff["role"] = json!("staff");
    staff["scope"] = json!("national");
    let staff = server.bearer(&passport.token(&staff));
    staff
        .get("/v1/staff/overview")
        .await
        .refused(401, "unauthenticated");
    assert_eq!(
        passport.fetches(),
        1,
        "unknown keys are asked for once in a while only"
    );
    server
        .bearer(&passport.token(&good))
        .get("/v1/account")
        .await
        .expect(200);
    server.finish().await;
}

async fn without_the_passport_s_keys_nobody_says_whether_a_token_holds(place: Place) {
    let passport = PassportSystem::start(false).await;
    let server = Server::start_town_as(&place, passport.setup()).await;
    let li = server.bearer(&passport.token(&claims(&Student::number(0))));
    for _ in 0..3 {
        let refused = li.get("/v1/account").await.refused(503, "overloaded");
        assert_eq!(refused["retry_after_ms"], 10_000);
    }
    assert_eq!(passport.fetches(), 1);
    // Own tokens need none of it.
    server.candidate(0).get("/v1/account").await.expect(200);
    server.finish().await;
}

async fn keys_are_fetched_also_for_whoever_waits_no_longer(place: Place) {
    let passport = PassportSystem::start(true).await;
    let mut setup = passport.setup();
    setup.limits.request_seconds_max = 2;
    let server = Server::start_town_as(&place, setup).await;
    let li = server.bearer(&passport.token(&claims(&Student::number(0))));
    passport.answers.forget_permits(Semaphore::MAX_PERMITS);
    // Its request is cut off while the keys are on their way.
    li.get("/v1/account").await.refused(503, "overloaded");
    passport.answers.add_permits(1);
    li.get("/v1/account").await.expect(200);
    assert_eq!(passport.fetches(), 1);
    server.finish().await;
}
