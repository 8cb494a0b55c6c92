//! The lab as the pages and the server see it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::markdown::{self, Markdown};
use crate::template;
use crate::variables::Variables;

/// A whole lab. Only content that lints clean becomes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lab {
    /// What counts the clicks in it.
    pub engine: Engine,
    /// The content's own version, for example `2026.11`.
    pub version: String,
    /// The lab's name.
    pub title: String,
    /// What a learner builds, in a sentence or two of inline Markdown.
    pub summary: Markdown,
    /// The steps in order; step `n` has number `n`.
    pub steps: Vec<Step>,
    /// The names a learner may choose, with what to say about each.
    pub variables: Vec<VariableHelp>,
    /// Code that the steps give away, by path inside the content folder.
    pub(crate) files: BTreeMap<String, String>,
}

impl Lab {
    /// The step with this slug, for example `delivery-stream`.
    #[must_use]
    pub fn step(&self, slug: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.slug == slug)
    }

    /// A code file of the lab with the learner's names in it. `path` is one of
    /// [`crate::PREPROCESS_CODE`], [`crate::OUTPUT_CODE`], [`crate::SQL_CODE`],
    /// or any other file below the content's `functions/` and `sql/`.
    #[must_use]
    pub fn file(&self, path: &str, variables: &Variables) -> Option<String> {
        self.files.get(path).map(|text| template::substitute(text, variables))
    }
}

/// One step of the lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// 0 for the first step.
    pub number: usize,
    /// The step's name in addresses and check names, for example `delivery-stream`.
    pub slug: String,
    /// Plain text.
    pub title: String,
    /// What the learner will have done, in inline Markdown.
    pub aim: Markdown,
    /// About how long it takes.
    pub minutes: u32,
    /// Why the step is as it is.
    pub background: Markdown,
    /// How to do it with the forms of the page.
    pub instructions_page: Markdown,
    /// How to do it with the AWS CLI.
    pub instructions_cli: Markdown,
    /// At least one hint of each tier, mildest first.
    pub hints: Vec<Hint>,
    /// One or two quiz questions.
    pub questions: Vec<Question>,
    /// What is verified, by name in the crate `checks`.
    pub checks: Vec<CheckRef>,
    /// The forms of the page, in the order in which they are used.
    pub actions: Vec<Action>,
    /// Programs that do the step for a learner who wants to go on from here.
    pub catch_up: CatchUp,
}

impl Step {
    /// The shell text of each `bash` block of the CLI instructions, exactly as
    /// the page shows it. Run in order in one bash, they do the step.
    #[must_use]
    pub fn cli_blocks(&self, variables: &Variables) -> Vec<String> {
        markdown::code_blocks(&self.instructions_cli, "bash", variables)
    }

    /// The action with this name, for example `create-bucket`.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.name == name)
    }
}

/// Two programs, each of which does exactly one step. Run again, they change
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatchUp {
    /// A bash script, before the learner's names are put in; see [`CatchUp::script`].
    pub script: String,
    /// A Terraform file, before the learner's names are put in; see [`CatchUp::terraform`].
    pub terraform: String,
}

impl CatchUp {
    /// The bash script, which needs the AWS CLI and what every Unix has.
    #[must_use]
    pub fn script(&self, variables: &Variables) -> String {
        template::substitute(&self.script, variables)
    }

    /// The Terraform file.
    #[must_use]
    pub fn terraform(&self, variables: &Variables) -> String {
        template::substitute(&self.terraform, variables)
    }
}

/// How much a hint gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HintTier {
    /// A push in the right direction.
    Nudge,
    /// Where to look.
    Where,
    /// Nearly the answer.
    Nearly,
}

impl HintTier {
    /// Every tier, mildest first.
    pub const ALL: [Self; 3] = [Self::Nudge, Self::Where, Self::Nearly];

    /// The tier as content files name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nudge => "nudge",
            Self::Where => "where",
            Self::Nearly => "nearly",
        }
    }
}

/// Help that a learner opens when they want it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// How much it gives away.
    pub tier: HintTier,
    /// Block Markdown.
    pub text: Markdown,
}

/// A quiz question. Its answers are tried on the server or on the page; each
/// explains itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Unique in the lab.
    pub name: String,
    /// Inline Markdown.
    pub prompt: Markdown,
    /// Whether one or several answers are to be ticked.
    pub kind: QuestionKind,
    /// Two or more, in the order to show them.
    pub answers: Vec<Answer>,
}

/// How many answers a question takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionKind {
    /// Exactly one answer is right.
    Single,
    /// All right answers, and no other, are to be ticked.
    Multiple,
}

/// One answer to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Inline Markdown.
    pub text: Markdown,
    /// Whether it is to be ticked.
    pub right: bool,
    /// Why it is right or wrong, in inline Markdown.
    pub explanation: Markdown,
}

/// A check of the step, by its name in the crate `checks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRef {
    /// `<step slug>.<check>`, for example `delivery-stream.bucket`.
    pub name: String,
    /// What holds when it passes, in plain text.
    pub title: String,
}

/// A form of the page that does a part of the step in the learner's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Unique in the lab, for example `create-bucket`.
    pub name: String,
    /// Plain text.
    pub title: String,
    /// What it does, in inline Markdown.
    pub description: Markdown,
    /// What it asks for; may be empty.
    pub fields: Vec<Field>,
    /// The text of the button.
    pub submit: String,
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Unique in the action.
    pub name: String,
    /// Plain text.
    pub label: String,
    /// What it means, in inline Markdown.
    pub help: Markdown,
    /// What may be entered.
    pub kind: FieldKind,
    /// The value to begin with, before the learner's names are put in; see
    /// [`Field::default_value`].
    pub default: String,
}

impl Field {
    /// The value to begin with, with the learner's names in it.
    #[must_use]
    pub fn default_value(&self, variables: &Variables) -> String {
        template::substitute(&self.default, variables)
    }
}

/// What a field takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// A whole number within bounds, both allowed.
    Number {
        /// The smallest number allowed.
        min: i64,
        /// The largest number allowed.
        max: i64,
    },
    /// One of the options.
    Select {
        /// The options in the order to show them.
        options: Vec<String>,
    },
    /// Program text.
    Code {
        /// `python` or `sql`.
        language: String,
    },
}

/// What to say of a name that the learner may choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableHelp {
    /// The variable, for example `bucket`.
    pub name: String,
    /// Plain text.
    pub label: String,
    /// What it is for, in inline Markdown.
    pub help: Markdown,
}
