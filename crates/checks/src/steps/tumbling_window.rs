//! Step 4 with the engine of tumbling windows: the counting function, what calls it, and how it counts.

use super::preprocess::{found_runtime, handler_fault, not_ready, runtime_fault, state_evidence};
use crate::{
    data_streams::DataStream,
    finding::{Finding, Judged},
    invoke::invoke,
    mappings::window_seconds,
    observed::{Function, Observed},
    subject::Consent,
    trial::{Purpose, Trial},
};

pub(crate) async fn count_function(observed: &Observed<'_>) -> Judged {
    let function = observed.function(Function::Output).await?;
    let name = observed.function_name(Function::Output);
    let runtime = found_runtime(function.value);
    let handler = function.value.handler().unwrap_or_default();
    let finding = not_ready(observed, &function, name)
        .or_else(|| runtime_fault(runtime))
        .or_else(|| handler_fault(handler))
        .unwrap_or_else(|| Finding::pass(format!("The function {name} is ready, on {runtime}.")));
    let settings = function.evidence([("Runtime", runtime.to_owned()), ("Handler", handler.to_owned())]);
    Ok(finding.with(state_evidence(&function)).with(settings))
}

pub(crate) async fn mapping(observed: &Observed<'_>) -> Judged {
    let mapping = observed.mapping(DataStream::Clicks).await?;
    let finding = observed.not_enabled(mapping.value).unwrap_or_else(|| {
        Finding::pass(format!(
            "Lambda reads {} and calls {} with its records.",
            observed.subject.data_stream,
            observed.function_name(Function::Output)
        ))
    });
    Ok(finding.with(mapping.evidence()))
}

pub(crate) async fn window(observed: &Observed<'_>) -> Judged {
    let mapping = observed.mapping(DataStream::Clicks).await?;
    let expected = observed.subject.window_seconds;
    let found = window_seconds(mapping.value);
    let finding = if i64::from(found) == i64::from(expected) {
        Finding::pass(format!("Lambda ends a window every {expected} seconds, and hands its state from call to call."))
    } else {
        let message = if found == 0 {
            "Without a window Lambda hands no state from call to call, and never says that a window is over."
        } else {
            "The windows have another length than the lab's, with which the counts would not fit the chart."
        };
        Finding::wrong(
            "TumblingWindowInSeconds",
            expected.to_string(),
            if found == 0 { "no window".to_owned() } else { found.to_string() },
            format!("{message} Set the tumbling window of the event source mapping to {expected} seconds."),
        )
    };
    Ok(finding.with(mapping.evidence()))
}

/// Counts a made-up window: some records first, then the end of the window with the state that came back.
pub(crate) async fn count_answer(observed: &Observed<'_>) -> Judged {
    let function = observed.function(Function::Output).await?;
    let name = observed.function_name(Function::Output);
    if let Some(finding) = not_ready(observed, &function, name) {
        return Err(finding.with(state_evidence(&function)));
    }
    if observed.consent == Consent::No {
        let message = format!(
            "We have not tried {name} yet. Press \"Test the function\": we call it twice with a made-up window of the year \
             2000, in your account. If it has a table, the counts of that window stay there; the chart leaves them out."
        );
        return Ok(Finding::not_yet("a test run of the function", message).with(state_evidence(&function)));
    }
    let trial = Trial::new(observed, Purpose::Counting);
    let (payload, first) = invoke(observed, Function::Output, trial.records_event()).await?;
    let state = trial.state_in(&payload).map_err(|finding| finding.with(first.clone()))?;
    let (payload, last) = invoke(observed, Function::Output, trial.final_event(&state))
        .await
        .map_err(|finding| finding.with(first.clone()))?;
    trial.took_the_end(&payload).map_err(|finding| finding.with(first.clone()).with(last.clone()))?;
    let message =
        "The function counted a test window: it kept its counts in the state, and took the end of the window.";
    Ok(Finding::pass(message).with(first).with(last))
}
