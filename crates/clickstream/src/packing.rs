//! Joins rows to records and records to calls.

use aws_sdk_firehose::primitives::Blob;

use crate::Click;

/// The most records in a `PutRecordBatch` (Amazon Data Firehose quotas; it cannot be raised).
pub(crate) const MAX_CALL_RECORDS: usize = 500;
/// The most bytes of data in a `PutRecordBatch`: 4 MiB.
pub(crate) const MAX_CALL_BYTES: usize = 4 * 1024 * 1024;
/// The size that records are filled to: AWS bills each record as if it were rounded up to a multiple of 5 KB.
pub(crate) const RECORD_BYTES: usize = 5_000;

/// Several rows as one record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PackedRecord {
    pub data: Blob,
    pub rows: u64,
}

/// Joins rows, in order, to records of at most [`RECORD_BYTES`]; a longer row is a record by itself.
pub(crate) fn pack(rows: impl IntoIterator<Item = Click>) -> Vec<PackedRecord> {
    let mut records = Vec::new();
    let mut data = Vec::new();
    let mut row_count = 0;
    let mut line = Vec::new();
    for row in rows {
        line.clear();
        row.encode(&mut line);
        if row_count > 0 && data.len() + line.len() > RECORD_BYTES {
            records.push(PackedRecord { data: Blob::new(std::mem::take(&mut data)), rows: row_count });
            row_count = 0;
        }
        data.extend_from_slice(&line);
        row_count += 1;
    }
    if row_count > 0 {
        records.push(PackedRecord { data: Blob::new(data), rows: row_count });
    }
    records
}

/// Splits records, in order, into calls that keep within the limits of `PutRecordBatch`.
pub(crate) fn calls(records: Vec<PackedRecord>) -> Vec<Vec<PackedRecord>> {
    let mut calls = Vec::new();
    let mut call: Vec<PackedRecord> = Vec::new();
    let mut bytes = 0;
    for record in records {
        let size = record.data.as_ref().len();
        if !call.is_empty() && (call.len() == MAX_CALL_RECORDS || bytes + size > MAX_CALL_BYTES) {
            calls.push(std::mem::take(&mut call));
            bytes = 0;
        }
        bytes += size;
        call.push(record);
    }
    if !call.is_empty() {
        calls.push(call);
    }
    calls
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Generator, LinkKind};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn packing_keeps_every_row_in_order_and_within_the_limits(seed: u64, count in 0usize..3_000) {
            let rows: Vec<Click> = Generator::new(seed).take(count).collect();
            let mut expected = Vec::new();
            rows.iter().for_each(|row| row.encode(&mut expected));
            let calls = calls(pack(rows));
            let mut packed = Vec::new();
            let mut row_count = 0;
            for call in &calls {
                prop_assert!((1..=MAX_CALL_RECORDS).contains(&call.len()));
                prop_assert!(call.iter().map(|record| record.data.as_ref().len()).sum::<usize>() <= MAX_CALL_BYTES);
                for record in call {
                    prop_assert!(record.data.as_ref().len() <= RECORD_BYTES);
                    prop_assert!(record.data.as_ref().ends_with(b"\n"));
                    packed.extend_from_slice(record.data.as_ref());
                    row_count += record.rows;
                }
            }
            prop_assert_eq!(packed, expected);
            prop_assert_eq!(row_count, count as u64);
        }
    }

    #[test]
    fn a_call_holds_no_more_than_the_limits() {
        let small = PackedRecord { data: Blob::new("x"), rows: 1 };
        let sizes = |records| calls(records).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(vec![small.clone(); 1_001]), [500, 500, 1]);
        let large = PackedRecord { data: Blob::new(vec![b'x'; 1024 * 1024]), rows: 1 };
        assert_eq!(sizes(vec![large; 9]), [4, 4, 1]);
        assert_eq!(sizes(Vec::new()), [0usize; 0]);
    }

    #[test]
    fn a_long_row_is_a_record_by_itself() {
        let short = Click { prev: "a".to_owned(), curr: "b".to_owned(), kind: LinkKind::Link, n: 1 };
        let long = Click { prev: "p".repeat(RECORD_BYTES), ..short.clone() };
        let rows: Vec<u64> =
            pack([short.clone(), short.clone(), long, short]).iter().map(|record| record.rows).collect();
        assert_eq!(rows, [2, 1, 1]);
    }
}
