//! A test run of a learner's function, with consent, and what its failures mean.

use aws_config::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_lambda::{config::Builder, operation::invoke::InvokeOutput, primitives::Blob, types::InvocationType};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    api_calls::INVOKE,
    call::{CallError, make},
    clients::INVOKE_TIMEOUT,
    finding::Finding,
    observed::{Function, Observed, USUAL_CHANGE},
    text::clip,
    verdict::Evidence,
};

/// Calls the function once with `event` and returns its answer; a failure of the function is a finding.
/// To be called with the learner's consent only.
pub(crate) async fn invoke(
    observed: &Observed<'_>,
    function: Function,
    event: Value,
) -> Result<(Vec<u8>, Evidence), Finding> {
    let name = observed.function_name(function);
    // One try alone: a repetition would run the learner's code again.
    let once = Builder::default().retry_config(RetryConfig::disabled()).timeout_config(
        TimeoutConfig::builder().operation_attempt_timeout(INVOKE_TIMEOUT).operation_timeout(INVOKE_TIMEOUT).build(),
    );
    let send = observed
        .clients
        .lambda
        .invoke()
        .function_name(name)
        .invocation_type(InvocationType::RequestResponse)
        .payload(Blob::new(event.to_string()))
        .customize()
        .config_override(once)
        .send();
    let answer = make(&INVOKE, observed.clock, INVOKE_TIMEOUT, send).await;
    let output = match &answer.result {
        Ok(output) => output,
        Err(CallError::Absent) => {
            let message = format!("There is no function {name} any more. Create it, then test again.");
            return Err(Finding::not_yet(format!("the function {name}"), message).with(answer.evidence([])));
        }
        Err(CallError::Busy) => {
            let why = "AWS is changing the function";
            let message = format!("AWS is changing the function {name}. Test it again in some seconds.");
            return Err(Finding::settling(observed.clock.now() + USUAL_CHANGE, why, message).with(answer.evidence([])));
        }
        Err(error) => return Err(Finding::could_not_look(&answer, error)),
    };
    let payload = output.payload().map(|payload| payload.as_ref().to_vec()).unwrap_or_default();
    let evidence = answer.evidence([
        ("StatusCode", output.status_code().to_string()),
        ("FunctionError", output.function_error().unwrap_or_default().to_owned()),
        ("Payload", String::from_utf8_lossy(&payload[..payload.len().min(1_000)]).into_owned()),
    ]);
    match failure(output, &payload) {
        Some(finding) => Err(finding.with(evidence)),
        None => Ok((payload, evidence)),
    }
}

/// The payload of a failed run.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FunctionError {
    error_type: String,
    error_message: String,
}

/// The header `X-Amz-Function-Error` tells a failed run; the HTTP status is 200 all the same.
fn failure(output: &InvokeOutput, payload: &[u8]) -> Option<Finding> {
    output.function_error()?;
    let error: FunctionError = serde_json::from_slice(payload).unwrap_or_default();
    let message = clip(&error.error_message, 200);
    let advice = advice(&error.error_type, &error.error_message);
    let kind = if error.error_type.is_empty() { "an error".to_owned() } else { clip(&error.error_type, 80) };
    let found = if message.is_empty() { kind } else { format!("{kind}: {message}") };
    Some(Finding::wrong("answer", "an answer", found, format!("The function failed. {advice} Then test again.")))
}

/// What to do about a failure, by the names that the Lambda runtime gives them.
fn advice(error_type: &str, message: &str) -> String {
    match error_type {
        _ if error_type.ends_with("ImportModuleError") && message.contains("pandas") => {
            "Its code imports pandas, which Lambda's Python does not bring. Use the lab's code, which needs none.".to_owned()
        }
        _ if error_type.ends_with("ImportModuleError") => {
            "Lambda cannot import its code. Is the file called lambda_function.py, at the top of the .zip, and does it \
             import nothing but the standard library and boto3?"
                .to_owned()
        }
        _ if error_type.ends_with("HandlerNotFound") => {
            "Its file has no function of the name in the handler setting. The lab's handler is lambda_function.handler."
                .to_owned()
        }
        _ if error_type.ends_with("MalformedHandlerName") => {
            "The handler setting must read FILE.FUNCTION. The lab's handler is lambda_function.handler.".to_owned()
        }
        _ if error_type.ends_with("UserCodeSyntaxError") => {
            "Python cannot read its code. Mend the syntax error on the line named.".to_owned()
        }
        _ if error_type.ends_with("MarshalError") => {
            "Its answer cannot be written as JSON. b64encode gives bytes: put .decode(\"ascii\") behind it.".to_owned()
        }
        _ if error_type.ends_with("Timedout") || message.contains("Task timed out") => {
            "It did not end in time. Raise its timeout to 60 seconds, or look for what it waits for.".to_owned()
        }
        _ if error_type.ends_with("OutOfMemory") || message.contains("signal: killed") => {
            "It ran out of memory. Raise its memory to 256 MB.".to_owned()
        }
        "ResourceNotFoundException" => {
            "Its table does not exist. Create the table that TABLE_NAME names, in the same region.".to_owned()
        }
        "KeyError" if message.contains("TABLE_NAME") => {
            "It needs the environment variable TABLE_NAME with the name of your table.".to_owned()
        }
        "UnicodeDecodeError" => {
            "One record that is not UTF-8 made it fail for the whole batch. Answer ProcessingFailed for that record alone."
                .to_owned()
        }
        _ => "Read the error and the end of its log, and mend the code.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_own_advice() {
        let failures = [
            ("Runtime.ImportModuleError", "Unable to import module 'lambda_function': No module named 'pandas'"),
            ("Runtime.ImportModuleError", "Unable to import module 'lambda_function': No module named 'x'"),
            ("Runtime.HandlerNotFound", "Handler 'lambda_handler' missing on module 'lambda_function'"),
            ("Runtime.MalformedHandlerName", "Bad handler 'x'"),
            ("Runtime.UserCodeSyntaxError", "Syntax error in module 'lambda_function'"),
            ("Runtime.MarshalError", "Unable to marshal response"),
            ("Sandbox.Timedout", "RequestId: 1 Error: Task timed out after 3.00 seconds"),
            ("Runtime.OutOfMemory", ""),
            ("ResourceNotFoundException", "An error occurred when calling the UpdateItem operation"),
            ("KeyError", "'TABLE_NAME'"),
            ("UnicodeDecodeError", "'utf-8' codec can't decode byte 0xff"),
            ("ZeroDivisionError", "division by zero"),
        ];
        let mut given: Vec<String> = failures.iter().map(|(kind, message)| advice(kind, message)).collect();
        given.sort();
        given.dedup();
        assert_eq!(given.len(), failures.len());
    }

    #[test]
    fn a_time_out_may_come_without_a_type() {
        assert_eq!(
            advice("", "2026-11-24T19:00:00Z 1 Task timed out after 3.00 seconds"),
            advice("Sandbox.Timedout", "")
        );
    }
}
