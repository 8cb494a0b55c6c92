//! What a function writes to its standard output and error: read as it comes, and only the end of it kept.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

/// Bytes that `Invoke` gives back with `LogType: Tail`.
const TAIL_BYTES: usize = 4096;
/// Most bytes that are taken at the end of an invocation, so that a function cannot hold it up by writing on and on.
const LAST_BYTES: usize = 1024 * 1024;

/// The last few kilobytes of an invocation's log.
#[derive(Debug, Default)]
pub(super) struct LogTail {
    bytes: VecDeque<u8>,
}

/// The reading end of the pipe that is a function's standard output and error.
pub(super) struct LogPipe {
    pipe: pipe::Receiver,
    buffer: Box<[u8; 65536]>,
}

impl LogTail {
    pub(super) fn append(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        let excess = (self.bytes.len() + bytes.len()).saturating_sub(TAIL_BYTES);
        self.bytes.drain(..excess);
        self.bytes.extend(bytes);
    }

    /// The tail so far; the next invocation's begins empty.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes).into()
    }
}

impl LogPipe {
    pub(super) fn new(reader: std::io::PipeReader) -> std::io::Result<Self> {
        Ok(Self { pipe: pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?, buffer: Box::new([0; 65536]) })
    }

    /// Waits for output and appends it. Pends for ever once all writers are gone.
    pub(super) async fn read(&mut self, tail: &mut LogTail) {
        match self.pipe.read(self.buffer.as_mut_slice()).await {
            Ok(0) | Err(_) => std::future::pending().await,
            Ok(count) => tail.append(&self.buffer[..count]),
        }
    }

    /// Appends what is in the pipe already: a function's answer comes by another way and may overtake its output.
    pub(super) fn drain(&mut self, tail: &mut LogTail) {
        let mut taken = 0;
        while taken < LAST_BYTES {
            match rustix::io::read(&self.pipe, self.buffer.as_mut_slice()) {
                Ok(0) => return,
                Ok(count) => {
                    taken += count;
                    tail.append(&self.buffer[..count]);
                }
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_only_the_end() {
        let mut tail = LogTail::default();
        tail.append(b"first");
        tail.append(&[b'x'; 4094]);
        tail.append(b"end");
        let kept = tail.take();
        assert_eq!(kept.len(), 4096);
        assert!(kept.ends_with(b"xend"));
        assert!(kept.starts_with(b"x"));
        assert!(tail.take().is_empty());
    }
}
