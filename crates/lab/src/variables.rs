//! The learner's own names, which the text, the commands and the forms use.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// What stands for each `{{name}}` of the content. A value that passes
/// [`Variables::validate`] is made of characters that are safe unquoted in a
/// shell, in JSON and in SQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variables {
    /// Twelve digits.
    pub account: String,
    /// For example `us-east-1`.
    pub region: String,
    /// The address of the AWS services, for example `http://127.0.0.1:4566`.
    pub endpoint: String,
    /// The S3 bucket of the click records.
    pub bucket: String,
    /// The Firehose delivery stream.
    pub stream: String,
    /// What the delivered objects' keys begin with.
    pub prefix: String,
    /// What the keys of failed records begin with.
    pub error_prefix: String,
    /// The IAM role of the delivery stream.
    pub firehose_role: String,
    /// The IAM role of both Lambda functions.
    pub lambda_role: String,
    /// The IAM role of the streaming SQL application.
    pub analytics_role: String,
    /// The Lambda function that cleans rows before the SQL.
    pub preprocess_function: String,
    /// The streaming SQL application.
    pub application: String,
    /// The Lambda function that stores window counts.
    pub output_function: String,
    /// The `DynamoDB` table of window counts.
    pub table: String,
    /// The length of a window in seconds, 1 to 3,600.
    pub window_seconds: u32,
}

/// A name that AWS would refuse, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{variable}: {message}")]
pub struct VariableError {
    /// The variable, for example `bucket`.
    pub variable: String,
    /// One or two sentences for the learner.
    pub message: String,
}

impl Variables {
    /// The names that a learner may choose.
    pub const CHOSEN: [&'static str; 12] = [
        "bucket",
        "stream",
        "prefix",
        "error_prefix",
        "firehose_role",
        "lambda_role",
        "analytics_role",
        "preprocess_function",
        "application",
        "output_function",
        "table",
        "window_seconds",
    ];

    /// The names that the account and its place decide.
    pub const GIVEN: [&'static str; 3] = ["account", "region", "endpoint"];

    /// The names that follow from the others: the options that `create-bucket`
    /// needs outside us-east-1, the partition of ARNs, and the window's length
    /// as a SQL interval.
    pub const DERIVED: [&'static str; 3] = ["create_bucket_options", "partition", "window_interval"];

    /// The lab's own names in an account.
    #[must_use]
    pub fn defaults(account: &str, region: &str, endpoint: &str) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            endpoint: endpoint.to_owned(),
            bucket: format!("clickstream-{account}-{region}"),
            stream: "ClickStreamData".to_owned(),
            prefix: "clicks/".to_owned(),
            error_prefix: "errors/".to_owned(),
            firehose_role: "HeadwaterFirehoseRole".to_owned(),
            lambda_role: "HeadwaterLambdaRole".to_owned(),
            analytics_role: "HeadwaterAnalyticsRole".to_owned(),
            preprocess_function: "PreprocessClickstreamData".to_owned(),
            application: "ClickstreamAnalytics".to_owned(),
            output_function: "StoreWindowCounts".to_owned(),
            table: "ClickstreamWindowCounts".to_owned(),
            window_seconds: 60,
        }
    }

    /// Whether text may use `{{name}}`.
    #[must_use]
    pub fn is_known(name: &str) -> bool {
        Self::CHOSEN.contains(&name) || Self::GIVEN.contains(&name) || Self::DERIVED.contains(&name)
    }

    /// The value of `{{name}}`; `None` when there is no such name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        Some(match name {
            "account" => self.account.clone(),
            "region" => self.region.clone(),
            "endpoint" => self.endpoint.clone(),
            "bucket" => self.bucket.clone(),
            "stream" => self.stream.clone(),
            "prefix" => self.prefix.clone(),
            "error_prefix" => self.error_prefix.clone(),
            "firehose_role" => self.firehose_role.clone(),
            "lambda_role" => self.lambda_role.clone(),
            "analytics_role" => self.analytics_role.clone(),
            "preprocess_function" => self.preprocess_function.clone(),
            "application" => self.application.clone(),
            "output_function" => self.output_function.clone(),
            "table" => self.table.clone(),
            "window_seconds" => self.window_seconds.to_string(),
            "create_bucket_options" => self.create_bucket_options(),
            "partition" => self.partition().to_owned(),
            "window_interval" => self.window_interval(),
            _ => return None,
        })
    }

    /// Sets one of the names that a learner may choose; spaces around the value
    /// are dropped.
    ///
    /// # Errors
    /// When there is no such name, or AWS would refuse the value. The old value
    /// then stays.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), VariableError> {
        let mut changed = self.clone();
        let value = value.trim().to_owned();
        match name {
            "bucket" => changed.bucket = value,
            "stream" => changed.stream = value,
            "prefix" => changed.prefix = value,
            "error_prefix" => changed.error_prefix = value,
            "firehose_role" => changed.firehose_role = value,
            "lambda_role" => changed.lambda_role = value,
            "analytics_role" => changed.analytics_role = value,
            "preprocess_function" => changed.preprocess_function = value,
            "application" => changed.application = value,
            "output_function" => changed.output_function = value,
            "table" => changed.table = value,
            "window_seconds" => {
                changed.window_seconds =
                    value.parse().map_err(|_| error(name, "Enter a whole number of seconds from 1 to 3600."))?;
            }
            _ => return Err(error(name, "There is no name of this kind to choose.")),
        }
        match changed.validate().into_iter().find(|error| error.variable == name) {
            Some(error) => Err(error),
            None => {
                *self = changed;
                Ok(())
            }
        }
    }

    /// Everything that AWS would refuse, in the order of the fields; empty when
    /// all is well.
    #[must_use]
    pub fn validate(&self) -> Vec<VariableError> {
        let checked: [(&str, Option<&str>); 15] = [
            ("account", account_fault(&self.account)),
            ("region", region_fault(&self.region)),
            ("endpoint", endpoint_fault(&self.endpoint)),
            ("bucket", bucket_fault(&self.bucket)),
            ("stream", stream_fault(&self.stream)),
            ("prefix", prefix_fault(&self.prefix)),
            ("error_prefix", self.error_prefix_fault()),
            ("firehose_role", role_fault(&self.firehose_role, &[])),
            ("lambda_role", role_fault(&self.lambda_role, &[&self.firehose_role])),
            ("analytics_role", role_fault(&self.analytics_role, &[&self.firehose_role, &self.lambda_role])),
            ("preprocess_function", function_fault(&self.preprocess_function)),
            ("application", application_fault(&self.application)),
            ("output_function", self.output_function_fault()),
            ("table", table_fault(&self.table)),
            ("window_seconds", window_fault(self.window_seconds)),
        ];
        checked.into_iter().filter_map(|(name, fault)| fault.map(|message| error(name, message))).collect()
    }

    fn error_prefix_fault(&self) -> Option<&'static str> {
        prefix_fault(&self.error_prefix).or_else(|| {
            let nested =
                self.error_prefix.starts_with(&self.prefix) || self.prefix.starts_with(self.error_prefix.as_str());
            nested.then_some(
                "The two prefixes must not begin alike: otherwise failed records lie among the good ones. Try errors/.",
            )
        })
    }

    fn output_function_fault(&self) -> Option<&'static str> {
        function_fault(&self.output_function).or_else(|| {
            (self.output_function == self.preprocess_function)
                .then_some("The two functions do different work and need different names.")
        })
    }

    /// S3 wants the region spelt out everywhere but in us-east-1, where it
    /// refuses it (S3 `CreateBucket`, `LocationConstraint`).
    fn create_bucket_options(&self) -> String {
        if self.region == "us-east-1" {
            String::new()
        } else {
            format!(" --create-bucket-configuration LocationConstraint={}", self.region)
        }
    }

    fn partition(&self) -> &'static str {
        if self.region.starts_with("cn-") {
            "aws-cn"
        } else if self.region.starts_with("us-gov-") {
            "aws-us-gov"
        } else {
            "aws"
        }
    }

    /// A SQL interval holds two digits unless it is told otherwise.
    fn window_interval(&self) -> String {
        let seconds = self.window_seconds.to_string();
        if seconds.len() <= 2 {
            format!("INTERVAL '{seconds}' SECOND")
        } else {
            format!("INTERVAL '{seconds}' SECOND({})", seconds.len())
        }
    }
}

fn error(variable: &str, message: &str) -> VariableError {
    VariableError { variable: variable.to_owned(), message: message.to_owned() }
}

fn made_of(value: &str, punctuation: &str) -> bool {
    value.chars().all(|c| c.is_ascii_alphanumeric() || punctuation.contains(c))
}

fn account_fault(account: &str) -> Option<&'static str> {
    let good = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    (!good).then_some("An AWS account number has exactly 12 digits.")
}

fn region_fault(region: &str) -> Option<&'static str> {
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

fn endpoint_fault(endpoint: &str) -> Option<&'static str> {
    let host = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
    let good = host.is_some_and(|host| !host.is_empty() && made_of(host, ".-:[]/_"));
    (!good).then_some("The endpoint is an address such as http://127.0.0.1:4566.")
}

/// S3 User Guide, "General purpose bucket naming rules".
fn bucket_fault(bucket: &str) -> Option<&'static str> {
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

/// Firehose `CreateDeliveryStream`, `DeliveryStreamName`.
fn stream_fault(stream: &str) -> Option<&'static str> {
    let good = (1..=64).contains(&stream.len()) && made_of(stream, "_.-") && !stream.starts_with('-');
    (!good).then_some(
        "A delivery stream name has 1 to 64 letters, digits, underscores, dots and hyphens, and begins with no hyphen.",
    )
}

/// Narrower than Firehose's own rule, so that a prefix is safe in a shell and
/// means the same everywhere: no `!{...}` expressions.
fn prefix_fault(prefix: &str) -> Option<&'static str> {
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
fn role_fault(role: &str, others: &[&str]) -> Option<&'static str> {
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
fn function_fault(function: &str) -> Option<&'static str> {
    let good = (1..=64).contains(&function.len()) && made_of(function, "_-") && !function.starts_with('-');
    (!good)
        .then_some("A function name has 1 to 64 letters, digits, hyphens and underscores, and begins with no hyphen.")
}

/// Kinesis Analytics v2 `CreateApplication`, `ApplicationName`.
fn application_fault(application: &str) -> Option<&'static str> {
    let good = (1..=128).contains(&application.len()) && made_of(application, "_.-") && !application.starts_with('-');
    (!good).then_some(
        "An application name has 1 to 128 letters, digits, underscores, dots and hyphens, and begins with no hyphen.",
    )
}

/// `DynamoDB` `CreateTable`, `TableName`.
fn table_fault(table: &str) -> Option<&'static str> {
    let good = (3..=255).contains(&table.len()) && made_of(table, "_.-") && !table.starts_with('-');
    (!good).then_some(
        "A table name has 3 to 255 letters, digits, underscores, dots and hyphens, and begins with no hyphen.",
    )
}

/// The bounds of the tumbling functions of streaming SQL.
fn window_fault(seconds: u32) -> Option<&'static str> {
    (!(1..=3600).contains(&seconds)).then_some("A window lasts 1 to 3600 seconds.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Variables {
        Variables::defaults("123456789012", "us-east-1", "http://127.0.0.1:4566")
    }

    #[test]
    fn the_defaults_are_valid_in_every_kind_of_region() {
        for region in ["us-east-1", "eu-central-1", "ap-southeast-4", "us-gov-west-1", "cn-north-1"] {
            let variables = Variables::defaults("123456789012", region, "https://aws.example:8443");
            assert_eq!(variables.validate(), [], "{region}");
        }
    }

    #[test]
    fn every_known_name_has_a_value() {
        for name in Variables::CHOSEN.iter().chain(&Variables::GIVEN).chain(&Variables::DERIVED) {
            assert!(defaults().get(name).is_some(), "{name}");
            assert!(Variables::is_known(name));
        }
        assert_eq!(defaults().get("secret"), None);
        assert!(!Variables::is_known("secret"));
    }

    #[test]
    fn every_chosen_name_can_be_set_to_its_own_value() {
        for name in Variables::CHOSEN {
            let mut variables = defaults();
            let value = variables.get(name).unwrap();
            variables.set(name, &format!("  {value} ")).unwrap();
            assert_eq!(variables, defaults());
        }
    }

    #[test]
    fn names_that_aws_refuses_are_refused_with_a_reason() {
        let long = "a".repeat(300);
        let cases = [
            ("bucket", "ab"),
            ("bucket", "Clicks-123"),
            ("bucket", "clicks_123"),
            ("bucket", "-clicks"),
            ("bucket", "clicks-"),
            ("bucket", "cli..cks"),
            ("bucket", "192.168.5.4"),
            ("bucket", "xn--clicks"),
            ("bucket", "clicks-s3alias"),
            ("stream", ""),
            ("stream", "click stream"),
            ("stream", "$(reboot)"),
            ("prefix", ""),
            ("prefix", "/clicks/"),
            ("prefix", "clicks//"),
            ("prefix", "!{timestamp:yyyy}/"),
            ("prefix", "-clicks/"),
            ("error_prefix", "clicks/errors/"),
            ("firehose_role", "a b"),
            ("lambda_role", "headwaterfirehoserole"),
            ("analytics_role", "--help"),
            ("preprocess_function", "a.b"),
            ("output_function", "PreprocessClickstreamData"),
            ("application", ""),
            ("table", "ab"),
            ("table", &long),
            ("window_seconds", "0"),
            ("window_seconds", "3601"),
            ("window_seconds", "a minute"),
            ("account", "123456789013"),
            ("nothing", "x"),
        ];
        let mut answers = String::new();
        for (name, value) in cases {
            let mut variables = defaults();
            let error = variables.set(name, value).unwrap_err();
            assert_eq!(error.variable, name);
            assert_eq!(variables, defaults());
            answers.push_str(&format!("{name}={:.20}: {}\n", value, error.message));
        }
        insta::assert_snapshot!(answers);
    }

    #[test]
    fn what_the_account_decides_is_validated_too() {
        let variables = Variables::defaults("12345", "Frankfurt", "ftp://host");
        let names: Vec<String> = variables.validate().into_iter().map(|error| error.variable).collect();
        assert_eq!(names, ["account", "region", "endpoint", "bucket"]);
    }

    #[test]
    fn the_window_becomes_an_interval_that_sql_can_hold() {
        let mut variables = defaults();
        for (seconds, interval) in [
            ("5", "INTERVAL '5' SECOND"),
            ("60", "INTERVAL '60' SECOND"),
            ("120", "INTERVAL '120' SECOND(3)"),
            ("3600", "INTERVAL '3600' SECOND(4)"),
        ] {
            variables.set("window_seconds", seconds).unwrap();
            assert_eq!(variables.get("window_interval").unwrap(), interval);
        }
    }

    #[test]
    fn a_bucket_outside_us_east_1_names_its_region() {
        assert_eq!(defaults().get("create_bucket_options").unwrap(), "");
        let elsewhere = Variables::defaults("123456789012", "eu-west-1", "http://127.0.0.1:4566");
        assert_eq!(
            elsewhere.get("create_bucket_options").unwrap(),
            " --create-bucket-configuration LocationConstraint=eu-west-1"
        );
    }

    proptest::proptest! {
        /// What passes may stand unquoted in a shell, in JSON, in SQL and in HTML.
        #[test]
        fn a_valid_name_is_harmless_everywhere(index in 0..Variables::CHOSEN.len(), value in "\\PC{0,20}|[ -~]{0,70}") {
            let mut variables = defaults();
            if variables.set(Variables::CHOSEN[index], &value).is_ok() {
                let kept = variables.get(Variables::CHOSEN[index]).unwrap();
                proptest::prop_assert!(kept.chars().all(|c| c.is_ascii_alphanumeric() || "/_.=-+,@".contains(c)));
                proptest::prop_assert!(!kept.starts_with('-'));
            }
        }
    }
}
