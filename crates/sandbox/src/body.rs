//! Reads request bodies into memory, bounded in size, in time and in what each account may hold.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use crate::fair_share::{FairShare, Share};
use crate::{AccountId, AwsError};

const MIB: usize = 1024 * 1024;

/// What bodies may take, in bytes and time.
#[derive(Clone, Copy, Debug)]
struct BodyLimits {
    /// Bytes of all bodies that are being received or served.
    all: usize,
    /// Bytes of those of one account.
    account: usize,
    /// How long a client may take before its rate counts.
    grace: Duration,
    /// Bytes a second that it must send from then on.
    least_rate: usize,
    /// How long it may take in any case.
    longest: Duration,
}

const LIMITS: BodyLimits = BodyLimits {
    all: 512 * MIB,
    account: 128 * MIB,
    grace: Duration::from_secs(30),
    least_rate: 32 * 1024,
    longest: Duration::from_secs(300),
};

/// The room for the bodies of all requests but S3's, which are not kept in memory.
#[derive(Clone, Debug)]
pub(crate) struct Bodies {
    limits: BodyLimits,
    room: FairShare,
}

/// A body with the room that it takes.
struct HeldBody {
    bytes: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for HeldBody {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    pub(crate) fn new() -> Self {
        Self::with_limits(LIMITS)
    }

    fn with_limits(limits: BodyLimits) -> Self {
        Self { limits, room: FairShare::new(limits.all, limits.account) }
    }

    /// Reads a body of at most `limit` bytes, which the account is charged for until the last clone of it is dropped.
    ///
    /// The account is the one whose key the request presents; that its secret signed the request is proven only by the
    /// whole body. Room is taken as bytes arrive, so that one who knows another's key must send them all the same.
    pub(crate) async fn read(
        &self,
        account: &AccountId,
        parts: &Parts,
        mut body: Body,
        limit: usize,
    ) -> Result<Bytes, AwsError> {
        let declared = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        let declared = declared.unwrap_or_default();
        if declared > limit {
            return Err(too_large(limit));
        }
        let mut share = self.room.share(account);
        if !share.could_grow(declared) {
            return Err(no_room());
        }
        let mut bytes = Vec::new();
        let begun = Instant::now();
        loop {
            let earned = Duration::from_secs((bytes.len() / self.limits.least_rate) as u64);
            let deadline = begun + (self.limits.grace + earned).min(self.limits.longest);
            let Ok(frame) = timeout_at(deadline, body.frame()).await else { return Err(too_slow()) };
            let frame = match frame {
                None => break,
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    return Err(AwsError::client("IncompleteBody", format!("The request's body broke off: {error}")));
                }
            };
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > limit {
                return Err(too_large(limit));
            }
            if !share.grow(data.len()) {
                return Err(no_room());
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Bytes::from_owner(HeldBody { bytes, _share: share }))
    }
}

fn too_large(limit: usize) -> AwsError {
    AwsError::client(
        "RequestEntityTooLargeException",
        format!("Request must be smaller than {limit} bytes for this service."),
    )
    .with_status(413)
}

fn too_slow() -> AwsError {
    AwsError::client("RequestTimeout", "The request's body did not come in time.").with_status(408)
}

/// SDKs try again after this one.
fn no_room() -> AwsError {
    AwsError::client("ServiceUnavailable", "The requests under way hold too much already. Please try again.")
        .with_status(503)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::StreamExt as _;
    use futures::stream;
    use http::Request;

    use super::*;

    const SMALL: BodyLimits = BodyLimits {
        all: 8 * MIB,
        account: 4 * MIB,
        grace: Duration::from_millis(500),
        least_rate: 32 * 1024,
        longest: Duration::from_secs(300),
    };

    fn account(number: usize) -> AccountId {
        format!("{number:012}").parse().unwrap()
    }

    fn parts(declared: usize) -> Parts {
        Request::post("/").header(CONTENT_LENGTH, declared).body(()).unwrap().into_parts().0
    }

    /// A body of these bytes that then neither goes on nor ends.
    fn stalled(bytes: usize) -> Body {
        let sent = stream::iter([Ok::<_, Infallible>(Bytes::from(vec![0; bytes]))]);
        Body::from_stream(sent.chain(stream::pending()))
    }

    async fn read(bodies: &Bodies, number: usize, declared: usize, body: Body) -> Result<Bytes, AwsError> {
        bodies.read(&account(number), &parts(declared), body, 4 * MIB).await
    }

    #[tokio::test]
    async fn declared_lengths_take_nothing_from_others() {
        let bodies = Bodies::with_limits(BodyLimits { grace: Duration::from_secs(60), ..SMALL });
        let waiting: Vec<_> = (0..20)
            .map(|_| {
                let bodies = bodies.clone();
                tokio::spawn(async move { read(&bodies, 1, 4 * MIB, stalled(0)).await })
            })
            .collect();
        tokio::task::yield_now().await;
        let whole = read(&bodies, 2, 2 * MIB, Body::from(vec![1; 2 * MIB])).await.unwrap();
        assert_eq!(whole.len(), 2 * MIB);
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
    }

    #[tokio::test]
    async fn a_body_is_charged_until_its_last_clone_is_gone() {
        let bodies = Bodies::with_limits(SMALL);
        let first = read(&bodies, 1, 3 * MIB, Body::from(vec![1; 3 * MIB])).await.unwrap();
        let part = first.slice(..10);
        drop(first);
        for declared in [0, 2 * MIB] {
            let refused = read(&bodies, 1, declared, Body::from(vec![1; 2 * MIB])).await.unwrap_err();
            assert_eq!((refused.code.as_str(), refused.status), ("ServiceUnavailable", 503));
        }
        assert!(read(&bodies, 2, 2 * MIB, Body::from(vec![1; 2 * MIB])).await.is_ok());
        drop(part);
        assert!(read(&bodies, 1, 2 * MIB, Body::from(vec![1; 2 * MIB])).await.is_ok());
    }

    #[tokio::test]
    async fn small_bodies_take_room_too() {
        let bodies = Bodies::with_limits(SMALL);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(read(&bodies, 1, MIB, Body::from(vec![1; MIB])).await.unwrap());
        }
        assert!(read(&bodies, 1, 1, Body::from("x")).await.is_err());
        assert!(read(&bodies, 2, MIB, Body::from(vec![1; MIB])).await.is_ok());
    }

    #[tokio::test]
    async fn a_slow_body_is_given_up_and_its_room_given_back() {
        let bodies = Bodies::with_limits(SMALL);
        let refused = read(&bodies, 1, 1000, stalled(10)).await.unwrap_err();
        assert_eq!((refused.code.as_str(), refused.status), ("RequestTimeout", 408));
        assert!(read(&bodies, 1, 4 * MIB, Body::from(vec![1; 4 * MIB])).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_is_bounded_whatever_it_declares() {
        let bodies = Bodies::with_limits(SMALL);
        for (declared, body) in [(4 * MIB + 1, Body::empty()), (0, Body::from(vec![1; 4 * MIB + 1]))] {
            let refused = read(&bodies, 1, declared, body).await.unwrap_err();
            assert_eq!((refused.code.as_str(), refused.status), ("RequestEntityTooLargeException", 413));
        }
    }
}
