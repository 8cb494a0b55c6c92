//! Shard iterators: positions in a shard that clients hand back. They are not secret: one is of use only to the account
//! whose stream it names.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::errors::invalid_argument;
use crate::AwsError;

/// The most characters of an iterator, as the API's model has it.
const MAX_LENGTH: usize = 512;

/// A position in a shard, and when it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShardIterator {
    pub stream: String,
    pub stream_id: i64,
    pub shard: u32,
    pub number: i64,
    pub told_ms: i64,
}

impl ShardIterator {
    pub(super) fn encode(&self) -> String {
        let Self { stream, stream_id, shard, number, told_ms } = self;
        BASE64_URL_SAFE_NO_PAD.encode(format!("{stream_id} {shard} {number} {told_ms} {stream}"))
    }

    /// `InvalidArgumentException` for what was never told.
    pub(super) fn decode(text: &str) -> Result<Self, AwsError> {
        let read = || {
            let text = (text.len() <= MAX_LENGTH).then(|| BASE64_URL_SAFE_NO_PAD.decode(text).ok())??;
            let text = String::from_utf8(text).ok()?;
            let mut parts = text.splitn(5, ' ');
            Some(Self {
                stream_id: parts.next()?.parse().ok()?,
                shard: parts.next()?.parse().ok()?,
                number: parts.next()?.parse().ok()?,
                told_ms: parts.next()?.parse().ok()?,
                stream: parts.next()?.to_owned(),
            })
        };
        read().ok_or_else(|| invalid_argument("Invalid ShardIterator."))
    }
}

/// The name of the stream that an iterator is of; nothing for what was never told.
pub(crate) fn stream_of_iterator(text: &str) -> Option<String> {
    ShardIterator::decode(text).ok().map(|iterator| iterator.stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was_told() {
        let told = ShardIterator { stream: "x".repeat(128), stream_id: i64::MAX, shard: 19, number: 5, told_ms: 1 };
        let text = told.encode();
        assert!(text.len() <= MAX_LENGTH);
        assert_eq!(ShardIterator::decode(&text).unwrap(), told);
        for wrong in ["", "AAAA", "####", &"A".repeat(600)] {
            assert_eq!(
                ShardIterator::decode(wrong).unwrap_err().to_string(),
                "InvalidArgumentException: Invalid ShardIterator."
            );
        }
    }
}
