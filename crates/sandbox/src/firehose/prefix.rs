//! Prefixes of object keys and the expressions in them (Amazon Data Firehose, "Understand custom prefixes for Amazon S3
//! objects").

use rand::RngExt as _;
use time::OffsetDateTime;

use super::time_pattern::TimePattern;

/// What Firehose calls records that a transformation did not take.
pub(super) const PROCESSING_FAILED: &str = "processing-failed";
/// The longest prefix once its expressions are evaluated, in characters.
const MAX_EVALUATED: usize = 512;
const DEFAULT_TIME: &str = "yyyy/MM/dd/HH/";

/// A prefix, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Time(TimePattern),
    RandomString,
    ErrorOutputType,
}

/// The two prefixes of a destination, which depend on each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prefixes {
    delivered: Prefix,
    failed: Prefix,
}

impl Prefixes {
    /// Reads `Prefix` and `ErrorOutputPrefix` and adds what Firehose adds to them. The error is AWS's message.
    pub(super) fn parse(prefix: Option<&str>, error_output_prefix: Option<&str>) -> Result<Self, String> {
        let delivered = Prefix::parse(prefix.unwrap_or_default())?;
        if delivered.parts.contains(&Part::ErrorOutputType) {
            return Err("Prefix cannot contain !{firehose:error-output-type}.".to_owned());
        }
        let failed = match error_output_prefix.filter(|text| !text.is_empty()) {
            Some(text) => {
                let failed = Prefix::parse(text)?;
                if !failed.has_expressions() {
                    failed.with_error_output_type().with_time()
                } else if failed.parts.contains(&Part::ErrorOutputType) {
                    failed
                } else {
                    return Err(
                        "ErrorOutputPrefix must contain at least one instance of !{firehose:error-output-type} \
                                when it has expressions."
                            .to_owned(),
                    );
                }
            }
            None if delivered.has_expressions() => {
                return Err("ErrorOutputPrefix cannot be null when Prefix contains expressions.".to_owned());
            }
            None => delivered.clone().with_error_output_type().with_time(),
        };
        let prefixes = Self { delivered: delivered.with_time(), failed };
        let now = OffsetDateTime::now_utc();
        for evaluated in [prefixes.delivered(now), prefixes.failed(now)] {
            if evaluated.chars().count() > MAX_EVALUATED {
                return Err(format!("A prefix cannot have more than {MAX_EVALUATED} characters once it is evaluated."));
            }
        }
        Ok(prefixes)
    }

    /// The prefix of an object whose oldest record arrived at `oldest`.
    pub(super) fn delivered(&self, oldest: OffsetDateTime) -> String {
        self.delivered.evaluate(oldest)
    }

    /// The prefix of an object of records that a transformation did not take.
    pub(super) fn failed(&self, oldest: OffsetDateTime) -> String {
        self.failed.evaluate(oldest)
    }
}

impl Prefix {
    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, from_expression)) = rest.split_once("!{") {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (expression, after) = from_expression
                .split_once('}')
                .ok_or_else(|| format!("The expression !{{{from_expression} is not closed by a brace."))?;
            parts.push(Part::parse(expression)?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    fn has_expressions(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Text(_)))
    }

    fn with_error_output_type(mut self) -> Self {
        self.parts.push(Part::ErrorOutputType);
        self.parts.push(Part::Text("/".to_owned()));
        self
    }

    fn with_time(mut self) -> Self {
        if !self.parts.iter().any(|part| matches!(part, Part::Time(_)))
            && let Ok(pattern) = TimePattern::parse(DEFAULT_TIME)
        {
            self.parts.push(Part::Time(pattern));
        }
        self
    }

    fn evaluate(&self, oldest: OffsetDateTime) -> String {
        let mut evaluated = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => evaluated.push_str(text),
                Part::Time(pattern) => evaluated.push_str(&pattern.format(oldest)),
                Part::RandomString => evaluated.push_str(&random_string()),
                Part::ErrorOutputType => evaluated.push_str(PROCESSING_FAILED),
            }
        }
        evaluated
    }
}

impl Part {
    fn parse(expression: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "The expression !{{{expression}}} is not valid here: the sandbox knows !{{timestamp:...}}, \
                 !{{firehose:random-string}} and !{{firehose:error-output-type}}."
            )
        };
        match expression.split_once(':').ok_or_else(refused)? {
            ("timestamp", pattern) => TimePattern::parse(pattern).map(Self::Time),
            ("firehose", "random-string") => Ok(Self::RandomString),
            ("firehose", "error-output-type") => Ok(Self::ErrorOutputType),
            _ => Err(refused()),
        }
    }
}

/// Eleven characters, as `!{firehose:random-string}` gives.
fn random_string() -> String {
    const LENGTH: usize = 11;
    const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut random = rand::rng();
    (0..LENGTH).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const THEN: OffsetDateTime = datetime!(2018-08-27 10:30 UTC);

    fn evaluated(prefix: &str, error_output_prefix: &str) -> (String, String) {
        let prefixes = Prefixes::parse(Some(prefix), Some(error_output_prefix)).unwrap();
        (prefixes.delivered(THEN), prefixes.failed(THEN))
    }

    fn pair(delivered: &str, failed: &str) -> (String, String) {
        (delivered.to_owned(), failed.to_owned())
    }

    #[test]
    fn adds_what_aws_adds() {
        assert_eq!(evaluated("", ""), pair("2018/08/27/10/", "processing-failed/2018/08/27/10/"));
        assert_eq!(evaluated("clicks/", ""), pair("clicks/2018/08/27/10/", "clicks/processing-failed/2018/08/27/10/"));
        assert_eq!(
            evaluated("clicks/", "errors/"),
            pair("clicks/2018/08/27/10/", "errors/processing-failed/2018/08/27/10/")
        );
        assert_eq!(
            evaluated("", "failures/!{firehose:error-output-type}/"),
            pair("2018/08/27/10/", "failures/processing-failed/")
        );
    }

    #[test]
    fn evaluates_expressions() {
        assert_eq!(
            evaluated(
                "p/year=!{timestamp:yyyy}/month=!{timestamp:MM}/",
                "e/!{timestamp:'year='yyyy'/hour='HH}/!{firehose:error-output-type}"
            ),
            pair("p/year=2018/month=08/", "e/year=2018/hour=10/processing-failed")
        );
    }

    #[test]
    fn random_strings_differ_and_leave_the_time_to_be_added() {
        let (delivered, _) = evaluated("!{firehose:random-string}/", "e/!{firehose:error-output-type}/");
        let (random, rest) = delivered.split_at(11);
        assert_eq!(rest, "/2018/08/27/10/");
        assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(evaluated("!{firehose:random-string}/", "e/!{firehose:error-output-type}/").0, delivered);
    }

    #[test]
    fn refuses_what_aws_refuses() {
        let refused = |prefix, errors| Prefixes::parse(Some(prefix), errors).unwrap_err();
        assert_eq!(
            refused("!{timestamp:yyyy}/", None),
            "ErrorOutputPrefix cannot be null when Prefix contains expressions."
        );
        assert!(refused("", Some("e/!{timestamp:yyyy}/")).contains("error-output-type"));
        assert!(refused("!{firehose:error-output-type}/", Some("e/")).starts_with("Prefix cannot"));
        assert!(refused("!{timestamp:yyyy", Some("e/")).contains("not closed"));
        assert!(refused("!{partitionKeyFromQuery:a}/", Some("e/")).contains("not valid here"));
        assert!(refused("!{timestamp:qqqqqq}/", Some("e/!{firehose:error-output-type}")).contains("pattern"));
        assert!(refused(&"x".repeat(513), None).contains("512"));
    }
}
