//! What doing a step for the learner consists of, and the calls that it makes.

use app::model::PlannedCallView;
use checks::CheckName;
use lab::{Step, Variables};

use crate::actions;

/// One thing to do, and the checks that tell whether it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// An action of the step, with the values its form begins with.
    Action { name: String, checks: Vec<CheckName> },
    /// Demo clicks.
    Send { checks: Vec<CheckName> },
}

impl Deed {
    pub fn checks(&self) -> &[CheckName] {
        match self {
            Self::Action { checks, .. } | Self::Send { checks } => checks,
        }
    }

    /// It deletes: that is asked for outright, whatever the checks say.
    pub fn is_removal(&self) -> bool {
        matches!(self, Self::Action { name, .. } if name.starts_with("delete-"))
    }
}

/// What there is to do in a step, in order; nothing where the step passes by itself.
pub fn deeds(step: &Step) -> Vec<Deed> {
    let mut deeds: Vec<Deed> = step
        .actions
        .iter()
        // The opposite of what the step is for.
        .filter(|action| action.name != "stop-application")
        .map(|action| Deed::Action { checks: named(proofs(&action.name)), name: action.name.clone() })
        .collect();
    match step.slug.as_str() {
        "ingest" => deeds.push(Deed::Send { checks: named(&["ingest.objects", "ingest.readable", "ingest.rows"]) }),
        "results" => deeds.push(Deed::Send { checks: named(&["results.rows"]) }),
        _ => (),
    }
    deeds
}

/// The calls that doing the step makes in an account that has nothing of it yet.
pub fn planned_calls(step: &Step, variables: &Variables) -> Vec<PlannedCallView> {
    deeds(step)
        .iter()
        .flat_map(|deed| match deed {
            Deed::Action { name, .. } => calls(name, variables),
            Deed::Send { .. } => vec![sending(variables)],
        })
        .map(|(operation, on)| PlannedCallView { operation: operation.to_owned(), on })
        .collect()
}

/// The checks that pass once the action is done.
fn proofs(action: &str) -> &'static [&'static str] {
    match action {
        "create-bucket" => &["delivery-stream.bucket"],
        "create-data-stream" => &["delivery-stream.data-stream"],
        "create-delivery-stream" => &[
            "delivery-stream.active",
            "delivery-stream.source",
            "delivery-stream.destination",
            "delivery-stream.prefix",
            "delivery-stream.buffering",
            "delivery-stream.compression",
        ],
        "create-preprocess-function" => &[
            "preprocess.function",
            "preprocess.runtime",
            "preprocess.handler",
            "preprocess.timeout",
            "preprocess.answer",
        ],
        "attach-transformation" => &["preprocess.attached"],
        "create-application" => {
            &["streaming-sql.application", "streaming-sql.input", "streaming-sql.schema", "streaming-sql.code"]
        }
        "attach-preprocessor" => &["streaming-sql.preprocessor"],
        "start-application" => &["streaming-sql.running"],
        "create-count-function" => &["streaming-sql.count-function", "streaming-sql.count-answer"],
        "create-mapping" => &["streaming-sql.mapping", "streaming-sql.window"],
        "create-table" => &["results.table", "results.keys"],
        "create-output-function" => &["results.function", "results.idempotent"],
        "attach-output" => &["results.output"],
        "connect-table" => &["results.function", "results.table-name", "results.idempotent"],
        _ => &[],
    }
}

/// The calls that an action makes where there is nothing yet, and what on.
pub fn calls(action: &str, variables: &Variables) -> Vec<(&'static str, String)> {
    let Variables {
        bucket,
        data_stream,
        stream,
        firehose_role,
        lambda_role,
        analytics_role,
        preprocess_function,
        application,
        output_function,
        table,
        ..
    } = variables;
    let role = |name: &String| vec![("IAM CreateRole", name.clone()), ("IAM PutRolePolicy", name.clone())];
    let function = |name: &String| [role(lambda_role), vec![("Lambda CreateFunction", name.clone())]].concat();
    let on = |operation, name: &String| vec![(operation, name.clone())];
    match action {
        "create-bucket" => [on("S3 CreateBucket", bucket), on("S3 PutBucketTagging", bucket)].concat(),
        "create-data-stream" => on("Kinesis CreateStream", data_stream),
        "create-delivery-stream" => [
            role(firehose_role),
            on("Firehose DescribeDeliveryStream", stream),
            on("Firehose CreateDeliveryStream", stream),
        ]
        .concat(),
        "create-preprocess-function" => function(preprocess_function),
        "attach-transformation" => [
            role(firehose_role),
            on("Firehose DescribeDeliveryStream", stream),
            on("Firehose UpdateDestination", stream),
        ]
        .concat(),
        "create-application" => [
            role(analytics_role),
            on("Kinesis Analytics V2 DescribeApplication", application),
            on("Kinesis Analytics V2 CreateApplication", application),
        ]
        .concat(),
        "attach-preprocessor" => [
            on("Kinesis Analytics V2 DescribeApplication", application),
            on("Kinesis Analytics V2 AddApplicationInputProcessingConfiguration", application),
        ]
        .concat(),
        "start-application" => [
            on("Kinesis Analytics V2 DescribeApplication", application),
            on("Kinesis Analytics V2 StartApplication", application),
        ]
        .concat(),
        "create-count-function" => {
            [on("Lambda GetFunctionConfiguration", output_function), function(output_function)].concat()
        }
        "create-mapping" => [
            on("Lambda ListEventSourceMappings", output_function),
            on("Lambda CreateEventSourceMapping", output_function),
        ]
        .concat(),
        "create-table" => on("DynamoDB CreateTable", table),
        "create-output-function" => function(output_function),
        "attach-output" => [
            on("Kinesis Analytics V2 DescribeApplication", application),
            on("Kinesis Analytics V2 AddApplicationOutput", application),
        ]
        .concat(),
        "connect-table" => [
            role(lambda_role),
            on("Lambda GetFunctionConfiguration", output_function),
            on("Lambda UpdateFunctionConfiguration", output_function),
        ]
        .concat(),
        "delete-application" => [
            on("Kinesis Analytics V2 DescribeApplication", application),
            on("Kinesis Analytics V2 DeleteApplication", application),
        ]
        .concat(),
        "delete-mapping" => [
            on("Lambda ListEventSourceMappings", output_function),
            on("Lambda DeleteEventSourceMapping", output_function),
        ]
        .concat(),
        "delete-delivery-stream" => on("Firehose DeleteDeliveryStream", stream),
        "delete-data-stream" => on("Kinesis DeleteStream", data_stream),
        "delete-functions" => [preprocess_function, output_function]
            .into_iter()
            .flat_map(|name| {
                let group = format!("/aws/lambda/{name}");
                [("Lambda DeleteFunction", name.clone()), ("CloudWatch Logs DeleteLogGroup", group)]
            })
            .collect(),
        "delete-table" => on("DynamoDB DeleteTable", table),
        "delete-bucket" => [
            on("S3 ListObjectsV2", bucket),
            on("S3 DeleteObjects", bucket),
            on("S3 ListObjectsV2", bucket),
            on("S3 DeleteBucket", bucket),
        ]
        .concat(),
        "delete-roles" => actions::roles::of_lab(variables)
            .into_iter()
            .flat_map(|name| {
                [
                    ("IAM ListRolePolicies", name.clone()),
                    ("IAM DeleteRolePolicy", name.clone()),
                    ("IAM DeleteRole", name.clone()),
                ]
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn sending(variables: &Variables) -> (&'static str, String) {
    if variables.engine.reads_data_stream() {
        ("Kinesis PutRecords", variables.data_stream.clone())
    } else {
        ("Firehose PutRecordBatch", variables.stream.clone())
    }
}

fn named(names: &[&str]) -> Vec<CheckName> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use lab::{Engine, Lab};

    use super::*;

    #[test]
    fn every_action_has_its_calls_and_what_makes_something_has_its_checks() {
        for engine in [Engine::SqlApplication, Engine::TumblingWindow] {
            let variables = Variables::defaults_for(engine, "123456789012", "us-east-1", "http://127.0.0.1:4566");
            for step in &Lab::embedded_for(engine).steps {
                for deed in deeds(step) {
                    let Deed::Action { name, .. } = &deed else { continue };
                    assert!(!calls(name, &variables).is_empty(), "{name}");
                    assert_eq!(deed.checks().len(), proofs(name).len(), "a name of a check is wrong: {name}");
                    assert_ne!(deed.checks().is_empty(), !deed.is_removal(), "{name}");
                }
            }
        }
    }

    #[test]
    fn every_check_of_a_step_that_is_done_belongs_to_a_deed() {
        for engine in [checks::Engine::SqlApplication, checks::Engine::TumblingWindow] {
            let lab = Lab::embedded_for(engine.slug().parse().unwrap());
            for step in checks::Step::ALL {
                if matches!(step, checks::Step::Connect | checks::Step::CleanUp) {
                    continue;
                }
                let deeds = deeds(lab.step(step.slug()).unwrap());
                for check in step.checks(engine) {
                    assert!(deeds.iter().any(|deed| deed.checks().contains(&check)), "{check}");
                }
            }
        }
    }
}
