//! Learners in classes: what a join code leads to, coming in, the own place, hands, hints.

mod name;

use app::error::BackendError;
use app::model::teach::ClassState;
use app::model::{
    ClassHintView, ClassInvite, HandView, JoinLab, JoinRequest, LabChoice, MembershipState, MembershipView, OwnLab,
    Standing, StepLink,
};
use lab::{Engine, Lab};
use store::{Class, ClassId, JoinCode, JoinError, LearnerId, MAX_MEMBERS, Member, MemberState};
use thiserror::Error;
use time::OffsetDateTime;

use crate::class_settings::ClassSettings;
use crate::classes::state_of;
use crate::state::{Headwater, Seat, internal, now, store_failed};
use crate::views;

pub use self::name::shown_name;

/// Why something about a class was not done, in the learner's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MembershipError {
    #[error(
        "No class has this code. It has two groups of four letters and digits, as in K7QM-2XRD; your instructor may have \
         made a new one."
    )]
    UnknownCode,
    #[error("The class has not begun. Its page tells when it does.")]
    NotBegun,
    #[error("The class is over: nobody comes into it any more.")]
    Over,
    #[error("The class is in the archive: nobody comes into it any more.")]
    Archived,
    #[error("The class is full: it has as many learners as a class can have. Tell its instructor.")]
    Full,
    #[error("You were taken out of this class. Only its instructors can let you in again.")]
    Removed,
    #[error("The lab in this browser is in another class, {class}. Leave that one first, or join with a new lab.")]
    InAnotherClass { class: String },
    #[error("The class does not have this kind of lab. Choose one of those it has.")]
    LabNotAllowed,
    #[error("There is no lab in this browser to bring. Choose a new one.")]
    NoLabToBring,
    #[error("Enter the name by which the class is to know you.")]
    NoName,
    #[error("A name has 80 characters at most.")]
    LongName,
    #[error("You are in no class.")]
    NotInClass,
    #[error("Nobody has let you in yet, so nobody would see your hand.")]
    NotLetIn,
    #[error("The class is over, so nobody would see your hand.")]
    OverForHands,
}

/// A learner who may come into a class.
pub struct Entry {
    class: Class,
    name: Option<String>,
    /// The lab of this browser is in the class already, or waits to be let in.
    here: Option<MemberState>,
}

/// What a join code leads to, for who has this lab.
pub async fn invite(headwater: &Headwater, own: Option<&Seat>, code: &str) -> Result<ClassInvite, BackendError> {
    let class = class_of(headwater, code).await?;
    let settings = ClassSettings::of(&class)?;
    let staff = headwater.store().staff(&class.id).await.map_err(store_failed)?;
    let now = now();
    Ok(ClassInvite {
        code: class.join_code.as_str().to_owned(),
        owners: staff.into_iter().filter(|one| one.role == store::Role::Owner).map(|one| one.name).collect(),
        state: state_of(&class, now),
        starts_at: class.starts.map(OffsetDateTime::unix_timestamp),
        ends_at: class.ends.map(OffsetDateTime::unix_timestamp),
        approval: class.approval,
        anonymous: settings.anonymous,
        labs: labs_of(headwater, &settings),
        own_lab: match own {
            Some(seat) => Some(own_lab(headwater, seat, &class).await?),
            None => None,
        },
        read_at: now.unix_timestamp(),
        class_name: class.name,
    })
}

impl Entry {
    /// Everything that can be refused before a lab is made for it.
    pub async fn ask(headwater: &Headwater, own: Option<&Seat>, request: &JoinRequest) -> Result<Self, BackendError> {
        let class = class_of(headwater, &request.code).await?;
        let settings = ClassSettings::of(&class)?;
        let member = match own {
            Some(seat) => headwater.store().member(&seat.learner.id).await.map_err(store_failed)?,
            None => None,
        };
        let here = member.as_ref().filter(|member| member.class == class.id).map(|member| member.state);
        match here {
            Some(MemberState::Removed) => return Err(MembershipError::Removed.into()),
            Some(MemberState::Waiting | MemberState::Active) => return Ok(Self { class, name: None, here }),
            Some(MemberState::Left) | None => (),
        }
        match state_of(&class, now()) {
            ClassState::NotBegun => return Err(MembershipError::NotBegun.into()),
            ClassState::Running => (),
            ClassState::Ended => return Err(MembershipError::Over.into()),
            ClassState::Archived => return Err(MembershipError::Archived.into()),
        }
        let name = shown_name(request.name.as_deref(), settings.anonymous)?;
        let choice = match (request.lab, own) {
            (JoinLab::New(choice), _) => choice,
            (JoinLab::Bring, Some(seat)) => choice_of(seat),
            (JoinLab::Bring, None) => return Err(MembershipError::NoLabToBring.into()),
        };
        if !labs_of(headwater, &settings).contains(&choice) {
            return Err(MembershipError::LabNotAllowed.into());
        }
        if let (JoinLab::Bring, Some(other)) = (request.lab, member.filter(|member| is_in(member) && here.is_none())) {
            return Err(in_another_class(headwater, &other.class).await);
        }
        let counts = headwater.store().member_counts(&class.id).await.map_err(store_failed)?;
        if counts.waiting + counts.active >= u64::from(MAX_MEMBERS) {
            return Err(MembershipError::Full.into());
        }
        Ok(Self { class, name, here: None })
    }

    /// The state of a lab that is in the class already.
    pub fn here(&self) -> Option<MembershipState> {
        self.here.and_then(shown_state)
    }

    pub fn class_name(&self) -> &str {
        &self.class.name
    }

    /// Takes the learner into the class.
    pub async fn enter(&self, headwater: &Headwater, learner: &LearnerId) -> Result<MembershipState, BackendError> {
        let joined = headwater.store().join(&self.class, learner, self.name.as_deref(), now()).await;
        let state = match joined {
            Ok(state) => state,
            Err(JoinError::NoClass) => return Err(MembershipError::UnknownCode.into()),
            Err(JoinError::NotBegun { .. }) => return Err(MembershipError::NotBegun.into()),
            Err(JoinError::Over) => return Err(MembershipError::Over.into()),
            Err(JoinError::Removed) => return Err(MembershipError::Removed.into()),
            Err(JoinError::Full) => return Err(MembershipError::Full.into()),
            Err(JoinError::InAnotherClass) => {
                let member = headwater.store().member(learner).await.map_err(store_failed)?;
                let other = member.map_or_else(|| self.class.id.clone(), |member| member.class);
                return Err(in_another_class(headwater, &other).await);
            }
            Err(JoinError::Store(cause)) => return Err(store_failed(cause)),
        };
        shown_state(state).ok_or_else(|| internal("a learner joined and is not in the class"))
    }
}

/// The class in which a learner is, and what is shown of it; also of one that the learner was taken out of.
pub async fn place_of(
    headwater: &Headwater,
    learner: &LearnerId,
    engine: Engine,
) -> Result<(Option<ClassId>, Option<MembershipView>), BackendError> {
    let Some((member, class)) = place(headwater, learner).await? else { return Ok((None, None)) };
    let Some(state) = shown_state(member.state) else { return Ok((None, None)) };
    let lab = headwater.lab(engine);
    let hints = match state {
        MembershipState::Active => headwater.store().hints(learner).await.map_err(store_failed)?,
        MembershipState::Waiting | MembershipState::Removed => Vec::new(),
    };
    let view = MembershipView {
        name: member.name,
        anonymous: ClassSettings::of(&class)?.anonymous,
        state,
        class_state: state_of(&class, now()),
        hand: member.hand.map(|hand| HandView {
            since: hand.since.unix_timestamp(),
            step: lab.step(&hand.step).map(|step| step.title.clone()).unwrap_or(hand.step),
        }),
        hints: hints.into_iter().map(|hint| hint_view(lab, hint)).collect(),
        class_name: class.name,
    };
    Ok((Some(class.id), Some(view)))
}

/// Shows the learner in the class under another name, or none.
pub async fn rename(headwater: &Headwater, learner: &LearnerId, name: Option<&str>) -> Result<(), BackendError> {
    let (_, class) = own_place(headwater, learner).await?;
    let name = shown_name(name, ClassSettings::of(&class)?.anonymous)?;
    let renamed = headwater.store().rename_member(&class.id, learner, name.as_deref(), now()).await;
    if renamed.map_err(store_failed)? { Ok(()) } else { Err(MembershipError::NotInClass.into()) }
}

/// Takes the learner out of the class, and gives its name.
pub async fn leave(headwater: &Headwater, learner: &LearnerId) -> Result<String, BackendError> {
    let (_, class) = own_place(headwater, learner).await?;
    let left = headwater.store().leave(&class.id, learner, now()).await.map_err(store_failed)?;
    if left { Ok(class.name) } else { Err(MembershipError::NotInClass.into()) }
}

pub async fn raise_hand(headwater: &Headwater, learner: &LearnerId, slug: &str) -> Result<(), BackendError> {
    let (member, class) = own_place(headwater, learner).await?;
    if member.state == MemberState::Waiting {
        return Err(MembershipError::NotLetIn.into());
    }
    if matches!(state_of(&class, now()), ClassState::Ended | ClassState::Archived) {
        return Err(MembershipError::OverForHands.into());
    }
    let raised = headwater.store().raise_hand(learner, slug, now()).await.map_err(store_failed)?;
    if raised { Ok(()) } else { Err(MembershipError::NotInClass.into()) }
}

pub async fn lower_hand(headwater: &Headwater, learner: &LearnerId) -> Result<(), BackendError> {
    headwater.store().lower_hand(learner, now()).await.map(drop).map_err(store_failed)
}

/// Puts a hint away. One that is put away already stays so.
pub async fn put_away_hint(headwater: &Headwater, learner: &LearnerId, hint: &str) -> Result<(), BackendError> {
    let id = hint.parse().map_err(|_| BackendError::NotFound)?;
    if headwater.store().see_hint(learner, &id, now()).await.map_err(store_failed)? {
        return Ok(());
    }
    let hints = headwater.store().hints(learner).await.map_err(store_failed)?;
    if hints.iter().any(|hint| hint.id == id) { Ok(()) } else { Err(BackendError::NotFound) }
}

async fn class_of(headwater: &Headwater, code: &str) -> Result<Class, BackendError> {
    let code = JoinCode::parse(code).ok_or(MembershipError::UnknownCode)?;
    let class = headwater.store().class_by_join_code(&code).await.map_err(store_failed)?;
    Ok(class.ok_or(MembershipError::UnknownCode)?)
}

async fn own_lab(headwater: &Headwater, seat: &Seat, class: &Class) -> Result<OwnLab, BackendError> {
    let standing = match place(headwater, &seat.learner.id).await? {
        Some((member, of)) if of.id == class.id => shown_state(member.state).map_or(Standing::Free, Standing::Here),
        Some((member, of)) if is_in(&member) => Standing::Elsewhere(of.name),
        _ => Standing::Free,
    };
    let progress = views::Progress::of(headwater, seat).await?;
    let learner = views::learner(headwater.lab(seat.engine()), &progress);
    Ok(OwnLab {
        choice: choice_of(seat),
        current_step: learner.current_step,
        steps_passed: learner.steps_passed,
        steps_total: learner.steps_total,
        standing,
    })
}

/// The labs of a class that this server has to offer.
pub fn labs_of(headwater: &Headwater, settings: &ClassSettings) -> Vec<LabChoice> {
    let offered = headwater.offered_labs();
    offered.into_iter().filter(|choice| settings.labs.contains(choice)).collect()
}

/// The learner's last class with the learner's place in it, also one that they left or were taken out of.
async fn place(headwater: &Headwater, learner: &LearnerId) -> Result<Option<(Member, Class)>, BackendError> {
    let Some(member) = headwater.store().member(learner).await.map_err(store_failed)? else { return Ok(None) };
    let class = headwater.store().class(&member.class).await.map_err(store_failed)?;
    Ok(class.map(|class| (member, class)))
}

/// The same for a learner who is in the class, or waits to be let in.
async fn own_place(headwater: &Headwater, learner: &LearnerId) -> Result<(Member, Class), BackendError> {
    let place = place(headwater, learner).await?.filter(|(member, _)| is_in(member));
    Ok(place.ok_or(MembershipError::NotInClass)?)
}

async fn in_another_class(headwater: &Headwater, other: &ClassId) -> BackendError {
    match headwater.store().class(other).await {
        Ok(class) => {
            MembershipError::InAnotherClass { class: class.map(|class| class.name).unwrap_or_default() }.into()
        }
        Err(cause) => store_failed(cause),
    }
}

fn is_in(member: &Member) -> bool {
    matches!(member.state, MemberState::Waiting | MemberState::Active)
}

/// Which kind of lab a learner has.
fn choice_of(seat: &Seat) -> LabChoice {
    match (seat.place.is_account(), seat.engine()) {
        (false, Engine::SqlApplication) => LabChoice::SandboxSql,
        (true, Engine::TumblingWindow) => LabChoice::AccountWindow,
        (false, _) => LabChoice::SandboxWindow,
        (true, _) => LabChoice::AccountFlink,
    }
}

fn shown_state(state: MemberState) -> Option<MembershipState> {
    match state {
        MemberState::Waiting => Some(MembershipState::Waiting),
        MemberState::Active => Some(MembershipState::Active),
        MemberState::Removed => Some(MembershipState::Removed),
        MemberState::Left => None,
    }
}

fn hint_view(lab: &Lab, hint: store::Hint) -> ClassHintView {
    let number = lab.steps.iter().position(|step| step.slug == hint.step);
    let link = |number: usize| StepLink {
        slug: hint.step.clone(),
        number: number as u32,
        title: lab.steps[number].title.clone(),
    };
    ClassHintView {
        id: hint.id.as_str().to_owned(),
        step: number.map(link),
        words: hint.words,
        sent_by: hint.sent_by,
        sent_at: hint.sent.unix_timestamp(),
        seen_at: hint.seen.map(OffsetDateTime::unix_timestamp),
    }
}

impl From<MembershipError> for BackendError {
    fn from(error: MembershipError) -> Self {
        let field = match error {
            MembershipError::UnknownCode => "code",
            MembershipError::NoName | MembershipError::LongName => "name",
            MembershipError::LabNotAllowed | MembershipError::NoLabToBring => "lab",
            error => return Self::Refused { message: error.to_string() },
        };
        Self::Invalid { field: field.to_owned(), message: error.to_string() }
    }
}
