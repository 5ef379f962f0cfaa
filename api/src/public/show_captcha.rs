//! `GET /v1/captcha` (R1)

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_LANGUAGE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::captcha::{Form, Level, draw, question};
use crate::entry::ClientAddress;
use crate::openapi::problems;
use crate::problem::{Code, Language, Problem};
use crate::state::App;
use crate::views::Instant;
use crate::wire::{Params, json};

/// A captcha, to be solved once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Captcha {
    /// What its answer is handed in with.
    id: String,
    /// The picture, as a data URL; without `form=text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "data:image/png;base64,iVBORw0KGgo=")]
    image: Option<String>,
    /// The question in words; with `form=text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "请用阿拉伯数字依次输入：八、零、二、九、一。")]
    text: Option<String>,
    /// How hard it is.
    #[schema(example = 0)]
    level: u8,
    /// Until when it may be answered.
    expires_at: Instant,
}

problems!(CaptchaProblems: PARAMETERS; RateLimited);

/// A captcha for a registration, a login or a reset: a picture, or words that a screen reader can read.
///
/// Each works once, right or wrong, and for five minutes. After failed logins a harder one is needed: `captcha_level`
/// of the problem says which.
#[utoipa::path(get, path = "/v1/captcha", tag = "public",
    params(("level" = Option<u8>, Query, description = "How hard: 0 (the default), 1 or 2."),
           ("form" = Option<String>, Query, description = "`image` (the default) or `text`, in the language asked for.")),
    responses((status = 200, description = "The captcha.", body = Captcha), CaptchaProblems))]
pub(super) async fn show_captcha(
    State(app): State<App>,
    address: ClientAddress,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let language = Language::of(&headers);
    let level = params.parse::<Level>("level")?.unwrap_or(Level::Easy);
    let form = params.parse::<Form>("form")?.unwrap_or(Form::Image);
    app.entry.count_captcha(address)?;
    let issued = app.entry.captchas.issue(level, form, app.engine.now());
    let issued = issued.map_err(|_| Code::Internal)?;
    let (image, text) = match form {
        Form::Text => (None, Some(question(&issued.code, language))),
        Form::Image => {
            let code = issued.code;
            let drawn = app.engine.costly(move || draw(&code, level)).await?;
            let png = drawn.map_err(|_| Code::Internal)?;
            (
                Some(format!("data:image/png;base64,{}", STANDARD.encode(png))),
                None,
            )
        }
    };
    let mut response = json(
        StatusCode::OK,
        &Captcha {
            id: issued.id,
            image,
            text,
            level: level.number(),
            expires_at: issued.ends_at.into(),
        },
    );
    let tag = HeaderValue::from_static(language.tag());
    response.headers_mut().insert(CONTENT_LANGUAGE, tag);
    Ok(response)
}
