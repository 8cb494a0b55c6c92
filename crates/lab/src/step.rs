//! One step's folder: `step.toml`, three Markdown files and two programs.

use toml::Spanned;

use crate::format::{
    ActionEntry, AnswerEntry, CheckEntry, FieldEntry, HintEntry, Kind, QuestionEntry, StepFile, parse,
};
use crate::lint::{Shape, is_kebab, is_snake};
use crate::load::{Loader, StepFolder, table_line};
use crate::model::{Action, Answer, CatchUp, CheckRef, Field, FieldKind, Hint, HintTier, Question, QuestionKind, Step};
use crate::template::substitute;
use crate::variables::Variables;

/// A script that goes on after a fault would report what it has not done.
const SCRIPT_BEGINNING: &str = "#!/usr/bin/env bash\nset -euo pipefail\n";

/// The step of a folder; `None` when a file is missing or cannot be read, which
/// the loader has then noted.
pub(crate) fn load(loader: &mut Loader<'_>, folder: &StepFolder) -> Option<Step> {
    let slug = folder.slug.as_str();
    let path = |name: &str| format!("{}/{name}", folder.name);
    let background = loader.markdown_file(&path("background.md"), format!("{slug}-background"));
    let page = loader.markdown_file(&path("instructions-page.md"), format!("{slug}-page"));
    let cli = loader.markdown_file(&path("instructions-cli.md"), format!("{slug}-cli"));
    if cli.as_ref().is_some_and(|cli| !cli.source.contains("```bash")) {
        loader.fault(&path("instructions-cli.md"), 1, "There is no ```bash block: the step cannot be done by CLI.");
    }
    let script = loader.program_file(&path("catch-up.sh"));
    if script.as_ref().is_some_and(|script| !script.starts_with(SCRIPT_BEGINNING)) {
        let message = "The script begins with #!/usr/bin/env bash and, on the next line, set -euo pipefail.";
        loader.fault(&path("catch-up.sh"), 1, message);
    }
    let terraform = loader.program_file(&path("catch-up.tf"));
    let file = path("step.toml");
    let toml = loader.file(&file)?;
    let parsed: StepFile = parse(&file, toml).map_err(|error| loader.errors.push(error)).ok()?;
    let mut reader = StepReader { loader, file: &file, toml, slug };
    let minutes = *parsed.minutes.get_ref();
    if !(1..=240).contains(&minutes) {
        reader.fault(table_line(toml, &parsed.minutes), "A step takes 1 to 240 minutes.");
    }
    let title = reader.plain(&parsed.title);
    let aim = reader.inline(&parsed.aim, "aim");
    let checks = reader.checks(&parsed.checks);
    let hints = reader.hints(&parsed.hints);
    let questions = reader.questions(&parsed.questions);
    let actions = parsed.actions.iter().map(|action| reader.action(action)).collect();
    Some(Step {
        number: folder.number,
        slug: slug.to_owned(),
        title,
        aim,
        minutes,
        background: background?,
        instructions_page: page?,
        instructions_cli: cli?,
        hints,
        questions,
        checks,
        actions,
        catch_up: CatchUp { script: script?, terraform: terraform? },
    })
}

/// Reads the tables of one `step.toml`.
struct StepReader<'a, 'b> {
    loader: &'a mut Loader<'b>,
    file: &'a str,
    toml: &'a str,
    slug: &'a str,
}

impl StepReader<'_, '_> {
    fn fault(&mut self, line: usize, message: impl Into<String>) {
        self.loader.fault(self.file, line, message);
    }

    fn plain(&mut self, text: &Spanned<String>) -> String {
        self.loader.plain(self.file, self.toml, text)
    }

    fn inline(&mut self, text: &Spanned<String>, id: &str) -> crate::Markdown {
        let id = format!("{}-{id}", self.slug);
        self.loader.markdown_text(self.file, self.toml, text, Shape::Inline, id)
    }

    fn unique(&mut self, kind: &'static str, name: &Spanned<String>) {
        let line = table_line(self.toml, name);
        self.loader.unique(kind, name.get_ref(), self.file, line);
    }

    fn checks(&mut self, entries: &[Spanned<CheckEntry>]) -> Vec<CheckRef> {
        if entries.is_empty() {
            self.fault(1, "The step has no check: add a [[checks]] table, so that it can be verified.");
        }
        entries
            .iter()
            .map(|entry| {
                let CheckEntry { name, title } = entry.get_ref();
                let own = name.get_ref().split_once('.').filter(|(step, check)| *step == self.slug && is_kebab(check));
                if own.is_none() {
                    let message = format!(
                        "The check {:?} is not named {}.<check> in lower-case words joined by hyphens.",
                        name.get_ref(),
                        self.slug
                    );
                    self.fault(table_line(self.toml, name), message);
                }
                self.unique("check", name);
                CheckRef { name: name.get_ref().clone(), title: self.plain(title) }
            })
            .collect()
    }

    fn hints(&mut self, entries: &[Spanned<HintEntry>]) -> Vec<Hint> {
        for tier in HintTier::ALL {
            if !entries.iter().any(|entry| entry.get_ref().tier == tier) {
                self.fault(1, format!("The step has no hint of the tier {:?}: add a [[hints]] table.", tier.name()));
            }
        }
        let mut hints: Vec<Hint> = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| {
                let HintEntry { tier, text } = entry.get_ref();
                let id = format!("{}-hint-{}", self.slug, index + 1);
                let text = self.loader.markdown_text(self.file, self.toml, text, Shape::Hint, id);
                Hint { tier: *tier, text }
            })
            .collect();
        hints.sort_by_key(|hint| hint.tier);
        hints
    }

    fn questions(&mut self, entries: &[Spanned<QuestionEntry>]) -> Vec<Question> {
        if entries.is_empty() {
            self.fault(1, "The step has no quiz question: add a [[questions]] table.");
        }
        entries.iter().map(|entry| self.question(entry)).collect()
    }

    fn question(&mut self, entry: &Spanned<QuestionEntry>) -> Question {
        let line = table_line(self.toml, entry);
        let QuestionEntry { name, kind, prompt, answers } = entry.get_ref();
        if !is_kebab(name.get_ref()) {
            self.fault(table_line(self.toml, name), "A question is named in lower-case words joined by hyphens.");
        }
        self.unique("question", name);
        let right = answers.iter().filter(|answer| answer.get_ref().right).count();
        if answers.len() < 2 {
            self.fault(line, "A question needs two answers or more.");
        } else if *kind == QuestionKind::Single && right != 1 {
            self.fault(line, format!("A question of kind \"single\" has exactly one right answer; this has {right}."));
        } else if right == 0 {
            self.fault(line, "No answer is right: set right = true where it is.");
        }
        let prompt = self.inline(prompt, name.get_ref());
        let mut shown: Vec<Answer> = Vec::with_capacity(answers.len());
        for (index, answer) in answers.iter().enumerate() {
            let AnswerEntry { text, right, explanation } = answer.get_ref();
            let id = format!("{}-{}", name.get_ref(), index + 1);
            if shown.iter().any(|other| other.text.source == *text.get_ref()) {
                self.fault(table_line(self.toml, text), "Two answers of this question read the same.");
            }
            let text = self.inline(text, &id);
            let explanation = self.inline(explanation, &format!("{id}-why"));
            shown.push(Answer { text, right: *right, explanation });
        }
        Question { name: name.get_ref().clone(), prompt, kind: *kind, answers: shown }
    }

    fn action(&mut self, entry: &Spanned<ActionEntry>) -> Action {
        let ActionEntry { name, title, description, submit, fields } = entry.get_ref();
        if !is_kebab(name.get_ref()) {
            self.fault(table_line(self.toml, name), "An action is named in lower-case words joined by hyphens.");
        }
        self.unique("action", name);
        let title = self.plain(title);
        let description = self.inline(description, name.get_ref());
        let submit = self.plain(submit);
        let mut read: Vec<Field> = Vec::with_capacity(fields.len());
        for field in fields {
            let line = table_line(self.toml, &field.get_ref().name);
            let field = self.field(name.get_ref(), field);
            if read.iter().any(|other| other.name == field.name) {
                self.fault(line, format!("The action has two fields named {:?}.", field.name));
            }
            read.push(field);
        }
        Action { name: name.get_ref().clone(), title, description, fields: read, submit }
    }

    fn field(&mut self, action: &str, entry: &Spanned<FieldEntry>) -> Field {
        let line = table_line(self.toml, entry);
        let field = entry.get_ref();
        let name = field.name.get_ref().clone();
        if !is_snake(&name) {
            self.fault(
                table_line(self.toml, &field.name),
                "A field is named in lower-case words joined by underscores.",
            );
        }
        let label = self.plain(&field.label);
        let help = self.inline(&field.help, &format!("{action}-{name}"));
        let default = self.loader.default(self.file, self.toml, &field.default);
        let kind = match field_kind(field) {
            Ok(kind) => kind,
            Err(message) => {
                self.fault(line, message);
                FieldKind::Text
            }
        };
        if let Some(message) = default_fault(&kind, &default) {
            self.fault(table_line(self.toml, &field.default), message);
        }
        Field { name, label, help, kind, default }
    }
}

fn field_kind(field: &FieldEntry) -> Result<FieldKind, String> {
    let number = field.min.is_some() || field.max.is_some();
    let surplus = [
        (number && field.kind != Kind::Number, "min and max belong to kind \"number\" only."),
        (field.options.is_some() && field.kind != Kind::Select, "options belongs to kind \"select\" only."),
        (field.language.is_some() && field.kind != Kind::Code, "language belongs to kind \"code\" only."),
    ];
    if let Some((_, message)) = surplus.into_iter().find(|(wrong, _)| *wrong) {
        return Err(message.to_owned());
    }
    match field.kind {
        Kind::Text => Ok(FieldKind::Text),
        Kind::Number => match (field.min, field.max) {
            (Some(min), Some(max)) if min <= max => Ok(FieldKind::Number { min, max }),
            (Some(min), Some(max)) => Err(format!("min {min} is above max {max}.")),
            _ => Err("A field of kind \"number\" needs min and max.".to_owned()),
        },
        Kind::Select => match &field.options {
            Some(options) if !options.is_empty() => Ok(FieldKind::Select { options: options.clone() }),
            _ => Err("A field of kind \"select\" needs options.".to_owned()),
        },
        Kind::Code => match field.language.as_deref() {
            Some(language @ ("python" | "sql")) => Ok(FieldKind::Code { language: language.to_owned() }),
            _ => Err("A field of kind \"code\" needs language = \"python\" or \"sql\".".to_owned()),
        },
    }
}

/// Whether the page could open with this value, tried with the lab's own names.
fn default_fault(kind: &FieldKind, default: &str) -> Option<String> {
    let value = substitute(default, &Variables::defaults("123456789012", "us-east-1", "http://127.0.0.1:4566"));
    match kind {
        FieldKind::Number { min, max } => match value.parse::<i64>() {
            Ok(number) if (*min..=*max).contains(&number) => None,
            Ok(number) => Some(format!("The default {number} is not between {min} and {max}.")),
            Err(_) => Some(format!("The default {value:?} is no whole number.")),
        },
        FieldKind::Select { options } if !options.contains(&value) => {
            Some(format!("The default {value:?} is none of the options: {}.", options.join(", ")))
        }
        FieldKind::Text if value.contains('\n') => Some("The default of a text field is one line.".to_owned()),
        FieldKind::Text | FieldKind::Select { .. } | FieldKind::Code { .. } => None,
    }
}
