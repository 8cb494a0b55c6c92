//! What AWS, or this lab, refuses in each kind of name, and what to say of it.

use std::net::Ipv4Addr;

use crate::engine::Engine;

pub(super) fn account_fault(account: &str) -> Option<&'static str> {
    let good = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    (!good).then_some("An AWS account number has exactly 12 digits.")
}

pub(super) fn region_fault(region: &str) -> Option<&'static str> {
    let parts: Vec<&str> = region.split('-').collect();
    let good = match parts.as_slice() {
        [area, middle @ .., number] => {
            area.len() == 2
                && !middle.is_empty()
                && [area].into_iter().chain(middle).all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase()))
                && (1..=2).contains(&number.len())
                && number.bytes().all(|b| b.is_ascii_digit())
        }
        _ => false,
    };
    (!good).then_some("A region looks like us-east-1 or eu-central-1.")
}

/// An account on AWS itself has no address of its own.
pub(super) fn endpoint_fault(endpoint: &str) -> Option<&'static str> {
    if endpoint.is_empty() {
        return None;
    }
    let host = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
    let good = host.is_some_and(|host| !host.is_empty() && made_of(host, ".-:[]/_"));
    (!good).then_some("The endpoint is an address such as http://127.0.0.1:4566.")
}

/// S3 User Guide, "General purpose bucket naming rules".
pub(super) fn bucket_fault(bucket: &str) -> Option<&'static str> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !(3..=63).contains(&bucket.len()) {
        Some("A bucket name has 3 to 63 characters.")
    } else if !bucket.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.') {
        Some("A bucket name has only lower-case letters, digits, hyphens and dots.")
    } else if !edge(bucket.chars().next()) || !edge(bucket.chars().next_back()) {
        Some("A bucket name begins and ends with a letter or a digit.")
    } else if bucket.contains("..") {
        Some("A bucket name must not have two dots in a row.")
    } else if bucket.parse::<Ipv4Addr>().is_ok() {
        Some("A bucket name must not look like an IP address.")
    } else if ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|start| bucket.starts_with(start)) {
        Some("AWS keeps names that begin with xn--, sthree- or amzn-s3-demo- for itself.")
    } else if ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|end| bucket.ends_with(end)) {
        Some("AWS keeps names that end with -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3 for itself.")
    } else {
        None
    }
}

/// Kinesis `CreateStream`, `StreamName`.
pub(super) fn data_stream_fault(stream: &str) -> Option<&'static str> {
    let good = (1..=128).contains(&stream.len()) && made_of(stream, "_.-") && !stream.starts_with('-');
    (!good).then_some(
        "A data stream name has 1 to 128 letters, digits, underscores, dots and hyphens, and begins with no hyphen.",
    )
}

/// Firehose `CreateDeliveryStream`, `DeliveryStreamName`.
pub(super) fn stream_fault(stream: &str) -> Option<&'static str> {
    let good = (1..=64).contains(&stream.len()) && made_of(stream, "_.-") && !stream.starts_with('-');
    (!good).then_some(
        "A delivery stream name has 1 to 64 letters, digits, underscores, dots and hyphens, and begins with no hyphen.",
    )
}

/// Narrower than Firehose's own rule, so that a prefix is safe in a shell and
/// means the same everywhere: no `!{...}` expressions.
pub(super) fn prefix_fault(prefix: &str) -> Option<&'static str> {
    if prefix.is_empty() || prefix.len() > 256 {
        Some("A prefix has 1 to 256 characters, for example clicks/.")
    } else if !made_of(prefix, "/_.=-") {
        Some("In this lab a prefix has only letters, digits, slashes, underscores, dots, hyphens and equals signs.")
    } else if prefix.starts_with('/') || prefix.contains("//") {
        Some("A prefix must not begin with a slash or have two in a row: S3 would show folders without a name.")
    } else if prefix.starts_with('-') {
        Some("A prefix must not begin with a hyphen: commands would take it for an option.")
    } else {
        None
    }
}

/// IAM `CreateRole`, `RoleName`. IAM does not tell upper from lower case.
pub(super) fn role_fault(role: &str, others: &[&str]) -> Option<&'static str> {
    if !(1..=64).contains(&role.len()) || !made_of(role, "_+=,.@-") {
        Some("A role name has 1 to 64 letters, digits and the characters _ + = , . @ and hyphen.")
    } else if role.starts_with('-') {
        Some("A role name must not begin with a hyphen here: commands would take it for an option.")
    } else if others.iter().any(|other| other.eq_ignore_ascii_case(role)) {
        Some("Each service needs a role of its own, so that none may do more than its work.")
    } else {
        None
    }
}

/// Lambda `CreateFunction`, `FunctionName`.
pub(super) fn function_fault(function: &str) -> Option<&'static str> {
    let good = (1..=64).contains(&function.len()) && made_of(function, "_-") && !function.starts_with('-');
    (!good)
        .then_some("A function name has 1 to 64 letters, digits, hyphens and underscores, and begins with no hyphen.")
}

/// Kinesis Analytics v2 `CreateApplication`, `ApplicationName`.
pub(super) fn application_fault(application: &str) -> Option<&'static str> {
    let good = (1..=128).contains(&application.len()) && made_of(application, "_.-") && !application.starts_with('-');
    (!good).then_some(
        "An application name has 1 to 128 letters, digits, underscores, dots and hyphens, and begins with no hyphen.",
    )
}

/// `DynamoDB` `CreateTable`, `TableName`.
pub(super) fn table_fault(table: &str) -> Option<&'static str> {
    let good = (3..=255).contains(&table.len()) && made_of(table, "_.-") && !table.starts_with('-');
    (!good).then_some(
        "A table name has 3 to 255 letters, digits, underscores, dots and hyphens, and begins with no hyphen.",
    )
}

/// The bounds of the tumbling functions of streaming SQL, and those of Lambda
/// `CreateEventSourceMapping`, `TumblingWindowInSeconds`, where 0 means none.
pub(super) fn window_fault(engine: Engine, seconds: u32) -> Option<&'static str> {
    match engine {
        Engine::TumblingWindow => {
            (!(1..=900).contains(&seconds)).then_some("A window of a Lambda function lasts 1 to 900 seconds.")
        }
        Engine::SqlApplication | Engine::Flink => {
            (!(1..=3600).contains(&seconds)).then_some("A window lasts 1 to 3600 seconds.")
        }
    }
}

fn made_of(value: &str, punctuation: &str) -> bool {
    value.chars().all(|c| c.is_ascii_alphanumeric() || punctuation.contains(c))
}
