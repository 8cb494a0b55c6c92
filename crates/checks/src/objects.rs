//! Delivered objects: listing them, and reading the beginning of one, within bounds.

use std::io::Read;

use aws_sdk_s3::primitives::ByteStream;
use flate2::read::MultiGzDecoder;
use time::OffsetDateTime;

use crate::{
    api_calls::{GET_OBJECT, LIST_OBJECTS},
    call::{Answer, CallError, make},
    clients::CALL_TIMEOUT,
    observed::Observed,
    text::fixed_part,
};

/// So many pages of at most 1,000 keys are read.
const PAGES: usize = 5;
/// So much of an object is read, in bytes.
const READ_AT_MOST: usize = 1024 * 1024;
/// So much is inflated from it, in bytes.
const INFLATE_AT_MOST: usize = 4 * 1024 * 1024;

/// Objects under a prefix, newest first.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) objects: Vec<Object>,
    /// Whether there are more than were read.
    pub(crate) more: bool,
}

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) key: String,
    /// In bytes.
    pub(crate) size: i64,
    pub(crate) modified: OffsetDateTime,
}

/// The beginning of an object.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) bytes: Vec<u8>,
    /// Whether the object goes on.
    pub(crate) cut: bool,
}

impl Observed<'_> {
    /// Delivered objects of the last day, or of any time when there are none; never null-sized ones, nor
    /// what could not be delivered.
    pub(crate) async fn objects(&self) -> &Answer<Listing> {
        self.listing
            .get_or_init(|| async {
                // Firehose puts the hour of arrival into the key, and S3 lists keys in order: starting a day
                // ago reaches the newest objects also where the bucket holds more than we would read.
                let prefix = fixed_part(&self.subject.prefix);
                let yesterday = self.clock.now() - time::Duration::days(1);
                let start =
                    format!("{prefix}{}/{:02}/{:02}/", yesterday.year(), u8::from(yesterday.month()), yesterday.day());
                let recent = self.list(prefix, Some(&start)).await;
                match &recent.result {
                    Ok(listing) if listing.objects.is_empty() => self.list(prefix, None).await,
                    _ => recent,
                }
            })
            .await
    }

    /// What could not be delivered.
    pub(crate) async fn undelivered(&self) -> &Answer<Listing> {
        self.errors_listing
            .get_or_init(|| async { self.list(fixed_part(&self.subject.error_prefix), None).await })
            .await
    }

    /// Objects under `prefix` whose keys come after `start_after`.
    pub(crate) async fn list(&self, prefix: &str, start_after: Option<&str>) -> Answer<Listing> {
        let owner = Some(self.subject.account.clone()).filter(|account| !account.is_empty());
        let errors = fixed_part(&self.subject.error_prefix);
        let is_error =
            |key: &str| (!errors.is_empty() && key.starts_with(errors)) || key.contains("processing-failed/");
        let mut listing = Listing::default();
        let mut token = None;
        let mut at = self.clock.now();
        for _ in 0..PAGES {
            let send = self
                .clients
                .s3
                .list_objects_v2()
                .bucket(&self.subject.bucket)
                .prefix(prefix)
                .set_start_after(start_after.map(str::to_owned))
                .set_continuation_token(token.take())
                .set_expected_bucket_owner(owner.clone())
                .send();
            let answer = make(&LIST_OBJECTS, self.clock, CALL_TIMEOUT, send).await;
            at = answer.at;
            let page = match answer.result {
                Ok(page) => page,
                Err(error) => return Answer { call: &LIST_OBJECTS, at, result: Err(error) },
            };
            for object in page.contents.unwrap_or_default() {
                let (Some(key), Some(size)) = (object.key, object.size) else { continue };
                if size > 0 && (prefix == errors || !is_error(&key)) {
                    let modified =
                        object.last_modified.and_then(|at| OffsetDateTime::from_unix_timestamp(at.secs()).ok());
                    listing.objects.push(Object {
                        key,
                        size,
                        modified: modified.unwrap_or(OffsetDateTime::UNIX_EPOCH),
                    });
                }
            }
            token = page.next_continuation_token.filter(|_| page.is_truncated == Some(true));
            listing.more = token.is_some();
            if !listing.more {
                break;
            }
        }
        listing.objects.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| b.key.cmp(&a.key)));
        Answer { call: &LIST_OBJECTS, at, result: Ok(listing) }
    }

    /// The beginning of `object`, which is always the newest one.
    pub(crate) async fn sample(&self, object: &Object) -> &Answer<Sample> {
        self.sample.get_or_init(|| self.read(object)).await
    }

    /// The beginning of `object`.
    pub(crate) async fn read(&self, object: &Object) -> Answer<Sample> {
        let owner = Some(self.subject.account.clone()).filter(|account| !account.is_empty());
        let send = async {
            let output = self
                .clients
                .s3
                .get_object()
                .bucket(&self.subject.bucket)
                .key(&object.key)
                .range(format!("bytes=0-{}", READ_AT_MOST - 1))
                .set_expected_bucket_owner(owner)
                .send()
                .await?;
            Ok(beginning(output.body).await)
        };
        let answer = make(&GET_OBJECT, self.clock, CALL_TIMEOUT, send).await;
        let result = answer.result.and_then(|body| body.ok_or_else(broken_off)).map(|bytes| {
            let cut = bytes.len() == READ_AT_MOST && object.size > READ_AT_MOST as i64;
            Sample { bytes, cut }
        });
        Answer { call: &GET_OBJECT, at: answer.at, result }
    }
}

fn broken_off() -> CallError {
    CallError::Fault("Amazon S3 broke off while sending the object".to_owned())
}

/// At most [`READ_AT_MOST`] bytes of a body, also when the service ignores the range asked for.
async fn beginning(mut body: ByteStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.ok()?);
        if bytes.len() >= READ_AT_MOST {
            bytes.truncate(READ_AT_MOST);
            break;
        }
    }
    Some(bytes)
}

/// The text of an object, as far as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) text: String,
    pub(crate) compression: &'static str,
    /// Whether the text goes on after what was read, so that its last line may be half a line.
    pub(crate) cut: bool,
}

/// Why the text of an object cannot be read: what was expected, and what was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) setting: &'static str,
    pub(crate) expected: &'static str,
    pub(crate) found: String,
}

impl Sample {
    /// Inflates gzip (told by its magic, as the name proves nothing; several members may follow each
    /// other) within bounds, and decodes UTF-8.
    pub(crate) fn content(&self) -> Result<Content, Unreadable> {
        let (bytes, compression, cut) = match self.bytes.as_slice() {
            [0x1f, 0x8b, ..] => self.inflate()?,
            [b'P', b'K', 3, 4, ..] => return Err(compressed_as("a ZIP archive")),
            [0xff, 0x06, 0x00, 0x00, b's', b'N', b'a', b'P', b'p', b'Y', ..] => return Err(compressed_as("Snappy")),
            plain => (plain.to_vec(), "none", self.cut),
        };
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                // A character may be cut in two where we stopped reading.
                if !(cut && error.utf8_error().error_len().is_none()) {
                    return Err(Unreadable {
                        setting: "encoding",
                        expected: "UTF-8 text",
                        found: format!("a byte that is not UTF-8, at offset {valid}"),
                    });
                }
                let mut bytes = error.into_bytes();
                bytes.truncate(valid);
                String::from_utf8(bytes).unwrap_or_default()
            }
        };
        Ok(Content { text, compression, cut })
    }

    fn inflate(&self) -> Result<(Vec<u8>, &'static str, bool), Unreadable> {
        let mut inflated = Vec::new();
        let mut decoder = MultiGzDecoder::new(self.bytes.as_slice()).take(INFLATE_AT_MOST as u64 + 1);
        let outcome = decoder.read_to_end(&mut inflated);
        let too_much = inflated.len() > INFLATE_AT_MOST;
        inflated.truncate(INFLATE_AT_MOST);
        match outcome {
            Ok(_) => Ok((inflated, "GZIP", too_much || self.cut)),
            // The stream must end early when the object goes on; what came before the end is good.
            Err(error) if self.cut && error.kind() == std::io::ErrorKind::UnexpectedEof => Ok((inflated, "GZIP", true)),
            Err(_) => Err(Unreadable {
                setting: "compression",
                expected: "a whole gzip file",
                found: "a gzip file that is damaged".to_owned(),
            }),
        }
    }
}

fn compressed_as(found: &str) -> Unreadable {
    Unreadable { setting: "compression", expected: "GZIP", found: found.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn content(bytes: &[u8], cut: bool) -> Result<Content, Unreadable> {
        Sample { bytes: bytes.to_vec(), cut }.content()
    }

    #[test]
    fn gzip_members_that_follow_each_other_are_one_text() {
        let bytes = [gzip(b"a\n"), gzip("ü\n".as_bytes())].concat();
        let read = content(&bytes, false).unwrap();
        assert_eq!((read.text.as_str(), read.compression, read.cut), ("a\nü\n", "GZIP", false));
    }

    #[test]
    fn plain_text_is_read_too() {
        assert_eq!(content(b"a\tb\n", false).unwrap().compression, "none");
        assert_eq!(content(b"", false).unwrap().text, "");
    }

    #[test]
    fn a_zip_bomb_is_inflated_up_to_the_bound_only() {
        let bomb = gzip(&vec![b'a'; 64 * 1024 * 1024]);
        assert!(bomb.len() < READ_AT_MOST);
        let read = content(&bomb, false).unwrap();
        assert_eq!((read.text.len(), read.cut), (INFLATE_AT_MOST, true));
    }

    #[test]
    fn a_text_cut_within_a_character_loses_that_character_only() {
        assert_eq!(content(&"aü".as_bytes()[..2], true).unwrap().text, "a");
        assert_eq!(content(&"aü".as_bytes()[..2], false).unwrap_err().setting, "encoding");
        assert_eq!(content(b"a\xffb", true).unwrap_err().found, "a byte that is not UTF-8, at offset 1");
    }

    #[test]
    fn what_cannot_be_inflated_is_named() {
        let whole = gzip(b"some text that is long enough to be cut in the middle");
        assert!(content(&whole[..20], true).unwrap().cut);
        assert_eq!(content(&whole[..20], false).unwrap_err().setting, "compression");
        assert_eq!(content(b"\x1f\x8bnonsense", false).unwrap_err().setting, "compression");
        assert_eq!(content(b"PK\x03\x04....", false).unwrap_err().found, "a ZIP archive");
        assert_eq!(content(b"\xff\x06\x00\x00sNaPpY....", false).unwrap_err().found, "Snappy");
    }
}
