//! One HTTP request over a connection of its own, for what neither candidates nor the staff's client send.

use anyhow::Context as _;
use serde_json::Value;

/// Sends it; the status and the body.
///
/// # Errors
/// When no whole answer comes.
pub async fn exchange(
    address: &str,
    method: &str,
    path: &str,
    token: &str,
    body: Option<&Value>,
) -> anyhow::Result<(u16, String)> {
    let method = method.parse().context("a method")?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut request = client.request(method, format!("http://{address}{path}"));
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    Ok((status, answer.text().await?))
}
