//! What keeps one account from filling the machine. AWS has its own, higher quotas.

use super::error::validation;
use super::expression::Condition;
use crate::AwsError;

/// Tables that an account may have, in all regions together.
pub const MOST_TABLES: i64 = 256;
/// Bytes of items, by DynamoDB's rule for sizes, that an account may have in all its tables.
const MOST_BYTES: i64 = 1 << 30;
/// Bytes of items that the conditions of one request may look at, counting an item for every comparison with it.
const MOST_COMPARED: usize = 128 * 1024 * 1024;

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

/// What is left of the work that the conditions of one request may make. Writes have theirs evaluated one after another, so
/// that all accounts would wait for a costly one.
#[derive(Debug)]
pub struct ComparisonBudget(usize);

impl ComparisonBudget {
    /// The work of a whole request.
    pub fn new() -> Self {
        Self(MOST_COMPARED)
    }

    /// Takes what it costs to evaluate a condition for an item of this size, or refuses.
    pub fn take(&mut self, condition: &Condition, item_size: usize) -> Result<(), AwsError> {
        let cost = condition.comparisons().saturating_mul(item_size);
        self.0 = self.0.checked_sub(cost).ok_or_else(|| {
            validation(
                "The sandbox compares up to 128 MiB of items in a request, counting an item for every comparison with it; \
                 make fewer comparisons or smaller items.",
            )
        })?;
        Ok(())
    }
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
