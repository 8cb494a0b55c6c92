//! What a learner has reached: results of checks, steps, hints, answers.

use classroom::{Event, VerdictKind};
use sha2::{Digest as _, Sha256};
use sqlx::FromRow;
use time::OffsetDateTime;

use crate::database::{Store, StoreError, Work, on, read};
use crate::id::LearnerId;
use crate::log::append_progress;
use crate::moment::{from_milliseconds, milliseconds};

/// The outcome of one check, to be recorded.
#[derive(Clone, Debug)]
pub struct CheckOutcome {
    /// The check's name, such as `delivery-stream.prefix`.
    pub name: String,
    pub verdict: VerdictKind,
    /// What learners with the same trouble have in common, such as the setting that differs; empty for a pass.
    pub cause: String,
    /// The whole result with verdict and evidence.
    pub result: serde_json::Value,
}

/// What is recorded of one check: its last outcome and its first pass.
#[derive(Clone, Debug)]
pub struct CheckRecord {
    pub name: String,
    /// Whether the last outcome was a pass.
    pub passed: bool,
    pub result: serde_json::Value,
    pub checked: OffsetDateTime,
    /// The first pass, which a later failure does not take away.
    pub first_passed: Option<OffsetDateTime>,
}

/// What is recorded of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRecord {
    pub step: String,
    pub opened: Option<OffsetDateTime>,
    pub passed: Option<OffsetDateTime>,
    /// How often the learner asked for a check by the button.
    pub attempts: u32,
    pub hints_revealed: u32,
    /// When the step was last done for the learner, at the learner's wish.
    pub assisted: Option<OffsetDateTime>,
}

/// A learner's last answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRecord {
    pub step: String,
    /// Position of the question in its step, from 0.
    pub question: u32,
    /// Positions of the chosen options, from 0.
    pub choices: Vec<u32>,
    pub correct: bool,
    /// Whether the first answer was right.
    pub first_correct: bool,
    pub tries: u32,
}

/// All recorded steps of a learner.
const STEPS: &str = "SELECT step, opened_ms, passed_ms, attempts, hints_revealed, assisted_ms FROM step_record
                     WHERE learner_id = $1 ORDER BY step";
/// All recorded checks of a learner.
const CHECKS: &str = "SELECT check_name, result, passed, checked_ms, passed_ms FROM check_record
                      WHERE learner_id = $1 ORDER BY check_name";

impl Store {
    /// Records the outcomes of a step's checks in one commit. A first pass keeps its time whatever comes later.
    /// With `passes_step` the step is passed, too; the first time counts.
    pub async fn record_checks(
        &self,
        learner: &LearnerId,
        step: &str,
        outcomes: &[CheckOutcome],
        passes_step: bool,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        for outcome in outcomes {
            let result = serde_json::to_string(&outcome.result)?;
            let first_passed_ms: Option<i64> = on!(work, connection => {
                sqlx::query_scalar(
                    "INSERT INTO check_record (learner_id, check_name, result, passed, checked_ms, passed_ms)
                     VALUES ($1, $2, $3, $4, $5, CASE WHEN $4 THEN $5 END)
                     ON CONFLICT (learner_id, check_name) DO UPDATE SET
                         result = excluded.result,
                         passed = excluded.passed,
                         checked_ms = excluded.checked_ms,
                         passed_ms = coalesce(check_record.passed_ms, excluded.passed_ms)
                     RETURNING passed_ms",
                )
                .bind(learner.as_str())
                .bind(&outcome.name)
                .bind(&result)
                .bind(outcome.verdict == VerdictKind::Pass)
                .bind(milliseconds(now))
                .fetch_one(connection)
                .await?
            });
            let event = Event::Verdict {
                step: step.to_owned(),
                check: outcome.name.clone(),
                verdict: outcome.verdict,
                cause: outcome.cause.clone(),
                first_passed_ms,
                evidence_sha256: hex::encode(Sha256::digest(&result)),
            };
            append_progress(&mut work, learner, &event, now).await?;
        }
        if passes_step {
            pass_step(&mut work, learner, step, now).await?;
        }
        work.commit().await
    }

    /// All recorded checks of a learner, by name.
    pub async fn checks(&self, learner: &LearnerId) -> Result<Vec<CheckRecord>, StoreError> {
        let rows: Vec<CheckRow> = read!(self, database => {
            sqlx::query_as(CHECKS).bind(learner.as_str()).fetch_all(database).await?
        });
        rows.into_iter().map(CheckRow::record).collect()
    }

    /// Notes that the learner opened a step; the first time counts.
    pub async fn open_step(&self, learner: &LearnerId, step: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        let is_first = on!(work, connection => {
            sqlx::query(
                "INSERT INTO step_record (learner_id, step, opened_ms) VALUES ($1, $2, $3)
                 ON CONFLICT (learner_id, step) DO UPDATE SET opened_ms = excluded.opened_ms
                     WHERE step_record.opened_ms IS NULL",
            )
            .bind(learner.as_str())
            .bind(step)
            .bind(milliseconds(now))
            .execute(connection)
            .await?
            .rows_affected()
        });
        if is_first > 0 {
            append_progress(&mut work, learner, &Event::StepOpened { step: step.to_owned() }, now).await?;
        }
        work.commit().await
    }

    /// Counts one request for a check by the button.
    pub async fn count_attempt(&self, learner: &LearnerId, step: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        let attempts: i64 = on!(work, connection => {
            sqlx::query_scalar(
                "INSERT INTO step_record (learner_id, step, attempts) VALUES ($1, $2, 1)
                 ON CONFLICT (learner_id, step) DO UPDATE SET attempts = step_record.attempts + 1 RETURNING attempts",
            )
            .bind(learner.as_str())
            .bind(step)
            .fetch_one(connection)
            .await?
        });
        let event = Event::Attempted { step: step.to_owned(), attempts: count(attempts) };
        append_progress(&mut work, learner, &event, now).await?;
        work.commit().await
    }

    /// Reveals the next hint of a step, never more than `tiers`.
    pub async fn reveal_hint(
        &self,
        learner: &LearnerId,
        step: &str,
        tiers: u32,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        if tiers == 0 {
            return Ok(());
        }
        let mut work = self.begin().await?;
        let revealed: Option<i64> = on!(work, connection => {
            sqlx::query_scalar(
                "INSERT INTO step_record (learner_id, step, hints_revealed) VALUES ($1, $2, 1)
                 ON CONFLICT (learner_id, step) DO UPDATE SET hints_revealed = step_record.hints_revealed + 1
                     WHERE step_record.hints_revealed < $3
                 RETURNING hints_revealed",
            )
            .bind(learner.as_str())
            .bind(step)
            .bind(i64::from(tiers))
            .fetch_optional(connection)
            .await?
        });
        if let Some(revealed) = revealed {
            let event = Event::HintRevealed { step: step.to_owned(), revealed: count(revealed) };
            append_progress(&mut work, learner, &event, now).await?;
        }
        work.commit().await
    }

    /// Notes that a step was done for the learner.
    pub async fn assist_step(&self, learner: &LearnerId, step: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        on!(work, connection => {
            sqlx::query(
                "INSERT INTO step_record (learner_id, step, assisted_ms) VALUES ($1, $2, $3)
                 ON CONFLICT (learner_id, step) DO UPDATE SET assisted_ms = excluded.assisted_ms",
            )
            .bind(learner.as_str())
            .bind(step)
            .bind(milliseconds(now))
            .execute(connection)
            .await?;
        });
        append_progress(&mut work, learner, &Event::Assisted { step: step.to_owned() }, now).await?;
        work.commit().await
    }

    /// All recorded steps of a learner.
    pub async fn steps(&self, learner: &LearnerId) -> Result<Vec<StepRecord>, StoreError> {
        let rows: Vec<StepRow> = read!(self, database => {
            sqlx::query_as(STEPS).bind(learner.as_str()).fetch_all(database).await?
        });
        Ok(rows.into_iter().map(StepRow::record).collect())
    }

    /// Records an answer; the first one decides `first_correct`.
    pub async fn record_answer(
        &self,
        learner: &LearnerId,
        step: &str,
        question: u32,
        choices: &[u32],
        correct: bool,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let choices = serde_json::to_string(choices)?;
        let mut work = self.begin().await?;
        let (first_correct, tries): (bool, i64) = on!(work, connection => {
            sqlx::query_as(
                "INSERT INTO answer (learner_id, step, question, choices, correct, first_correct, tries, answered_ms)
                 VALUES ($1, $2, $3, $4, $5, $5, 1, $6)
                 ON CONFLICT (learner_id, step, question) DO UPDATE SET
                     choices = excluded.choices,
                     correct = excluded.correct,
                     tries = answer.tries + 1,
                     answered_ms = excluded.answered_ms
                 RETURNING first_correct, tries",
            )
            .bind(learner.as_str())
            .bind(step)
            .bind(i64::from(question))
            .bind(&choices)
            .bind(correct)
            .bind(milliseconds(now))
            .fetch_one(connection)
            .await?
        });
        let event = Event::Answered { step: step.to_owned(), question, correct, first_correct, tries: count(tries) };
        append_progress(&mut work, learner, &event, now).await?;
        work.commit().await
    }

    /// All answers of a learner, by step and question.
    pub async fn answers(&self, learner: &LearnerId) -> Result<Vec<AnswerRecord>, StoreError> {
        let rows: Vec<AnswerRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT step, question, choices, correct, first_correct, tries FROM answer
                 WHERE learner_id = $1 ORDER BY step, question",
            )
            .bind(learner.as_str())
            .fetch_all(database)
            .await?
        });
        rows.into_iter().map(AnswerRow::record).collect()
    }
}

/// Tells a class that the learner has just joined what the learner had done before.
pub(crate) async fn append_earlier_progress(
    work: &mut Work,
    learner: &LearnerId,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let mut steps: Vec<StepRow> =
        on!(work, connection => sqlx::query_as(STEPS).bind(learner.as_str()).fetch_all(connection).await?);
    let checks: Vec<CheckRow> =
        on!(work, connection => sqlx::query_as(CHECKS).bind(learner.as_str()).fetch_all(connection).await?);
    // In the order of the learner's way: the step that is told last is the one where the learner is.
    steps.sort_by_key(|step| step.opened_ms);
    let mut events = Vec::new();
    for step in &steps {
        let slug = || step.step.clone();
        if step.opened_ms.is_some() {
            events.push(Event::StepOpened { step: slug() });
        }
        if step.attempts > 0 {
            events.push(Event::Attempted { step: slug(), attempts: count(step.attempts) });
        }
        if step.hints_revealed > 0 {
            events.push(Event::HintRevealed { step: slug(), revealed: count(step.hints_revealed) });
        }
        if step.assisted_ms.is_some() {
            events.push(Event::Assisted { step: slug() });
        }
    }
    for check in &checks {
        // What fails now is found anew by the next look; what was passed once counts.
        let Some(passed_ms) = check.passed_ms else { continue };
        let (step, _) = check.check_name.split_once('.').unwrap_or((&check.check_name, ""));
        events.push(Event::Verdict {
            step: step.to_owned(),
            check: check.check_name.clone(),
            verdict: VerdictKind::Pass,
            cause: String::new(),
            first_passed_ms: Some(passed_ms),
            evidence_sha256: hex::encode(Sha256::digest(&check.result)),
        });
    }
    let passed = steps.iter().filter_map(|step| Some((step, step.passed_ms?)));
    events.extend(passed.map(|(step, passed_ms)| Event::StepPassed { step: step.step.clone(), passed_ms }));
    for event in &events {
        append_progress(work, learner, event, now).await?;
    }
    Ok(())
}

async fn pass_step(work: &mut Work, learner: &LearnerId, step: &str, now: OffsetDateTime) -> Result<(), StoreError> {
    let is_first = on!(work, connection => {
        sqlx::query(
            "INSERT INTO step_record (learner_id, step, passed_ms) VALUES ($1, $2, $3)
             ON CONFLICT (learner_id, step) DO UPDATE SET passed_ms = excluded.passed_ms
                 WHERE step_record.passed_ms IS NULL",
        )
        .bind(learner.as_str())
        .bind(step)
        .bind(milliseconds(now))
        .execute(connection)
        .await?
        .rows_affected()
    });
    if is_first > 0 {
        let event = Event::StepPassed { step: step.to_owned(), passed_ms: milliseconds(now) };
        append_progress(work, learner, &event, now).await?;
    }
    Ok(())
}

/// A count that the database holds.
fn count(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(u32::MAX)
}

#[derive(FromRow)]
struct CheckRow {
    check_name: String,
    result: String,
    passed: bool,
    checked_ms: i64,
    passed_ms: Option<i64>,
}

impl CheckRow {
    fn record(self) -> Result<CheckRecord, StoreError> {
        Ok(CheckRecord {
            name: self.check_name,
            passed: self.passed,
            result: serde_json::from_str(&self.result)?,
            checked: from_milliseconds(self.checked_ms),
            first_passed: self.passed_ms.map(from_milliseconds),
        })
    }
}

#[derive(FromRow)]
struct StepRow {
    step: String,
    opened_ms: Option<i64>,
    passed_ms: Option<i64>,
    attempts: i64,
    hints_revealed: i64,
    assisted_ms: Option<i64>,
}

impl StepRow {
    fn record(self) -> StepRecord {
        StepRecord {
            step: self.step,
            opened: self.opened_ms.map(from_milliseconds),
            passed: self.passed_ms.map(from_milliseconds),
            attempts: count(self.attempts),
            hints_revealed: count(self.hints_revealed),
            assisted: self.assisted_ms.map(from_milliseconds),
        }
    }
}

#[derive(FromRow)]
struct AnswerRow {
    step: String,
    question: i64,
    choices: String,
    correct: bool,
    first_correct: bool,
    tries: i64,
}

impl AnswerRow {
    fn record(self) -> Result<AnswerRecord, StoreError> {
        Ok(AnswerRecord {
            step: self.step,
            question: count(self.question),
            choices: serde_json::from_str(&self.choices)?,
            correct: self.correct,
            first_correct: self.first_correct,
            tries: count(self.tries),
        })
    }
}
