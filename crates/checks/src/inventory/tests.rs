use time::macros::datetime;

use super::*;

const FIRST: OffsetDateTime = datetime!(2026-11-24 19:00 UTC);
const SECOND: OffsetDateTime = datetime!(2026-11-24 20:00 UTC);
const THIRD: OffsetDateTime = datetime!(2026-11-24 21:00 UTC);

fn resource(kind: Kind, name: &str, found_by: FoundBy, cost: Cost, seen: OffsetDateTime) -> Resource {
    Resource {
        kind,
        name: name.to_owned(),
        arn: format!("arn:{name}"),
        region: if kind == Kind::Role { GLOBAL.to_owned() } else { "us-east-1".to_owned() },
        found_by,
        state: "ACTIVE".to_owned(),
        cost,
        must_go: kind.must_go(),
        delete: Vec::new(),
        seen,
    }
}

fn stream(seen: OffsetDateTime) -> Resource {
    resource(Kind::DataStream, "ClickStreamInput", FoundBy::NameAndTag, Cost::shards(1), seen)
}

fn table(seen: OffsetDateTime) -> Resource {
    resource(Kind::Table, "ClickstreamWindowCounts", FoundBy::Name, Cost::storage(), seen)
}

fn role(seen: OffsetDateTime) -> Resource {
    resource(Kind::Role, "HeadwaterLambdaRole", FoundBy::Name, Cost::nothing("nothing"), seen)
}

fn inventory_of(found: Vec<Resource>, unknown: Vec<Unknown>, at: OffsetDateTime) -> Inventory {
    Inventory { found, unknown, is_aws: true, at }
}

fn unknown(kind: Option<Kind>, region: &str) -> Unknown {
    let action = Some("x:Y".to_owned());
    Unknown { region: region.to_owned(), kind, action, why: "the credentials lack the permission x:Y".to_owned() }
}

fn names(resources: &[Resource]) -> Vec<&str> {
    resources.iter().map(|resource| resource.name.as_str()).collect()
}

#[test]
fn what_is_found_no_more_was_deleted_in_between() {
    let first = Receipt::compare(None, &inventory_of(vec![stream(FIRST), table(FIRST), role(FIRST)], vec![], FIRST));
    assert_eq!(first.remaining.len(), 3);
    assert!(first.deleted.is_empty() && !first.is_clean());
    assert_eq!((first.micro_dollars_an_hour(), first.dollars_an_hour()), (15_000, 0.015));

    let second = Receipt::compare(Some(&first), &inventory_of(vec![table(SECOND), role(SECOND)], vec![], SECOND));
    assert_eq!(names(&second.remaining), ["ClickstreamWindowCounts", "HeadwaterLambdaRole"]);
    let expected = Deleted {
        kind: Kind::DataStream,
        name: "ClickStreamInput".to_owned(),
        arn: "arn:ClickStreamInput".to_owned(),
        region: "us-east-1".to_owned(),
        seen: FIRST,
        gone: SECOND,
    };
    assert_eq!(second.deleted, std::slice::from_ref(&expected));
    assert_eq!(second.micro_dollars_an_hour(), 0);
    assert!(!second.is_clean(), "the table holds data");

    let third = Receipt::compare(Some(&second), &inventory_of(vec![role(THIRD)], vec![], THIRD));
    assert!(third.is_clean(), "a role may remain");
    assert_eq!(third.deleted.len(), 2);
    assert_eq!((third.deleted[0].seen, third.deleted[0].gone), (SECOND, THIRD), "the latest first");
    assert_eq!(third.deleted[1], expected);
    let kept = serde_json::to_string(&third).unwrap();
    assert_eq!(serde_json::from_str::<Receipt>(&kept).unwrap(), third);
}

#[test]
fn a_look_that_was_refused_is_no_proof_of_deletion() {
    let first = Receipt::compare(None, &inventory_of(vec![stream(FIRST), table(FIRST)], vec![], FIRST));
    let refused = inventory_of(vec![table(SECOND)], vec![unknown(Some(Kind::DataStream), "us-east-1")], SECOND);
    let second = Receipt::compare(Some(&first), &refused);
    assert!(second.deleted.is_empty());
    assert_eq!(second.remaining[0], stream(FIRST), "as it was last seen");
    assert!(!second.is_clean());
    assert_eq!(second.micro_dollars_an_hour(), 15_000);
    // Elsewhere, or for another kind, it says nothing about this one.
    for other in [unknown(Some(Kind::DataStream), "eu-west-1"), unknown(Some(Kind::Table), "us-east-1")] {
        let second = Receipt::compare(Some(&first), &inventory_of(vec![table(SECOND)], vec![other], SECOND));
        assert_eq!(second.deleted.len(), 1);
    }
    // Once it can be looked at again, it is told.
    let third = Receipt::compare(Some(&second), &inventory_of(vec![table(THIRD)], vec![], THIRD));
    assert_eq!((third.deleted[0].seen, third.deleted[0].gone), (FIRST, THIRD));
}

#[test]
fn what_only_its_tag_tells_of_needs_the_tags_to_be_readable() {
    let tagged = resource(Kind::Other, "queue", FoundBy::Tag, Cost::nothing(""), FIRST);
    let first = Receipt::compare(None, &inventory_of(vec![tagged, table(FIRST)], vec![], FIRST));
    let second = Receipt::compare(Some(&first), &inventory_of(vec![], vec![unknown(None, "us-east-1")], SECOND));
    assert_eq!(names(&second.remaining), ["queue"]);
    assert_eq!(second.deleted[0].name, "ClickstreamWindowCounts", "which was looked for by name");
    let third = Receipt::compare(Some(&second), &inventory_of(vec![], vec![], THIRD));
    assert!(third.is_clean() && third.deleted.len() == 2);
}

#[test]
fn what_was_made_anew_is_not_gone() {
    let first = Receipt::compare(None, &inventory_of(vec![table(FIRST)], vec![], FIRST));
    let second = Receipt::compare(Some(&first), &inventory_of(vec![], vec![], SECOND));
    assert!(second.is_clean() && second.deleted.len() == 1);
    let third = Receipt::compare(Some(&second), &inventory_of(vec![table(THIRD)], vec![], THIRD));
    assert!(third.deleted.is_empty() && !third.is_clean());
}

#[test]
fn unknown_places_alone_leave_a_receipt_unclean() {
    let receipt = Receipt::compare(None, &inventory_of(vec![], vec![unknown(None, "eu-west-1")], FIRST));
    assert!(!receipt.is_clean());
    assert!(Receipt::compare(None, &inventory_of(vec![], vec![], FIRST)).is_clean());
}

#[test]
fn costs_follow_the_price_list() {
    let of = |cost: Cost| cost.micro_dollars_an_hour;
    assert_eq!(of(Cost::shards(1)), 15_000);
    assert_eq!(of(Cost::shards(3)), 45_000);
    assert_eq!(of(Cost::on_demand_stream()), 40_000);
    assert_eq!(of(Cost::flink(1, 1)), 220_000, "one KPU and the orchestration");
    assert_eq!(of(Cost::flink(5, 2)), 440_000, "parts of a KPU are charged whole");
    assert_eq!(of(Cost::flink(0, 0)), 220_000);
    assert_eq!(of(Cost::sql()), 110_000);
    assert_eq!(of(Cost::provisioned_table(5, 5)), 3_900);
    assert_eq!(of(Cost::idle()) + of(Cost::storage()), 0);
    assert_eq!(Cost::flink(1, 1).dollars_an_hour(), 0.22);
    assert!(of(Cost::shards(u64::MAX)) < u64::MAX / 1_000 && of(Cost::flink(u64::MAX, 1)) < u64::MAX / 1_000);
}

#[test]
fn each_kind_has_its_commands() {
    let found = |state: &str, created: Option<&str>| Found {
        arn: String::new(),
        state: state.to_owned(),
        cost: Cost::idle(),
        created: created.map(str::to_owned),
        region: None,
    };
    let kinds = [
        (Kind::Application, "A"),
        (Kind::EventSourceMapping, "14e0db71-5d35-4eb5-b481-8945cf9d10c2"),
        (Kind::DeliveryStream, "S"),
        (Kind::DataStream, "D"),
        (Kind::Function, "F"),
        (Kind::Table, "T"),
        (Kind::Bucket, "b-1"),
        (Kind::LogGroup, "/aws/lambda/F"),
        (Kind::Role, "R"),
        (Kind::Other, "queue"),
    ];
    let commands: Vec<String> = kinds
        .iter()
        .flat_map(|(kind, name)| {
            delete::commands(*kind, name, "eu-west-1", &found("", Some("2026-11-24T19:00:00.123Z")))
        })
        .collect();
    insta::assert_snapshot!(commands.join("\n"), @r#"
    aws kinesisanalyticsv2 delete-application --application-name A --create-timestamp 2026-11-24T19:00:00.123Z --region eu-west-1
    aws lambda delete-event-source-mapping --uuid 14e0db71-5d35-4eb5-b481-8945cf9d10c2 --region eu-west-1
    aws firehose delete-delivery-stream --delivery-stream-name S --region eu-west-1
    aws kinesis delete-stream --stream-name D --enforce-consumer-deletion --region eu-west-1
    aws lambda delete-function --function-name F --region eu-west-1
    aws dynamodb delete-table --table-name T --region eu-west-1
    aws s3 rm s3://b-1 --recursive --region eu-west-1
    aws s3api delete-bucket --bucket b-1 --region eu-west-1
    aws logs delete-log-group --log-group-name /aws/lambda/F --region eu-west-1
    for policy in $(aws iam list-role-policies --role-name R --query 'PolicyNames[]' --output text); do aws iam delete-role-policy --role-name R --policy-name "$policy"; done
    for policy in $(aws iam list-attached-role-policies --role-name R --query 'AttachedPolicies[].PolicyArn' --output text); do aws iam detach-role-policy --role-name R --policy-arn "$policy"; done
    aws iam delete-role --role-name R
    "#);
    let failed = delete::commands(Kind::DeliveryStream, "S", "eu-west-1", &found("DELETING_FAILED", None));
    assert!(failed[0].contains(" --allow-force-delete "), "{failed:?}");
    let unseen = delete::commands(Kind::Application, "A", "eu-west-1", &found("", None));
    assert!(unseen[0].contains("$(aws kinesisanalyticsv2 describe-application"), "{unseen:?}");
    let hostile = delete::commands(Kind::Table, "T; rm -rf ~", "eu-west-1", &found("", None));
    assert_eq!(hostile, ["aws dynamodb delete-table --table-name 'T; rm -rf ~' --region eu-west-1"]);
}

#[test]
fn things_are_looked_for_by_the_names_of_the_engine() {
    use crate::engine::Engine;
    let of = |engine| {
        let subject = Subject::new_for(engine, "111122223333", "us-east-1");
        let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
        for target in kind::named(&subject, &["us-east-1", "eu-west-1"]) {
            *kinds.entry(target.kind).or_default() += 1;
        }
        kinds
    };
    let common = [
        (Kind::DeliveryStream, 2),
        (Kind::Function, 4),
        (Kind::Table, 2),
        (Kind::Bucket, 1),
        (Kind::LogGroup, 4),
        (Kind::Role, 3),
    ];
    let with = |more: &[(Kind, usize)]| common.iter().chain(more).copied().collect::<BTreeMap<_, _>>();
    assert_eq!(of(Engine::SqlApplication), with(&[(Kind::Application, 2)]));
    assert_eq!(of(Engine::TumblingWindow), with(&[(Kind::DataStream, 2)]));
    assert_eq!(of(Engine::Flink), with(&[(Kind::Application, 2), (Kind::DataStream, 4)]));
}
