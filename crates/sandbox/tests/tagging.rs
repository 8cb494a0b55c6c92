//! Tags of all services and the Resource Groups Tagging API, as the Rust SDKs, the `aws` CLI and boto3 use them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use aws_sdk_resourcegroupstagging::Client;
use aws_sdk_resourcegroupstagging::error::ProvideErrorMetadata;
use aws_sdk_resourcegroupstagging::types::TagFilter;
use common::functions::{create_function, function_role, role_for};
use common::streams::{create_stream, s3};
use common::{REGION, TestSandbox};
use serde_json::{Value, json};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const LAB: &str = "Key=headwater,Value=clickstream-lab";

/// The ARNs of what is found, and the token of the next page.
async fn find(client: &Client, filters: &[(&str, &[&str])], types: &[&str]) -> Vec<String> {
    let filter = |(key, values): &(&str, &[&str])| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        TagFilter::builder().key(*key).set_values(Some(values)).build()
    };
    let found = client
        .get_resources()
        .set_tag_filters(Some(filters.iter().map(filter).collect()))
        .set_resource_type_filters(Some(types.iter().map(|kind| (*kind).to_owned()).collect()))
        .send()
        .await
        .unwrap();
    assert_eq!(found.pagination_token(), Some(""));
    found.resource_tag_mapping_list().iter().map(|resource| resource.resource_arn().unwrap().to_owned()).collect()
}

async fn create_table(sandbox: &TestSandbox, name: &str, more: &[&str]) {
    let mut arguments = vec![
        "dynamodb",
        "create-table",
        "--table-name",
        name,
        "--attribute-definitions",
        "AttributeName=metric,AttributeType=S",
        "--key-schema",
        "AttributeName=metric,KeyType=HASH",
        "--billing-mode",
        "PAY_PER_REQUEST",
    ];
    arguments.extend(more);
    sandbox.aws_json(&arguments).await;
}

#[tokio::test]
async fn finds_the_labs_resources_in_all_services() {
    let sandbox = TestSandbox::start().await;
    let sdk = sandbox.sdk();
    let account = sandbox.account.as_str();
    let arn = |service: &str, resource: &str| format!("arn:aws:{service}:{REGION}:{account}:{resource}");
    let function = arn("lambda", "function:F");
    let stream = create_stream(&sdk, "clicks", "a-lake").await;
    create_function(&aws_sdk_lambda::Client::new(&sdk), &function_role(&sdk).await, "F", "handler = None\n", 3).await;
    let analytics_role = role_for(&sdk, "Analytics", "kinesisanalytics.amazonaws.com").await;
    let key = ["--tags", LAB];
    create_table(&sandbox, "counts", &key).await;
    create_table(&sandbox, "other", &["--tags", "Key=headwater,Value=another"]).await;
    create_table(&sandbox, "untagged", &[]).await;
    sandbox
        .aws_json(&["s3api", "put-bucket-tagging", "--bucket", "a-lake", "--tagging", &format!("TagSet=[{{{LAB}}}]")])
        .await;
    sandbox.aws_json(&["firehose", "tag-delivery-stream", "--delivery-stream-name", "clicks", key[0], LAB]).await;
    sandbox
        .aws_json(&["lambda", "tag-resource", "--resource", &function, "--tags", "headwater=clickstream-lab,x=y"])
        .await;
    sandbox
        .aws_json(&[
            "kinesis",
            "create-stream",
            "--stream-name",
            "in",
            "--shard-count",
            "1",
            "--tags",
            "headwater=clickstream-lab",
        ])
        .await;
    sandbox
        .aws_json(&[
            "kinesisanalyticsv2",
            "create-application",
            "--application-name",
            "a",
            "--runtime-environment",
            "SQL-1_0",
            "--service-execution-role",
            &analytics_role,
            key[0],
            LAB,
        ])
        .await;
    sandbox
        .aws_json(&[
            "logs",
            "create-log-group",
            "--log-group-name",
            "/aws/lambda/F",
            "--tags",
            "headwater=clickstream-lab",
        ])
        .await;

    let client = Client::new(&sdk);
    let mut all = [
        arn("dynamodb", "table/counts"),
        stream,
        arn("kinesis", "stream/in"),
        arn("kinesisanalytics", "application/a"),
        function,
        arn("logs", "log-group:/aws/lambda/F"),
        "arn:aws:s3:::a-lake".to_owned(),
    ];
    all.sort();
    assert_eq!(find(&client, &[("headwater", &["clickstream-lab"])], &[]).await, all);
    let filtered = sandbox
        .aws_json(&[
            "resourcegroupstaggingapi",
            "get-resources",
            "--tag-filters",
            "Key=headwater,Values=clickstream-lab",
            "--page-size",
            "2",
        ])
        .await;
    let found = filtered["ResourceTagMappingList"].as_array().unwrap();
    assert_eq!(found.iter().map(|found| found["ResourceARN"].as_str().unwrap()).collect::<Vec<_>>(), all);
    assert_eq!(found[0]["Tags"], json!([{ "Key": "headwater", "Value": "clickstream-lab" }]));
    let both: [(&str, &[&str]); 2] = [("headwater", &["clickstream-lab"]), ("x", &[])];
    assert_eq!(find(&client, &both, &[]).await, [arn("lambda", "function:F")]);
    let values: [(&str, &[&str]); 1] = [("headwater", &["clickstream-lab", "another"])];
    let tables = [arn("dynamodb", "table/counts"), arn("dynamodb", "table/other")];
    assert_eq!(find(&client, &values, &["dynamodb:table"]).await, tables);
    assert_eq!(find(&client, &[], &["dynamodb", "s3"]).await, [&tables[..], &["arn:aws:s3:::a-lake".into()]].concat());
    assert!(find(&client, &[("Headwater", &[])], &[]).await.is_empty());

    let elsewhere = Client::new(&sandbox.sdk_as(&sandbox.key, "eu-west-1"));
    assert!(find(&elsewhere, &[], &[]).await.is_empty());
    let (_, stranger) = sandbox.another_account().await;
    assert!(find(&Client::new(&sandbox.sdk_as(&stranger, REGION)), &[], &[]).await.is_empty());

    sandbox.aws_json(&["dynamodb", "delete-table", "--table-name", "counts"]).await;
    sandbox.aws_json(&["s3api", "delete-bucket", "--bucket", "a-lake"]).await;
    assert_eq!(find(&client, &[], &["dynamodb", "s3"]).await, [tables[1].clone()]);
}

#[tokio::test]
async fn a_bucket_is_found_from_its_own_region_and_boto3_pages() {
    let sandbox = TestSandbox::start().await;
    let told = sandbox
        .python(
            "
import boto3, json
from botocore.exceptions import ClientError
tags = {'TagSet': [{'Key': 'headwater', 'Value': 'clickstream-lab'}]}
s3 = boto3.client('s3')
for n in range(5):
    s3.create_bucket(Bucket=f'lake-{n}')
    s3.put_bucket_tagging(Bucket=f'lake-{n}', Tagging=tags)
paris = boto3.client('s3', region_name='eu-west-3')
paris.create_bucket(Bucket='paris', CreateBucketConfiguration={'LocationConstraint': 'eu-west-3'})
paris.put_bucket_tagging(Bucket='paris', Tagging=tags)
def pages(region):
    client = boto3.client('resourcegroupstaggingapi', region_name=region)
    filters = [{'Key': 'headwater', 'Values': ['clickstream-lab']}]
    found = client.get_paginator('get_resources').paginate(TagFilters=filters, ResourcesPerPage=2)
    return [[resource['ResourceARN'][13:] for resource in page['ResourceTagMappingList']] for page in found]
print(json.dumps([pages('us-east-1'), pages('eu-west-3')]))
",
        )
        .await;
    let expected = json!([[["lake-0", "lake-1"], ["lake-2", "lake-3"], ["lake-4"]], [["paris"]]]);
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap(), expected);
}

#[tokio::test]
async fn bad_questions_get_the_errors_of_the_tagging_api() {
    let sandbox = TestSandbox::start().await;
    let client = Client::new(&sandbox.sdk());
    let refused = [
        client.get_resources().resources_per_page(101),
        client.get_resources().tags_per_page(99),
        client.get_resources().tag_filters(TagFilter::builder().build()),
        client.get_resources().resource_arn_list("arn:aws:s3:::a").resource_type_filters("s3"),
        client.get_resources().include_compliance_details(true),
        client.get_resources().pagination_token("?"),
    ];
    let mut codes = Vec::new();
    for request in refused {
        codes.push(request.send().await.unwrap_err().code().unwrap_or_default().to_owned());
    }
    let invalid = "InvalidParameterException";
    assert_eq!(codes, [invalid, invalid, invalid, invalid, invalid, "PaginationTokenExpiredException"]);
    let other = client.get_tag_keys().send().await.unwrap_err();
    assert_eq!(other.code(), Some("UnknownOperationException"));
}

fn code(error: &impl ProvideErrorMetadata) -> String {
    error.code().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn tags_of_tables_have_the_limits_of_dynamodb() {
    let sandbox = TestSandbox::start().await;
    create_table(&sandbox, "counts", &["--tags", "Key=a,Value=1", "Key=b,Value="]).await;
    let client = aws_sdk_dynamodb::Client::new(&sandbox.sdk());
    let arn = format!("arn:aws:dynamodb:{REGION}:{}:table/counts", sandbox.account);
    let tag = |key: &str| aws_sdk_dynamodb::types::Tag::builder().key(key).value("v").build().unwrap();
    client.tag_resource().resource_arn(&arn).tags(tag("a")).tags(tag("c")).send().await.unwrap();
    client.untag_resource().resource_arn(&arn).tag_keys("b").tag_keys("none").send().await.unwrap();
    let listed = client.list_tags_of_resource().resource_arn(&arn).send().await.unwrap();
    assert_eq!(listed.tags(), [tag("a"), tag("c")]);

    let many = (0..49).map(|n| tag(&n.to_string())).collect();
    let refused = [
        code(&client.tag_resource().resource_arn(&arn).set_tags(Some(many)).send().await.unwrap_err()),
        code(&client.tag_resource().resource_arn(&arn).tags(tag("aws:x")).send().await.unwrap_err()),
        code(&client.tag_resource().resource_arn(&arn).tags(tag("a")).tags(tag("a")).send().await.unwrap_err()),
        code(&client.tag_resource().resource_arn(format!("{arn}X")).tags(tag("a")).send().await.unwrap_err()),
        code(&client.list_tags_of_resource().resource_arn("counts").send().await.unwrap_err()),
    ];
    let (invalid, missing) = ("ValidationException", "ResourceNotFoundException");
    assert_eq!(refused, [invalid, invalid, invalid, missing, invalid]);
    let listed = client.list_tags_of_resource().resource_arn(&arn).send().await.unwrap();
    assert_eq!(listed.tags().len(), 2);

    sandbox.aws_json(&["dynamodb", "delete-table", "--table-name", "counts"]).await;
    create_table(&sandbox, "counts", &[]).await;
    let anew = client.list_tags_of_resource().resource_arn(&arn).send().await.unwrap();
    assert!(anew.tags().is_empty(), "{anew:?}");
}

#[tokio::test]
async fn tags_of_buckets_are_replaced_whole() {
    let sandbox = TestSandbox::start().await;
    let client = s3(&sandbox.sdk());
    client.create_bucket().bucket("a-lake").send().await.unwrap();
    let none = client.get_bucket_tagging().bucket("a-lake").send().await.unwrap_err();
    assert_eq!(none.code(), Some("NoSuchTagSet"));
    let tag = |key: &str| aws_sdk_s3::types::Tag::builder().key(key).value("v w").build().unwrap();
    let put = |keys: Vec<String>| {
        let tags = keys.iter().map(|key| tag(key)).collect();
        let tagging = aws_sdk_s3::types::Tagging::builder().set_tag_set(Some(tags)).build().unwrap();
        client.put_bucket_tagging().bucket("a-lake").tagging(tagging).send()
    };
    put(vec!["a".into(), "b".into()]).await.unwrap();
    put(vec!["c".into()]).await.unwrap();
    let sandbox = sandbox.restart().await;
    let client = s3(&sandbox.sdk());
    let got = client.get_bucket_tagging().bucket("a-lake").send().await.unwrap();
    assert_eq!(got.tag_set(), [tag("c")]);
    let put = |keys: Vec<String>| {
        let tags = keys.iter().map(|key| tag(key)).collect();
        let tagging = aws_sdk_s3::types::Tagging::builder().set_tag_set(Some(tags)).build().unwrap();
        client.put_bucket_tagging().bucket("a-lake").tagging(tagging).send()
    };
    let refused = [
        code(&put((0..51).map(|n| n.to_string()).collect()).await.unwrap_err()),
        code(&put(vec!["aws:a".into()]).await.unwrap_err()),
        code(&put(vec!["a".into(), "a".into()]).await.unwrap_err()),
        code(&put(vec!["a*".into()]).await.unwrap_err()),
    ];
    assert_eq!(refused, ["BadRequest", "InvalidTag", "InvalidTag", "InvalidTag"]);
    client.delete_bucket_tagging().bucket("a-lake").send().await.unwrap();
    let none = client.get_bucket_tagging().bucket("a-lake").send().await.unwrap_err();
    assert_eq!(none.code(), Some("NoSuchTagSet"));
    let missing = client.get_bucket_tagging().bucket("no-lake").send().await.unwrap_err();
    assert_eq!(missing.code(), Some("NoSuchBucket"));
}

#[tokio::test]
async fn tags_of_roles_differ_in_more_than_case() {
    let sandbox = TestSandbox::start().await;
    let name = ["--role-name", "Role"];
    let made = sandbox
        .aws_json(&["iam", "create-role", name[0], name[1], "--assume-role-policy-document", TRUST, "--tags", LAB])
        .await;
    let lab = json!({ "Key": "headwater", "Value": "clickstream-lab" });
    assert_eq!(made["Role"]["Tags"], json!([lab]));
    sandbox.aws_json(&["iam", "tag-role", name[0], name[1], "--tags", "Key=Class,Value=7"]).await;
    sandbox.aws_json(&["iam", "tag-role", name[0], name[1], "--tags", "Key=class,Value=8"]).await;
    let class = json!({ "Key": "class", "Value": "8" });
    let role = sandbox.aws_json(&["iam", "get-role", name[0], name[1]]).await;
    assert_eq!(role["Role"]["Tags"], json!([class, lab]));
    sandbox.aws_json(&["iam", "untag-role", name[0], name[1], "--tag-keys", "CLASS", "none"]).await;
    let listed = sandbox.aws_json(&["iam", "list-role-tags", name[0], name[1]]).await;
    assert_eq!(listed["Tags"], json!([lab]));

    let client = aws_sdk_iam::Client::new(&sandbox.sdk());
    let tag = |key: &str| aws_sdk_iam::types::Tag::builder().key(key).value("v").build().unwrap();
    let fifty = (0..50).map(|n| tag(&n.to_string())).collect();
    let refused = [
        code(&client.tag_role().role_name("Role").set_tags(Some(fifty)).send().await.unwrap_err()),
        code(&client.tag_role().role_name("Role").tags(tag("a")).tags(tag("A")).send().await.unwrap_err()),
        code(&client.tag_role().role_name("Role").tags(tag("a*")).send().await.unwrap_err()),
        code(&client.tag_role().role_name("None").tags(tag("a")).send().await.unwrap_err()),
    ];
    assert_eq!(refused, ["LimitExceeded", "InvalidInput", "ValidationError", "NoSuchEntity"]);
    sandbox.aws_json(&["iam", "delete-role", name[0], name[1]]).await;
}
