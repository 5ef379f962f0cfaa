//! One problem: its code, what to say about this case, and the fields of the case.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use kaowei_core::time::Span;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Code, Language, Text, Words};

/// A value that is wrong: where it is, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Where in the body, as a JSON pointer; empty for the body as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/pool")]
    pub pointer: Option<String>,
    /// Or which parameter of the address or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "limit")]
    pub parameter: Option<String>,
    /// What is wrong and how to mend it.
    pub detail: String,
}

/// What a problem looks like on the wire (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// The page that explains it.
    #[serde(rename = "type")]
    #[schema(example = "/problems/pool_full", format = "uri-reference")]
    kind: &'a str,
    /// What happened, in a few words, in the language asked for.
    title: &'a str,
    /// The HTTP status.
    #[schema(example = 409)]
    status: u16,
    /// What happened in this case and what to do.
    detail: &'a str,
    /// Stable, for programs.
    #[schema(example = "pool_full")]
    code: &'a str,
    /// To find this request in the logs; also the header `x-request-id`.
    request_id: &'a str,
    /// When to send the same again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_after_ms: Option<i64>,
    /// The claim that stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::views::Claim>, nullable = false)]
    claim: Option<&'a RawValue>,
    /// What is wrong where.
    #[serde(skip_serializing_if = "<[FieldProblem]>::is_empty")]
    #[schema(value_type = Vec<FieldProblem>, required = false)]
    errors: &'a [FieldProblem],
    /// Further fields of the case: `held` and `paid`, `record_version`, an import's report.
    #[serde(flatten)]
    #[schema(ignore)]
    more: Option<&'a serde_json::Map<String, serde_json::Value>>,
}

/// Where a wrong value is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Pointer(String),
    Parameter(String),
}

/// Why a request was not done.
#[derive(Debug, Clone)]
pub struct Problem(Box<Case>);

#[derive(Debug, Clone)]
struct Case {
    code: Code,
    status: StatusCode,
    detail: Option<Words>,
    retry_after: Option<Span>,
    claim: Option<Box<RawValue>>,
    errors: Vec<(Place, Words)>,
    more: Option<serde_json::Map<String, serde_json::Value>>,
    allow: Option<HeaderValue>,
}

impl Problem {
    /// A problem of that code, with nothing more to say than its page.
    pub fn new(code: Code) -> Self {
        Self(Box::new(Case {
            code,
            status: code.status(),
            detail: None,
            retry_after: None,
            claim: None,
            errors: Vec::new(),
            more: None,
            allow: None,
        }))
    }

    /// 400: the request can't be parsed.
    pub fn unreadable(detail: impl Into<Words>) -> Self {
        Self::new(Code::InvalidRequest)
            .with_status(StatusCode::BAD_REQUEST)
            .detailed(detail)
    }

    /// 422: a field of the body is wrong.
    pub fn wrong_field(pointer: impl Into<String>, detail: impl Into<Words>) -> Self {
        Self::new(Code::InvalidRequest).and_wrong_field(pointer, detail)
    }

    /// A parameter of the address or a header is wrong: 400 where it can't be parsed, 422 where it is out of
    /// range or none of the values that there are.
    pub fn wrong_parameter(status: StatusCode, name: &str, detail: impl Into<Words>) -> Self {
        let mut problem = Self::new(Code::InvalidRequest).with_status(status);
        problem
            .0
            .errors
            .push((Place::Parameter(name.into()), detail.into()));
        problem
    }

    /// With another status than the code's usual one.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// With a sentence about this case, shown before the advice.
    #[must_use]
    pub fn detailed(mut self, detail: impl Into<Words>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// With the time after which to send it again.
    #[must_use]
    pub fn with_retry_after(mut self, span: Span) -> Self {
        self.0.retry_after = Some(span);
        self
    }

    /// With the claim that stands in the way, as JSON.
    #[must_use]
    pub fn with_claim(mut self, claim: Vec<u8>) -> Self {
        self.0.claim = String::from_utf8(claim)
            .ok()
            .and_then(|json| RawValue::from_string(json).ok());
        self
    }

    /// With one more field that is wrong.
    #[must_use]
    pub fn and_wrong_field(mut self, pointer: impl Into<String>, detail: impl Into<Words>) -> Self {
        self.0
            .errors
            .push((Place::Pointer(pointer.into()), detail.into()));
        self
    }

    /// With a further field of the case.
    #[must_use]
    pub fn with_field(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.0
            .more
            .get_or_insert_with(serde_json::Map::new)
            .insert(name.into(), value.into());
        self
    }

    /// With the methods that this address takes (405).
    #[must_use]
    pub fn with_allow(mut self, allow: Option<HeaderValue>) -> Self {
        self.0.allow = allow;
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What happened in this case and what to do.
    pub fn detail(&self, language: Language) -> Cow<'static, str> {
        let case = &*self.0;
        let advice = case.code.advice().in_language(language);
        let first_error = case.errors.first().map(|(place, words)| match place {
            Place::Pointer(pointer) if !pointer.is_empty() => words.about(pointer),
            // Words about a parameter name it.
            Place::Pointer(_) | Place::Parameter(_) => words.clone(),
        });
        match case.detail.clone().or(first_error) {
            None => advice.into(),
            Some(own) => joined(own.in_language(language), advice, language).into(),
        }
    }

    /// Writes it out.
    pub fn render(&self, language: Language, request_id: &str) -> Response {
        let case = &*self.0;
        let title = case.code.title().in_language(language);
        let detail = self.detail(language);
        let errors: Vec<FieldProblem> = case
            .errors
            .iter()
            .map(|(place, words)| FieldProblem::new(place, words.in_language(language)))
            .collect();
        let body = ProblemBody {
            kind: case.code.page(),
            title,
            status: case.status.as_u16(),
            detail: &detail,
            code: case.code.as_str(),
            request_id,
            retry_after_ms: case.retry_after.map(Span::as_ms),
            claim: case.claim.as_deref(),
            errors: &errors,
            more: case.more.as_ref(),
        };
        // A struct of texts and numbers always has a JSON form.
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = case.status;
        self.write_headers(response.headers_mut(), language);
        response
    }

    fn write_headers(&self, headers: &mut http::HeaderMap, language: Language) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        if let Some(span) = self.0.retry_after {
            let seconds = (span.as_ms() + 999) / 1000;
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if let Some(allow) = &self.0.allow {
            headers.insert(ALLOW, allow.clone());
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"kaowei\""),
            );
        }
    }

    /// The title and advice of its page.
    pub fn texts(&self) -> (Text, Text) {
        (self.0.code.title(), self.0.code.advice())
    }
}

/// What happened in this case, then what to do.
fn joined(own: &str, advice: &str, language: Language) -> String {
    let ends = own.ends_with(['.', '。', '?', '？']);
    match language {
        Language::Chinese => format!("{own}{}{advice}", if ends { "" } else { "。" }),
        Language::English => format!("{own}{} {advice}", if ends { "" } else { "." }),
    }
}

impl FieldProblem {
    fn new(place: &Place, detail: &str) -> Self {
        let (pointer, parameter) = match place {
            Place::Pointer(pointer) => (Some(pointer.clone()), None),
            Place::Parameter(name) => (None, Some(name.clone())),
        };
        Self {
            pointer,
            parameter,
            detail: detail.into(),
        }
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

/// An empty response that carries the problem; the frame around every request writes it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.0.status;
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn rendered(problem: Problem, language: Language) -> (StatusCode, serde_json::Value) {
        let response = problem.render(language, "r-1");
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn a_problem_says_what_happened_and_what_to_do_in_the_language_asked_for() {
        let problem = Problem::new(Code::PoolFull).with_claim(br#"{"id":"991010-1-2"}"#.to_vec());
        let (status, zh) = rendered(problem.clone(), Language::Chinese).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert_eq!(zh["type"], "/problems/pool_full");
        assert_eq!(zh["title"], "考位已满");
        assert_eq!(zh["claim"]["id"], "991010-1-2");
        assert_eq!(zh["request_id"], "r-1");
        let (_, en) = rendered(problem, Language::English).await;
        assert_eq!(en["title"], "No seat is free");
    }

    #[tokio::test]
    async fn fields_of_the_case_are_beside_the_others() {
        let problem = Problem::new(Code::CapacityBelowTaken)
            .with_field("held", 3)
            .with_field("paid", 1);
        let (_, body) = rendered(problem, Language::English).await;
        assert_eq!((body["held"].as_u64(), body["paid"].as_u64()), (Some(3), Some(1)));
        assert!(body.get("errors").is_none());
    }

    #[test]
    fn retry_after_is_in_whole_seconds_rounded_up() {
        let problem = Problem::new(Code::Overloaded).with_retry_after(Span::from_ms(1_001));
        let response = problem.render(Language::English, "r");
        assert_eq!(response.headers()[RETRY_AFTER], "2");
    }
}
