//! The result of `headwater verify`, to read or to parse.

use std::fmt::Write as _;
use std::time::Duration;

use checks::{CheckName, CheckResult, Subject, Verdict, VerdictKind};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Format, Outcome};

/// What was found.
pub struct Report {
    pub subject: Subject,
    pub started: OffsetDateTime,
    /// In the order of the lab.
    pub results: Vec<CheckResult>,
    /// Checks left out because nobody agreed to run the functions.
    pub needs_invoke: Vec<CheckName>,
}

impl Report {
    pub fn outcome(&self) -> Outcome {
        Outcome::of(&self.results)
    }

    /// The whole report, ending with a line feed.
    pub fn written(&self, format: Format) -> String {
        match format {
            Format::Text => self.text(),
            Format::Json => format!("{}\n", serde_json::to_string_pretty(&self.json()).unwrap_or_default()),
            Format::Junit => self.junit(),
        }
    }

    fn text(&self) -> String {
        let mut text =
            format!("Account {} in {}, {}\n", self.subject.account, self.subject.region, self.subject.engine);
        let mut step = None;
        for result in &self.results {
            if step != Some(result.name.step()) {
                step = Some(result.name.step());
                let _ = writeln!(text, "\n{}", result.name.step());
            }
            let _ = writeln!(text, "  {:<11} {}", word(result.verdict.kind()), result.name.title());
            if result.verdict.is_pass() {
                continue;
            }
            let _ = writeln!(text, "              {}", result.message);
            if let Verdict::Wrong { setting, expected, found } = &result.verdict {
                let _ = writeln!(text, "              {setting}: expected {expected}; found {found}");
            }
            for evidence in &result.evidence {
                let at = evidence.at.format(&Rfc3339).unwrap_or_default();
                let _ = writeln!(text, "              {} at {at}", evidence.call);
            }
        }
        for name in &self.needs_invoke {
            let _ = writeln!(text, "\nNot run: {name} ({}) needs --invoke", name.title());
        }
        let passed = self.results.iter().filter(|result| result.verdict.is_pass()).count();
        let _ = writeln!(text, "\n{passed} of {} checks pass: {}", self.results.len(), sentence(self.outcome()));
        text
    }

    fn json(&self) -> Value {
        json!({
            "outcome": outcome_word(self.outcome()),
            "account": self.subject.account,
            "region": self.subject.region,
            "engine": self.subject.engine,
            "started": self.started.format(&Rfc3339).unwrap_or_default(),
            "checks": self.results.iter().map(|result| json!({
                "name": result.name,
                "step": result.name.step(),
                "title": result.name.title(),
                "verdict": result.verdict,
                "message": result.message,
                "evidence": result.evidence,
            })).collect::<Vec<_>>(),
            "not_run": self.needs_invoke,
        })
    }

    /// A suite a step and a case a check: failures are the learner's, errors are not, and what needs `--invoke` is skipped.
    fn junit(&self) -> String {
        let mut report = quick_junit::Report::new("headwater verify");
        let mut names: Vec<CheckName> = self.results.iter().map(|result| result.name).collect();
        names.extend(&self.needs_invoke);
        let mut steps: Vec<_> = names.iter().map(|name| name.step()).collect();
        steps.sort_unstable();
        steps.dedup();
        for step in steps {
            let mut suite = TestSuite::new(step.slug());
            for result in self.results.iter().filter(|result| result.name.step() == step) {
                suite.add_test_case(case(result));
            }
            for name in self.needs_invoke.iter().filter(|name| name.step() == step) {
                let mut case = TestCase::new(name.as_str(), TestCaseStatus::skipped());
                case.status.set_message("needs --invoke");
                suite.add_test_case(case);
            }
            report.add_test_suite(suite);
        }
        report.to_string().unwrap_or_default() + "\n"
    }
}

fn case(result: &CheckResult) -> TestCase {
    let kind = result.verdict.kind();
    let status = match Outcome::of([result]) {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::NotPassed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::CouldNotTell => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let mut case = TestCase::new(result.name.as_str(), status);
    case.set_classname(result.name.step().slug()).set_time(Duration::ZERO);
    if !result.verdict.is_pass() {
        case.status.set_type(word(kind)).set_message(result.message.clone());
        let evidence: Vec<String> = result
            .evidence
            .iter()
            .map(|evidence| {
                let fields: Vec<String> =
                    evidence.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
                format!("{} {}", evidence.call, fields.join(" "))
            })
            .collect();
        case.status.set_description(evidence.join("\n"));
    }
    case
}

fn word(kind: VerdictKind) -> &'static str {
    match kind {
        VerdictKind::Pass => "pass",
        VerdictKind::NotYet => "not yet",
        VerdictKind::Wrong => "wrong",
        VerdictKind::Elsewhere => "elsewhere",
        VerdictKind::NoPermission => "no right",
        VerdictKind::Settling => "settling",
        VerdictKind::ServiceFault => "fault",
    }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::NotPassed => "not_passed",
        Outcome::CouldNotTell => "could_not_tell",
    }
}

fn sentence(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::NotPassed => "not passed",
        Outcome::CouldNotTell => "could not tell",
    }
}
