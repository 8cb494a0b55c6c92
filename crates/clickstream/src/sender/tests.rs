use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_sdk_firehose::error::ErrorMetadata;
use aws_sdk_firehose::operation::put_record_batch::PutRecordBatchInput;
use aws_sdk_firehose::types::PutRecordBatchResponseEntry;
use aws_sdk_firehose::types::error::{ResourceNotFoundException, ServiceUnavailableException};
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};
use proptest::prelude::*;

use super::*;
use crate::parse_upload;

type Response = MockResponse<PutRecordBatchOutput, PutRecordBatchError>;

/// A delivery stream that answers each call as `respond` says and remembers what it was sent.
struct FakeStream {
    calls: Arc<Mutex<Vec<Vec<Vec<u8>>>>>,
    rule: Rule,
}

impl FakeStream {
    /// `respond` gets the number of the call, from 0, and its records.
    fn new(respond: impl Fn(usize, &[Vec<u8>]) -> Response + Send + Sync + 'static) -> Self {
        let calls: Arc<Mutex<Vec<Vec<Vec<u8>>>>> = Arc::default();
        let seen = calls.clone();
        let rule = mock!(Client::put_record_batch).then_compute_response(move |input: &PutRecordBatchInput| {
            assert_eq!(input.delivery_stream_name(), Some("clicks"));
            let records: Vec<Vec<u8>> = input.records().iter().map(|record| record.data().as_ref().to_vec()).collect();
            let mut calls = seen.lock().unwrap();
            calls.push(records.clone());
            respond(calls.len() - 1, &records)
        });
        Self { calls, rule }
    }

    /// A sender to it that does not wait long between attempts.
    fn sender(&self) -> Sender {
        let client = mock_client!(aws_sdk_firehose, RuleMode::MatchAny, [&self.rule]);
        let backoff = Backoff { base: Duration::from_micros(100), cap: Duration::from_millis(1), attempts: 4 };
        Sender { client, backoff }
    }

    async fn send(&self, rows: Vec<Click>) -> Progress {
        let plan = SendPlan::new("clicks", 5_000, RowSource::Rows(rows)).unwrap();
        self.sender().send(plan, watch::Sender::new(Progress::starting(0)), CancellationToken::new()).await
    }

    fn calls(&self) -> Vec<Vec<Vec<u8>>> {
        self.calls.lock().unwrap().clone()
    }
}

/// The answer that accepts all but some.
fn answer(records: &[Vec<u8>], refuse: impl Fn(usize) -> bool) -> Response {
    let entries = (0..records.len()).map(|index| {
        let entry = PutRecordBatchResponseEntry::builder();
        if refuse(index) {
            entry.error_code("ServiceUnavailableException").error_message("Slow down.").build()
        } else {
            entry.record_id(index.to_string()).build()
        }
    });
    let failed = (0..records.len()).filter(|index| refuse(*index)).count();
    let output = PutRecordBatchOutput::builder()
        .failed_put_count(i32::try_from(failed).unwrap())
        .set_request_responses(Some(entries.collect()))
        .build();
    MockResponse::Output(output.unwrap())
}

/// A refused call, with a code as services send it.
fn refused(code: &str, message: &str) -> Response {
    let meta = ErrorMetadata::builder().code(code).message(message).build();
    MockResponse::Error(match code {
        "ServiceUnavailableException" => {
            let error = ServiceUnavailableException::builder().message(message).meta(meta).build();
            PutRecordBatchError::ServiceUnavailableException(error)
        }
        "ResourceNotFoundException" => {
            let error = ResourceNotFoundException::builder().message(message).meta(meta).build();
            PutRecordBatchError::ResourceNotFoundException(error)
        }
        _ => PutRecordBatchError::generic(meta),
    })
}

fn throttled() -> Response {
    refused("ServiceUnavailableException", "Slow down.")
}

fn rows(count: usize) -> Vec<Click> {
    Generator::new(7).take(count).collect()
}

fn encoded(rows: &[Click]) -> Vec<u8> {
    let mut encoded = Vec::new();
    rows.iter().for_each(|row| row.encode(&mut encoded));
    encoded
}

/// Nothing is forgotten and nothing is counted twice.
fn assert_balanced(progress: &Progress) {
    assert_eq!(progress.sent.rows, progress.accepted.rows + progress.failed.rows, "{progress:?}");
    assert_eq!(progress.sent.records, progress.accepted.records + progress.failed.records, "{progress:?}");
}

#[tokio::test]
async fn every_row_arrives_in_order() {
    let stream = FakeStream::new(|_, records| answer(records, |_| false));
    let rows = rows(1_000);
    let progress = stream.send(rows.clone()).await;
    assert_eq!(progress.state, SendState::Finished);
    assert_eq!(progress.accepted.rows, 1_000);
    assert_eq!(progress.accepted, progress.sent);
    assert_eq!((progress.retried.records, progress.failed.records), (0, 0));
    let sent = stream.calls().concat().concat();
    assert_eq!(sent, encoded(&rows));
    assert_eq!(progress.bytes, sent.len() as u64);
}

#[tokio::test]
async fn only_the_refused_records_are_sent_again() {
    let stream = FakeStream::new(|call, records| {
        answer(records, |index| match call {
            0 => index == 1 || index == 3,
            1 => index == 1,
            _ => false,
        })
    });
    let progress = stream.send(rows(600)).await;
    let calls = stream.calls();
    assert!(calls[0].len() >= 5, "{}", calls[0].len());
    assert_eq!(calls[1], [calls[0][1].clone(), calls[0][3].clone()]);
    assert_eq!(calls[2], [calls[0][3].clone()]);
    assert_eq!(calls.len(), 3);
    assert_eq!(progress.state, SendState::Finished);
    assert_eq!(progress.accepted.rows, 600);
    assert_eq!(progress.retried.records, 3);
    let lines = |record: &[u8]| record.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert_eq!(progress.retried.rows, lines(&calls[0][1]) + 2 * lines(&calls[0][3]));
    assert_eq!(progress.latest_problem, None);
    assert_balanced(&progress);
}

#[tokio::test]
async fn records_that_are_refused_again_and_again_are_given_up() {
    let stream = FakeStream::new(|_, records| answer(records, |index| index == 0));
    let progress = stream.send(rows(600)).await;
    let calls = stream.calls();
    assert_eq!(calls.len(), 4);
    assert!(calls[1..].iter().all(|call| *call == [calls[0][0].clone()]));
    assert_eq!(progress.state, SendState::Finished);
    assert_eq!((progress.failed.records, progress.retried.records), (1, 3));
    assert_eq!(
        progress.latest_problem.as_deref(),
        Some("The stream refused records for now: ServiceUnavailableException: Slow down.")
    );
    assert_balanced(&progress);
}

#[tokio::test]
async fn a_throttled_call_is_sent_again_as_a_whole() {
    let stream = FakeStream::new(|call, records| if call < 2 { throttled() } else { answer(records, |_| false) });
    let progress = stream.send(rows(300)).await;
    let calls = stream.calls();
    assert_eq!(calls.len(), 3);
    assert!(calls[0] == calls[1] && calls[1] == calls[2]);
    assert_eq!(progress.retried.rows, 600);
    assert_eq!((progress.accepted.rows, progress.state), (300, SendState::Finished));
}

#[tokio::test]
async fn a_stream_that_takes_nothing_ends_the_sending() {
    let stream = FakeStream::new(|_, _| throttled());
    let plan = SendPlan::new("clicks", 20, RowSource::Rows(rows(60))).unwrap();
    let progress =
        stream.sender().send(plan, watch::Sender::new(Progress::starting(0)), CancellationToken::new()).await;
    let SendState::Failed { reason } = &progress.state else { panic!("{progress:?}") };
    assert!(reason.starts_with("Nothing was accepted for a while"), "{reason}");
    assert!(reason.ends_with("Slow down."), "{reason}");
    assert_eq!(progress.accepted.rows, 0);
    assert!(progress.sent.rows < 60);
    assert_balanced(&progress);
}

#[tokio::test]
async fn permanent_errors_end_it_with_words_for_the_learner() {
    let cases = [
        (
            "ResourceNotFoundException",
            "There is no delivery stream clicks in this account and region. Create it, or correct its name.",
        ),
        ("InvalidArgumentException", "The stream refused the call: InvalidArgumentException: why"),
        ("AccessDeniedException", "These credentials may not send to clicks: they need firehose:PutRecordBatch. why"),
        ("ExpiredTokenException", "The credentials have expired. Connect again."),
        ("UnrecognizedClientException", "The credentials were not accepted. Connect again. why"),
    ];
    for (code, expected) in cases {
        let stream = FakeStream::new(move |_, _| refused(code, "why"));
        let progress = stream.send(rows(100)).await;
        assert_eq!(progress.state, SendState::Failed { reason: expected.to_owned() });
        assert_eq!(stream.calls().len(), 1);
        assert_eq!(progress.failed.rows, progress.sent.rows);
        assert_balanced(&progress);
    }
}

#[tokio::test]
async fn an_answer_of_the_wrong_length_is_not_trusted() {
    let stream = FakeStream::new(|_, records| answer(&records[1..], |_| false));
    let progress = stream.send(rows(600)).await;
    assert!(matches!(&progress.state, SendState::Failed { reason } if reason.starts_with("The stream answered for")));
    assert_balanced(&progress);
}

#[tokio::test]
async fn a_stop_ends_it_before_the_next_call() {
    let stop = CancellationToken::new();
    let by_first_call = stop.clone();
    let stream = FakeStream::new(move |_, records| {
        by_first_call.cancel();
        answer(records, |_| false)
    });
    let plan = SendPlan::new("clicks", 100, RowSource::Demo { seed: 1, duration: Duration::from_secs(600) }).unwrap();
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
    let stream = FakeStream::new(move |_, _| {
        by_first_call.cancel();
        throttled()
    });
    let hour = Duration::from_secs(3_600);
    let sender = Sender { backoff: Backoff { base: hour, cap: hour, attempts: 4 }, ..stream.sender() };
    let plan = SendPlan::new("clicks", 5_000, RowSource::Rows(rows(100))).unwrap();
    let sending = sender.send(plan, watch::Sender::new(Progress::starting(0)), stop);
    let progress = tokio::time::timeout(Duration::from_secs(10), sending).await.unwrap();
    assert_eq!((progress.state.clone(), progress.failed.rows), (SendState::Stopped, 100));
    assert_balanced(&progress);
}

#[tokio::test]
async fn tells_its_progress_while_it_goes_on() {
    let stream = FakeStream::new(|_, records| answer(records, |_| false));
    let watcher = watch::Sender::new(Progress::starting(0));
    let mut progress = watcher.subscribe();
    let plan = SendPlan::new("clicks", 100, RowSource::Demo { seed: 3, duration: Duration::from_secs(3) }).unwrap();
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

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_is_tried_again_and_told() {
    // A port that was free a moment ago: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = aws_sdk_firehose::Config::builder()
        .behavior_version(aws_sdk_firehose::config::BehaviorVersion::latest())
        .region(aws_sdk_firehose::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_firehose::config::Credentials::for_tests())
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .build();
    let quick = Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(1), attempts: 3 };
    let sender = Sender { client: Client::from_conf(config), backoff: quick };
    let plan = SendPlan::new("clicks", 2, RowSource::Rows(rows(60))).unwrap();
    let progress = sender.send(plan, watch::Sender::new(Progress::starting(0)), CancellationToken::new()).await;
    let expected = "Nothing was accepted for a while, so the sending ended. The stream's endpoint cannot be reached.";
    assert_eq!(progress.state, SendState::Failed { reason: expected.to_owned() });
    assert_eq!(progress.retried.records, 6);
    assert_balanced(&progress);
}

/// Real rows where they are at hand, since they are not part of the project; otherwise as many made-up ones.
#[tokio::test]
async fn a_file_of_rows_arrives_byte_for_byte() {
    let real = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/enwiki-top-pairs.tsv");
    let file = std::fs::read(real).unwrap_or_else(|_| encoded(&rows(300)));
    let upload = parse_upload(&file).unwrap();
    assert_eq!((upload.rows.len(), upload.bad_line_count), (300, 0));
    let stream = FakeStream::new(|_, records| answer(records, |_| false));
    let progress = stream.send(upload.rows).await;
    assert_eq!(progress.accepted.rows, 300);
    assert_eq!(stream.calls().concat().concat(), file);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_row_is_accepted_or_reported_failed_exactly_once(
        count in 1usize..2_400,
        // What each call comes to: refusals by the bits of a number, or a throttled call.
        script in proptest::collection::vec(proptest::option::weighted(0.8, any::<u64>()), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let accepted: Arc<Mutex<HashMap<Vec<u8>, u32>>> = Arc::default();
        let taken = accepted.clone();
        let stream = FakeStream::new(move |call, records| match script.get(call) {
            Some(None) => throttled(),
            Some(Some(bits)) => {
                for (index, record) in records.iter().enumerate() {
                    if bits >> (index % 64) & 1 == 0 {
                        *taken.lock().unwrap().entry(record.clone()).or_default() += 1;
                    }
                }
                answer(records, |index| bits >> (index % 64) & 1 == 1)
            }
            None => {
                let mut taken = taken.lock().unwrap();
                records.iter().for_each(|record| *taken.entry(record.clone()).or_default() += 1);
                answer(records, |_| false)
            }
        });
        // Distinct rows, so that a record that came twice would show.
        let rows: Vec<Click> = (0..count)
            .map(|index| Click { prev: format!("page_{index}"), ..Generator::new(index as u64).next_click() })
            .collect();
        let progress = runtime.block_on(stream.send(rows));
        prop_assert_eq!(progress.sent.rows, progress.accepted.rows + progress.failed.rows);
        prop_assert_eq!(progress.sent.records, progress.accepted.records + progress.failed.records);
        let accepted = accepted.lock().unwrap();
        prop_assert!(accepted.values().all(|times| *times == 1));
        prop_assert_eq!(accepted.len() as u64, progress.accepted.records);
        let lines: usize = accepted.keys().map(|record| record.iter().filter(|byte| **byte == b'\n').count()).sum();
        prop_assert_eq!(lines as u64, progress.accepted.rows);
        prop_assert_eq!(accepted.keys().map(|record| record.len() as u64).sum::<u64>(), progress.bytes);
        if progress.state == SendState::Finished {
            prop_assert_eq!(progress.sent.rows, count as u64);
        }
        let first_sent: std::collections::HashSet<Vec<u8>> = stream.calls().concat().into_iter().collect();
        prop_assert_eq!(first_sent.len() as u64, progress.sent.records);
    }
}
