//! What a learner's passes are worth.
//!
//! A pass is sticky: what was passed once keeps its points. The latest points set in the log count for everything, also for
//! what was passed before. A check in a step that was done for the learner gives `assisted_percent` of its points, whenever
//! it passed.

use serde::{Deserialize, Serialize};

use crate::board::{Board, LearnerRecord, StepRecord};
use crate::hundredths::Hundredths;
use crate::names::NameId;

/// A learner's result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    pub points: Hundredths,
    /// The most that can be had.
    pub of: Hundredths,
    /// None if there is nothing to be had.
    pub percent: Option<Hundredths>,
    /// By step in the lab's order.
    pub steps: Vec<StepGrade>,
}

/// The result in one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepGrade {
    pub step: String,
    pub passed_ms: Option<i64>,
    pub attempts: u32,
    pub hints_revealed: u32,
    pub assisted: bool,
    pub points: Hundredths,
    pub of: Hundredths,
    pub checks: Vec<CheckGrade>,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckGrade {
    pub check: String,
    /// First pass.
    pub passed_ms: Option<i64>,
    pub points: Hundredths,
    pub of: Hundredths,
}

impl Board {
    /// A learner's grade by the points that are set now; without any it is empty.
    pub fn grade(&self, learner: &str) -> Option<Grade> {
        let record = self.record(learner)?;
        let steps: Vec<_> = self.worth().iter().map(|(step, checks)| self.step_grade(record, *step, checks)).collect();
        let points = sum(steps.iter().map(|step| step.points));
        let of = sum(steps.iter().map(|step| step.of));
        Some(Grade { points, of, percent: points.percentage(of), steps })
    }

    /// The sum alone, which every row has.
    pub(crate) fn points_of(&self, record: &LearnerRecord) -> Hundredths {
        let steps = self.worth().iter().filter_map(|(step, checks)| Some((record.step(*step)?, checks)));
        sum(steps.flat_map(|(step, checks)| checks.iter().map(|(check, of)| self.check_points(step, *check, *of).1)))
    }

    fn step_grade(&self, record: &LearnerRecord, step: NameId, checks: &[(NameId, u32)]) -> StepGrade {
        let names = self.names();
        let done = record.step(step);
        let checks = checks.iter().map(|(check, of)| {
            let (passed_ms, points) = done.map_or_else(Default::default, |done| self.check_points(done, *check, *of));
            CheckGrade { check: names.owned(*check), passed_ms, points, of: Hundredths::whole(u64::from(*of)) }
        });
        let checks: Vec<CheckGrade> = checks.collect();
        StepGrade {
            step: names.owned(step),
            passed_ms: done.and_then(|done| done.passed_ms),
            attempts: done.map_or(0, |done| done.attempts),
            hints_revealed: done.map_or(0, |done| done.hints),
            assisted: done.is_some_and(|done| done.assisted),
            points: sum(checks.iter().map(|check| check.points)),
            of: sum(checks.iter().map(|check| check.of)),
            checks,
        }
    }

    fn check_points(&self, step: &StepRecord, check: NameId, of: u32) -> (Option<i64>, Hundredths) {
        let passed_ms = step.check(check).and_then(|check| check.first_passed_ms);
        let assisted_percent = self.scheme().map_or(100, |scheme| scheme.assisted_percent.min(100));
        let percent = match passed_ms {
            None => 0,
            Some(_) if step.assisted => assisted_percent,
            Some(_) => 100,
        };
        (passed_ms, Hundredths::percent_of(of, percent))
    }
}

fn sum(points: impl Iterator<Item = Hundredths>) -> Hundredths {
    points.fold(Hundredths::default(), Hundredths::plus)
}

#[cfg(test)]
mod tests {
    use crate::VerdictKind::{Pass, Wrong};
    use crate::test_log::{TestLog, scheme, verdict_of};
    use crate::{Event, PointsScheme};

    use super::*;

    /// Points of each check, then the sum with its percentage.
    fn told(grade: &Grade) -> String {
        let checks = grade.steps.iter().flat_map(|step| &step.checks);
        let checks: Vec<String> =
            checks.map(|check| format!("{} {}/{}", check.check, check.points, check.of)).collect();
        let percent = grade.percent.map(|percent| percent.to_string()).unwrap_or_default();
        format!("{}; {}/{} = {percent}%", checks.join(", "), grade.points, grade.of)
    }

    fn log() -> TestLog {
        let mut log = TestLog::of(&["anna"]);
        log.add(1, "anna", verdict_of("stream", "prefix", Pass, ""));
        log
    }

    #[test]
    fn a_pass_gives_its_points_and_keeps_them() {
        let mut log = log();
        log.add(2, "anna", verdict_of("stream", "prefix", Wrong, "slash"));
        let grade = log.board().grade("anna").unwrap();
        insta::assert_snapshot!(told(&grade), @"bucket 0/10, prefix 5/5, rows 0/15; 5/30 = 16.67%");
        assert_eq!(grade.steps[0].checks[1].passed_ms, Some(60_000));
        assert_eq!(log.board().grade("ben"), None);
    }

    #[test]
    fn what_was_done_for_the_learner_gives_its_part() {
        let mut log = log();
        log.add(2, "anna", Event::Assisted { step: "stream".to_owned() });
        log.add(3, "anna", verdict_of("results", "rows", Pass, ""));
        let grade = log.board().grade("anna").unwrap();
        insta::assert_snapshot!(told(&grade), @"bucket 0/10, prefix 2.5/5, rows 15/15; 17.5/30 = 58.33%");
        assert!(grade.steps[0].assisted && !grade.steps[1].assisted);
    }

    #[test]
    fn the_latest_points_count() {
        let mut log = log();
        let mut second = scheme();
        second.steps.remove(1);
        second.steps[0].checks.insert("prefix".to_owned(), 30);
        log.push(9, None, Event::PointsSet { scheme: second.clone() });
        insta::assert_snapshot!(told(&log.board().grade("anna").unwrap()), @"bucket 0/10, prefix 30/30; 30/40 = 75%");
        log.push(9, None, Event::PointsSet { scheme: PointsScheme { steps: Vec::new(), ..second } });
        insta::assert_snapshot!(told(&log.board().grade("anna").unwrap()), @"; 0/0 = %");
    }

    #[test]
    fn without_points_a_grade_is_empty() {
        let mut log = TestLog { head: crate::Head::empty(), entries: Vec::new() };
        log.add(1, "anna", Event::Joined);
        assert_eq!(log.board().grade("anna"), Some(Grade::default()));
    }

    #[test]
    fn a_part_above_the_whole_is_the_whole() {
        let mut log = log();
        log.push(1, None, Event::PointsSet { scheme: PointsScheme { assisted_percent: 255, ..scheme() } });
        log.add(2, "anna", Event::Assisted { step: "stream".to_owned() });
        assert_eq!(log.board().grade("anna").unwrap().points, Hundredths::whole(5));
    }
}
