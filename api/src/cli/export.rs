//! `kaowei export`

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http::Method;
use http_body_util::BodyExt;
use kaowei_engine::ExportKind;

use super::client::{succeeded, whole};
use super::target::{Target, operator, told};
use super::task::{ExportArguments, ExportName};

/// Writes an export to standard output.
pub(super) async fn export(arguments: ExportArguments) -> Result<ExitCode> {
    let (kind, name) = match arguments.kind {
        ExportName::Claims => (ExportKind::Claims, "claims"),
        ExportName::Enrolments => (ExportKind::Enrolments, "enrolments"),
        ExportName::Orders => (ExportKind::Orders, "orders"),
        ExportName::Audit => (ExportKind::Audit, "audit"),
    };
    match Target::of(&arguments.store).await? {
        Target::Store(engine) => {
            let written = async {
                let chunks = engine.export(&operator(), kind).await.map_err(told)?;
                write(chunks.map_err(anyhow::Error::from)).await
            };
            let written = written.await;
            engine.close().await;
            written?;
        }
        Target::Server(client) => {
            let path = format!("/v1/staff/exports/{name}.csv");
            let response = client.send(Method::GET, &path, "text/csv", whole("")).await?;
            let body = succeeded(response).await?.into_body();
            let chunks = body.into_data_stream().map_err(anyhow::Error::from);
            write(chunks).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn write(chunks: impl Stream<Item = Result<Bytes>>) -> Result<()> {
    let mut chunks = std::pin::pin!(chunks);
    let mut out = std::io::stdout();
    while let Some(chunk) = chunks.try_next().await.context("the export broke off")? {
        out.write_all(&chunk).context("the export can't be written")?;
    }
    out.flush().context("the export can't be written")
}
