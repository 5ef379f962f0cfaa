//! Accounts of one's own, made and logged in to over HTTP.

use serde_json::{Value, json};

use super::{Call, Client, Server, Student};

/// What everybody's password is.
pub const PASSWORD: &str = "正确 horse battery";

/// A registration of that student, without a captcha.
pub fn registration(student: &Student) -> Value {
    json!({
        "province": student.province,
        "id_type": student.id_type,
        "id_number": student.id_number,
        "name": student.name,
        "phone": "13800000000",
        "password": PASSWORD,
    })
}

/// A login of that student, without a captcha.
pub fn login(student: &Student, password: &str) -> Value {
    json!({
        "province": student.province,
        "id_type": student.id_type,
        "id_number": student.id_number,
        "password": password,
    })
}

impl Server<'_> {
    /// Makes that student's account, which must not be there yet.
    pub async fn register(&self, student: &Student) -> Value {
        let asked = self.nobody().post("/v1/accounts", &registration(student));
        asked.await.expect(201)
    }

    /// Logs that student in.
    pub fn log_in(&self, student: &Student, password: &str) -> Call {
        self.nobody().post("/v1/sessions", &login(student, password))
    }

    /// Whoever logged in as that student with the usual password.
    pub async fn logged_in(&self, student: &Student) -> Client {
        let session = self.log_in(student, PASSWORD).await.expect(201);
        self.bearer(session["token"].as_str().expect("a token"))
    }

    /// The body with a captcha of that level, solved.
    pub async fn with_captcha(&self, mut body: Value, level: u8) -> Value {
        let captcha = self
            .nobody()
            .get(&format!("/v1/captcha?level={level}"))
            .await
            .expect(200);
        let id = captcha["id"].as_str().expect("a captcha has an id");
        body["captcha"] = json!({"id": id, "answer": self.read_captcha(id)});
        body
    }

    /// Gives a member of staff an account, by whoever `giver` is: the answer, with its code.
    pub async fn appoint(&self, giver: &Client, login: &str, scope: &str) -> Value {
        let asked = json!({"login": login, "name": format!("管理员{login}"), "scope": scope});
        giver.post("/v1/staff/accounts", &asked).await.expect(201)
    }

    /// Logs a member of staff in.
    pub fn log_in_staff(&self, login: &str, password: &str) -> Call {
        let asked = json!({"login": login, "password": password});
        self.nobody().post("/v1/staff/sessions", &asked)
    }

    /// A member of staff with an account of their own, given by `giver`, after the first login; and the account's id.
    pub async fn appointed(&self, giver: &Client, login: &str, scope: &str) -> (Client, String) {
        let account = self.appoint(giver, login, scope).await;
        let asked = json!({"login": login, "password": PASSWORD, "code": account["code"]});
        let session = self.nobody().post("/v1/staff/sessions", &asked).await.expect(201);
        let staff = self.bearer(session["token"].as_str().expect("a token"));
        (staff, account["id"].as_str().expect("an id").into())
    }
}
