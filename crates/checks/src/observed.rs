//! The answers of one run: each question is asked once, however many checks read the answer.

use aws_sdk_dynamodb::types::TableDescription;
use aws_sdk_firehose::types::{DeliveryStreamDescription, DeliveryStreamStatus};
use aws_sdk_kinesisanalyticsv2::types::{ApplicationDetail, ApplicationStatus};
use aws_sdk_lambda::{
    operation::get_function_configuration::GetFunctionConfigurationOutput, types::EventSourceMappingConfiguration,
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use tokio::sync::OnceCell;

use crate::{
    api_calls::{ApiCall, DESCRIBE_APPLICATION, DESCRIBE_DELIVERY_STREAM, DESCRIBE_TABLE, GET_FUNCTION_CONFIGURATION},
    call::{Answer, CallError, Clock, make},
    clients::{CALL_TIMEOUT, Clients},
    data_streams::DataStreamCells,
    engine::Engine,
    finding::Finding,
    objects::{Listing, Sample},
    subject::{Consent, Subject},
    verdict::Evidence,
};

/// A describe call in another region may take this long: it is asked for a hint only.
const ELSEWHERE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(6);
/// So many regions are asked at once.
const REGIONS_AT_ONCE: usize = 6;
/// How long AWS usually takes to create, change or delete one of the lab's things.
pub(crate) const USUAL_CHANGE: time::Duration = time::Duration::seconds(15);

/// One run over a step.
pub(crate) struct Observed<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) subject: &'a Subject,
    pub(crate) consent: Consent,
    pub(crate) clock: Clock,
    stream: OnceCell<Answer<DeliveryStreamDescription>>,
    stream_elsewhere: OnceCell<Option<Evidence>>,
    preprocess: FunctionCells,
    output: FunctionCells,
    pub(crate) clicks_stream: DataStreamCells,
    pub(crate) counts_stream: DataStreamCells,
    pub(crate) mappings: OnceCell<Answer<Vec<EventSourceMappingConfiguration>>>,
    application: OnceCell<Answer<ApplicationDetail>>,
    application_elsewhere: OnceCell<Option<Evidence>>,
    table: OnceCell<Answer<TableDescription>>,
    table_elsewhere: OnceCell<Option<Evidence>>,
    pub(crate) listing: OnceCell<Answer<Listing>>,
    pub(crate) errors_listing: OnceCell<Answer<Listing>>,
    pub(crate) sample: OnceCell<Answer<Sample>>,
}

#[derive(Default)]
struct FunctionCells {
    configuration: OnceCell<Answer<GetFunctionConfigurationOutput>>,
    elsewhere: OnceCell<Option<Evidence>>,
}

/// One of the lab's two functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Preprocess,
    Output,
}

/// A good answer, with the means to cite it.
pub(crate) struct Seen<'a, T> {
    pub(crate) value: &'a T,
    pub(crate) answer: &'a Answer<T>,
}

impl<T> Seen<'_, T> {
    pub(crate) fn evidence<const N: usize>(&self, fields: [(&str, String); N]) -> Evidence {
        self.answer.evidence(fields)
    }
}

impl<'a> Observed<'a> {
    pub(crate) fn new(clients: &'a Clients, subject: &'a Subject, consent: Consent, clock: Clock) -> Self {
        Self {
            clients,
            subject,
            consent,
            clock,
            stream: OnceCell::new(),
            stream_elsewhere: OnceCell::new(),
            preprocess: FunctionCells::default(),
            output: FunctionCells::default(),
            clicks_stream: DataStreamCells::default(),
            counts_stream: DataStreamCells::default(),
            mappings: OnceCell::new(),
            application: OnceCell::new(),
            application_elsewhere: OnceCell::new(),
            table: OnceCell::new(),
            table_elsewhere: OnceCell::new(),
            listing: OnceCell::new(),
            errors_listing: OnceCell::new(),
            sample: OnceCell::new(),
        }
    }

    // The delivery stream.

    pub(crate) async fn stream_answer(&self) -> &Answer<DeliveryStreamDescription> {
        self.stream.get_or_init(|| self.describe_stream(&self.clients.firehose)).await
    }

    /// The delivery stream, or the finding for a check that cannot do without it.
    pub(crate) async fn stream(&self) -> Result<Seen<'_, DeliveryStreamDescription>, Finding> {
        let answer = self.stream_answer().await;
        let value = match &answer.result {
            Ok(value) => value,
            Err(CallError::Absent) => {
                let what = format!("the delivery stream {}", self.subject.stream);
                return Err(self.absent(&what, answer, self.stream_elsewhere().await));
            }
            Err(error) => return Err(Finding::could_not_look(answer, error)),
        };
        if value.delivery_stream_status == DeliveryStreamStatus::Deleting {
            return Err(self
                .deleting("The delivery stream")
                .with(answer.evidence([("DeliveryStreamStatus", value.delivery_stream_status.to_string())])));
        }
        Ok(Seen { value, answer })
    }

    /// The answer of another region that has the delivery stream.
    pub(crate) async fn stream_elsewhere(&self) -> Option<&Evidence> {
        self.stream_elsewhere
            .get_or_init(|| {
                self.in_other_regions(&DESCRIBE_DELIVERY_STREAM, &self.subject.stream, |region| {
                    async move { self.describe_stream(&self.clients.firehose_in(&region)).await.result.is_ok() }.boxed()
                })
            })
            .await
            .as_ref()
    }

    async fn describe_stream(&self, client: &aws_sdk_firehose::Client) -> Answer<DeliveryStreamDescription> {
        let send = client.describe_delivery_stream().delivery_stream_name(&self.subject.stream).send();
        let answer = make(&DESCRIBE_DELIVERY_STREAM, self.clock, CALL_TIMEOUT, send).await;
        answer.and_then(|output| output.delivery_stream_description)
    }

    // The functions.

    pub(crate) fn function_name(&self, function: Function) -> &str {
        match function {
            Function::Preprocess => &self.subject.functions.preprocess,
            Function::Output => &self.subject.functions.output,
        }
    }

    fn function_cells(&self, function: Function) -> &FunctionCells {
        match function {
            Function::Preprocess => &self.preprocess,
            Function::Output => &self.output,
        }
    }

    pub(crate) async fn function_answer(&self, function: Function) -> &Answer<GetFunctionConfigurationOutput> {
        self.function_cells(function)
            .configuration
            .get_or_init(|| self.describe_function(&self.clients.lambda, function))
            .await
    }

    /// The function's configuration, or the finding for a check that cannot do without it.
    pub(crate) async fn function(
        &self,
        function: Function,
    ) -> Result<Seen<'_, GetFunctionConfigurationOutput>, Finding> {
        let answer = self.function_answer(function).await;
        match &answer.result {
            Ok(value) => Ok(Seen { value, answer }),
            Err(CallError::Absent) => {
                let what = format!("the function {}", self.function_name(function));
                Err(self.absent(&what, answer, self.function_elsewhere(function).await))
            }
            Err(error) => Err(Finding::could_not_look(answer, error)),
        }
    }

    pub(crate) async fn function_elsewhere(&self, function: Function) -> Option<&Evidence> {
        self.function_cells(function)
            .elsewhere
            .get_or_init(|| {
                self.in_other_regions(&GET_FUNCTION_CONFIGURATION, self.function_name(function), |region| {
                    async move { self.describe_function(&self.clients.lambda_in(&region), function).await.result.is_ok() }
                        .boxed()
                })
            })
            .await
            .as_ref()
    }

    async fn describe_function(
        &self,
        client: &aws_sdk_lambda::Client,
        function: Function,
    ) -> Answer<GetFunctionConfigurationOutput> {
        let send = client.get_function_configuration().function_name(self.function_name(function)).send();
        let answer = make(&GET_FUNCTION_CONFIGURATION, self.clock, CALL_TIMEOUT, send).await;
        answer.and_then(|output| output.function_arn.is_some().then_some(output))
    }

    // The application.

    pub(crate) async fn application_answer(&self) -> &Answer<ApplicationDetail> {
        self.application.get_or_init(|| self.describe_application(&self.clients.analytics)).await
    }

    /// The application, or the finding for a check that cannot do without it.
    pub(crate) async fn application(&self) -> Result<Seen<'_, ApplicationDetail>, Finding> {
        let answer = self.application_answer().await;
        let value = match &answer.result {
            Ok(value) => value,
            Err(CallError::Absent) if self.clients.is_aws() && self.subject.engine == Engine::SqlApplication => {
                return Err(Finding::retired().with(answer.evidence([])));
            }
            Err(CallError::Absent) => {
                let what = format!("the application {}", self.subject.application);
                return Err(self.absent(&what, answer, self.application_elsewhere().await));
            }
            Err(error) => return Err(Finding::could_not_look(answer, error)),
        };
        if value.application_status == ApplicationStatus::Deleting {
            return Err(self
                .deleting("The application")
                .with(answer.evidence([("ApplicationStatus", value.application_status.to_string())])));
        }
        Ok(Seen { value, answer })
    }

    pub(crate) async fn application_elsewhere(&self) -> Option<&Evidence> {
        self.application_elsewhere
            .get_or_init(|| {
                self.in_other_regions(&DESCRIBE_APPLICATION, &self.subject.application, |region| {
                    async move { self.describe_application(&self.clients.analytics_in(&region)).await.result.is_ok() }
                        .boxed()
                })
            })
            .await
            .as_ref()
    }

    async fn describe_application(&self, client: &aws_sdk_kinesisanalyticsv2::Client) -> Answer<ApplicationDetail> {
        let send = client.describe_application().application_name(&self.subject.application).send();
        let answer = make(&DESCRIBE_APPLICATION, self.clock, CALL_TIMEOUT, send).await;
        answer.and_then(|output| output.application_detail)
    }

    // The table.

    pub(crate) async fn table_answer(&self) -> &Answer<TableDescription> {
        self.table.get_or_init(|| self.describe_table(&self.clients.dynamodb)).await
    }

    /// The table, or the finding for a check that cannot do without it.
    pub(crate) async fn table(&self) -> Result<Seen<'_, TableDescription>, Finding> {
        let answer = self.table_answer().await;
        let value = match &answer.result {
            Ok(value) => value,
            Err(CallError::Absent) => {
                let what = format!("the table {}", self.subject.table);
                return Err(self.absent(&what, answer, self.table_elsewhere().await));
            }
            Err(error) => return Err(Finding::could_not_look(answer, error)),
        };
        let status = value.table_status.as_ref().map_or("", |status| status.as_str());
        if status == "DELETING" {
            return Err(self.deleting("The table").with(answer.evidence([("TableStatus", status.to_owned())])));
        }
        Ok(Seen { value, answer })
    }

    pub(crate) async fn table_elsewhere(&self) -> Option<&Evidence> {
        self.table_elsewhere
            .get_or_init(|| {
                self.in_other_regions(&DESCRIBE_TABLE, &self.subject.table, |region| {
                    async move { self.describe_table(&self.clients.dynamodb_in(&region)).await.result.is_ok() }.boxed()
                })
            })
            .await
            .as_ref()
    }

    async fn describe_table(&self, client: &aws_sdk_dynamodb::Client) -> Answer<TableDescription> {
        let send = client.describe_table().table_name(&self.subject.table).send();
        let answer = make(&DESCRIBE_TABLE, self.clock, CALL_TIMEOUT, send).await;
        answer.and_then(|output| output.table)
    }

    // What they share.

    /// Looks in the learner's other regions for the thing `named` so; the first that has it ends the search. What
    /// cannot be looked at counts as absent there, since regions may be switched off or out of the policy.
    pub(crate) async fn in_other_regions<'s>(
        &'s self,
        call: &'static ApiCall,
        named: &str,
        has_it: impl Fn(String) -> BoxFuture<'s, bool>,
    ) -> Option<Evidence> {
        let thing = format!("{call} {named}");
        if self.clients.is_known_to_be_nowhere_else(&thing) {
            return None;
        }
        let looks: Vec<_> = self
            .clients
            .other_regions()
            .await
            .into_iter()
            .map(|region| {
                let has_it = has_it(region.clone());
                async move { has_it.await.then_some(region) }.boxed()
            })
            .collect();
        let search = stream::iter(looks).buffer_unordered(REGIONS_AT_ONCE).filter_map(std::future::ready);
        let found = tokio::time::timeout(ELSEWHERE_TIMEOUT, std::pin::pin!(search).next()).await.ok().flatten();
        let Some(region) = found else {
            self.clients.is_nowhere_else(thing);
            return None;
        };
        Some(Evidence {
            call: format!("{call} ({region})"),
            fields: vec![("region".to_owned(), region)],
            at: self.clock.now(),
        })
    }

    /// The thing is absent here; `elsewhere` tells whether another region has it.
    pub(crate) fn absent<T>(&self, what: &str, answer: &Answer<T>, elsewhere: Option<&Evidence>) -> Finding {
        let here = &self.subject.region;
        let finding = match elsewhere.and_then(|evidence| evidence.fields.first()) {
            Some((_, region)) => Finding::elsewhere(
                region,
                format!(
                    "You have {what} in {region}, and the lab runs in {here}. Create it in {here}, and delete the one \
                     in {region}."
                ),
            ),
            None => Finding::not_yet(
                what,
                format!("There is no {} in {here} yet. Create it, then check again.", noun(what)),
            ),
        };
        finding.with(answer.evidence([])).with_all(elsewhere.cloned())
    }

    /// `subject` begins a sentence: "The table".
    pub(crate) fn deleting(&self, subject: &str) -> Finding {
        Finding::settling(
            self.clock.now() + USUAL_CHANGE,
            format!("{subject} is being deleted"),
            format!("{subject} is being deleted. Wait until it is gone, then create it again."),
        )
    }
}

fn noun(what: &str) -> &str {
    what.strip_prefix("the ").unwrap_or(what)
}

impl<T> Answer<T> {
    /// Takes the part of the answer that matters. AWS's models leave it optional though it is always there.
    pub(crate) fn and_then<U>(self, part: impl FnOnce(T) -> Option<U>) -> Answer<U> {
        let service = self.call.service.title();
        let result = self
            .result
            .and_then(|output| part(output).ok_or_else(|| CallError::Fault(format!("{service} gave an empty answer"))));
        Answer { call: self.call, at: self.at, result }
    }
}
