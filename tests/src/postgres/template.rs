//! A new cluster's data folder, copied from one that was made before: a fifth of `initdb`'s time.
//!
//! Promises: the template appears under its name whole or not at all (it is renamed into place), is made anew for
//! another version or account, and lies in cargo's target folder, so `cargo clean` removes it. Nothing here is needed
//! for a cluster to work: when a template can't be kept, the next test runs `initdb` again.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::installation::Installation;
use super::{SUPERUSER, run};

/// Fills `data` (which must not exist yet) with a fresh cluster.
pub(super) fn fill(data: &Path, installation: &Installation) -> anyhow::Result<()> {
    let template = template_folder(installation)?;
    if let Some(template) = template.as_ref().filter(|folder| folder.is_dir()) {
        return copy(template, data);
    }
    let initdb = &mut installation.server("initdb");
    initdb.arg("-D").arg(data).current_dir("/");
    initdb.args([
        "--no-sync",
        "--no-locale",
        "--encoding=UTF8",
        "--auth=trust",
        "--username",
        SUPERUSER,
    ]);
    run(initdb).context("can't make a PostgreSQL cluster")?;
    if let Some(template) = template {
        let _ = keep(data, &template);
    }
    Ok(())
}

/// Several processes may come here at once: the first rename wins, the others' copies are dropped.
fn keep(data: &Path, template: &Path) -> anyhow::Result<()> {
    let parent = template.parent().context("the template has no parent folder")?;
    let unfinished = tempfile::Builder::new()
        .prefix("postgres-unfinished-")
        .tempdir_in(parent)?;
    let copied = unfinished.path().join("data");
    copy(data, &copied)?;
    std::fs::rename(copied, template)?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    run(Command::new("cp")
        .args(["-a", "--reflink=auto", "--"])
        .arg(from)
        .arg(to))
    .map(drop)
}

/// `None` for a test program outside cargo's target folder: the temporary folder would be no place for a template, since
/// anybody could lay one there first.
fn template_folder(installation: &Installation) -> anyhow::Result<Option<PathBuf>> {
    let program = std::env::current_exe()?;
    // Cargo marks its target folder with this file.
    let Some(target) = program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
    else {
        return Ok(None);
    };
    let user = rustix::process::geteuid().as_raw();
    Ok(Some(target.join(format!(
        "postgres-template-{}-of-{user}",
        installation.version()?
    ))))
}
