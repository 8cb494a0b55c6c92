//! Step 5: the table, the output function, and what calls it.

use aws_sdk_dynamodb::types::{KeyType, ScalarAttributeType, TableDescription, TableStatus};
use aws_sdk_kinesisanalyticsv2::types::{ApplicationDetail, OutputDescription, RecordFormatType};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;

use super::{
    preprocess::{function_arn, not_ready, state_evidence},
    streaming_sql::{same_function, sql_configuration},
};
use crate::{
    data_streams::DataStream,
    engine::Engine,
    finding::{Finding, Judged},
    mappings::window_seconds,
    observed::{Function, Observed, Seen, USUAL_CHANGE},
    text::clip,
    verdict::Evidence,
};

/// The stream that the output reads; its name is case-sensitive.
const OUTPUT: &str = "WINDOW_COUNTS";

pub(crate) async fn table(observed: &Observed<'_>) -> Judged {
    let table = observed.table().await?;
    let name = &observed.subject.table;
    let until = observed.clock.now() + USUAL_CHANGE;
    let status = table.value.table_status.as_ref();
    let finding = match status {
        Some(TableStatus::Active) => Finding::pass(format!("The table {name} is active.")),
        Some(TableStatus::Creating) => {
            let why = "AWS is creating the table";
            Finding::settling(until, why, format!("AWS is creating the table {name}. That takes some seconds."))
        }
        Some(TableStatus::Updating) => {
            let why = "AWS is changing the table";
            Finding::settling(until, why, format!("AWS is changing the table {name}. That takes a minute or so."))
        }
        Some(
            status @ (TableStatus::Archived
            | TableStatus::Archiving
            | TableStatus::InaccessibleEncryptionCredentials
            | TableStatus::ReplicationNotAuthorized),
        ) => Finding::wrong(
            "TableStatus",
            "ACTIVE",
            status.as_str(),
            format!("AWS has locked the table {name}. Delete it and create it anew, without a key of your own."),
        ),
        _ => Finding::fault(
            "the table is in a state that we do not know",
            "The table is in a state that this lab does not know. Check again in a minute.",
        ),
    };
    Ok(finding.with(table_evidence(&table)))
}

fn table_evidence(table: &Seen<'_, TableDescription>) -> Evidence {
    table.evidence([("TableStatus", table.value.table_status.as_ref().map(ToString::to_string).unwrap_or_default())])
}

pub(crate) async fn keys(observed: &Observed<'_>) -> Judged {
    let table = observed.table().await?;
    let finding = keys_fault(table.value)
        .unwrap_or_else(|| Finding::pass("One item a metric and window: the keys are metric and window_end."));
    Ok(finding.with(
        table.evidence([("HASH", key(table.value, &KeyType::Hash)), ("RANGE", key(table.value, &KeyType::Range))]),
    ))
}

/// What is wrong with the keys of the table, if anything.
pub(crate) fn keys_fault(table: &TableDescription) -> Option<Finding> {
    let string = ScalarAttributeType::S;
    let advice = "The keys of a table cannot be changed: delete it and create it with the partition key metric and the sort \
                  key window_end, both of type String. With them a repeated delivery finds its own item again.";
    let expected = [
        ("partition key", KeyType::Hash, format!("metric ({string})")),
        ("sort key", KeyType::Range, format!("window_end ({string})")),
    ];
    expected.into_iter().find_map(|(setting, kind, expected)| {
        let found = key(table, &kind);
        (found != expected).then(|| Finding::wrong(setting, expected, clip(&found, 120), advice))
    })
}

/// The name and type of a key, as "metric (S)".
fn key(table: &TableDescription, kind: &KeyType) -> String {
    let Some(element) = table.key_schema().iter().find(|element| element.key_type == *kind) else {
        return "none".to_owned();
    };
    let name = &element.attribute_name;
    let attribute = table.attribute_definitions().iter().find(|definition| definition.attribute_name == *name);
    format!("{name} ({})", attribute.map_or("?", |definition| definition.attribute_type.as_str()))
}

pub(crate) async fn function(observed: &Observed<'_>) -> Judged {
    let function = observed.function(Function::Output).await?;
    let name = observed.function_name(Function::Output);
    // With a tumbling window the variable has a check of its own.
    let variable_fault = match observed.subject.engine {
        Engine::TumblingWindow => None,
        Engine::SqlApplication | Engine::Flink => table_name_fault(observed, function.value),
    };
    let finding = not_ready(observed, &function, name).or(variable_fault).unwrap_or_else(|| {
        let knows = if observed.subject.engine == Engine::TumblingWindow { "" } else { ", and knows its table" };
        Finding::pass(format!("The function {name} is ready{knows}."))
    });
    Ok(finding.with(state_evidence(&function)))
}

pub(crate) async fn table_name(observed: &Observed<'_>) -> Judged {
    let function = observed.function(Function::Output).await?;
    let (name, table) = (observed.function_name(Function::Output), &observed.subject.table);
    let finding = not_ready(observed, &function, name)
        .or_else(|| table_name_fault(observed, function.value))
        .unwrap_or_else(|| Finding::pass(format!("The function {name} stores its counts in {table}.")));
    Ok(finding.with(state_evidence(&function)))
}

/// What is wrong with the variable that names the table. The value itself is not shown, since a variable may hold a
/// secret, and no other variable is looked at.
fn table_name_fault(observed: &Observed<'_>, function: &GetFunctionConfigurationOutput) -> Option<Finding> {
    let table = &observed.subject.table;
    let variables = function.environment().and_then(|environment| environment.variables());
    let found = match variables.and_then(|variables| variables.get("TABLE_NAME")) {
        Some(value) if value == table => return None,
        Some(_) => "another value",
        None => "not set",
    };
    Some(Finding::wrong(
        "TABLE_NAME",
        table,
        found,
        format!("The function reads the name of the table from its environment. Set TABLE_NAME to {table}."),
    ))
}

/// Whether Lambda hands the rows of the Flink application to the output function.
pub(crate) async fn counts_mapping(observed: &Observed<'_>) -> Judged {
    let mapping = observed.mapping(DataStream::Counts).await?;
    let name = observed.function_name(Function::Output);
    let seconds = window_seconds(mapping.value);
    let finding = observed.not_enabled(mapping.value).unwrap_or_else(|| {
        if seconds == 0 {
            Finding::pass(format!("Lambda reads {} and calls {name} with its rows.", observed.subject.counts_stream))
        } else {
            Finding::wrong(
                "TumblingWindowInSeconds",
                "no window",
                seconds.to_string(),
                "The rows are counts of windows already. Set the tumbling window of the event source mapping to 0.",
            )
        }
    });
    Ok(finding.with(mapping.evidence()))
}

pub(crate) async fn output(observed: &Observed<'_>) -> Judged {
    let application = observed.application().await?;
    let expected_function = &observed.subject.functions.output;
    let outputs = outputs(application.value);
    // Several outputs may be attached; the one that fits best is the one to talk about.
    let output = outputs
        .iter()
        .find(|output| output.name.as_deref() == Some(OUTPUT))
        .or_else(|| outputs.iter().find(|output| same_function(observed, lambda_arn(output), expected_function)))
        .or_else(|| outputs.first());
    let Some(output) = output else {
        let message = format!("The application has no output yet. Attach {expected_function} to the stream {OUTPUT}.");
        let finding = Finding::not_yet("the application's output", message);
        return Ok(finding.with(application.evidence([("OutputDescriptions", "0".to_owned())])));
    };
    let name = output.name.as_deref().unwrap_or_default();
    let arn = lambda_arn(output);
    let format = output.destination_schema.as_ref().map_or("none", |schema| schema.record_format_type.as_str());
    let evidence = application.evidence([
        ("Name", name.to_owned()),
        ("LambdaOutput.ResourceARN", arn.to_owned()),
        ("RecordFormatType", format.to_owned()),
    ]);
    let finding = if name != OUTPUT {
        Finding::wrong(
            "Name",
            OUTPUT,
            if name.is_empty() { "none".to_owned() } else { clip(name, 60) },
            "The output's name must be that of the in-application stream, letter for letter. Delete the output and attach \
             it as WINDOW_COUNTS.",
        )
    } else if !same_function(observed, arn, expected_function) {
        Finding::wrong(
            "LambdaOutput.ResourceARN",
            function_arn(observed, expected_function),
            if arn.is_empty() { "no function".to_owned() } else { clip(arn, 200) },
            format!("The counts go somewhere else. Delete the output and attach {expected_function}."),
        )
    } else if format != RecordFormatType::Json.as_str() {
        Finding::wrong(
            "RecordFormatType",
            "JSON",
            clip(format, 40),
            "The function reads rows in JSON. Delete the output and attach it with the format JSON.",
        )
    } else {
        Finding::pass(format!("The application sends {OUTPUT} to {expected_function}, as JSON."))
    };
    Ok(finding.with(evidence))
}

fn outputs(application: &ApplicationDetail) -> &[OutputDescription] {
    sql_configuration(application).and_then(|sql| sql.output_descriptions.as_deref()).unwrap_or_default()
}

fn lambda_arn(output: &OutputDescription) -> &str {
    output.lambda_output_description.as_ref().map_or("", |lambda| lambda.resource_arn.as_str())
}
