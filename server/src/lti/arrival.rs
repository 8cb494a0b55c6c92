//! What a launch leads to: a learner's lab, the board for who teaches, or the choice of what a course links to.

use std::collections::BTreeMap;

use app::backend::Backend as _;
use app::course_page::{AskedName, CourseClass, CourseLink, CoursePage, GoOn};
use app::error::BackendError;
use app::model::{JoinLab, JoinRequest, LabChoice};
use axum::http::HeaderMap;
use lti::{
    Browser, Context, DeepLinkingSettings, Launch, LaunchAnswer, LoginError, Message, NonceUse, PendingLaunch,
    ResourceLinkItem, Role, Tool, VerifiedLaunch, deep_linking_response,
};
use store::{Class, ClassId};
use tower_sessions::Session;
use url::form_urlencoded;

use super::refusal::LtiRefusal;
use super::{cookie, registrations, tool};
use crate::backend::RequestBackend;
use crate::class_settings::ClassSettings;
use crate::classes::outside::{self, Launched};
use crate::membership;
use crate::router::WebState;
use crate::session;
use crate::state::{now, store_failed};

/// Parameters of our links, which come back with each launch.
const CLASS: &str = "class";
const LAB: &str = "lab";
/// Classes among which a teacher chooses.
const CHOICES: usize = 20;

/// From where a launch was posted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    FromPlatform,
    /// From our own page, on which somebody has said to go on.
    Confirmed,
}

/// Where the browser goes.
pub(super) enum Arrival {
    /// To a path of ours.
    At(String),
    /// Something has to be asked first.
    Asked(CoursePage),
    /// A teacher chooses; the forms go to this origin.
    Chooses { page: CoursePage, origin: String },
}

/// A launch that is in order, with the classes that it may lead into.
struct Launching {
    verified: VerifiedLaunch,
    pending: PendingLaunch,
    platform: lti::Platform,
    platform_id: String,
    classes: Vec<ClassId>,
    tool: Tool,
}

/// What was typed on our own page.
#[derive(Default)]
struct Typed {
    name: Option<String>,
    lab: Option<LabChoice>,
}

pub(super) async fn arrive(
    state: &WebState,
    session: &Session,
    headers: &HeaderMap,
    form: &[u8],
    way: Way,
) -> Result<Arrival, LtiRefusal> {
    let form = std::str::from_utf8(form).map_err(|_| LtiRefusal::NotText)?;
    let answer = LaunchAnswer::parse(form)?;
    let typed = if way == Way::Confirmed { Typed::of(form) } else { Typed::default() };
    let launching = verify(state, headers, &answer, way).await?;
    match &launching.verified.launch().message {
        Message::DeepLinking(settings) => {
            let settings = settings.clone();
            choose(state, launching, &settings).await
        }
        Message::ResourceLink(_) => {
            let class = launching.class(state).await?;
            let roles = launching.verified.launch().roles.clone();
            if roles.has(Role::TeachingAssistant) || roles.teaches() {
                // Rights are given by the class's owners, to accounts: a platform that an owner has registered by mistake
                // must not be able to hand the class to others.
                admit(state, launching, &class.id).await?;
                return Ok(Arrival::At(format!("/teach/classes/{}", class.id)));
            }
            if !roles.has(Role::Learner) && !roles.has(Role::TestUser) {
                return Err(LtiRefusal::NoRole);
            }
            learn(state, session, launching, class, &answer, way, typed).await
        }
    }
}

/// Checks a launch against every registration that it may belong to.
async fn verify(
    state: &WebState,
    headers: &HeaderMap,
    answer: &LaunchAnswer,
    way: Way,
) -> Result<Launching, LtiRefusal> {
    let lti = state.classes.lti();
    // What our own page posts was asked of the person in front of it.
    let cookie = cookie(headers).filter(|_| way == Way::FromPlatform);
    let pending = lti.state_key().open(&answer.state, cookie.as_deref(), now())?;
    let tool = tool(state, headers)?;
    let client = lti.client().await?;
    let mut classes = Vec::new();
    let mut verified = None;
    let mut refusal = LtiRefusal::Login(LoginError::UnknownPlatform);
    for (class, platform) in registrations(&state.classes, &pending.issuer, &pending.client_id).await? {
        match client.verify_launch(&answer.id_token, &platform, &pending, &tool, now()).await {
            Ok(launch) => {
                classes.push(class);
                verified = Some((launch, platform));
            }
            Err(error) => refusal = error.into(),
        }
    }
    let (verified, platform) = verified.ok_or(refusal)?;
    let platform_id = outside::platform_id(platform.issuer(), platform.client_id());
    Ok(Launching { verified, pending, platform, platform_id, classes, tool })
}

/// Notes the nonce, so that nobody comes by the same launch again, and what the launch told.
async fn admit(state: &WebState, launching: Launching, class: &ClassId) -> Result<Launch, LtiRefusal> {
    let launch = once(state, launching.verified).await?;
    let launched = Launched { at: now().unix_timestamp(), grades: launch.ags.clone() };
    outside::note_launch(&state.classes, class, &launching.platform_id, &launched).await?;
    Ok(launch)
}

async fn once(state: &WebState, verified: VerifiedLaunch) -> Result<Launch, LtiRefusal> {
    let nonce = format!("lti:{}", verified.nonce());
    let is_first = state.headwater.store().use_once(&nonce, verified.nonce_expires(), now()).await;
    let nonce = if is_first.map_err(store_failed)? { NonceUse::First } else { NonceUse::Again };
    Ok(verified.admit(nonce)?)
}

/// A learner comes into the class, or back to the lab there.
async fn learn(
    state: &WebState,
    session: &Session,
    launching: Launching,
    class: Class,
    answer: &LaunchAnswer,
    way: Way,
    typed: Typed,
) -> Result<Arrival, LtiRefusal> {
    let store = state.headwater.store();
    let launch = launching.verified.launch();
    let known = store.external_learner(&class.id, &launching.platform_id, &launch.subject).await;
    let known = known.map_err(store_failed)?;
    let settings = ClassSettings::of(&class)?;
    let labs = membership::labs_of(&state.headwater, &settings);
    let wanted = launch.custom.get(LAB).and_then(|lab| labs.iter().find(|one| one.as_str() == lab)).copied();
    let lab = typed.lab.or(wanted).or(if let [only] = labs[..] { Some(only) } else { None });
    let name = launch.name.as_deref().and_then(|name| membership::shown_name(Some(name), true).ok().flatten());
    let asks_name = known.is_none() && name.is_none();
    let asks_lab = known.is_none() && lab.is_none();
    let in_session = session::learner_id(session).await?;
    let leaves_lab = in_session.is_some() && in_session != known;
    let is_asked = leaves_lab || asks_lab || asks_name || launching.pending.browser == Browser::Unknown;
    if way == Way::FromPlatform && is_asked {
        return Ok(Arrival::Asked(CoursePage::GoOn(GoOn {
            class: class.name,
            name,
            asks_name: asks_name.then_some(if settings.anonymous { AskedName::Optional } else { AskedName::Required }),
            labs: if asks_lab { labs } else { Vec::new() },
            leaves_lab,
            state: answer.state.clone(),
            id_token: answer.id_token.clone(),
        })));
    }
    let platform = launching.platform_id.clone();
    let launch = admit(state, launching, &class.id).await?;
    let backend = RequestBackend::new(state.headwater.clone(), session.clone());
    let code = class.join_code.as_str().to_owned();
    if let Some(known) = known {
        session::sit_down(session, &known).await?;
        // Who has left comes back. Who cannot, since the class is over or they were taken out, still has the lab.
        let back = JoinRequest { code, name: name.or(typed.name), lab: JoinLab::Bring };
        return match backend.join(back).await {
            Ok(_) | Err(BackendError::Refused { .. } | BackendError::Invalid { .. }) => lab_of(&backend).await,
            Err(error) => Err(error.into()),
        };
    }
    let Some(lab) = lab else { return Err(BackendError::NotFound.into()) };
    session::stand_up(session).await?;
    backend.join(JoinRequest { code, name: name.or(typed.name), lab: JoinLab::New(lab) }).await?;
    if let Some(new) = session::learner_id(session).await? {
        let kept = store.keep_external_learner(&class.id, &platform, &launch.subject, &new).await;
        let kept = kept.map_err(store_failed)?;
        if kept != new {
            // The same person was quicker in another window: that lab is theirs.
            store.delete_learner(&new).await.map_err(store_failed)?;
            session::sit_down(session, &kept).await?;
        }
    }
    lab_of(&backend).await
}

/// Where the learner of the session goes on.
async fn lab_of(backend: &RequestBackend) -> Result<Arrival, LtiRefusal> {
    let learner = backend.learner().await?.ok_or(BackendError::NoLearner)?;
    Ok(Arrival::At(format!("/lab/{}", learner.current_step)))
}

/// A teacher chooses a class and a lab. Each choice is a form with its answer in it, which goes to the platform at once: so it
/// needs neither a session nor a script, and works in a frame.
async fn choose(state: &WebState, launching: Launching, settings: &DeepLinkingSettings) -> Result<Arrival, LtiRefusal> {
    let roles = &launching.verified.launch().roles;
    if !(roles.teaches() || roles.has(Role::TeachingAssistant) || roles.has(Role::ContentDeveloper)) {
        return Err(LtiRefusal::MayNotChoose);
    }
    if !settings.accepts_links {
        return Err(LtiRefusal::TakesNoLinks);
    }
    let Launching { verified, platform, classes, tool, .. } = launching;
    let launch = once(state, verified).await?;
    let key = state.classes.lti().key().await?;
    let answer = |items: &[ResourceLinkItem]| {
        deep_linking_response(key, &platform, &launch.deployment_id, settings, items, now()).map(|form| form.jwt)
    };
    let mut offered = Vec::new();
    for class in classes.into_iter().take(CHOICES) {
        let found = state.headwater.store().class(&class).await.map_err(store_failed)?;
        let Some(class) = found.filter(|class| class.archived.is_none()) else { continue };
        let labs = membership::labs_of(&state.headwater, &ClassSettings::of(&class)?);
        let any = (labs.len() > 1).then_some(None);
        let links = any
            .into_iter()
            .chain(labs.into_iter().map(Some))
            .map(|lab| Ok(CourseLink { lab, jwt: answer(&[link(&tool, &class, lab)])? }));
        offered.push(CourseClass { links: links.collect::<Result<_, LtiRefusal>>()?, name: class.name });
    }
    let course = launch.context.as_ref().and_then(|Context { title, label, .. }| title.clone().or(label.clone()));
    let page = CoursePage::Choose {
        action: settings.return_url.as_str().to_owned(),
        course,
        classes: offered,
        nothing: answer(&[])?,
    };
    Ok(Arrival::Chooses { page, origin: settings.return_url.origin() })
}

/// What a course is given: a link to a lab of the class, or to the class, where learners choose.
fn link(tool: &Tool, class: &Class, lab: Option<LabChoice>) -> ResourceLinkItem {
    let mut custom = BTreeMap::from([(CLASS.to_owned(), class.id.to_string())]);
    custom.extend(lab.map(|lab| (LAB.to_owned(), lab.as_str().to_owned())));
    let title = match lab {
        Some(lab) => format!("{} · {}", class.name, app::lab_title(lab)),
        None => class.name.clone(),
    };
    // Line items are made for the checks, not for the link.
    ResourceLinkItem { title, text: None, url: tool.home_url(), custom, line_item: None }
}

impl Launching {
    /// The class that is meant: the one that the link names, or the only one.
    async fn class(&self, state: &WebState) -> Result<Class, LtiRefusal> {
        let id = match (self.verified.launch().custom.get(CLASS), &self.classes[..]) {
            (Some(named), known) => {
                known.iter().find(|class| class.as_str() == named).ok_or(LtiRefusal::NoSuchClass)?
            }
            (None, [only]) => only,
            (None, _) => return Err(LtiRefusal::SeveralClasses),
        };
        let found = state.headwater.store().class(id).await.map_err(store_failed)?;
        found.ok_or(LtiRefusal::NoSuchClass)
    }
}

impl Typed {
    fn of(form: &str) -> Self {
        let mut typed = Self::default();
        for (name, value) in form_urlencoded::parse(form.as_bytes()) {
            match &*name {
                "name" => typed.name = Some(value.into_owned()).filter(|name| !name.trim().is_empty()),
                LAB => typed.lab = LabChoice::ALL.into_iter().find(|lab| lab.as_str() == value),
                _ => (),
            }
        }
        typed
    }
}
