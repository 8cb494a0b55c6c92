use super::{CatchUpView, CheckView, ReceiptView};
use serde::{Deserialize, Serialize};

/// A step as the list of steps shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSummary {
    /// For example `delivery-stream`; its page is `/lab/{slug}`.
    pub slug: String,
    /// Counted from 0.
    pub number: u32,
    pub title: String,
    /// What the learner does here, in half a sentence.
    pub summary: String,
    /// About how long it takes.
    pub minutes: u32,
    pub state: StepState,
    pub checks_passed: u32,
    pub checks_total: u32,
}

/// A pass is sticky: what changes afterwards is noted, not taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepState {
    /// Nothing of it was found yet.
    NotStarted,
    /// Some checks pass.
    UnderWay,
    Passed,
    /// Passed once, but a check no longer passes now.
    PassedThenChanged,
}

impl StepState {
    pub fn is_passed(self) -> bool {
        matches!(self, Self::Passed | Self::PassedThenChanged)
    }
}

/// One step with all its text, already in the learner's own names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepView {
    pub summary: StepSummary,
    /// One or two sentences.
    pub aim_html: String,
    pub background_html: String,
    /// The instructions for doing the step in the page. A code block in any of these texts is
    /// a `<pre class="code-block">`; the page adds a button that copies it.
    pub page_html: String,
    /// The instructions for doing it with the AWS CLI.
    pub cli_html: String,
    /// The forms of the step, in the order in which they are used.
    pub actions: Vec<ActionView>,
    pub hints: HintsView,
    pub questions: Vec<QuestionView>,
    /// In the lab's order, with the last verdict known.
    pub checks: Vec<CheckView>,
    /// What the consenting checks will do in the learner's account (invoke a function);
    /// `None` when no check of the step needs consent.
    pub consent_html: Option<String>,
    pub catch_up: CatchUpView,
    /// On the clean-up step: what of the lab is in the account.
    pub receipt: Option<ReceiptView>,
    pub previous: Option<StepLink>,
    pub next: Option<StepLink>,
}

/// Something the page can do in the learner's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionView {
    /// For example `create-bucket`.
    pub name: String,
    pub title: String,
    pub help_html: String,
    /// The words on its button.
    pub button: String,
    /// It deletes something.
    pub destructive: bool,
    pub fields: Vec<FieldView>,
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldView {
    pub name: String,
    pub label: String,
    /// Inline HTML; may be empty.
    pub help_html: String,
    pub value: String,
    pub required: bool,
    pub input: FieldInput,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FieldInput {
    Text {
        max_length: u32,
    },
    Number {
        min: i64,
        max: i64,
        /// For example `seconds`.
        unit: Option<String>,
    },
    Select {
        options: Vec<Choice>,
    },
    /// Code in a text area.
    Code {
        /// `python` or `sql`.
        language: String,
        rows: u32,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

/// Hints come in tiers: from a nudge to the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HintsView {
    pub revealed: Vec<HintView>,
    pub remaining: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HintView {
    /// For example `Where to look`.
    pub title: String,
    pub html: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionView {
    pub id: String,
    pub question_html: String,
    /// Several choices may be right.
    pub multiple: bool,
    pub choices: Vec<AnswerView>,
    /// The values the learner chose last; empty before the first answer.
    pub chosen: Vec<String>,
    /// `None` before the first answer.
    pub right: Option<bool>,
}

/// One answer to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerView {
    pub value: String,
    pub html: String,
    /// Whether it is to be chosen, and why: told only once the question was answered.
    pub solution: Option<Solution>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Solution {
    pub right: bool,
    pub explanation_html: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepLink {
    pub slug: String,
    pub number: u32,
    pub title: String,
}
