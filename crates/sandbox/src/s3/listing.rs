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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::super::checksums::Checksums;
    use super::super::objects::{Attributes, Precondition, StoredObject};
    use super::*;
    use crate::Database;

    /// What S3 documents: keys with the prefix after the start, each as itself or, once, as its common prefix.
    fn model(keys: &BTreeMap<String, i64>, prefix: &str, delimiter: Option<&str>, after: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for key in keys.keys().filter(|key| key.starts_with(prefix)) {
            let rest = &key[prefix.len()..];
            let common = delimiter
                .and_then(|delimiter| rest.find(delimiter).map(|at| &key[..prefix.len() + at + delimiter.len()]));
            let after_start = key.as_str() > after && common.is_none_or(|common| common != after);
            let name = common.unwrap_or(key);
            if after_start && names.last().is_none_or(|last| last != name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    async fn pages(s3: &S3, account: &AccountId, bucket: &str, case: &Case) -> Vec<String> {
        let mut names = Vec::new();
        let mut from = match case.after.as_str() {
            "" => Start::Beginning,
            after => Start::After(after.to_owned()),
        };
        loop {
            let listing = Listing { prefix: &case.prefix, delimiter: case.delimiter.as_deref(), from, max: case.max };
            let listed = s3.list(account, bucket, &listing).await.unwrap();
            assert!(listed.entries.len() <= case.max);
            let full = listed.entries.len() == case.max;
            names.extend(listed.entries.iter().map(Entry::name));
            match listed.next {
                Some(next) => {
                    assert!(full, "a page that is not the last is full");
                    from = Start::At(next);
                }
                None => return names,
            }
        }
    }

    #[derive(Clone, Debug)]
    struct Case {
        keys: BTreeMap<String, i64>,
        prefix: String,
        delimiter: Option<String>,
        after: String,
        max: usize,
    }

    fn cases() -> impl Strategy<Value = Case> {
        let name = "[aé/\u{10ffff}]{1,5}";
        (
            proptest::collection::btree_map(name, 0..9_i64, 0..24),
            "[aé/]{0,2}",
            proptest::option::of("[/a]{1,2}"),
            prop_oneof![Just(String::new()), "[aé/]{1,3}".boxed()],
            1..6_usize,
        )
            .prop_map(|(keys, prefix, delimiter, after, max)| Case { keys, prefix, delimiter, after, max })
    }

    #[test]
    fn pages_together_are_what_the_model_lists() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let account: AccountId = "111122223333".parse().unwrap();
        let s3 = runtime.block_on(async {
            let database = Database::open(&folder.path().join("sandbox.sqlite3")).await.unwrap();
            let mut transaction = database.write().await.unwrap();
            sqlx::query("INSERT INTO account VALUES (?, 0)")
                .bind(account.as_str())
                .execute(&mut *transaction)
                .await
                .unwrap();
            transaction.commit().await.unwrap();
            S3::new(database, folder.path().join("objects"))
        });
        let region = "us-east-1".parse().unwrap();
        TestRunner::default()
            .run(&cases(), |case| {
                let listed = runtime.block_on(async {
                    s3.create_bucket(&account, "case", &region).await.unwrap();
                    let mut transaction = s3.database.write().await.unwrap();
                    for (key, size) in &case.keys {
                        let object = StoredObject {
                            size: *size,
                            etag: String::new(),
                            attributes: Attributes::default(),
                            checksums: Checksums::default(),
                        };
                        s3.put(&mut transaction, &account, "case", key, "", &object, &Precondition::None)
                            .await
                            .unwrap();
                    }
                    transaction.commit().await.unwrap();
                    let listed = pages(&s3, &account, "case", &case).await;
                    let mut transaction = s3.database.write().await.unwrap();
                    sqlx::query("DELETE FROM object").execute(&mut *transaction).await.unwrap();
                    transaction.commit().await.unwrap();
                    listed
                });
                prop_assert_eq!(listed, model(&case.keys, &case.prefix, case.delimiter.as_deref(), &case.after));
                Ok(())
            })
            .unwrap();
        let left = runtime.block_on(s3.room(&account)).unwrap();
        assert_eq!(left, 1024 * 1024 * 1024, "what is deleted no longer counts against the quota");
    }
}
