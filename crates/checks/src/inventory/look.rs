//! Looking at one thing, or for all that have the tag.

use aws_sdk_dynamodb::types::{BillingMode, TableDescription};
use aws_sdk_kinesis::types::{StreamDescriptionSummary, StreamMode, StreamStatus};
use aws_sdk_kinesisanalyticsv2::types::{ApplicationDetail, ApplicationStatus, RuntimeEnvironment};
use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use aws_sdk_resourcegroupstagging::types::TagFilter;
use aws_smithy_types::{DateTime, date_time::Format};

use super::{Cost, Kind, TAG_KEY, TAG_VALUE, kind::Target, tagged};
use crate::{
    api_calls::{
        DESCRIBE_APPLICATION, DESCRIBE_DELIVERY_STREAM, DESCRIBE_LOG_GROUPS, DESCRIBE_STREAM_SUMMARY, DESCRIBE_TABLE,
        GET_FUNCTION_CONFIGURATION, GET_RESOURCES, GET_ROLE, HEAD_BUCKET, LIST_EVENT_SOURCE_MAPPINGS,
    },
    arn,
    call::{Answer, CallError, Clock, make},
    clients::{CALL_TIMEOUT, Clients},
    subject::Subject,
    text::clip,
};

/// So many pages of at most 100 mappings or tagged things are read in a region.
const PAGES: usize = 5;

/// Where to look.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) clients: &'a Clients,
    pub(super) subject: &'a Subject,
    pub(super) clock: Clock,
}

/// What was seen of a thing.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) arn: String,
    pub(super) state: String,
    pub(super) cost: Cost,
    /// When an application was created, as the CLI takes it.
    pub(super) created: Option<String>,
    /// Where it is, if not where it was looked for.
    pub(super) region: Option<String>,
}

impl Found {
    fn new(arn: impl Into<String>, state: impl Into<String>, cost: Cost) -> Self {
        Self { arn: arn.into(), state: state.into(), cost, created: None, region: None }
    }

    /// A thing whose tag tells that it is there, and that could not be looked at. Its cost is what the lab's own would be.
    pub(super) fn not_looked_at(kind: Kind, arn: &str, error: &CallError) -> Self {
        let cost = match kind {
            Kind::DataStream => assumed(Cost::shards(1)),
            Kind::Application => assumed(Cost::flink(1, 1)),
            Kind::Bucket | Kind::Table | Kind::LogGroup => Cost::storage(),
            Kind::Other => Cost::nothing("not known to us"),
            _ => Cost::idle(),
        };
        Self::new(arn, format!("not looked at: {error}"), cost)
    }
}

fn assumed(mut cost: Cost) -> Cost {
    cost.basis.insert_str(0, "assumed, as it could not be looked at: ");
    cost
}

impl Look<'_> {
    /// The thing, or nothing where the service says that there is none. `arn` is what its tag was found on.
    pub(super) async fn at(&self, target: &Target, arn: Option<&str>) -> Result<Option<Found>, CallError> {
        let Target { kind, region, name } = target;
        let found = match kind {
            Kind::Application => self.application(region, name).await,
            Kind::DeliveryStream => self.delivery_stream(region, name).await,
            Kind::DataStream => self.data_stream(region, name).await,
            Kind::Function => self.function(region, name).await,
            Kind::Table => self.table(region, name).await,
            Kind::Bucket => self.bucket(name).await,
            Kind::LogGroup => return self.log_group(region, name).await,
            Kind::Role => self.role(name).await,
            // Those of the lab's names are found by [`Self::mappings`]; of this one nothing but its tag is known.
            Kind::EventSourceMapping => Ok(Found::new(arn.unwrap_or_default(), "has the lab's tag", Cost::idle())),
            Kind::Other => {
                Ok(Found::new(arn.unwrap_or_default(), "has the lab's tag", Cost::nothing("not known to us")))
            }
        };
        match found {
            Ok(found) => Ok(Some(found)),
            Err(CallError::Absent) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All that has the lab's tag, with its ARN.
    pub(super) async fn tagged(&self, region: &str) -> Result<Vec<(Target, String)>, CallError> {
        let client = self.clients.tagging_in(region);
        let mut targets = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let send = client
                .get_resources()
                .tag_filters(TagFilter::builder().key(TAG_KEY).values(TAG_VALUE).build())
                .set_pagination_token(token.take())
                .send();
            let page = make(&GET_RESOURCES, self.clock, CALL_TIMEOUT, send).await.result?;
            let mappings = page.resource_tag_mapping_list.unwrap_or_default();
            let arns = mappings.iter().filter_map(|mapping| mapping.resource_arn());
            targets.extend(arns.map(|arn| (tagged::target(arn, region), clip(arn, 300))));
            token = page.pagination_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(targets)
    }

    /// All event source mappings, and whether they read one of the learner's data streams or call one of the functions.
    pub(super) async fn mappings(&self, region: &str) -> Result<Vec<(Target, Found, bool)>, CallError> {
        let client = self.clients.lambda_in(region);
        let mut mappings = Vec::new();
        let mut marker = None;
        for _ in 0..PAGES {
            let send = client.list_event_source_mappings().set_marker(marker.take()).send();
            let page = make(&LIST_EVENT_SOURCE_MAPPINGS, self.clock, CALL_TIMEOUT, send).await.result?;
            for mapping in page.event_source_mappings.unwrap_or_default() {
                let Some(uuid) = mapping.uuid() else { continue };
                let target = Target::new(Kind::EventSourceMapping, region, uuid);
                mappings.push((target, self.found_mapping(region, uuid, &mapping), self.has_our_names(&mapping)));
            }
            marker = page.next_marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                break;
            }
        }
        Ok(mappings)
    }

    fn has_our_names(&self, mapping: &EventSourceMappingConfiguration) -> bool {
        let subject = self.subject;
        let function = arn::function_name(mapping.function_arn().unwrap_or_default());
        let stream = arn::data_stream_name(mapping.event_source_arn().unwrap_or_default());
        [&subject.functions.preprocess, &subject.functions.output].into_iter().any(|name| name == function)
            || [&subject.data_stream, &subject.counts_stream].into_iter().any(|name| name == stream)
    }

    fn found_mapping(&self, region: &str, uuid: &str, mapping: &EventSourceMappingConfiguration) -> Found {
        let from = arn::data_stream_name(mapping.event_source_arn().unwrap_or_default());
        let to = arn::function_name(mapping.function_arn().unwrap_or_default());
        let state = format!("{}, from {} to {}", mapping.state().unwrap_or("?"), clip(from, 80), clip(to, 80));
        let arn = mapping.event_source_mapping_arn.clone();
        let arn = arn.unwrap_or_else(|| self.arn("lambda", region, &format!("event-source-mapping:{uuid}")));
        Found::new(arn, state, Cost::idle())
    }

    async fn application(&self, region: &str, name: &str) -> Result<Found, CallError> {
        let client = self.clients.analytics_in(region);
        let send = client.describe_application().application_name(name).send();
        let answer = make(&DESCRIBE_APPLICATION, self.clock, CALL_TIMEOUT, send).await;
        let application = part(answer, |output| output.application_detail)?;
        let created = application.create_timestamp.and_then(cli_time);
        let (arn, state) = (application.application_arn.clone(), application.application_status.to_string());
        Ok(Found { created, ..Found::new(arn, state, application_cost(&application)) })
    }

    async fn delivery_stream(&self, region: &str, name: &str) -> Result<Found, CallError> {
        let client = self.clients.firehose_in(region);
        let send = client.describe_delivery_stream().delivery_stream_name(name).send();
        let answer = make(&DESCRIBE_DELIVERY_STREAM, self.clock, CALL_TIMEOUT, send).await;
        let stream = part(answer, |output| output.delivery_stream_description)?;
        Ok(Found::new(stream.delivery_stream_arn, stream.delivery_stream_status.to_string(), Cost::idle()))
    }

    async fn data_stream(&self, region: &str, name: &str) -> Result<Found, CallError> {
        let client = self.clients.kinesis_in(region);
        let send = client.describe_stream_summary().stream_name(name).send();
        let answer = make(&DESCRIBE_STREAM_SUMMARY, self.clock, CALL_TIMEOUT, send).await;
        let stream = part(answer, |output| output.stream_description_summary)?;
        let cost = data_stream_cost(&stream);
        Ok(Found::new(stream.stream_arn, stream.stream_status.to_string(), cost))
    }

    async fn function(&self, region: &str, name: &str) -> Result<Found, CallError> {
        let client = self.clients.lambda_in(region);
        let send = client.get_function_configuration().function_name(name).send();
        let answer = make(&GET_FUNCTION_CONFIGURATION, self.clock, CALL_TIMEOUT, send).await;
        let function = answer.result?;
        let state = function.state.map(|state| state.to_string()).unwrap_or_default();
        Ok(Found::new(function.function_arn.unwrap_or_default(), state, Cost::idle()))
    }

    async fn table(&self, region: &str, name: &str) -> Result<Found, CallError> {
        let client = self.clients.dynamodb_in(region);
        let send = client.describe_table().table_name(name).send();
        let answer = make(&DESCRIBE_TABLE, self.clock, CALL_TIMEOUT, send).await;
        let table = part(answer, |output| output.table)?;
        let state = table.table_status.as_ref().map(ToString::to_string).unwrap_or_default();
        let cost = table_cost(&table);
        Ok(Found::new(table.table_arn.unwrap_or_default(), state, cost))
    }

    async fn bucket(&self, name: &str) -> Result<Found, CallError> {
        let arn = format!("arn:{}:s3:::{name}", arn::partition(&self.subject.region));
        let owner = Some(self.subject.account.clone()).filter(|account| !account.is_empty());
        let send = self.clients.s3.head_bucket().bucket(name).set_expected_bucket_owner(owner).send();
        let region = match make(&HEAD_BUCKET, self.clock, CALL_TIMEOUT, send).await.result {
            Ok(output) => output.bucket_region,
            Err(CallError::Moved { region }) => region,
            Err(error) => return Err(error),
        };
        Ok(Found { region: region.map(|region| clip(&region, 40)), ..Found::new(arn, "", Cost::storage()) })
    }

    async fn log_group(&self, region: &str, name: &str) -> Result<Option<Found>, CallError> {
        let client = self.clients.logs_in(region);
        let send = client.describe_log_groups().log_group_name_prefix(name).send();
        let answer = make(&DESCRIBE_LOG_GROUPS, self.clock, CALL_TIMEOUT, send).await;
        let groups = answer.result?.log_groups.unwrap_or_default();
        // The names that go on come after the one that ends here.
        let group = groups.into_iter().find(|group| group.log_group_name() == Some(name));
        Ok(group.map(|group| {
            let arn = group.log_group_arn.or(group.arn).unwrap_or_default();
            Found::new(arn, format!("{} bytes", group.stored_bytes.unwrap_or(0)), Cost::storage())
        }))
    }

    async fn role(&self, name: &str) -> Result<Found, CallError> {
        let send = self.clients.iam.get_role().role_name(name).send();
        let answer = make(&GET_ROLE, self.clock, CALL_TIMEOUT, send).await;
        let role = part(answer, |output| output.role)?;
        Ok(Found::new(role.arn, "", Cost::nothing("nothing")))
    }

    fn arn(&self, service: &str, region: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{region}:{}:{resource}", arn::partition(region), self.subject.account)
    }
}

/// The part of an answer that AWS's models leave optional though it is always there.
fn part<T, U>(answer: Answer<T>, part: impl FnOnce(T) -> Option<U>) -> Result<U, CallError> {
    let service = answer.call.service.title();
    part(answer.result?).ok_or_else(|| CallError::Fault(format!("{service} gave an empty answer")))
}

fn application_cost(application: &ApplicationDetail) -> Cost {
    // One that is stopped, or on its way out, is not charged.
    if matches!(application.application_status, ApplicationStatus::Ready | ApplicationStatus::Deleting) {
        return Cost::nothing("nothing while it does not run");
    }
    if application.runtime_environment == RuntimeEnvironment::Sql10 {
        return Cost::sql();
    }
    let configuration = application.application_configuration_description.as_ref();
    let flink = configuration.and_then(|one| one.flink_application_configuration_description.as_ref());
    let parallelism = flink.and_then(|flink| flink.parallelism_configuration_description.as_ref());
    let number = |value: Option<i32>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(1);
    let current = parallelism.and_then(|one| one.current_parallelism.or(one.parallelism));
    Cost::flink(number(current), number(parallelism.and_then(|one| one.parallelism_per_kpu)))
}

fn data_stream_cost(stream: &StreamDescriptionSummary) -> Cost {
    if stream.stream_status == StreamStatus::Deleting {
        return Cost::nothing("nothing while it is being deleted");
    }
    let mode = stream.stream_mode_details.as_ref().map(|details| &details.stream_mode);
    if mode == Some(&StreamMode::OnDemand) {
        Cost::on_demand_stream()
    } else {
        Cost::shards(u64::try_from(stream.open_shard_count).unwrap_or(0))
    }
}

fn table_cost(table: &TableDescription) -> Cost {
    let mode = table.billing_mode_summary.as_ref().and_then(|summary| summary.billing_mode.as_ref());
    let units = table.provisioned_throughput.as_ref();
    let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
    let read = number(units.and_then(|units| units.read_capacity_units));
    let write = number(units.and_then(|units| units.write_capacity_units));
    // A table that was never on demand names no mode.
    if mode == Some(&BillingMode::PayPerRequest) || read + write == 0 {
        Cost::storage()
    } else {
        Cost::provisioned_table(read, write)
    }
}

/// A time as the CLI reads it, to the fraction.
fn cli_time(at: DateTime) -> Option<String> {
    at.fmt(Format::DateTime).ok()
}
