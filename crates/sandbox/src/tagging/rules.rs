//! What AWS's services have in common about tags. Each words the refusals in its own way.

use std::collections::HashSet;

use thiserror::Error;

/// Most tags of a resource.
pub(crate) const MAX_TAGS: usize = 50;
/// Characters of a key and of a value.
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

/// Why a tag is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum InvalidTag {
    #[error("the key {0:?} has not 1 to 128 letters, digits, spaces and _ . : / = + - @")]
    Key(String),
    #[error("the value of the tag {0:?} has not up to 256 letters, digits, spaces and _ . : / = + - @")]
    Value(String),
    #[error("the key {0:?} begins with aws:, which is for AWS alone")]
    Reserved(String),
    #[error("the key {0:?} is there more than once")]
    Duplicate(String),
}

/// Checks the tags of a request against AWS's common rules: lengths, characters, reserved and repeated keys.
pub(crate) fn check<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<(), InvalidTag> {
    let mut keys = HashSet::new();
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > MAX_KEY || !is_allowed(key) {
            return Err(InvalidTag::Key(key.to_owned()));
        }
        if value.chars().count() > MAX_VALUE || !is_allowed(value) {
            return Err(InvalidTag::Value(key.to_owned()));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(InvalidTag::Reserved(key.to_owned()));
        }
        if !keys.insert(key) {
            return Err(InvalidTag::Duplicate(key.to_owned()));
        }
    }
    Ok(())
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`
fn is_allowed(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_have_the_rules_of_aws() {
        let one = |key: &str, value: &str| check([(key, value)]);
        assert_eq!(one("headwater", "clickstream-lab"), Ok(()));
        assert_eq!(one("Größe ø_.:/=+-@", ""), Ok(()));
        assert_eq!(one(&"k".repeat(128), &"v".repeat(256)), Ok(()));
        for key in ["", "a\nb", "a*", "a,b", &"k".repeat(129)] {
            assert_eq!(one(key, "x"), Err(InvalidTag::Key(key.to_owned())));
        }
        for value in ["a\tb", "<", &"v".repeat(257)] {
            assert_eq!(one("k", value), Err(InvalidTag::Value("k".to_owned())));
        }
        for key in ["aws:x", "AWS:x"] {
            assert_eq!(one(key, "x"), Err(InvalidTag::Reserved(key.to_owned())));
        }
        assert_eq!(check([("a", "1"), ("A", "2")]), Ok(()));
        assert_eq!(check([("a", "1"), ("a", "2")]), Err(InvalidTag::Duplicate("a".to_owned())));
    }
}
