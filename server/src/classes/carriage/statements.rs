//! xAPI: what learners have reached goes to a learning record store as statements, some at once.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use classroom::{Event, LogEntry};
use deliveries::{Answer, SendError, Statements, statement_headers, statements_url};
use http::HeaderMap;
use serde_json::Value;
use store::{Delivery, LearnerId, StepRecord, StoreError};
use url::Url;

use super::webhooks::{failed_delivery, not_taken};
use super::{Destination, End, Errand, Report, counted};
use crate::classes::Classes;
use crate::classes::outside::{XAPI, Xapi};
use crate::state::now;

/// Entries read at once, and statements sent at once at most.
const BATCH: u32 = 50;
/// The store has a statement with this id already.
const CONFLICT: u16 = 409;

/// All learning record stores.
pub(super) struct XapiStatements {
    classes: Classes,
}

/// Where statements go.
struct Target {
    url: Url,
    headers: HeaderMap,
}

/// Why not all statements were taken.
struct NotTaken {
    status: Option<u16>,
    words: String,
    after: Option<Duration>,
}

impl XapiStatements {
    pub(super) fn new(classes: Classes) -> Self {
        Self { classes }
    }

    fn target(&self, errand: &Errand, xapi: &Xapi) -> Result<Target, &'static str> {
        let secret = self.classes.master_key().open(XAPI, errand.class.as_str(), &xapi.secret);
        let secret = secret.map_err(|_| "the secret was kept under another key of this server; enter it again")?;
        let url = statements_url(&xapi.endpoint).map_err(|_| "the endpoint is no address")?;
        Ok(Target { url, headers: statement_headers(&xapi.key, &secret) })
    }

    /// The statements of the entries, each with its entry's number.
    async fn statements(&self, errand: &Errand, xapi: &Xapi) -> Result<Vec<(i64, Value)>, StoreError> {
        let statements = Statements { site: &xapi.site, class: errand.class.as_str() };
        let mut steps = HashMap::new();
        let mut made = Vec::new();
        for entry in &errand.entries {
            let took = self.took(entry, &mut steps).await?;
            made.extend(statements.statement(entry, took).map(|statement| (entry.seq, statement)));
        }
        Ok(made)
    }

    /// How long the learner of a finished step has had it open, if that is still known.
    async fn took(
        &self,
        entry: &LogEntry,
        steps: &mut HashMap<String, Vec<StepRecord>>,
    ) -> Result<Option<Duration>, StoreError> {
        let (Event::StepPassed { step, .. }, Some(learner)) = (&entry.event, &entry.learner) else { return Ok(None) };
        let Ok(id) = learner.parse::<LearnerId>() else { return Ok(None) };
        if !steps.contains_key(learner) {
            steps.insert(learner.clone(), self.classes.headwater().store().steps(&id).await?);
        }
        let record = steps.get(learner).and_then(|steps| steps.iter().find(|record| record.step == *step));
        let times = record.and_then(|record| record.opened.zip(record.passed));
        Ok(times.and_then(|(opened, passed)| Duration::try_from(passed - opened).ok()))
    }

    async fn post(&self, target: &Target, statements: &[&Value]) -> Result<Answer, SendError> {
        let body = serde_json::to_vec(statements).unwrap_or_default();
        self.classes.sender().post(&target.url, target.headers.clone(), body).await
    }

    /// Sends statements; a store that has one of them already is told each by itself, since it takes all or none.
    async fn send(&self, errand: &Errand, target: &Target, made: &[(i64, Value)]) -> (i64, Option<NotTaken>) {
        let all: Vec<&Value> = made.iter().map(|(_, statement)| statement).collect();
        match self.post(target, &all).await {
            Ok(answer) if answer.is_success() || (answer.status == CONFLICT && all.len() == 1) => {
                return (errand.last(), None);
            }
            Ok(Answer { status: CONFLICT, .. }) => (),
            answered => return (errand.before(), Some(NotTaken::of(answered))),
        }
        let mut position = errand.before();
        for (seq, statement) in made {
            if errand.is_to_end() {
                return (position, None);
            }
            match self.post(target, &[statement]).await {
                Ok(answer) if answer.is_success() || answer.status == CONFLICT => position = *seq,
                answered => return (position, Some(NotTaken::of(answered))),
            }
        }
        (errand.last(), None)
    }
}

impl NotTaken {
    fn of(answered: Result<Answer, SendError>) -> Self {
        match answered {
            Ok(Answer { status, retry_after }) => {
                let words = match status {
                    401 | 403 => format!("it answered {status}: it does not take the key and the secret"),
                    status => not_taken(status),
                };
                Self { status: Some(status), words, after: retry_after }
            }
            Err(error) => Self { status: None, words: error.to_string(), after: None },
        }
    }
}

#[async_trait]
impl Destination for XapiStatements {
    fn kind(&self) -> &'static str {
        XAPI
    }

    fn batch(&self) -> u32 {
        BATCH
    }

    async fn carry(&self, errand: &Errand) -> Report {
        let xapi: Xapi = match self.classes.headwater().store().document(&errand.class, XAPI, &errand.id).await {
            Ok(Some(xapi)) => xapi,
            Ok(None) => return Report::gone(errand),
            Err(error) => return Report::failed_here(errand, &error),
        };
        let made = match self.statements(errand, &xapi).await {
            Ok(made) if made.is_empty() => return Report::nothing(errand),
            Ok(made) => made,
            Err(error) => return Report::failed_here(errand, &error),
        };
        let target = match self.target(errand, &xapi) {
            Ok(target) => target,
            Err(words) => return Report::failed(errand, words.to_owned()),
        };
        let (position, not_taken) = self.send(errand, &target, &made).await;
        let count = made.iter().filter(|(seq, _)| *seq <= position).count();
        let mut deliveries = Vec::new();
        if count > 0 {
            deliveries.push(Delivery { at: now(), status: Some(200), words: counted(count, "statement") });
        }
        let end = match not_taken {
            None => End::Well,
            Some(NotTaken { status, words, after }) => {
                deliveries.push(failed_delivery(status, &words));
                End::Failed { words, after }
            }
        };
        Report { position, deliveries, end }
    }
}
