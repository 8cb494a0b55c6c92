//! The shapes of the service's requests, and what of them is kept. Field names are those of the service's model.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum RecordFormatType {
    #[serde(rename = "JSON")]
    Json,
    #[serde(rename = "CSV")]
    Csv,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SourceSchema {
    pub record_format: RecordFormat,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_encoding: Option<String>,
    pub record_columns: Vec<RecordColumn>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RecordFormat {
    pub record_format_type: RecordFormatType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping_parameters: Option<MappingParameters>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct MappingParameters {
    #[serde(rename = "JSONMappingParameters", skip_serializing_if = "Option::is_none")]
    pub json_mapping_parameters: Option<JsonMappingParameters>,
    #[serde(rename = "CSVMappingParameters", skip_serializing_if = "Option::is_none")]
    pub csv_mapping_parameters: Option<CsvMappingParameters>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct JsonMappingParameters {
    pub record_row_path: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CsvMappingParameters {
    pub record_row_delimiter: String,
    pub record_column_delimiter: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RecordColumn {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    pub sql_type: String,
}

/// `KinesisFirehoseInput`, `LambdaOutput`, `InputLambdaProcessor` and the like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Resource {
    #[serde(rename = "ResourceARN")]
    pub resource_arn: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InputProcessingConfiguration {
    pub input_lambda_processor: Resource,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    pub name_prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_processing_configuration: Option<InputProcessingConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinesis_streams_input: Option<Resource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinesis_firehose_input: Option<Resource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_parallelism: Option<InputParallelism>,
    pub input_schema: SourceSchema,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InputParallelism {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinesis_streams_output: Option<Resource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinesis_firehose_output: Option<Resource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambda_output: Option<Resource>,
    pub destination_schema: DestinationSchema,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DestinationSchema {
    pub record_format_type: RecordFormatType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum InputStartingPosition {
    Now,
    TrimHorizon,
    LastStoppedPoint,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InputStartingPositionConfiguration {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_starting_position: Option<InputStartingPosition>,
}

/// What is kept of an application beside its name, status and version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Definition {
    pub description: Option<String>,
    pub role: String,
    pub code: Option<String>,
    pub input: Option<KeptInput>,
    pub outputs: Vec<KeptOutput>,
    pub log_streams: Vec<KeptLogStream>,
}

impl Definition {
    /// The ARN of the delivery stream that is read.
    pub(super) fn stream_arn(&self) -> Option<&str> {
        let stream = self.input.as_ref()?.input.kinesis_firehose_input.as_ref()?;
        Some(&stream.resource_arn)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptInput {
    pub id: String,
    pub input: Input,
    pub starting_position: Option<InputStartingPosition>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptOutput {
    pub id: String,
    pub output: Output,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptLogStream {
    pub id: String,
    pub arn: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateApplication {
    pub application_name: String,
    pub application_description: Option<String>,
    pub runtime_environment: String,
    pub service_execution_role: String,
    #[serde(default)]
    pub application_configuration: ApplicationConfiguration,
    #[serde(default)]
    pub cloud_watch_logging_options: Vec<CloudWatchLoggingOption>,
    pub application_mode: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// A tag as requests and answers have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagResource {
    #[serde(rename = "ResourceARN")]
    pub resource_arn: String,
    pub tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UntagResource {
    #[serde(rename = "ResourceARN")]
    pub resource_arn: String,
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListTagsForResource {
    #[serde(rename = "ResourceARN")]
    pub resource_arn: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ApplicationConfiguration {
    pub sql_application_configuration: Option<SqlApplicationConfiguration>,
    pub application_code_configuration: Option<ApplicationCodeConfiguration>,
    pub flink_application_configuration: Option<serde_json::Value>,
    pub zeppelin_application_configuration: Option<serde_json::Value>,
    pub environment_properties: Option<serde_json::Value>,
    pub vpc_configurations: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SqlApplicationConfiguration {
    #[serde(default)]
    pub inputs: Vec<Input>,
    #[serde(default)]
    pub outputs: Vec<Output>,
    #[serde(default)]
    pub reference_data_sources: Vec<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ApplicationCodeConfiguration {
    pub code_content: Option<CodeContent>,
    pub code_content_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CodeContent {
    pub text_content: Option<String>,
    pub zip_file_content: Option<String>,
    pub s3_content_location: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CloudWatchLoggingOption {
    #[serde(rename = "LogStreamARN")]
    pub log_stream_arn: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedApplication {
    pub application_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListApplications {
    pub limit: Option<i64>,
    pub next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AddApplicationInput {
    pub application_name: String,
    pub current_application_version_id: i64,
    pub input: Input,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AddInputProcessing {
    pub application_name: String,
    pub current_application_version_id: i64,
    pub input_id: String,
    pub input_processing_configuration: InputProcessingConfiguration,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteInputProcessing {
    pub application_name: String,
    pub current_application_version_id: i64,
    pub input_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AddApplicationOutput {
    pub application_name: String,
    pub current_application_version_id: i64,
    pub output: Output,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteApplicationOutput {
    pub application_name: String,
    pub current_application_version_id: i64,
    pub output_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateApplication {
    pub application_name: String,
    pub current_application_version_id: Option<i64>,
    #[serde(default)]
    pub application_configuration_update: ApplicationConfigurationUpdate,
    pub service_execution_role_update: Option<String>,
    pub runtime_environment_update: Option<String>,
    #[serde(default)]
    pub cloud_watch_logging_option_updates: Vec<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ApplicationConfigurationUpdate {
    pub sql_application_configuration_update: Option<SqlApplicationConfigurationUpdate>,
    pub application_code_configuration_update: Option<ApplicationCodeConfigurationUpdate>,
    pub flink_application_configuration_update: Option<serde_json::Value>,
    pub zeppelin_application_configuration_update: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SqlApplicationConfigurationUpdate {
    #[serde(default)]
    pub input_updates: Vec<InputUpdate>,
    #[serde(default)]
    pub output_updates: Vec<OutputUpdate>,
    #[serde(default)]
    pub reference_data_source_updates: Vec<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ResourceUpdate {
    #[serde(rename = "ResourceARNUpdate")]
    pub resource_arn_update: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InputUpdate {
    pub input_id: String,
    pub name_prefix_update: Option<String>,
    pub input_processing_configuration_update: Option<InputProcessingConfigurationUpdate>,
    pub kinesis_streams_input_update: Option<ResourceUpdate>,
    pub kinesis_firehose_input_update: Option<ResourceUpdate>,
    pub input_schema_update: Option<InputSchemaUpdate>,
    pub input_parallelism_update: Option<InputParallelismUpdate>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InputProcessingConfigurationUpdate {
    pub input_lambda_processor_update: ResourceUpdate,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InputSchemaUpdate {
    pub record_format_update: Option<RecordFormat>,
    pub record_encoding_update: Option<String>,
    pub record_column_updates: Option<Vec<RecordColumn>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InputParallelismUpdate {
    pub count_update: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OutputUpdate {
    pub output_id: String,
    pub name_update: Option<String>,
    pub kinesis_streams_output_update: Option<ResourceUpdate>,
    pub kinesis_firehose_output_update: Option<ResourceUpdate>,
    pub lambda_output_update: Option<ResourceUpdate>,
    pub destination_schema_update: Option<DestinationSchema>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ApplicationCodeConfigurationUpdate {
    pub code_content_type_update: Option<String>,
    pub code_content_update: Option<CodeContentUpdate>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CodeContentUpdate {
    pub text_content_update: Option<String>,
    pub zip_file_content_update: Option<String>,
    pub s3_content_location_update: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StartApplication {
    pub application_name: String,
    #[serde(default)]
    pub run_configuration: RunConfiguration,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RunConfiguration {
    #[serde(default)]
    pub sql_run_configurations: Vec<SqlRunConfiguration>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SqlRunConfiguration {
    pub input_id: String,
    pub input_starting_position_configuration: InputStartingPositionConfiguration,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteApplication {
    pub application_name: String,
    /// Seconds since the epoch, as the protocol writes times.
    pub create_timestamp: f64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DiscoverInputSchema {
    #[serde(rename = "ResourceARN")]
    pub resource_arn: Option<String>,
    pub service_execution_role: String,
    pub input_processing_configuration: Option<InputProcessingConfiguration>,
    #[serde(rename = "S3Configuration")]
    pub s3_configuration: Option<serde_json::Value>,
}
