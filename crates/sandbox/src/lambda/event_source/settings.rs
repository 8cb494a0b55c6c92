//! The settings of an event source mapping: read from requests, checked, stored, described.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::AwsError;
use crate::kinesis::Start;
use crate::lambda::errors::{invalid_parameter, not_offered, validation};

/// What creating and updating a mapping have in common.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SettingsRequest {
    batch_size: Option<i64>,
    maximum_batching_window_in_seconds: Option<i64>,
    tumbling_window_in_seconds: Option<i64>,
    parallelization_factor: Option<i64>,
    bisect_batch_on_function_error: Option<bool>,
    maximum_retry_attempts: Option<i64>,
    maximum_record_age_in_seconds: Option<i64>,
    function_response_types: Option<Vec<String>>,
    destination_config: Option<Value>,
    filter_criteria: Option<Value>,
    source_access_configurations: Option<Value>,
    scaling_config: Option<Value>,
    amazon_managed_kafka_event_source_config: Option<Value>,
    self_managed_kafka_event_source_config: Option<Value>,
    #[serde(rename = "DocumentDBEventSourceConfig")]
    document_db_event_source_config: Option<Value>,
    #[serde(rename = "KMSKeyArn")]
    kms_key_arn: Option<Value>,
    metrics_config: Option<Value>,
    logging_config: Option<Value>,
    provisioned_poller_config: Option<Value>,
}

/// Settings that were checked, as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub starting_position: StartingPosition,
    pub batch_size: u32,
    pub batching_window_seconds: u32,
    /// No windows if zero.
    pub tumbling_window_seconds: u32,
    pub bisects: bool,
    /// For ever if negative.
    pub retry_attempts: i64,
    /// Of any age if negative.
    pub record_age_seconds: i64,
    pub reports_failures: bool,
}

/// `StartingPosition` with its timestamp, seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum StartingPosition {
    TrimHorizon,
    Latest,
    AtTimestamp(f64),
}

impl StartingPosition {
    pub(super) fn new(position: Option<&str>, timestamp: Option<f64>, now_ms: i64) -> Result<Self, AwsError> {
        let at = match (position, timestamp) {
            (None, _) => {
                return Err(invalid_parameter(
                    "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member \
                     must not be null.",
                ));
            }
            (Some("TRIM_HORIZON"), None) => return Ok(Self::TrimHorizon),
            (Some("LATEST"), None) => return Ok(Self::Latest),
            (Some("AT_TIMESTAMP"), Some(timestamp)) => timestamp,
            (Some("AT_TIMESTAMP"), None) => {
                return Err(invalid_parameter(
                    "StartingPositionTimestamp must be given with the position AT_TIMESTAMP.",
                ));
            }
            (Some("TRIM_HORIZON" | "LATEST"), Some(_)) => {
                return Err(invalid_parameter("StartingPositionTimestamp is for the position AT_TIMESTAMP only."));
            }
            (Some(other), _) => {
                let all = "satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]";
                return Err(validation(other, "startingPosition", all));
            }
        };
        if at * 1000.0 > now_ms as f64 {
            return Err(invalid_parameter("StartingPositionTimestamp cannot be in the future."));
        }
        Ok(Self::AtTimestamp(at))
    }

    pub(super) fn start(self) -> Start {
        match self {
            Self::TrimHorizon => Start::TrimHorizon,
            Self::Latest => Start::Latest,
            Self::AtTimestamp(seconds) => Start::AtTimestamp((seconds * 1000.0) as i64),
        }
    }
}

impl Settings {
    /// The settings of a new mapping that a request leaves as they are.
    pub(super) fn new(starting_position: StartingPosition) -> Self {
        Self {
            starting_position,
            batch_size: 100,
            batching_window_seconds: 0,
            tumbling_window_seconds: 0,
            bisects: false,
            retry_attempts: -1,
            record_age_seconds: -1,
            reports_failures: false,
        }
    }

    /// These settings with what a request changes.
    pub(super) fn updated(mut self, request: SettingsRequest) -> Result<Self, AwsError> {
        request.refuse_what_is_not_offered()?;
        let set = |target: &mut u32, value: Option<i64>, member: &str, least: u32, most: u32| match value {
            None => Ok(()),
            Some(value) => match u32::try_from(value).ok().filter(|value| (least..=most).contains(value)) {
                Some(value) => {
                    *target = value;
                    Ok(())
                }
                None => Err(out_of_range(value, member, i64::from(least), i64::from(most))),
            },
        };
        set(&mut self.batch_size, request.batch_size, "batchSize", 1, 10_000)?;
        let batching_window = request.maximum_batching_window_in_seconds;
        set(&mut self.batching_window_seconds, batching_window, "maximumBatchingWindowInSeconds", 0, 300)?;
        let tumbling_window = request.tumbling_window_in_seconds;
        set(&mut self.tumbling_window_seconds, tumbling_window, "tumblingWindowInSeconds", 0, 900)?;
        if let Some(attempts) = request.maximum_retry_attempts {
            if !(-1..=10_000).contains(&attempts) {
                return Err(out_of_range(attempts, "maximumRetryAttempts", -1, 10_000));
            }
            self.retry_attempts = attempts;
        }
        if let Some(age) = request.maximum_record_age_in_seconds {
            if !(-1..=604_800).contains(&age) {
                return Err(out_of_range(age, "maximumRecordAgeInSeconds", -1, 604_800));
            }
            if (0..60).contains(&age) {
                return Err(invalid_parameter("MaximumRecordAgeInSeconds must be -1, or from 60 to 604800."));
            }
            self.record_age_seconds = age;
        }
        self.bisects = request.bisect_batch_on_function_error.unwrap_or(self.bisects);
        if let Some(types) = request.function_response_types {
            if let Some(other) = types.iter().find(|kind| *kind != "ReportBatchItemFailures") {
                let all = "satisfy enum value set: [ReportBatchItemFailures]";
                return Err(validation(other, "functionResponseTypes", all));
            }
            self.reports_failures = !types.is_empty();
        }
        Ok(self)
    }

    /// Adds these settings to an `EventSourceMappingConfiguration`.
    pub(super) fn describe(&self, answer: &mut Value) {
        let (position, timestamp) = match self.starting_position {
            StartingPosition::TrimHorizon => ("TRIM_HORIZON", None),
            StartingPosition::Latest => ("LATEST", None),
            StartingPosition::AtTimestamp(seconds) => ("AT_TIMESTAMP", Some(seconds)),
        };
        answer["StartingPosition"] = json!(position);
        if let Some(seconds) = timestamp {
            answer["StartingPositionTimestamp"] = json!(seconds);
        }
        answer["BatchSize"] = json!(self.batch_size);
        answer["MaximumBatchingWindowInSeconds"] = json!(self.batching_window_seconds);
        answer["ParallelizationFactor"] = json!(1);
        answer["DestinationConfig"] = json!({ "OnFailure": {} });
        answer["MaximumRecordAgeInSeconds"] = json!(self.record_age_seconds);
        answer["BisectBatchOnFunctionError"] = json!(self.bisects);
        answer["MaximumRetryAttempts"] = json!(self.retry_attempts);
        answer["TumblingWindowInSeconds"] = json!(self.tumbling_window_seconds);
        let types: &[&str] = if self.reports_failures { &["ReportBatchItemFailures"] } else { &[] };
        answer["FunctionResponseTypes"] = json!(types);
    }
}

impl SettingsRequest {
    fn refuse_what_is_not_offered(&self) -> Result<(), AwsError> {
        let refused = [
            ("FilterCriteria", &self.filter_criteria),
            ("DestinationConfig", &self.destination_config),
            ("SourceAccessConfigurations", &self.source_access_configurations),
            ("ScalingConfig", &self.scaling_config),
            ("AmazonManagedKafkaEventSourceConfig", &self.amazon_managed_kafka_event_source_config),
            ("SelfManagedKafkaEventSourceConfig", &self.self_managed_kafka_event_source_config),
            ("DocumentDBEventSourceConfig", &self.document_db_event_source_config),
            ("KMSKeyArn", &self.kms_key_arn),
            ("MetricsConfig", &self.metrics_config),
            ("LoggingConfig", &self.logging_config),
            ("ProvisionedPollerConfig", &self.provisioned_poller_config),
        ];
        if let Some((name, _)) =
            refused.iter().find(|(_, value)| value.as_ref().is_some_and(|value| !says_nothing(value)))
        {
            return Err(not_offered(&format!("{name} of event source mappings")));
        }
        match self.parallelization_factor {
            None | Some(1) => Ok(()),
            Some(2..=10) => Err(not_offered("a ParallelizationFactor above 1")),
            Some(other) => Err(out_of_range(other, "parallelizationFactor", 1, 10)),
        }
    }
}

/// Whether a member changes nothing, such as `{"OnFailure": {}}`.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.values().all(says_nothing),
        Value::Array(members) => members.is_empty(),
        _ => false,
    }
}

fn out_of_range(value: i64, member: &str, least: i64, most: i64) -> AwsError {
    let bound = if value < least {
        format!("have value greater than or equal to {least}")
    } else {
        format!("have value less than or equal to {most}")
    };
    validation(value, member, &bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn updated(request: Value) -> Result<Settings, AwsError> {
        Settings::new(StartingPosition::Latest).updated(serde_json::from_value(request).unwrap())
    }

    #[test]
    fn describes_what_was_asked_and_the_defaults() {
        let mut answer = json!({});
        updated(json!({"TumblingWindowInSeconds": 60, "FunctionResponseTypes": ["ReportBatchItemFailures"]}))
            .unwrap()
            .describe(&mut answer);
        insta::assert_json_snapshot!(answer, @r#"
        {
          "StartingPosition": "LATEST",
          "BatchSize": 100,
          "MaximumBatchingWindowInSeconds": 0,
          "ParallelizationFactor": 1,
          "DestinationConfig": {
            "OnFailure": {}
          },
          "MaximumRecordAgeInSeconds": -1,
          "BisectBatchOnFunctionError": false,
          "MaximumRetryAttempts": -1,
          "TumblingWindowInSeconds": 60,
          "FunctionResponseTypes": [
            "ReportBatchItemFailures"
          ]
        }
        "#);
    }

    #[test]
    fn refuses_what_aws_refuses() {
        for (request, part) in [
            (json!({"BatchSize": 0}), "batchSize"),
            (json!({"BatchSize": 10_001}), "or equal to 10000"),
            (json!({"TumblingWindowInSeconds": 901}), "or equal to 900"),
            (json!({"MaximumBatchingWindowInSeconds": -1}), "or equal to 0"),
            (json!({"MaximumRetryAttempts": -2}), "or equal to -1"),
            (json!({"MaximumRecordAgeInSeconds": 59}), "from 60"),
            (json!({"FunctionResponseTypes": ["Other"]}), "enum value set"),
            (json!({"ParallelizationFactor": 11}), "or equal to 10"),
        ] {
            let refused = updated(request.clone()).unwrap_err().to_string();
            assert!(refused.contains(part), "{request}: {refused}");
        }
        let position = |position, timestamp| StartingPosition::new(position, timestamp, 1_000_000);
        assert_eq!(position(Some("AT_TIMESTAMP"), Some(999.0)).unwrap(), StartingPosition::AtTimestamp(999.0));
        for (wrong, timestamp) in [
            (None, None),
            (Some("AT_TIMESTAMP"), None),
            (Some("LATEST"), Some(1.0)),
            (Some("AT_TIMESTAMP"), Some(1001.0)),
            (Some("NOW"), None),
        ] {
            position(wrong, timestamp).unwrap_err();
        }
    }

    #[test]
    fn names_what_the_sandbox_does_not_offer() {
        for request in [
            json!({"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}),
            json!({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:111122223333:dead"}}}),
            json!({"ParallelizationFactor": 2}),
        ] {
            let (name, _) = request.as_object().unwrap().iter().next().unwrap();
            let refused = updated(request.clone()).unwrap_err().to_string();
            assert!(refused.contains("The sandbox does not offer") && refused.contains(name), "{refused}");
        }
        updated(json!({"DestinationConfig": {"OnFailure": {}}, "FilterCriteria": {"Filters": []}, "ParallelizationFactor": 1}))
            .unwrap();
    }
}
