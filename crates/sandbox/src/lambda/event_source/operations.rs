//! The operations on event source mappings: create, read, change, list, delete.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::EventSources;
use super::settings::{Settings, SettingsRequest, StartingPosition};
use super::store::{self, Changing, Mapping, NOTHING_YET};
use crate::kinesis::{may_read, readers};
use crate::lambda::errors::{conflict, invalid_parameter, not_offered, resource_not_found, user, validation};
use crate::lambda::store::Function;
use crate::lambda::{PRINCIPAL, function_name, limits, report};
use crate::service::{page_token, read_json, read_page_token};
use crate::{AwsError, Scope};

/// Most mappings of one answer, as AWS.
const MAX_PAGE: i64 = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateRequest {
    function_name: String,
    #[serde(default)]
    event_source_arn: Option<String>,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    starting_position: Option<String>,
    #[serde(default)]
    starting_position_timestamp: Option<f64>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    topics: Option<Value>,
    #[serde(default)]
    queues: Option<Value>,
    #[serde(default)]
    self_managed_event_source: Option<Value>,
    #[serde(flatten)]
    settings: SettingsRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateRequest {
    #[serde(default)]
    function_name: Option<String>,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(flatten)]
    settings: SettingsRequest,
}

impl EventSources {
    pub(super) async fn create(&self, scope: &Scope, body: &[u8]) -> Result<Value, AwsError> {
        let request: CreateRequest = read_json(body)?;
        for (name, value) in [
            ("Topics", &request.topics),
            ("Queues", &request.queues),
            ("SelfManagedEventSource", &request.self_managed_event_source),
        ] {
            if value.as_ref().is_some_and(|value| !value.is_null()) {
                return Err(not_offered(&format!("{name} of event source mappings")));
            }
        }
        let arn = request.event_source_arn.ok_or_else(unrecognized)?;
        if !arn.starts_with("arn:") || arn.split(':').nth(2) != Some("kinesis") {
            return Err(match arn.split(':').nth(2) {
                Some(service @ ("dynamodb" | "sqs" | "kafka" | "mq" | "rds")) => {
                    not_offered(&format!("event sources of the service {service}"))
                }
                _ => unrecognized(),
            });
        }
        let clock = self.services.kinesis.clock();
        let position = request.starting_position.as_deref();
        let position = StartingPosition::new(position, request.starting_position_timestamp, clock.now_ms())?;
        let settings = Settings::new(position).updated(request.settings)?;
        let function = self.function(scope, &request.function_name).await?;
        let stream = self.services.kinesis.stream_by_arn(scope, &arn);
        let stream = stream.ok_or_else(|| invalid_parameter(format!("Stream not found: {arn}")))?;
        if may_read(&self.services.iam, &stream, &function.configuration.role, PRINCIPAL).await?.is_err() {
            return Err(invalid_parameter(cannot_access(&arn)));
        }
        let mut mapping = Mapping {
            id: 0,
            uuid: Uuid::new_v4().to_string(),
            scope: scope.clone(),
            function_name: function.name,
            stream_name: stream.name.clone(),
            settings,
            tags: crate::lambda::tags::check(request.tags)?,
            enabled: request.enabled.unwrap_or(true),
            changing: Changing::Creating,
            changed_ms: report::now_ms(),
            last_result: NOTHING_YET.to_owned(),
        };
        let mut transaction = self.services.database.write().await?;
        if let Some(uuid) = store::find_same(&mut transaction, &mapping).await? {
            return Err(already_exists(&mapping, &uuid));
        }
        if store::count(&mut transaction, scope).await? >= limits::MAX_EVENT_SOURCE_MAPPINGS {
            let most = limits::MAX_EVENT_SOURCE_MAPPINGS;
            return Err(invalid_parameter(format!(
                "The account has {most} event source mappings, the most the sandbox allows. Delete one first."
            )));
        }
        mapping.id = store::insert(&mut transaction, &mapping).await?;
        readers::register(&mut transaction, &stream, &mapping.reader(), position.start()).await?;
        transaction.commit().await?;
        let answer = mapping.answer();
        if mapping.enabled {
            self.start(mapping).await;
        }
        Ok(answer)
    }

    pub(super) async fn get(&self, scope: &Scope, uuid: &str) -> Result<Value, AwsError> {
        let mapping = store::find(self.services.database.read(), scope, uuid).await?;
        Ok(mapping.ok_or_else(mapping_not_found)?.answer())
    }

    pub(super) async fn list(&self, scope: &Scope, query: &BTreeMap<String, String>) -> Result<Value, AwsError> {
        let given = |name: &str| query.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let function = given("FunctionName").map(|name| function_name::parse(scope, name, None)).transpose()?;
        let stream = match given("EventSourceArn") {
            None => None,
            Some(arn) => match arn.strip_prefix(&scope.arn("kinesis", "stream/")) {
                Some(name) => Some(name),
                // Nothing but the account's own data streams has mappings here.
                None => return Ok(json!({ "EventSourceMappings": [] })),
            },
        };
        let limit = match given("MaxItems").map(str::parse::<i64>) {
            None => MAX_PAGE,
            Some(Ok(items)) if (1..=10_000).contains(&items) => items.min(MAX_PAGE),
            Some(_) => {
                let value = given("MaxItems").unwrap_or_default();
                return Err(validation(value, "maxItems", "have value between 1 and 10000"));
            }
        };
        let after = match given("Marker") {
            None => 0,
            Some(marker) => read_page_token(marker)
                .and_then(|id| id.parse().ok())
                .ok_or_else(|| invalid_parameter("Invalid marker: give the NextMarker of the answer before."))?,
        };
        let database = self.services.database.read();
        let mut mappings = store::list(database, scope, function.as_deref(), stream, after, limit + 1).await?;
        let more = mappings.len() as i64 > limit;
        mappings.truncate(usize::try_from(limit).unwrap_or_default());
        let mut answer = json!({ "EventSourceMappings": mappings.iter().map(Mapping::answer).collect::<Vec<_>>() });
        if more && let Some(last) = mappings.last() {
            answer["NextMarker"] = json!(page_token(&last.id.to_string()));
        }
        Ok(answer)
    }

    pub(super) async fn update(&self, scope: &Scope, uuid: &str, body: &[u8]) -> Result<Value, AwsError> {
        let request: UpdateRequest = read_json(body)?;
        let function = match &request.function_name {
            Some(name) => Some(self.function(scope, name).await?),
            None => None,
        };
        let mut transaction = self.services.database.write().await?;
        let mapping = store::find(&mut *transaction, scope, uuid).await?;
        let mut mapping = mapping.ok_or_else(mapping_not_found)?;
        if mapping.is_changing() {
            return Err(in_use("update"));
        }
        let was_enabled = mapping.enabled;
        mapping.settings = mapping.settings.updated(request.settings)?;
        mapping.enabled = request.enabled.unwrap_or(was_enabled);
        if let Some(function) = function {
            mapping.function_name = function.name;
        }
        if let Some(other) = store::find_same(&mut transaction, &mapping).await? {
            return Err(already_exists(&mapping, &other));
        }
        mapping.changing = match (was_enabled, mapping.enabled) {
            (false, true) => Changing::Enabling,
            (true, false) => Changing::Disabling,
            (true, true) | (false, false) => Changing::Updating,
        };
        mapping.changed_ms = report::now_ms();
        store::update(&mut transaction, &mapping).await?;
        transaction.commit().await?;
        let answer = mapping.answer();
        if mapping.enabled {
            self.start(mapping).await;
        } else {
            self.stop(mapping.id).await;
        }
        Ok(answer)
    }

    pub(super) async fn delete(&self, scope: &Scope, uuid: &str) -> Result<Value, AwsError> {
        let mapping = store::find(self.services.database.read(), scope, uuid).await?;
        let mapping = mapping.ok_or_else(mapping_not_found)?;
        if mapping.is_changing() {
            return Err(in_use("delete"));
        }
        self.stop(mapping.id).await;
        let mut transaction = self.services.database.write().await?;
        store::delete(&mut transaction, mapping.id).await?;
        readers::forget(&mut transaction, &mapping.reader()).await?;
        transaction.commit().await?;
        let mut answer = mapping.answer();
        answer["State"] = json!("Deleting");
        Ok(answer)
    }

    /// The function that a request names.
    async fn function(&self, scope: &Scope, name: &str) -> Result<Function, AwsError> {
        match self.services.lambda.find(scope, name, None).await {
            Err(error) if error.code == "ResourceNotFoundException" => {
                Err(invalid_parameter("Function does not exist"))
            }
            found => found,
        }
    }
}

/// What AWS says when a function's role may not read a stream, or cannot be assumed.
pub(super) fn cannot_access(stream_arn: &str) -> String {
    format!(
        "Cannot access stream {stream_arn}. Please ensure the role can perform the GetRecords, GetShardIterator, \
         DescribeStream, ListShards, and ListStreams Actions on your stream in IAM."
    )
}

pub(super) fn mapping_not_found() -> AwsError {
    resource_not_found("The resource you requested does not exist.")
}

fn unrecognized() -> AwsError {
    invalid_parameter("Unrecognized event source.")
}

fn already_exists(mapping: &Mapping, uuid: &str) -> AwsError {
    conflict(format!(
        "The event source arn (\" {} \") and function (\" {} \") provided mapping already exists. Please update or delete the \
         existing mapping with UUID {uuid}",
        mapping.stream_arn(),
        mapping.function_name
    ))
}

fn in_use(what: &str) -> AwsError {
    user("ResourceInUseException", 400, format!("Cannot {what} the event source mapping because it is in use."))
}
