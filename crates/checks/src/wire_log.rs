//! The wire log: what was really sent, one JSON line a request, and the auditor who reads it.
//!
//! The guard believes the SDK about which operation it is; this log does not. Tests are run with it, and afterwards
//! [`audit`] compares each line with the table of calls.

use std::{fs::OpenOptions, io::Write, net::IpAddr, path::PathBuf};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextRef},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    api_calls::{self, Access, Caller},
    wire::WireCall,
};

/// The environment variable that names the file. Without it nothing is written.
pub const WIRE_LOG_VARIABLE: &str = "HEADWATER_WIRE_LOG";

/// A line of the log: one HTTP request, retries included. It holds no credentials and no body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireLine {
    /// Who sent it: [`Caller::as_str`].
    pub by: String,
    /// The host, with its port if it has one.
    pub host: String,
    /// The service, told from the request.
    pub service: String,
    /// The operation, told from the request.
    pub operation: String,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
}

/// An interceptor that appends what is sent to the file named by [`WIRE_LOG_VARIABLE`].
#[derive(Debug, Clone)]
pub struct WireLog {
    by: &'static str,
    file: Option<PathBuf>,
}

impl WireLog {
    /// The log of the clients of `caller`.
    pub fn of(caller: Caller) -> Self {
        let file = std::env::var_os(WIRE_LOG_VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
        Self { by: caller.as_str(), file }
    }

    /// The log of the clients that make things for a learner in the sandbox. They may do so nowhere else.
    pub fn of_workbench() -> Self {
        Self { by: WORKBENCH, ..Self::of(Caller::Checks) }
    }
}

/// Who makes things in the sandbox, in the log.
const WORKBENCH: &str = "workbench";

/// The log cannot be written; the request is not sent then.
#[derive(Debug, Error)]
#[error("the wire log {} cannot be written", file.display())]
struct Unwritable {
    file: PathBuf,
    source: std::io::Error,
}

impl Intercept for WireLog {
    fn name(&self) -> &'static str {
        "WireLog"
    }

    // Once for each attempt, when the request is signed and about to be sent.
    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(file) = &self.file else { return Ok(()) };
        let WireCall { host, service, operation, method, path, .. } = WireCall::of(context.request());
        let line = WireLine { by: self.by.to_owned(), host, service, operation, method, path };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        // In one write, so that lines of several processes do not mix.
        let written =
            OpenOptions::new().create(true).append(true).open(file).and_then(|mut file| file.write_all(&text));
        written.map_err(|source| Unwritable { file: file.clone(), source }.into())
    }
}

/// What is wrong with a line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuditFault {
    /// It is no line of the log.
    #[error("line {number} cannot be read: {why}")]
    Unreadable {
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The call is not in the table.
    #[error("line {number}: {call} by {by} is not in the table of calls")]
    NotInTheTable {
        /// Counted from 1.
        number: usize,
        /// The call, as "firehose:PutRecord".
        call: String,
        /// Who made it.
        by: String,
    },
    /// Something was made in a place that may be AWS.
    #[error("line {number}: {call} by {WORKBENCH} was sent to {host}, which is not this machine's sandbox")]
    NotInTheSandbox {
        /// Counted from 1.
        number: usize,
        /// The call.
        call: String,
        /// Where it was sent.
        host: String,
    },
    /// The call is in the table, for others.
    #[error("line {number}: {call} is not for {by} to make")]
    NotTheirs {
        /// Counted from 1.
        number: usize,
        /// The call.
        call: String,
        /// Who made it.
        by: String,
    },
}

/// What an audit saw.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// How many lines were in order.
    pub good: usize,
    /// What was not.
    pub faults: Vec<AuditFault>,
}

/// Compares each line of a wire log with the table: the call must be in it, and granted to who made it. Only
/// the sender sends; only the checks run a function. What makes things does so on this machine alone.
pub fn audit(log: &str) -> Audit {
    let mut audit = Audit::default();
    for (index, text) in log.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        match judge(index + 1, text) {
            Ok(()) => audit.good += 1,
            Err(fault) => audit.faults.push(fault),
        }
    }
    audit
}

fn judge(number: usize, text: &str) -> Result<(), AuditFault> {
    let line: WireLine =
        serde_json::from_str(text).map_err(|error| AuditFault::Unreadable { number, why: error.to_string() })?;
    let call = format!("{}:{}", line.service, line.operation);
    if line.by == WORKBENCH {
        let address = line.host.rsplit_once(':').map_or(line.host.as_str(), |(address, _)| address);
        let is_loopback = address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        return if is_loopback { Ok(()) } else { Err(AuditFault::NotInTheSandbox { number, call, host: line.host }) };
    }
    let Some(entry) = api_calls::ALL.iter().find(|entry| entry.to_string() == call) else {
        return Err(AuditFault::NotInTheTable { number, call, by: line.by });
    };
    let caller = Caller::ALL.into_iter().find(|caller| caller.as_str() == line.by);
    let may = caller.is_some_and(|caller| {
        caller.may(entry)
            && match entry.access {
                Access::Read => true,
                Access::ConsentedInvoke => caller == Caller::Checks,
                Access::DemoSend => caller == Caller::Sender,
            }
    });
    if may { Ok(()) } else { Err(AuditFault::NotTheirs { number, call, by: line.by }) }
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::{
        interceptors::context::{Input, InterceptorContext},
        runtime_components::RuntimeComponentsBuilder,
    };

    use super::*;
    use crate::wire::tests::request;

    fn line(by: &str, call: &str) -> String {
        let (service, operation) = call.split_once(':').unwrap();
        let line = WireLine {
            by: by.to_owned(),
            host: "h".to_owned(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            method: "POST".to_owned(),
            path: "/".to_owned(),
        };
        serde_json::to_string(&line).unwrap()
    }

    #[test]
    fn good_lines_are_counted() {
        let log = [
            line("checks", "firehose:DescribeDeliveryStream"),
            line("checks", "lambda:Invoke"),
            line("sender", "firehose:PutRecordBatch"),
            line("sender", "kinesis:PutRecords"),
            line("connect", "sts:AssumeRole"),
            String::new(),
        ]
        .join("\n");
        assert_eq!(audit(&log), Audit { good: 5, faults: Vec::new() });
    }

    #[test]
    fn things_are_made_in_the_sandbox_alone() {
        let made_at = |host: &str| {
            let line = line(WORKBENCH, "s3:CreateBucket").replace("\"h\"", &format!("\"{host}\""));
            audit(&line).faults.into_iter().map(|fault| fault.to_string()).collect::<String>()
        };
        assert_eq!(made_at("127.0.0.1:4566"), "");
        for host in ["s3.us-east-1.amazonaws.com", "127.0.0.1.example:80", "10.0.0.1:80"] {
            let told =
                format!("line 1: s3:CreateBucket by workbench was sent to {host}, which is not this machine's sandbox");
            assert_eq!(made_at(host), told);
        }
    }

    #[test]
    fn bad_lines_are_told_one_by_one() {
        let log = [
            line("checks", "firehose:DeleteDeliveryStream"),
            line("checks", "firehose:PutRecordBatch"),
            line("sender", "lambda:Invoke"),
            line("somebody", "kinesis:PutRecords"),
            line("connect", "s3:GetObject"),
            line("checks", "s3:PUT /bucket/key"),
            "nonsense".to_owned(),
            line("checks", "s3:GetObject"),
        ]
        .join("\n");
        let Audit { good, faults } = audit(&log);
        let faults: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
        assert_eq!(good, 1);
        insta::assert_snapshot!(faults, @r"
        line 1: firehose:DeleteDeliveryStream by checks is not in the table of calls
        line 2: firehose:PutRecordBatch is not for checks to make
        line 3: lambda:Invoke is not for sender to make
        line 4: kinesis:PutRecords is not for somebody to make
        line 5: s3:GetObject is not for connect to make
        line 6: s3:PUT /bucket/key by checks is not in the table of calls
        line 7 cannot be read: expected ident at line 1 column 2
        ");
    }

    #[test]
    fn what_is_sent_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wire.jsonl");
        let send = |log: &WireLog| {
            let mut context = InterceptorContext::new(Input::erase(()));
            context.set_request(request("HEAD", "http://127.0.0.1:4566/bucket?x-id=secret", "s3", &[], ""));
            let components = RuntimeComponentsBuilder::for_tests().build().unwrap();
            log.read_before_transmit(&(&context).into(), &components, &mut ConfigBag::base())
        };
        let log = WireLog { by: "checks", file: Some(file.clone()) };
        send(&log).unwrap();
        send(&log).unwrap();
        let written = std::fs::read_to_string(&file).unwrap();
        let expected = r#"{"by":"checks","host":"127.0.0.1:4566","service":"s3","operation":"HeadBucket","method":"HEAD","path":"/bucket"}"#;
        assert_eq!(written, format!("{expected}\n{expected}\n"));
        assert_eq!(audit(&written), Audit { good: 2, faults: Vec::new() });

        send(&WireLog { by: "checks", file: None }).unwrap();
        let nowhere = WireLog { by: "checks", file: Some(folder.path().join("no/such/folder")) };
        assert!(send(&nowhere).is_err(), "what cannot be logged is not sent");
    }
}
