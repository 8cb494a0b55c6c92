//! `POST /upload`: a learner's own file of clicks, as a plain multipart form.

use app::backend::Backend as _;
use app::error::BackendError;
use app::model::{Notice, Tone, about};
use axum::extract::State;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use clickstream::{MAX_UPLOAD_BYTES, parse_upload};
use tower_sessions::Session;

use crate::backend::{self, RequestBackend};
use crate::router::WebState;
use crate::{demo, pasted_keys};

/// The whole form: the file and its small neighbours.
pub const MAX_FORM_BYTES: usize = MAX_UPLOAD_BYTES + 64 * 1024;
/// Rows a second, when the form does not say.
const DEFAULT_RATE: u32 = 1000;
/// Bytes of a file in which AWS keys are looked for.
const LOOKED_AT: usize = 64 * 1024;
/// Longest file name that is shown.
const NAME_LENGTH: usize = 80;
/// Where the form is.
const PAGE: &str = "/lab/ingest#upload";

/// Sends the good rows of the file and goes back to the page with a notice that tells what came of it.
pub async fn upload(State(state): State<WebState>, session: Session, form: Multipart) -> Response {
    let notice = match receive(&state, &session, form).await {
        Ok(message) => Notice::new(about::UPLOAD, Tone::Good, message),
        Err(error) => Notice {
            field: error.field().map(str::to_owned),
            ..Notice::new(about::UPLOAD, Tone::Bad, error.to_string())
        },
    };
    let kept = RequestBackend::new(state.headwater, session).put_notice(notice).await;
    if let Err(error) = kept {
        tracing::warn!(%error, "a notice could not be kept");
    }
    Redirect::to(PAGE).into_response()
}

async fn receive(state: &WebState, session: &Session, mut form: Multipart) -> Result<String, BackendError> {
    let seat = backend::seat(&state.headwater, session).await?.ok_or(BackendError::NoLearner)?;
    let mut file = None;
    let mut rate = DEFAULT_RATE;
    while let Some(field) = form.next_field().await.map_err(|error| incomplete(&error))? {
        match field.name() {
            Some("file") => {
                let name = file_name(&field);
                file = Some((name, field.bytes().await.map_err(|error| incomplete(&error))?));
            }
            Some("rate") => {
                rate = field.text().await.map_err(|error| incomplete(&error))?.trim().parse().map_err(|_| {
                    BackendError::Invalid {
                        field: "rate".to_owned(),
                        message: "Choose a whole number of rows a second.".to_owned(),
                    }
                })?;
            }
            _ => (),
        }
    }
    let invalid = |message: String| BackendError::Invalid { field: "file".to_owned(), message };
    let (name, bytes) =
        file.filter(|(_, bytes)| !bytes.is_empty()).ok_or_else(|| invalid("Choose a file first.".to_owned()))?;
    // A credentials file sent by mistake shows itself at its beginning.
    if pasted_keys::are_in(&String::from_utf8_lossy(&bytes[..bytes.len().min(LOOKED_AT)])) {
        return Err(invalid(pasted_keys::MESSAGE.to_owned()));
    }
    let upload = parse_upload(&bytes).map_err(|error| invalid(sentence(&error.to_string())))?;
    let (rows, bad) = (upload.rows.len(), upload.bad_line_count);
    if rows == 0 {
        let first = upload.bad_lines.first().map(|line| format!(" Line {}: {}.", line.line_number, line.reason));
        return Err(invalid(format!("No line of the file is a row of clicks.{}", first.unwrap_or_default())));
    }
    demo::send_file(&state.headwater, &seat, name, upload, rate)?;
    Ok(match bad {
        0 => format!("Sending {rows} rows of your file."),
        1 => format!("Sending {rows} rows of your file. One line is no row of clicks and is left out."),
        bad => format!("Sending {rows} rows of your file. {bad} lines are no rows of clicks and are left out."),
    })
}

/// The file's own name, for showing only.
fn file_name(field: &Field<'_>) -> String {
    let name: String =
        field.file_name().unwrap_or("file").chars().filter(|c| !c.is_control()).take(NAME_LENGTH).collect();
    if name.is_empty() { "file".to_owned() } else { name }
}

fn incomplete(error: &MultipartError) -> BackendError {
    let message = if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        format!("The file is larger than {} MiB: send a part of it.", MAX_UPLOAD_BYTES / 1024 / 1024)
    } else {
        "The file did not arrive whole. Try again.".to_owned()
    };
    BackendError::Invalid { field: "file".to_owned(), message }
}

/// Makes a sentence of an error's words.
fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}
