//! What is counted of the calls of clients, for whoever runs the sandbox.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

use http::StatusCode;
use http::request::Parts;

use crate::account::Scope;
use crate::authorization;
use crate::protocol::Service;
use crate::query::Form;

/// Different operations that are told apart. The sandbox has fewer; clients could send names without end.
const OPERATIONS: usize = 250;
/// What an operation is called that is not known, or whose caller is not.
const UNKNOWN: &str = "unknown";

/// One call while it is answered.
pub(crate) struct Call {
    service: &'static str,
    operation: Option<String>,
    began: Instant,
}

impl Call {
    pub(crate) fn begin(service: &Service) -> Self {
        Self { service: name(service), operation: None, began: Instant::now() }
    }

    /// Notes the operation, once it is known that a caller with a key asks for it.
    pub(crate) fn note(&mut self, service: &Service, scope: &Scope, parts: &Parts, body: &[u8]) {
        let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.operation = match service {
            Service::Sts | Service::Iam => Form::read(body).ok().and_then(|form| form.action().ok().map(str::to_owned)),
            Service::Lambda => authorization::wanted_by(service, scope, parts, body)
                .first()
                .and_then(|wanted| wanted.action.split_once(':'))
                .map(|(_, operation)| operation.to_owned()),
            Service::Account => Some("ListRegions".to_owned()),
            Service::S3 | Service::Other(_) => None,
            _ => target.rsplit('.').next().map(str::to_owned),
        };
    }

    /// Notes what S3 is asked for, by method and kind: `s3s` knows the operation and does not tell it.
    pub(crate) fn note_s3(&mut self, parts: &Parts) {
        let kind = match parts.uri.path().trim_matches('/').split_once('/') {
            Some(_) => "object",
            None if parts.uri.path() == "/" => "service",
            None => "bucket",
        };
        let methods = ["GET", "HEAD", "PUT", "POST", "DELETE"];
        let method = methods.into_iter().find(|method| *method == parts.method.as_str());
        self.operation = method.map(|method| format!("{method} {kind}"));
    }

    /// Counts the call. `error` is the code of the error that it was answered with.
    pub(crate) fn end(self, status: StatusCode, error: Option<&str>) {
        let known = !matches!(error, Some("UnknownOperationException" | "InvalidAction" | "MissingAction"));
        let operation = self.operation.filter(|operation| known && is_told_apart(self.service, operation));
        let operation = operation.unwrap_or_else(|| UNKNOWN.to_owned());
        let status = status.as_str().to_owned();
        metrics::counter!("headwater_sandbox_calls_total", "service" => self.service, "operation" => operation, "status" => status)
            .increment(1);
        metrics::histogram!("headwater_sandbox_call_seconds", "service" => self.service).record(self.began.elapsed());
    }
}

fn is_told_apart(service: &str, operation: &str) -> bool {
    static KNOWN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let name = format!("{service}:{operation}");
    known.contains(&name) || (known.len() < OPERATIONS && known.insert(name))
}

fn name(service: &Service) -> &'static str {
    match service {
        Service::Sts => "sts",
        Service::Iam => "iam",
        Service::S3 => "s3",
        Service::Firehose => "firehose",
        Service::Kinesis => "kinesis",
        Service::KinesisAnalytics => "kinesisanalytics",
        Service::DynamoDb => "dynamodb",
        Service::Lambda => "lambda",
        Service::Account => "account",
        Service::Tagging => "tagging",
        Service::Logs => "logs",
        Service::Other(_) => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_without_end_are_not_told_apart_without_end() {
        let told_apart = (0..OPERATIONS * 2).filter(|number| is_told_apart("s3", &format!("Made{number}"))).count();
        assert!(told_apart <= OPERATIONS, "{told_apart}");
        assert!(!is_told_apart("s3", "OneMore"));
    }
}
