//! The staff's side of the API, as far as set-up and judgement need it: imports, the sitting, pools and exports.
//!
//! Promises: an export is written to its file as it arrives, never held whole; every refusal is told with what the
//! server said.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::Target;

/// Why a request of the staff failed.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// The connection.
    #[error("{path}: the server can't be reached")]
    Connection {
        /// What was asked.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The server's answer.
    #[error("{path} was refused with {status}: {answer}")]
    Refused {
        /// What was asked.
        path: String,
        /// The status.
        status: u16,
        /// What the server said.
        answer: String,
    },
    /// An answer that is not what the contract says.
    #[error("{path} answered what can't be read: {what}")]
    Unreadable {
        /// What was asked.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// A file of ours.
    #[error("can't read or write {file}")]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A client with a staff token.
#[derive(Clone, Debug)]
pub struct StaffClient {
    target: Target,
    token: String,
}

impl StaffClient {
    /// A client of this server.
    pub fn new(target: Target, token: impl Into<String>) -> Self {
        let token = token.into();
        Self { target, token }
    }

    /// `PUT /v1/staff/sitting`
    pub async fn put_sitting(&self, sitting: &Value) -> Result<(), StaffError> {
        let body = Bytes::from(sitting.to_string());
        self.text(Method::PUT, "/v1/staff/sitting", "application/json", body)
            .await
            .map(drop)
    }

    /// `POST /v1/staff/imports/{kind}`
    pub async fn import(&self, kind: &str, file: &Path) -> Result<Value, StaffError> {
        let read = tokio::fs::read(file).await;
        let body = read.map_err(|source| StaffError::File {
            file: file.to_owned(),
            source,
        })?;
        let path = format!("/v1/staff/imports/{kind}");
        let text = self.text(Method::POST, &path, "text/csv", body.into()).await?;
        let result: Value = serde_json::from_str(&text).map_err(|error| StaffError::Unreadable {
            path: path.clone(),
            what: error.to_string(),
        })?;
        let rejected = result["rejected"].as_array().map_or(0, Vec::len);
        if rejected > 0 {
            let what = format!(
                "{rejected} lines were rejected, the first: {}",
                result["rejected"][0]
            );
            return Err(StaffError::Unreadable { path, what });
        }
        Ok(result)
    }

    /// All pages of `GET /v1/staff/pools`, as the server gave them, one after another.
    pub async fn pools(&self) -> Result<String, StaffError> {
        let (mut pages, mut cursor) = (String::new(), None::<String>);
        loop {
            let path = match &cursor {
                Some(cursor) => format!("/v1/staff/pools?limit=1000&cursor={cursor}"),
                None => "/v1/staff/pools?limit=1000".to_owned(),
            };
            let page = self.text(Method::GET, &path, "", Bytes::new()).await?;
            let value: Value = serde_json::from_str(&page).map_err(|error| StaffError::Unreadable {
                path: path.clone(),
                what: error.to_string(),
            })?;
            pages += &page;
            pages.push('\n');
            let next = value["next_cursor"].as_str().map(str::to_owned);
            if next.is_none() || next == cursor {
                return Ok(pages);
            }
            cursor = next;
        }
    }

    /// `GET /v1/staff/exports/{kind}.csv` into a file; the number of bytes.
    pub async fn export(&self, kind: &str, file: &Path) -> Result<u64, StaffError> {
        let path = format!("/v1/staff/exports/{kind}.csv");
        let failed = |source| StaffError::File {
            file: file.to_owned(),
            source,
        };
        let mut response = self.send(Method::GET, &path, "", Bytes::new()).await?;
        if !response.status().is_success() {
            return Err(refused(path, response).await);
        }
        let mut out = tokio::io::BufWriter::new(tokio::fs::File::create(file).await.map_err(failed)?);
        let mut count = 0;
        while let Some(frame) = response.frame().await {
            let frame = frame.map_err(|error| lost(&path, error))?;
            if let Ok(data) = frame.into_data() {
                count += data.len() as u64;
                out.write_all(&data).await.map_err(failed)?;
            }
        }
        out.flush().await.map_err(failed)?;
        Ok(count)
    }

    /// `GET /v1/staff/sandbox`; none where the server has no sandbox.
    pub async fn provider_books(&self) -> Result<Option<String>, StaffError> {
        match self.get("/v1/staff/sandbox").await {
            Ok(books) => Ok(Some(books)),
            Err(StaffError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Any `GET`, as text.
    pub async fn get(&self, path: &str) -> Result<String, StaffError> {
        self.text(Method::GET, path, "", Bytes::new()).await
    }

    async fn text(&self, method: Method, path: &str, kind: &str, body: Bytes) -> Result<String, StaffError> {
        let response = self.send(method, path, kind, body).await?;
        if !response.status().is_success() {
            return Err(refused(path.to_owned(), response).await);
        }
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(|error| lost(path, error))?;
        Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
    }

    /// One connection a request: they are few, and none must be found closed after a long pause.
    async fn send(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, StaffError> {
        let connect = TcpStream::connect(self.target.address()).await;
        let stream = connect.map_err(|source| StaffError::Connection {
            path: path.to_owned(),
            source,
        })?;
        let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| lost(path, error))?;
        tokio::spawn(driver);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.target.address().to_string())
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(ACCEPT_LANGUAGE, "en");
        if !kind.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        let request = request
            .body(Full::new(body))
            .map_err(|error| StaffError::Unreadable {
                path: path.to_owned(),
                what: error.to_string(),
            })?;
        sender
            .send_request(request)
            .await
            .map_err(|error| lost(path, error))
    }
}

fn lost(path: &str, error: hyper::Error) -> StaffError {
    StaffError::Connection {
        path: path.to_owned(),
        source: std::io::Error::other(error),
    }
}

async fn refused(path: String, response: Response<Incoming>) -> StaffError {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await;
    let text = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned());
    StaffError::Refused {
        path,
        status,
        answer: text.unwrap_or_default().chars().take(2000).collect(),
    }
}
