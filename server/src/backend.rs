//! What the pages ask, answered for the learner of the request's session.

use std::time::Duration;

use app::backend::{AccountQuery, Backend};
use app::error::BackendError;
use app::model::{
    CheckView, ClassInvite, DemoRequest, Fields, JoinLab, JoinRequest, Joined, LabChoice, LabView, LearnerView,
    MembershipView, MintedKeys, Notice, Performed, QuestionView, ResultsView, StepView,
};
use async_trait::async_trait;
use checks::Consent;
use lab::{Engine, QuestionKind, Step, Variables};
use sandbox::{AccessKey, AccountId};
use store::ResumeCode;
use tokio::sync::OnceCell;
use tower_sessions::Session;

use crate::actions::{self, ActionError, Workbench};
use crate::config::LabsFor;
use crate::connect::{ConnectError, LiveMode};
use crate::membership::Entry;
use crate::place::Place;
use crate::state::{Headwater, REGION, Seat, internal, now, store_failed};
use crate::visits::Guess;
use crate::{catch_up, checking, demo, enrolment, membership, minted, session, stocktaking, views};

/// Most characters of a resume code that are looked at.
const CODE_LENGTH: usize = 64;

/// Why the page makes nothing in an account of the learner's own.
const NOT_IN_ACCOUNTS: &str = "In your own account the page only looks. Run the script of this step, or its commands.";

/// The backend of one request.
pub struct RequestBackend {
    headwater: Headwater,
    session: Session,
    guess: Guess,
    /// Read once: a page asks for the parts of what it shows one by one.
    seat: OnceCell<Option<Seat>>,
    progress: OnceCell<views::Progress>,
}

impl RequestBackend {
    pub fn new(headwater: Headwater, session: Session) -> Self {
        Self { headwater, session, guess: Guess::default(), seat: OnceCell::new(), progress: OnceCell::new() }
    }

    /// The same for a request whose wrong guesses are counted.
    pub fn with_guess(self, guess: Guess) -> Self {
        Self { guess, ..self }
    }

    /// The learner of the session. `NoLearner` when there is none, or none any more.
    async fn seat(&self) -> Result<Seat, BackendError> {
        let seat = self.seat.get_or_try_init(|| seat(&self.headwater, &self.session)).await?;
        seat.clone().ok_or(BackendError::NoLearner)
    }

    /// What was recorded of the learner when it was first asked for in this request; what is shown after a change has to be
    /// read anew.
    async fn progress(&self, seat: &Seat) -> Result<&views::Progress, BackendError> {
        self.progress.get_or_try_init(|| views::Progress::of(&self.headwater, seat)).await
    }

    /// The learner of the session and a step of the learner's lab.
    async fn seat_at(&self, slug: &str) -> Result<(Seat, &Step), BackendError> {
        // All labs have the same steps: what is none needs no learner to be told so.
        slug.parse::<checks::Step>().map_err(|_| BackendError::NotFound)?;
        let seat = self.seat().await?;
        let step = self.headwater.lab(seat.engine()).step(slug).ok_or(BackendError::NotFound)?;
        Ok((seat, step))
    }
}

/// A lab that was made a moment ago, with its secrets.
struct NewLab {
    seat: Seat,
    /// In the sandbox only.
    key: Option<AccessKey>,
    code: ResumeCode,
}

/// The learner of a session, ready to work for.
pub async fn seat(headwater: &Headwater, session: &Session) -> Result<Option<Seat>, BackendError> {
    let Some(id) = session::learner_id(session).await? else {
        return Ok(None);
    };
    let learner = headwater.store().learner(&id).await.map_err(store_failed)?;
    learner.map(|learner| headwater.seat(learner)).transpose()
}

#[async_trait]
impl Backend for RequestBackend {
    async fn learner(&self) -> Result<Option<LearnerView>, BackendError> {
        let Some(seat) = seat(&self.headwater, &self.session).await? else {
            return Ok(None);
        };
        let progress = views::Progress::of(&self.headwater, &seat).await?;
        Ok(Some(views::learner(self.headwater.lab(seat.engine()), &progress)))
    }

    async fn choices(&self) -> Result<Vec<LabChoice>, BackendError> {
        Ok(match self.headwater.labs_for() {
            LabsFor::Everyone => self.headwater.offered_labs(),
            LabsFor::Members => Vec::new(),
        })
    }

    async fn start(&self, choice: LabChoice) -> Result<(), BackendError> {
        if seat(&self.headwater, &self.session).await?.is_some() {
            return Ok(());
        }
        if self.headwater.labs_for() == LabsFor::Members {
            return Err(BackendError::Refused {
                message: "Labs here are for members of a class. Enter its code on the first page.".to_owned(),
            });
        }
        let lab = self.new_lab(choice).await?;
        self.move_in(lab).await
    }

    async fn resume(&self, code: &str) -> Result<LearnerView, BackendError> {
        let unknown = || {
            self.guess.was_wrong();
            BackendError::Invalid {
                field: "code".to_owned(),
                message: "No lab has this code. It has four groups of four letters and digits, as in \
                          K7QM-2XRD-9HTV-W4BC."
                    .to_owned(),
            }
        };
        if code.len() > CODE_LENGTH {
            return Err(unknown());
        }
        let code = ResumeCode::parse(code).ok_or_else(unknown)?;
        let found = self.headwater.store().learner_by_resume_code(&code).await.map_err(store_failed)?;
        let learner = found.ok_or_else(unknown)?;
        session::sit_down(&self.session, &learner.id).await?;
        let seat = self.headwater.seat(learner)?;
        let progress = views::Progress::of(&self.headwater, &seat).await?;
        Ok(views::learner(self.headwater.lab(seat.engine()), &progress))
    }

    async fn renew_resume_code(&self) -> Result<(), BackendError> {
        let seat = self.seat().await?;
        let code = self.headwater.store().renew_resume_code(&seat.learner.id).await.map_err(store_failed)?;
        minted::put_resume_code(&self.session, &code).await
    }

    async fn take_resume_code(&self) -> Result<Option<String>, BackendError> {
        self.seat().await?;
        minted::take_resume_code(&self.session).await
    }

    async fn forget(&self) -> Result<(), BackendError> {
        session::leave(&self.session).await
    }

    async fn lab(&self) -> Result<LabView, BackendError> {
        let seat = self.seat().await?;
        let unlocked = self.is_unlocked(&seat).await?;
        views::lab(&self.headwater, &seat, self.progress(&seat).await?, unlocked).await
    }

    async fn step(&self, slug: &str) -> Result<StepView, BackendError> {
        let (seat, step) = self.seat_at(slug).await?;
        let progress = self.progress(&seat).await?;
        // Only the first time counts, and a write would make every page wait for its turn.
        if progress.step(slug).is_none_or(|record| record.opened.is_none()) {
            self.headwater.store().open_step(&seat.learner.id, slug, now()).await.map_err(store_failed)?;
        }
        views::step(&self.headwater, step, &seat, progress).await
    }

    async fn results(&self) -> Result<ResultsView, BackendError> {
        views::results(&self.headwater, &self.seat().await?).await
    }

    async fn recheck(&self, slug: &str, consent: bool) -> Result<Vec<CheckView>, BackendError> {
        let (seat, step) = self.seat_at(slug).await?;
        let checked = slug.parse().map_err(internal)?;
        self.headwater.store().count_attempt(&seat.learner.id, slug, now()).await.map_err(store_failed)?;
        let consent = if consent { Consent::Invoke } else { Consent::No };
        checking::look(&self.headwater, &seat, checked, consent, Duration::ZERO).await?;
        let progress = views::Progress::of(&self.headwater, &seat).await?;
        Ok(views::checks(step, &progress))
    }

    async fn perform(&self, slug: &str, action: &str, fields: &Fields) -> Result<Performed, BackendError> {
        let (seat, step) = self.seat_at(slug).await?;
        step.action(action).ok_or(BackendError::NotFound)?;
        if seat.place != Place::Sandbox {
            return Err(BackendError::Refused { message: NOT_IN_ACCOUNTS.to_owned() });
        }
        // What is about to go has to be on the receipt.
        if action.starts_with("delete-") {
            stocktaking::take_now(&self.headwater, &seat).await?;
        }
        let mut workbench =
            Workbench::new(&seat.desk.access().sdk, self.headwater.lab(seat.engine()), seat.variables.clone());
        let performed = actions::run(&mut workbench, action, fields).await.map_err(action_failed)?;
        if workbench.variables != seat.variables {
            save_variables(&self.headwater, &seat, &workbench.variables).await?;
        }
        // The page shows at once what this changed; that it could not look does not undo the action.
        let seat = self::seat(&self.headwater, &self.session).await?.ok_or(BackendError::NoLearner)?;
        if let Ok(checked) = slug.parse()
            && let Err(error) = checking::look(&self.headwater, &seat, checked, Consent::No, Duration::ZERO).await
        {
            tracing::warn!(%error, "the checks could not run after an action");
        }
        Ok(performed)
    }

    async fn reveal_hint(&self, slug: &str) -> Result<(), BackendError> {
        let (seat, step) = self.seat_at(slug).await?;
        let tiers = step.hints.len() as u32;
        self.headwater.store().reveal_hint(&seat.learner.id, slug, tiers, now()).await.map_err(store_failed)
    }

    async fn answer(&self, slug: &str, question: &str, choices: &[String]) -> Result<QuestionView, BackendError> {
        let (seat, step) = self.seat_at(slug).await?;
        let position = step.questions.iter().position(|asked| asked.name == question).ok_or(BackendError::NotFound)?;
        let asked = &step.questions[position];
        let invalid =
            |message: &str| BackendError::Invalid { field: "choices".to_owned(), message: message.to_owned() };
        let mut chosen = Vec::new();
        for choice in choices {
            let choice: u32 = choice.parse().map_err(|_| BackendError::NotFound)?;
            if choice as usize >= asked.answers.len() {
                return Err(BackendError::NotFound);
            }
            chosen.push(choice);
        }
        chosen.sort_unstable();
        chosen.dedup();
        match (chosen.len(), asked.kind) {
            (0, QuestionKind::Single) => return Err(invalid("Choose an answer first.")),
            (0, QuestionKind::Multiple) => return Err(invalid("Choose at least one answer first.")),
            (2.., QuestionKind::Single) => return Err(invalid("Choose one answer.")),
            _ => (),
        }
        let correct = asked
            .answers
            .iter()
            .enumerate()
            .all(|(position, answer)| answer.right == chosen.contains(&(position as u32)));
        let store = self.headwater.store();
        store
            .record_answer(&seat.learner.id, slug, position as u32, &chosen, correct, now())
            .await
            .map_err(store_failed)?;
        let progress = views::Progress::of(&self.headwater, &seat).await?;
        Ok(views::question(step, position, asked, &seat.variables, &progress))
    }

    async fn start_demo(&self, request: DemoRequest) -> Result<(), BackendError> {
        demo::start(&self.headwater, &self.seat().await?, request)
    }

    async fn stop_demo(&self) -> Result<(), BackendError> {
        demo::stop(&self.seat().await?);
        Ok(())
    }

    async fn unlock(&self, code: &str) -> Result<(), BackendError> {
        let right = self.headwater.connector().unlock_code();
        if self.headwater.connector().mode() != LiveMode::Local || code.len() > CODE_LENGTH || !right.is(code) {
            self.guess.was_wrong();
            return Err(BackendError::Invalid {
                field: "code".to_owned(),
                message: "That is not the code. It stands in the terminal in which Headwater was started, after \
                          \"To use your own AWS account\"; each start makes a new one."
                    .to_owned(),
            });
        }
        session::unlock(&self.session, right).await
    }

    async fn prepare_account(&self, account: &str, region: &str) -> Result<(), BackendError> {
        enrolment::prepare(&self.headwater, &self.seat().await?, account, region).await
    }

    async fn find_account(&self, by: AccountQuery) -> Result<(), BackendError> {
        let seat = self.seat().await?;
        if !self.is_unlocked(&seat).await? {
            return Err(BackendError::Invalid {
                field: "code".to_owned(),
                message: "Enter the code from the terminal first.".to_owned(),
            });
        }
        enrolment::find(&self.headwater, &seat, by).await
    }

    async fn confirm_account(&self, account: &str) -> Result<(), BackendError> {
        enrolment::confirm(&self.headwater, &self.seat().await?, account).await
    }

    async fn reject_account(&self) -> Result<(), BackendError> {
        self.seat().await?.desk.put_found(None);
        Ok(())
    }

    async fn catch_up(&self, slug: &str) -> Result<Performed, BackendError> {
        let (seat, step) = self.seat_at(slug).await?;
        if seat.place != Place::Sandbox {
            seat.refuse_unconnected()?;
            self.headwater.store().assist_step(&seat.learner.id, slug, now()).await.map_err(store_failed)?;
            return Ok(catch_up::handed_over(step));
        }
        if slug == checks::Step::CleanUp.slug() {
            stocktaking::take_now(&self.headwater, &seat).await?;
        }
        let performed = catch_up::perform(&self.headwater, &seat, step).await?;
        self.headwater.store().assist_step(&seat.learner.id, slug, now()).await.map_err(store_failed)?;
        if let Ok(checked) = slug.parse()
            && let Err(error) = checking::look(&self.headwater, &seat, checked, Consent::Invoke, Duration::ZERO).await
        {
            tracing::warn!(%error, "the checks could not run after a step was done for the learner");
        }
        Ok(performed)
    }

    async fn rotate_keys(&self) -> Result<(), BackendError> {
        let seat = self.seat().await?;
        if seat.place != Place::Sandbox {
            return Err(BackendError::Refused { message: "Only an account of the sandbox has keys here.".to_owned() });
        }
        let account: AccountId = seat.learner.account.parse().map_err(internal)?;
        let sandbox = self.headwater.sandbox();
        for key in sandbox.access_keys(&account).await.map_err(internal)? {
            sandbox.delete_access_key(&account, &key.id).await.map_err(internal)?;
        }
        let key = sandbox.create_access_key(&account).await.map_err(internal)?;
        minted::put_access_key(&self.session, &key).await
    }

    async fn take_minted_keys(&self) -> Result<Option<MintedKeys>, BackendError> {
        self.seat().await?;
        minted::take_access_key(&self.session).await
    }

    async fn save_names(&self, names: &Fields) -> Result<(), BackendError> {
        let seat = self.seat().await?;
        let mut variables = seat.variables.clone();
        for (name, value) in names {
            if !Variables::CHOSEN.contains(&name.as_str()) {
                return Err(BackendError::NotFound);
            }
            variables.set(name, value.trim()).map_err(name_refused)?;
        }
        save_variables(&self.headwater, &seat, &variables).await
    }

    async fn class_of(&self, code: &str) -> Result<ClassInvite, BackendError> {
        let own = seat(&self.headwater, &self.session).await?;
        self.count_wrong_code(membership::invite(&self.headwater, own.as_ref(), code).await)
    }

    async fn join(&self, request: JoinRequest) -> Result<Joined, BackendError> {
        let own = seat(&self.headwater, &self.session).await?;
        let entry = self.count_wrong_code(Entry::ask(&self.headwater, own.as_ref(), &request).await)?;
        let (seat, state) = match (own, request.lab) {
            (Some(own), lab) if lab == JoinLab::Bring || entry.here().is_some() => {
                let state = match entry.here() {
                    Some(state) => state,
                    None => entry.enter(&self.headwater, &own.learner.id).await?,
                };
                (own, state)
            }
            (_, JoinLab::New(choice)) => {
                let lab = self.new_lab(choice).await?;
                let seat = lab.seat.clone();
                let entered = entry.enter(&self.headwater, &seat.learner.id).await;
                if entered.is_err() {
                    self.headwater.store().delete_learner(&seat.learner.id).await.map_err(store_failed)?;
                }
                let state = entered?;
                self.move_in(lab).await?;
                (seat, state)
            }
            (_, JoinLab::Bring) => return Err(BackendError::NoLearner),
        };
        let progress = views::Progress::of(&self.headwater, &seat).await?;
        let current_step = views::learner(self.headwater.lab(seat.engine()), &progress).current_step;
        Ok(Joined { class_name: entry.class_name().to_owned(), state, current_step })
    }

    async fn membership(&self) -> Result<Option<MembershipView>, BackendError> {
        let Some(seat) = seat(&self.headwater, &self.session).await? else { return Ok(None) };
        let (_, place) = membership::place_of(&self.headwater, &seat.learner.id, seat.engine()).await?;
        Ok(place)
    }

    async fn rename_in_class(&self, name: Option<&str>) -> Result<(), BackendError> {
        membership::rename(&self.headwater, &self.seat().await?.learner.id, name).await
    }

    async fn leave_class(&self) -> Result<String, BackendError> {
        membership::leave(&self.headwater, &self.seat().await?.learner.id).await
    }

    async fn raise_hand(&self, slug: &str) -> Result<(), BackendError> {
        let (seat, _) = self.seat_at(slug).await?;
        membership::raise_hand(&self.headwater, &seat.learner.id, slug).await
    }

    async fn lower_hand(&self) -> Result<(), BackendError> {
        membership::lower_hand(&self.headwater, &self.seat().await?.learner.id).await
    }

    async fn put_away_hint(&self, hint: &str) -> Result<(), BackendError> {
        membership::put_away_hint(&self.headwater, &self.seat().await?.learner.id, hint).await
    }

    async fn put_notice(&self, notice: Notice) -> Result<(), BackendError> {
        session::put_notice(&self.session, notice).await
    }

    async fn take_notice(&self) -> Result<Option<Notice>, BackendError> {
        session::take_notice(&self.session).await
    }
}

impl RequestBackend {
    /// Notes a class's code that is none among the wrong guesses of this address.
    fn count_wrong_code<T>(&self, result: Result<T, BackendError>) -> Result<T, BackendError> {
        if result.as_ref().is_err_and(|error| error.field() == Some("code")) {
            self.guess.was_wrong();
        }
        result
    }

    /// Makes a learner with a lab; nobody has moved in yet.
    async fn new_lab(&self, choice: LabChoice) -> Result<NewLab, BackendError> {
        if choice.is_account() { self.new_lab_in_account(choice).await } else { self.new_lab_in_sandbox(choice).await }
    }

    async fn new_lab_in_sandbox(&self, choice: LabChoice) -> Result<NewLab, BackendError> {
        let account = self.headwater.new_account().await?;
        let sandbox = self.headwater.sandbox();
        let key = sandbox.create_access_key(&account).await.map_err(internal)?;
        let endpoint = sandbox.endpoint_url();
        let variables = Variables::defaults_for(engine_of(choice), account.as_str(), REGION, endpoint);
        let lab = self.enrol(account.as_str(), &Place::Sandbox, &variables).await?;
        Ok(NewLab { key: Some(key), ..lab })
    }

    async fn new_lab_in_account(&self, choice: LabChoice) -> Result<NewLab, BackendError> {
        if self.headwater.connector().mode() == LiveMode::Off {
            return Err(BackendError::Refused { message: ConnectError::Off.to_string() });
        }
        self.headwater.refuse_when_full().await?;
        let variables = Variables::defaults_for(engine_of(choice), "", REGION, "");
        self.enrol("", &Place::Account { connected: None }, &variables).await
    }

    /// Makes the learner.
    async fn enrol(&self, account: &str, place: &Place, variables: &Variables) -> Result<NewLab, BackendError> {
        let place = serde_json::to_value(place).map_err(internal)?;
        let variables = serde_json::to_value(variables).map_err(internal)?;
        let store = self.headwater.store();
        let (learner, code) = store.create_learner(account, &place, &variables, now()).await.map_err(store_failed)?;
        Ok(NewLab { seat: self.headwater.seat(learner)?, key: None, code })
    }

    /// Puts the learner of a new lab into the session; its secrets wait for the page that shows them.
    async fn move_in(&self, lab: NewLab) -> Result<(), BackendError> {
        session::sit_down(&self.session, &lab.seat.learner.id).await?;
        minted::put_resume_code(&self.session, &lab.code).await?;
        match lab.key {
            Some(key) => minted::put_access_key(&self.session, &key).await,
            None => Ok(()),
        }
    }

    /// Whether this browser may use the machine's credentials; nothing has to be unlocked for the other places.
    async fn is_unlocked(&self, seat: &Seat) -> Result<bool, BackendError> {
        let connector = self.headwater.connector();
        if connector.mode() != LiveMode::Local || !seat.place.is_account() {
            return Ok(true);
        }
        session::is_unlocked(&self.session, connector.unlock_code()).await
    }
}

/// What counts in a lab.
pub fn engine_of(choice: LabChoice) -> Engine {
    match choice {
        LabChoice::SandboxSql => Engine::SqlApplication,
        LabChoice::SandboxWindow | LabChoice::AccountWindow => Engine::TumblingWindow,
        LabChoice::AccountFlink => Engine::Flink,
    }
}

async fn save_variables(headwater: &Headwater, seat: &Seat, variables: &Variables) -> Result<(), BackendError> {
    // The account is not known before it is connected; that is no fault of the names.
    let chosen = |error: &lab::VariableError| Variables::CHOSEN.contains(&error.variable.as_str());
    if let Some(error) = variables.validate().into_iter().find(chosen) {
        return Err(name_refused(error));
    }
    if seat.place.connected().is_some()
        && let Err(error) = checks::policy(&checking::names(variables))
    {
        return Err(BackendError::Refused { message: error.to_string() });
    }
    let variables = serde_json::to_value(variables).map_err(internal)?;
    headwater.store().save_variables(&seat.learner.id, &variables).await.map_err(store_failed)?;
    seat.desk.changed.notify_waiters();
    Ok(())
}

fn name_refused(error: lab::VariableError) -> BackendError {
    BackendError::Invalid { field: error.variable, message: error.message }
}

fn action_failed(error: ActionError) -> BackendError {
    match error {
        ActionError::Unknown(_) => BackendError::NotFound,
        ActionError::Invalid { field, message } => BackendError::Invalid { field, message },
        refused @ ActionError::Refused { .. } => BackendError::Refused { message: refused.to_string() },
    }
}
