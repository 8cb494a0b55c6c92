//! Step 6: everything goes. What is gone already is fine.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::streaming_sql::describe;
use super::{ActionError, Workbench, refused, roles};

/// Most pages of a thousand objects that one press of the button deletes, so that a request ends in reasonable time.
const PAGES: usize = 20;

/// `DeleteApplication`, which halts one that runs, with the creation time that the service asks for.
pub async fn delete_application(workbench: &Workbench<'_>) -> Result<String, ActionError> {
    let application = &workbench.variables.application;
    let Some(existing) = describe(workbench).await? else {
        return Ok(format!("Application {application} is gone."));
    };
    workbench
        .analytics
        .delete_application()
        .application_name(application)
        .set_create_timestamp(existing.create_timestamp)
        .send()
        .await
        .map_err(refused("kinesisanalytics:DeleteApplication"))?;
    Ok(format!("Application {application} is being deleted."))
}

/// Firehose `DeleteDeliveryStream`.
pub async fn delete_delivery_stream(workbench: &Workbench<'_>) -> Result<String, ActionError> {
    let stream = &workbench.variables.stream;
    match workbench.firehose.delete_delivery_stream().delivery_stream_name(stream).send().await {
        Ok(_) => Ok(format!("Delivery stream {stream} is being deleted.")),
        Err(error) if error.as_service_error().is_some_and(|cause| cause.is_resource_not_found_exception()) => {
            Ok(format!("Delivery stream {stream} is gone."))
        }
        Err(error) => Err(refused("firehose:DeleteDeliveryStream")(error)),
    }
}

/// Lambda `DeleteFunction`, each function, and CloudWatch Logs `DeleteLogGroup`: a function's log outlives it.
pub async fn delete_functions(workbench: &Workbench<'_>) -> Result<String, ActionError> {
    let lab::Variables { preprocess_function, output_function, .. } = &workbench.variables;
    for function in [preprocess_function, output_function] {
        match workbench.lambda.delete_function().function_name(function).send().await {
            Ok(_) => (),
            Err(error) if error.as_service_error().is_some_and(|cause| cause.is_resource_not_found_exception()) => (),
            Err(error) => return Err(refused("lambda:DeleteFunction")(error)),
        }
        match workbench.logs.delete_log_group().log_group_name(format!("/aws/lambda/{function}")).send().await {
            Ok(_) => (),
            Err(error) if error.as_service_error().is_some_and(|cause| cause.is_resource_not_found_exception()) => (),
            Err(error) => return Err(refused("logs:DeleteLogGroup")(error)),
        }
    }
    Ok(format!("Functions {preprocess_function} and {output_function} are gone, and their logs."))
}

/// DynamoDB `DeleteTable`.
pub async fn delete_table(workbench: &Workbench<'_>) -> Result<String, ActionError> {
    let table = &workbench.variables.table;
    match workbench.dynamodb.delete_table().table_name(table).send().await {
        Ok(_) => Ok(format!("Table {table} is being deleted.")),
        Err(error) if error.as_service_error().is_some_and(|cause| cause.is_resource_not_found_exception()) => {
            Ok(format!("Table {table} is gone."))
        }
        Err(error) => Err(refused("dynamodb:DeleteTable")(error)),
    }
}

/// S3 `ListObjectsV2` and `DeleteObjects` until the bucket is empty, then `DeleteBucket`.
pub async fn delete_bucket(workbench: &Workbench<'_>) -> Result<String, ActionError> {
    let bucket = &workbench.variables.bucket;
    for _ in 0..PAGES {
        let listed = match workbench.s3.list_objects_v2().bucket(bucket).send().await {
            Ok(listed) => listed,
            Err(error) if error.as_service_error().is_some_and(|cause| cause.is_no_such_bucket()) => {
                return Ok(format!("Bucket {bucket} is gone."));
            }
            Err(error) => return Err(refused("s3:ListObjectsV2")(error)),
        };
        let objects: Vec<ObjectIdentifier> = listed
            .contents()
            .iter()
            .filter_map(|object| ObjectIdentifier::builder().key(object.key()?).build().ok())
            .collect();
        if objects.is_empty() {
            workbench.s3.delete_bucket().bucket(bucket).send().await.map_err(refused("s3:DeleteBucket"))?;
            return Ok(format!("Bucket {bucket} is emptied and gone."));
        }
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .map_err(|error| ActionError::Refused { operation: "s3:DeleteObjects", message: error.to_string() })?;
        workbench
            .s3
            .delete_objects()
            .bucket(bucket)
            .delete(delete)
            .send()
            .await
            .map_err(refused("s3:DeleteObjects"))?;
    }
    Ok(format!("Bucket {bucket} holds very many objects: thousands are deleted, press again for the rest."))
}

/// IAM roles of the lab, with their inline policies.
pub async fn delete_roles(workbench: &Workbench<'_>) -> Result<String, ActionError> {
    for role in roles::of_lab(&workbench.variables) {
        roles::delete(workbench, role).await?;
    }
    Ok("The roles are gone.".to_owned())
}
