//! The server under test, as a process of ours.
//!
//! Promises: its address is learnt from its own output, so that no port is guessed; its log is in a file and its last
//! lines are in the error if it does not come up.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr};
use tokio::sync::oneshot;

use super::Interrupt;
use super::command::{end, last_lines, prepared};
use crate::client::Target;

/// How long a server may take until it listens, recovery included.
const START_MAX: Duration = Duration::from_mins(2);

/// Why the server is not there.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It could not be started.
    #[error("can't start the server {program}")]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It ended, or did not listen in time.
    #[error("the server did not come up; its last lines:\n{said}")]
    NotUp {
        /// Its last lines.
        said: String,
    },
    /// The user asked for the end.
    #[error("interrupted")]
    Interrupted,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it answers.
    pub target: Target,
    /// Where its metrics are.
    pub metrics: Option<String>,
    /// Its log.
    pub log: PathBuf,
}

impl Server {
    /// Starts the server on ports of the system's choice and waits until it listens.
    pub async fn start(
        program: &Path,
        store_arguments: &[OsString],
        log: &Path,
        interrupt: &Interrupt,
    ) -> Result<Self, ServerError> {
        let own = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--metrics-listen",
            "127.0.0.1:0",
        ];
        let arguments: Vec<OsString> = own
            .iter()
            .map(Into::into)
            .chain(store_arguments.iter().cloned())
            .collect();
        let failed = |source| ServerError::Start {
            program: program.to_owned(),
            source,
        };
        let mut child = prepared(program, &arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (found, address) = oneshot::channel();
        if let Some(stderr) = child.stderr.take() {
            let file = tokio::fs::File::create(log).await.map_err(failed)?;
            tokio::spawn(keep_log(stderr, file, found));
        }
        let up = tokio::select! {
            found = address => found.ok(),
            _ = child.wait() => None,
            () = tokio::time::sleep(START_MAX) => None,
            () = interrupt.nth(1) => {
                end(&mut child).await;
                return Err(ServerError::Interrupted);
            }
        };
        let Some((target, metrics)) = up else {
            end(&mut child).await;
            return Err(ServerError::NotUp {
                said: last_lines(log, 20),
            });
        };
        Ok(Self {
            child,
            target,
            metrics,
            log: log.to_owned(),
        })
    }

    /// Its process id.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it in order. Whether it ended well.
    pub async fn stop(mut self) -> bool {
        end(&mut self.child).await.is_some_and(|status| status.success())
    }
}

type Found = (Target, Option<String>);

/// Copies the server's lines into its log and picks the addresses out of the first ones.
async fn keep_log(stderr: ChildStderr, mut file: tokio::fs::File, found: oneshot::Sender<Found>) {
    let mut lines = BufReader::new(stderr).lines();
    let (mut found, mut metrics) = (Some(found), None);
    while let Ok(Some(line)) = lines.next_line().await {
        // The log is for people; that it can't be written must not stop the server by a full pipe.
        let _ = file.write_all(line.as_bytes()).await;
        let _ = file.write_all(b"\n").await;
        let _ = file.flush().await;
        if let Some(url) = url_after(&line, "metrics on ") {
            metrics = Some(url.to_owned());
        } else if let Some(target) = url_after(&line, "listening on ").and_then(|url| url.parse().ok())
            && let Some(found) = found.take()
        {
            // The other line may stand before or after this one, or be missing.
            let _ = found.send((target, metrics.clone()));
        }
    }
}

fn url_after<'a>(line: &'a str, words: &str) -> Option<&'a str> {
    let rest = &line[line.find(words)? + words.len()..];
    let url = rest.split_whitespace().next()?;
    let end = url.find(['"', '\'', '\u{1b}', ',']).unwrap_or(url.len());
    url[..end].starts_with("http://").then_some(&url[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_plain_and_decorated_lines() {
        for line in [
            "listening on http://127.0.0.1:4711",
            "2026-09-10T01:00:00Z  INFO kaowei: listening on http://127.0.0.1:4711 store=sqlite",
            "{\"message\":\"listening on http://127.0.0.1:4711\"}",
        ] {
            assert_eq!(
                url_after(line, "listening on "),
                Some("http://127.0.0.1:4711"),
                "{line}"
            );
        }
        assert_eq!(
            url_after("metrics on http://127.0.0.1:1/metrics", "metrics on "),
            Some("http://127.0.0.1:1/metrics")
        );
        assert_eq!(url_after("listening on a socket", "listening on "), None);
    }
}
