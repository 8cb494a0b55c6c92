//! What a function writes to its standard output and error: read as it comes, and of an invocation the end kept for its answer
//! and the lines for CloudWatch Logs.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

use super::report;
use crate::logs::LogLine;

/// Bytes that `Invoke` gives back with `LogType: Tail`.
const TAIL_BYTES: usize = 4096;
/// Most bytes that are taken at the end of an invocation, so that a function cannot hold it up by writing on and on.
const LAST_BYTES: usize = 1024 * 1024;
/// What of a function's output is kept for CloudWatch Logs, of each invocation.
const MAX_LINE_BYTES: usize = 256 * 1024;
const MAX_LINES: usize = 5000;

/// The log of one invocation after the other.
#[derive(Debug, Default)]
pub(super) struct InvocationLog {
    tail: VecDeque<u8>,
    lines: Vec<LogLine>,
    /// The beginning of a line whose end has not come yet.
    open: Vec<u8>,
    /// Bytes that were taken for lines.
    taken: usize,
    is_cut: bool,
}

/// The reading end of the pipe that is a function's standard output and error.
pub(super) struct LogPipe {
    pipe: pipe::Receiver,
    buffer: Box<[u8; 65536]>,
}

impl InvocationLog {
    /// Adds what the function has written.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.append_to_tail(bytes);
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_cut {
            let room = MAX_LINE_BYTES - self.taken;
            if room == 0 || self.lines.len() >= MAX_LINES {
                self.is_cut = true;
                self.close_line();
                self.push("(The sandbox keeps 256 KiB and 5,000 lines of an invocation; the rest is left out.)\n");
                return;
            }
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1).min(room);
            let (line, after) = rest.split_at(end);
            self.open.extend_from_slice(line);
            self.taken += line.len();
            if line.ends_with(b"\n") {
                self.close_line();
            }
            rest = after;
        }
    }

    /// Adds lines of Lambda's own, which are kept whatever the function has written. Empty ones belong to the line before.
    pub(super) fn note(&mut self, text: &str) {
        self.append_to_tail(text.as_bytes());
        self.close_line();
        let mut noted = String::new();
        for line in text.split_inclusive('\n') {
            if line != "\n" && !noted.is_empty() {
                self.push(&std::mem::take(&mut noted));
            }
            noted.push_str(line);
        }
        self.push(&noted);
    }

    /// The tail and the lines so far; the next invocation's begin empty.
    pub(super) fn take(&mut self) -> (Vec<u8>, Vec<LogLine>) {
        self.close_line();
        let Self { tail, lines, .. } = std::mem::take(self);
        (tail.into(), lines)
    }

    fn append_to_tail(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        let excess = (self.tail.len() + bytes.len()).saturating_sub(TAIL_BYTES);
        self.tail.drain(..excess);
        self.tail.extend(bytes);
    }

    fn close_line(&mut self) {
        if !self.open.is_empty() {
            let line = std::mem::take(&mut self.open);
            self.push(&String::from_utf8_lossy(&line));
        }
    }

    fn push(&mut self, message: &str) {
        self.lines.push(LogLine { timestamp_ms: report::now_ms(), message: message.to_owned() });
    }
}

impl LogPipe {
    pub(super) fn new(reader: std::io::PipeReader) -> std::io::Result<Self> {
        Ok(Self { pipe: pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?, buffer: Box::new([0; 65536]) })
    }

    /// Waits for output and appends it. Pends for ever once all writers are gone.
    pub(super) async fn read(&mut self, log: &mut InvocationLog) {
        match self.pipe.read(self.buffer.as_mut_slice()).await {
            Ok(0) | Err(_) => std::future::pending().await,
            Ok(count) => log.append(&self.buffer[..count]),
        }
    }

    /// Appends what is in the pipe already: a function's answer comes by another way and may overtake its output.
    pub(super) fn drain(&mut self, log: &mut InvocationLog) {
        let mut taken = 0;
        while taken < LAST_BYTES {
            match rustix::io::read(&self.pipe, self.buffer.as_mut_slice()) {
                Ok(0) => return,
                Ok(count) => {
                    taken += count;
                    log.append(&self.buffer[..count]);
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

    fn messages(log: &mut InvocationLog) -> Vec<String> {
        log.take().1.into_iter().map(|line| line.message).collect()
    }

    #[test]
    fn keeps_only_the_end_for_the_answer() {
        let mut log = InvocationLog::default();
        log.append(b"first");
        log.append(&[b'x'; 4094]);
        log.append(b"end");
        let (kept, _) = log.take();
        assert_eq!(kept.len(), 4096);
        assert!(kept.ends_with(b"xend"));
        assert!(kept.starts_with(b"x"));
        assert!(log.take().0.is_empty());
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        let mut log = InvocationLog::default();
        log.append(b"loading\nto ");
        log.append("stdout\n\n\u{e9}".as_bytes());
        log.append(b"\xff unfinished");
        log.note("END\nREPORT\t\n");
        log.note("Task timed out\n\n");
        assert_eq!(
            messages(&mut log),
            [
                "loading\n",
                "to stdout\n",
                "\n",
                "\u{e9}\u{fffd} unfinished",
                "END\n",
                "REPORT\t\n",
                "Task timed out\n\n"
            ]
        );
        assert!(messages(&mut log).is_empty());
    }

    #[test]
    fn a_flood_is_cut_but_not_lambdas_own_lines() {
        for flood in [vec![b'x'; 300 * 1024], b"x\n".repeat(6000)] {
            let mut log = InvocationLog::default();
            log.append(&flood);
            log.append(b"more\n");
            log.note("END\n");
            let messages = messages(&mut log);
            let [.., told, end] = messages.as_slice() else { panic!("{}", messages.len()) };
            assert!(told.contains("is left out"), "{told}");
            assert_eq!(end, "END\n");
            assert!(messages.len() <= MAX_LINES + 2);
            assert!(messages.iter().map(String::len).sum::<usize>() < MAX_LINE_BYTES + 200);
        }
    }
}
