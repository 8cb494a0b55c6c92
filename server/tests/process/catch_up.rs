//! The scripts that do a step for a learner, run with the real AWS CLI in an account of their own.

use std::collections::BTreeMap;
use std::process::Output;

use lab::{Engine, Lab, Step, Variables};
use tempfile::TempDir;
use tokio::process::Command;

use crate::server::{Folder, Server, headwater};

/// A new account, and a shell for it.
struct Shell {
    folder: TempDir,
    exports: BTreeMap<String, String>,
    variables: Variables,
}

impl Shell {
    async fn new(server: &Server, engine: Engine) -> Self {
        let command = ["sandbox", "new-account", "--server", &server.url];
        let printed = headwater().args(command).output().await.unwrap();
        let lines = String::from_utf8(printed.stdout).unwrap();
        let exports: BTreeMap<String, String> = lines
            .lines()
            .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
            .collect();
        let sdk = server.sdk(&exports["AWS_ACCESS_KEY_ID"], &exports["AWS_SECRET_ACCESS_KEY"]);
        let identity = aws_sdk_sts::Client::new(&sdk).get_caller_identity().send().await.unwrap();
        let account = identity.account().unwrap();
        let variables = Variables::defaults_for(engine, account, &exports["AWS_DEFAULT_REGION"], &server.endpoint);
        Self { folder: tempfile::tempdir().unwrap(), exports, variables }
    }

    async fn run(&self, script: &str) -> Output {
        let file = self.folder.path().join("catch-up.sh");
        std::fs::write(&file, script).unwrap();
        let mut command = Command::new("bash");
        command.arg(file).env_clear().envs(&self.exports).kill_on_drop(true);
        command.env("PATH", std::env::var("PATH").unwrap()).env("HOME", self.folder.path()).output().await.unwrap()
    }

    /// Does a step, and gives what the script tells.
    async fn catch_up(&self, step: &Step) -> String {
        let output = self.run(&step.catch_up.script(&self.variables)).await;
        let told = String::from_utf8(output.stdout).unwrap();
        let refused = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {told}{refused}", step.slug);
        told
    }

    /// The words that some commands print, but for what stands for nothing.
    async fn words(&self, commands: &str) -> Vec<String> {
        let listed = self.run(&format!("set -euo pipefail\nexport AWS_DEFAULT_OUTPUT=text\n{commands}")).await;
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
        let listed = String::from_utf8(listed.stdout).unwrap();
        listed.split_whitespace().filter(|word| *word != "None").map(str::to_owned).collect()
    }

    /// What is in the account, by the names of the things; mappings by their functions' ARNs.
    async fn resources(&self) -> Vec<String> {
        self.words(
            "aws s3api list-buckets --query 'Buckets[].Name'
            aws kinesis list-streams --query StreamNames
            aws firehose list-delivery-streams --query DeliveryStreamNames
            aws lambda list-functions --query 'Functions[].FunctionName'
            aws lambda list-event-source-mappings --query 'EventSourceMappings[].FunctionArn'
            aws dynamodb list-tables --query TableNames
            aws iam list-roles --query 'Roles[].RoleName'
            aws kinesisanalyticsv2 list-applications --query 'ApplicationSummaries[].ApplicationName'
            aws logs describe-log-groups --query 'logGroups[].logGroupName'",
        )
        .await
    }

    /// The ARNs of what has the lab's tag, which AWS tells of all things but roles.
    async fn tagged(&self) -> Vec<String> {
        self.words(
            "aws resourcegroupstaggingapi get-resources --tag-filters Key=headwater,Values=clickstream-lab \
              --query 'ResourceTagMappingList[].ResourceARN'",
        )
        .await
    }
}

/// The functions of an account are run by the server, which looks for Python.
async fn start(folder: &Folder) -> Server {
    folder.start_with(|command| _ = command.env("PATH", std::env::var("PATH").unwrap())).await
}

/// Every script is run twice: the first run does the step, and the second finds it done.
async fn every_step_can_be_caught_up(engine: Engine, made: &[&str]) {
    let folder = Folder::new();
    let server = start(&folder).await;
    let shell = Shell::new(&server, engine).await;
    let lab = Lab::embedded_for(engine);
    let (clean_up, building) = lab.steps.split_last().unwrap();
    for step in building {
        let first = shell.catch_up(step).await;
        assert_eq!(first.contains("Made ") || first.contains("Sent "), step.number > 0, "{}: {first}", step.slug);
        let second = shell.catch_up(step).await;
        let changed = ["Made ", "Sent ", "Put ", "Told ", "Attached "].into_iter().find(|word| second.contains(word));
        assert_eq!(changed, None, "{}: {second}", step.slug);
    }
    let (resources, tagged) = (shell.resources().await, shell.tagged().await);
    for variable in made {
        let name = shell.variables.get(variable).unwrap();
        assert!(resources.contains(&name), "{name} is not in {resources:?}");
        let is_tagged = tagged.iter().any(|arn| arn.ends_with(&name));
        assert!(is_tagged || variable.ends_with("_role"), "{name} is not in {tagged:?}");
    }
    shell.catch_up(clean_up).await;
    shell.catch_up(clean_up).await;
    assert_eq!(shell.resources().await, Vec::<String>::new());
    server.stop().await;
}

#[tokio::test]
async fn the_lab_of_the_sql_application_can_be_caught_up() {
    let made = [
        "bucket",
        "stream",
        "preprocess_function",
        "application",
        "output_function",
        "table",
        "firehose_role",
        "lambda_role",
        "analytics_role",
    ];
    every_step_can_be_caught_up(Engine::SqlApplication, &made).await;
}

#[tokio::test]
async fn the_lab_of_the_tumbling_window_can_be_caught_up() {
    let made = [
        "bucket",
        "data_stream",
        "stream",
        "preprocess_function",
        "output_function",
        "table",
        "firehose_role",
        "lambda_role",
    ];
    every_step_can_be_caught_up(Engine::TumblingWindow, &made).await;
}

#[tokio::test]
async fn what_is_wrong_is_told_and_left_as_it_is() {
    let folder = Folder::new();
    let server = start(&folder).await;
    let mut shell = Shell::new(&server, Engine::SqlApplication).await;
    let lab = Lab::embedded();
    let step = lab.step("delivery-stream").unwrap();
    shell.catch_up(step).await;
    shell.variables.set("prefix", "other/").unwrap();
    let refused = shell.run(&step.catch_up.script(&shell.variables)).await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.starts_with("The prefix of ClickStreamData is clicks/, not other/. Change it,"), "{told}");
    shell.variables.set("prefix", "clicks/").unwrap();
    shell.catch_up(step).await;

    shell.variables.account = "000000000000".to_owned();
    let refused = shell.run(&step.catch_up.script(&shell.variables)).await;
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && told.starts_with("The account of your keys is "), "{told}");
    server.stop().await;
}
