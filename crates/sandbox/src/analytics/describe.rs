//! Applications as `ApplicationDetail` and its parts show them.

use md5::{Digest as _, Md5};
use serde_json::{Map, Value, json};

use super::model::{Definition, InputProcessingConfiguration, KeptInput, KeptOutput, Resource};
use super::repository::Application;

/// The runtime environment of every application here.
pub(super) const RUNTIME: &str = "SQL-1_0";

/// The application's ARN.
pub(super) fn arn(application: &Application) -> String {
    application.scope.arn("kinesisanalytics", &format!("application/{}", application.name))
}

/// Seconds since the epoch, as the protocol writes times.
pub(super) fn timestamp(millis: i64) -> Value {
    json!(millis as f64 / 1_000.0)
}

/// `ApplicationDetail`
pub(super) fn detail(application: &Application) -> Value {
    let Definition { description, role, code, input, outputs, log_streams } = &application.definition;
    let mut configuration = Map::new();
    let inputs: Vec<Value> = input.iter().map(|kept| input_description(kept, role)).collect();
    let outputs: Vec<Value> = outputs.iter().map(|kept| output_description(kept, role)).collect();
    let sql =
        json!({ "InputDescriptions": inputs, "OutputDescriptions": outputs, "ReferenceDataSourceDescriptions": [] });
    configuration.insert("SqlApplicationConfigurationDescription".to_owned(), sql);
    if let Some(code) = code {
        let content = json!({
            "TextContent": code,
            "CodeMD5": hex::encode(Md5::digest(code.as_bytes())),
            "CodeSize": code.len(),
        });
        configuration.insert(
            "ApplicationCodeConfigurationDescription".to_owned(),
            json!({ "CodeContentType": "PLAINTEXT", "CodeContentDescription": content }),
        );
    }
    let log_streams: Vec<Value> = log_streams
        .iter()
        .map(|kept| json!({ "CloudWatchLoggingOptionId": kept.id, "LogStreamARN": kept.arn, "RoleARN": role }))
        .collect();
    let mut detail = summary(application);
    detail["ApplicationDescription"] = json!(description.as_deref().unwrap_or_default());
    detail["ServiceExecutionRole"] = json!(role);
    detail["CreateTimestamp"] = timestamp(application.created_ms);
    detail["LastUpdateTimestamp"] = timestamp(application.updated_ms);
    detail["ApplicationConfigurationDescription"] = Value::Object(configuration);
    detail["CloudWatchLoggingOptionDescriptions"] = Value::Array(log_streams);
    detail
}

/// `ApplicationSummary`
pub(super) fn summary(application: &Application) -> Value {
    json!({
        "ApplicationName": application.name,
        "ApplicationARN": arn(application),
        "ApplicationStatus": application.status.as_str(),
        "ApplicationVersionId": application.version,
        "RuntimeEnvironment": RUNTIME,
        "ApplicationMode": "STREAMING",
    })
}

/// `InputDescription`
pub(super) fn input_description(kept: &KeptInput, role: &str) -> Value {
    let input = &kept.input;
    let mut description = json!({
        "InputId": kept.id,
        "NamePrefix": input.name_prefix,
        "InAppStreamNames": [format!("{}_001", input.name_prefix)],
        "InputSchema": input.input_schema,
        "InputParallelism": { "Count": 1 },
    });
    if let Some(stream) = &input.kinesis_firehose_input {
        description["KinesisFirehoseInputDescription"] = resource(stream, role);
    }
    if let Some(processing) = &input.input_processing_configuration {
        description["InputProcessingConfigurationDescription"] = processing_description(processing, role);
    }
    if let Some(position) = kept.starting_position {
        description["InputStartingPositionConfiguration"] = json!({ "InputStartingPosition": position });
    }
    description
}

/// `InputProcessingConfigurationDescription`
pub(super) fn processing_description(processing: &InputProcessingConfiguration, role: &str) -> Value {
    json!({ "InputLambdaProcessorDescription": resource(&processing.input_lambda_processor, role) })
}

/// `OutputDescription`
pub(super) fn output_description(kept: &KeptOutput, role: &str) -> Value {
    let mut description = json!({
        "OutputId": kept.id,
        "Name": kept.output.name,
        "DestinationSchema": kept.output.destination_schema,
    });
    if let Some(function) = &kept.output.lambda_output {
        description["LambdaOutputDescription"] = resource(function, role);
    }
    description
}

fn resource(resource: &Resource, role: &str) -> Value {
    json!({ "ResourceARN": resource.resource_arn, "RoleARN": role })
}
