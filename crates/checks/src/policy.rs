//! The least-privilege IAM policy, derived from the table of calls.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    api_calls::{self, ApiCall, Resource},
    arn,
    engine::Engine,
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

/// The policy, as minified JSON, that allows what Headwater does for this learner and nothing else: the calls of the
/// table that the learner's engine needs.
pub fn policy(subject: &Subject) -> Result<String, PolicyError> {
    policy_for(api_calls::ALL, subject)
}

/// The policy that allows those of `calls` alone that the engine needs: for a reader without test runs, say.
///
/// One statement a thing is easy to read. Where long names make that too long for AWS, things are put together, since
/// an action takes effect on resources of its own kind alone; and at last the search in other regions is given up.
pub fn policy_for(calls: impl IntoIterator<Item = &'static ApiCall>, subject: &Subject) -> Result<String, PolicyError> {
    let calls: Vec<&ApiCall> = calls.into_iter().filter(|call| call.engines.contains(&subject.engine)).collect();
    let mut length = 0;
    for (together, other_regions) in [(false, true), (true, true), (true, false)] {
        let policy = document(&calls, subject, together, other_regions)?;
        length = policy.chars().count();
        if length <= LONGEST {
            return Ok(policy);
        }
    }
    Err(PolicyError::TooLong { length })
}

#[derive(Default)]
struct Statement {
    actions: BTreeSet<&'static str>,
    resources: BTreeSet<String>,
}

fn document(
    calls: &[&'static ApiCall],
    subject: &Subject,
    together: bool,
    other_regions: bool,
) -> Result<String, PolicyError> {
    let mut statements: BTreeMap<(Resource, bool), Statement> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.resource != Resource::Nothing) {
        let any_region = call.in_other_regions && other_regions;
        let resources = arns(call.resource, any_region, subject)?;
        let key = match call.resource {
            kept_apart if !together || kept_apart == Resource::Anything => (kept_apart, any_region),
            // What names no region goes with either.
            Resource::Bucket | Resource::Objects | Resource::Roles => (Resource::Nothing, other_regions),
            _ => (Resource::Nothing, any_region),
        };
        let statement = statements.entry(key).or_default();
        statement.actions.insert(call.action);
        statement.resources.extend(resources);
    }
    let statements: Vec<Value> = statements
        .into_values()
        .map(|statement| {
            json!({
                "Effect": "Allow",
                "Action": one_or_many(statement.actions.into_iter().map(str::to_owned).collect()),
                "Resource": one_or_many(statement.resources.into_iter().collect()),
            })
        })
        .collect();
    Ok(json!({ "Version": "2012-10-17", "Statement": statements }).to_string())
}

fn one_or_many(mut values: Vec<String>) -> Value {
    if values.len() == 1 { Value::String(values.swap_remove(0)) } else { values.into() }
}

fn arns(resource: Resource, any_region: bool, subject: &Subject) -> Result<Vec<String>, PolicyError> {
    let partition = arn::partition(&subject.region);
    let region = if any_region { "*" } else { plain("region", &subject.region)? };
    let account = plain("account", &subject.account)?;
    let arn = |service: &str, rest: &str| -> String { format!("arn:{partition}:{service}:{region}:{account}:{rest}") };
    let data_stream = |name| Ok(arn("kinesis", &format!("stream/{}", plain("data stream", name)?)));
    let bucket = || Ok(format!("arn:{partition}:s3:::{}", plain("bucket", &subject.bucket)?));
    Ok(match resource {
        Resource::Nothing => Vec::new(),
        Resource::Anything => vec!["*".to_owned()],
        Resource::DataStream => vec![data_stream(&subject.data_stream)?],
        Resource::DataStreams if subject.engine == Engine::Flink => {
            vec![data_stream(&subject.data_stream)?, data_stream(&subject.counts_stream)?]
        }
        Resource::DataStreams => vec![data_stream(&subject.data_stream)?],
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
        Resource::LogGroups => vec![arn("logs", "log-group:*")],
        Resource::Roles => [&subject.roles.firehose, &subject.roles.lambda, &subject.roles.analytics]
            .into_iter()
            .map(|role| Ok(format!("arn:{partition}:iam::{account}:role/{}", plain("role", role)?)))
            .collect::<Result<_, _>>()?,
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

    fn subject_of(engine: Engine) -> Subject {
        Subject::new_for(engine, "111122223333", "us-east-1")
    }

    /// `docs/permissions.md` shows the policies whole, and a test compares them.
    #[test]
    fn the_policy_allows_what_the_engine_needs_alone() {
        let allows = |engine, action: &str| policy(&subject_of(engine)).unwrap().contains(&format!("\"{action}\""));
        for engine in Engine::ALL {
            for call in api_calls::ALL.into_iter().filter(|call| call.engines.contains(&engine)) {
                assert_eq!(allows(engine, call.action), call.resource != Resource::Nothing, "{call} with {engine}");
            }
            assert_eq!(allows(engine, "firehose:PutRecordBatch"), !engine.reads_data_stream());
            assert_eq!(allows(engine, "kinesis:PutRecords"), engine.reads_data_stream());
        }
        assert!(!allows(Engine::TumblingWindow, "kinesisanalytics:DescribeApplication"));
        assert!(!policy(&subject_of(Engine::TumblingWindow)).unwrap().contains("ClickStreamCounts"));
        assert!(policy(&subject_of(Engine::Flink)).unwrap().contains("stream/ClickStreamCounts"));
        let sending = r#""Action":"kinesis:PutRecords","Resource":"arn:aws:kinesis:us-east-1:111122223333:stream/ClickStreamInput""#;
        assert!(policy(&subject_of(Engine::Flink)).unwrap().contains(sending), "to this one stream, in this region");
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

    /// Names of as many characters as the lab's help leads anybody to choose.
    fn long_names(engine: Engine) -> Subject {
        Subject {
            bucket: "b".repeat(63),
            stream: "s".repeat(64),
            data_stream: "d".repeat(64),
            counts_stream: "c".repeat(64),
            functions: crate::Functions { preprocess: "f".repeat(64), output: "g".repeat(64) },
            application: "a".repeat(64),
            table: "t".repeat(64),
            ..subject_of(engine)
        }
    }

    #[test]
    fn long_names_fit_into_a_session_policy() {
        for engine in Engine::ALL {
            let policy = policy(&long_names(engine)).unwrap_or_else(|error| panic!("{engine}: {error}"));
            assert!(policy.len() <= LONGEST);
            let policy: Value = serde_json::from_str(&policy).unwrap();
            // What is allowed in one region stays apart from what is looked for in all.
            for statement in policy["Statement"].as_array().unwrap() {
                let text = statement.to_string();
                let everywhere =
                    ["InvokeFunction", "PutRecord", "dynamodb:Query"].iter().any(|action| text.contains(action));
                assert!(!(everywhere && text.contains(":*:")), "{text}");
                assert!(!text.contains("\"*\"") || !text.contains("arn:"), "{text}");
            }
        }
    }

    #[test]
    fn a_policy_too_long_for_aws_is_refused() {
        let too_long = Subject { prefix: "p".repeat(1_024), ..long_names(Engine::Flink) };
        assert!(matches!(policy(&too_long), Err(PolicyError::TooLong { .. })));
    }
}
