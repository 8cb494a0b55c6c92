//! A request's body that does not wait for a client for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

/// Fails when the client pauses too long. What is known of its length is passed on, which `tower_http`'s own does not do.
pub(crate) struct Paced {
    body: Incoming,
    pause: Duration,
    /// Runs while the client is waited for.
    wait: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    pub(crate) fn new(body: Incoming, pause: Duration) -> Self {
        Self { body, pause, wait: None }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.wait = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let pause = self.pause;
        let wait = self.wait.get_or_insert_with(|| Box::pin(sleep(pause)));
        ready!(wait.as_mut().poll(context));
        Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
