//! Uploads on their way: a file in the data folder, removed when the import is done, whatever happened.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use http_body_util::BodyExt;
use tokio::io::AsyncWriteExt;

use crate::problem::{Code, Problem};

const PREFIX: &str = "upload-";
static NEXT: AtomicU64 = AtomicU64::new(1);

/// One upload, on disk.
#[derive(Debug)]
pub(super) struct Spooled(PathBuf);

impl Spooled {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        // One that stays behind is removed at the next start.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Receives a body of at most `bytes_max` into a file.
pub(super) async fn receive(folder: &Path, mut body: Body, bytes_max: u64) -> Result<Spooled, Problem> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("{PREFIX}{}-{number}.csv", std::process::id()));
    let failed = |error: std::io::Error| {
        tracing::error!(error = %error, "an upload could not be kept in the data folder");
        Problem::new(Code::StoreUnavailable).detailed((
            "无法保存上传的文件：磁盘是否已满？",
            "The upload could not be kept: is the disk full?",
        ))
    };
    tokio::fs::create_dir_all(folder).await.map_err(failed)?;
    let file = tokio::fs::File::create_new(&path).await.map_err(failed)?;
    let spooled = Spooled(path);
    let mut file = tokio::io::BufWriter::with_capacity(262_144, file);
    let mut received = 0_u64;
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|_| Problem::unreadable(("请求内容没有完整到达。", "The body did not arrive whole.")))?;
        let Ok(data) = frame.into_data() else { continue };
        received += data.len() as u64;
        if received > bytes_max {
            return Err(Problem::new(Code::PayloadTooLarge).detailed((
                format!("导入文件不得超过 {bytes_max} 字节（--import-bytes-max）。"),
                format!("An import takes at most {bytes_max} bytes (--import-bytes-max)."),
            )));
        }
        file.write_all(&data).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok(spooled)
}

/// Removes uploads that a crash left behind.
pub fn clear_spool(folder: &Path) {
    let Ok(files) = std::fs::read_dir(folder) else {
        return;
    };
    for file in files.flatten() {
        let is_upload = file
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        if is_upload {
            let _ = std::fs::remove_file(file.path());
        }
    }
}
