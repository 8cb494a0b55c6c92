//! What keeps one account from filling the machine. AWS has its own, higher quotas.

use crate::AwsError;

/// Tables that an account may have, in all regions together.
pub const MOST_TABLES: i64 = 256;
/// Bytes of items, by DynamoDB's rule for sizes, that an account may have in all its tables.
const MOST_BYTES: i64 = 1 << 30;

/// Refuses growth beyond the account's share of the disk. The code is one that SDKs do not retry.
pub fn check_account_bytes(account_bytes: i64, grown: i64) -> Result<(), AwsError> {
    if grown <= 0 || account_bytes + grown <= MOST_BYTES {
        return Ok(());
    }
    Err(AwsError::client(
        "ItemCollectionSizeLimitExceededException",
        "Collection size exceeded: the sandbox stores up to 1 GiB of items for an account; delete items or tables first.",
    ))
}

/// `LimitExceededException` for one table too many.
pub fn too_many_tables() -> AwsError {
    AwsError::client(
        "LimitExceededException",
        format!("Subscriber limit exceeded: There is a limit of {MOST_TABLES} tables per subscriber"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_account_may_shrink_but_not_grow() {
        assert!(check_account_bytes(MOST_BYTES - 10, 10).is_ok());
        let error = check_account_bytes(MOST_BYTES - 10, 11).unwrap_err();
        assert_eq!(error.code, "ItemCollectionSizeLimitExceededException");
        assert!(check_account_bytes(MOST_BYTES + 10, 0).is_ok());
        assert!(check_account_bytes(MOST_BYTES + 10, -1).is_ok());
    }
}
