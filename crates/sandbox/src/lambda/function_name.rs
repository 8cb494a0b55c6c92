//! How a function is named in a request: a name, a partial ARN or an ARN, with or without a version.

use super::errors::{access_denied, not_found, resource_not_found, validation};
use crate::{AwsError, Scope};

/// Longest name of a function, characters.
const MAX_NAME: usize = 64;
const PATTERN: &str = r"satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?";

/// The ARN of a function, without a version.
pub(super) fn arn(scope: &Scope, name: &str) -> String {
    scope.arn("lambda", &format!("function:{name}"))
}

/// Reads the name of a function of this account and region. `qualifier` is the version that the request names beside it.
///
/// Errors: `ValidationException` when it is no name, `AccessDeniedException` for another account's function,
/// `ResourceNotFoundException` for another region's and for versions, since nothing but `$LATEST` exists here.
pub(super) fn parse(scope: &Scope, text: &str, qualifier: Option<&str>) -> Result<String, AwsError> {
    let parts: Vec<&str> = text.split(':').collect();
    let (location, name, version) = match parts.as_slice() {
        [name] => (None, *name, None),
        [name, version] if *name != "function" => (None, *name, Some(*version)),
        ["function", name] => (None, *name, None),
        [account, "function", name] => (Some((None, *account)), *name, None),
        [account, "function", name, version] => (Some((None, *account)), *name, Some(*version)),
        ["arn", "aws", "lambda", region, account, "function", name] => (Some((Some(*region), *account)), *name, None),
        ["arn", "aws", "lambda", region, account, "function", name, version] => {
            (Some((Some(*region), *account)), *name, Some(*version))
        }
        _ => return Err(validation(text, "functionName", PATTERN)),
    };
    if !is_name(name) || !version.is_none_or(is_version) || !qualifier.is_none_or(is_version) {
        return Err(validation(text, "functionName", PATTERN));
    }
    if let Some((region, account)) = location {
        if account != scope.account.as_str() {
            return Err(access_denied(format!(
                "The caller is not authorized to perform this action on the function {text}, which is another account's."
            )));
        }
        if let Some(region) = region
            && region != scope.region.as_str()
        {
            return Err(resource_not_found(format!(
                "Functions from '{region}' are not reachable in this region ('{}')",
                scope.region
            )));
        }
    }
    for version in [version, qualifier].into_iter().flatten() {
        if version != "$LATEST" {
            return Err(not_found(&format!("{}:{version}", arn(scope, name))));
        }
    }
    Ok(name.to_owned())
}

/// Reads the name that `CreateFunction` gives, which has no version.
pub(super) fn parse_new(scope: &Scope, text: &str) -> Result<String, AwsError> {
    let name = parse(scope, text, None)?;
    if name.len() > MAX_NAME {
        return Err(validation(name, "functionName", &format!("have length less than or equal to {MAX_NAME}")));
    }
    Ok(name)
}

fn is_name(text: &str) -> bool {
    (1..=140).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn is_version(text: &str) -> bool {
    text == "$LATEST" || is_name(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope { account: "123456789012".parse().unwrap(), region: "us-east-1".parse().unwrap() }
    }

    #[test]
    fn takes_every_form_that_aws_takes() {
        for text in [
            "Clicks",
            "Clicks:$LATEST",
            "function:Clicks",
            "123456789012:function:Clicks",
            "123456789012:function:Clicks:$LATEST",
            "arn:aws:lambda:us-east-1:123456789012:function:Clicks",
            "arn:aws:lambda:us-east-1:123456789012:function:Clicks:$LATEST",
        ] {
            assert_eq!(parse(&scope(), text, None).unwrap(), "Clicks", "{text}");
        }
    }

    #[test]
    fn tells_what_is_wrong() {
        let code = |text: &str| parse(&scope(), text, None).unwrap_err().code;
        assert_eq!(code(""), "ValidationException");
        assert_eq!(code("a b"), "ValidationException");
        assert_eq!(code("arn:aws:iam::123456789012:role/x"), "ValidationException");
        assert_eq!(code("Clicks:3"), "ResourceNotFoundException");
        assert_eq!(code("999999999999:function:Clicks"), "AccessDeniedException");
        assert_eq!(code("arn:aws:lambda:eu-west-1:123456789012:function:Clicks"), "ResourceNotFoundException");
        let error = parse(&scope(), "Clicks", Some("live")).unwrap_err();
        assert_eq!(error.message, "Function not found: arn:aws:lambda:us-east-1:123456789012:function:Clicks:live");
        assert_eq!(parse_new(&scope(), &"a".repeat(65)).unwrap_err().code, "ValidationException");
    }
}
