//! The Kinesis data streams: the one that clicks are sent to, and the one for the counts of a Flink application.

use aws_sdk_kinesis::types::{StreamDescriptionSummary, StreamStatus};
use futures::FutureExt;
use tokio::sync::OnceCell;

use crate::{
    api_calls::DESCRIBE_STREAM_SUMMARY,
    arn,
    call::{Answer, CallError, make},
    clients::CALL_TIMEOUT,
    finding::Finding,
    observed::{Observed, Seen},
    subject::Subject,
    verdict::Evidence,
};

/// One of the lab's data streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataStream {
    /// Where clicks are sent.
    Clicks,
    /// Where the Flink application writes its counts.
    Counts,
}

impl DataStream {
    pub(crate) fn name(self, subject: &Subject) -> &str {
        match self {
            Self::Clicks => &subject.data_stream,
            Self::Counts => &subject.counts_stream,
        }
    }

    /// The stream in a sentence.
    pub(crate) fn titled(self, subject: &Subject) -> String {
        format!("the data stream {}", self.name(subject))
    }

    /// The ARN that the stream has in the lab's account and region.
    pub(crate) fn arn(self, subject: &Subject) -> String {
        let Subject { region, account, .. } = subject;
        format!("arn:{}:kinesis:{region}:{account}:stream/{}", arn::partition(region), self.name(subject))
    }

    /// Whether `arn` is this stream.
    pub(crate) fn is(self, arn: &str, subject: &Subject) -> bool {
        arn::data_stream_name(arn) == self.name(subject)
            && arn::region(arn) == subject.region
            && (subject.account.is_empty() || arn::account(arn) == subject.account)
    }
}

/// The answers about one of the streams.
#[derive(Default)]
pub(crate) struct DataStreamCells {
    summary: OnceCell<Answer<StreamDescriptionSummary>>,
    elsewhere: OnceCell<Option<Evidence>>,
}

impl Observed<'_> {
    fn cells(&self, stream: DataStream) -> &DataStreamCells {
        match stream {
            DataStream::Clicks => &self.clicks_stream,
            DataStream::Counts => &self.counts_stream,
        }
    }

    pub(crate) async fn data_stream_answer(&self, stream: DataStream) -> &Answer<StreamDescriptionSummary> {
        self.cells(stream).summary.get_or_init(|| self.summarize_stream(&self.clients.kinesis, stream)).await
    }

    /// The data stream, or the finding for a check that cannot do without it.
    pub(crate) async fn data_stream(&self, stream: DataStream) -> Result<Seen<'_, StreamDescriptionSummary>, Finding> {
        let answer = self.data_stream_answer(stream).await;
        let value = match &answer.result {
            Ok(value) => value,
            Err(CallError::Absent) => {
                let elsewhere = self.data_stream_elsewhere(stream).await;
                return Err(self.absent(&stream.titled(self.subject), answer, elsewhere));
            }
            Err(error) => return Err(Finding::could_not_look(answer, error)),
        };
        if value.stream_status == StreamStatus::Deleting {
            let evidence = answer.evidence([("StreamStatus", value.stream_status.to_string())]);
            return Err(self.deleting("The data stream").with(evidence));
        }
        Ok(Seen { value, answer })
    }

    pub(crate) async fn data_stream_elsewhere(&self, stream: DataStream) -> Option<&Evidence> {
        self.cells(stream)
            .elsewhere
            .get_or_init(|| {
                self.in_other_regions(&DESCRIBE_STREAM_SUMMARY, stream.name(self.subject), move |region| {
                    async move { self.summarize_stream(&self.clients.kinesis_in(&region), stream).await.result.is_ok() }
                        .boxed()
                })
            })
            .await
            .as_ref()
    }

    async fn summarize_stream(
        &self,
        client: &aws_sdk_kinesis::Client,
        stream: DataStream,
    ) -> Answer<StreamDescriptionSummary> {
        let send = client.describe_stream_summary().stream_name(stream.name(self.subject)).send();
        let answer = make(&DESCRIBE_STREAM_SUMMARY, self.clock, CALL_TIMEOUT, send).await;
        answer.and_then(|output| output.stream_description_summary)
    }
}
