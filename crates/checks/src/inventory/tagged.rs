//! Telling from its ARN what a tagged thing is.

use super::{GLOBAL, Kind, kind::Target};
use crate::{arn, text::clip};

/// The thing with this ARN, which was found in `region`.
pub(super) fn target(arn: &str, region: &str) -> Target {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, _, _, resource) =
        (parts.next().unwrap_or_default(), parts.next(), parts.next(), parts.next().unwrap_or_default());
    let named = match service {
        "firehose" => resource.strip_prefix("deliverystream/").map(|name| (Kind::DeliveryStream, name)),
        "kinesis" => resource.strip_prefix("stream/").map(|name| (Kind::DataStream, name)),
        "kinesisanalytics" => resource.strip_prefix("application/").map(|name| (Kind::Application, name)),
        "dynamodb" => resource.strip_prefix("table/").map(|name| (Kind::Table, name)),
        "lambda" => match resource.strip_prefix("event-source-mapping:") {
            Some(uuid) => Some((Kind::EventSourceMapping, uuid)),
            None => Some((Kind::Function, arn::function_name(arn))),
        },
        "s3" => Some((Kind::Bucket, resource)),
        "logs" => resource.strip_prefix("log-group:").map(|name| (Kind::LogGroup, name.trim_end_matches(":*"))),
        "iam" => Some((Kind::Role, arn::role_name(arn))),
        _ => None,
    };
    // A part of a thing, such as a stream's consumer or a table's index, is none of these.
    let is_whole = |kind: Kind, name: &str| !name.is_empty() && (kind == Kind::LogGroup || !name.contains(['/', ':']));
    match named.filter(|(kind, name)| is_whole(*kind, name)) {
        Some((kind, name)) => Target::new(kind, if kind == Kind::Role { GLOBAL } else { region }, name),
        None => Target::new(Kind::Other, region, &clip(&format!("{service}:{resource}"), 120)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_the_kind_and_the_name() {
        let of = |arn: &str| {
            let target = target(arn, "eu-west-1");
            (target.kind, target.region, target.name)
        };
        let cases = [
            ("arn:aws:firehose:eu-west-1:1:deliverystream/S", Kind::DeliveryStream, "S"),
            ("arn:aws:kinesis:eu-west-1:1:stream/S", Kind::DataStream, "S"),
            ("arn:aws:kinesisanalytics:eu-west-1:1:application/A", Kind::Application, "A"),
            ("arn:aws:dynamodb:eu-west-1:1:table/T", Kind::Table, "T"),
            ("arn:aws:lambda:eu-west-1:1:function:F", Kind::Function, "F"),
            ("arn:aws:lambda:eu-west-1:1:event-source-mapping:u-u", Kind::EventSourceMapping, "u-u"),
            ("arn:aws:s3:::b.c", Kind::Bucket, "b.c"),
            ("arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/F", Kind::LogGroup, "/aws/lambda/F"),
            ("arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/F:*", Kind::LogGroup, "/aws/lambda/F"),
            ("arn:aws:kinesis:eu-west-1:1:stream/S/consumer/C:1", Kind::Other, "kinesis:stream/S/consumer/C:1"),
            ("arn:aws:s3:::b/key", Kind::Other, "s3:b/key"),
            ("arn:aws:sqs:eu-west-1:1:queue", Kind::Other, "sqs:queue"),
            ("arn:aws:iam::1:policy/P", Kind::Other, "iam:policy/P"),
            ("nonsense", Kind::Other, ":"),
        ];
        for (arn, kind, name) in cases {
            assert_eq!(of(arn), (kind, "eu-west-1".to_owned(), name.to_owned()), "{arn}");
        }
        assert_eq!(of("arn:aws:iam::1:role/a/R"), (Kind::Role, GLOBAL.to_owned(), "R".to_owned()));
    }
}
