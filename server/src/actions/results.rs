//! Step 5: the table, the output function and the application's output.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use aws_sdk_kinesisanalyticsv2::types::{DestinationSchema, LambdaOutput, Output, RecordFormatType};

use super::fields::Fields;
use super::preprocess::{FunctionPlan, put_function};
use super::streaming_sql::{built, require};
use super::{ActionError, Workbench, incomplete, refused, tags};

/// DynamoDB `CreateTable`: partition key `metric`, sort key `window_end`, paid by the request.
pub async fn create_table(workbench: &mut Workbench<'_>, fields: &Fields<'_>) -> Result<String, ActionError> {
    let table = workbench.take_name(fields, "table", "table")?;
    let mut request = workbench.dynamodb.create_table().table_name(&table).billing_mode(BillingMode::PayPerRequest);
    request = request.tags(tags::dynamodb().map_err(incomplete("dynamodb:CreateTable"))?);
    for (name, key_type) in [("metric", KeyType::Hash), ("window_end", KeyType::Range)] {
        let definition =
            AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build();
        let key = KeySchemaElement::builder().attribute_name(name).key_type(key_type).build();
        request = request
            .attribute_definitions(definition.map_err(incomplete("dynamodb:CreateTable"))?)
            .key_schema(key.map_err(incomplete("dynamodb:CreateTable"))?);
    }
    let answer = match request.send().await {
        Ok(_) => format!("Table {table} is being created."),
        Err(error) if error.as_service_error().is_some_and(|cause| cause.is_resource_in_use_exception()) => {
            format!("Table {table} was there already.")
        }
        Err(error) => return Err(refused("dynamodb:CreateTable")(error)),
    };
    Ok(answer)
}

/// The function that writes window counts, told its table by the environment variable `TABLE_NAME`.
pub async fn create_output_function(workbench: &mut Workbench<'_>, fields: &Fields<'_>) -> Result<String, ActionError> {
    let plan = FunctionPlan {
        name: workbench.take_name(fields, "function_name", "output_function")?,
        runtime: "python3.13".to_owned(),
        handler: "lambda_function.handler".to_owned(),
        timeout: fields.number("timeout", 1..=900)?,
        code: fields.code("code")?,
        more_files: Vec::new(),
        environment: HashMap::from([("TABLE_NAME".to_owned(), workbench.variables.table.clone())]),
    };
    put_function(workbench, &plan).await
}

/// `AddApplicationOutput`: rows of an in-application stream go to the function as JSON.
pub async fn attach_output(workbench: &mut Workbench<'_>, fields: &Fields<'_>) -> Result<String, ActionError> {
    let stream = fields.text("output_stream")?;
    let function = fields.text("function_name")?;
    let arn = workbench.function_arn(&function);
    let existing = require(workbench).await?;
    let outputs = existing
        .application_configuration_description
        .as_ref()
        .and_then(|configuration| configuration.sql_application_configuration_description.as_ref())
        .map(|sql| sql.output_descriptions().to_vec())
        .unwrap_or_default();
    let mut version = existing.application_version_id;
    for output in outputs {
        // An output cannot be changed in place without its id, and a stale one blocks the application: replace it.
        let deleted = workbench
            .analytics
            .delete_application_output()
            .application_name(&existing.application_name)
            .current_application_version_id(version)
            .set_output_id(output.output_id)
            .send()
            .await
            .map_err(refused("kinesisanalytics:DeleteApplicationOutput"))?;
        version = deleted.application_version_id.unwrap_or(version + 1);
    }
    let output = Output::builder()
        .name(&stream)
        .lambda_output(built(LambdaOutput::builder().resource_arn(arn).build())?)
        .destination_schema(built(DestinationSchema::builder().record_format_type(RecordFormatType::Json).build())?)
        .build();
    workbench
        .analytics
        .add_application_output()
        .application_name(&existing.application_name)
        .current_application_version_id(version)
        .output(built(output)?)
        .send()
        .await
        .map_err(refused("kinesisanalytics:AddApplicationOutput"))?;
    workbench.variables.output_function.clone_from(&function);
    Ok(format!("Rows of {stream} now go to {function}."))
}
