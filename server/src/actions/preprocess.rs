//! Step 3: the preprocessing function. Also what creating a function takes, which step 5 needs again.

use std::collections::HashMap;
use std::io::{Cursor, Write};

use aws_sdk_firehose::types::ExtendedS3DestinationUpdate;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, Runtime};
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::fields::Fields;
use super::{ActionError, Workbench, delivery_stream, refused, roles, tags};

/// The file that each function of the lab begins with.
const SOURCE_FILE: &str = "lambda_function.py";
/// The output function's code beside the counting function's.
pub const STORE_FILE: &str = "store.py";

/// A function as a form asks for it.
pub struct FunctionPlan {
    pub name: String,
    pub runtime: String,
    pub handler: String,
    /// Seconds.
    pub timeout: i32,
    pub code: String,
    /// Files beside the code, by name.
    pub more_files: Vec<(&'static str, String)>,
    pub environment: HashMap<String, String>,
}

/// IAM role, then Lambda `CreateFunction`, or `UpdateFunctionCode` and `UpdateFunctionConfiguration`.
pub async fn create_preprocess_function(
    workbench: &mut Workbench<'_>,
    fields: &Fields<'_>,
) -> Result<String, ActionError> {
    let plan = FunctionPlan {
        name: workbench.take_name(fields, "function_name", "preprocess_function")?,
        runtime: fields.text("runtime")?,
        handler: fields.text("handler")?,
        timeout: fields.number("timeout", 1..=900)?,
        code: fields.code("code")?,
        more_files: Vec::new(),
        environment: HashMap::new(),
    };
    put_function(workbench, &plan).await
}

/// Creates the function, or brings the one of that name to the plan.
pub async fn put_function(workbench: &Workbench<'_>, plan: &FunctionPlan) -> Result<String, ActionError> {
    let role = workbench.variables.lambda_role.clone();
    ensure_lambda_role(workbench).await?;
    let archive = Blob::new(archive_of(plan)?);
    let environment = Environment::builder().set_variables(Some(plan.environment.clone())).build();
    let created = workbench
        .lambda
        .create_function()
        .function_name(&plan.name)
        .runtime(Runtime::from(plan.runtime.as_str()))
        .handler(&plan.handler)
        .timeout(plan.timeout)
        .memory_size(256)
        .role(workbench.role_arn(&role))
        .code(FunctionCode::builder().zip_file(archive.clone()).build())
        .environment(environment.clone())
        .tags(tags::KEY, tags::VALUE)
        .send()
        .await;
    match created {
        Ok(_) => return Ok(format!("Function {} is created.", plan.name)),
        Err(error) if error.as_service_error().is_some_and(|cause| cause.is_resource_conflict_exception()) => (),
        Err(error) => return Err(refused("lambda:CreateFunction")(error)),
    }
    workbench
        .lambda
        .update_function_code()
        .function_name(&plan.name)
        .zip_file(archive)
        .send()
        .await
        .map_err(refused("lambda:UpdateFunctionCode"))?;
    workbench
        .lambda
        .update_function_configuration()
        .function_name(&plan.name)
        .runtime(Runtime::from(plan.runtime.as_str()))
        .handler(&plan.handler)
        .timeout(plan.timeout)
        .environment(environment)
        .send()
        .await
        .map_err(refused("lambda:UpdateFunctionConfiguration"))?;
    Ok(format!("Function {} was there already; its code and settings are replaced.", plan.name))
}

/// One role for both functions: logs, writing to the one table, and reading the data stream where there is one.
pub async fn ensure_lambda_role(workbench: &Workbench<'_>) -> Result<(), ActionError> {
    let lab::Variables { region, account, table, lambda_role, engine, .. } = &workbench.variables;
    let mut statements = vec![
        json!({"Effect": "Allow", "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
               "Resource": format!("arn:aws:logs:{region}:{account}:*")}),
        json!({"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem"],
               "Resource": format!("arn:aws:dynamodb:{region}:{account}:table/{table}")}),
    ];
    if engine.reads_data_stream() {
        statements.push(workbench.may_read_data_stream());
    }
    roles::ensure(workbench, lambda_role, "lambda.amazonaws.com", &statements.into()).await
}

/// The environment variables of a function as they are, so that a change of one keeps the others; none when it is not there.
pub async fn environment_of(workbench: &Workbench<'_>, function: &str) -> Result<HashMap<String, String>, ActionError> {
    match workbench.lambda.get_function_configuration().function_name(function).send().await {
        Ok(answer) => Ok(answer.environment.and_then(|environment| environment.variables).unwrap_or_default()),
        Err(error) if error.as_service_error().is_some_and(|cause| cause.is_resource_not_found_exception()) => {
            Ok(HashMap::new())
        }
        Err(error) => Err(refused("lambda:GetFunctionConfiguration")(error)),
    }
}

/// Firehose `UpdateDestination`: every record goes through the function before it is delivered.
pub async fn attach_transformation(workbench: &mut Workbench<'_>, fields: &Fields<'_>) -> Result<String, ActionError> {
    let function = workbench.take_name(fields, "function_name", "preprocess_function")?;
    delivery_stream::ensure_firehose_role(workbench).await?;
    let stream = workbench.variables.stream.clone();
    let existing = delivery_stream::describe(workbench, &stream).await?.ok_or_else(|| ActionError::Refused {
        operation: "firehose:DescribeDeliveryStream",
        message: format!("there is no delivery stream {stream}; create it first"),
    })?;
    let processing = delivery_stream::processing(&workbench.function_arn(&function))?;
    let update = ExtendedS3DestinationUpdate::builder().processing_configuration(processing).build();
    delivery_stream::update_destination(workbench, &existing, update).await?;
    Ok(format!("{stream} now sends every record through {function}."))
}

fn archive_of(plan: &FunctionPlan) -> Result<Vec<u8>, ActionError> {
    let failed = |error: zip::result::ZipError| ActionError::Refused {
        operation: "lambda:CreateFunction",
        message: format!("the code cannot be packed: {error}"),
    };
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o644);
    let more = plan.more_files.iter().map(|(name, text)| (*name, text));
    for (name, text) in [(SOURCE_FILE, &plan.code)].into_iter().chain(more) {
        archive.start_file(name, options).map_err(failed)?;
        archive.write_all(text.as_bytes()).map_err(|error| failed(error.into()))?;
    }
    Ok(archive.finish().map_err(failed)?.into_inner())
}
