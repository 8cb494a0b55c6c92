//! `CreateTable`.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::DynamoDb;
use super::error::{constraint, invalid_parameter, not_offered, validation};
use super::key::{KeyAttribute, KeyKind, KeySchema};
use super::limits::{MOST_TABLES, too_many_tables};
use super::request::one_of;
use super::table::{Table, TableAnswer, TableStatus, table_name};
use super::tags::{self, Tag};
use crate::service::{read_json, write_json};
use crate::{AwsError, Scope};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct CreateTableRequest {
    table_name: Option<String>,
    attribute_definitions: Option<Vec<AttributeDefinition>>,
    key_schema: Option<Vec<KeySchemaElement>>,
    billing_mode: Option<String>,
    provisioned_throughput: Option<ProvisionedThroughput>,
    deletion_protection_enabled: Option<bool>,
    table_class: Option<String>,
    local_secondary_indexes: Option<Vec<Value>>,
    global_secondary_indexes: Option<Vec<Value>>,
    stream_specification: Option<Value>,
    #[serde(rename = "SSESpecification")]
    sse_specification: Option<Value>,
    tags: Option<Vec<Tag>>,
    warm_throughput: Option<Value>,
    resource_policy: Option<Value>,
    on_demand_throughput: Option<Value>,
    global_table_source_arn: Option<Value>,
    global_table_settings_replication_mode: Option<Value>,
    vector_indexes: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AttributeDefinition {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct KeySchemaElement {
    attribute_name: String,
    key_type: String,
}

/// `ProvisionedThroughput` of a request.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ProvisionedThroughput {
    pub read_capacity_units: Option<i64>,
    pub write_capacity_units: Option<i64>,
}

/// How a table is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Billing {
    OnDemand,
    Provisioned { read_units: i64, write_units: i64 },
}

impl DynamoDb {
    /// Answers `CreateTable`. The table can be used at once.
    pub(super) async fn create_table(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let mut request: CreateTableRequest = read_json(body)?;
        let name = table_name(scope, request.table_name.take())?;
        request.refuse_what_is_not_offered()?;
        let billing = Billing::read(request.billing_mode.as_deref(), request.provisioned_throughput)?
            .ok_or_else(Billing::missing_units)?;
        let schema = request.read_schema()?;
        let tags = request.tags.take().unwrap_or_default();
        tags::check(&tags)?;
        let mut transaction = self.database.write().await?;
        if Table::find(&mut *transaction, scope, &name).await?.is_some() {
            return Err(AwsError::client("ResourceInUseException", format!("Table already exists: {name}")));
        }
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM dynamodb_table WHERE account_id = ?")
            .bind(scope.account.as_str())
            .fetch_one(&mut *transaction)
            .await?;
        if tables >= MOST_TABLES {
            return Err(too_many_tables());
        }
        let now = self.clock.now_ms();
        sqlx::query(
            "INSERT INTO dynamodb_table (account_id, region, table_name, uuid, partition_name, partition_type, sort_name, \
             sort_type, billing_mode, read_units, write_units, on_demand_since_ms, deletion_protected, created_ms) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .bind(&name)
        .bind(Uuid::new_v4().to_string())
        .bind(&schema.partition.name)
        .bind(schema.partition.kind.name())
        .bind(schema.sort.as_ref().map(|attribute| &attribute.name))
        .bind(schema.sort.as_ref().map(|attribute| attribute.kind.name()))
        .bind(billing.mode())
        .bind(billing.read_units())
        .bind(billing.write_units())
        .bind((billing == Billing::OnDemand).then_some(now))
        .bind(request.deletion_protection_enabled.unwrap_or(false))
        .bind(now)
        .execute(&mut *transaction)
        .await?;
        let table = Table::get(&mut *transaction, scope, &name).await?;
        tags::write(&mut transaction, table.row.table_id, &tags).await?;
        transaction.commit().await?;
        let description = table.describe(scope, TableStatus::Creating);
        write_json(&TableAnswer { table: None, table_description: Some(description) })
    }
}

impl CreateTableRequest {
    fn refuse_what_is_not_offered(&self) -> Result<(), AwsError> {
        let enabled = |specification: &Option<Value>, member: &str| {
            specification.as_ref().is_some_and(|specification| specification[member] == Value::Bool(true))
        };
        let refused = [
            ("LocalSecondaryIndexes", self.local_secondary_indexes.is_some()),
            ("GlobalSecondaryIndexes", self.global_secondary_indexes.is_some()),
            ("StreamSpecification", enabled(&self.stream_specification, "StreamEnabled")),
            ("SSESpecification", enabled(&self.sse_specification, "Enabled")),
            ("TableClass", self.table_class.as_ref().is_some_and(|class| class != "STANDARD")),
            ("WarmThroughput", self.warm_throughput.is_some()),
            ("ResourcePolicy", self.resource_policy.is_some()),
            ("OnDemandThroughput", self.on_demand_throughput.is_some()),
            ("GlobalTableSourceArn", self.global_table_source_arn.is_some()),
            ("GlobalTableSettingsReplicationMode", self.global_table_settings_replication_mode.is_some()),
            ("VectorIndexes", self.vector_indexes.is_some()),
        ];
        match refused.iter().find(|(_, given)| *given) {
            Some((parameter, _)) => Err(not_offered(parameter)),
            None => Ok(()),
        }
    }

    fn read_schema(&self) -> Result<KeySchema, AwsError> {
        let missing = |member: &str| {
            validation(format!(
                "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
            ))
        };
        let definitions = self.attribute_definitions.as_ref().ok_or_else(|| missing("attributeDefinitions"))?;
        let elements = self.key_schema.as_ref().ok_or_else(|| missing("keySchema"))?;
        let (first, second) = match elements.as_slice() {
            [first] => (first, None),
            [first, second] => (first, Some(second)),
            [] => {
                return Err(constraint("[]", "keySchema", "Member must have length greater than or equal to 1"));
            }
            _ => {
                return Err(constraint("[...]", "keySchema", "Member must have length less than or equal to 2"));
            }
        };
        if first.key_type != "HASH" {
            return Err(validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type"));
        }
        if second.is_some_and(|second| second.key_type != "RANGE") {
            return Err(validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"));
        }
        if second.is_some_and(|second| second.attribute_name == first.attribute_name) {
            return Err(validation("Both the Hash Key and the Range Key element in the KeySchema have the same name"));
        }
        let attribute = |element: &KeySchemaElement| self.key_attribute(&element.attribute_name, definitions, elements);
        let schema = KeySchema { partition: attribute(first)?, sort: second.map(attribute).transpose()? };
        if definitions.len() != elements.len() {
            return Err(invalid_parameter(
                "Number of attributes in KeySchema does not exactly match number of attributes defined in \
                 AttributeDefinitions",
            ));
        }
        Ok(schema)
    }

    fn key_attribute(
        &self,
        name: &str,
        definitions: &[AttributeDefinition],
        elements: &[KeySchemaElement],
    ) -> Result<KeyAttribute, AwsError> {
        if name.is_empty() || name.len() > 255 {
            return Err(constraint(
                name,
                "keySchema.member.attributeName",
                "Member must have length between 1 and 255",
            ));
        }
        let Some(definition) = definitions.iter().find(|definition| definition.attribute_name == name) else {
            let keys: Vec<&str> = elements.iter().map(|element| element.attribute_name.as_str()).collect();
            let defined: Vec<&str> = definitions.iter().map(|definition| definition.attribute_name.as_str()).collect();
            return Err(invalid_parameter(format!(
                "Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], AttributeDefinitions: [{}]",
                keys.join(", "),
                defined.join(", ")
            )));
        };
        let kind = KeyKind::from_name(&definition.attribute_type).ok_or_else(|| {
            let member = "attributeDefinitions.member.attributeType";
            constraint(&definition.attribute_type, member, "Member must satisfy enum value set: [B, N, S]")
        })?;
        Ok(KeyAttribute { name: name.to_owned(), kind })
    }
}

impl Billing {
    /// Reads `BillingMode` and `ProvisionedThroughput`; `None` when neither is given.
    pub fn read(mode: Option<&str>, throughput: Option<ProvisionedThroughput>) -> Result<Option<Self>, AwsError> {
        let on_demand = one_of("billingMode", mode, &[("PROVISIONED", false), ("PAY_PER_REQUEST", true)])?;
        match (on_demand, throughput) {
            (Some(true), None) => Ok(Some(Self::OnDemand)),
            (Some(true), Some(_)) => Err(invalid_parameter(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
            )),
            (Some(false), None) => Err(Self::missing_units()),
            (None, None) => Ok(None),
            (_, Some(throughput)) => {
                let (Some(read_units), Some(write_units)) =
                    (throughput.read_capacity_units, throughput.write_capacity_units)
                else {
                    return Err(Self::missing_units());
                };
                for (units, member) in [(read_units, "readCapacityUnits"), (write_units, "writeCapacityUnits")] {
                    if !(1..=1_000_000_000_000).contains(&units) {
                        let member = format!("provisionedThroughput.{member}");
                        let rule = "Member must have value greater than or equal to 1";
                        return Err(constraint(units, &member, rule));
                    }
                }
                Ok(Some(Self::Provisioned { read_units, write_units }))
            }
        }
    }

    /// The name of the billing mode.
    pub fn mode(self) -> &'static str {
        match self {
            Self::OnDemand => "PAY_PER_REQUEST",
            Self::Provisioned { .. } => "PROVISIONED",
        }
    }

    /// Provisioned read capacity units; 0 on demand.
    pub fn read_units(self) -> i64 {
        match self {
            Self::OnDemand => 0,
            Self::Provisioned { read_units, .. } => read_units,
        }
    }

    /// Provisioned write capacity units; 0 on demand.
    pub fn write_units(self) -> i64 {
        match self {
            Self::OnDemand => 0,
            Self::Provisioned { write_units, .. } => write_units,
        }
    }

    fn missing_units() -> AwsError {
        invalid_parameter(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        )
    }
}
