//! Step 3: the preprocessing function. Also what creating a function takes, which step 5 needs again.

use std::collections::HashMap;
use std::io::{Cursor, Write};

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, Runtime};
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::fields::Fields;
use super::{ActionError, Workbench, refused, roles};

/// The file that both functions of the lab consist of.
const SOURCE_FILE: &str = "lambda_function.py";

/// A function as a form asks for it.
pub struct FunctionPlan {
    pub name: String,
    pub runtime: String,
    pub handler: String,
    /// Seconds.
    pub timeout: i32,
    pub code: String,
    pub environment: HashMap<String, String>,
}

/// IAM role, then Lambda `CreateFunction`, or `UpdateFunctionCode` and `UpdateFunctionConfiguration`.
pub async fn create_preprocess_function(workbench: &mut Workbench, fields: &Fields<'_>) -> Result<String, ActionError> {
    let plan = FunctionPlan {
        name: workbench.take_name(fields, "function_name", "preprocess_function")?,
        runtime: fields.text("runtime")?,
        handler: fields.text("handler")?,
        timeout: fields.number("timeout", 1..=900)?,
        code: fields.code("code")?,
        environment: HashMap::new(),
    };
    put_function(workbench, &plan).await
}

/// Creates the function, or brings the one of that name to the plan.
pub async fn put_function(workbench: &Workbench, plan: &FunctionPlan) -> Result<String, ActionError> {
    let role = workbench.variables.lambda_role.clone();
    ensure_lambda_role(workbench, &role).await?;
    let archive = Blob::new(archive_of(&plan.code)?);
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

/// One role for both functions: logs, and writing to the one table.
async fn ensure_lambda_role(workbench: &Workbench, role: &str) -> Result<(), ActionError> {
    let lab::Variables { region, account, table, .. } = &workbench.variables;
    roles::ensure(
        workbench,
        role,
        "lambda.amazonaws.com",
        &json!([
            {"Effect": "Allow", "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
             "Resource": format!("arn:aws:logs:{region}:{account}:*")},
            {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem"],
             "Resource": format!("arn:aws:dynamodb:{region}:{account}:table/{table}")},
        ]),
    )
    .await
}

fn archive_of(code: &str) -> Result<Vec<u8>, ActionError> {
    let failed = |error: zip::result::ZipError| ActionError::Refused {
        operation: "lambda:CreateFunction",
        message: format!("the code cannot be packed: {error}"),
    };
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o644);
    archive.start_file(SOURCE_FILE, options).map_err(failed)?;
    archive.write_all(code.as_bytes()).map_err(|error| failed(error.into()))?;
    Ok(archive.finish().map_err(failed)?.into_inner())
}
