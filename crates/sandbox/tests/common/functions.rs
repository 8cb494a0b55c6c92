//! Python functions for tests: zipped, made and ready to be invoked.

use std::io::{Cursor, Write as _};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::client::Waiters as _;
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, LogType, Runtime};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A zip file with `lambda_function.py`.
pub fn zip(source: &str) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("lambda_function.py", zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(source.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

/// Makes a role that the service may assume and gives its ARN.
pub async fn role_for(sdk: &SdkConfig, name: &str, service: &str) -> String {
    let iam = aws_sdk_iam::Client::new(sdk);
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole" }],
    });
    let role = iam.create_role().role_name(name).assume_role_policy_document(trust.to_string()).send().await;
    role.unwrap().role.unwrap().arn
}

/// Makes the role of the tests' functions.
pub async fn function_role(sdk: &SdkConfig) -> String {
    role_for(sdk, "HeadwaterLambdaRole", "lambda.amazonaws.com").await
}

/// Makes a function with `handler` in its source and the variable `TABLE_NAME`, and waits until it can be invoked.
pub async fn create_function(lambda: &Client, role: &str, name: &str, source: &str, timeout_seconds: i32) {
    lambda
        .create_function()
        .function_name(name)
        .runtime(Runtime::Python313)
        .handler("lambda_function.handler")
        .role(role)
        .timeout(timeout_seconds)
        .environment(Environment::builder().variables("TABLE_NAME", "counts").build())
        .code(FunctionCode::builder().zip_file(Blob::new(zip(source))).build())
        .send()
        .await
        .unwrap();
    wait_until_active(lambda, name).await;
}

/// Waits until a function is made and its last change has taken effect.
pub async fn wait_until_active(lambda: &Client, name: &str) {
    let waiter = lambda.wait_until_function_active_v2().function_name(name);
    waiter.wait(Duration::from_secs(30)).await.unwrap();
    lambda.wait_until_function_updated_v2().function_name(name).wait(Duration::from_secs(30)).await.unwrap();
}

/// Invokes a function, which the service must accept, and asks for its log.
pub async fn invoke_function(lambda: &Client, name: &str, payload: &Value) -> InvokeOutput {
    let payload = Blob::new(payload.to_string());
    lambda.invoke().function_name(name).log_type(LogType::Tail).payload(payload).send().await.unwrap()
}

/// What a function answered.
pub fn answer(output: &InvokeOutput) -> Value {
    serde_json::from_slice(output.payload().unwrap().as_ref()).unwrap()
}

/// The end of an invocation's log.
pub fn log(output: &InvokeOutput) -> String {
    String::from_utf8_lossy(&STANDARD.decode(output.log_result().unwrap()).unwrap()).into_owned()
}
