//! Step 4 with the engine Flink: the application, what it reads, and the stream for its counts.

use aws_sdk_kinesisanalyticsv2::types::{ApplicationConfigurationDescription, EnvironmentPropertyDescriptions};

use super::delivery_stream::not_active;
use crate::{
    arn,
    data_streams::DataStream,
    finding::{Finding, Judged},
    observed::Observed,
    text::{clip, counted},
};

/// The oldest Flink that AWS still starts new applications on.
const OLDEST: (u32, u32) = (1, 18);

pub(crate) async fn application(observed: &Observed<'_>) -> Judged {
    let application = observed.application().await?;
    let runtime = application.value.runtime_environment.as_str();
    let name = &observed.subject.application;
    let expected = "FLINK-1_20";
    let finding = match flink_version(runtime) {
        Some(version) if version >= OLDEST => Finding::pass(format!("The Flink application {name} exists.")),
        Some(_) => Finding::wrong(
            "RuntimeEnvironment",
            expected,
            clip(runtime, 40),
            format!(
                "{name} runs on a Flink that AWS is giving up. Change its runtime to {expected}, or create it anew."
            ),
        ),
        None => Finding::wrong(
            "RuntimeEnvironment",
            expected,
            clip(runtime, 40),
            format!(
                "{name} is no Flink application, and that cannot be changed. Delete it and create it with {expected}."
            ),
        ),
    };
    Ok(finding.with(application.evidence([
        ("RuntimeEnvironment", runtime.to_owned()),
        ("ApplicationStatus", application.value.application_status.to_string()),
        ("ApplicationVersionId", application.value.application_version_id.to_string()),
    ])))
}

/// The version in "FLINK-1_20".
fn flink_version(runtime: &str) -> Option<(u32, u32)> {
    let (major, minor) = runtime.strip_prefix("FLINK-")?.split_once('_')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether the application is told to read the data stream: by a property, as an ARN or a name, or in its text.
pub(crate) async fn input(observed: &Observed<'_>) -> Judged {
    let application = observed.application().await?;
    let subject = observed.subject;
    let configuration = application.value.application_configuration_description.as_ref();
    let values = configuration.map(property_values).unwrap_or_default();
    let text = configuration
        .and_then(|configuration| configuration.application_code_configuration_description.as_ref())
        .and_then(|code| code.code_content_description.as_ref())
        .and_then(|content| content.text_content.as_deref())
        .unwrap_or_default();
    let name = &subject.data_stream;
    let streams: Vec<&str> =
        values.iter().map(|value| arn::data_stream_name(value)).filter(|name| !name.is_empty()).collect();
    // A property may also hold SQL, or the name alone.
    let is_named = values.iter().any(|value| {
        DataStream::Clicks.is(value, subject) || (arn::data_stream_name(value).is_empty() && names(value, name))
    }) || names(text, name);
    let evidence = application.evidence([
        ("PropertyGroups", counted(values.len(), "value")),
        ("data streams named", streams.join(", ")),
        ("names the data stream", is_named.to_string()),
    ]);
    let finding = if is_named {
        Finding::pass(format!("The application is told to read the data stream {name}."))
    } else if values.is_empty() && text.trim().is_empty() {
        Finding::not_yet(
            "the application's input",
            format!(
                "The application is not told what to read. Give it a property group that names the data stream {name}."
            ),
        )
    } else {
        Finding::wrong(
            "PropertyGroups",
            DataStream::Clicks.arn(subject),
            if streams.is_empty() { "no data stream".to_owned() } else { clip(&streams.join(", "), 200) },
            format!("The application reads something else. Name the data stream {name} in its property groups."),
        )
    };
    Ok(finding.with(evidence))
}

fn property_values(configuration: &ApplicationConfigurationDescription) -> Vec<&str> {
    configuration
        .environment_property_descriptions
        .iter()
        .flat_map(EnvironmentPropertyDescriptions::property_group_descriptions)
        .flat_map(|group| group.property_map.values())
        .map(String::as_str)
        .collect()
}

/// Whether `name` stands in `text` as a word of its own.
fn names(text: &str, name: &str) -> bool {
    let belongs_to_a_name = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    text.split(|character| !belongs_to_a_name(character)).any(|word| word == name)
}

pub(crate) async fn counts_stream(observed: &Observed<'_>) -> Judged {
    let stream = observed.data_stream(DataStream::Counts).await?;
    let name = &observed.subject.counts_stream;
    let finding = not_active(observed, &stream.value.stream_status, name)
        .unwrap_or_else(|| Finding::pass(format!("The data stream {name} is ready for the counts.")));
    Ok(finding.with(stream.evidence([
        ("StreamStatus", stream.value.stream_status.to_string()),
        ("OpenShardCount", stream.value.open_shard_count.to_string()),
    ])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(flink_version("FLINK-1_20") > flink_version("FLINK-1_8"));
        assert!(flink_version("FLINK-2_2").unwrap() >= OLDEST);
        for other in ["SQL-1_0", "ZEPPELIN-FLINK-3_0", "FLINK-", "FLINK-x_y"] {
            assert_eq!(flink_version(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_is_found_as_a_whole_word() {
        assert!(names("'stream' = 'ClickStreamInput',", "ClickStreamInput"));
        assert!(!names("ClickStreamInput2", "ClickStreamInput"));
        assert!(!names("My-ClickStreamInput", "ClickStreamInput"));
    }
}
