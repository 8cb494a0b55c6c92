//! The actions and resources of requests, but for S3's.
//!
//! Source: "Actions, resources, and condition keys for AWS services" in the Service Authorization Reference.

use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Wanted;
use crate::Scope;
use crate::kinesis::stream_of_iterator;
use crate::protocol::Service;
use crate::query::Form;

/// What a request wants to do. What cannot be read has no resource, and fails for its own reason later.
pub(crate) fn wanted_by(service: &Service, scope: &Scope, parts: &Parts, body: &[u8]) -> Vec<Wanted> {
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    match service {
        Service::Sts | Service::Iam => by_form(service, scope, body),
        Service::Lambda => vec![by_path(scope, parts)],
        Service::Account => {
            vec![Wanted::new("account:ListRegions", format!("arn:aws:account::{0}:account", scope.account))]
        }
        Service::Tagging => vec![Wanted::new(format!("tag:{operation}"), "*")],
        Service::DynamoDb => of_dynamodb(scope, operation, &read(body)),
        Service::Firehose => {
            let body = read(body);
            let name =
                text(&body, "DeliveryStreamName").map(|name| scope.arn("firehose", &format!("deliverystream/{name}")));
            vec![on("firehose", operation, [name])]
        }
        Service::KinesisAnalytics => {
            let body = read(body);
            let arn = |name| scope.arn("kinesisanalytics", &format!("application/{name}"));
            let name = text(&body, "ApplicationName").map(arn);
            // That of DiscoverInputSchema is a stream's.
            let tagged = text(&body, "ResourceARN").filter(|arn| arn.contains(":application/")).map(str::to_owned);
            vec![on("kinesisanalytics", operation, [name, tagged])]
        }
        Service::Logs => {
            let body = read(body);
            vec![of_logs(scope, operation, &body)]
        }
        Service::Kinesis => vec![of_kinesis(scope, operation, &read(body))],
        Service::S3 | Service::Other(_) => Vec::new(),
    }
}

/// An action on the resources that a request names, each of which must be allowed, or on `*` where it names none.
fn on(service: &str, operation: &str, resources: impl IntoIterator<Item = Option<String>>) -> Wanted {
    let mut resources: Vec<String> = resources.into_iter().flatten().collect();
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    Wanted { action: format!("{service}:{operation}"), resources }
}

fn by_form(service: &Service, scope: &Scope, body: &[u8]) -> Vec<Wanted> {
    let Ok(form) = Form::read(body) else { return Vec::new() };
    let action = form.action().unwrap_or_default();
    match (service, action) {
        // Nobody can be denied to know who they are.
        (Service::Sts, "GetCallerIdentity") => Vec::new(),
        (Service::Sts, _) => vec![Wanted::new(format!("sts:{action}"), form.optional("RoleArn").unwrap_or("*"))],
        _ => {
            let path = form.optional("Path").unwrap_or("/");
            let role = form.optional("RoleName").map(|name| format!("arn:aws:iam::{}:role{path}{name}", scope.account));
            vec![Wanted::new(format!("iam:{action}"), role.unwrap_or_else(|| "*".to_owned()))]
        }
    }
}

fn by_path(scope: &Scope, parts: &Parts) -> Wanted {
    let segments: Vec<String> = parts
        .uri
        .path()
        .trim_matches('/')
        .split('/')
        .skip(1)
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let function = |name: &str| {
        // A name, a partial ARN or an ARN, without the version.
        let name = name.trim_end_matches(":$LATEST").rsplit(':').next().unwrap_or_default();
        scope.arn("lambda", &format!("function:{name}"))
    };
    let (operation, resource) = match (parts.method.as_str(), segments.as_slice()) {
        ("GET", ["functions"]) => ("ListFunctions", None),
        ("POST", ["functions"]) => ("CreateFunction", None),
        ("GET", ["functions", name]) => ("GetFunction", Some(function(name))),
        ("DELETE", ["functions", name]) => ("DeleteFunction", Some(function(name))),
        ("GET", ["functions", name, "configuration"]) => ("GetFunctionConfiguration", Some(function(name))),
        ("PUT", ["functions", name, "configuration"]) => ("UpdateFunctionConfiguration", Some(function(name))),
        ("PUT", ["functions", name, "code"]) => ("UpdateFunctionCode", Some(function(name))),
        ("POST", ["functions", name, "invocations"]) => ("InvokeFunction", Some(function(name))),
        ("GET", ["functions", name, "policy"]) => ("GetPolicy", Some(function(name))),
        ("POST", ["functions", name, "policy"]) => ("AddPermission", Some(function(name))),
        ("DELETE", ["functions", name, "policy", _]) => ("RemovePermission", Some(function(name))),
        ("GET", ["functions", name, "versions"]) => ("ListVersionsByFunction", Some(function(name))),
        ("GET", ["event-source-mappings"]) => ("ListEventSourceMappings", None),
        ("POST", ["event-source-mappings"]) => ("CreateEventSourceMapping", None),
        (method, ["event-source-mappings", id]) => {
            let operation = match method {
                "GET" => "GetEventSourceMapping",
                "PUT" => "UpdateEventSourceMapping",
                _ => "DeleteEventSourceMapping",
            };
            (operation, Some(scope.arn("lambda", &format!("event-source-mapping:{id}"))))
        }
        ("GET", ["account-settings"]) => ("GetAccountSettings", None),
        ("GET", ["tags", arn]) => ("ListTags", Some((*arn).to_owned())),
        ("POST", ["tags", arn]) => ("TagResource", Some((*arn).to_owned())),
        ("DELETE", ["tags", arn]) => ("UntagResource", Some((*arn).to_owned())),
        _ => ("UnknownOperation", None),
    };
    Wanted::new(format!("lambda:{operation}"), resource.unwrap_or_else(|| "*".to_owned()))
}

/// Batches and transactions are the actions in them, on one table or several.
fn of_dynamodb(scope: &Scope, operation: &str, body: &Value) -> Vec<Wanted> {
    let arn = |table: &str| {
        if table.starts_with("arn:") { table.to_owned() } else { scope.arn("dynamodb", &format!("table/{table}")) }
    };
    let action = |operation: &str| format!("dynamodb:{operation}");
    match operation {
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            vec![Wanted { action: action(operation), resources: tables.map(|(table, _)| arn(table)).collect() }]
        }
        "TransactGetItems" | "TransactWriteItems" => {
            let items = body["TransactItems"].as_array().into_iter().flatten();
            let actions = items.filter_map(Value::as_object).flatten().map(|(kind, item)| {
                let kind =
                    if kind == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{kind}Item") };
                Wanted::new(action(&kind), arn(text(item, "TableName").unwrap_or_default()))
            });
            actions.collect()
        }
        _ => {
            vec![on("dynamodb", operation, ["TableName", "ResourceArn"].map(|member| text(body, member).map(arn)))]
        }
    }
}

fn of_kinesis(scope: &Scope, operation: &str, body: &Value) -> Wanted {
    let arn = |name: &str| scope.arn("kinesis", &format!("stream/{name}"));
    let by_arn = ["StreamARN", "ResourceARN"].map(|member| text(body, member).map(str::to_owned));
    let by_name = text(body, "StreamName").map(arn);
    // Iterators name their stream.
    let by_iterator = text(body, "ShardIterator").and_then(stream_of_iterator).map(|name| arn(&name));
    on("kinesis", operation, [by_name, by_iterator].into_iter().chain(by_arn))
}

/// IAM sees what is done to a group as done to its stream without a name.
fn of_logs(scope: &Scope, operation: &str, body: &Value) -> Wanted {
    let stream = text(body, "logStreamName").unwrap_or_default();
    let group = |identifier: &str| match identifier.strip_prefix("arn:") {
        Some(_) => format!("{}:log-stream:{stream}", identifier.trim_end_matches(":*")),
        None => scope.arn("logs", &format!("log-group:{identifier}:log-stream:{stream}")),
    };
    let groups = ["logGroupName", "logGroupIdentifier"].map(|member| text(body, member).map(group));
    let tagged = text(body, "resourceArn").map(str::to_owned);
    let mut wanted = on("logs", operation, groups.into_iter().chain([tagged]));
    if wanted.resources == ["*"] {
        wanted.resources = vec![group("")];
    }
    wanted
}

fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

fn text<'a>(body: &'a Value, member: &str) -> Option<&'a str> {
    body.get(member).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use http::Request;

    use super::*;

    fn wanted(service: &Service, request: http::request::Builder, body: &str) -> Vec<String> {
        let scope = Scope { account: "111122223333".parse().unwrap(), region: "us-east-1".parse().unwrap() };
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let wanted = wanted_by(service, &scope, &parts, body.as_bytes());
        wanted.into_iter().map(|wanted| format!("{} {}", wanted.action, wanted.resources.join(" "))).collect()
    }

    fn json(service: &Service, target: &str, body: &str) -> Vec<String> {
        wanted(service, Request::post("/").header("x-amz-target", target), body)
    }

    #[test]
    fn reads_the_resources_of_json_requests() {
        let iterator = URL_SAFE_NO_PAD.encode("1 0 0 0 in");
        let told = [
            json(&Service::DynamoDb, "DynamoDB_20120810.Query", r#"{"TableName":"counts"}"#),
            json(&Service::DynamoDb, "DynamoDB_20120810.ListTables", "{}"),
            json(&Service::DynamoDb, "DynamoDB_20120810.BatchGetItem", r#"{"RequestItems":{"a":{},"b":{}}}"#),
            json(
                &Service::DynamoDb,
                "DynamoDB_20120810.TransactWriteItems",
                r#"{"TransactItems":[{"Put":{"TableName":"a"}},{"ConditionCheck":{"TableName":"b"}}]}"#,
            ),
            json(&Service::Firehose, "Firehose_20150804.PutRecord", r#"{"DeliveryStreamName":"clicks"}"#),
            json(
                &Service::Kinesis,
                "Kinesis_20131202.DescribeStream",
                r#"{"StreamName":"in","StreamARN":"arn:aws:kinesis:us-east-1:111122223333:stream/out"}"#,
            ),
            json(&Service::Kinesis, "Kinesis_20131202.GetRecords", &format!(r#"{{"ShardIterator":"{iterator}"}}"#)),
            json(
                &Service::KinesisAnalytics,
                "KinesisAnalytics_20180523.StartApplication",
                r#"{"ApplicationName":"a"}"#,
            ),
            json(&Service::Logs, "Logs_20140328.FilterLogEvents", r#"{"logGroupName":"/aws/lambda/F"}"#),
            json(&Service::Logs, "Logs_20140328.DescribeLogGroups", "{}"),
            json(&Service::Tagging, "ResourceGroupsTaggingAPI_20170126.GetResources", "{}"),
            json(&Service::DynamoDb, "DynamoDB_20120810.Query", "not JSON"),
        ];
        insta::assert_debug_snapshot!(told.concat(), @r#"
        [
            "dynamodb:Query arn:aws:dynamodb:us-east-1:111122223333:table/counts",
            "dynamodb:ListTables *",
            "dynamodb:BatchGetItem arn:aws:dynamodb:us-east-1:111122223333:table/a arn:aws:dynamodb:us-east-1:111122223333:table/b",
            "dynamodb:PutItem arn:aws:dynamodb:us-east-1:111122223333:table/a",
            "dynamodb:ConditionCheckItem arn:aws:dynamodb:us-east-1:111122223333:table/b",
            "firehose:PutRecord arn:aws:firehose:us-east-1:111122223333:deliverystream/clicks",
            "kinesis:DescribeStream arn:aws:kinesis:us-east-1:111122223333:stream/in arn:aws:kinesis:us-east-1:111122223333:stream/out",
            "kinesis:GetRecords arn:aws:kinesis:us-east-1:111122223333:stream/in",
            "kinesisanalytics:StartApplication arn:aws:kinesisanalytics:us-east-1:111122223333:application/a",
            "logs:FilterLogEvents arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/F:log-stream:",
            "logs:DescribeLogGroups arn:aws:logs:us-east-1:111122223333:log-group::log-stream:",
            "tag:GetResources *",
            "dynamodb:Query *",
        ]
        "#);
    }

    #[test]
    fn reads_the_resources_of_paths_and_forms() {
        let arn = "arn%3Aaws%3Alambda%3Aus-east-1%3A111122223333%3Afunction%3AF";
        let told = [
            wanted(&Service::Lambda, Request::post("/2015-03-31/functions/F/invocations"), ""),
            wanted(&Service::Lambda, Request::get(format!("/2015-03-31/functions/{arn}/configuration")), ""),
            wanted(&Service::Lambda, Request::get("/2015-03-31/functions"), ""),
            wanted(&Service::Lambda, Request::get("/elsewhere"), ""),
            wanted(&Service::Iam, Request::post("/"), "Action=GetRole&RoleName=Checker"),
            wanted(&Service::Iam, Request::post("/"), "Action=ListRoles"),
            wanted(&Service::Sts, Request::post("/"), "Action=GetCallerIdentity"),
            wanted(&Service::Account, Request::post("/listRegions"), "{}"),
        ];
        insta::assert_debug_snapshot!(told.concat(), @r#"
        [
            "lambda:InvokeFunction arn:aws:lambda:us-east-1:111122223333:function:F",
            "lambda:GetFunctionConfiguration arn:aws:lambda:us-east-1:111122223333:function:F",
            "lambda:ListFunctions *",
            "lambda:UnknownOperation *",
            "iam:GetRole arn:aws:iam::111122223333:role/Checker",
            "iam:ListRoles *",
            "account:ListRegions arn:aws:account::111122223333:account",
        ]
        "#);
    }
}
