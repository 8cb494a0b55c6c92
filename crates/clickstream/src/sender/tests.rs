//! The sender against a delivery stream and a data stream that answer as each test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_sdk_firehose::operation::put_record_batch::{PutRecordBatchError, PutRecordBatchInput, PutRecordBatchOutput};
use aws_sdk_firehose::types::PutRecordBatchResponseEntry;
use aws_sdk_kinesis::operation::put_records::{PutRecordsError, PutRecordsInput, PutRecordsOutput};
use aws_sdk_kinesis::types::PutRecordsResultEntry;
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};
use proptest::prelude::*;

use super::*;
use crate::parse_upload;

/// What a call comes to.
enum Reply {
    /// Accepts all records but these, by their place.
    Taken { refused: Vec<usize> },
    /// An answer for fewer records than were sent.
    Short,
    /// A refused call, with a code as services send it.
    Refused { code: &'static str, message: &'static str },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    DeliveryStream,
    DataStream,
}

const BOTH: [Kind; 2] = [Kind::DeliveryStream, Kind::DataStream];

impl Kind {
    fn target(self) -> Target {
        match self {
            Self::DeliveryStream => Target::DeliveryStream("clicks".to_owned()),
            Self::DataStream => Target::DataStream("clicks".to_owned()),
        }
    }

    /// The code with which this service refuses a record for now.
    fn refusal(self) -> &'static str {
        match self {
            Self::DeliveryStream => "ServiceUnavailableException",
            Self::DataStream => "ProvisionedThroughputExceededException",
        }
    }
}

/// A stream that answers each call as a test says and remembers what it was sent.
struct FakeStream {
    kind: Kind,
    calls: Arc<Mutex<Vec<Vec<Vec<u8>>>>>,
    rule: Rule,
}

impl FakeStream {
    /// `respond` gets the number of the call, from 0, and its records.
    fn new(kind: Kind, respond: impl Fn(usize, &[Vec<u8>]) -> Reply + Send + Sync + 'static) -> Self {
        let calls: Arc<Mutex<Vec<Vec<Vec<u8>>>>> = Arc::default();
        let seen = calls.clone();
        let reply = move |records: &[Vec<u8>]| {
            let mut calls = seen.lock().unwrap();
            calls.push(records.to_vec());
            respond(calls.len() - 1, records)
        };
        let rule = match kind {
            Kind::DeliveryStream => mock!(aws_sdk_firehose::Client::put_record_batch).then_compute_response(
                move |input: &PutRecordBatchInput| {
                    assert_eq!(input.delivery_stream_name(), Some("clicks"));
                    let data = input.records().iter().map(|record| record.data().as_ref().to_vec());
                    let records: Vec<_> = data.collect();
                    batch_response(reply(&records), records.len())
                },
            ),
            Kind::DataStream => {
                mock!(aws_sdk_kinesis::Client::put_records).then_compute_response(move |input: &PutRecordsInput| {
                    assert_eq!(input.stream_name(), Some("clicks"));
                    for record in input.records() {
                        let row = Click::parse(record.data().as_ref()).unwrap();
                        assert_eq!(record.partition_key(), Some(row.curr.as_str()), "each record is one row");
                    }
                    let data = input.records().iter().map(|record| record.data().as_ref().to_vec());
                    let records: Vec<_> = data.collect();
                    put_records_response(reply(&records), records.len())
                })
            }
        };
        Self { kind, calls, rule }
    }

    /// A sender to it that does not wait long between attempts.
    fn sender(&self) -> Sender {
        let clients = SdkClients {
            firehose: mock_client!(aws_sdk_firehose, RuleMode::MatchAny, [&self.rule]),
            kinesis: mock_client!(aws_sdk_kinesis, RuleMode::MatchAny, [&self.rule]),
        };
        let backoff = Backoff { base: Duration::from_micros(100), cap: Duration::from_millis(1), attempts: 4 };
        Sender { clients, backoff }
    }

    fn plan(&self, rate: u32, source: RowSource) -> SendPlan {
        SendPlan::new(self.kind.target(), rate, source).unwrap()
    }

    async fn send(&self, rows: Vec<Click>) -> Progress {
        self.carry_out(self.plan(self.kind.target().max_rate(), RowSource::Rows(rows))).await
    }

    async fn carry_out(&self, plan: SendPlan) -> Progress {
        self.sender().send(plan, watch::Sender::new(Progress::starting(0)), CancellationToken::new()).await
    }

    fn calls(&self) -> Vec<Vec<Vec<u8>>> {
        self.calls.lock().unwrap().clone()
    }
}

fn batch_response(reply: Reply, records: usize) -> MockResponse<PutRecordBatchOutput, PutRecordBatchError> {
    let (refused, answered) = match reply {
        Reply::Taken { refused } => (refused, records),
        Reply::Short => (Vec::new(), records - 1),
        Reply::Refused { code, message } => {
            let meta = aws_sdk_firehose::error::ErrorMetadata::builder().code(code).message(message).build();
            return MockResponse::Error(PutRecordBatchError::generic(meta));
        }
    };
    let entries = (0..answered).map(|index| {
        let entry = PutRecordBatchResponseEntry::builder();
        if refused.contains(&index) {
            entry.error_code(Kind::DeliveryStream.refusal()).error_message("Slow down.").build()
        } else {
            entry.record_id(index.to_string()).build()
        }
    });
    let output = PutRecordBatchOutput::builder()
        .failed_put_count(i32::try_from(refused.len()).unwrap())
        .set_request_responses(Some(entries.collect()))
        .build();
    MockResponse::Output(output.unwrap())
}

fn put_records_response(reply: Reply, records: usize) -> MockResponse<PutRecordsOutput, PutRecordsError> {
    let (refused, answered) = match reply {
        Reply::Taken { refused } => (refused, records),
        Reply::Short => (Vec::new(), records - 1),
        Reply::Refused { code, message } => {
            let meta = aws_sdk_kinesis::error::ErrorMetadata::builder().code(code).message(message).build();
            return MockResponse::Error(PutRecordsError::generic(meta));
        }
    };
    let entries = (0..answered).map(|index| {
        let entry = PutRecordsResultEntry::builder();
        match refused.iter().position(|refused| *refused == index) {
            // The two codes that an entry may have, in turn.
            Some(place) if place % 2 == 0 => {
                entry.error_code(Kind::DataStream.refusal()).error_message("Slow down.").build()
            }
            Some(_) => entry.error_code("InternalFailure").error_message("Internal service failure.").build(),
            None => entry.sequence_number(index.to_string()).shard_id("shardId-000000000000").build(),
        }
    });
    let output = PutRecordsOutput::builder()
        .failed_record_count(i32::try_from(refused.len()).unwrap())
        .set_records(Some(entries.collect()))
        .build();
    MockResponse::Output(output.unwrap())
}

/// The answer that accepts all but some.
fn answer(records: &[Vec<u8>], refuse: impl Fn(usize) -> bool) -> Reply {
    Reply::Taken { refused: (0..records.len()).filter(|index| refuse(*index)).collect() }
}

fn all_accepted(_: usize, _: &[Vec<u8>]) -> Reply {
    Reply::Taken { refused: Vec::new() }
}

fn throttled(kind: Kind) -> Reply {
    Reply::Refused { code: kind.refusal(), message: "Slow down." }
}

fn rows(count: usize) -> Vec<Click> {
    Generator::new(7).take(count).collect()
}

fn encoded(rows: &[Click]) -> Vec<u8> {
    let mut encoded = Vec::new();
    rows.iter().for_each(|row| row.encode(&mut encoded));
    encoded
}

fn mark() -> Mark {
    "k3v5q2mzta".parse().unwrap()
}

/// Nothing is forgotten and nothing is counted twice.
fn assert_balanced(progress: &Progress) {
    assert_eq!(progress.sent.rows, progress.accepted.rows + progress.failed.rows, "{progress:?}");
    assert_eq!(progress.sent.records, progress.accepted.records + progress.failed.records, "{progress:?}");
}

#[tokio::test]
async fn every_row_arrives_in_order() {
    for kind in BOTH {
        let stream = FakeStream::new(kind, all_accepted);
        let rows = rows(1_000);
        let before = OffsetDateTime::now_utc();
        let progress = stream.send(rows.clone()).await;
        assert_eq!(progress.state, SendState::Finished);
        assert_eq!(progress.accepted.rows, 1_000);
        assert_eq!(progress.accepted, progress.sent);
        assert_eq!((progress.retried.records, progress.failed.records), (0, 0));
        let sent = stream.calls().concat().concat();
        assert_eq!(sent, encoded(&rows));
        assert_eq!(progress.bytes, sent.len() as u64);
        assert_eq!((progress.mark, progress.marks_accepted), (None, 0));
        let (first, last) = (progress.first_accepted.unwrap(), progress.last_accepted.unwrap());
        assert!(before <= first && first <= last && last <= OffsetDateTime::now_utc());
        let records = progress.accepted.records;
        match kind {
            Kind::DeliveryStream => assert!(records < 20, "{records}"),
            Kind::DataStream => assert_eq!(records, 1_000),
        }
    }
}

#[tokio::test]
async fn only_the_refused_records_are_sent_again() {
    for kind in BOTH {
        let stream = FakeStream::new(kind, |call, records| {
            answer(records, |index| match call {
                0 => index == 1 || index == 3,
                1 => index == 1,
                _ => false,
            })
        });
        let progress = stream.send(rows(400)).await;
        let calls = stream.calls();
        assert!(calls[0].len() >= 4, "{}", calls[0].len());
        assert_eq!(calls[1], [calls[0][1].clone(), calls[0][3].clone()]);
        assert_eq!(calls[2], [calls[0][3].clone()]);
        assert_eq!(calls.len(), 3);
        assert_eq!(progress.state, SendState::Finished);
        assert_eq!(progress.accepted.rows, 400);
        assert_eq!(progress.retried.records, 3);
        let lines = |record: &[u8]| record.iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(progress.retried.rows, lines(&calls[0][1]) + 2 * lines(&calls[0][3]));
        assert_eq!(progress.latest_problem, None);
        assert_balanced(&progress);
    }
}

#[tokio::test]
async fn records_that_are_refused_again_and_again_are_given_up() {
    for kind in BOTH {
        let stream = FakeStream::new(kind, |_, records| answer(records, |index| index == 0));
        let progress = stream.send(rows(400)).await;
        let calls = stream.calls();
        assert_eq!(calls.len(), 4);
        assert!(calls[1..].iter().all(|call| *call == [calls[0][0].clone()]));
        assert_eq!(progress.state, SendState::Finished);
        assert_eq!((progress.failed.records, progress.retried.records), (1, 3));
        let expected = format!("The stream refused records for now: {}: Slow down.", kind.refusal());
        assert_eq!(progress.latest_problem, Some(expected));
        assert_balanced(&progress);
    }
}

#[tokio::test]
async fn a_throttled_call_is_sent_again_as_a_whole() {
    for kind in BOTH {
        let stream = FakeStream::new(
            kind,
            move |call, records| if call < 2 { throttled(kind) } else { all_accepted(call, records) },
        );
        let progress = stream.send(rows(300)).await;
        let calls = stream.calls();
        assert_eq!(calls.len(), 3);
        assert!(calls[0] == calls[1] && calls[1] == calls[2]);
        assert_eq!(progress.retried.rows, 600);
        assert_eq!((progress.accepted.rows, progress.state), (300, SendState::Finished));
    }
}

#[tokio::test]
async fn a_stream_that_takes_nothing_ends_the_sending() {
    for kind in BOTH {
        let stream = FakeStream::new(kind, move |_, _| throttled(kind));
        let progress = stream.carry_out(stream.plan(20, RowSource::Rows(rows(60)))).await;
        let SendState::Failed { reason } = &progress.state else { panic!("{progress:?}") };
        assert!(reason.starts_with("Nothing was accepted for a while"), "{reason}");
        assert!(reason.ends_with("Slow down."), "{reason}");
        assert_eq!(progress.accepted.rows, 0);
        assert_eq!((progress.first_accepted, progress.last_accepted), (None, None));
        assert!(progress.sent.rows < 60);
        assert_balanced(&progress);
    }
}

#[tokio::test]
async fn permanent_errors_end_it_with_words_for_the_learner() {
    let cases = [
        (
            Kind::DeliveryStream,
            "ResourceNotFoundException",
            "There is no delivery stream clicks in this account and region. Create it, or correct its name.",
        ),
        (
            Kind::DataStream,
            "ResourceNotFoundException",
            "There is no data stream clicks in this account and region. Create it, or correct its name.",
        ),
        (
            Kind::DeliveryStream,
            "InvalidArgumentException",
            "The stream refused the call: InvalidArgumentException: why",
        ),
        (
            Kind::DeliveryStream,
            "AccessDeniedException",
            "These credentials may not send to clicks: they need firehose:PutRecordBatch. why",
        ),
        (
            Kind::DataStream,
            "AccessDeniedException",
            "These credentials may not send to clicks: they need kinesis:PutRecords. why",
        ),
        (Kind::DataStream, "ExpiredTokenException", "The credentials have expired. Connect again."),
        (Kind::DeliveryStream, "UnrecognizedClientException", "The credentials were not accepted. Connect again. why"),
    ];
    for (kind, code, expected) in cases {
        let stream = FakeStream::new(kind, move |_, _| Reply::Refused { code, message: "why" });
        let progress = stream.send(rows(100)).await;
        assert_eq!(progress.state, SendState::Failed { reason: expected.to_owned() });
        assert_eq!(stream.calls().len(), 1);
        assert_eq!(progress.failed.rows, progress.sent.rows);
        assert_balanced(&progress);
    }
}

#[tokio::test]
async fn an_answer_of_the_wrong_length_is_not_trusted() {
    for kind in BOTH {
        let stream = FakeStream::new(kind, |_, _| Reply::Short);
        let progress = stream.send(rows(400)).await;
        assert!(
            matches!(&progress.state, SendState::Failed { reason } if reason.starts_with("The stream answered for"))
        );
        assert_balanced(&progress);
    }
}

#[tokio::test]
async fn each_record_of_a_delivery_stream_begins_with_the_mark() {
    let stream =
        FakeStream::new(Kind::DeliveryStream, |call, records| answer(records, |index| call == 0 && index == 0));
    let progress = stream.carry_out(stream.plan(5_000, RowSource::Rows(rows(600))).marked(mark())).await;
    let row = encoded(&[mark().click()]);
    let calls = stream.calls();
    assert!(calls.concat().iter().all(|record| record.starts_with(&row)));
    let marks = calls[0].len() as u64;
    assert!(marks >= 5, "{marks}");
    assert_eq!((progress.marks_accepted, progress.mark.clone()), (marks, Some(mark())));
    // Marked rows are rows like others.
    assert_eq!((progress.accepted.rows, progress.planned_rows), (600 + marks, 600 + marks));
    assert_eq!(progress.clicks_accepted, 600 + marks);
    assert_eq!(progress.accepted.records, marks);
    assert_balanced(&progress);
}

#[tokio::test]
async fn each_call_to_a_data_stream_begins_with_the_mark() {
    // The first entry, which is the mark, is refused once; what is sent again gets no mark of its own.
    let stream = FakeStream::new(Kind::DataStream, |call, records| answer(records, |index| call == 0 && index == 0));
    let progress = stream.carry_out(stream.plan(1_000, RowSource::Rows(rows(1_000))).marked(mark())).await;
    let calls = stream.calls();
    let is_mark = |record: &Vec<u8>| Mark::from_row(record) == Some(mark());
    assert_eq!(calls[1], [calls[0][0].clone()]);
    let fresh: Vec<_> = calls.iter().enumerate().filter(|(index, _)| *index != 1).map(|(_, call)| call).collect();
    for call in &fresh {
        assert!(is_mark(&call[0]) && !call[1..].iter().any(is_mark));
        assert!(call.len() <= 500, "{}", call.len());
    }
    assert!(fresh.len() >= 3, "{}", fresh.len());
    assert_eq!(progress.marks_accepted, fresh.len() as u64);
    assert_eq!(progress.accepted.rows, 1_000 + progress.marks_accepted);
    assert_eq!(progress.planned_rows, progress.accepted.rows);
    assert_balanced(&progress);
}

#[tokio::test]
async fn a_mark_that_was_given_up_is_not_counted_as_accepted() {
    let stream = FakeStream::new(Kind::DataStream, |_, records| {
        let marked = records.iter().position(|record| Mark::from_row(record).is_some());
        Reply::Taken { refused: marked.into_iter().collect() }
    });
    let progress = stream.carry_out(stream.plan(1_000, RowSource::Rows(rows(100))).marked(mark())).await;
    assert_eq!((progress.marks_accepted, progress.accepted.rows, progress.failed.rows), (0, 100, 1));
    assert_balanced(&progress);
}

#[tokio::test]
async fn a_stop_ends_it_before_the_next_call() {
    let stop = CancellationToken::new();
    let by_first_call = stop.clone();
    let stream = FakeStream::new(Kind::DeliveryStream, move |_, records| {
        by_first_call.cancel();
        answer(records, |_| false)
    });
    let plan = stream.plan(100, RowSource::Demo { seed: 1, duration: Duration::from_secs(600) });
    let progress = stream.sender().send(plan, watch::Sender::new(Progress::starting(0)), stop).await;
    assert_eq!(progress.state, SendState::Stopped);
    assert_eq!(stream.calls().len(), 1);
    assert_eq!(progress.planned_rows, 60_000);
    assert!((1..=200).contains(&progress.accepted.rows), "{progress:?}");
    assert_balanced(&progress);
}

#[tokio::test]
async fn a_stop_ends_the_wait_for_another_attempt() {
    let stop = CancellationToken::new();
    let by_first_call = stop.clone();
    let stream = FakeStream::new(Kind::DeliveryStream, move |_, _| {
        by_first_call.cancel();
        throttled(Kind::DeliveryStream)
    });
    let hour = Duration::from_secs(3_600);
    let sender = Sender { backoff: Backoff { base: hour, cap: hour, attempts: 4 }, ..stream.sender() };
    let plan = stream.plan(5_000, RowSource::Rows(rows(100)));
    let sending = sender.send(plan, watch::Sender::new(Progress::starting(0)), stop);
    let progress = tokio::time::timeout(Duration::from_secs(10), sending).await.unwrap();
    assert_eq!((progress.state.clone(), progress.failed.rows), (SendState::Stopped, 100));
    assert_balanced(&progress);
}

#[tokio::test]
async fn tells_its_progress_while_it_goes_on() {
    let stream = FakeStream::new(Kind::DeliveryStream, all_accepted);
    let watcher = watch::Sender::new(Progress::starting(0));
    let mut progress = watcher.subscribe();
    let plan = stream.plan(100, RowSource::Demo { seed: 3, duration: Duration::from_secs(3) });
    let sender = stream.sender();
    let sending = tokio::spawn(async move { sender.send(plan, watcher, CancellationToken::new()).await });
    let begun = progress.wait_for(|progress| progress.accepted.rows > 0).await.unwrap().clone();
    assert_eq!(begun.state, SendState::Running);
    // Few of the rows are due at first, and none before its time.
    assert!((50..300).contains(&begun.accepted.rows), "{begun:?}");
    assert!(begun.accepted.rows <= begun.elapsed_ms / 10, "{begun:?}");
    let summary = sending.await.unwrap();
    assert_eq!(*progress.borrow(), summary);
    assert_eq!((summary.state, summary.accepted.rows), (SendState::Finished, 300));
    assert!(summary.elapsed_ms >= 3_000);
    assert_eq!(stream.calls().concat().concat(), encoded(&Generator::new(3).take(300).collect::<Vec<_>>()));
}

/// A configuration that speaks to a port at which nobody listens: one that was free a moment ago.
macro_rules! client_to_nobody {
    ($service:ident) => {{
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = $service::Config::builder()
            .behavior_version($service::config::BehaviorVersion::latest())
            .region($service::config::Region::new("us-east-1"))
            .credentials_provider($service::config::Credentials::for_tests())
            .endpoint_url(format!("http://127.0.0.1:{port}"))
            .build();
        $service::Client::from_conf(config)
    }};
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_is_tried_again_and_told() {
    let quick = Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(1), attempts: 3 };
    let clients =
        SdkClients { firehose: client_to_nobody!(aws_sdk_firehose), kinesis: client_to_nobody!(aws_sdk_kinesis) };
    let sender = Sender { clients, backoff: quick };
    for kind in BOTH {
        let plan = SendPlan::new(kind.target(), 2, RowSource::Rows(rows(60))).unwrap();
        let progress = sender.send(plan, watch::Sender::new(Progress::starting(0)), CancellationToken::new()).await;
        let expected =
            "Nothing was accepted for a while, so the sending ended. The stream's endpoint cannot be reached.";
        assert_eq!(progress.state, SendState::Failed { reason: expected.to_owned() });
        assert_eq!(progress.retried.records, 6);
        assert_balanced(&progress);
    }
}

/// Real rows where they are at hand, since they are not part of the project; otherwise as many made-up ones.
#[tokio::test]
async fn a_file_of_rows_arrives_byte_for_byte() {
    let real = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/enwiki-top-pairs.tsv");
    let file = std::fs::read(real).unwrap_or_else(|_| encoded(&rows(300)));
    for kind in BOTH {
        let upload = parse_upload(&file).unwrap();
        assert_eq!((upload.rows.len(), upload.bad_line_count), (300, 0));
        let stream = FakeStream::new(kind, all_accepted);
        let progress = stream.send(upload.rows).await;
        assert_eq!(progress.accepted.rows, 300);
        assert_eq!(stream.calls().concat().concat(), file);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_row_is_accepted_or_reported_failed_exactly_once(
        kind in prop_oneof![Just(Kind::DeliveryStream), Just(Kind::DataStream)],
        is_marked: bool,
        count in 1usize..2_400,
        // What each call comes to: refusals by the bits of a number, or a throttled call.
        script in proptest::collection::vec(proptest::option::weighted(0.8, any::<u64>()), 1..12),
    ) {
        // On a clock that goes on as soon as there is nothing left to do.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let accepted: Arc<Mutex<HashMap<Vec<u8>, u32>>> = Arc::default();
        let taken = accepted.clone();
        let stream = FakeStream::new(kind, move |call, records| {
            let bits = match script.get(call) {
                Some(None) => return throttled(kind),
                Some(Some(bits)) => *bits,
                None => 0,
            };
            let is_refused = |index: usize| bits >> (index % 64) & 1 == 1;
            for (index, record) in records.iter().enumerate() {
                if !is_refused(index) {
                    *taken.lock().unwrap().entry(record.clone()).or_default() += 1;
                }
            }
            answer(records, is_refused)
        });
        // Distinct rows, so that a record that came twice would show.
        let rows: Vec<Click> = (0..count)
            .map(|index| Click { prev: format!("page_{index}"), ..Generator::new(index as u64).next_click() })
            .collect();
        let plan = stream.plan(kind.target().max_rate(), RowSource::Rows(rows));
        let plan = if is_marked { plan.marked(mark()) } else { plan };
        let progress = runtime.block_on(stream.carry_out(plan));
        prop_assert_eq!(progress.sent.rows, progress.accepted.rows + progress.failed.rows);
        prop_assert_eq!(progress.sent.records, progress.accepted.records + progress.failed.records);
        let accepted = accepted.lock().unwrap();
        let is_lone_mark = |record: &Vec<u8>| Mark::from_row(record).is_some();
        prop_assert!(accepted.iter().all(|(record, times)| *times == 1 || is_lone_mark(record)));
        let times = |count: &dyn Fn(&Vec<u8>) -> usize| -> u64 {
            accepted.iter().map(|(record, times)| count(record) as u64 * u64::from(*times)).sum()
        };
        prop_assert_eq!(times(&|_| 1), progress.accepted.records);
        prop_assert_eq!(times(&|record| record.split_inclusive(|byte| *byte == b'\n').count()), progress.accepted.rows);
        prop_assert_eq!(times(&|record| record.len()), progress.bytes);
        let marks_in = |record: &Vec<u8>| {
            record.split_inclusive(|byte| *byte == b'\n').filter(|line| Mark::from_row(line).is_some()).count()
        };
        prop_assert_eq!(times(&marks_in), progress.marks_accepted);
        if progress.state == SendState::Finished {
            prop_assert_eq!(progress.sent.rows, progress.planned_rows);
            prop_assert_eq!(progress.planned_rows > count as u64, is_marked);
        }
        for call in stream.calls() {
            prop_assert!(call.len() <= 500);
        }
    }
}
