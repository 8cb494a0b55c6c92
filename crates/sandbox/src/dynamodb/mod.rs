//! Amazon DynamoDB (`awsJson1_0`, target `DynamoDB_20120810`).
//!
//! An operation reads its parameters (`request`, `expression`), finds the `table`, and reads or writes items in the
//! `store`, whose rows are sorted by encoded `key`s. A write is one transaction on the only writer, together with the
//! check of its condition, so that conditional writes are serializable.

mod batch_get_item;
mod batch_write_item;
mod capacity;
mod create_table;
mod error;
mod expression;
mod get_item;
mod key;
mod limits;
mod manage_table;
mod number;
mod page;
mod query;
mod request;
mod scan;
mod store;
mod table;
mod tags;
#[cfg(test)]
mod tests;
mod transaction;
mod value;
mod write;
mod write_item;

use bytes::Bytes;

use self::write::WriteKind;
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
        let scope = &caller.scope;
        match operation {
            "CreateTable" => self.create_table(scope, body).await,
            "DescribeTable" => self.describe_table(scope, body).await,
            "ListTables" => self.list_tables(scope, body).await,
            "UpdateTable" => self.update_table(scope, body).await,
            "DeleteTable" => self.delete_table(scope, body).await,
            "TagResource" => self.tag_resource(scope, body).await,
            "UntagResource" => self.untag_resource(scope, body).await,
            "ListTagsOfResource" => self.list_tags_of_resource(scope, body).await,
            "PutItem" => self.write_item(scope, WriteKind::Put, body).await,
            "UpdateItem" => self.write_item(scope, WriteKind::Update, body).await,
            "DeleteItem" => self.write_item(scope, WriteKind::Delete, body).await,
            "GetItem" => self.get_item(scope, body).await,
            "Query" => self.query(scope, body).await,
            "Scan" => self.scan(scope, body).await,
            "BatchGetItem" => self.batch_get_item(scope, body).await,
            "BatchWriteItem" => self.batch_write_item(scope, body).await,
            "TransactGetItems" => self.transact_get_items(scope, body).await,
            "TransactWriteItems" => self.transact_write_items(scope, body).await,
            _ => Err(AwsError::unknown_operation("dynamodb", operation)),
        }
    }
}
