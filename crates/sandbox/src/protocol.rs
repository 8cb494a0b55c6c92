//! How each service's protocol writes answers and errors.

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use quick_xml::escape::escape;
use serde_json::{Map, Value};

use crate::keyring::KeyRefused;
use crate::sigv4::SignatureError;
use crate::{AwsError, Fault};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const S3_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const CRC32: HeaderName = HeaderName::from_static("x-amz-crc32");

/// A service behind the one endpoint, by its signing name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Sts,
    Iam,
    S3,
    Firehose,
    Kinesis,
    KinesisAnalytics,
    DynamoDb,
    Lambda,
    Account,
    Tagging,
    Logs,
    /// A service that AWS may have but the sandbox has not.
    Other(String),
}

/// The wire protocols of the services here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `awsJson1_0` and `awsJson1_1`: the operation is in `X-Amz-Target`.
    Json { content_type: &'static str, namespace: &'static str },
    /// `awsQuery`: a form in, XML out.
    Query { namespace: &'static str },
    /// `restJson1`; the errors of Lambda have members of its own.
    RestJson { lambda: bool },
    /// `restXml` as S3 has it
    S3,
}

impl Service {
    /// The service of a credential scope.
    pub(crate) fn from_signing_name(name: &str) -> Self {
        match name {
            "sts" => Self::Sts,
            "iam" => Self::Iam,
            "s3" => Self::S3,
            "firehose" => Self::Firehose,
            "kinesis" => Self::Kinesis,
            "kinesisanalytics" => Self::KinesisAnalytics,
            "dynamodb" => Self::DynamoDb,
            "lambda" => Self::Lambda,
            "account" => Self::Account,
            "tagging" => Self::Tagging,
            "logs" => Self::Logs,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The service that an unsigned request seems to be meant for, so that the refusal is in the right shape.
    pub(crate) fn guess(parts: &Parts) -> Self {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match header("x-amz-target").split('.').next().unwrap_or_default() {
            "" => {}
            "Firehose_20150804" => return Self::Firehose,
            "Kinesis_20131202" => return Self::Kinesis,
            "KinesisAnalytics_20180523" => return Self::KinesisAnalytics,
            "DynamoDB_20120810" => return Self::DynamoDb,
            "ResourceGroupsTaggingAPI_20170126" => return Self::Tagging,
            "Logs_20140328" => return Self::Logs,
            other => return Self::Other(other.to_owned()),
        }
        if parts.uri.path().starts_with("/2015-03-31/") {
            Self::Lambda
        } else if header(CONTENT_TYPE.as_str()).starts_with("application/x-www-form-urlencoded") {
            Self::Sts
        } else {
            Self::S3
        }
    }

    /// The prefix of `X-Amz-Target`, for the services that have one.
    pub(crate) fn target_prefix(&self) -> Option<&'static str> {
        match self {
            Self::Firehose => Some("Firehose_20150804"),
            Self::Kinesis => Some("Kinesis_20131202"),
            Self::KinesisAnalytics => Some("KinesisAnalytics_20180523"),
            Self::DynamoDb => Some("DynamoDB_20120810"),
            Self::Tagging => Some("ResourceGroupsTaggingAPI_20170126"),
            Self::Logs => Some("Logs_20140328"),
            _ => None,
        }
    }

    /// The largest request body in bytes, somewhat above what the service's own limits need.
    pub(crate) fn max_body(&self) -> usize {
        const MIB: usize = 1024 * 1024;
        match self {
            // A 50 MiB archive in base64.
            Self::Lambda => 70 * MIB,
            Self::DynamoDb => 16 * MIB,
            // 10 MiB of records in base64.
            Self::Kinesis => 16 * MIB,
            // 4 MiB of records in base64.
            Self::Firehose => 8 * MIB,
            Self::KinesisAnalytics | Self::Logs => 2 * MIB,
            Self::Sts | Self::Iam | Self::S3 | Self::Account | Self::Tagging | Self::Other(_) => MIB,
        }
    }

    pub(crate) fn protocol(&self, parts: &Parts) -> Protocol {
        match self {
            Self::Sts => Protocol::Query { namespace: "https://sts.amazonaws.com/doc/2011-06-15/" },
            Self::Iam => Protocol::Query { namespace: "https://iam.amazonaws.com/doc/2010-05-08/" },
            Self::S3 => Protocol::S3,
            Self::Firehose | Self::Kinesis | Self::KinesisAnalytics | Self::Tagging | Self::Logs => {
                Protocol::Json { content_type: "application/x-amz-json-1.1", namespace: "" }
            }
            Self::DynamoDb => Protocol::Json {
                content_type: "application/x-amz-json-1.0",
                namespace: "com.amazonaws.dynamodb.v20120810#",
            },
            Self::Lambda => Protocol::RestJson { lambda: true },
            Self::Account => Protocol::RestJson { lambda: false },
            Self::Other(_) if parts.headers.contains_key("x-amz-target") => {
                Protocol::Json { content_type: "application/x-amz-json-1.1", namespace: "" }
            }
            Self::Other(_) => {
                let form = parts
                    .headers
                    .get(CONTENT_TYPE)
                    .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
                if form {
                    Protocol::Query { namespace: "http://webservices.amazon.com/AWSFault/2005-15-09" }
                } else {
                    Protocol::RestJson { lambda: true }
                }
            }
        }
    }
}

impl Protocol {
    /// A successful answer with this body.
    pub(crate) fn answer(self, body: Bytes) -> Response<Body> {
        let content_type = match self {
            Self::Json { content_type, .. } => content_type,
            Self::Query { .. } => "text/xml",
            Self::RestJson { .. } => "application/json",
            Self::S3 => "application/xml",
        };
        self.respond(StatusCode::OK, content_type, body)
    }

    /// An error in the shape that this protocol's clients read.
    pub(crate) fn error(self, error: &AwsError, request_id: &str) -> Response<Body> {
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = match self {
            Self::Json { content_type, namespace } => {
                let body = json_error(error, Some(&format!("{namespace}{}", error.code)), "message");
                self.respond(status, content_type, body)
            }
            Self::RestJson { lambda: true } => self.respond(status, "application/json", lambda_error(error)),
            Self::RestJson { lambda: false } => {
                self.respond(status, "application/json", json_error(error, None, "message"))
            }
            Self::Query { namespace } => {
                let fault = if error.fault() == Fault::Server { "Receiver" } else { "Sender" };
                let body = format!(
                    "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{fault}</Type><Code>{}</Code><Message>{}</Message>\
                     </Error><RequestId>{request_id}</RequestId></ErrorResponse>",
                    escape(&*error.code),
                    escape(&*error.message)
                );
                self.respond(status, "text/xml", body.into())
            }
            Self::S3 => {
                let body = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>\
                     <RequestId>{request_id}</RequestId></Error>",
                    escape(&*error.code),
                    escape(&*error.message)
                );
                self.respond(status, "application/xml", body.into())
            }
        };
        if matches!(self, Self::Json { .. } | Self::RestJson { .. })
            && let Ok(code) = HeaderValue::from_str(&error.code)
        {
            response.headers_mut().insert(ERROR_TYPE, code);
        }
        response
    }

    /// Names the request in the answer, as AWS does on every answer.
    pub(crate) fn stamp(self, response: &mut Response<Body>, request_id: &str) {
        if let Ok(value) = HeaderValue::from_str(request_id) {
            if self == Self::S3 {
                response.headers_mut().insert(S3_REQUEST_ID, value.clone());
            }
            response.headers_mut().insert(REQUEST_ID, value);
        }
    }

    /// A refusal for a request that presents no credentials.
    pub(crate) fn no_credentials(self) -> AwsError {
        match self {
            Self::Json { .. } => {
                AwsError::client("MissingAuthenticationTokenException", "Missing Authentication Token")
            }
            Self::RestJson { .. } => {
                AwsError::client("MissingAuthenticationTokenException", "Missing Authentication Token").with_status(403)
            }
            Self::Query { .. } => {
                AwsError::client("MissingAuthenticationToken", "Request is missing Authentication Token")
                    .with_status(403)
            }
            Self::S3 => AwsError::client("AccessDenied", "Access Denied").with_status(403),
        }
    }

    /// A refusal of what the caller may not do.
    pub(crate) fn access_denied(self, message: String) -> AwsError {
        match self {
            Self::Json { .. } => AwsError::client("AccessDeniedException", message),
            Self::RestJson { .. } => AwsError::client("AccessDeniedException", message).with_status(403),
            Self::Query { .. } | Self::S3 => AwsError::client("AccessDenied", message).with_status(403),
        }
    }

    /// A refusal of an access key or session token.
    pub(crate) fn key_refused(self, refused: KeyRefused) -> AwsError {
        let invalid = "The security token included in the request is invalid.";
        let expired = "The security token included in the request is expired";
        match (self, refused) {
            (Self::Json { .. }, KeyRefused::ExpiredSessionToken) => AwsError::client("ExpiredTokenException", expired),
            (Self::Json { .. }, _) => AwsError::client("UnrecognizedClientException", invalid),
            (Self::RestJson { .. }, KeyRefused::ExpiredSessionToken) => {
                AwsError::client("ExpiredTokenException", expired).with_status(403)
            }
            (Self::RestJson { .. }, _) => AwsError::client("UnrecognizedClientException", invalid).with_status(403),
            (Self::Query { .. }, KeyRefused::ExpiredSessionToken) => {
                AwsError::client("ExpiredToken", expired).with_status(403)
            }
            (Self::Query { .. }, _) => AwsError::client("InvalidClientTokenId", invalid).with_status(403),
            (Self::S3, KeyRefused::ExpiredSessionToken) => {
                AwsError::client("ExpiredToken", "The provided token has expired.")
            }
            (Self::S3, KeyRefused::InvalidSessionToken) => {
                AwsError::client("InvalidToken", "The provided token is malformed or otherwise invalid.")
            }
            (Self::S3, KeyRefused::UnknownAccessKey) => AwsError::client(
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            )
            .with_status(403),
        }
    }

    /// A refusal of a signature.
    pub(crate) fn signature_refused(self, refused: &SignatureError) -> AwsError {
        let message = refused.to_string();
        let incomplete = matches!(refused, SignatureError::Incomplete(_) | SignatureError::UnsupportedAlgorithm);
        match self {
            Self::Json { .. } if incomplete => AwsError::client("IncompleteSignatureException", message),
            Self::Json { .. } => AwsError::client("InvalidSignatureException", message),
            Self::RestJson { .. } if incomplete => {
                AwsError::client("IncompleteSignatureException", message).with_status(403)
            }
            Self::RestJson { .. } => AwsError::client("InvalidSignatureException", message).with_status(403),
            Self::Query { .. } if incomplete => AwsError::client("IncompleteSignature", message).with_status(403),
            Self::Query { .. } => AwsError::client("SignatureDoesNotMatch", message).with_status(403),
            Self::S3 if *refused == SignatureError::UnsupportedAlgorithm => AwsError::client(
                "InvalidRequest",
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            ),
            Self::S3 if incomplete => AwsError::client("AuthorizationHeaderMalformed", message),
            Self::S3 => AwsError::client("SignatureDoesNotMatch", message).with_status(403),
        }
    }

    fn respond(self, status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        // DynamoDB's clients check this sum when it is there.
        if content_type == "application/x-amz-json-1.0" {
            response.headers_mut().insert(CRC32, HeaderValue::from(crc32fast::hash(&body)));
        }
        *response.body_mut() = Body::from(body);
        response
    }
}

fn lambda_error(error: &AwsError) -> Bytes {
    let mut named = error.clone();
    let fault = if error.fault() == Fault::Server { "Service" } else { "User" };
    named.members.entry("Type").or_insert_with(|| Value::from(fault));
    json_error(&named, None, "Message")
}

fn json_error(error: &AwsError, kind: Option<&str>, message_member: &str) -> Bytes {
    let mut body = Map::new();
    if let Some(kind) = kind {
        body.insert("__type".to_owned(), Value::from(kind));
    }
    body.extend(*error.members.clone());
    body.entry(message_member).or_insert_with(|| Value::from(error.message.as_str()));
    Value::Object(body).to_string().into()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn protocols() -> Vec<Protocol> {
        let (parts, ()) = http::Request::new(()).into_parts();
        [Service::DynamoDb, Service::Firehose, Service::Lambda, Service::Iam, Service::S3]
            .map(|service| service.protocol(&parts))
            .to_vec()
    }

    #[test]
    fn credentials_are_refused_with_the_codes_of_each_protocol() {
        let refusals = [KeyRefused::UnknownAccessKey, KeyRefused::InvalidSessionToken, KeyRefused::ExpiredSessionToken];
        let codes: Vec<String> = protocols()
            .into_iter()
            .map(|protocol| {
                let tell = |error: AwsError| format!("{} {}", error.status, error.code);
                let mut codes: Vec<String> =
                    refusals.iter().map(|refused| tell(protocol.key_refused(*refused))).collect();
                codes.push(tell(protocol.signature_refused(&SignatureError::Incomplete(String::new()))));
                codes.push(tell(protocol.signature_refused(&SignatureError::Mismatch)));
                codes.join(", ")
            })
            .collect();
        insta::assert_debug_snapshot!(codes, @r#"
        [
            "400 UnrecognizedClientException, 400 UnrecognizedClientException, 400 ExpiredTokenException, 400 IncompleteSignatureException, 400 InvalidSignatureException",
            "400 UnrecognizedClientException, 400 UnrecognizedClientException, 400 ExpiredTokenException, 400 IncompleteSignatureException, 400 InvalidSignatureException",
            "403 UnrecognizedClientException, 403 UnrecognizedClientException, 403 ExpiredTokenException, 403 IncompleteSignatureException, 403 InvalidSignatureException",
            "403 InvalidClientTokenId, 403 InvalidClientTokenId, 403 ExpiredToken, 403 IncompleteSignature, 403 SignatureDoesNotMatch",
            "403 InvalidAccessKeyId, 400 InvalidToken, 400 ExpiredToken, 400 AuthorizationHeaderMalformed, 403 SignatureDoesNotMatch",
        ]
        "#);
    }

    #[tokio::test]
    async fn errors_are_escaped_and_complete() {
        let error = AwsError::client("Some<Error>", "a < b & \"c\"").with_member("Reasons", serde_json::json!(["x"]));
        let mut shown = Vec::new();
        for protocol in protocols() {
            let (parts, body) = protocol.error(&error, "request-id").into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let mut headers: Vec<String> =
                parts.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
            headers.sort();
            shown.push(format!("{} {}\n{}", parts.status.as_u16(), headers.join(", "), String::from_utf8_lossy(&body)));
        }
        insta::assert_snapshot!(shown.join("\n\n"), @r#"
        400 content-type: application/x-amz-json-1.0, x-amz-crc32: 2582579410, x-amzn-errortype: Some<Error>
        {"__type":"com.amazonaws.dynamodb.v20120810#Some<Error>","Reasons":["x"],"message":"a < b & \"c\""}

        400 content-type: application/x-amz-json-1.1, x-amzn-errortype: Some<Error>
        {"__type":"Some<Error>","Reasons":["x"],"message":"a < b & \"c\""}

        400 content-type: application/json, x-amzn-errortype: Some<Error>
        {"Reasons":["x"],"Type":"User","Message":"a < b & \"c\""}

        400 content-type: text/xml
        <ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>Some&lt;Error&gt;</Code><Message>a &lt; b &amp; &quot;c&quot;</Message></Error><RequestId>request-id</RequestId></ErrorResponse>

        400 content-type: application/xml
        <?xml version="1.0" encoding="UTF-8"?>
        <Error><Code>Some&lt;Error&gt;</Code><Message>a &lt; b &amp; &quot;c&quot;</Message><RequestId>request-id</RequestId></Error>
        "#);
    }
}
