//! `POST /v1/payments/{provider}/notify` (R26)

use std::str::FromStr;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use kaowei_core::payment::Method;
use kaowei_engine::{NotVerified, Notification, Unheard};

use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::wire::PathId;

/// The largest notification: real ones have a few thousand bytes.
const NOTIFICATION_BYTES_MAX: usize = 65_536;

/// A provider, as addresses name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProviderName(Method);

/// No provider has that name.
#[derive(Debug)]
pub(super) struct UnknownProvider;

impl FromStr for ProviderName {
    type Err = UnknownProvider;
    fn from_str(name: &str) -> Result<Self, UnknownProvider> {
        let mut methods = [Method::Sandbox, Method::Alipay, Method::WechatPay].into_iter();
        let method = methods.find(|method| method.as_str() == name);
        method.map(Self).ok_or(UnknownProvider)
    }
}

problems!(NotifyProblems: ENGINE; InvalidRequest, NotFound, PayloadTooLarge);

/// Takes a provider's notification. Its signature, merchant, order and time are checked; a repeat changes nothing.
///
/// A notification that is not believed is 400 and counted. Whatever else is answered than 200, the provider will tell
/// it again.
#[utoipa::path(post, path = "/v1/payments/{provider}/notify", tag = "provider",
    params(("provider" = String, Path, description = "`sandbox`, `alipay` or `wechat_pay`.")),
    request_body(content = String, description = "As the provider signs it.", content_type = "application/octet-stream"),
    responses((status = 200, description = "Taken: what the provider expects to hear.", content_type = "text/plain", body = String),
              (status = 400, description = "Not believed.", content_type = "application/problem+json",
                   body = crate::problem::ProblemBody<'static>),
              NotifyProblems))]
pub(super) async fn notify(
    State(app): State<App>,
    PathId(ProviderName(method)): PathId<ProviderName>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let body = to_bytes(request.into_body(), NOTIFICATION_BYTES_MAX).await;
    let body = body.map_err(|_| Problem::new(Code::PayloadTooLarge))?;
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let notification = Notification {
        headers: &headers,
        body: &body,
    };
    let heard = app.engine.notified(method, &notification).await;
    let acknowledgement = heard.map_err(problem)?;
    let mut response = Response::new(acknowledgement.body.into());
    let content_type = HeaderValue::from_static(acknowledgement.content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    Ok(response)
}

fn problem(unheard: Unheard) -> Problem {
    let not_believed = match unheard {
        Unheard::NoProvider => return Problem::new(Code::NotFound),
        Unheard::Failed(failure) => return failure.into(),
        Unheard::NotVerified(why) => why,
    };
    let detail = match not_believed {
        NotVerified::Forged => ("签名缺失或不正确。", "The signature is missing or wrong."),
        NotVerified::Stale => (
            "时间戳与当前时间相差超过 5 分钟。",
            "The timestamp is not within 5 minutes.",
        ),
        NotVerified::Foreign => (
            "商户或订单不属于本系统。",
            "The merchant or the order is none of this server's.",
        ),
        NotVerified::Unreadable => ("内容无法识别。", "It can't be read."),
    };
    Problem::new(Code::InvalidRequest)
        .with_status(StatusCode::BAD_REQUEST)
        .detailed(detail)
}
