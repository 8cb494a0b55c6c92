//! How much data streams may take, and AWS's own limits where ours are the same.

use crate::firehose::{Throughput, ThroughputLimit};

/// Shards of an account in all regions together. AWS: 500 or more a region.
pub(super) const MAX_SHARDS: u32 = 20;
/// Shards of a new stream in on-demand mode, as AWS.
pub(super) const ON_DEMAND_SHARDS: u32 = 4;
/// Most records of a call, as AWS.
pub(super) const MAX_RECORDS: usize = 500;
/// Most bytes of all records of a call with their partition keys, as AWS.
pub(super) const MAX_CALL_BYTES: usize = 10 * 1024 * 1024;
/// Most KiB of a record with its partition key unless the stream was made with another bound, as AWS.
pub(super) const MAX_RECORD_KIB: i64 = 1024;
/// The highest bound a stream may be made with, KiB, as AWS.
pub(super) const HIGHEST_RECORD_KIB: i64 = 10_240;
/// Most characters of a partition key, as AWS.
pub(super) const MAX_PARTITION_KEY: usize = 256;
/// Most records of an answer to `GetRecords`, as AWS.
pub(super) const MAX_READ_RECORDS: usize = 10_000;
/// Most bytes of an answer to `GetRecords`, as AWS.
pub(super) const MAX_READ_BYTES: usize = 10 * 1024 * 1024;
/// How long a shard iterator is good for, as AWS.
pub(super) const ITERATOR_LASTS_MS: i64 = 5 * 60 * 1000;
/// Hours that a stream keeps its records, as AWS: unless told, and at most.
pub(super) const RETENTION_HOURS: i64 = 24;
pub(super) const MAX_RETENTION_HOURS: i64 = 8760;
/// Tags of a stream, as AWS.
pub(super) const MAX_TAGS: usize = 50;

/// What a shard takes: 1,000 records and 1 MiB a second (Amazon Kinesis Data Streams, "Quotas and limits").
pub(super) fn throughput_of_shard(limit: ThroughputLimit) -> Option<Throughput> {
    match limit {
        ThroughputLimit::AsInAws => Some(Throughput { records: 1000, requests: u32::MAX, bytes: 1024 * 1024 }),
        ThroughputLimit::Fixed(throughput) => Some(throughput),
        ThroughputLimit::Unlimited => None,
    }
}
