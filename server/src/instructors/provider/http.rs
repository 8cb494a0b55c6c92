//! The client that asks the provider: bounded in time and size, and without redirects, which could lead anywhere.

use std::pin::Pin;

use anyhow::Context as _;
use deliveries::bounded_client;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use thiserror::Error;

/// Longest answer, in bytes; key sets are a few thousand.
const LONGEST: usize = 1024 * 1024;

pub struct Http(reqwest::Client);

/// There is no answer.
#[derive(Debug, Error)]
pub enum HttpError {
    #[error("{0}")]
    Request(String),
    #[error("the answer is longer than {LONGEST} bytes")]
    TooLong,
}

impl Http {
    pub fn new(https_only: bool) -> anyhow::Result<Self> {
        let client = bounded_client().https_only(https_only).build();
        Ok(Self(client.context("the client for the OpenID Connect provider cannot be set up")?))
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = request.try_into().map_err(|error| failed(&error))?;
        let mut response = self.0.execute(request).await.map_err(|error| failed(&error))?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| failed(&error))? {
            if body.len() + piece.len() > LONGEST {
                return Err(HttpError::TooLong);
            }
            body.extend_from_slice(&piece);
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// In words, without the URL, which may hold a code.
fn failed(error: &reqwest::Error) -> HttpError {
    HttpError::Request(match error {
        error if error.is_timeout() => "there was no answer in time".to_owned(),
        error if error.is_connect() => "no connection could be made".to_owned(),
        _ => "the connection was lost, or the request could not be made".to_owned(),
    })
}
