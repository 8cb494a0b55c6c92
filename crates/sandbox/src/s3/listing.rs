//! Listing keys in byte order, with a prefix, a delimiter and pages: the rule behind `ListObjects` and `ListObjectsV2`.

use sqlx::FromRow;

use super::S3;
use crate::{AccountId, AwsError};

/// Rows that are read at once.
const BATCH: i64 = 1001;

/// Which keys to list.
pub(super) struct Listing<'a> {
    pub prefix: &'a str,
    pub delimiter: Option<&'a str>,
    /// Where to begin.
    pub from: Start,
    /// Objects and common prefixes together.
    pub max: usize,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Beginning,
    /// After this key or common prefix, which a client names.
    After(String),
    /// At these bytes, where the page before ended.
    At(Vec<u8>),
}

/// One page.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub entries: Vec<Entry>,
    /// Where the next page begins, if there is one.
    pub next: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(super) enum Entry {
    Object(ListedObject),
    /// All keys that begin so, up to and with the delimiter.
    CommonPrefix(String),
}

#[derive(Debug, FromRow)]
pub(super) struct ListedObject {
    key: Vec<u8>,
    pub size: i64,
    pub etag: String,
    pub checksums: String,
    pub modified_ms: i64,
}

impl ListedObject {
    /// The key, which was a string when it was stored.
    pub(super) fn key(&self) -> String {
        String::from_utf8_lossy(&self.key).into_owned()
    }
}

impl Entry {
    /// The key or common prefix.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Object(object) => object.key(),
            Self::CommonPrefix(prefix) => prefix.clone(),
        }
    }
}

impl S3 {
    pub(super) async fn list(
        &self,
        account: &AccountId,
        bucket: &str,
        listing: &Listing<'_>,
    ) -> Result<Listed, AwsError> {
        let mut listed = Listed::default();
        if listing.max == 0 {
            return Ok(listed);
        }
        let prefix = listing.prefix.as_bytes();
        let end = successor(prefix);
        let mut from = first_key(listing).max(prefix.to_vec());
        loop {
            let rows: Vec<ListedObject> = sqlx::query_as(
                "SELECT key, size, etag, checksums, modified_ms FROM object \
                 WHERE account_id = ? AND bucket = ? AND key >= ? AND (? IS NULL OR key < ?) ORDER BY key LIMIT ?",
            )
            .bind(account.as_str())
            .bind(bucket)
            .bind(&from)
            .bind(&end)
            .bind(&end)
            .bind(BATCH)
            .fetch_all(self.database.read())
            .await?;
            let last_batch = (rows.len() as i64) < BATCH;
            for row in rows {
                if row.key < from {
                    // The row is within a common prefix that is listed already.
                    continue;
                }
                if listed.entries.len() == listing.max {
                    listed.next = Some(from);
                    return Ok(listed);
                }
                match common_prefix(&row.key, prefix.len(), listing.delimiter) {
                    Some(common) => {
                        let Some(after) = successor(common) else { return Ok(listed) };
                        listed.entries.push(Entry::CommonPrefix(String::from_utf8_lossy(common).into_owned()));
                        from = after;
                    }
                    None => {
                        from = just_after(&row.key);
                        listed.entries.push(Entry::Object(row));
                    }
                }
            }
            if last_batch {
                return Ok(listed);
            }
        }
    }
}

/// The first key that may be listed.
fn first_key(listing: &Listing<'_>) -> Vec<u8> {
    match &listing.from {
        Start::Beginning => Vec::new(),
        Start::At(bytes) => bytes.clone(),
        Start::After(name) => {
            let name = name.as_bytes();
            // A page may end with a common prefix, whose keys all come after it in order but are listed by it.
            let ended_with_common_prefix = name.starts_with(listing.prefix.as_bytes())
                && common_prefix(name, listing.prefix.len(), listing.delimiter) == Some(name);
            if ended_with_common_prefix {
                return successor(name).unwrap_or_else(|| just_after(name));
            }
            just_after(name)
        }
    }
}

/// The part of a key up to and with the first delimiter after the prefix.
fn common_prefix<'a>(key: &'a [u8], prefix: usize, delimiter: Option<&str>) -> Option<&'a [u8]> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?.as_bytes();
    let rest = key.get(prefix..)?;
    let at = rest.windows(delimiter.len()).position(|window| window == delimiter)?;
    key.get(..prefix + at + delimiter.len())
}

/// The least bytes greater than `key`.
fn just_after(key: &[u8]) -> Vec<u8> {
    let mut after = key.to_vec();
    after.push(0);
    after
}

/// The least bytes greater than all that begin with `prefix`; there are none after the empty prefix or one of 0xFF only.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut after = prefix.to_vec();
    while let Some(last) = after.pop() {
        if last < u8::MAX {
            after.push(last + 1);
            return Some(after);
        }
    }
    None
}
