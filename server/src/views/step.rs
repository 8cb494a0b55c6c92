//! Steps: as the list shows them, and whole.

use app::error::BackendError;
use app::model::{
    ActionView, AnswerView, Choice, FieldInput, FieldView, HintView, HintsView, QuestionView, Solution, StepLink,
    StepState, StepSummary, StepView,
};
use lab::{Action, Field, FieldKind, HintTier, Lab, Markdown, Question, QuestionKind, Step, Variables};

use super::{Progress, checks, receipt};
use crate::catch_up;
use crate::place::Place;
use crate::state::{Headwater, Seat};

/// The step that shows what of the lab is in the account.
const CLEAN_UP: &str = "clean-up";

/// Longest line of text that a form takes.
const TEXT_LENGTH: u32 = 1024;
/// Rows of a code field before it scrolls.
const CODE_ROWS: u32 = 18;

/// All steps in order, as the list shows them.
pub fn summaries(lab: &Lab, seat: &Seat, progress: &Progress) -> Vec<StepSummary> {
    lab.steps.iter().map(|step| summary(step, seat, progress)).collect()
}

/// One step with all its text, in the learner's own names.
pub async fn step(
    headwater: &Headwater,
    step: &Step,
    seat: &Seat,
    progress: &Progress,
) -> Result<StepView, BackendError> {
    let lab = headwater.lab(seat.engine());
    let variables = &seat.variables;
    let checks = checks(step, progress);
    let consent = checks.iter().any(|check| check.needs_consent);
    // In an account of the learner's own the page makes nothing.
    let actions: &[Action] = if seat.place == Place::Sandbox { &step.actions } else { &[] };
    Ok(StepView {
        summary: summary(step, seat, progress),
        aim_html: inline(&step.aim, variables),
        background_html: block(&step.background, variables),
        page_html: block(&step.instructions_page, variables),
        cli_html: block(&step.instructions_cli, variables),
        actions: actions.iter().map(|action| action_view(action, variables)).collect(),
        hints: hints(step, variables, progress),
        questions: step
            .questions
            .iter()
            .enumerate()
            .map(|(position, asked)| question(step, position, asked, variables, progress))
            .collect(),
        checks,
        consent_html: consent.then(|| consent_html(&step.slug, variables)),
        catch_up: catch_up::view(step, seat, progress),
        receipt: if step.slug == CLEAN_UP { receipt(headwater, seat).await? } else { None },
        previous: neighbour(lab, step.number.checked_sub(1)),
        next: neighbour(lab, Some(step.number + 1)),
    })
}

/// A question; its solution only once it was answered.
pub fn question(
    step: &Step,
    position: usize,
    asked: &Question,
    variables: &Variables,
    progress: &Progress,
) -> QuestionView {
    let answer = progress
        .answers
        .iter()
        .find(|record| record.step == step.slug && usize::try_from(record.question) == Ok(position));
    QuestionView {
        id: asked.name.clone(),
        question_html: inline(&asked.prompt, variables),
        multiple: asked.kind == QuestionKind::Multiple,
        choices: asked
            .answers
            .iter()
            .enumerate()
            .map(|(value, choice)| AnswerView {
                value: value.to_string(),
                html: inline(&choice.text, variables),
                solution: answer.map(|_| Solution {
                    right: choice.right,
                    explanation_html: inline(&choice.explanation, variables),
                }),
            })
            .collect(),
        chosen: answer.map(|record| record.choices.iter().map(ToString::to_string).collect()).unwrap_or_default(),
        right: answer.map(|record| record.correct),
    }
}

fn summary(step: &Step, seat: &Seat, progress: &Progress) -> StepSummary {
    let passed = |name: &str| progress.check(name).is_some_and(|record| record.first_passed.is_some());
    let checks_passed = step.checks.iter().filter(|check| passed(&check.name)).count();
    let changed = !progress.is_cleaned_up()
        && step.checks.iter().any(|check| progress.check(&check.name).is_some_and(|record| !record.passed));
    let state = match (checks_passed, step.checks.len()) {
        (0, _) => StepState::NotStarted,
        (passed, all) if passed < all => StepState::UnderWay,
        _ if changed => StepState::PassedThenChanged,
        _ => StepState::Passed,
    };
    StepSummary {
        slug: step.slug.clone(),
        number: step.number as u32,
        title: step.title.clone(),
        summary: plain(&inline(&step.aim, &seat.variables)),
        minutes: step.minutes,
        state,
        checks_passed: checks_passed as u32,
        checks_total: step.checks.len() as u32,
    }
}

fn action_view(action: &Action, variables: &Variables) -> ActionView {
    ActionView {
        name: action.name.clone(),
        title: action.title.clone(),
        help_html: inline(&action.description, variables),
        button: action.submit.clone(),
        destructive: action.name.starts_with("delete-"),
        fields: action.fields.iter().map(|field| field_view(field, variables)).collect(),
    }
}

fn field_view(field: &Field, variables: &Variables) -> FieldView {
    FieldView {
        name: field.name.clone(),
        label: field.label.clone(),
        help_html: inline(&field.help, variables),
        value: field.default_value(variables),
        required: !matches!(field.name.as_str(), "prefix" | "error_prefix"),
        input: match &field.kind {
            FieldKind::Text => FieldInput::Text { max_length: TEXT_LENGTH },
            FieldKind::Number { min, max } => {
                FieldInput::Number { min: *min, max: *max, unit: unit(&field.name).map(str::to_owned) }
            }
            FieldKind::Select { options } => FieldInput::Select {
                options: options.iter().map(|value| Choice { value: value.clone(), label: value.clone() }).collect(),
            },
            FieldKind::Code { language } => FieldInput::Code { language: language.clone(), rows: CODE_ROWS },
        },
    }
}

fn unit(field: &str) -> Option<&'static str> {
    match field {
        "buffer_size" => Some("MiB"),
        "buffer_interval" | "timeout" | "window_seconds" => Some("seconds"),
        _ => None,
    }
}

fn hints(step: &Step, variables: &Variables, progress: &Progress) -> HintsView {
    let revealed = progress.step(&step.slug).map_or(0, |record| record.hints_revealed as usize).min(step.hints.len());
    HintsView {
        revealed: step.hints[..revealed]
            .iter()
            .map(|hint| HintView { title: tier(hint.tier).to_owned(), html: block(&hint.text, variables) })
            .collect(),
        remaining: (step.hints.len() - revealed) as u32,
    }
}

/// What a hint is called.
pub fn tier(tier: HintTier) -> &'static str {
    match tier {
        HintTier::Nudge => "A nudge",
        HintTier::Where => "Where to look",
        HintTier::Nearly => "Nearly the answer",
    }
}

fn neighbour(lab: &Lab, number: Option<usize>) -> Option<StepLink> {
    let step = lab.steps.get(number?)?;
    Some(StepLink { slug: step.slug.clone(), number: step.number as u32, title: step.title.clone() })
}

/// What a consenting check does. The names are made of characters that need no escape in HTML.
fn consent_html(slug: &str, variables: &Variables) -> String {
    match slug {
        "preprocess" => format!(
            "This sends one batch of made-up records to <code>{}</code> and looks at its answer. Your code runs once.",
            variables.preprocess_function
        ),
        "streaming-sql" => format!(
            "This calls <code>{}</code> twice for one made-up window of the year 2000: once with some rows, then once with \
             the state that it answered and the word that the window is over. Where the function has a table, it stores \
             the counts of that window there.",
            variables.output_function
        ),
        _ => format!(
            "This runs <code>{}</code> twice with the same made-up row of the metric <code>headwater_check</code>, and \
             then looks for exactly one item in <code>{}</code>. The item stays there.",
            variables.output_function, variables.table
        ),
    }
}

fn inline(markdown: &Markdown, variables: &Variables) -> String {
    lab::render_inline(markdown, variables).into_string()
}

fn block(markdown: &Markdown, variables: &Variables) -> String {
    lab::render(markdown, variables).into_string()
}

/// HTML as plain text: our own renderer made it, so that tags are well formed.
pub fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut in_tag = false;
    for character in html.chars() {
        match character {
            '<' => in_tag = true,
            '>' => in_tag = false,
            _ if !in_tag => text.push(character),
            _ => (),
        }
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn inline_html_becomes_plain_text() {
        assert_eq!(plain("Make <code>a&amp;b</code> &lt;now&gt;"), "Make a&b <now>");
    }
}
