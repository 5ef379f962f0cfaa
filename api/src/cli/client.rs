//! A small client of the running server's staff API, over one connection a request.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A body of a request.
pub(super) type Outgoing = BoxBody<Bytes, std::io::Error>;

/// The client.
pub(super) struct Client {
    host: String,
    token: String,
}

impl Client {
    /// A client of the server at `http://HOST:PORT`.
    pub(super) fn new(address: &str, token: String) -> Result<Self> {
        let host = address
            .strip_prefix("http://")
            .context("expected http://HOST:PORT")?
            .trim_end_matches('/')
            .to_owned();
        Ok(Self { host, token })
    }

    /// Sends one request and gives the answer's head; its body is still to be read.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Outgoing,
    ) -> Result<Response<Incoming>> {
        let stream = TcpStream::connect(&self.host).await.with_context(|| {
            format!(
                "the server that has this store does not answer at {}; is it starting or stopping?",
                self.host
            )
        })?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, kind)
            .header(ACCEPT_LANGUAGE, "en")
            .body(body)?;
        sender
            .send_request(request)
            .await
            .context("the server broke off the request")
    }
}

/// The whole body of an answer.
pub(super) async fn text(response: Response<Incoming>) -> Result<Bytes> {
    Ok(response
        .into_body()
        .collect()
        .await
        .context("the server broke off its answer")?
        .to_bytes())
}

/// Passes an answer of success on; a problem becomes the error.
pub(super) async fn succeeded(response: Response<Incoming>) -> Result<Response<Incoming>> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let body = text(response).await?;
    match serde_json::from_slice::<serde_json::Value>(&body) {
        Ok(problem) => bail!(
            "{}",
            problem["detail"].as_str().unwrap_or("the server refused it")
        ),
        Err(_) => bail!("the server answered {status}"),
    }
}

/// A body that is in memory.
pub(super) fn whole(bytes: impl Into<Bytes>) -> Outgoing {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}
