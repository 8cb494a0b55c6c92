//! Statements of the Experience API (xAPI 1.0.3) about what learners do in a class.
//!
//! A learner is an account at this site, named by the learner's id: no display name leaves. A statement's id follows from the
//! class and the entry's number, so that one that is sent again is the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use classroom::{Event, LogEntry, VerdictKind};
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::moment::{of_milliseconds, written};

/// The version of the specification that is spoken.
const XAPI_VERSION: &str = "1.0.3";

/// Statements about a class.
#[derive(Clone, Copy, Debug)]
pub struct Statements<'a> {
    /// The site's URL without a slash at its end: accounts and activities belong to it.
    pub site: &'a str,
    pub class: &'a str,
}

/// What a statement is about.
enum Activity<'a> {
    Class,
    Step(&'a str),
    Check { step: &'a str, check: &'a str },
    Question { step: &'a str, question: u32 },
}

/// A verb of ADL's vocabulary.
#[derive(Clone, Copy)]
enum Verb {
    Registered,
    Initialized,
    Passed,
    Completed,
    Answered,
}

/// The statement's result.
enum Outcome {
    None,
    Passed,
    Completed,
    Answered { correct: bool },
}

impl Statements<'_> {
    /// The statement of an entry, if it becomes one: who joins, steps begun and finished, checks passed, questions answered.
    /// `took` is how long the learner needed for a step that is finished, if
    /// that is known.
    pub fn statement(&self, entry: &LogEntry, took: Option<std::time::Duration>) -> Option<Value> {
        let learner = entry.learner.as_deref()?;
        let (verb, activity, outcome, at_ms) = what(&entry.event)?;
        let result = match outcome {
            Outcome::None => None,
            Outcome::Passed => Some(json!({ "success": true, "completion": true })),
            Outcome::Completed => {
                let mut result = json!({ "success": true, "completion": true });
                if let Some(took) = took {
                    result["duration"] = json!(duration(took));
                }
                Some(result)
            }
            Outcome::Answered { correct } => {
                let scaled = i32::from(correct);
                Some(json!({ "success": correct, "score": { "scaled": scaled, "raw": scaled, "min": 0, "max": 1 } }))
            }
        };
        let mut within = json!({ "grouping": [self.activity(&Activity::Class)] });
        if let Activity::Check { step, .. } | Activity::Question { step, .. } = activity {
            within["parent"] = json!([self.activity(&Activity::Step(step))]);
        }
        if matches!(activity, Activity::Class) {
            within = json!({});
        }
        let mut statement = json!({
            "id": self.id(entry.seq),
            "actor": { "objectType": "Agent", "account": { "homePage": self.site, "name": learner } },
            "verb": { "id": verb.iri(), "display": { "en": verb.word() } },
            "object": self.activity(&activity),
        });
        if let Some(result) = result {
            statement["result"] = result;
        }
        statement["context"] = json!({ "platform": "Headwater", "contextActivities": within });
        statement["timestamp"] = json!(written(of_milliseconds(at_ms.unwrap_or(entry.at_ms))));
        Some(statement)
    }

    fn id(&self, seq: i64) -> String {
        let name = format!("{}/classes/{}/log/{seq}", self.site, self.class);
        Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).to_string()
    }

    fn activity(&self, activity: &Activity<'_>) -> Value {
        let Self { site, class } = self;
        let (id, name, kind) = match activity {
            Activity::Class => (format!("{site}/classes/{class}"), (*class).to_owned(), "course"),
            Activity::Step(step) => (format!("{site}/lab/{step}"), (*step).to_owned(), "module"),
            Activity::Check { step, check } => {
                (format!("{site}/lab/{step}#check-{check}"), (*check).to_owned(), "objective")
            }
            Activity::Question { step, question } => {
                (format!("{site}/lab/{step}#question-{question}"), format!("{step}, question {question}"), "question")
            }
        };
        let kind = format!("http://adlnet.gov/expapi/activities/{kind}");
        json!({ "objectType": "Activity", "id": id, "definition": { "name": { "en": name }, "type": kind } })
    }
}

/// The address for statements below an endpoint, as it was entered.
pub fn statements_url(endpoint: &str) -> Result<Url, url::ParseError> {
    format!("{}/statements", endpoint.trim_end_matches('/')).parse()
}

/// The headers of a request with statements.
pub fn statement_headers(key: &str, secret: &SecretString) -> HeaderMap {
    let credentials = STANDARD.encode(format!("{key}:{}", secret.expose_secret()));
    let mut headers = HeaderMap::new();
    if let Ok(mut value) = HeaderValue::from_str(&format!("Basic {credentials}")) {
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-experience-api-version", HeaderValue::from_static(XAPI_VERSION));
    headers
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Initialized => "initialized",
            Self::Passed => "passed",
            Self::Completed => "completed",
            Self::Answered => "answered",
        }
    }

    fn iri(self) -> String {
        format!("http://adlnet.gov/expapi/verbs/{}", self.word())
    }
}

/// Verb, object and outcome of an event, and when it was if that is another time than that of its entry.
fn what(event: &Event) -> Option<(Verb, Activity<'_>, Outcome, Option<i64>)> {
    Some(match event {
        Event::Joined => (Verb::Registered, Activity::Class, Outcome::None, None),
        Event::StepOpened { step } => (Verb::Initialized, Activity::Step(step), Outcome::None, None),
        Event::Verdict { step, check, verdict: VerdictKind::Pass, first_passed_ms, .. } => {
            (Verb::Passed, Activity::Check { step, check }, Outcome::Passed, *first_passed_ms)
        }
        Event::StepPassed { step, passed_ms } => {
            (Verb::Completed, Activity::Step(step), Outcome::Completed, Some(*passed_ms))
        }
        Event::Answered { step, question, correct, .. } => {
            let activity = Activity::Question { step, question: *question };
            (Verb::Answered, activity, Outcome::Answered { correct: *correct }, None)
        }
        _ => return None,
    })
}

/// A duration as ISO 8601 has it, in seconds to two decimals.
fn duration(took: std::time::Duration) -> String {
    let hundredths = took.as_millis() / 10;
    format!("PT{}.{:02}S", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use classroom::{Head, seal};

    use super::*;

    const STATEMENTS: Statements<'_> = Statements { site: "https://lab.example", class: "c1" };

    fn entry(event: Event) -> LogEntry {
        seal(&mut Head::empty(), "c1", 1_700_000_000_000, Some("l1"), event).unwrap()
    }

    #[test]
    fn a_finished_step_is_a_statement_with_its_duration() {
        let passed = entry(Event::StepPassed { step: "ingest".to_owned(), passed_ms: 1_700_000_000_000 });
        let statement = STATEMENTS.statement(&passed, Some(Duration::from_millis(61_234))).unwrap();
        let class = json!({
            "objectType": "Activity",
            "id": "https://lab.example/classes/c1",
            "definition": { "name": { "en": "c1" }, "type": "http://adlnet.gov/expapi/activities/course" },
        });
        let expected = json!({
            "id": statement["id"],
            "actor": { "objectType": "Agent", "account": { "homePage": "https://lab.example", "name": "l1" } },
            "verb": { "id": "http://adlnet.gov/expapi/verbs/completed", "display": { "en": "completed" } },
            "object": {
                "objectType": "Activity",
                "id": "https://lab.example/lab/ingest",
                "definition": { "name": { "en": "ingest" }, "type": "http://adlnet.gov/expapi/activities/module" },
            },
            "result": { "success": true, "completion": true, "duration": "PT61.23S" },
            "context": { "platform": "Headwater", "contextActivities": { "grouping": [class] } },
            "timestamp": "2023-11-14T22:13:20Z",
        });
        assert_eq!(statement, expected);
        assert_eq!(STATEMENTS.statement(&passed, None).unwrap()["id"], statement["id"], "the same each time");
        let mut other = passed.clone();
        other.seq = 2;
        assert_ne!(STATEMENTS.statement(&other, None).unwrap()["id"], statement["id"]);
    }

    #[test]
    fn only_what_a_learner_has_reached_is_told() {
        let verdict = |verdict| Event::Verdict {
            step: "ingest".to_owned(),
            check: "ingest.rows".to_owned(),
            verdict,
            cause: String::new(),
            first_passed_ms: None,
            evidence_sha256: String::new(),
        };
        for event in [verdict(VerdictKind::Wrong), verdict(VerdictKind::NotYet), Event::Left, Event::HandLowered] {
            assert_eq!(STATEMENTS.statement(&entry(event.clone()), None), None);
        }
        let passed = STATEMENTS.statement(&entry(verdict(VerdictKind::Pass)), None).unwrap();
        assert_eq!(passed["object"]["id"], "https://lab.example/lab/ingest#check-ingest.rows");
        assert_eq!(passed["context"]["contextActivities"]["parent"][0]["id"], "https://lab.example/lab/ingest");
        let answered =
            Event::Answered { step: "ingest".to_owned(), question: 1, correct: false, first_correct: false, tries: 2 };
        let answered = STATEMENTS.statement(&entry(answered), None).unwrap();
        assert_eq!(
            answered["result"],
            json!({ "success": false, "score": { "scaled": 0, "raw": 0, "min": 0, "max": 1 } })
        );
    }

    #[test]
    fn statements_go_below_the_endpoint_with_its_key() {
        for endpoint in ["https://lrs.example/xapi", "https://lrs.example/xapi/"] {
            assert_eq!(statements_url(endpoint).unwrap().as_str(), "https://lrs.example/xapi/statements");
        }
        let headers = statement_headers("key", &SecretString::from("word"));
        assert_eq!(headers[header::AUTHORIZATION], "Basic a2V5OndvcmQ=");
        assert!(headers[header::AUTHORIZATION].is_sensitive());
        assert_eq!(headers["x-experience-api-version"], "1.0.3");
    }
}
