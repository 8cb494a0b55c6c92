//! Amazon DynamoDB (`awsJson1_0`, target `DynamoDB_20120810`).

use bytes::Bytes;

use crate::{AwsError, Caller, Clock, Database, Operation};

/// Tables and their items.
#[derive(Clone)]
pub struct DynamoDb {
    database: Database,
    clock: Clock,
}

impl DynamoDb {
    pub(crate) fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Answers one operation.
    pub(crate) async fn call(&self, caller: &Caller, operation: Operation<'_>, body: &[u8]) -> Result<Bytes, AwsError> {
        let _ = (&self.database, &self.clock, caller, body);
        Err(AwsError::unknown_operation("dynamodb", operation))
    }
}
