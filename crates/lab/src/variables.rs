//! The learner's own names, which the text, the commands and the forms use.

mod rules;

use serde::{Deserialize, Serialize};

use self::rules::{
    account_fault, application_fault, bucket_fault, data_stream_fault, endpoint_fault, function_fault, prefix_fault,
    region_fault, role_fault, stream_fault, table_fault, window_fault,
};
use crate::engine::Engine;

/// What stands for each `{{name}}` of the content. A value that passes
/// [`Variables::validate`] is made of characters that are safe unquoted in a
/// shell, in JSON and in SQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variables {
    /// What counts the clicks. Records stored before there was a choice have none.
    #[serde(default)]
    pub engine: Engine,
    /// Twelve digits.
    pub account: String,
    /// For example `us-east-1`.
    pub region: String,
    /// The address of the AWS services, for example `http://127.0.0.1:4566`;
    /// empty for AWS itself.
    pub endpoint: String,
    /// The S3 bucket of the click records.
    pub bucket: String,
    /// The Kinesis data stream that takes the clicks in, where the engine reads one.
    #[serde(default = "default_data_stream")]
    pub data_stream: String,
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
    /// The Lambda function that cleans rows.
    pub preprocess_function: String,
    /// The streaming SQL application.
    pub application: String,
    /// The Kinesis data stream that takes the window counts of a Flink application.
    #[serde(default = "default_counts_stream")]
    pub counts_stream: String,
    /// The Lambda function that stores window counts; with a tumbling window it
    /// counts as well.
    pub output_function: String,
    /// The `DynamoDB` table of window counts.
    pub table: String,
    /// The length of a window in seconds, 1 to 3,600; of a Lambda function's
    /// tumbling window 900 at most.
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
    pub const CHOSEN: [&'static str; 14] = [
        "bucket",
        "data_stream",
        "stream",
        "prefix",
        "error_prefix",
        "firehose_role",
        "lambda_role",
        "analytics_role",
        "preprocess_function",
        "application",
        "counts_stream",
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

    /// The lab's own names in an account, where a SQL application counts.
    #[must_use]
    pub fn defaults(account: &str, region: &str, endpoint: &str) -> Self {
        Self::defaults_for(Engine::SqlApplication, account, region, endpoint)
    }

    /// The lab's own names in an account, where this engine counts.
    #[must_use]
    pub fn defaults_for(engine: Engine, account: &str, region: &str, endpoint: &str) -> Self {
        let output_function = match engine {
            Engine::TumblingWindow => "CountClickWindows",
            Engine::SqlApplication | Engine::Flink => "StoreWindowCounts",
        };
        Self {
            engine,
            account: account.to_owned(),
            region: region.to_owned(),
            endpoint: endpoint.to_owned(),
            bucket: format!("clickstream-{account}-{region}"),
            data_stream: default_data_stream(),
            stream: "ClickStreamData".to_owned(),
            prefix: "clicks/".to_owned(),
            error_prefix: "errors/".to_owned(),
            firehose_role: "HeadwaterFirehoseRole".to_owned(),
            lambda_role: "HeadwaterLambdaRole".to_owned(),
            analytics_role: "HeadwaterAnalyticsRole".to_owned(),
            preprocess_function: "PreprocessClickstreamData".to_owned(),
            application: "ClickstreamAnalytics".to_owned(),
            counts_stream: default_counts_stream(),
            output_function: output_function.to_owned(),
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
            "data_stream" => self.data_stream.clone(),
            "stream" => self.stream.clone(),
            "prefix" => self.prefix.clone(),
            "error_prefix" => self.error_prefix.clone(),
            "firehose_role" => self.firehose_role.clone(),
            "lambda_role" => self.lambda_role.clone(),
            "analytics_role" => self.analytics_role.clone(),
            "preprocess_function" => self.preprocess_function.clone(),
            "application" => self.application.clone(),
            "counts_stream" => self.counts_stream.clone(),
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
            "data_stream" => changed.data_stream = value,
            "stream" => changed.stream = value,
            "prefix" => changed.prefix = value,
            "error_prefix" => changed.error_prefix = value,
            "firehose_role" => changed.firehose_role = value,
            "lambda_role" => changed.lambda_role = value,
            "analytics_role" => changed.analytics_role = value,
            "preprocess_function" => changed.preprocess_function = value,
            "application" => changed.application = value,
            "counts_stream" => changed.counts_stream = value,
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
        let checked: [(&str, Option<&str>); 17] = [
            ("account", account_fault(&self.account)),
            ("region", region_fault(&self.region)),
            ("endpoint", endpoint_fault(&self.endpoint)),
            ("bucket", bucket_fault(&self.bucket)),
            ("data_stream", data_stream_fault(&self.data_stream)),
            ("stream", stream_fault(&self.stream)),
            ("prefix", prefix_fault(&self.prefix)),
            ("error_prefix", self.error_prefix_fault()),
            ("firehose_role", role_fault(&self.firehose_role, &[])),
            ("lambda_role", role_fault(&self.lambda_role, &[&self.firehose_role])),
            ("analytics_role", role_fault(&self.analytics_role, &[&self.firehose_role, &self.lambda_role])),
            ("preprocess_function", function_fault(&self.preprocess_function)),
            ("application", application_fault(&self.application)),
            ("counts_stream", self.counts_stream_fault()),
            ("output_function", self.output_function_fault()),
            ("table", table_fault(&self.table)),
            ("window_seconds", window_fault(self.engine, self.window_seconds)),
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

    fn counts_stream_fault(&self) -> Option<&'static str> {
        data_stream_fault(&self.counts_stream).or_else(|| {
            (self.counts_stream == self.data_stream).then_some(
                "Clicks and counts need a stream each: otherwise the application would read its own results.",
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

fn default_data_stream() -> String {
    "ClickStreamInput".to_owned()
}

fn default_counts_stream() -> String {
    "ClickStreamCounts".to_owned()
}

fn error(variable: &str, message: &str) -> VariableError {
    VariableError { variable: variable.to_owned(), message: message.to_owned() }
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
    fn each_engine_has_valid_names_of_its_own() {
        for engine in Engine::ALL {
            let variables = Variables::defaults_for(engine, "123456789012", "eu-west-1", "https://aws.example");
            assert_eq!((variables.engine, variables.validate()), (engine, Vec::new()));
        }
        let mut counting = Variables::defaults_for(Engine::TumblingWindow, "123456789012", "eu-west-1", "https://a.b");
        assert_eq!(counting.output_function, "CountClickWindows");
        assert_eq!(
            counting.set("window_seconds", "901").unwrap_err().message,
            "A window of a Lambda function lasts 1 to 900 seconds."
        );
    }

    #[test]
    fn names_stored_before_there_were_engines_are_read() {
        let mut stored = serde_json::to_value(defaults()).unwrap();
        for newer in ["engine", "data_stream", "counts_stream"] {
            stored.as_object_mut().unwrap().remove(newer).unwrap();
        }
        assert_eq!(serde_json::from_value::<Variables>(stored).unwrap(), defaults());
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
            ("data_stream", "click stream"),
            ("data_stream", "-clicks"),
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
            ("counts_stream", "ClickStreamInput"),
            ("counts_stream", ""),
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
