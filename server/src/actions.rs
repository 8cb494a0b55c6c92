//! What the forms in the pages do in a learner's sandbox account: AWS SDK calls with the learner's own names, exactly what
//! the CLI instructions do. Each action can be repeated: what is there already is brought to the state that was asked for.

#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "the paths of the SDK's error methods are longer and say less than the closures"
)]

mod call_log;
mod clean_up;
mod count;
mod data_stream;
mod delivery_stream;
mod fields;
mod preprocess;
mod results;
pub mod roles;
mod streaming_sql;
mod tags;

use std::collections::BTreeMap;

use app::model::Performed;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use checks::WireLog;
use lab::{Lab, Variables};
use serde_json::{Value, json};
use thiserror::Error;

use self::call_log::CallLog;
use self::fields::Fields;

/// Where an action works: clients for the learner's account, and the learner's names.
pub struct Workbench<'a> {
    s3: aws_sdk_s3::Client,
    iam: aws_sdk_iam::Client,
    firehose: aws_sdk_firehose::Client,
    kinesis: aws_sdk_kinesis::Client,
    lambda: aws_sdk_lambda::Client,
    analytics: aws_sdk_kinesisanalyticsv2::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    calls: CallLog,
    /// The lab, for the code that it gives.
    lab: &'a Lab,
    /// The learner's names; an action that is given another name in its form changes it here.
    pub variables: Variables,
}

/// Why an action did not do what was asked.
#[derive(Debug, Error)]
pub enum ActionError {
    /// The lab has no such action.
    #[error("there is no action {0:?}")]
    Unknown(String),
    /// A field of the form cannot be right.
    #[error("{field}: {message}")]
    Invalid { field: String, message: String },
    /// AWS said no, in its own words.
    #[error("{operation}: {message}")]
    Refused { operation: &'static str, message: String },
}

/// Runs an action by name with the fields of its form; the answer tells the learner what was done, by which calls.
pub async fn run(
    workbench: &mut Workbench<'_>,
    action: &str,
    fields: &BTreeMap<String, String>,
) -> Result<Performed, ActionError> {
    let message = dispatch(workbench, action, &Fields(fields)).await?;
    Ok(Performed { message, calls: workbench.calls.take() })
}

async fn dispatch(workbench: &mut Workbench<'_>, action: &str, fields: &Fields<'_>) -> Result<String, ActionError> {
    match action {
        "create-bucket" => delivery_stream::create_bucket(workbench, fields).await,
        "create-delivery-stream" => delivery_stream::create_delivery_stream(workbench, fields).await,
        "create-preprocess-function" => preprocess::create_preprocess_function(workbench, fields).await,
        "create-data-stream" => data_stream::create_data_stream(workbench, fields).await,
        "attach-transformation" => preprocess::attach_transformation(workbench, fields).await,
        "create-count-function" => count::create_count_function(workbench, fields).await,
        "create-mapping" => count::create_mapping(workbench, fields).await,
        "connect-table" => count::connect_table(workbench, fields).await,
        "create-application" => streaming_sql::create_application(workbench, fields).await,
        "attach-preprocessor" => streaming_sql::attach_preprocessor(workbench, fields).await,
        "start-application" => streaming_sql::start_application(workbench).await,
        "stop-application" => streaming_sql::stop_application(workbench).await,
        "create-table" => results::create_table(workbench, fields).await,
        "create-output-function" => results::create_output_function(workbench, fields).await,
        "attach-output" => results::attach_output(workbench, fields).await,
        "delete-application" => clean_up::delete_application(workbench).await,
        "delete-mapping" => count::delete_mapping(workbench).await,
        "delete-data-stream" => data_stream::delete_data_stream(workbench).await,
        "delete-delivery-stream" => clean_up::delete_delivery_stream(workbench).await,
        "delete-functions" => clean_up::delete_functions(workbench).await,
        "delete-table" => clean_up::delete_table(workbench).await,
        "delete-bucket" => clean_up::delete_bucket(workbench).await,
        "delete-roles" => clean_up::delete_roles(workbench).await,
        unknown => Err(ActionError::Unknown(unknown.to_owned())),
    }
}

impl<'a> Workbench<'a> {
    /// Takes out the calls noted so far.
    #[cfg(test)]
    pub fn take_calls(&self) -> Vec<String> {
        self.calls.take()
    }

    /// Reads one of the learner's names from a form and takes it on; refuses what AWS would refuse, saying why.
    fn take_name(&mut self, fields: &Fields<'_>, field: &str, variable: &str) -> Result<String, ActionError> {
        self.adopt(fields.text(field)?, field, variable)
    }

    /// The same for a name that may be empty.
    fn take_optional_name(&mut self, fields: &Fields<'_>, field: &str, variable: &str) -> Result<String, ActionError> {
        self.adopt(fields.optional_text(field)?, field, variable)
    }

    fn adopt(&mut self, name: String, field: &str, variable: &str) -> Result<String, ActionError> {
        self.variables.set(variable, &name).map_err(|error| fields::invalid(field, &error.message))?;
        Ok(name)
    }

    /// Clients that share one SDK configuration: the learner's credentials, region and endpoint.
    pub fn new(config: &SdkConfig, lab: &'a Lab, variables: Variables) -> Self {
        let (calls, sent) = (CallLog::default(), WireLog::of_workbench());
        macro_rules! client {
            ($service:ident) => {
                $service::Client::from_conf(
                    $service::config::Builder::from(config)
                        .interceptor(calls.clone())
                        .interceptor(sent.clone())
                        .build(),
                )
            };
        }
        let s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(true);
        let s3 = s3.interceptor(calls.clone()).interceptor(sent.clone()).build();
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3),
            iam: client!(aws_sdk_iam),
            firehose: client!(aws_sdk_firehose),
            kinesis: client!(aws_sdk_kinesis),
            lambda: client!(aws_sdk_lambda),
            analytics: client!(aws_sdk_kinesisanalyticsv2),
            dynamodb: client!(aws_sdk_dynamodb),
            logs: client!(aws_sdk_cloudwatchlogs),
            calls,
            lab,
            variables,
        }
    }

    fn role_arn(&self, role: &str) -> String {
        format!("arn:aws:iam::{}:role/{role}", self.variables.account)
    }

    fn function_arn(&self, function: &str) -> String {
        format!("arn:aws:lambda:{}:{}:function:{function}", self.variables.region, self.variables.account)
    }

    fn data_stream_arn(&self) -> String {
        let Variables { region, account, data_stream, .. } = &self.variables;
        format!("arn:aws:kinesis:{region}:{account}:stream/{data_stream}")
    }

    /// The statement of a policy that lets a reader read the data stream.
    fn may_read_data_stream(&self) -> Value {
        json!({
            "Effect": "Allow",
            "Action": ["kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords",
                       "kinesis:GetShardIterator", "kinesis:ListShards"],
            "Resource": self.data_stream_arn(),
        })
    }

    /// A code file of the lab with the learner's names in it.
    fn code(&self, path: &str) -> String {
        self.lab.file(path, &self.variables).unwrap_or_default()
    }

    fn stream_arn(&self) -> String {
        let Variables { region, account, stream, .. } = &self.variables;
        format!("arn:aws:firehose:{region}:{account}:deliverystream/{stream}")
    }
}

/// Turns a failed call into AWS's own words.
fn refused<E, R>(operation: &'static str) -> impl FnOnce(SdkError<E, R>) -> ActionError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    move |error| {
        let message = match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => {
                tracing::warn!(operation, cause = %DisplayErrorContext(&error), "a call of an action failed");
                "the service could not be reached; try again in a moment".to_owned()
            }
        };
        ActionError::Refused { operation, message }
    }
}

/// A required member that an AWS builder misses: our own mistake, told like any other refusal.
fn incomplete(operation: &'static str) -> impl FnOnce(aws_sdk_dynamodb::error::BuildError) -> ActionError {
    move |error| ActionError::Refused { operation, message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use aws_config::retry::RetryConfig;
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use lab::Engine;

    use super::*;

    /// A place where nobody listens: whatever is asked fails at once.
    fn nowhere() -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .endpoint_url("http://127.0.0.1:1")
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    #[tokio::test]
    async fn every_action_that_the_lab_declares_is_there() {
        for engine in Engine::ALL {
            let lab = Lab::embedded_for(engine);
            let variables = Variables::defaults_for(engine, "123456789012", "us-east-1", "http://127.0.0.1:1");
            let mut workbench = Workbench::new(&nowhere(), &lab, variables);
            for action in lab.steps.iter().flat_map(|step| &step.actions) {
                let failed = run(&mut workbench, &action.name, &BTreeMap::new()).await.unwrap_err();
                assert!(!matches!(failed, ActionError::Unknown(_)), "{}", action.name);
            }
        }
        let lab = Lab::embedded();
        let variables = Variables::defaults("123456789012", "us-east-1", "http://127.0.0.1:1");
        let mut workbench = Workbench::new(&nowhere(), &lab, variables);
        let failed = run(&mut workbench, "open-the-sluice", &BTreeMap::new()).await;
        assert!(matches!(failed, Err(ActionError::Unknown(name)) if name == "open-the-sluice"));
    }
}
