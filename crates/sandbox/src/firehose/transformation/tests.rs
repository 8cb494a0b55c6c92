use std::sync::Mutex;
use std::time::Duration;

use super::*;

type Answering = dyn Fn(usize, &Value) -> Result<Invocation, AwsError> + Send + Sync;

/// A function that answers as it is told; counts its invocations from 1 and keeps the events.
struct FakeFunction {
    answer: Box<Answering>,
    events: Mutex<Vec<Value>>,
}

#[async_trait]
impl Invoke for FakeFunction {
    async fn invoke(&self, _scope: &Scope, function: &str, payload: Bytes) -> Result<Invocation, AwsError> {
        assert_eq!(function, ARN);
        let event: Value = serde_json::from_slice(&payload).unwrap();
        let count = {
            let mut events = self.events.lock().unwrap();
            events.push(event.clone());
            events.len()
        };
        (self.answer)(count, &event)
    }
}

const ARN: &str = "arn:aws:lambda:us-east-1:111122223333:function:clean";

fn function(answer: impl Fn(usize, &Value) -> Result<Invocation, AwsError> + Send + Sync + 'static) -> FakeFunction {
    FakeFunction { answer: Box::new(answer), events: Mutex::default() }
}

fn invocation(payload: impl Into<Bytes>, function_error: Option<&str>) -> Result<Invocation, AwsError> {
    Ok(Invocation {
        payload: payload.into(),
        function_error: function_error.map(str::to_owned),
        log_tail: Bytes::new(),
        executed_version: "$LATEST".to_owned(),
    })
}

/// Answers with what `each` makes of every record: none, one or several records.
fn answering(each: impl Fn(usize, &Value) -> Vec<Value> + Send + Sync + 'static) -> FakeFunction {
    function(move |_, event| {
        let records = event["records"].as_array().unwrap();
        let answers: Vec<Value> = records.iter().enumerate().flat_map(|(index, record)| each(index, record)).collect();
        invocation(json!({"records": answers}).to_string(), None)
    })
}

fn transformation(retries: &str) -> Transformation {
    let parameter = |name: &str, value: &str| ProcessorParameter {
        parameter_name: name.to_owned(),
        parameter_value: value.to_owned(),
    };
    let parameters = vec![parameter("LambdaArn", ARN), parameter("NumberOfRetries", retries)];
    let processor = Processor { kind: "Lambda".to_owned(), parameters };
    Transformation::from_processors(&[processor]).unwrap().unwrap()
}

fn records(data: &[&str]) -> Vec<LogRecord> {
    (40..)
        .zip(data)
        .map(|(sequence, data)| LogRecord {
            sequence,
            arrival_ms: 1_000 + sequence,
            data: Bytes::copy_from_slice(data.as_bytes()),
            origin: None,
        })
        .collect()
}

async fn apply(function: &FakeFunction, retries: &str, data: &[&str]) -> (String, Vec<Value>) {
    let scope = Scope { account: "111122223333".parse().unwrap(), region: "us-east-1".parse().unwrap() };
    let clock = Clock::manual(time::OffsetDateTime::from_unix_timestamp(2_000).unwrap());
    let arn = scope.arn("firehose", "deliverystream/clicks");
    let streams = StreamArns { delivery: &arn, source: None };
    let transformed = transformation(retries)
        .apply(function, &scope, streams, &records(data), &clock, Duration::from_millis(1))
        .await;
    let failed = String::from_utf8(transformed.failed).unwrap();
    let failed = failed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (String::from_utf8(transformed.delivered).unwrap(), failed)
}

fn ok(record: &Value, data: &str) -> Value {
    json!({"recordId": record["recordId"], "result": "Ok", "data": BASE64_STANDARD.encode(data)})
}

#[tokio::test]
async fn the_event_is_as_firehose_sends_it() {
    let echo =
        answering(|_, record| vec![json!({"recordId": record["recordId"], "result": "Ok", "data": record["data"]})]);
    let (delivered, failed) = apply(&echo, "3", &["a\n", "ä\n"]).await;
    assert_eq!((delivered.as_str(), failed.len()), ("a\nä\n", 0));
    insta::assert_json_snapshot!(echo.events.lock().unwrap()[0], {".invocationId" => "[uuid]"}, @r#"
    {
      "invocationId": "[uuid]",
      "deliveryStreamArn": "arn:aws:firehose:us-east-1:111122223333:deliverystream/clicks",
      "region": "us-east-1",
      "records": [
        {
          "recordId": "00000000000000000000000000000000000000000000000000000040000000",
          "approximateArrivalTimestamp": 1040,
          "data": "YQo="
        },
        {
          "recordId": "00000000000000000000000000000000000000000000000000000041000000",
          "approximateArrivalTimestamp": 1041,
          "data": "w6QK"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn each_record_has_its_own_result() {
    let mixed = answering(|index, record| match index {
        0 => vec![ok(record, "first\n")],
        1 => vec![json!({"recordId": record["recordId"], "result": "Dropped"})],
        2 => vec![json!({"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]})],
        3 => vec![],
        4 => vec![ok(record, "x"), ok(record, "x")],
        5 => vec![json!({"recordId": record["recordId"], "result": "OK", "data": record["data"]})],
        6 => vec![json!({"recordId": record["recordId"], "result": "Ok", "data": "not base64!"})],
        _ => vec![ok(record, "last\n")],
    });
    let (delivered, failed) = apply(&mixed, "3", &["0", "1", "2", "3", "4", "5", "6", "7"]).await;
    assert_eq!(delivered, "first\nlast\n");
    let codes: Vec<&str> = failed.iter().map(|line| line["errorCode"].as_str().unwrap()).collect();
    assert_eq!(
        codes,
        [
            "Lambda.ProcessingFailedStatus",
            "Lambda.MissingRecordId",
            "Lambda.DuplicatedRecordId",
            "Lambda.JsonProcessingException",
            "Lambda.JsonProcessingException",
        ]
    );
    assert_eq!(mixed.events.lock().unwrap().len(), 1);
    insta::assert_json_snapshot!(failed[0], @r#"
    {
      "attemptsMade": 1,
      "arrivalTimestamp": 1042,
      "errorCode": "Lambda.ProcessingFailedStatus",
      "errorMessage": "ProcessingFailed status set for record.",
      "attemptEndingTimestamp": 2000000,
      "rawData": "Mg==",
      "lambdaArn": "arn:aws:lambda:us-east-1:111122223333:function:clean"
    }
    "#);
}

#[tokio::test]
async fn the_order_of_the_answer_does_not_matter() {
    let reversed = function(|_, event| {
        let records = event["records"].as_array().unwrap();
        let answers: Vec<Value> = records
            .iter()
            .rev()
            .map(|record| json!({"recordId": record["recordId"], "result": "Ok", "data": record["data"]}))
            .collect();
        invocation(json!({"records": answers}).to_string(), None)
    });
    assert_eq!(apply(&reversed, "3", &["a", "b", "c"]).await, ("abc".to_owned(), Vec::new()));
}

#[tokio::test]
async fn a_failed_invocation_is_tried_again_with_the_same_records() {
    let recovering = function(|count, event| match count {
        1 => invocation("{}", Some("Unhandled")),
        2 => Err(AwsError::client("TooManyRequestsException", "Rate Exceeded.")),
        _ => {
            let record = &event["records"][0];
            invocation(json!({"records": [ok(record, "done")]}).to_string(), None)
        }
    });
    assert_eq!(apply(&recovering, "2", &["a"]).await, ("done".to_owned(), Vec::new()));
    let events = recovering.events.lock().unwrap();
    assert!(events.iter().all(|event| event["records"] == events[0]["records"]));
    assert_ne!(events[0]["invocationId"], events[1]["invocationId"]);
}

#[tokio::test]
async fn after_the_last_retry_the_whole_batch_has_failed() {
    for (retries, attempts) in [("3", 4), ("0", 1)] {
        let failing = function(|_, _| invocation("{\"errorMessage\": \"no\"}", Some("Unhandled")));
        let (delivered, failed) = apply(&failing, retries, &["a", "b"]).await;
        assert_eq!(delivered, "");
        assert_eq!(failed.len(), 2);
        assert_eq!(failed[1]["errorCode"], "Lambda.FunctionError");
        assert_eq!(failed[1]["attemptsMade"], attempts);
        assert_eq!(failed[1]["rawData"], "Yg==");
        assert_eq!(failing.events.lock().unwrap().len(), attempts);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_is_not_asked_for_again() {
    for payload in ["null", "{\"records\": 1}", "<html>", "{\"records\": [{\"recordId\": 1}]}"] {
        let nonsense = function(move |_, _| invocation(payload, None));
        let (_, failed) = apply(&nonsense, "3", &["a"]).await;
        assert_eq!(failed[0]["errorCode"], "Lambda.JsonProcessingException");
        assert_eq!(failed[0]["attemptsMade"], 1);
    }
}

#[tokio::test]
async fn errors_of_the_service_have_their_codes() {
    for (code, expected) in [
        ("ResourceNotFoundException", "Lambda.ResourceNotFound"),
        ("TooManyRequestsException", "Lambda.InvokeLimitExceeded"),
        ("ServiceException", "Lambda.ServiceException"),
    ] {
        let refusing = function(move |_, _| Err(AwsError::client(code, "no")));
        assert_eq!(apply(&refusing, "0", &["a"]).await.1[0]["errorCode"], expected);
    }
}

#[test]
fn parameters_are_checked() {
    let read = |parameters: &[(&str, &str)]| {
        let parameters = parameters
            .iter()
            .map(|(name, value)| json!({"ParameterName": name, "ParameterValue": value}))
            .collect::<Vec<_>>();
        let processor: Processor = serde_json::from_value(json!({"Type": "Lambda", "Parameters": parameters})).unwrap();
        Transformation::from_processors(&[processor]).map_err(|error| error.message)
    };
    let arn = ("LambdaArn", ARN);
    assert_eq!(read(&[arn, ("BufferSizeInMBs", "0.2")]).unwrap().unwrap().buffer_bytes(), 209_715);
    assert_eq!(read(&[arn]).unwrap().unwrap().buffer_bytes(), 1024 * 1024);
    for (wrong, message) in [
        (vec![], "LambdaArn must be specified"),
        (vec![("LambdaArn", "clean")], "must be an ARN"),
        (vec![arn, arn], "more than once"),
        (vec![arn, ("NumberOfRetries", "301")], "from 0 to 300"),
        (vec![arn, ("BufferSizeInMBs", "3.1")], "from 0.2 to 3"),
        (vec![arn, ("BufferIntervalInSeconds", "-1")], "from 0 to 900"),
        (vec![arn, ("Delimiter", "x")], "not one of type Lambda"),
    ] {
        assert!(read(&wrong).unwrap_err().contains(message), "{message}");
    }
    let other: Processor = serde_json::from_value(json!({"Type": "AppendDelimiterToRecord"})).unwrap();
    assert!(Transformation::from_processors(&[other]).unwrap_err().message.contains("AppendDelimiterToRecord"));
}
