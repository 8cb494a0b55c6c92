//! One learner at work: the plan carried out, each request at its time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hyper::StatusCode;
use lab::{Lab, Variables};
use tokio::time::{Instant, sleep_until, timeout};

use crate::browser::{Answer, Browser};
use crate::live::Followed;
use crate::plan::{self, Doing, Plan};
use crate::recorder::{Class, Recorder};

/// A learner who waits this long for a step to pass presses the button again.
const CHECK_AGAIN: Duration = Duration::from_secs(45);
/// How often they do, before they give up.
const CHECKS: u32 = 8;
/// A form that is refused since what it needs is not ready is posted again after this long, so many times.
const TRY_AGAIN: Duration = Duration::from_secs(2);
const TRIES: u32 = 20;

/// A learner in front of a browser.
pub struct Learner {
    lab: Arc<Lab>,
    recorder: Arc<Recorder>,
    browser: Browser,
    open: Option<Open>,
    variables: Option<Variables>,
    /// When the last request that could change a verdict was answered.
    last_doing: Instant,
}

/// The page that is open, with its stream.
struct Open {
    step: String,
    followed: Option<Followed>,
}

/// The learner cannot go on; what stopped them is recorded.
struct Stuck;

impl Learner {
    pub fn new(site: &str, lab: Arc<Lab>, recorder: Arc<Recorder>) -> Self {
        let browser = Browser::new(site);
        Self { lab, recorder, browser, open: None, variables: None, last_doing: Instant::now() }
    }

    /// Carries out the plan of a run that began at `beginning`.
    pub async fn work(mut self, plan: Plan, beginning: Instant) {
        let mut comes = beginning + plan.comes;
        let mut waited = false;
        for due in plan.doings {
            // Who waited for the lab does everything that follows later by as much: nothing else was due meanwhile.
            if waited {
                comes += (comes + due.after).elapsed();
            }
            waited = due.doing.is_waited_for();
            let at = comes + due.after;
            sleep_until(at).await;
            if self.carry_out(due.doing, at).await.is_err() {
                return;
            }
        }
        self.recorder.learner_finished();
    }

    async fn carry_out(&mut self, doing: Doing, due: Instant) -> Result<(), Stuck> {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        match doing {
            Doing::Start => {
                self.post(Class::Action, "start", &[], due).await?;
                self.learn_names().await
            }
            Doing::Open { path, step } => self.open(&path, step, due).await,
            Doing::Answer { step, question, choices } => {
                let mut fields = vec![field("slug", &step), field("question", &question)];
                fields.extend(choices.iter().map(|choice| field("choices[]", &choice.to_string())));
                self.post(Class::ProgressWrite, "answer", &fields, due).await
            }
            Doing::Hint { step } => self.post(Class::ProgressWrite, "reveal-hint", &[field("slug", &step)], due).await,
            Doing::SaveNames => {
                let window = self.variables.as_ref().map_or(0, |variables| variables.window_seconds).to_string();
                self.post(Class::Action, "save-names", &[field("fields[window_seconds]", &window)], due).await
            }
            Doing::Perform { step, action } => {
                let fields = self.form_of(&step, &action);
                self.post(Class::Action, "perform", &fields, due).await
            }
            Doing::Send { step, seed } => {
                self.post(Class::Action, "start-demo", &plan::sending(&step, seed), due).await
            }
            Doing::Check { step } => self.check(&step, due).await,
            Doing::AwaitPass { step } => self.await_pass(&step).await,
        }
    }

    async fn open(&mut self, path: &str, step: Option<String>, due: Instant) -> Result<(), Stuck> {
        // The page that is left closes its stream.
        self.open = None;
        let answered = self.browser.page(path, due).await;
        self.judge(Class::Page, &answered)?;
        if let Some(step) = step {
            let followed = Some(self.follow(&step));
            self.open = Some(Open { step, followed });
        }
        Ok(())
    }

    fn follow(&self, step: &str) -> Followed {
        Followed::begin(self.browser.clone(), step.to_owned(), Arc::clone(&self.recorder))
    }

    async fn check(&mut self, step: &str, due: Instant) -> Result<(), Stuck> {
        // Pages show the consent to a test run where a step has one; elsewhere it means nothing.
        let fields = [("slug".to_owned(), step.to_owned()), ("consent".to_owned(), "true".to_owned())];
        self.post(Class::Check, "recheck", &fields, due).await
    }

    async fn await_pass(&mut self, step: &str) -> Result<(), Stuck> {
        let since = self.last_doing;
        for _ in 0..CHECKS {
            let Some(open) = self.open.as_mut().filter(|open| open.step == step) else {
                self.recorder.failed(Class::Verdict, "the page of the awaited step is not open");
                return Err(Stuck);
            };
            let mut followed = match open.followed.take() {
                Some(followed) if !followed.has_ended() => followed,
                _ => self.follow(step),
            };
            let passed = timeout(CHECK_AGAIN, followed.passes(step)).await;
            self.open = Some(Open { step: step.to_owned(), followed: Some(followed) });
            match passed {
                Ok(true) => {
                    self.recorder.succeeded(Class::Verdict, since.elapsed());
                    return Ok(());
                }
                // The server ends streams that are open for long; a browser opens the next one.
                Ok(false) => (),
                Err(_) => self.check(step, Instant::now()).await?,
            }
        }
        self.recorder.failed(Class::Verdict, &format!("the step {step} did not pass"));
        Err(Stuck)
    }

    /// Posts a form. One that is refused for not being ready is posted again, as a person would.
    async fn post(
        &mut self,
        class: Class,
        function: &str,
        fields: &[(String, String)],
        mut due: Instant,
    ) -> Result<(), Stuck> {
        for _ in 0..TRIES {
            let answered = self.browser.post(function, fields, due).await;
            if matches!(&answered, Ok(answer) if answer.status == StatusCode::CONFLICT) {
                self.recorder.refused();
                due = Instant::now() + TRY_AGAIN;
                sleep_until(due).await;
                continue;
            }
            self.judge(class, &answered)?;
            if class != Class::ProgressWrite {
                self.last_doing = Instant::now();
            }
            return Ok(());
        }
        self.recorder.failed(class, &format!("{function} was refused {TRIES} times"));
        Err(Stuck)
    }

    fn judge(&self, class: Class, answered: &anyhow::Result<Answer>) -> Result<(), Stuck> {
        match answered {
            Ok(answer) if answer.is_good() => {
                self.recorder.succeeded(class, answer.time);
                Ok(())
            }
            Ok(answer) => {
                self.recorder.failed(class, &format!("{}: {}", class.title(), answer.message()));
                Err(Stuck)
            }
            Err(error) => {
                self.recorder.failed(class, &format!("{}: {error:#}", class.title()));
                Err(Stuck)
            }
        }
    }

    /// Reads off the names that the forms are filled in with. It is a help of this program and not measured.
    async fn learn_names(&mut self) -> Result<(), Stuck> {
        let read = async {
            let lab = self.browser.post("lab", &[], Instant::now()).await?.json()?;
            let account = lab["account"]["account_id"].as_str().context("the lab has no account")?;
            let region = lab["account"]["region"].as_str().context("the lab has no region")?;
            let endpoint =
                lab["account"]["place"]["Sandbox"]["endpoint"].as_str().context("the lab has no endpoint")?;
            Ok::<_, anyhow::Error>(plan::variables(account, region, endpoint))
        };
        match read.await {
            Ok(variables) => {
                self.variables = Some(variables);
                Ok(())
            }
            Err(error) => {
                self.recorder.failed(Class::Action, &format!("the names could not be read: {error:#}"));
                Err(Stuck)
            }
        }
    }

    /// The form of an action as the page shows it, with what is filled in there.
    fn form_of(&self, step: &str, action: &str) -> Vec<(String, String)> {
        let mut fields = vec![("slug".to_owned(), step.to_owned()), ("action".to_owned(), action.to_owned())];
        let form = self.lab.step(step).and_then(|step| step.action(action));
        if let (Some(form), Some(variables)) = (form, &self.variables) {
            let filled_in = |field: &lab::Field| (format!("fields[{}]", field.name), field.default_value(variables));
            fields.extend(form.fields.iter().map(filled_in));
        }
        fields
    }
}
