//! Joins rows to records and records to calls.

use aws_sdk_firehose::primitives::Blob;

use crate::{Click, Mark, Target};

/// The most records in a `PutRecordBatch` (Amazon Data Firehose quotas) and in a `PutRecords` (Kinesis); neither can be raised.
pub(crate) const MAX_CALL_RECORDS: usize = 500;
/// The most bytes of data in a `PutRecordBatch`: 4 MiB.
pub(crate) const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;
/// The most bytes of data and partition keys in a `PutRecords`: 5 MiB.
pub(crate) const MAX_PUT_RECORDS_BYTES: usize = 5 * 1024 * 1024;
/// The longest partition key, in characters.
pub(crate) const MAX_KEY_CHARS: usize = 256;
/// The size that records of a delivery stream are filled to: AWS bills each as if it were rounded up to a multiple of 5 KB.
pub(crate) const RECORD_BYTES: usize = 5_000;

/// One or several rows as one record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PackedRecord {
    pub data: Blob,
    /// The partition key; empty for a delivery stream, which has none.
    pub key: String,
    pub rows: u64,
    /// Sum of `n` over its rows.
    pub clicks: u64,
    /// How many of its rows are marked ones.
    pub marks: u64,
}

impl PackedRecord {
    /// What counts towards a call's limit.
    fn size(&self) -> usize {
        self.data.as_ref().len() + self.key.len()
    }
}

/// The calls that put these rows, in order, on `target`, each within the limits, with marked rows among them.
pub(crate) fn calls(
    target: &Target,
    mark: Option<&Mark>,
    rows: impl IntoIterator<Item = Click>,
) -> Vec<Vec<PackedRecord>> {
    match target {
        Target::DeliveryStream(_) => split(pack(rows, mark), None, MAX_BATCH_BYTES),
        Target::DataStream(_) => {
            let marked = mark.map(|mark| PackedRecord { marks: 1, ..single(&mark.click()) });
            split(rows.into_iter().map(|row| single(&row)), marked.as_ref(), MAX_PUT_RECORDS_BYTES)
        }
    }
}

/// Joins rows, in order, to records of at most [`RECORD_BYTES`], each with the marked row first. A longer row is a record by
/// itself.
fn pack(rows: impl IntoIterator<Item = Click>, mark: Option<&Mark>) -> Vec<PackedRecord> {
    let mut records = Vec::new();
    let mut record = beginning(mark);
    let mut is_open = false;
    let mut line = Vec::new();
    for row in rows {
        line.clear();
        row.encode(&mut line);
        if is_open && record.data.len() + line.len() > RECORD_BYTES {
            records.push(std::mem::replace(&mut record, beginning(mark)).close());
        }
        record.add(&line, row.n);
        is_open = true;
    }
    if is_open {
        records.push(record.close());
    }
    records
}

/// A record to which rows are still added.
#[derive(Default)]
struct OpenRecord {
    data: Vec<u8>,
    rows: u64,
    clicks: u64,
    marks: u64,
}

impl OpenRecord {
    fn add(&mut self, line: &[u8], n: u32) {
        self.data.extend_from_slice(line);
        self.rows += 1;
        self.clicks += u64::from(n);
    }

    fn close(self) -> PackedRecord {
        let Self { data, rows, clicks, marks } = self;
        PackedRecord { data: Blob::new(data), key: String::new(), rows, clicks, marks }
    }
}

fn beginning(mark: Option<&Mark>) -> OpenRecord {
    let mut record = OpenRecord::default();
    if let Some(mark) = mark {
        let row = mark.click();
        let mut line = Vec::new();
        row.encode(&mut line);
        record.add(&line, row.n);
        record.marks = 1;
    }
    record
}

/// One row as a record of a data stream.
fn single(row: &Click) -> PackedRecord {
    let mut line = Vec::new();
    row.encode(&mut line);
    let key = row.curr.chars().take(MAX_KEY_CHARS).collect();
    PackedRecord { data: Blob::new(line), key, rows: 1, clicks: u64::from(row.n), marks: 0 }
}

/// Splits records, in order, into calls of at most `max_bytes` that each begin with `first`.
fn split(
    records: impl IntoIterator<Item = PackedRecord>,
    first: Option<&PackedRecord>,
    max_bytes: usize,
) -> Vec<Vec<PackedRecord>> {
    let begin = || Vec::from_iter(first.cloned());
    let begun = first.map_or(0, PackedRecord::size);
    let mut calls = Vec::new();
    let mut call = begin();
    let mut bytes = begun;
    for record in records {
        let size = record.size();
        let has_records = call.len() > usize::from(first.is_some());
        if has_records && (call.len() == MAX_CALL_RECORDS || bytes + size > max_bytes) {
            calls.push(std::mem::replace(&mut call, begin()));
            bytes = begun;
        }
        bytes += size;
        call.push(record);
    }
    if call.len() > usize::from(first.is_some()) {
        calls.push(call);
    }
    calls
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Generator, LinkKind};

    fn target(is_data_stream: bool) -> (Target, usize) {
        if is_data_stream {
            (Target::DataStream("s".to_owned()), MAX_PUT_RECORDS_BYTES)
        } else {
            (Target::DeliveryStream("s".to_owned()), MAX_BATCH_BYTES)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn packing_keeps_every_row_in_order_and_within_the_limits(
            seed: u64,
            count in 0usize..3_000,
            is_data_stream: bool,
            is_marked: bool,
        ) {
            let (target, max_bytes) = target(is_data_stream);
            let mark: Mark = "aaaaaaaaaa".parse().unwrap();
            let rows: Vec<Click> = Generator::new(seed).take(count).collect();
            let mut packed = Vec::new();
            let (mut row_count, mut clicks, mut marks) = (0, 0, 0);
            let calls = calls(&target, is_marked.then_some(&mark), rows.clone());
            for call in &calls {
                prop_assert!((1..=MAX_CALL_RECORDS).contains(&call.len()));
                prop_assert!(call.iter().map(PackedRecord::size).sum::<usize>() <= max_bytes);
                for (index, record) in call.iter().enumerate() {
                    prop_assert!(record.data.as_ref().len() <= RECORD_BYTES);
                    prop_assert!(record.data.as_ref().ends_with(b"\n"));
                    let lines: Vec<&[u8]> = record.data.as_ref().split_inclusive(|byte| *byte == b'\n').collect();
                    prop_assert_eq!(lines.len() as u64, record.rows);
                    // The marked row is the first of the record, or of the call.
                    let is_marked = is_marked && (!is_data_stream || index == 0);
                    prop_assert_eq!(record.marks, u64::from(is_marked));
                    prop_assert_eq!(Mark::from_row(lines[0]).is_some(), is_marked);
                    for line in &lines {
                        let row = Click::parse(line).unwrap();
                        prop_assert_eq!(record.key.as_str(), if is_data_stream { row.curr.as_str() } else { "" });
                        clicks += u64::from(row.n);
                        if Mark::from_row(line).is_none() {
                            packed.push(row);
                        }
                    }
                    row_count += record.rows;
                    marks += record.marks;
                }
            }
            prop_assert_eq!(calls.iter().flatten().map(|record| record.clicks).sum::<u64>(), clicks);
            prop_assert_eq!(packed, rows);
            prop_assert_eq!(row_count, count as u64 + marks);
        }
    }

    #[test]
    fn a_call_holds_no_more_than_the_limits() {
        let small = PackedRecord { data: Blob::new("x"), key: String::new(), rows: 1, clicks: 1, marks: 0 };
        let sizes = |records, first, max| split(records, first, max).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(vec![small.clone(); 1_001], None, MAX_BATCH_BYTES), [500, 500, 1]);
        assert_eq!(sizes(vec![small.clone(); 1_001], Some(&small), MAX_BATCH_BYTES), [500, 500, 4]);
        let large = PackedRecord { data: Blob::new(vec![b'x'; 1024 * 1024]), ..small.clone() };
        assert_eq!(sizes(vec![large.clone(); 9], None, MAX_BATCH_BYTES), [4, 4, 1]);
        let keyed = PackedRecord { key: "k".to_owned(), ..large };
        assert_eq!(sizes(vec![keyed; 9], None, MAX_PUT_RECORDS_BYTES), [4, 4, 1], "keys count");
        assert_eq!(sizes(Vec::new(), Some(&small), MAX_BATCH_BYTES), [0usize; 0]);
    }

    #[test]
    fn a_long_row_is_a_record_by_itself() {
        let short = Click { prev: "a".to_owned(), curr: "b".to_owned(), kind: LinkKind::Link, n: 1 };
        let long = Click { prev: "p".repeat(RECORD_BYTES), ..short.clone() };
        let rows: Vec<u64> =
            pack([short.clone(), short.clone(), long, short], None).iter().map(|record| record.rows).collect();
        assert_eq!(rows, [2, 1, 1]);
    }

    #[test]
    fn a_partition_key_is_cut_between_characters() {
        let row = Click { prev: "a".to_owned(), curr: "é".repeat(300), kind: LinkKind::Link, n: 1 };
        assert_eq!(single(&row).key, "é".repeat(MAX_KEY_CHARS));
    }
}
