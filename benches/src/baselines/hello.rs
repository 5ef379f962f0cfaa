//! The ceiling of HTTP here: axum answering a constant, with wrk on the same cores.

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::measure::{self, Budget, Measured};
use crate::wrk;

/// Requests a second with `connections` connections.
pub(super) fn hello(connections: usize, budget: &Budget) -> anyhow::Result<Measured> {
    let budget = *budget;
    measure::on_all_cores(async move {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("can't listen on loopback")?;
        let url = format!("http://{}/hello", listener.local_addr()?);
        let router = Router::new().route("/hello", get(async || "hello"));
        let server = tokio::spawn(axum::serve(listener, router).into_future());
        let measured =
            tokio::task::spawn_blocking(move || wrk::measure(&url, connections, None, &budget)).await?;
        server.abort();
        measured
    })
}
