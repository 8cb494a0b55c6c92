//! `DescribeTable`, `ListTables`, `UpdateTable` and `DeleteTable`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::DynamoDb;
use super::create_table::{Billing, ProvisionedThroughput};
use super::error::{constraint, not_offered, table_not_found, validation};
use super::store;
use super::table::{Table, TableAnswer, TableStatus, table_name};
use crate::service::{read_json, write_json};
use crate::{AwsError, Scope};

/// Names that `ListTables` answers at once, unless told fewer.
const LONGEST_LIST: i64 = 100;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TableRequest {
    table_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ListTablesRequest {
    exclusive_start_table_name: Option<String>,
    limit: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListTablesAnswer {
    table_names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_table_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct UpdateTableRequest {
    table_name: Option<String>,
    billing_mode: Option<String>,
    provisioned_throughput: Option<ProvisionedThroughput>,
    deletion_protection_enabled: Option<bool>,
    global_secondary_index_updates: Option<Value>,
    stream_specification: Option<Value>,
    #[serde(rename = "SSESpecification")]
    sse_specification: Option<Value>,
    replica_updates: Option<Value>,
    table_class: Option<Value>,
    on_demand_throughput: Option<Value>,
    warm_throughput: Option<Value>,
    multi_region_consistency: Option<Value>,
    global_table_witness_updates: Option<Value>,
    global_table_settings_replication_mode: Option<Value>,
    disassociation_protection_enabled: Option<Value>,
    vector_index_updates: Option<Value>,
}

impl DynamoDb {
    /// Answers `DescribeTable`.
    pub(super) async fn describe_table(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: TableRequest = read_json(body)?;
        let name = table_name(scope, request.table_name)?;
        let table = Table::find(self.database.read(), scope, &name).await?.ok_or_else(|| table_not_found(&name))?;
        write_json(&TableAnswer { table: Some(table.describe(scope, TableStatus::Active)), table_description: None })
    }

    /// Answers `ListTables`: names in order.
    pub(super) async fn list_tables(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: ListTablesRequest = read_json(body)?;
        let limit = request.limit.unwrap_or(LONGEST_LIST);
        if limit < 1 {
            return Err(constraint(limit, "limit", "Member must have value greater than or equal to 1"));
        }
        if limit > LONGEST_LIST {
            return Err(constraint(limit, "limit", "Member must have value less than or equal to 100"));
        }
        let mut table_names: Vec<String> = sqlx::query_scalar(
            "SELECT table_name FROM dynamodb_table WHERE account_id = ? AND region = ? AND table_name > ? \
             ORDER BY table_name LIMIT ?",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .bind(request.exclusive_start_table_name.unwrap_or_default())
        .bind(limit + 1)
        .fetch_all(self.database.read())
        .await?;
        let last_evaluated_table_name = if table_names.len() as i64 > limit {
            table_names.truncate(limit as usize);
            table_names.last().cloned()
        } else {
            None
        };
        write_json(&ListTablesAnswer { table_names, last_evaluated_table_name })
    }

    /// Answers `UpdateTable`, for the billing mode, the throughput and the deletion protection.
    pub(super) async fn update_table(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let mut request: UpdateTableRequest = read_json(body)?;
        let name = table_name(scope, request.table_name.take())?;
        request.refuse_what_is_not_offered()?;
        let billing = Billing::read(request.billing_mode.as_deref(), request.provisioned_throughput)?;
        if billing.is_none() && request.deletion_protection_enabled.is_none() {
            return Err(validation(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or \
                 SSESpecification or ReplicaUpdates is required",
            ));
        }
        let mut transaction = self.database.write().await?;
        let before = Table::find(&mut *transaction, scope, &name).await?.ok_or_else(|| table_not_found(&name))?;
        if let Some(billing) = billing {
            check_billing(&before, billing, request.billing_mode.is_some())?;
            sqlx::query(
                "UPDATE dynamodb_table SET billing_mode = ?1, read_units = ?2, write_units = ?3, on_demand_since_ms = \
                 CASE WHEN ?1 = 'PAY_PER_REQUEST' THEN coalesce(on_demand_since_ms, ?4) ELSE on_demand_since_ms END \
                 WHERE table_id = ?5",
            )
            .bind(billing.mode())
            .bind(billing.read_units())
            .bind(billing.write_units())
            .bind(self.clock.now_ms())
            .bind(before.row.table_id)
            .execute(&mut *transaction)
            .await?;
        }
        if let Some(protected) = request.deletion_protection_enabled {
            sqlx::query("UPDATE dynamodb_table SET deletion_protected = ? WHERE table_id = ?")
                .bind(protected)
                .bind(before.row.table_id)
                .execute(&mut *transaction)
                .await?;
        }
        let after = Table::get(&mut *transaction, scope, &name).await?;
        transaction.commit().await?;
        let description = after.describe(scope, TableStatus::Updating);
        write_json(&TableAnswer { table: None, table_description: Some(description) })
    }

    /// Answers `DeleteTable`. The name is free at once; the items are removed behind the answer.
    pub(super) async fn delete_table(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: TableRequest = read_json(body)?;
        let name = table_name(scope, request.table_name)?;
        let mut transaction = self.database.write().await?;
        let table = Table::find(&mut *transaction, scope, &name).await?.ok_or_else(|| table_not_found(&name))?;
        if table.row.deletion_protected {
            return Err(validation(
                "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection \
                 first.",
            ));
        }
        for statement in [
            "INSERT INTO dynamodb_dropped_table (table_id) VALUES (?)",
            "DELETE FROM dynamodb_table WHERE table_id = ?",
        ] {
            sqlx::query(statement).bind(table.row.table_id).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        // Other learners' requests come between the small transactions. What a restart interrupts, the next deletion does.
        let dynamodb = self.clone();
        tokio::spawn(async move {
            if let Err(error) = dynamodb.purge_dropped_tables().await {
                tracing::warn!(%error, "items of deleted tables remain until the next table is deleted");
            }
        });
        let description = table.describe(scope, TableStatus::Deleting);
        write_json(&TableAnswer { table: None, table_description: Some(description) })
    }

    /// Removes the items of tables that are gone.
    pub(super) async fn purge_dropped_tables(&self) -> Result<(), AwsError> {
        loop {
            let mut transaction = self.database.write().await?;
            let more = store::purge(&mut transaction).await?;
            transaction.commit().await?;
            if !more {
                return Ok(());
            }
        }
    }
}

impl UpdateTableRequest {
    fn refuse_what_is_not_offered(&self) -> Result<(), AwsError> {
        let refused = [
            ("GlobalSecondaryIndexUpdates", &self.global_secondary_index_updates),
            ("StreamSpecification", &self.stream_specification),
            ("SSESpecification", &self.sse_specification),
            ("ReplicaUpdates", &self.replica_updates),
            ("TableClass", &self.table_class),
            ("OnDemandThroughput", &self.on_demand_throughput),
            ("WarmThroughput", &self.warm_throughput),
            ("MultiRegionConsistency", &self.multi_region_consistency),
            ("GlobalTableWitnessUpdates", &self.global_table_witness_updates),
            ("GlobalTableSettingsReplicationMode", &self.global_table_settings_replication_mode),
            ("DisassociationProtectionEnabled", &self.disassociation_protection_enabled),
            ("VectorIndexUpdates", &self.vector_index_updates),
        ];
        match refused.iter().find(|(_, given)| given.is_some()) {
            Some((parameter, _)) => Err(not_offered(parameter)),
            None => Ok(()),
        }
    }
}

fn check_billing(table: &Table, billing: Billing, mode_given: bool) -> Result<(), AwsError> {
    let Billing::Provisioned { read_units, write_units } = billing else { return Ok(()) };
    let row = &table.row;
    if row.billing_mode == "PAY_PER_REQUEST" && !mode_given {
        return Err(super::error::invalid_parameter(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ));
    }
    if (row.read_units, row.write_units) == (read_units, write_units) {
        return Err(validation(format!(
            "The provisioned throughput for the table will not change. The requested value equals the current value. \
             Current ReadCapacityUnits provisioned for the table: {read_units}. Requested ReadCapacityUnits: {read_units}. \
             Current WriteCapacityUnits provisioned for the table: {write_units}. Requested WriteCapacityUnits: \
             {write_units}. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher \
             limits."
        )));
    }
    Ok(())
}
