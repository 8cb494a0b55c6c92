//! AWS Signature Version 4, header form: reads what a request presents and verifies it by signing the request anew.
//!
//! Source: "AWS Signature Version 4 for API requests" in the IAM User Guide. S3 requests are verified by `s3s`, which also
//! knows presigned URLs and chunked bodies; this module only reads whose key they present.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far a request's date may be from ours.
const MAX_SKEW: Duration = Duration::minutes(15);
const AMZ_DATE: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// Whom a request claims to come from, and for which service and region it was signed. Nothing of it is proven yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub access_key_id: String,
    /// `YYYYMMDD`
    pub date: String,
    pub region: String,
    /// The signing name of the service, such as `firehose`.
    pub service: String,
    pub session_token: Option<String>,
}

/// A signature in the header form: the claim with all that is needed to prove it.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub claim: Claim,
    signed_headers: Vec<String>,
    signature: String,
    time: OffsetDateTime,
}

/// What a request presents.
#[derive(Clone, Debug)]
pub(crate) enum Presented {
    Nothing,
    Header(Signature),
    /// Presigned URL: only S3 takes these, and `s3s` verifies them.
    Query(Claim),
}

/// Why a signature is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum SignatureError {
    #[error("{0}")]
    Incomplete(String),
    #[error("Authorization header uses an algorithm other than AWS4-HMAC-SHA256, which the sandbox does not offer.")]
    UnsupportedAlgorithm,
    #[error("Signature expired: {signed} is now earlier than {earliest} ({now} - 15 min.)")]
    Expired { signed: String, earliest: String, now: String },
    #[error("Signature not yet current: {signed} is still later than {latest} ({now} + 15 min.)")]
    NotYetCurrent { signed: String, latest: String, now: String },
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

/// Reads the credentials that a request presents.
pub(crate) fn read(parts: &Parts) -> Result<Presented, SignatureError> {
    if let Some(header) = parts.headers.get(AUTHORIZATION) {
        let header = header
            .to_str()
            .map_err(|_| SignatureError::Incomplete("Authorization header is not plain ASCII.".to_owned()))?;
        return read_header(parts, header).map(Presented::Header);
    }
    let query: Vec<(String, String)> =
        parts.uri.query().map(serde_urlencoded::from_str).transpose().unwrap_or_default().unwrap_or_default();
    let parameter = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if parameter("AWSAccessKeyId").is_some() {
        return Err(SignatureError::UnsupportedAlgorithm);
    }
    let Some(credential) = parameter("X-Amz-Credential") else { return Ok(Presented::Nothing) };
    let session_token = parameter("X-Amz-Security-Token").map(str::to_owned);
    read_credential(credential, session_token).map(Presented::Query)
}

/// Proves a claim: the request's date is near ours and the secret's owner signed this very request.
///
/// `parts` must be as they came over the wire. The comparison takes the same time wherever the signatures differ.
pub(crate) fn verify(
    signature: &Signature,
    secret: &SecretString,
    parts: &Parts,
    body: &[u8],
    now: OffsetDateTime,
) -> Result<(), SignatureError> {
    check_date(signature.time, now)?;
    let mut headers = Vec::with_capacity(signature.signed_headers.len());
    for name in &signature.signed_headers {
        let mut values = parts.headers.get_all(name.as_str()).iter().peekable();
        if values.peek().is_none() {
            return Err(SignatureError::Incomplete(format!(
                "Authorization header lists '{name}' in SignedHeaders, which the request does not have."
            )));
        }
        for value in values {
            let value = std::str::from_utf8(value.as_bytes()).map_err(|_| SignatureError::Mismatch)?;
            headers.push((name.as_str(), value));
        }
    }
    let claim = &signature.claim;
    // The token's header was signed like any other, so the signer need not add it.
    let identity = Credentials::new(&claim.access_key_id, secret.expose_secret(), None, None, "sandbox").into();
    let mut settings = SigningSettings::default();
    settings.excluded_headers = None;
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&claim.region)
        .name(&claim.service)
        .time(SystemTime::from(signature.time))
        .settings(settings)
        .build()
        .map_err(|_| SignatureError::Mismatch)?
        .into();
    let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let request = SignableRequest::new(parts.method.as_str(), target, headers.into_iter(), SignableBody::Bytes(body))
        .map_err(|_| SignatureError::Mismatch)?;
    let (_, expected) = sign(request, &parameters).map_err(|_| SignatureError::Mismatch)?.into_parts();
    if expected.as_bytes().ct_eq(signature.signature.as_bytes()).into() {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

fn read_header(parts: &Parts, header: &str) -> Result<Signature, SignatureError> {
    let (algorithm, fields) = header.split_once(' ').unwrap_or((header, ""));
    if algorithm != ALGORITHM {
        return Err(SignatureError::UnsupportedAlgorithm);
    }
    let field = |name: &str| {
        fields
            .split(',')
            .filter_map(|field| field.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .ok_or_else(|| SignatureError::Incomplete(format!("Authorization header requires '{name}' parameter.")))
    };
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let session_token = text("x-amz-security-token").map(str::to_owned);
    let claim = read_credential(field("Credential")?, session_token)?;
    let signed_headers: Vec<String> = field("SignedHeaders")?.split(';').map(str::to_ascii_lowercase).collect();
    if !signed_headers.iter().any(|name| name == HOST.as_str()) {
        return Err(SignatureError::Incomplete("'Host' must be a signed header.".to_owned()));
    }
    let signature = field("Signature")?.to_owned();
    let date = text("x-amz-date").ok_or_else(|| {
        SignatureError::Incomplete("Authorization header requires existence of 'X-Amz-Date'.".to_owned())
    })?;
    let time = PrimitiveDateTime::parse(date, AMZ_DATE)
        .map_err(|_| {
            SignatureError::Incomplete(format!("Date in X-Amz-Date must be like 20261124T190000Z, not '{date}'."))
        })?
        .assume_utc();
    if !date.starts_with(&claim.date) {
        return Err(SignatureError::Incomplete(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}'.",
            claim.date,
            date.get(..8).unwrap_or_default()
        )));
    }
    Ok(Signature { claim, signed_headers, signature, time })
}

/// Reads `AKIA.../20261124/us-east-1/firehose/aws4_request`.
fn read_credential(credential: &str, session_token: Option<String>) -> Result<Claim, SignatureError> {
    let scope: Vec<&str> = credential.split('/').collect();
    match scope.as_slice() {
        [access_key_id, date, region, service, "aws4_request"] if date.len() == 8 => Ok(Claim {
            access_key_id: (*access_key_id).to_owned(),
            date: (*date).to_owned(),
            region: (*region).to_owned(),
            service: (*service).to_owned(),
            session_token,
        }),
        _ => Err(SignatureError::Incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. \
             keyid/date/region/service/aws4_request, got '{credential}'."
        ))),
    }
}

fn check_date(signed: OffsetDateTime, now: OffsetDateTime) -> Result<(), SignatureError> {
    let text = |time: OffsetDateTime| time.format(AMZ_DATE).unwrap_or_default();
    if signed < now - MAX_SKEW {
        return Err(SignatureError::Expired { signed: text(signed), earliest: text(now - MAX_SKEW), now: text(now) });
    }
    if signed > now + MAX_SKEW {
        return Err(SignatureError::NotYetCurrent {
            signed: text(signed),
            latest: text(now + MAX_SKEW),
            now: text(now),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Request;
    use time::macros::datetime;

    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const SIGNED_AT: OffsetDateTime = datetime!(2015-08-30 12:36 UTC);

    /// The worked example of "Create a signed AWS API request" in AWS's documentation.
    fn documented() -> Parts {
        Request::get("/?Action=ListUsers&Version=2010-05-08")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header("host", "iam.amazonaws.com")
            .header("x-amz-date", "20150830T123600Z")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date, \
                 Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            )
            .body(())
            .unwrap()
            .into_parts()
            .0
    }

    fn check(parts: &Parts, secret: &str, body: &[u8], now: OffsetDateTime) -> Result<(), SignatureError> {
        match read(parts)? {
            Presented::Header(signature) => verify(&signature, &secret.into(), parts, body, now),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_documented_signature_is_right() {
        assert_eq!(check(&documented(), SECRET, b"", SIGNED_AT), Ok(()));
    }

    #[test]
    fn nothing_that_was_signed_can_be_changed() {
        let mut query = documented();
        query.uri = "/?Action=ListRoles&Version=2010-05-08".parse().unwrap();
        let mut path = documented();
        path.uri = "/x?Action=ListUsers&Version=2010-05-08".parse().unwrap();
        let mut method = documented();
        method.method = http::Method::POST;
        let mut header = documented();
        header.headers.insert("content-type", "text/plain".parse().unwrap());
        let mut twice = documented();
        twice.headers.append("content-type", "text/plain".parse().unwrap());
        let mut host = documented();
        host.headers.insert("host", "sts.amazonaws.com".parse().unwrap());
        for changed in [query, path, method, header, twice, host] {
            assert_eq!(check(&changed, SECRET, b"", SIGNED_AT), Err(SignatureError::Mismatch), "{changed:?}");
        }
        assert_eq!(check(&documented(), SECRET, b"x", SIGNED_AT), Err(SignatureError::Mismatch));
        assert_eq!(check(&documented(), "another", b"", SIGNED_AT), Err(SignatureError::Mismatch));
    }

    #[test]
    fn a_request_counts_for_a_quarter_of_an_hour() {
        let skew = Duration::minutes(15);
        for now in [SIGNED_AT - skew, SIGNED_AT + skew] {
            assert_eq!(check(&documented(), SECRET, b"", now), Ok(()));
        }
        let late = check(&documented(), SECRET, b"", SIGNED_AT + skew + Duration::SECOND).unwrap_err();
        insta::assert_snapshot!(late, @"Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)");
        let early = check(&documented(), SECRET, b"", SIGNED_AT - skew - Duration::SECOND).unwrap_err();
        insta::assert_snapshot!(early, @"Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T122059Z + 15 min.)");
    }

    #[test]
    fn what_is_missing_is_named() {
        let with = |header: &str| {
            let mut parts = documented();
            parts.headers.insert(AUTHORIZATION, header.parse().unwrap());
            check(&parts, SECRET, b"", SIGNED_AT).unwrap_err().to_string()
        };
        let mut undated = documented();
        undated.headers.remove("x-amz-date");
        insta::assert_debug_snapshot!(
            [
                with("AWS AKIDEXAMPLE:c2lnbmF0dXJl"),
                with("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0"),
                with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam, SignedHeaders=host, Signature=0"),
                with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, Signature=0"),
                with("AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/iam/aws4_request, SignedHeaders=x-amz-date, Signature=0"),
                with("AWS4-HMAC-SHA256 Credential=A/20150829/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0"),
                with("AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/iam/aws4_request, SignedHeaders=host;x-lost, Signature=0"),
                check(&undated, SECRET, b"", SIGNED_AT).unwrap_err().to_string(),
            ],
            @r#"
            [
                "Authorization header uses an algorithm other than AWS4-HMAC-SHA256, which the sandbox does not offer.",
                "Authorization header requires 'Credential' parameter.",
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request, got 'AKIDEXAMPLE/20150830/us-east-1/iam'.",
                "Authorization header requires 'SignedHeaders' parameter.",
                "'Host' must be a signed header.",
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != '20150830'.",
                "Authorization header lists 'x-lost' in SignedHeaders, which the request does not have.",
                "Authorization header requires existence of 'X-Amz-Date'.",
            ]
            "#
        );
    }
}
