//! Reads a CSV file on a thread of its own, which steps back before claims, and hands over slices that are ready to be
//! applied.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use kaowei_core::registration::ImportKind;
use kaowei_core::sites::Scope;
use tokio::sync::mpsc;

use super::apply::Slice;
use super::line::{Columns, Context, WrongCell};
use super::{BadLine, file_failed};
use crate::background::step_back;
use crate::failure::Denied;
use crate::fault::Fault;
use crate::incarnation::Incarnation;

/// How many lines make a slice.
const LINES: usize = 5_000;

/// A slice of a file.
pub(super) struct Chunk {
    /// Good lines; none when only validating.
    pub(super) slice: Slice,
    /// How many were good.
    pub(super) good: u64,
    pub(super) bad: Vec<BadLine>,
    pub(super) bytes_read: u64,
    pub(super) bytes: u64,
}

/// What a file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To know what is wrong with it.
    Validate,
    /// To apply its good lines.
    Apply,
}

/// Starts reading.
pub(super) fn read(
    incarnation: Arc<Incarnation>,
    scope: Scope,
    kind: ImportKind,
    file: &Path,
    purpose: Purpose,
) -> Result<mpsc::Receiver<Result<Chunk, Denied>>, Denied> {
    let file = File::open(file).map_err(|error| file_failed(&error))?;
    let bytes = file.metadata().map_err(|error| file_failed(&error))?.len();
    let (sender, chunks) = mpsc::channel(4);
    let spawned = std::thread::Builder::new().name("import".into()).spawn(move || {
        step_back();
        let context = Context::new(incarnation, scope);
        if let Err(denied) = read_all(file, bytes, kind, &context, purpose, &sender) {
            sender.blocking_send(Err(denied)).ok();
        }
    });
    spawned.map_err(|error| file_failed(&error))?;
    Ok(chunks)
}

fn read_all(
    file: File,
    bytes: u64,
    kind: ImportKind,
    context: &Context,
    purpose: Purpose,
    chunks: &mpsc::Sender<Result<Chunk, Denied>>,
) -> Result<(), Denied> {
    let buffered = std::io::BufReader::with_capacity(1 << 16, file);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(buffered);
    let header = reader.headers().map_err(unread)?;
    let columns = Columns::of(kind, header)?;
    let fresh = || Chunk {
        slice: Slice::default(),
        good: 0,
        bad: Vec::new(),
        bytes_read: 0,
        bytes,
    };
    let mut chunk = fresh();
    let mut lines = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        let more = reader.read_record(&mut record);
        chunk.bytes_read = reader.position().byte();
        let line = record.position().map_or(0, csv::Position::line);
        match more {
            Ok(false) => break,
            Ok(true) => match columns.parse(&record, context) {
                Ok(parsed) => {
                    chunk.good += 1;
                    if purpose == Purpose::Apply {
                        lines.push((line, parsed));
                    }
                }
                Err(WrongCell { column, fault }) => chunk.bad.push(BadLine { line, column, fault }),
            },
            Err(error) => match error.position() {
                Some(position) => chunk.bad.push(BadLine {
                    line: position.line(),
                    column: None,
                    fault: Fault::NotUtf8,
                }),
                None => return Err(unread(error)),
            },
        }
        if chunk.good + chunk.bad.len() as u64 >= LINES as u64 {
            let mut full = std::mem::replace(&mut chunk, fresh());
            full.slice = Slice::new(std::mem::take(&mut lines), context.secrets())?;
            if chunks.blocking_send(Ok(full)).is_err() {
                return Ok(());
            }
        }
    }
    chunk.bytes_read = bytes;
    chunk.slice = Slice::new(lines, context.secrets())?;
    chunks.blocking_send(Ok(chunk)).ok();
    Ok(())
}

/// Why nothing more can be read: the disk, or a header that is no text. A line that is none is only a bad line.
fn unread(error: csv::Error) -> Denied {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => file_failed(&error),
        _ => Denied::Unreadable(Fault::NotUtf8),
    }
}
