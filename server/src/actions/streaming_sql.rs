//! Step 4: the SQL application.

use aws_sdk_kinesisanalyticsv2::operation::describe_application::DescribeApplicationError;
use aws_sdk_kinesisanalyticsv2::types::{
    ApplicationCodeConfiguration, ApplicationCodeConfigurationUpdate, ApplicationConfiguration,
    ApplicationConfigurationUpdate, ApplicationDetail, CodeContent, CodeContentType, CodeContentUpdate,
    CsvMappingParameters, Input, InputDescription, InputLambdaProcessor, InputProcessingConfiguration,
    InputSchemaUpdate, InputStartingPosition, InputStartingPositionConfiguration, InputUpdate, KinesisFirehoseInput,
    KinesisFirehoseInputUpdate, MappingParameters, RecordColumn, RecordFormat, RecordFormatType, RunConfiguration,
    RuntimeEnvironment, SourceSchema, SqlApplicationConfiguration, SqlApplicationConfigurationUpdate,
    SqlRunConfiguration,
};
use serde_json::json;

use super::fields::Fields;
use super::{ActionError, Workbench, refused, roles, tags};

/// Prefix of the in-application stream; the service appends `_001`.
const NAME_PREFIX: &str = "SOURCE_SQL_STREAM";
/// The columns of a click, as the preprocessing function hands them on.
const COLUMNS: [(&str, &str); 4] =
    [("prev_page", "VARCHAR(512)"), ("curr_page", "VARCHAR(512)"), ("link_type", "VARCHAR(8)"), ("hits", "INTEGER")];

/// IAM role, then `CreateApplication` with the delivery stream as input, or `UpdateApplication` when it exists.
pub async fn create_application(workbench: &mut Workbench<'_>, fields: &Fields<'_>) -> Result<String, ActionError> {
    let application = workbench.take_name(fields, "application", "application")?;
    let window_seconds = fields.number("window_seconds", 1..=3600)?;
    let code = fields.code("code")?;
    let role = workbench.variables.analytics_role.clone();
    ensure_analytics_role(workbench, &role).await?;
    workbench.variables.window_seconds = window_seconds.unsigned_abs();

    if let Some(existing) = describe(workbench).await? {
        update_application(workbench, &existing, code).await?;
        return Ok(format!("Application {application} was there already; its code and input are replaced."));
    }
    let input = Input::builder()
        .name_prefix(NAME_PREFIX)
        .kinesis_firehose_input(built(KinesisFirehoseInput::builder().resource_arn(workbench.stream_arn()).build())?)
        .input_schema(click_schema()?)
        .build();
    let configuration = ApplicationConfiguration::builder()
        .sql_application_configuration(SqlApplicationConfiguration::builder().inputs(built(input)?).build())
        .application_code_configuration(built(
            ApplicationCodeConfiguration::builder()
                .code_content_type(CodeContentType::Plaintext)
                .code_content(CodeContent::builder().text_content(code).build())
                .build(),
        )?)
        .build();
    workbench
        .analytics
        .create_application()
        .application_name(&application)
        .runtime_environment(RuntimeEnvironment::Sql10)
        .service_execution_role(workbench.role_arn(&role))
        .application_configuration(configuration)
        .set_tags(tags::analytics().map(|tag| vec![tag]))
        .send()
        .await
        .map_err(refused("kinesisanalytics:CreateApplication"))?;
    Ok(format!("Application {application} is created. Attach the preprocessor, then start it."))
}

/// `AddApplicationInputProcessingConfiguration` on the application's input.
pub async fn attach_preprocessor(workbench: &mut Workbench<'_>, fields: &Fields<'_>) -> Result<String, ActionError> {
    let function = fields.text("function_name")?;
    let existing = require(workbench).await?;
    let input = first_input(&existing)?;
    let processor = built(InputLambdaProcessor::builder().resource_arn(workbench.function_arn(&function)).build())?;
    workbench
        .analytics
        .add_application_input_processing_configuration()
        .application_name(&existing.application_name)
        .current_application_version_id(existing.application_version_id)
        .set_input_id(input.input_id.clone())
        .input_processing_configuration(
            InputProcessingConfiguration::builder().input_lambda_processor(processor).build(),
        )
        .send()
        .await
        .map_err(refused("kinesisanalytics:AddApplicationInputProcessingConfiguration"))?;
    workbench.variables.preprocess_function.clone_from(&function);
    Ok(format!("Every record now passes through {function} before the SQL sees it."))
}

/// `StartApplication`, reading what arrives from now on.
pub async fn start_application(workbench: &Workbench<'_>) -> Result<String, ActionError> {
    let existing = require(workbench).await?;
    let input = first_input(&existing)?;
    let position =
        InputStartingPositionConfiguration::builder().input_starting_position(InputStartingPosition::Now).build();
    let run = built(
        SqlRunConfiguration::builder()
            .input_id(input.input_id.clone().unwrap_or_default())
            .input_starting_position_configuration(position)
            .build(),
    )?;
    workbench
        .analytics
        .start_application()
        .application_name(&existing.application_name)
        .run_configuration(RunConfiguration::builder().sql_run_configurations(run).build())
        .send()
        .await
        .map_err(refused("kinesisanalytics:StartApplication"))?;
    Ok(format!("Application {} is starting.", existing.application_name))
}

/// `StopApplication`.
pub async fn stop_application(workbench: &Workbench<'_>) -> Result<String, ActionError> {
    let application = &workbench.variables.application;
    workbench
        .analytics
        .stop_application()
        .application_name(application)
        .send()
        .await
        .map_err(refused("kinesisanalytics:StopApplication"))?;
    Ok(format!("Application {application} is stopping."))
}

/// The application as it is, or `None` when there is none.
pub async fn describe(workbench: &Workbench<'_>) -> Result<Option<ApplicationDetail>, ActionError> {
    let described =
        workbench.analytics.describe_application().application_name(&workbench.variables.application).send().await;
    match described {
        Ok(answer) => Ok(answer.application_detail),
        Err(error)
            if error.as_service_error().is_some_and(DescribeApplicationError::is_resource_not_found_exception) =>
        {
            Ok(None)
        }
        Err(error) => Err(refused("kinesisanalytics:DescribeApplication")(error)),
    }
}

/// The application, or a refusal that says to create it first.
pub async fn require(workbench: &Workbench<'_>) -> Result<ApplicationDetail, ActionError> {
    describe(workbench).await?.ok_or_else(|| ActionError::Refused {
        operation: "kinesisanalytics:DescribeApplication",
        message: format!("there is no application {}; create it first", workbench.variables.application),
    })
}

/// What an AWS builder made; a missing member is our own mistake, told like any other refusal.
pub fn built<T>(result: Result<T, aws_sdk_kinesisanalyticsv2::error::BuildError>) -> Result<T, ActionError> {
    result.map_err(|error| ActionError::Refused { operation: "kinesisanalytics", message: error.to_string() })
}

async fn update_application(
    workbench: &Workbench<'_>,
    existing: &ApplicationDetail,
    code: String,
) -> Result<(), ActionError> {
    let input = first_input(existing)?;
    let schema = click_schema()?;
    let schema_update = InputSchemaUpdate::builder()
        .set_record_format_update(schema.record_format)
        .set_record_encoding_update(schema.record_encoding)
        .set_record_column_updates(Some(schema.record_columns))
        .build();
    let stream = built(KinesisFirehoseInputUpdate::builder().resource_arn_update(workbench.stream_arn()).build())?;
    let input_update = built(
        InputUpdate::builder()
            .input_id(input.input_id.clone().unwrap_or_default())
            .kinesis_firehose_input_update(stream)
            .input_schema_update(schema_update)
            .build(),
    )?;
    let update = ApplicationConfigurationUpdate::builder()
        .sql_application_configuration_update(
            SqlApplicationConfigurationUpdate::builder().input_updates(input_update).build(),
        )
        .application_code_configuration_update(
            ApplicationCodeConfigurationUpdate::builder()
                .code_content_update(CodeContentUpdate::builder().text_content_update(code).build())
                .build(),
        )
        .build();
    workbench
        .analytics
        .update_application()
        .application_name(&existing.application_name)
        .current_application_version_id(existing.application_version_id)
        .application_configuration_update(update)
        .send()
        .await
        .map_err(refused("kinesisanalytics:UpdateApplication"))?;
    Ok(())
}

fn first_input(application: &ApplicationDetail) -> Result<&InputDescription, ActionError> {
    application
        .application_configuration_description
        .as_ref()
        .and_then(|configuration| configuration.sql_application_configuration_description.as_ref())
        .and_then(|sql| sql.input_descriptions().first())
        .ok_or_else(|| ActionError::Refused {
            operation: "kinesisanalytics:DescribeApplication",
            message: "the application has no input; delete it and create it anew".to_owned(),
        })
}

fn click_schema() -> Result<SourceSchema, ActionError> {
    let separators =
        built(CsvMappingParameters::builder().record_row_delimiter("\n").record_column_delimiter("\t").build())?;
    let format = built(
        RecordFormat::builder()
            .record_format_type(RecordFormatType::Csv)
            .mapping_parameters(MappingParameters::builder().csv_mapping_parameters(separators).build())
            .build(),
    )?;
    let columns = COLUMNS
        .into_iter()
        .map(|(name, sql_type)| built(RecordColumn::builder().name(name).sql_type(sql_type).build()))
        .collect::<Result<Vec<_>, _>>()?;
    built(
        SourceSchema::builder()
            .record_format(format)
            .record_encoding("UTF-8")
            .set_record_columns(Some(columns))
            .build(),
    )
}

/// The application reads its stream and calls the two functions.
async fn ensure_analytics_role(workbench: &Workbench<'_>, role: &str) -> Result<(), ActionError> {
    let lab::Variables { preprocess_function, output_function, .. } = &workbench.variables;
    roles::ensure(
        workbench,
        role,
        "kinesisanalytics.amazonaws.com",
        &json!([
            {"Effect": "Allow", "Action": ["firehose:DescribeDeliveryStream", "firehose:Get*"],
             "Resource": workbench.stream_arn()},
            {"Effect": "Allow", "Action": ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"],
             "Resource": [workbench.function_arn(preprocess_function), workbench.function_arn(output_function)]},
        ]),
    )
    .await
}
