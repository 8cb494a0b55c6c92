//! Moments as other systems are told them.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The moment of an entry, from Unix milliseconds; one that no calendar has is the beginning of 1970.
pub fn of_milliseconds(at_ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// As RFC 3339 has it.
pub fn written(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
