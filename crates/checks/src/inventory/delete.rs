//! The commands that delete a thing.

use super::{Kind, look::Found};

/// Commands of the AWS CLI for a POSIX shell, one after the other.
pub(super) fn commands(kind: Kind, name: &str, region: &str, found: &Found) -> Vec<String> {
    let name = quoted(name);
    let at = format!("--region {}", quoted(region));
    match kind {
        Kind::Application => {
            // Deleting needs the very moment of the creation, as a safeguard against deleting a successor.
            let created = found.created.clone().unwrap_or_else(|| {
                format!(
                    "\"$(aws kinesisanalyticsv2 describe-application --application-name {name} {at} --query \
                     ApplicationDetail.CreateTimestamp --output text)\""
                )
            });
            vec![format!(
                "aws kinesisanalyticsv2 delete-application --application-name {name} --create-timestamp {created} {at}"
            )]
        }
        Kind::EventSourceMapping => vec![format!("aws lambda delete-event-source-mapping --uuid {name} {at}")],
        Kind::DeliveryStream => {
            let force = if found.state == "DELETING_FAILED" { " --allow-force-delete" } else { "" };
            vec![format!("aws firehose delete-delivery-stream --delivery-stream-name {name}{force} {at}")]
        }
        Kind::DataStream => {
            vec![format!("aws kinesis delete-stream --stream-name {name} --enforce-consumer-deletion {at}")]
        }
        Kind::Function => vec![format!("aws lambda delete-function --function-name {name} {at}")],
        Kind::Table => vec![format!("aws dynamodb delete-table --table-name {name} {at}")],
        // S3 deletes no bucket that holds something.
        Kind::Bucket => vec![
            format!("aws s3 rm s3://{name} --recursive {at}"),
            format!("aws s3api delete-bucket --bucket {name} {at}"),
        ],
        Kind::LogGroup => vec![format!("aws logs delete-log-group --log-group-name {name} {at}")],
        // IAM deletes no role that has policies.
        Kind::Role => vec![
            format!(
                "for policy in $(aws iam list-role-policies --role-name {name} --query 'PolicyNames[]' --output text); do \
                 aws iam delete-role-policy --role-name {name} --policy-name \"$policy\"; done"
            ),
            format!(
                "for policy in $(aws iam list-attached-role-policies --role-name {name} --query \
                 'AttachedPolicies[].PolicyArn' --output text); do aws iam detach-role-policy --role-name {name} \
                 --policy-arn \"$policy\"; done"
            ),
            format!("aws iam delete-role --role-name {name}"),
        ],
        Kind::Other => Vec::new(),
    }
}

/// `text` as one word of a shell. Names come from the account, and a learner will paste them.
fn quoted(text: &str) -> String {
    let is_plain = !text.is_empty()
        && !text.starts_with('-')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word_whatever_it_holds() {
        assert_eq!(quoted("Click_Stream-1.a"), "Click_Stream-1.a");
        assert_eq!(quoted("/aws/lambda/F"), "/aws/lambda/F");
        assert_eq!(quoted("a; rm -rf ~"), "'a; rm -rf ~'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("--help"), "'--help'");
    }
}
