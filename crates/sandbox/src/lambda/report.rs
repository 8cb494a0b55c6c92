//! The lines that Lambda itself writes to a function's log.

use std::fmt::Write as _;
use std::time::Duration;

use rand::RngExt as _;
use time::OffsetDateTime;
use time::macros::format_description;

/// What the `REPORT` line tells of an invocation.
pub(super) struct Report<'a> {
    pub request_id: &'a str,
    pub duration: Duration,
    /// `MemorySize`.
    pub memory_mb: u64,
    pub peak_bytes: u64,
    /// Time for starting the environment, in the first invocation's report.
    pub init: Option<Duration>,
    /// `error` or `timeout`, if the platform and not the handler ended the invocation.
    pub status: Option<&'a str>,
    pub error_type: Option<&'a str>,
}

/// `START RequestId: ...`
pub(super) fn start(request_id: &str) -> String {
    format!("START RequestId: {request_id} Version: $LATEST\n")
}

/// `END RequestId: ...` and `REPORT RequestId: ...`
pub(super) fn end(report: &Report<'_>) -> String {
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;
    let billed = report.duration + report.init.unwrap_or_default();
    let peak_mb = report.peak_bytes.div_ceil(1024 * 1024).min(report.memory_mb);
    let mut lines = format!(
        "END RequestId: {id}\nREPORT RequestId: {id}\tDuration: {:.2} ms\tBilled Duration: {:.0} ms\t\
         Memory Size: {} MB\tMax Memory Used: {peak_mb} MB\t",
        milliseconds(report.duration),
        milliseconds(billed).ceil(),
        report.memory_mb,
        id = report.request_id,
    );
    // Writing to a string does not fail.
    if let Some(init) = report.init {
        let _ = write!(lines, "Init Duration: {:.2} ms\t", milliseconds(init));
    }
    if let Some(status) = report.status {
        let _ = write!(lines, "Status: {status}\t");
    }
    if let Some(error_type) = report.error_type {
        let _ = write!(lines, "Error Type: {error_type}\t");
    }
    lines.push('\n');
    lines
}

/// The machine's time, milliseconds since 1970: runtimes compare deadlines with it, so no other clock serves.
pub(super) fn now_ms() -> i64 {
    (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64
}

/// The machine's time as log lines have it.
pub(super) fn timestamp() -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    OffsetDateTime::now_utc().format(&format).unwrap_or_default()
}

/// A new X-Ray trace header, not sampled.
pub(super) fn trace_id() -> String {
    let mut random = rand::rng();
    let (root, rest, parent): (u32, u64, u64) = (random.random(), random.random(), random.random());
    let seconds = OffsetDateTime::now_utc().unix_timestamp();
    format!("Root=1-{seconds:08x}-{root:08x}{rest:016x};Parent={parent:016x};Sampled=0")
}

/// A signal as the Go runtime of AWS's platform names it.
pub(super) fn signal_name(signal: i32) -> String {
    match signal {
        1 => "hangup".to_owned(),
        2 => "interrupt".to_owned(),
        4 => "illegal instruction".to_owned(),
        6 => "aborted".to_owned(),
        7 => "bus error".to_owned(),
        8 => "floating point exception".to_owned(),
        9 => "killed".to_owned(),
        11 => "segmentation fault".to_owned(),
        15 => "terminated".to_owned(),
        24 => "CPU time limit exceeded".to_owned(),
        31 => "bad system call".to_owned(),
        other => format!("signal {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_as_aws_does() {
        let report = Report {
            request_id: "8f5e9f1a-0000-4000-8000-000000000000",
            duration: Duration::from_micros(3_004),
            memory_mb: 128,
            peak_bytes: 36 * 1024 * 1024 - 1,
            init: Some(Duration::from_micros(95_560)),
            status: None,
            error_type: None,
        };
        insta::assert_snapshot!(end(&report).replace('\t', " | "), @r"
        END RequestId: 8f5e9f1a-0000-4000-8000-000000000000
        REPORT RequestId: 8f5e9f1a-0000-4000-8000-000000000000 | Duration: 3.00 ms | Billed Duration: 99 ms | Memory Size: 128 MB | Max Memory Used: 36 MB | Init Duration: 95.56 ms |
        ");
        let broken = Report { init: None, status: Some("error"), error_type: Some("Runtime.ExitError"), ..report };
        assert!(end(&broken).ends_with("Max Memory Used: 36 MB\tStatus: error\tError Type: Runtime.ExitError\t\n"));
    }
}
