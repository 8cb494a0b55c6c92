//! Reading ARNs: `arn:partition:service:region:account:resource`.

/// The account, or nothing.
pub(crate) fn account(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// The region, or nothing.
pub(crate) fn region(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

/// The name of a role, without its path.
pub(crate) fn role_name(arn: &str) -> &str {
    resource(arn).strip_prefix("role/").and_then(|path| path.rsplit('/').next()).unwrap_or_default()
}

/// The name in `arn:…:deliverystream/NAME`.
pub(crate) fn stream_name(arn: &str) -> &str {
    resource(arn).strip_prefix("deliverystream/").unwrap_or_default()
}

/// The name in `arn:…:kinesis:…:stream/NAME`.
pub(crate) fn data_stream_name(arn: &str) -> &str {
    let is_kinesis = arn.split(':').nth(2) == Some("kinesis");
    resource(arn).strip_prefix("stream/").filter(|_| is_kinesis).unwrap_or_default()
}

/// The partition of AWS that `region` belongs to.
pub(crate) fn partition(region: &str) -> &'static str {
    match region.get(..3) {
        Some("cn-") => "aws-cn",
        Some("us-") if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// The name in `arn:…:function:NAME`, also where a version or an alias follows it.
pub(crate) fn function_name(arn: &str) -> &str {
    resource(arn).strip_prefix("function:").and_then(|rest| rest.split(':').next()).unwrap_or_default()
}

fn resource(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found() {
        assert_eq!(account("arn:aws:iam::111122223333:role/a/b/Mine"), "111122223333");
        assert_eq!(role_name("arn:aws:iam::111122223333:role/a/b/Mine"), "Mine");
        assert_eq!(stream_name("arn:aws:firehose:us-east-1:111122223333:deliverystream/Clicks"), "Clicks");
        assert_eq!(data_stream_name("arn:aws:kinesis:us-east-1:111122223333:stream/Clicks"), "Clicks");
        assert_eq!(data_stream_name("arn:aws:dynamodb:us-east-1:111122223333:stream/Clicks"), "");
        assert_eq!(region("arn:aws:firehose:us-east-1:111122223333:deliverystream/Clicks"), "us-east-1");
    }

    #[test]
    fn a_function_is_the_same_in_every_version() {
        for suffix in ["", ":7", ":$LATEST", ":prod"] {
            assert_eq!(function_name(&format!("arn:aws:lambda:us-east-1:111122223333:function:F{suffix}")), "F");
        }
    }

    #[test]
    fn nonsense_has_no_parts() {
        for nonsense in ["", "arn", ":::::", "arn:aws:iam::1:user/x"] {
            assert_eq!((role_name(nonsense), stream_name(nonsense), function_name(nonsense)), ("", "", ""));
        }
    }
}
