//! Steps 4 and 5 with a tumbling window: the counting function, its event source mapping, and its table.

use aws_sdk_lambda::types::{EventSourceMappingConfiguration, EventSourcePosition, FunctionResponseType};

use super::fields::Fields;
use super::preprocess::{FunctionPlan, STORE_FILE, environment_of, put_function};
use super::{ActionError, Workbench, refused};

/// The most records in one call of the function. Large batches make few calls, and the state is passed with each.
const BATCH_SIZE: i32 = 1_000;
/// Seconds that the mapping waits for a batch to fill.
const BATCHING_SECONDS: i32 = 5;

/// The function that counts in windows. Until it is told a table it prints its counts.
pub async fn create_count_function(workbench: &mut Workbench<'_>, fields: &Fields<'_>) -> Result<String, ActionError> {
    let store = workbench.code(lab::OUTPUT_CODE);
    let name = workbench.take_name(fields, "function_name", "output_function")?;
    let plan = FunctionPlan {
        environment: environment_of(workbench, &name).await?,
        name,
        runtime: "python3.13".to_owned(),
        handler: "lambda_function.handler".to_owned(),
        timeout: fields.number("timeout", 1..=900)?,
        code: fields.code("code")?,
        more_files: vec![(STORE_FILE, store)],
    };
    put_function(workbench, &plan).await
}

/// Lambda `CreateEventSourceMapping` with a tumbling window, or `UpdateEventSourceMapping` where there is one.
pub async fn create_mapping(workbench: &mut Workbench<'_>, fields: &Fields<'_>) -> Result<String, ActionError> {
    let function = workbench.take_name(fields, "function_name", "output_function")?;
    let window = fields.number("window_seconds", 1..=900)?;
    let position = EventSourcePosition::from(fields.text("starting_position")?.as_str());
    workbench.variables.window_seconds = window.unsigned_abs();
    if let Some(uuid) = mapping(workbench, &function).await?.and_then(|mapping| mapping.uuid) {
        workbench
            .lambda
            .update_event_source_mapping()
            .uuid(uuid)
            .tumbling_window_in_seconds(window)
            .enabled(true)
            .send()
            .await
            .map_err(refused("lambda:UpdateEventSourceMapping"))?;
        return Ok(format!("The mapping was there already; its window is {window} seconds."));
    }
    workbench
        .lambda
        .create_event_source_mapping()
        .function_name(&function)
        .event_source_arn(workbench.data_stream_arn())
        .starting_position(position)
        .batch_size(BATCH_SIZE)
        .maximum_batching_window_in_seconds(BATCHING_SECONDS)
        .tumbling_window_in_seconds(window)
        .function_response_types(FunctionResponseType::ReportBatchItemFailures)
        .send()
        .await
        .map_err(refused("lambda:CreateEventSourceMapping"))?;
    Ok(format!("{function} is called with the rows of {}.", workbench.variables.data_stream))
}

/// Lets the function write to the table and tells it the table's name. IAM, then Lambda `UpdateFunctionConfiguration`.
pub async fn connect_table(workbench: &mut Workbench<'_>, fields: &Fields<'_>) -> Result<String, ActionError> {
    let function = workbench.take_name(fields, "function_name", "output_function")?;
    let table = workbench.take_name(fields, "table", "table")?;
    super::preprocess::ensure_lambda_role(workbench).await?;
    let mut environment = environment_of(workbench, &function).await?;
    environment.insert("TABLE_NAME".to_owned(), table.clone());
    let environment = aws_sdk_lambda::types::Environment::builder().set_variables(Some(environment)).build();
    workbench
        .lambda
        .update_function_configuration()
        .function_name(&function)
        .environment(environment)
        .send()
        .await
        .map_err(refused("lambda:UpdateFunctionConfiguration"))?;
    Ok(format!("{function} now writes to {table}."))
}

/// Lambda `DeleteEventSourceMapping`, every mapping of the output function.
pub async fn delete_mapping(workbench: &Workbench<'_>) -> Result<String, ActionError> {
    let function = &workbench.variables.output_function;
    let Some(uuid) = mapping(workbench, function).await?.and_then(|mapping| mapping.uuid) else {
        return Ok("The event source mapping is gone.".to_owned());
    };
    match workbench.lambda.delete_event_source_mapping().uuid(uuid).send().await {
        Ok(_) => Ok("The event source mapping is being deleted.".to_owned()),
        Err(error) if error.as_service_error().is_some_and(|cause| cause.is_resource_not_found_exception()) => {
            Ok("The event source mapping is gone.".to_owned())
        }
        Err(error) => Err(refused("lambda:DeleteEventSourceMapping")(error)),
    }
}

/// The mapping from the data stream to the function.
async fn mapping(
    workbench: &Workbench<'_>,
    function: &str,
) -> Result<Option<EventSourceMappingConfiguration>, ActionError> {
    let listed = workbench
        .lambda
        .list_event_source_mappings()
        .event_source_arn(workbench.data_stream_arn())
        .function_name(function)
        .send()
        .await;
    match listed {
        Ok(answer) => Ok(answer.event_source_mappings.unwrap_or_default().into_iter().next()),
        Err(error) if error.as_service_error().is_some_and(|cause| cause.is_resource_not_found_exception()) => Ok(None),
        Err(error) => Err(refused("lambda:ListEventSourceMappings")(error)),
    }
}
