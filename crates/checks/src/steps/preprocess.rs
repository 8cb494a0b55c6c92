//! Step 3: the preprocessing function.

use aws_sdk_firehose::types::{ProcessingConfiguration, ProcessorParameterName, ProcessorType};
use aws_sdk_lambda::{
    operation::get_function_configuration::GetFunctionConfigurationOutput,
    types::{LastUpdateStatus, State},
};

use super::{delivery_stream::s3_destination, streaming_sql::same_function};
use crate::{
    arn,
    finding::{Finding, Judged},
    invoke::invoke,
    observed::{Function, Observed, Seen, USUAL_CHANGE},
    preprocess_batch::{faults_in, test_event},
    subject::{Consent, Subject},
    text::clip,
};

/// Pythons that AWS still mends, and that run the lab's functions.
const PYTHONS: [&str; 4] = ["python3.13", "python3.12", "python3.14", "python3.15"];
const HANDLER: &str = "lambda_function.handler";
/// In seconds. The application waits for the function, and a slow start must not fail the batch.
const SHORTEST_TIMEOUT: i32 = 60;

pub(crate) async fn function(observed: &Observed<'_>) -> Judged {
    let function = observed.function(Function::Preprocess).await?;
    let name = observed.function_name(Function::Preprocess);
    let finding = match not_ready(observed, &function, name) {
        Some(finding) => finding,
        None => Finding::pass(format!("The function {name} is ready.")),
    };
    Ok(finding.with(state_evidence(&function)))
}

pub(crate) fn state_evidence(function: &Seen<'_, GetFunctionConfigurationOutput>) -> crate::verdict::Evidence {
    let value = function.value;
    function.evidence([
        ("State", value.state().map(ToString::to_string).unwrap_or_default()),
        ("StateReason", value.state_reason().unwrap_or_default().to_owned()),
        ("LastUpdateStatus", value.last_update_status().map(ToString::to_string).unwrap_or_default()),
        ("LastModified", value.last_modified().unwrap_or_default().to_owned()),
    ])
}

/// Why the function cannot be called, if so. An inactive function wakes when it is called.
pub(crate) fn not_ready(
    observed: &Observed<'_>,
    function: &Seen<'_, GetFunctionConfigurationOutput>,
    name: &str,
) -> Option<Finding> {
    let value = function.value;
    let until = observed.clock.now() + USUAL_CHANGE;
    match value.state() {
        Some(State::Pending) => {
            let message = format!("AWS is preparing the function {name}. That takes some seconds.");
            return Some(Finding::settling(until, "AWS is preparing the function", message));
        }
        Some(State::Failed) => {
            let reason = clip(value.state_reason().unwrap_or("no reason given"), 200);
            return Some(Finding::wrong(
                "State",
                "Active",
                "Failed",
                format!("AWS could not prepare the function {name}: {reason}. Mend the cause and create it again."),
            ));
        }
        _ => {}
    }
    match value.last_update_status() {
        Some(LastUpdateStatus::InProgress) => {
            let message = format!("AWS is updating the function {name}. That takes some seconds.");
            Some(Finding::settling(until, "AWS is updating the function", message))
        }
        Some(LastUpdateStatus::Failed) => {
            let reason = clip(value.last_update_status_reason().unwrap_or("no reason given"), 200);
            Some(Finding::wrong(
                "LastUpdateStatus",
                "Successful",
                "Failed",
                format!("The last change of the function {name} failed: {reason}. Make it again."),
            ))
        }
        _ => None,
    }
}

pub(crate) async fn runtime(observed: &Observed<'_>) -> Judged {
    let function = observed.function(Function::Preprocess).await?;
    let found = found_runtime(function.value);
    let finding = runtime_fault(found).unwrap_or_else(|| Finding::pass(format!("The function runs on {found}.")));
    Ok(finding.with(function.evidence([("Runtime", found.to_owned())])))
}

pub(crate) fn found_runtime(function: &GetFunctionConfigurationOutput) -> &str {
    function.runtime().map_or("none", |runtime| runtime.as_str())
}

/// What is wrong with the runtime, if anything.
pub(crate) fn runtime_fault(found: &str) -> Option<Finding> {
    let message = match found {
        known if PYTHONS.contains(&known) => return None,
        "none" => "The function is a container image. The lab's is a .zip with a Python runtime: create it anew so.",
        old if old.starts_with("python") => {
            "AWS no longer mends this version of Python. Change the function's runtime to python3.13."
        }
        _ => "The lab's function is written in Python. Change the function's runtime to python3.13.",
    };
    Some(Finding::wrong("Runtime", "python3.13", clip(found, 40), message))
}

pub(crate) async fn handler(observed: &Observed<'_>) -> Judged {
    let function = observed.function(Function::Preprocess).await?;
    let found = function.value.handler().unwrap_or_default();
    let finding = handler_fault(found).unwrap_or_else(|| {
        Finding::pass(format!("Lambda calls {HANDLER}: the function handler in the file lambda_function.py."))
    });
    Ok(finding.with(function.evidence([("Handler", found.to_owned())])))
}

/// What is wrong with the handler, if anything.
pub(crate) fn handler_fault(found: &str) -> Option<Finding> {
    match found {
        HANDLER => None,
        "lambda_function.lambda_handler" => Some(Finding::wrong(
            "Handler",
            HANDLER,
            found,
            "This is the console's default, and the lab's code names its function handler. Change the handler to \
             lambda_function.handler (in the console under Runtime settings).",
        )),
        _ => Some(Finding::wrong(
            "Handler",
            HANDLER,
            if found.is_empty() { "none".to_owned() } else { clip(found, 128) },
            "The handler says which function Lambda calls, as FILE.FUNCTION. The lab's code is the function handler in \
             lambda_function.py: change the handler to lambda_function.handler.",
        )),
    }
}

pub(crate) async fn timeout(observed: &Observed<'_>) -> Judged {
    let function = observed.function(Function::Preprocess).await?;
    // Lambda's default when a function does not say.
    let found = function.value.timeout().unwrap_or(3);
    let finding = if found >= SHORTEST_TIMEOUT {
        Finding::pass(format!("The function may run for {found} seconds."))
    } else {
        Finding::wrong(
            "Timeout",
            format!("at least {SHORTEST_TIMEOUT}"),
            found.to_string(),
            format!(
                "Lambda stops the function after {found} seconds, and a batch that was stopped is sent again and again. \
                 Raise the timeout to {SHORTEST_TIMEOUT} seconds or more."
            ),
        )
    };
    Ok(finding.with(function.evidence([("Timeout", found.to_string())])))
}

pub(crate) async fn answer(observed: &Observed<'_>) -> Judged {
    let function = observed.function(Function::Preprocess).await?;
    let name = observed.function_name(Function::Preprocess);
    if let Some(finding) = not_ready(observed, &function, name) {
        return Err(finding.with(state_evidence(&function)));
    }
    if observed.consent == Consent::No {
        let message = format!(
            "We have not tried {name} yet. Press \"Test the function\": we call it once with ten made-up records, in your \
             account."
        );
        return Ok(Finding::not_yet("a test run of the function", message).with(state_evidence(&function)));
    }
    let (payload, evidence) = invoke(observed, Function::Preprocess, test_event(observed.subject)).await?;
    let finding = match faults_in(&payload) {
        Ok(()) => Finding::pass(
            "The function answered all ten test records correctly: good rows cleaned, bad ones kept out, none lost.",
        ),
        Err(fault) => Finding::wrong(
            fault.setting,
            fault.expected,
            &fault.found,
            format!("{} Change the code, then test again.", fault.advice),
        ),
    };
    Ok(finding.with(evidence))
}

/// Whether the delivery stream has the function transform its records.
pub(crate) async fn attached(observed: &Observed<'_>) -> Judged {
    let stream = observed.stream().await?;
    let s3 = s3_destination(&stream)?;
    let expected = &observed.subject.functions.preprocess;
    let processing = s3.processing_configuration();
    let found = processing.and_then(transforming_function).unwrap_or_default();
    let is_enabled = processing.is_some_and(|processing| processing.enabled == Some(true));
    let evidence =
        stream.evidence([("ProcessingConfiguration.Enabled", is_enabled.to_string()), ("LambdaArn", found.to_owned())]);
    let finding = if found.is_empty() {
        Finding::not_yet(
            "the transformation of the delivery stream",
            format!(
                "The delivery stream does not transform its records yet. Switch its data transformation on, with the \
                 function {expected}, so that the bucket gets clean rows only."
            ),
        )
    } else if !same_function(observed, found, expected) {
        Finding::wrong(
            "LambdaArn",
            function_arn(observed, expected),
            clip(found, 200),
            format!("Another function transforms the records. Change it to {expected}."),
        )
    } else if !is_enabled {
        Finding::wrong(
            "ProcessingConfiguration.Enabled",
            "true",
            "false",
            format!("{expected} is attached, and the data transformation is switched off. Switch it on."),
        )
    } else {
        Finding::pass(format!("{expected} cleans the records before the stream delivers them."))
    };
    Ok(finding.with(evidence))
}

/// The ARN of the function that a delivery stream calls.
fn transforming_function(processing: &ProcessingConfiguration) -> Option<&str> {
    let lambda = processing.processors().iter().find(|processor| processor.r#type == ProcessorType::Lambda)?;
    let arn = lambda.parameters().iter().find(|one| one.parameter_name == ProcessorParameterName::LambdaArn)?;
    Some(&arn.parameter_value)
}

/// The ARN that a function of this name has in the lab's account and region.
pub(crate) fn function_arn(observed: &Observed<'_>, name: &str) -> String {
    let Subject { region, account, .. } = observed.subject;
    format!("arn:{}:lambda:{region}:{account}:function:{name}", arn::partition(region))
}
