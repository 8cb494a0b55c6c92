//! What the services that speak AWS's JSON protocols have in common.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::AwsError;

/// An operation's name as in `X-Amz-Target`, without the service's prefix.
pub type Operation<'a> = &'a str;

/// Reads the body of an `awsJson` request. A body that is not JSON, or not of the operation's shape, is the client's fault.
pub(crate) fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, AwsError> {
    let body = if body.is_empty() { b"{}".as_slice() } else { body };
    serde_json::from_slice(body).map_err(|error| AwsError::client("SerializationException", error.to_string()))
}

/// Writes the body of an `awsJson` answer.
pub(crate) fn write_json<T: Serialize>(answer: &T) -> Result<Bytes, AwsError> {
    serde_json::to_vec(answer).map(Bytes::from).map_err(AwsError::internal)
}

/// The empty answer, `{}`.
pub(crate) fn empty_json() -> Bytes {
    Bytes::from_static(b"{}")
}

/// A token that says after which name the next page of a list begins.
pub(crate) fn page_token(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}

/// The name in a token that [`page_token`] made; nothing for any other text.
pub(crate) fn read_page_token(token: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}
