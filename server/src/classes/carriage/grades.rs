//! Grades: what learners who came from a learning platform have reached goes back to it, a line item a check.

use std::collections::{BTreeMap, HashMap, HashSet};

use app::error::BackendError;
use async_trait::async_trait;
use classroom::{CheckGrade, Event, Grade, LogEntry, StepGrade};
use lti::{
    ActivityProgress, AgsEndpoint, Grades, GradingProgress, NewLineItem, Score, ScoreOutcome, ServiceError, ServiceUrl,
};
use serde::{Deserialize, Serialize};
use store::{Delivery, LearnerId, StoreError};

use super::{Destination, End, Errand, Report, counted};
use crate::classes::Classes;
use crate::classes::outside::{self, LAUNCHED, LINE_ITEMS, Launched, PLATFORM, Platform};
use crate::state::now;

/// Entries read at once.
const BATCH: u32 = 50;
/// A line item, or a person, is not there.
const NOT_FOUND: u16 = 404;

/// All learning platforms.
pub(super) struct PlatformGrades {
    classes: Classes,
}

/// The line items that a platform has for a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LineItems {
    /// The course's list that they are in.
    list: Option<ServiceUrl>,
    /// By check.
    items: BTreeMap<String, ServiceUrl>,
}

/// A score that has to be sent.
struct Due {
    /// Number of the entry for which it is.
    seq: i64,
    subject: String,
    check: CheckGrade,
    assisted: bool,
}

/// How far the scores came.
struct Sent {
    position: i64,
    taken: usize,
    deliveries: Vec<Delivery>,
    failed: Option<ServiceError>,
    /// A line item is not there any more.
    lacks_item: bool,
}

impl PlatformGrades {
    pub(super) fn new(classes: Classes) -> Self {
        Self { classes }
    }

    /// The scores that the entries change, each as it is now. What comes again in a later entry is sent for that one.
    async fn due(&self, errand: &Errand) -> Result<(Vec<Due>, Vec<NewLineItem>), Failed> {
        let store = self.classes.headwater().store();
        let board = self.classes.board(&errand.class).await?;
        let mut people: HashMap<&str, Option<(String, Grade)>> = HashMap::new();
        let (mut due, mut seen) = (Vec::new(), HashSet::new());
        for entry in errand.entries.iter().rev() {
            let Some(learner) = entry.learner.as_deref().filter(|_| changes_points(&entry.event)) else { continue };
            if !people.contains_key(learner) {
                let Ok(id) = learner.parse::<LearnerId>() else { continue };
                let names = store.external_names(&errand.class, &id).await?;
                let subject =
                    names.into_iter().find(|(platform, _)| *platform == errand.id).map(|(_, subject)| subject);
                let grade = board.read(|state| state.board().grade(learner));
                people.insert(learner, subject.zip(grade));
            }
            let Some(Some((subject, grade))) = people.get(learner) else { continue };
            for (step, check) in changed(entry, grade) {
                if seen.insert((learner, check.check.clone())) {
                    let (check, assisted) = (check.clone(), step.assisted);
                    due.push(Due { seq: entry.seq, subject: subject.clone(), check, assisted });
                }
            }
        }
        due.reverse();
        let grade = people.into_values().flatten().map(|(_, grade)| grade).next();
        let wanted = grade.map(|grade| board.read(|state| wanted(errand, &grade, &state.syllabus.titles())));
        Ok((due, wanted.unwrap_or_default()))
    }

    /// Where the scores of each check go; line items that are not there yet are made. Only one server holds the reader, so
    /// that none is made twice.
    async fn line_items(
        &self,
        errand: &Errand,
        grades: &Grades<'_>,
        endpoint: &AgsEndpoint,
        wanted: &[NewLineItem],
    ) -> Result<BTreeMap<String, ServiceUrl>, Failed> {
        let store = self.classes.headwater().store();
        let known: Option<LineItems> = store.document(&errand.class, LINE_ITEMS, &errand.id).await?;
        let has_all = |known: &LineItems| {
            known.list == endpoint.line_items && wanted.iter().all(|item| known.items.contains_key(&item.resource_id))
        };
        if let Some(known) = known.filter(has_all) {
            return Ok(known.items);
        }
        let made = grades.ensure_line_items(wanted).await?;
        let items = wanted.iter().map(|item| item.resource_id.clone()).zip(made.into_iter().map(|item| item.id));
        let known = LineItems { list: endpoint.line_items.clone(), items: items.collect() };
        store.save_document(&errand.class, LINE_ITEMS, &errand.id, &known).await?;
        Ok(known.items)
    }

    async fn send(
        &self,
        errand: &Errand,
        grades: &Grades<'_>,
        items: &BTreeMap<String, ServiceUrl>,
        due: &[Due],
    ) -> Sent {
        let mut sent =
            Sent { position: errand.last(), taken: 0, deliveries: Vec::new(), failed: None, lacks_item: false };
        for due in due {
            if errand.is_to_end() {
                sent.position = due.seq - 1;
                break;
            }
            let Some(item) = items.get(&due.check.check) else { continue };
            match grades.post_score(item, &due.score()).await {
                Ok(ScoreOutcome::Taken | ScoreOutcome::Superseded) => sent.taken += 1,
                // Nobody else's grades wait for somebody who has left the course.
                Err(ServiceError::Refused { status, .. }) if matches!(status, 400 | 403 | 404 | 410 | 422) => {
                    sent.lacks_item |= status == NOT_FOUND;
                    let words = "a score was not taken; somebody may have left the course".to_owned();
                    sent.deliveries.push(Delivery { at: now(), status: Some(status), words });
                }
                Err(error) => {
                    sent.position = due.seq - 1;
                    sent.failed = Some(error);
                    break;
                }
            }
        }
        sent
    }

    async fn pass_back(&self, errand: &Errand) -> Result<Report, Failed> {
        let store = self.classes.headwater().store();
        let (platform, launched) = tokio::try_join!(
            store.document::<Platform>(&errand.class, PLATFORM, &errand.id),
            store.document::<Launched>(&errand.class, LAUNCHED, &errand.id),
        )?;
        let Some(platform) = platform else { return Ok(Report::gone(errand)) };
        // Once grades may go back, all of them do, from the log's beginning: see `outside::note_launch`.
        let Some(endpoint) = launched.and_then(Launched::takes_grades) else { return Ok(Report::nothing(errand)) };
        let (due, wanted) = self.due(errand).await?;
        if due.is_empty() {
            return Ok(Report::nothing(errand));
        }
        let platform = outside::checked(&self.classes, platform).map_err(|error| Failed::There(error.to_string()))?;
        let lti = self.classes.lti();
        let grades = lti.client().await?.grades(lti.key().await?, &platform, &endpoint);
        let items = self.line_items(errand, &grades, &endpoint, &wanted).await?;
        let Sent { position, taken, mut deliveries, failed, lacks_item } =
            self.send(errand, &grades, &items, &due).await;
        if lacks_item {
            // One may have been deleted in the course; it is looked for, or made, the next time.
            store.delete_document(&errand.class, LINE_ITEMS, &errand.id).await?;
        }
        if taken > 0 {
            deliveries.insert(0, Delivery { at: now(), status: Some(200), words: counted(taken, "score") });
        }
        let end = match failed {
            None => End::Well,
            Some(error) => {
                let (words, after) = (error.to_string(), error.retry_after());
                let status = match error {
                    ServiceError::Refused { status, .. } => Some(status),
                    _ => None,
                };
                deliveries.push(Delivery { at: now(), status, words: words.clone() });
                End::Failed { words, after }
            }
        };
        Ok(Report { position, deliveries, end })
    }
}

#[async_trait]
impl Destination for PlatformGrades {
    fn kind(&self) -> &'static str {
        PLATFORM
    }

    fn batch(&self) -> u32 {
        BATCH
    }

    async fn carry(&self, errand: &Errand) -> Report {
        match self.pass_back(errand).await {
            Ok(report) => report,
            Err(Failed::Here(cause)) => Report::failed_here(errand, &cause),
            Err(Failed::There(words)) => Report::failed(errand, words),
        }
    }
}

/// Nothing could be sent.
enum Failed {
    /// By this server's fault.
    Here(String),
    /// By the platform's, or its registration's.
    There(String),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Here(error.to_string())
    }
}

impl From<BackendError> for Failed {
    fn from(error: BackendError) -> Self {
        Self::Here(error.to_string())
    }
}

impl From<ServiceError> for Failed {
    fn from(error: ServiceError) -> Self {
        Self::There(error.to_string())
    }
}

impl Due {
    fn score(&self) -> Score {
        Score {
            user: self.subject.clone(),
            given: self.check.points.as_f64(),
            maximum: self.check.of.as_f64(),
            activity: ActivityProgress::Completed,
            grading: GradingProgress::FullyGraded,
            at: now(),
            comment: Some(if self.assisted { "Passed, done for the learner." } else { "Passed." }.to_owned()),
        }
    }
}

/// Whether an event can change what somebody has reached.
fn changes_points(event: &Event) -> bool {
    matches!(event, Event::Verdict { first_passed_ms: Some(_), .. } | Event::Assisted { .. })
}

/// The passed checks, with points to be had, that an entry may have changed.
fn changed<'a>(entry: &'a LogEntry, grade: &'a Grade) -> impl Iterator<Item = (&'a StepGrade, &'a CheckGrade)> {
    let is_meant = move |step: &StepGrade, check: &CheckGrade| match &entry.event {
        Event::Verdict { check: changed, .. } => *changed == check.check,
        Event::Assisted { step: changed } => *changed == step.step,
        _ => false,
    };
    let checks = grade.steps.iter().flat_map(|step| step.checks.iter().map(move |check| (step, check)));
    checks.filter(move |(step, check)| check.passed_ms.is_some() && check.of.as_f64() > 0.0 && is_meant(step, check))
}

/// A line item for each check that has points to be had.
fn wanted(errand: &Errand, grade: &Grade, titles: &HashMap<String, String>) -> Vec<NewLineItem> {
    let checks = grade.steps.iter().flat_map(|step| &step.checks).filter(|check| check.of.as_f64() > 0.0);
    checks
        .map(|check| NewLineItem {
            label: titles.get(&check.check).unwrap_or(&check.check).clone(),
            score_maximum: check.of.as_f64(),
            resource_id: check.check.clone(),
            tag: Some(errand.class.to_string()),
            resource_link_id: None,
        })
        .collect()
}
