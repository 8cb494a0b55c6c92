//! Lambda as its clients see it: the Rust SDK, the `aws` CLI and boto3, with real Python behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, InvocationType, LogType, Runtime, State};
use common::TestSandbox;
use common::functions::{answer, create_function, function_role, invoke_function, log, wait_until_active, zip};
use serde_json::{Value, json};

/// A sandbox with a function `Function`, `timeout` in seconds, that is ready to be invoked.
async fn with_function(source: &str, timeout: i32) -> (TestSandbox, Client) {
    let sandbox = TestSandbox::start().await;
    let lambda = Client::new(&sandbox.sdk());
    let role = function_role(&sandbox.sdk()).await;
    create_function(&lambda, &role, "Function", source, timeout).await;
    (sandbox, lambda)
}

async fn invoke(lambda: &Client, payload: Value) -> InvokeOutput {
    invoke_function(lambda, "Function", &payload).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_python_and_keeps_it_warm() {
    let (sandbox, lambda) = with_function(
        r#"
import os, sys
print("loading")
calls = 0
def handler(event, context):
    global calls
    calls += 1
    print("to stdout")
    print("to stderr", file=sys.stderr)
    return {
        "event": event, "calls": calls, "table": os.environ["TABLE_NAME"], "name": context.function_name,
        "arn": context.invoked_function_arn, "left": 0 < context.get_remaining_time_in_millis() <= 30000,
        "id": context.aws_request_id, "memory": context.memory_limit_in_mb, "cwd": os.getcwd(),
    }
"#,
        30,
    )
    .await;
    let first = invoke(&lambda, json!({ "clicks": [1, "é"] })).await;
    assert_eq!(first.status_code(), 200);
    assert_eq!(first.function_error(), None);
    assert_eq!(first.executed_version(), Some("$LATEST"));
    let body = answer(&first);
    assert_eq!(body["event"], json!({ "clicks": [1, "é"] }));
    assert_eq!(body["table"], "counts");
    assert_eq!(body["name"], "Function");
    assert_eq!(body["arn"], format!("arn:aws:lambda:us-east-1:{}:function:Function", sandbox.account));
    assert_eq!(body["left"], true);
    assert_eq!(body["memory"], "128");
    assert_eq!(body["cwd"], "/var/task");
    let text = log(&first);
    let id = body["id"].as_str().unwrap();
    for part in ["loading\n", "to stdout\n", "to stderr\n", "Init Duration: ", "Memory Size: 128 MB\tMax Memory Used: "]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains(&format!("START RequestId: {id} Version: $LATEST\n")), "{text}");
    assert!(text.contains(&format!("END RequestId: {id}\nREPORT RequestId: {id}\tDuration: ")), "{text}");
    for calls in 2..=5 {
        let next = invoke(&lambda, json!({})).await;
        assert_eq!(answer(&next)["calls"], calls);
        assert!(!log(&next).contains("Init Duration"));
        assert!(!log(&next).contains("loading"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_errors_of_the_function_as_aws_does() {
    let (_sandbox, lambda) = with_function(
        r#"
import os, datetime, time
def handler(event, context):
    if event == "raise":
        raise ValueError("no such page")
    if event == "marshal":
        return datetime.datetime.now()
    if event == "exit":
        print("leaving")
        os._exit(3)
    if event == "leave":
        os._exit(0)
    if event == "signal":
        os.kill(os.getpid(), 11)
    if event == "sleep":
        time.sleep(60)
    if event == "big":
        return "x" * 7_000_000
    return "well"
"#,
        1,
    )
    .await;

    let raised = invoke(&lambda, json!("raise")).await;
    assert_eq!(raised.function_error(), Some("Unhandled"));
    let body = answer(&raised);
    assert_eq!((&body["errorType"], &body["errorMessage"]), (&json!("ValueError"), &json!("no such page")));
    assert!(body["stackTrace"][0].as_str().unwrap().contains("/var/task/lambda_function.py"));
    assert!(log(&raised).contains("[ERROR] ValueError: no such page\rTraceback"));

    let marshal = answer(&invoke(&lambda, json!("marshal")).await);
    assert_eq!(marshal["errorType"], "Runtime.MarshalError");

    let exited = invoke(&lambda, json!("exit")).await;
    assert_eq!(exited.function_error(), Some("Unhandled"));
    let body = answer(&exited);
    assert_eq!(body["errorType"], "Runtime.ExitError");
    let message = body["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("RequestId: "), "{message}");
    assert!(message.ends_with(" Error: Runtime exited with error: exit status 3"), "{message}");
    assert!(log(&exited).contains("leaving\n"));
    assert!(log(&exited).contains("Status: error\tError Type: Runtime.ExitError"));

    let left = answer(&invoke(&lambda, json!("leave")).await);
    assert!(left["errorMessage"].as_str().unwrap().ends_with("Runtime exited without providing a reason"));
    let signal = answer(&invoke(&lambda, json!("signal")).await);
    assert!(signal["errorMessage"].as_str().unwrap().ends_with("signal: segmentation fault"), "{signal}");

    let slept = invoke(&lambda, json!("sleep")).await;
    let body = answer(&slept);
    assert_eq!(body["errorType"], "Sandbox.Timedout");
    assert!(body["errorMessage"].as_str().unwrap().ends_with("Error: Task timed out after 1.00 seconds"), "{body}");
    assert!(log(&slept).contains("Task timed out after 1.00 seconds"));
    assert!(log(&slept).contains("Duration: 1000.00 ms"));

    let big = answer(&invoke(&lambda, json!("big")).await);
    assert_eq!(big["errorType"], "Function.ResponseSizeTooLarge");

    assert_eq!(answer(&invoke(&lambda, json!("anything")).await), "well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_errors_of_loading_as_aws_does() {
    let sandbox = TestSandbox::start().await;
    let lambda = Client::new(&sandbox.sdk());
    let role = function_role(&sandbox.sdk()).await;
    for (name, source, error_type, message) in [
        (
            "Imports",
            "import pandas",
            "Runtime.ImportModuleError",
            "Unable to import module 'lambda_function': No module named 'pandas'",
        ),
        (
            "Nothing",
            "def lambda_handler(event, context): pass",
            "Runtime.HandlerNotFound",
            "Handler 'handler' missing on module 'lambda_function'",
        ),
        ("Syntax", "def handler(", "Runtime.UserCodeSyntaxError", "Syntax error in module 'lambda_function'"),
        ("Raises", "raise RuntimeError('at import')", "RuntimeError", "at import"),
        ("Exits", "import os; os._exit(7)", "Runtime.ExitError", "Runtime exited with error: exit status 7"),
    ] {
        create_function(&lambda, &role, name, source, 5).await;
        let output = lambda.invoke().function_name(name).log_type(LogType::Tail).send().await.unwrap();
        assert_eq!(output.function_error(), Some("Unhandled"), "{name}");
        let body = answer(&output);
        assert_eq!(body["errorType"], error_type, "{name}: {body}");
        assert!(body["errorMessage"].as_str().unwrap().contains(message), "{name}: {body}");
        assert!(log(&output).contains("END RequestId"), "{name}: {}", log(&output));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_uses_the_sandbox_as_its_role() {
    let (sandbox, lambda) = with_function(
        r#"
import boto3, os
def handler(event, context):
    who = boto3.client("sts").get_caller_identity()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=event["bucket"])
    s3.put_object(Bucket=event["bucket"], Key="from/lambda", Body=b"x" * 300_000)
    return {"who": who["Arn"], "size": s3.head_object(Bucket=event["bucket"], Key="from/lambda")["ContentLength"],
            "region": os.environ["AWS_REGION"]}
"#,
        30,
    )
    .await;
    let bucket = format!("clickstream-{}", sandbox.account);
    let output = invoke(&lambda, json!({ "bucket": bucket })).await;
    assert_eq!(
        answer(&output),
        json!({
            "who": format!("arn:aws:sts::{}:assumed-role/HeadwaterLambdaRole/Function", sandbox.account),
            "size": 300_000,
            "region": "us-east-1",
        }),
        "{}",
        log(&output),
    );
    let s3 = aws_sdk_s3::Client::new(&sandbox.sdk());
    let object = s3.get_object().bucket(&bucket).key("from/lambda").send().await.unwrap();
    assert_eq!(object.body.collect().await.unwrap().to_vec(), vec![b'x'; 300_000]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_take_effect_at_once() {
    let (_sandbox, lambda) =
        with_function("import os\ndef handler(e, c): return os.environ.get('TABLE_NAME')", 3).await;
    assert_eq!(answer(&invoke(&lambda, json!({})).await), "counts");
    let before = lambda.get_function_configuration().function_name("Function").send().await.unwrap();
    let updated = lambda
        .update_function_configuration()
        .function_name("Function")
        .environment(Environment::builder().variables("TABLE_NAME", "other").build())
        .send()
        .await
        .unwrap();
    assert_ne!(before.revision_id(), updated.revision_id());
    assert_eq!(updated.last_update_status().unwrap().as_str(), "InProgress");
    let busy = lambda.update_function_configuration().function_name("Function").timeout(9).send().await.unwrap_err();
    assert_eq!(busy.code(), Some("ResourceConflictException"));
    wait_until_active(&lambda, "Function").await;
    assert_eq!(answer(&invoke(&lambda, json!({})).await), "other");
    let stale = lambda
        .update_function_code()
        .function_name("Function")
        .revision_id(before.revision_id().unwrap())
        .zip_file(Blob::new(zip("def handler(e, c): return 2")))
        .send()
        .await
        .unwrap_err();
    assert_eq!(stale.code(), Some("PreconditionFailedException"));
    let code = zip("def handler(e, c): return 'new code'");
    let updated =
        lambda.update_function_code().function_name("Function").zip_file(Blob::new(code.clone())).send().await.unwrap();
    assert_eq!(updated.code_size(), code.len() as i64);
    assert_ne!(updated.code_sha256(), before.code_sha256());
    wait_until_active(&lambda, "Function").await;
    assert_eq!(answer(&invoke(&lambda, json!({})).await), "new code");
    let configuration = lambda.get_function_configuration().function_name("Function").send().await.unwrap();
    assert_eq!(configuration.state(), Some(&State::Active));
    assert_eq!(configuration.last_update_status().unwrap().as_str(), "Successful");
    lambda.delete_function().function_name("Function").send().await.unwrap();
    let gone = lambda.invoke().function_name("Function").send().await.unwrap_err();
    assert_eq!(gone.code(), Some("ResourceNotFoundException"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuses_as_aws_does() {
    let sandbox = TestSandbox::start().await;
    let lambda = Client::new(&sandbox.sdk());
    let create = |name: &str, role: &str| {
        lambda
            .create_function()
            .function_name(name)
            .runtime(Runtime::Python313)
            .handler("lambda_function.handler")
            .role(role)
            .code(FunctionCode::builder().zip_file(Blob::new(zip(""))).build())
    };
    let stranger = format!("arn:aws:iam::{}:role/Nobody", sandbox.account);
    let error = create("One", &stranger).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValueException"));
    assert_eq!(error.message(), Some("The role defined for the function cannot be assumed by Lambda."));
    let role = function_role(&sandbox.sdk()).await;
    let created = create("One", &role).send().await.unwrap();
    assert_eq!(created.state(), Some(&State::Pending));
    assert_eq!(created.version(), Some("$LATEST"));
    let pending = lambda.invoke().function_name("One").send().await.unwrap_err();
    assert_eq!(pending.code(), Some("ResourceConflictException"));
    let twice = create("One", &role).send().await.unwrap_err();
    assert_eq!(twice.message(), Some("Function already exist: One"));
    let rubbish = create("Two", &role).code(FunctionCode::builder().zip_file(Blob::new(b"no zip")).build());
    let rubbish = rubbish.send().await.unwrap_err();
    assert!(rubbish.message().unwrap().starts_with("Could not unzip uploaded file."));
    let missing = lambda.get_function().function_name("Nothing").send().await.unwrap_err().into_service_error();
    assert!(missing.is_resource_not_found_exception());
    wait_until_active(&lambda, "One").await;
    let broken = lambda.invoke().function_name("One").payload(Blob::new("{not json")).send().await.unwrap_err();
    assert_eq!(broken.code(), Some("InvalidRequestContentException"));
    let no_policy = lambda.get_policy().function_name("One").send().await.unwrap_err();
    assert_eq!(no_policy.code(), Some("ResourceNotFoundException"));
    let unknown = lambda.publish_version().function_name("One").send().await.unwrap_err();
    assert!(unknown.message().unwrap().contains("PublishVersion"), "{unknown:?}");
    let (_, key) = sandbox.another_account().await;
    let other = Client::new(&sandbox.sdk_as(&key, common::REGION));
    assert!(other.list_functions().send().await.unwrap().functions().is_empty());
    let theirs = other.invoke().function_name(created.function_arn().unwrap()).send().await.unwrap_err();
    assert_eq!(theirs.code(), Some("AccessDeniedException"));
    let elsewhere = Client::new(&sandbox.sdk_as(&sandbox.key, "eu-west-1"));
    assert!(elsewhere.list_functions().send().await.unwrap().functions().is_empty());
    for name in ["Three", "Two"] {
        create(name, &role).send().await.unwrap();
    }
    let page = lambda.list_functions().max_items(2).send().await.unwrap();
    let names = |page: &aws_sdk_lambda::operation::list_functions::ListFunctionsOutput| {
        page.functions().iter().map(|function| function.function_name().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&page), ["One", "Three"]);
    let rest = lambda.list_functions().marker(page.next_marker().unwrap()).send().await.unwrap();
    assert_eq!(names(&rest), ["Two"]);
    assert_eq!(rest.next_marker(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_survives_a_restart() {
    let source = r#"
import boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket=event["bucket"], Key=context.aws_request_id, Body=b"")
"#;
    let (sandbox, lambda) = with_function(source, 30).await;
    let s3 = aws_sdk_s3::Client::new(&sandbox.sdk());
    s3.create_bucket().bucket("events-of-a-function").send().await.unwrap();
    let event = || {
        let payload = Blob::new(json!({ "bucket": "events-of-a-function" }).to_string());
        lambda.invoke().function_name("Function").invocation_type(InvocationType::Event).payload(payload)
    };
    let accepted = event().send().await.unwrap();
    assert_eq!(accepted.status_code(), 202);
    let dry = event().invocation_type(InvocationType::DryRun).send().await.unwrap();
    assert_eq!(dry.status_code(), 204);
    let sandbox = sandbox.restart().await;
    let s3 = aws_sdk_s3::Client::new(&sandbox.sdk());
    let written = async {
        loop {
            let list = s3.list_objects_v2().bucket("events-of-a-function").send().await.unwrap();
            if let [object] = list.contents() {
                break object.key().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let key = tokio::time::timeout(Duration::from_secs(60), written).await.expect("the event must be run");
    assert_eq!(key.len(), 36);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cli_and_boto3_do_the_same() {
    let sandbox = TestSandbox::start().await;
    let role = function_role(&sandbox.sdk()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("function.zip");
    std::fs::write(&file, zip("def handler(e, c): return {'n': e['n'] + 1}")).unwrap();
    let zip_file = format!("fileb://{}", file.display());
    let created = sandbox
        .aws_json(&[
            "lambda",
            "create-function",
            "--function-name",
            "Clicks",
            "--runtime",
            "python3.13",
            "--handler",
            "lambda_function.handler",
            "--role",
            &role,
            "--timeout",
            "60",
            "--zip-file",
            &zip_file,
        ])
        .await;
    assert_eq!(created["State"], "Pending");
    sandbox.aws_json(&["lambda", "wait", "function-active-v2", "--function-name", "Clicks"]).await;
    let out = folder.path().join("out.json");
    let invoked = sandbox
        .aws_json(&["lambda", "invoke", "--function-name", "Clicks", "--payload", r#"{"n":1}"#, out.to_str().unwrap()])
        .await;
    assert_eq!(invoked, json!({ "StatusCode": 200, "ExecutedVersion": "$LATEST" }));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), r#"{"n": 2}"#);
    let program = r#"
import boto3, json
client = boto3.client("lambda")
function = client.get_function(FunctionName="Clicks")["Configuration"]
client.tag_resource(Resource=function["FunctionArn"], Tags={"step": "3"})
client.add_permission(FunctionName="Clicks", StatementId="one", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
answer = client.invoke(FunctionName=function["FunctionArn"], Payload=b'{"n": 41}')
print(json.dumps([function["Timeout"], function["LastUpdateStatus"], json.load(answer["Payload"]),
    client.list_tags(Resource=function["FunctionArn"])["Tags"], json.loads(client.get_policy(FunctionName="Clicks")["Policy"])["Statement"][0]["Sid"]]))
"#;
    assert_eq!(sandbox.python(program).await, r#"[60, "Successful", {"n": 42}, {"step": "3"}, "one"]"#);
    let error = sandbox.aws_error(&["lambda", "get-function", "--function-name", "Absent"]).await;
    assert!(error.contains("(ResourceNotFoundException) when calling the GetFunction operation: Function not found: arn:aws:lambda:us-east-1:"), "{error}");
    sandbox.aws_json(&["lambda", "delete-function", "--function-name", "Clicks"]).await;
}
