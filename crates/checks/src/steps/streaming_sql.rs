//! Step 4: the SQL application, its input, its code, and whether it runs.

use aws_sdk_kinesisanalyticsv2::types::{
    ApplicationDetail, ApplicationStatus, InputDescription, RecordFormatType, RuntimeEnvironment, SourceSchema,
    SqlApplicationConfigurationDescription,
};

use super::preprocess::function_arn;
use crate::{
    arn,
    engine::Engine,
    finding::{Finding, Judged},
    observed::{Observed, Seen, USUAL_CHANGE},
    sql::{SqlFault, check_sql},
    text::clip,
};

/// `NamePrefix` of the input; the in-application stream is called after it.
const NAME_PREFIX: &str = "SOURCE_SQL_STREAM";
/// The columns that the lab's SQL reads.
const COLUMNS: [(&str, &str); 4] =
    [("prev_page", "VARCHAR(512)"), ("curr_page", "VARCHAR(512)"), ("link_type", "VARCHAR(8)"), ("hits", "INTEGER")];

pub(crate) async fn application(observed: &Observed<'_>) -> Judged {
    let application = observed.application().await?;
    let runtime = &application.value.runtime_environment;
    let name = &observed.subject.application;
    let finding = if *runtime == RuntimeEnvironment::Sql10 {
        Finding::pass(format!("The SQL application {name} exists."))
    } else {
        Finding::wrong(
            "RuntimeEnvironment",
            "SQL-1_0",
            clip(runtime.as_str(), 40),
            format!("{name} is no SQL application, and that cannot be changed. Delete it and create it with SQL-1_0."),
        )
    };
    Ok(finding.with(application.evidence([
        ("RuntimeEnvironment", runtime.to_string()),
        ("ApplicationStatus", application.value.application_status.to_string()),
        ("ApplicationVersionId", application.value.application_version_id.to_string()),
    ])))
}

pub(crate) async fn input(observed: &Observed<'_>) -> Judged {
    let application = observed.application().await?;
    let input = first_input(&application)?;
    let subject = observed.subject;
    let firehose = input.kinesis_firehose_input_description.as_ref().map(|input| input.resource_arn.as_str());
    let data_stream = input.kinesis_streams_input_description.as_ref().map(|input| input.resource_arn.as_str());
    let name_prefix = input.name_prefix.as_deref().unwrap_or_default();
    let found = firehose.or(data_stream).unwrap_or_default();
    let expected = format!(
        "arn:{}:firehose:{}:{}:deliverystream/{}",
        arn::partition(&subject.region),
        subject.region,
        subject.account,
        subject.stream
    );
    let evidence = application.evidence([
        ("ResourceARN", found.to_owned()),
        ("NamePrefix", name_prefix.to_owned()),
        ("InAppStreamNames", input.in_app_stream_names.as_deref().unwrap_or_default().join(", ")),
    ]);
    let right_stream = firehose.is_some_and(|arn| {
        arn::stream_name(arn) == subject.stream
            && arn::region(arn) == subject.region
            && (subject.account.is_empty() || arn::account(arn) == subject.account)
    });
    let finding = if !right_stream {
        Finding::wrong(
            "ResourceARN",
            expected,
            if found.is_empty() { "no stream".to_owned() } else { clip(found, 200) },
            format!(
                "The application reads something else. Create it anew with the delivery stream {} as input.",
                subject.stream
            ),
        )
    } else if name_prefix != NAME_PREFIX {
        Finding::wrong(
            "NamePrefix",
            NAME_PREFIX,
            clip(name_prefix, 60),
            format!(
                "The SQL reads \"{NAME_PREFIX}_001\": the prefix and _001. Create the input anew with the prefix \
                 {NAME_PREFIX}."
            ),
        )
    } else {
        Finding::pass(format!("The application reads {} as {NAME_PREFIX}_001.", subject.stream))
    };
    Ok(finding.with(evidence))
}

pub(crate) async fn preprocessor(observed: &Observed<'_>) -> Judged {
    let application = observed.application().await?;
    let input = first_input(&application)?;
    let expected = &observed.subject.functions.preprocess;
    let found = input
        .input_processing_configuration_description
        .as_ref()
        .and_then(|processing| processing.input_lambda_processor_description.as_ref())
        .map_or("", |processor| processor.resource_arn.as_str());
    let finding = if found.is_empty() {
        Finding::not_yet(
            "the preprocessor of the input",
            format!(
                "The input has no preprocessor yet. Attach {expected} to it, so that the SQL sees clean rows only."
            ),
        )
    } else if same_function(observed, found, expected) {
        Finding::pass(format!("{expected} cleans the records before the SQL reads them."))
    } else {
        Finding::wrong(
            "InputLambdaProcessor.ResourceARN",
            function_arn(observed, expected),
            clip(found, 200),
            format!("Another function preprocesses the input. Attach {expected} instead."),
        )
    };
    Ok(finding.with(application.evidence([("InputLambdaProcessor.ResourceARN", found.to_owned())])))
}

/// Whether `found` is the learner's function, in whatever version.
pub(crate) fn same_function(observed: &Observed<'_>, found: &str, name: &str) -> bool {
    let subject = observed.subject;
    arn::function_name(found) == name
        && arn::region(found) == subject.region
        && (subject.account.is_empty() || arn::account(found) == subject.account)
}

pub(crate) async fn schema(observed: &Observed<'_>) -> Judged {
    let application = observed.application().await?;
    let input = first_input(&application)?;
    let Some(schema) = input.input_schema.as_ref() else {
        let message = "The input has no schema yet. Give it the four columns of a click row.";
        return Ok(Finding::not_yet("the input's schema", message).with(application.evidence([])));
    };
    let columns: Vec<String> =
        schema.record_columns.iter().map(|column| format!("{} {}", column.name, column.sql_type)).collect();
    let (rows, split) = delimiters(schema);
    let evidence = application.evidence([
        ("RecordFormatType", record_format(schema).to_owned()),
        ("RecordRowDelimiter", rows.to_owned()),
        ("RecordColumnDelimiter", split.to_owned()),
        ("RecordColumns", columns.join(", ")),
    ]);
    let finding = schema_fault(schema).unwrap_or_else(|| {
        Finding::pass("The schema reads tab-separated lines into prev_page, curr_page, link_type and hits.")
    });
    Ok(finding.with(evidence))
}

fn record_format(schema: &SourceSchema) -> &str {
    schema.record_format.as_ref().map_or("none", |format| format.record_format_type.as_str())
}

/// The delimiters of rows and columns.
fn delimiters(schema: &SourceSchema) -> (&str, &str) {
    schema
        .record_format
        .as_ref()
        .and_then(|format| format.mapping_parameters.as_ref())
        .and_then(|parameters| parameters.csv_mapping_parameters.as_ref())
        .map_or(("", ""), |csv| (csv.record_row_delimiter.as_str(), csv.record_column_delimiter.as_str()))
}

/// The first thing in which the schema differs from the lab's.
fn schema_fault(schema: &SourceSchema) -> Option<Finding> {
    let format = record_format(schema);
    if format != RecordFormatType::Csv.as_str() {
        return Some(Finding::wrong(
            "RecordFormatType",
            "CSV",
            clip(format, 40),
            "Click rows are lines with delimiters. Set the record format to CSV, with the tab as column delimiter.",
        ));
    }
    let (rows, split) = delimiters(schema);
    for (setting, expected, found) in [("RecordRowDelimiter", "\n", rows), ("RecordColumnDelimiter", "\t", split)] {
        if found != expected {
            return Some(Finding::wrong(
                setting,
                clip(expected, 10),
                if found.is_empty() { "none".to_owned() } else { format!("{found:?}") },
                format!(
                    "Rows end with a line feed, and columns are split by a tab. Set {setting} to that one character."
                ),
            ));
        }
    }
    if let Some(encoding) = schema.record_encoding.as_deref().filter(|encoding| !encoding.eq_ignore_ascii_case("UTF-8"))
    {
        return Some(Finding::wrong(
            "RecordEncoding",
            "UTF-8",
            clip(encoding, 40),
            "Titles are UTF-8. Set the encoding to UTF-8.",
        ));
    }
    for (index, (name, sql_type)) in COLUMNS.iter().enumerate() {
        let expected = format!("{name} {sql_type}");
        let advice = format!("The schema differs first in column {}. Make it {expected}.", index + 1);
        let Some(column) = schema.record_columns.get(index) else {
            return Some(Finding::wrong("RecordColumns", expected, format!("no column {}", index + 1), advice));
        };
        if column.name != *name || !is_wide_enough(&column.sql_type, sql_type) {
            let found = clip(&format!("{} {}", column.name, column.sql_type), 120);
            let case = if column.name != *name && column.name.eq_ignore_ascii_case(name) {
                " Names are case-sensitive here: the SQL reads them in small letters."
            } else {
                ""
            };
            return Some(Finding::wrong("RecordColumns", expected, found, format!("{advice}{case}")));
        }
    }
    schema.record_columns.get(COLUMNS.len()).map(|extra| {
        Finding::wrong(
            "RecordColumns",
            "four columns",
            clip(&format!("a fifth, {} {}", extra.name, extra.sql_type), 120),
            "A click row has four columns. Remove the others.",
        )
    })
}

/// Whether a column of the type `found` holds all that one of `expected` does.
fn is_wide_enough(found: &str, expected: &str) -> bool {
    let found = found.split_whitespace().collect::<String>().to_ascii_uppercase();
    match (varchar_length(&found), varchar_length(expected)) {
        (Some(found), Some(expected)) => found >= expected,
        (None, None) => found == expected || (found == "INT" && expected == "INTEGER"),
        _ => false,
    }
}

fn varchar_length(sql_type: &str) -> Option<u32> {
    sql_type.strip_prefix("VARCHAR(")?.strip_suffix(')')?.parse().ok()
}

pub(crate) async fn code(observed: &Observed<'_>) -> Judged {
    let application = observed.application().await?;
    let code = application
        .value
        .application_configuration_description
        .as_ref()
        .and_then(|configuration| configuration.application_code_configuration_description.as_ref())
        .and_then(|code| code.code_content_description.as_ref())
        .and_then(|content| content.text_content.as_deref())
        .unwrap_or_default();
    let first_line: String = code.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
    let evidence =
        application.evidence([("TextContent", first_line), ("characters", code.chars().count().to_string())]);
    if code.trim().is_empty() {
        let message = "The application has no SQL yet. Give it the lab's.";
        return Ok(Finding::not_yet("the application's SQL", message).with(evidence));
    }
    let finding = match check_sql(code) {
        Ok(()) => Finding::pass("The SQL fills WINDOW_COUNTS with one row for each metric and tumbling window."),
        Err(SqlFault { setting, expected, found, advice }) => Finding::wrong(setting, expected, found, advice),
    };
    Ok(finding.with(evidence))
}

pub(crate) async fn running(observed: &Observed<'_>) -> Judged {
    let application = observed.application().await?;
    let status = &application.value.application_status;
    let name = &observed.subject.application;
    let finding = match status {
        ApplicationStatus::Running => Finding::pass(format!("{name} is running.")),
        ApplicationStatus::Ready => Finding::not_yet(
            "a running application",
            format!("{name} is ready but not running. Start it; it reads what arrives from then on."),
        ),
        ApplicationStatus::RolledBack => Finding::wrong(
            "ApplicationStatus",
            "RUNNING",
            "ROLLED_BACK",
            format!("The last change of {name} failed and was taken back. Mend the change and make it again."),
        ),
        ApplicationStatus::Starting
        | ApplicationStatus::Stopping
        | ApplicationStatus::Updating
        | ApplicationStatus::Autoscaling
        | ApplicationStatus::ForceStopping
        | ApplicationStatus::RollingBack
        | ApplicationStatus::Maintenance => Finding::settling(
            observed.clock.now() + USUAL_CHANGE,
            format!("the application is {}", status.as_str()),
            format!(
                "{name} is {}. That takes a minute or {}.",
                status.as_str().to_lowercase().replace('_', " "),
                if observed.subject.engine == Engine::Flink { "several" } else { "so" }
            ),
        ),
        other => Finding::fault(
            format!("the application is in a state that we do not know, {}", clip(other.as_str(), 40)),
            "The application is in a state that this lab does not know. Check again in a minute.",
        ),
    };
    Ok(finding.with(application.evidence([("ApplicationStatus", status.to_string())])))
}

pub(crate) fn sql_configuration(application: &ApplicationDetail) -> Option<&SqlApplicationConfigurationDescription> {
    application.application_configuration_description.as_ref()?.sql_application_configuration_description.as_ref()
}

fn first_input<'a>(application: &Seen<'a, ApplicationDetail>) -> Result<&'a InputDescription, Finding> {
    sql_configuration(application.value)
        .and_then(|sql| sql.input_descriptions.as_ref())
        .and_then(|inputs| inputs.first())
        .ok_or_else(|| {
            let message = "The application has no input yet. Give it your delivery stream as input.";
            Finding::not_yet("the application's input", message)
                .with(application.evidence([("InputDescriptions", "0".to_owned())]))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_column_will_do() {
        assert!(is_wide_enough("varchar( 600 )", "VARCHAR(512)"));
        assert!(!is_wide_enough("VARCHAR(16)", "VARCHAR(512)"));
        assert!(!is_wide_enough("INTEGER", "VARCHAR(512)"));
        assert!(is_wide_enough("int", "INTEGER"));
        assert!(!is_wide_enough("VARCHAR(9)", "INTEGER"));
        assert!(!is_wide_enough("VARCHAR(99999999999999)", "VARCHAR(8)"));
    }
}
