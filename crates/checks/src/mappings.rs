//! Event source mappings: what calls the output function with the records of a data stream.

use aws_sdk_lambda::types::EventSourceMappingConfiguration;

use crate::{
    api_calls::LIST_EVENT_SOURCE_MAPPINGS,
    call::{Answer, CallError, make},
    clients::CALL_TIMEOUT,
    data_streams::DataStream,
    finding::Finding,
    observed::{Function, Observed, USUAL_CHANGE},
    text::clip,
    verdict::Evidence,
};

/// So many pages of at most 100 mappings are read.
const PAGES: usize = 5;

/// A mapping, with the means to cite it.
pub(crate) struct Mapping<'a> {
    pub(crate) value: &'a EventSourceMappingConfiguration,
    answer: &'a Answer<Vec<EventSourceMappingConfiguration>>,
}

impl Mapping<'_> {
    pub(crate) fn evidence(&self) -> Evidence {
        let value = self.value;
        self.answer.evidence([
            ("EventSourceArn", value.event_source_arn().unwrap_or_default().to_owned()),
            ("State", value.state().unwrap_or_default().to_owned()),
            ("TumblingWindowInSeconds", window_seconds(value).to_string()),
            ("LastProcessingResult", value.last_processing_result().unwrap_or_default().to_owned()),
        ])
    }
}

/// The length of the mapping's window; 0 is none.
pub(crate) fn window_seconds(mapping: &EventSourceMappingConfiguration) -> i32 {
    mapping.tumbling_window_in_seconds().unwrap_or(0)
}

impl Observed<'_> {
    /// The mapping from `stream` to the output function, or the finding for a check that cannot do without it.
    pub(crate) async fn mapping(&self, stream: DataStream) -> Result<Mapping<'_>, Finding> {
        let answer = self.mappings.get_or_init(|| self.mappings_of_output()).await;
        let mappings: &[EventSourceMappingConfiguration] = match &answer.result {
            Ok(mappings) => mappings,
            Err(CallError::Absent) => &[],
            Err(error) => return Err(Finding::could_not_look(answer, error)),
        };
        let source = |mapping: &EventSourceMappingConfiguration| mapping.event_source_arn.clone().unwrap_or_default();
        if let Some(value) = mappings.iter().find(|mapping| stream.is(&source(mapping), self.subject)) {
            return Ok(Mapping { value, answer });
        }
        // A function that is not there has no mapping; say so instead.
        self.function(Function::Output).await?;
        let (function, titled) = (self.function_name(Function::Output), stream.titled(self.subject));
        let finding = match mappings.first() {
            Some(other) => Finding::wrong(
                "EventSourceArn",
                stream.arn(self.subject),
                clip(&source(other), 200),
                format!(
                    "The event source mapping of {function} reads something else than {titled}. The source cannot be \
                     changed: delete the mapping and create it anew."
                ),
            ),
            None => Finding::not_yet(
                format!("an event source mapping from {} to {function}", stream.name(self.subject)),
                format!(
                    "Nothing calls {function} with the records of {titled} yet. Create an event source mapping from the \
                     one to the other."
                ),
            ),
        };
        Err(finding.with(answer.evidence([("EventSourceMappings", mappings.len().to_string())])))
    }

    /// What keeps the mapping from calling the function, if so.
    pub(crate) fn not_enabled(&self, mapping: &EventSourceMappingConfiguration) -> Option<Finding> {
        let name = self.function_name(Function::Output);
        let settling = |what: &str| {
            let why = format!("the event source mapping is being {what}");
            let message = format!("The event source mapping of {name} is being {what}. That takes up to a minute.");
            Some(Finding::settling(self.clock.now() + USUAL_CHANGE, why, message))
        };
        match mapping.state().unwrap_or_default() {
            "Enabled" => None,
            "Creating" => settling("created"),
            "Enabling" => settling("enabled"),
            "Updating" => settling("changed"),
            "Disabling" => settling("switched off"),
            "Deleting" => settling("deleted"),
            "Disabled" => Some(Finding::wrong(
                "State",
                "Enabled",
                "Disabled",
                format!("The event source mapping of {name} is switched off, so that nothing is counted. Enable it."),
            )),
            other => Some(Finding::fault(
                format!("the event source mapping is in a state that we do not know, {}", clip(other, 40)),
                "The event source mapping is in a state that this lab does not know. Check again in a minute.",
            )),
        }
    }

    /// All mappings that call the output function.
    pub(crate) async fn mappings_of_output(&self) -> Answer<Vec<EventSourceMappingConfiguration>> {
        self.list_mappings(Some(self.function_name(Function::Output)), None).await
    }

    /// All mappings that read `stream`, whatever they call.
    pub(crate) async fn mappings_from(&self, stream: DataStream) -> Answer<Vec<EventSourceMappingConfiguration>> {
        self.list_mappings(None, Some(stream.arn(self.subject))).await
    }

    async fn list_mappings(
        &self,
        function: Option<&str>,
        source: Option<String>,
    ) -> Answer<Vec<EventSourceMappingConfiguration>> {
        let call = &LIST_EVENT_SOURCE_MAPPINGS;
        let mut mappings = Vec::new();
        let mut at = self.clock.now();
        let mut marker = None;
        for _ in 0..PAGES {
            let send = self
                .clients
                .lambda
                .list_event_source_mappings()
                .set_function_name(function.map(str::to_owned))
                .set_event_source_arn(source.clone())
                .set_marker(marker.take())
                .send();
            let page = make(call, self.clock, CALL_TIMEOUT, send).await;
            at = page.at;
            match page.result {
                Ok(page) => {
                    mappings.extend(page.event_source_mappings.unwrap_or_default());
                    marker = page.next_marker.filter(|marker| !marker.is_empty());
                }
                Err(error) => return Answer { call, at, result: Err(error) },
            }
            if marker.is_none() {
                break;
            }
        }
        Answer { call, at, result: Ok(mappings) }
    }
}
