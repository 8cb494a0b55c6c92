//! `GET /teach/classes/{id}/results.csv` and `results.json`: the results of a class as files.

use std::io::{self, Write};
use std::time::Duration;

use app::error::BackendError;
use app::model::teach::Right;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use classroom::{ExportError, ExportWriter, ExportedClass, write_csv};
use std::collections::HashMap;
use store::{ClassId, Store, StoreError};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

use super::Classes;
use super::access::{InClass, enter};
use super::board_state::now_ms;
use crate::instructors::AuthSession;
use crate::refusal;
use crate::router::WebState;
use crate::state::{internal, store_failed};

/// Entries of the log that are in memory at once.
const PAGE: u32 = 1000;
/// A file goes out in pieces of this size.
const PIECE: usize = 64 * 1024;
/// Pieces that may wait for a slow reader.
const PIECES: usize = 4;
/// A reader who takes no piece for this long is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest part of a file's name that the class's name makes.
const NAME: usize = 60;

/// An export broke off; the file is not whole, which its reader sees by the connection's end.
#[derive(Debug, Error)]
enum Broken {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// The table for a spreadsheet.
pub async fn results_csv(
    State(state): State<WebState>,
    Extension(auth): Extension<AuthSession>,
    Path(class): Path<String>,
) -> Response {
    csv(&state.classes, auth, &class).await.unwrap_or_else(|error| refusal::status(&error).into_response())
}

/// The whole log with the grades that follow from it, as `headwater audit` verifies it.
pub async fn results_json(
    State(state): State<WebState>,
    Extension(auth): Extension<AuthSession>,
    Path(class): Path<String>,
) -> Response {
    json(&state.classes, auth, &class).await.unwrap_or_else(|error| refusal::status(&error).into_response())
}

async fn csv(classes: &Classes, auth: AuthSession, class: &str) -> Result<Response, BackendError> {
    let (entered, turn) = begin(classes, auth, class).await?;
    let names = names(classes.headwater().store(), &entered.id).await.map_err(store_failed)?;
    let name = entered.board.read(|state| state.class.name.clone());
    let table = spawn_blocking(move || {
        let _turn = turn;
        let mut table = Vec::new();
        entered.board.read(|state| write_csv(&mut table, state.board(), |id| names.get(id).cloned()))?;
        Ok::<_, csv::Error>(table)
    });
    let table = table.await.map_err(internal)?.map_err(internal)?;
    Ok(file("text/csv; charset=utf-8", &name, "csv", Body::from(table)))
}

async fn json(classes: &Classes, auth: AuthSession, class: &str) -> Result<Response, BackendError> {
    let (entered, turn) = begin(classes, auth, class).await?;
    let store = classes.headwater().store().clone();
    let (name, last) = entered.board.read(|state| (state.class.name.clone(), state.board().head().seq));
    let exported = ExportedClass { id: entered.id.to_string(), name: name.clone() };
    let (pieces, body) = mpsc::channel(PIECES);
    let handle = Handle::current();
    spawn_blocking(move || {
        let _turn = turn;
        let out = Pieces { handle: handle.clone(), pieces: pieces.clone(), piece: Vec::with_capacity(PIECE) };
        if let Err(error) = write(&handle, &store, &entered.id, exported, last, out) {
            tracing::warn!(%error, "an export broke off");
            // The reader may be the one who broke it off.
            let _ = pieces.try_send(Err(io::Error::other("the export broke off")));
        }
    });
    Ok(file("application/json", &name, "json", Body::from_stream(ReceiverStream::new(body))))
}

async fn begin(
    classes: &Classes,
    auth: AuthSession,
    class: &str,
) -> Result<(InClass, OwnedSemaphorePermit), BackendError> {
    let who = auth.user.map(|user| user.instructor);
    let entered = enter(classes, who, class, Right::See).await?;
    let turn = classes.0.exports.clone().try_acquire_owned().map_err(|_| BackendError::Busy)?;
    Ok((entered, turn))
}

/// Writes the log up to entry `last`, page by page, then what follows from it.
fn write(
    handle: &Handle,
    store: &Store,
    class: &ClassId,
    exported: ExportedClass,
    last: i64,
    out: Pieces,
) -> Result<(), Broken> {
    let mut writer = ExportWriter::new(out, exported, now_ms())?;
    let mut seq = 0;
    while seq < last {
        let entries = handle.block_on(store.log_after(class, seq, PAGE))?;
        if entries.is_empty() {
            break;
        }
        for entry in entries.iter().filter(|entry| entry.seq <= last) {
            writer.entry(entry)?;
        }
        seq = entries.last().map_or(last, |entry| entry.seq);
    }
    let names = handle.block_on(names(store, class))?;
    writer.finish(|id| names.get(id).cloned())?;
    Ok(())
}

/// What learners are called, by id.
async fn names(store: &Store, class: &ClassId) -> Result<HashMap<String, String>, StoreError> {
    let members = store.members(class).await?;
    Ok(members.into_iter().filter_map(|member| Some((member.learner.to_string(), member.name?))).collect())
}

fn file(kind: &'static str, class_name: &str, ending: &str, body: Body) -> Response {
    let disposition = format!("attachment; filename=\"{}.{ending}\"", file_name(class_name));
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (StatusCode::OK, headers, body).into_response()
}

/// A name that every file system takes.
fn file_name(class_name: &str) -> String {
    let safe = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let letters: String = class_name.chars().map(safe).take(NAME).collect();
    let words: Vec<&str> = letters.split('-').filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "class-results".to_owned() } else { format!("{}-results", words.join("-")) }
}

/// Writes to the body of an answer, and waits while its reader is slow.
struct Pieces {
    handle: Handle,
    pieces: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        if piece.is_empty() {
            return Ok(());
        }
        match self.handle.block_on(timeout(PATIENCE, self.pieces.send(Ok(piece)))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_after_the_class_without_surprises() {
        assert_eq!(file_name("Data engineering, Monday"), "data-engineering-monday-results");
        assert_eq!(file_name("../../etc\"\r\nX: y"), "etc-x-y-results");
        assert_eq!(file_name("数据"), "class-results");
    }
}
