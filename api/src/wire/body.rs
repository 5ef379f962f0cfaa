//! JSON bodies: at most 1 MiB, not nested deeper than 32, `application/json`.
//!
//! What can't be parsed is 400, what is well-formed but wrong is 422 with a JSON pointer. An unknown field is refused:
//! a misspelt one would else be silently ignored.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::mistake;
use crate::problem::{Code, Problem};

/// The largest body but for imports.
pub const BODY_BYTES_MAX: usize = 1_048_576;

/// How deep a body may be nested.
const DEPTH_MAX: u32 = 32;

/// The bytes of a JSON body, within the limits, not parsed yet.
#[derive(Debug, Clone)]
pub struct RawJson(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawJson {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        check_type(request.headers(), &["application/json"])?;
        let bytes = to_bytes(request.into_body(), BODY_BYTES_MAX)
            .await
            .map_err(|error| body_problem(&error))?;
        if Depth::of(&bytes) > DEPTH_MAX {
            return Err(Problem::unreadable((
                format!("请求内容的嵌套超过 {DEPTH_MAX} 层。"),
                format!("The body is nested deeper than {DEPTH_MAX} levels."),
            )));
        }
        Ok(Self(bytes))
    }
}

fn body_problem(error: &axum::Error) -> Problem {
    use std::error::Error as _;
    let too_long = error
        .source()
        .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
    if too_long {
        Problem::new(Code::PayloadTooLarge)
    } else {
        Problem::unreadable(("请求内容没有完整到达。", "The body did not arrive whole."))
    }
}

/// Checks the type of a body; one that is not said is taken as meant.
pub(crate) fn check_type(headers: &HeaderMap, taken: &[&str]) -> Result<(), Problem> {
    let Some(given) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let given = given.to_str().unwrap_or("");
    let essence = given.split(';').next().unwrap_or("").trim();
    if taken.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    Err(Problem::new(Code::InvalidRequest)
        .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .detailed((
            format!("请使用 Content-Type: {}。", taken[0]),
            format!("Send the body with Content-Type: {}.", taken[0]),
        )))
}

/// How deep JSON is nested, by its brackets alone.
#[derive(Debug)]
pub struct Depth;

impl Depth {
    /// The deepest nesting in that text; strings are skipped.
    pub fn of(json: &[u8]) -> u32 {
        let (mut depth, mut deepest) = (0_u32, 0);
        let (mut in_string, mut escaped) = (false, false);
        for byte in json {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'[' | b'{' if !in_string => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        deepest
    }
}

/// Parses a body.
///
/// # Errors
/// 400 for what is no JSON, 422 for a value that is wrong, with its place.
pub fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    // serde would take an array as an object's values in their order; the contract's bodies are objects.
    let is_array = body.trim_ascii_start().first() == Some(&b'[');
    if is_array && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        return Err(Problem::wrong_field(
            "",
            ("请求内容应为 JSON 对象。", "The body must be a JSON object."),
        ));
    }
    // The way with the place of a mistake costs more, so it is gone only when there is one.
    serde_json::from_slice(body).map_err(|_| explain::<T>(body))
}

fn explain<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Problem {
    // Reading stops at the first mistake of meaning; one of form behind it still makes it no JSON at all.
    let Ok(text) = std::str::from_utf8(body) else {
        return Problem::unreadable(("请求内容不是 UTF-8 编码。", "The body is not UTF-8."));
    };
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        return not_json(&error);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let outcome: Result<T, _> = serde_path_to_error::deserialize(&mut deserializer);
    let Err(error) = outcome else {
        return Problem::unreadable(("JSON 之后还有多余的内容。", "Something follows the JSON value."));
    };
    let pointer = pointer_of(error.path());
    let inner = error.into_inner();
    match inner.classify() {
        serde_json::error::Category::Data => {
            let message = without_place(&inner.to_string());
            match mistake::missing_field(&message) {
                Some(field) => {
                    let words = ("缺少此项。", "This is missing.");
                    Problem::wrong_field(format!("{pointer}/{}", escape(field)), words)
                }
                None => Problem::wrong_field(pointer, mistake::words(&message)),
            }
        }
        serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof
        | serde_json::error::Category::Io => not_json(&inner),
    }
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::unreadable((
        format!(
            "请求内容不是完整、正确的 JSON：第 {} 行第 {} 列有误。",
            error.line(),
            error.column()
        ),
        format!("The body is not JSON: {error}."),
    ))
}

fn without_place(message: &str) -> String {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].to_owned()
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escape(key)),
            Segment::Enum { variant } => format!("/{}", escape(variant)),
            Segment::Unknown => String::new(),
        })
        .collect()
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read into")]
    struct Body {
        pool: String,
        more: Option<Vec<u32>>,
    }

    fn problem(body: &str) -> serde_json::Value {
        let problem = parse::<Body>(body.as_bytes()).unwrap_err();
        let response = problem.render(crate::problem::Language::English, "r");
        let status = response.status().as_u16();
        let bytes = futures_util::FutureExt::now_or_never(to_bytes(response.into_body(), usize::MAX));
        let mut value: serde_json::Value = serde_json::from_slice(&bytes.unwrap().unwrap()).unwrap();
        value["status_sent"] = status.into();
        value
    }

    #[test]
    fn what_cannot_be_parsed_is_400_and_what_is_wrong_is_422_with_its_place() {
        for (body, status, pointer) in [
            ("{\"pool\":", 400, None),
            ("nonsense", 400, None),
            ("{\"pool\":\"a\"} x", 400, None),
            ("{\"pool\":3} x", 400, None),
            ("{\"pool\":3,}", 400, None),
            ("{\"loop\":\"a", 400, None),
            ("{}", 422, Some("/pool")),
            ("{\"pool\":3}", 422, Some("/pool")),
            ("{\"pool\":\"a\",\"more\":[1,\"x\"]}", 422, Some("/more/1")),
            ("{\"pool\":\"a\",\"mroe\":1}", 422, Some("/mroe")),
            ("[]", 422, Some("")),
        ] {
            let value = problem(body);
            assert_eq!(value["status_sent"], status, "{body}");
            assert_eq!(value["errors"][0]["pointer"].as_str(), pointer, "{body}");
        }
    }

    #[test]
    fn brackets_count_and_those_in_strings_do_not() {
        assert_eq!(Depth::of(br#"{"a":[[1]],"b":"[[[[\"[["}"#), 3);
        assert_eq!(Depth::of(&b"[".repeat(40)), 40);
    }

    #[test]
    fn an_array_is_no_object_even_if_its_values_would_fit() {
        let refused = problem(r#" ["991010-1",[1]]"#);
        assert_eq!(refused["status"], 422);
        assert_eq!(problem(r#"["991010-1",[1]"#)["status"], 400);
    }
}
