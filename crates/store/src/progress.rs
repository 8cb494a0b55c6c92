//! What a learner has reached: results of checks, steps, hints, answers.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;

use crate::database::{Store, StoreError};
use crate::learner::{LearnerId, from_milliseconds, milliseconds};

/// The outcome of one check, to be recorded.
#[derive(Clone, Debug)]
pub struct CheckOutcome {
    /// The check's name, such as `delivery-stream.prefix`.
    pub name: String,
    pub passed: bool,
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

impl Store {
    /// Records the outcomes of checks in one commit. A first pass keeps its time whatever comes later.
    pub async fn record_checks(
        &self,
        learner: &LearnerId,
        outcomes: &[CheckOutcome],
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for outcome in outcomes {
            sqlx::query(
                "INSERT INTO check_record (learner_id, check_name, result, passed, checked_ms, passed_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, CASE WHEN ?4 THEN ?5 END)
                 ON CONFLICT (learner_id, check_name) DO UPDATE SET
                     result = excluded.result,
                     passed = excluded.passed,
                     checked_ms = excluded.checked_ms,
                     passed_ms = coalesce(passed_ms, excluded.passed_ms)",
            )
            .bind(learner.as_str())
            .bind(&outcome.name)
            .bind(serde_json::to_string(&outcome.result)?)
            .bind(outcome.passed)
            .bind(milliseconds(now))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// All recorded checks of a learner, by name.
    pub async fn checks(&self, learner: &LearnerId) -> Result<Vec<CheckRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT check_name, result, passed, checked_ms, passed_ms FROM check_record
             WHERE learner_id = ? ORDER BY check_name",
        )
        .bind(learner.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(check_from).collect()
    }

    /// Notes that the learner opened a step; the first time counts.
    pub async fn open_step(&self, learner: &LearnerId, step: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO step_record (learner_id, step, opened_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT (learner_id, step) DO UPDATE SET opened_ms = excluded.opened_ms WHERE opened_ms IS NULL",
        )
        .bind(learner.as_str())
        .bind(step)
        .bind(milliseconds(now))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Notes that a step is passed; the first time counts.
    pub async fn pass_step(&self, learner: &LearnerId, step: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO step_record (learner_id, step, passed_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT (learner_id, step) DO UPDATE SET passed_ms = excluded.passed_ms WHERE passed_ms IS NULL",
        )
        .bind(learner.as_str())
        .bind(step)
        .bind(milliseconds(now))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Counts one request for a check by the button.
    pub async fn count_attempt(&self, learner: &LearnerId, step: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO step_record (learner_id, step, attempts) VALUES (?1, ?2, 1)
             ON CONFLICT (learner_id, step) DO UPDATE SET attempts = attempts + 1",
        )
        .bind(learner.as_str())
        .bind(step)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Reveals the next hint of a step, never more than `tiers`.
    pub async fn reveal_hint(&self, learner: &LearnerId, step: &str, tiers: u32) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO step_record (learner_id, step, hints_revealed) VALUES (?1, ?2, min(1, ?3))
             ON CONFLICT (learner_id, step) DO UPDATE SET hints_revealed = min(hints_revealed + 1, ?3)",
        )
        .bind(learner.as_str())
        .bind(step)
        .bind(tiers)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Notes that a step was done for the learner.
    pub async fn assist_step(&self, learner: &LearnerId, step: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO step_record (learner_id, step, assisted_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT (learner_id, step) DO UPDATE SET assisted_ms = excluded.assisted_ms",
        )
        .bind(learner.as_str())
        .bind(step)
        .bind(milliseconds(now))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// All recorded steps of a learner.
    pub async fn steps(&self, learner: &LearnerId) -> Result<Vec<StepRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT step, opened_ms, passed_ms, attempts, hints_revealed, assisted_ms FROM step_record
             WHERE learner_id = ? ORDER BY step",
        )
        .bind(learner.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(step_from).collect()
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
        sqlx::query(
            "INSERT INTO answer (learner_id, step, question, choices, correct, first_correct, tries, answered_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1, ?6)
             ON CONFLICT (learner_id, step, question) DO UPDATE SET
                 choices = excluded.choices,
                 correct = excluded.correct,
                 tries = tries + 1,
                 answered_ms = excluded.answered_ms",
        )
        .bind(learner.as_str())
        .bind(step)
        .bind(question)
        .bind(serde_json::to_string(choices)?)
        .bind(correct)
        .bind(milliseconds(now))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// All answers of a learner, by step and question.
    pub async fn answers(&self, learner: &LearnerId) -> Result<Vec<AnswerRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT step, question, choices, correct, first_correct, tries FROM answer
             WHERE learner_id = ? ORDER BY step, question",
        )
        .bind(learner.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(answer_from).collect()
    }
}

fn check_from(row: &SqliteRow) -> Result<CheckRecord, StoreError> {
    let result: String = row.try_get("result")?;
    let first_passed: Option<i64> = row.try_get("passed_ms")?;
    Ok(CheckRecord {
        name: row.try_get("check_name")?,
        passed: row.try_get("passed")?,
        result: serde_json::from_str(&result)?,
        checked: from_milliseconds(row.try_get("checked_ms")?),
        first_passed: first_passed.map(from_milliseconds),
    })
}

fn step_from(row: &SqliteRow) -> Result<StepRecord, StoreError> {
    let opened: Option<i64> = row.try_get("opened_ms")?;
    let passed: Option<i64> = row.try_get("passed_ms")?;
    let assisted: Option<i64> = row.try_get("assisted_ms")?;
    Ok(StepRecord {
        step: row.try_get("step")?,
        opened: opened.map(from_milliseconds),
        passed: passed.map(from_milliseconds),
        attempts: row.try_get("attempts")?,
        hints_revealed: row.try_get("hints_revealed")?,
        assisted: assisted.map(from_milliseconds),
    })
}

fn answer_from(row: &SqliteRow) -> Result<AnswerRecord, StoreError> {
    let choices: String = row.try_get("choices")?;
    Ok(AnswerRecord {
        step: row.try_get("step")?,
        question: row.try_get("question")?,
        choices: serde_json::from_str(&choices)?,
        correct: row.try_get("correct")?,
        first_correct: row.try_get("first_correct")?,
        tries: row.try_get("tries")?,
    })
}
