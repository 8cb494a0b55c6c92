//! The least-privilege IAM policy, derived from the table of calls.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    api_calls::{self, ApiCall, Resource},
    subject::Subject,
    text::fixed_part,
};

/// A session policy may have this many characters (`Policy` of STS `AssumeRole`).
const LONGEST: usize = 2_048;

/// Why no policy can be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// A name that AWS would not accept, or that would match more than one thing.
    #[error(
        "the {what} {name:?} is not a name that a policy can hold; choose one of letters, digits, '-', '_' and '.'"
    )]
    Name {
        /// What it names.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The names are so long that AWS would refuse the policy.
    #[error("the policy would have {length} characters; AWS takes {LONGEST}: choose shorter names")]
    TooLong {
        /// Its length in characters.
        length: usize,
    },
}

/// The policy, as minified JSON, that allows the checks and the chart of this learner and nothing else.
pub fn policy(subject: &Subject) -> Result<String, PolicyError> {
    policy_for(api_calls::ALL, subject)
}

/// The policy that allows `calls` alone: for a reader without test runs, or with calls of other parts.
pub fn policy_for(calls: impl IntoIterator<Item = &'static ApiCall>, subject: &Subject) -> Result<String, PolicyError> {
    let mut statements: BTreeMap<(Resource, bool), BTreeSet<&str>> = BTreeMap::new();
    for call in calls {
        if call.resource != Resource::Nothing {
            statements.entry((call.resource, call.in_other_regions)).or_default().insert(call.action);
        }
    }
    let statements = statements
        .into_iter()
        .map(|((resource, any_region), actions)| {
            Ok(json!({
                "Effect": "Allow",
                "Action": one_or_many(actions.into_iter().map(str::to_owned).collect()),
                "Resource": one_or_many(arns(resource, any_region, subject)?),
            }))
        })
        .collect::<Result<Vec<Value>, PolicyError>>()?;
    let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    match policy.chars().count() {
        length if length > LONGEST => Err(PolicyError::TooLong { length }),
        _ => Ok(policy),
    }
}

fn one_or_many(mut values: Vec<String>) -> Value {
    if values.len() == 1 { Value::String(values.swap_remove(0)) } else { values.into() }
}

fn arns(resource: Resource, any_region: bool, subject: &Subject) -> Result<Vec<String>, PolicyError> {
    let partition = match subject.region.get(..3) {
        Some("cn-") => "aws-cn",
        Some("us-") if subject.region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let region = if any_region { "*" } else { plain("region", &subject.region)? };
    let account = plain("account", &subject.account)?;
    let arn = |service: &str, rest: &str| format!("arn:{partition}:{service}:{region}:{account}:{rest}");
    let bucket = || Ok(format!("arn:{partition}:s3:::{}", plain("bucket", &subject.bucket)?));
    Ok(match resource {
        Resource::Nothing => Vec::new(),
        Resource::DeliveryStream => {
            vec![arn("firehose", &format!("deliverystream/{}", plain("delivery stream", &subject.stream)?))]
        }
        Resource::Bucket => vec![bucket()?],
        Resource::Objects => vec![format!("{}/{}*", bucket()?, key_prefix(&subject.prefix)?)],
        Resource::Functions => vec![
            arn("lambda", &format!("function:{}", plain("function", &subject.functions.preprocess)?)),
            arn("lambda", &format!("function:{}", plain("function", &subject.functions.output)?)),
        ],
        Resource::Application => {
            vec![arn("kinesisanalytics", &format!("application/{}", plain("application", &subject.application)?))]
        }
        Resource::Table => vec![arn("dynamodb", &format!("table/{}", plain("table", &subject.table)?))],
    })
}

/// `name`, unless it holds what an ARN in a policy gives a meaning to, such as `*`.
fn plain<'a>(what: &'static str, name: &'a str) -> Result<&'a str, PolicyError> {
    let fits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if fits { Ok(name) } else { Err(PolicyError::Name { what, name: name.to_owned() }) }
}

/// The part of `prefix` that keys are sure to begin with.
fn key_prefix(prefix: &str) -> Result<&str, PolicyError> {
    let fixed = fixed_part(prefix);
    if fixed.bytes().any(|byte| b"*?$\\".contains(&byte) || byte.is_ascii_control()) {
        return Err(PolicyError::Name { what: "prefix", name: prefix.to_owned() });
    }
    Ok(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_calls::Access;

    fn subject() -> Subject {
        Subject::new("111122223333", "us-east-1")
    }

    #[test]
    fn the_policy_allows_the_calls_of_the_table_on_the_learners_things() {
        let policy: Value = serde_json::from_str(&policy(&subject()).unwrap()).unwrap();
        insta::assert_json_snapshot!(policy, @r#"
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "firehose:DescribeDeliveryStream",
      "Resource": "arn:aws:firehose:*:111122223333:deliverystream/ClickStreamData"
    },
    {
      "Effect": "Allow",
      "Action": "s3:ListBucket",
      "Resource": "arn:aws:s3:::clickstream-111122223333-us-east-1"
    },
    {
      "Effect": "Allow",
      "Action": "s3:GetObject",
      "Resource": "arn:aws:s3:::clickstream-111122223333-us-east-1/clicks/*"
    },
    {
      "Effect": "Allow",
      "Action": "lambda:InvokeFunction",
      "Resource": [
        "arn:aws:lambda:us-east-1:111122223333:function:PreprocessClickstreamData",
        "arn:aws:lambda:us-east-1:111122223333:function:StoreWindowCounts"
      ]
    },
    {
      "Effect": "Allow",
      "Action": "lambda:GetFunctionConfiguration",
      "Resource": [
        "arn:aws:lambda:*:111122223333:function:PreprocessClickstreamData",
        "arn:aws:lambda:*:111122223333:function:StoreWindowCounts"
      ]
    },
    {
      "Effect": "Allow",
      "Action": "kinesisanalytics:DescribeApplication",
      "Resource": "arn:aws:kinesisanalytics:*:111122223333:application/ClickstreamAnalytics"
    },
    {
      "Effect": "Allow",
      "Action": "dynamodb:Query",
      "Resource": "arn:aws:dynamodb:us-east-1:111122223333:table/ClickstreamWindowCounts"
    },
    {
      "Effect": "Allow",
      "Action": "dynamodb:DescribeTable",
      "Resource": "arn:aws:dynamodb:*:111122223333:table/ClickstreamWindowCounts"
    }
  ]
}
"#);
    }

    #[test]
    fn a_policy_without_test_runs_can_be_had() {
        let reads = api_calls::ALL.into_iter().filter(|call| call.access == Access::Read);
        assert!(!policy_for(reads, &subject()).unwrap().contains("InvokeFunction"));
    }

    #[test]
    fn partitions_follow_the_region() {
        for (region, partition) in
            [("cn-north-1", "arn:aws-cn:"), ("us-gov-west-1", "arn:aws-us-gov:"), ("eu-west-1", "arn:aws:")]
        {
            assert!(policy(&Subject::new("111122223333", region)).unwrap().contains(partition));
        }
    }

    #[test]
    fn names_cannot_widen_the_policy() {
        for hostile in ["*", "a*", "a/b", "${aws:username}", "", "a\"b"] {
            let subject = Subject { stream: hostile.to_owned(), ..subject() };
            assert!(matches!(policy(&subject), Err(PolicyError::Name { .. })), "{hostile:?}");
        }
        let subject = Subject { prefix: "*".to_owned(), ..subject() };
        assert!(matches!(policy(&subject), Err(PolicyError::Name { what: "prefix", .. })));
    }

    #[test]
    fn a_policy_too_long_for_aws_is_refused() {
        let long_names = Subject {
            bucket: "b".repeat(63),
            stream: "s".repeat(64),
            functions: crate::Functions { preprocess: "f".repeat(64), output: "g".repeat(64) },
            application: "a".repeat(64),
            table: "t".repeat(64),
            ..subject()
        };
        assert!(policy(&long_names).is_ok(), "long names fit");
        let too_long = Subject { prefix: "p".repeat(1_024), ..long_names };
        assert!(matches!(policy(&too_long), Err(PolicyError::TooLong { .. })));
    }
}
