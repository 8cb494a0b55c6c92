//! A learner at work in the sandbox, and what the checks say to that.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use checks::{CheckName, Clients, Consent, Engine, Step, Subject, VerdictKind, run_step};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::common::functions::{wait_until_active, zip};
use crate::common::{REGION, TestSandbox};

/// The length of the windows of these tests.
pub const WINDOW_SECONDS: u32 = 2;

/// A learner with a fresh account.
pub struct Learner {
    pub sandbox: TestSandbox,
    pub clients: Clients,
    pub subject: Subject,
    pub consent: Consent,
}

impl Learner {
    pub async fn new(engine: Engine) -> Self {
        let sandbox = TestSandbox::start().await;
        let clients = Clients::new(&sandbox.sdk(), ["eu-west-1".to_owned()]);
        let mut subject = Subject::new_for(engine, sandbox.account.as_str(), REGION);
        subject.window_seconds = WINDOW_SECONDS;
        Self { sandbox, clients, subject, consent: Consent::Invoke }
    }

    /// The verdicts of a step that differ from `usual`, with their messages.
    pub async fn differing(&self, step: Step, usual: VerdictKind) -> BTreeMap<CheckName, (VerdictKind, String)> {
        let results = run_step(step, &self.clients, &self.subject, self.consent, OffsetDateTime::now_utc()).await;
        assert_eq!(results.len(), step.checks(self.subject.engine).count());
        let verdicts = results.into_iter().map(|result| (result.name, (result.verdict.kind(), result.message)));
        verdicts.filter(|(_, (kind, _))| *kind != usual).collect()
    }

    /// All checks of a step give this verdict but for the named ones.
    pub async fn expect(&self, step: Step, usual: VerdictKind, others: &[(CheckName, VerdictKind)]) {
        let found = self.differing(step, usual).await;
        let kinds: BTreeMap<CheckName, VerdictKind> = found.iter().map(|(name, (kind, _))| (*name, *kind)).collect();
        assert_eq!(kinds, others.iter().copied().collect(), "{found:#?}");
    }

    /// The same, once what is under way has come to its end.
    pub async fn expect_soon(&self, step: Step, usual: VerdictKind, others: &[(CheckName, VerdictKind)]) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let expected: BTreeMap<CheckName, VerdictKind> = others.iter().copied().collect();
        loop {
            let found = self.differing(step, usual).await;
            if found.iter().map(|(name, (kind, _))| (*name, *kind)).collect::<BTreeMap<_, _>>() == expected {
                return;
            }
            assert!(Instant::now() < deadline, "{found:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.sandbox.sdk())
    }

    pub fn analytics(&self) -> aws_sdk_kinesisanalyticsv2::Client {
        aws_sdk_kinesisanalyticsv2::Client::new(&self.sandbox.sdk())
    }

    pub fn function_arn(&self, name: &str) -> String {
        format!("arn:aws:lambda:{REGION}:{}:function:{name}", self.subject.account)
    }

    pub async fn mend(&self, function: &str, source: &str) {
        let lambda = self.lambda();
        lambda.update_function_code().function_name(function).zip_file(Blob::new(zip(source))).send().await.unwrap();
        wait_until_active(&lambda, function).await;
    }
}
