//! Tells the call from the HTTP request, as a service would. The names that the SDK has for it play no part, so
//! that this is a second opinion on what the guard let pass.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// A request on its way to AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WireCall {
    /// The host, with its port if it has one.
    pub(crate) host: String,
    /// The region of the signature, or nothing.
    pub(crate) region: String,
    /// The service as in [`crate::api_calls::Service::id`]; one that is not known by the name in its signature.
    pub(crate) service: String,
    /// The operation; for a request that is not known, its method and what it asks for.
    pub(crate) operation: String,
    pub(crate) method: String,
    /// Without the query, which may hold a signature.
    pub(crate) path: String,
}

impl WireCall {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let uri = request.uri();
        let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
        let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let header = |name: &str| request.headers().get(name).unwrap_or_default();
        // "AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …"
        let mut scope = header("authorization").split(',').next().unwrap_or_default().split('/').skip(2);
        let region = scope.next().unwrap_or_default();
        let signed_for = scope.next().unwrap_or_default();
        let method = request.method();
        let body = request.body().bytes().unwrap_or_default();
        let (service, operation) = if let Some((model, operation)) = header("x-amz-target").rsplit_once('.') {
            (service_of_model(model).unwrap_or(model).to_owned(), operation.to_owned())
        } else if let Some((model, operation)) = rpc(path) {
            (service_of_model(model).unwrap_or(model).to_owned(), operation.to_owned())
        } else {
            let operation = match signed_for {
                "s3" => s3_operation(method, host, path, query),
                "lambda" => lambda_operation(method, path),
                "account" if (method, path) == ("POST", "/listRegions") => Some("ListRegions"),
                _ => form_action(body),
            };
            (signed_for.to_owned(), operation.map_or_else(|| format!("{method} {path}"), str::to_owned))
        };
        Self {
            host: host.to_owned(),
            region: region.to_owned(),
            service,
            operation,
            method: method.to_owned(),
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
        }
    }
}

/// The service whose model has this name, as it stands in `X-Amz-Target`.
fn service_of_model(model: &str) -> Option<&'static str> {
    Some(match model.split_once('_').map_or(model, |(name, _)| name) {
        "Firehose" => "firehose",
        "Kinesis" => "kinesis",
        "KinesisAnalytics" => "kinesisanalyticsv2",
        "DynamoDB" => "dynamodb",
        "ResourceGroupsTaggingAPI" => "resourcegroupstaggingapi",
        "Logs" => "logs",
        _ => return None,
    })
}

/// The newer protocol names both in the path: `/service/MODEL/operation/NAME`.
fn rpc(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("/service/")?.split_once("/operation/")
}

fn s3_operation(method: &str, host: &str, path: &str, query: &str) -> Option<&'static str> {
    // The bucket stands in the path, or before the host's own name.
    let in_host = host.split('.').skip(1).any(|label| label == "s3" || label.starts_with("s3-"));
    let mut parts = path.trim_start_matches('/').splitn(2, '/').filter(|part| !part.is_empty());
    let bucket = if in_host { Some(host) } else { parts.next() };
    let object = if in_host { Some(path.trim_start_matches('/')).filter(|key| !key.is_empty()) } else { parts.next() };
    let names: Vec<&str> =
        query.split('&').filter_map(|part| part.split('=').next()).filter(|n| !n.is_empty()).collect();
    // A parameter that is not a mere option asks for something else, such as `?acl`.
    let is_plain = |options: &[&str]| names.iter().all(|name| *name == "x-id" || options.contains(name));
    let listing = [
        "list-type",
        "prefix",
        "start-after",
        "continuation-token",
        "max-keys",
        "delimiter",
        "encoding-type",
        "fetch-owner",
    ];
    match (method, bucket, object) {
        ("HEAD", Some(_), None) if is_plain(&[]) => Some("HeadBucket"),
        ("HEAD", Some(_), Some(_)) if is_plain(&["versionId"]) => Some("HeadObject"),
        ("GET", Some(_), None) if names.contains(&"list-type") && is_plain(&listing) => Some("ListObjectsV2"),
        ("GET", Some(_), Some(_)) if is_plain(&["versionId"]) => Some("GetObject"),
        _ => None,
    }
}

fn lambda_operation(method: &str, path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method, parts.as_slice()) {
        ("GET", ["2015-03-31", "functions", _, "configuration"]) => Some("GetFunctionConfiguration"),
        ("POST", ["2015-03-31", "functions", _, "invocations"]) => Some("Invoke"),
        ("GET", ["2015-03-31", "event-source-mappings"]) => Some("ListEventSourceMappings"),
        _ => None,
    }
}

/// `Action=…` of a form, as STS takes it.
fn form_action(body: &[u8]) -> Option<&str> {
    let body = std::str::from_utf8(body).ok()?;
    body.split('&')
        .find_map(|part| part.strip_prefix("Action="))
        .filter(|action| !action.is_empty() && action.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    pub(crate) fn request(
        method: &str,
        uri: &str,
        service: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> HttpRequest {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method(method).unwrap();
        request.set_uri(uri).unwrap();
        let scope =
            format!("AWS4-HMAC-SHA256 Credential=AKIA/20261124/eu-west-1/{service}/aws4_request, SignedHeaders=host");
        request.headers_mut().insert("authorization", scope);
        for (name, value) in headers {
            request.headers_mut().insert(*name, (*value).to_owned());
        }
        request
    }

    fn call(request: &HttpRequest) -> String {
        let call = WireCall::of(request);
        assert_eq!(call.region, "eu-west-1");
        format!("{}:{}", call.service, call.operation)
    }

    #[test]
    fn a_call_is_told_by_its_target() {
        let of =
            |target: &str, service| call(&request("POST", "https://x/", service, &[("x-amz-target", target)], "{}"));
        assert_eq!(of("Firehose_20150804.PutRecordBatch", "firehose"), "firehose:PutRecordBatch");
        assert_eq!(of("Kinesis_20131202.PutRecords", "kinesis"), "kinesis:PutRecords");
        assert_eq!(
            of("KinesisAnalytics_20180523.StartApplication", "kinesisanalytics"),
            "kinesisanalyticsv2:StartApplication"
        );
        assert_eq!(of("DynamoDB_20120810.Query", "dynamodb"), "dynamodb:Query");
        assert_eq!(of("Other_2026.Do", "firehose"), "Other_2026:Do", "the target decides");
        let rpc = request("POST", "https://x/service/Kinesis_20131202/operation/GetRecords", "kinesis", &[], "");
        assert_eq!(call(&rpc), "kinesis:GetRecords");
    }

    #[test]
    fn a_call_is_told_by_method_and_path() {
        let of = |service, method, uri| call(&request(method, uri, service, &[], ""));
        assert_eq!(of("s3", "HEAD", "https://bucket.s3.eu-west-1.amazonaws.com/"), "s3:HeadBucket");
        assert_eq!(of("s3", "HEAD", "http://127.0.0.1:4566/bucket"), "s3:HeadBucket");
        assert_eq!(of("s3", "GET", "http://127.0.0.1:4566/bucket/?list-type=2&prefix=a"), "s3:ListObjectsV2");
        assert_eq!(of("s3", "GET", "https://bucket.s3.amazonaws.com/a/b?x-id=GetObject"), "s3:GetObject");
        assert_eq!(of("s3", "GET", "https://bucket.s3.amazonaws.com/?acl"), "s3:GET /");
        assert_eq!(of("s3", "PUT", "http://127.0.0.1:4566/bucket/key"), "s3:PUT /bucket/key");
        assert_eq!(of("s3", "GET", "http://127.0.0.1:4566/"), "s3:GET /", "a list of buckets");
        assert_eq!(
            of("lambda", "GET", "https://l/2015-03-31/functions/f/configuration"),
            "lambda:GetFunctionConfiguration"
        );
        assert_eq!(of("lambda", "POST", "https://l/2015-03-31/functions/f/invocations"), "lambda:Invoke");
        assert_eq!(
            of("lambda", "GET", "https://l/2015-03-31/event-source-mappings?FunctionName=f"),
            "lambda:ListEventSourceMappings"
        );
        assert_eq!(of("lambda", "GET", "https://l/2015-03-31/functions/f"), "lambda:GET /2015-03-31/functions/f");
        assert_eq!(of("account", "POST", "https://account.us-east-1.amazonaws.com/listRegions"), "account:ListRegions");
    }

    #[test]
    fn a_call_is_told_by_its_form() {
        let of = |body| call(&request("POST", "https://sts.eu-west-1.amazonaws.com/", "sts", &[], body));
        assert_eq!(of("Action=AssumeRole&Version=2011-06-15"), "sts:AssumeRole");
        assert_eq!(of("Version=2011-06-15"), "sts:POST /");
        assert_eq!(of("Action=%3Cscript%3E"), "sts:POST /");
    }

    #[test]
    fn the_path_is_told_without_the_query() {
        let call = WireCall::of(&request("GET", "http://127.0.0.1:4566/b/k?X-Amz-Signature=secret", "s3", &[], ""));
        assert_eq!((call.host.as_str(), call.path.as_str()), ("127.0.0.1:4566", "/b/k"));
    }
}
