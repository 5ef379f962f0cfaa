//! The whole server around an engine, ready for a listener: every operation, the documents, and the frame that all
//! requests pass. What `serve` starts and what the end-to-end tests talk to is this and nothing else.

use std::path::PathBuf;
use std::time::Duration;

use kaowei_engine::Engine;

use super::{Frame, Routes};
use crate::entry::AccessSettings;
use crate::openapi;
use crate::public;
use crate::state::{App, AssembleError, Limits};

/// Puts it together; uploads are kept in `spool` while they arrive.
///
/// # Errors
/// [`AssembleError`].
pub fn assemble(
    engine: Engine,
    spool: PathBuf,
    limits: Limits,
    access: AccessSettings,
) -> Result<(App, Frame), AssembleError> {
    let (router, document) = openapi::routes();
    let templates = document.paths.paths.keys().cloned().collect::<Vec<_>>();
    let app = App::new(engine, openapi::bytes(&document)?, spool, limits, access)?;
    let frame = Frame::new(
        router.merge(public::swagger()).with_state(app.clone()),
        Routes::new(templates),
        |template| template.starts_with("/v1/staff/imports") || template.starts_with("/v1/staff/exports"),
        app.start,
        app.streams.clone(),
        Duration::from_secs(limits.request_seconds_max.into()),
    );
    Ok((app, frame))
}
