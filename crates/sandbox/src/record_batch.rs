//! The records of one call, joined as a service's log keeps them: each is its length and its data.

use bytes::Bytes;

use crate::AwsError;

const LENGTH_BYTES: usize = 4;

/// Records of one call, joined as they are stored.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    joined: Vec<u8>,
    count: usize,
}

impl Batch {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { joined: Vec::with_capacity(bytes), count: 0 }
    }

    /// Adds a record whose data `write` appends to the buffer; forgets it if `write` fails or the data is longer than `max`.
    pub(crate) fn push_with<E>(
        &mut self,
        max: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Option<usize>, E> {
        let start = self.joined.len();
        self.joined.extend_from_slice(&[0; LENGTH_BYTES]);
        let written = write(&mut self.joined);
        let length = self.joined.len() - start - LENGTH_BYTES;
        match (written, u32::try_from(length)) {
            (Ok(()), Ok(prefix)) if length <= max => {
                self.joined[start..start + LENGTH_BYTES].copy_from_slice(&prefix.to_le_bytes());
                self.count += 1;
                Ok(Some(length))
            }
            (written, _) => {
                self.joined.truncate(start);
                written.map(|()| None)
            }
        }
    }

    /// Keeps the first `count` records only.
    pub(crate) fn truncate(&mut self, count: usize) {
        let mut end = 0;
        for _ in 0..count.min(self.count) {
            let Some(length) = self.joined[end..].first_chunk::<LENGTH_BYTES>() else { break };
            end += LENGTH_BYTES + u32::from_le_bytes(*length) as usize;
        }
        self.joined.truncate(end);
        self.count = self.count.min(count);
    }

    /// How many records there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Bytes of data, lengths not counted.
    pub(crate) fn data_bytes(&self) -> usize {
        self.joined.len() - LENGTH_BYTES * self.count
    }

    /// The records as they are stored.
    pub(crate) fn into_joined(self) -> Vec<u8> {
        self.joined
    }
}

/// Splits stored records, without copying.
pub(crate) fn split(mut joined: Bytes) -> Result<Vec<Bytes>, AwsError> {
    let mut records = Vec::new();
    while !joined.is_empty() {
        let damaged = || AwsError::internal("a row of a stream's log is damaged");
        let length = u32::from_le_bytes(*joined.first_chunk::<LENGTH_BYTES>().ok_or_else(damaged)?) as usize;
        if joined.len() < LENGTH_BYTES + length {
            return Err(damaged());
        }
        let mut record = joined.split_to(LENGTH_BYTES + length);
        records.push(record.split_off(LENGTH_BYTES));
    }
    Ok(records)
}
