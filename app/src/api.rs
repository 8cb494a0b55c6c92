//! The server functions: thin, each hands its request to the [`crate::backend::Backend`].
//!
//! Those that act are reached by form posts. With JavaScript the answer goes back to the page;
//! without, it becomes a notice in the session and a redirect to the form's place on the page.

use crate::{
    error::BackendError,
    model::{
        CheckView, ClassInvite, Fields, LabChoice, LabView, LearnerView, MembershipView, MintedKeys, Notice,
        ResultsView, StepView,
    },
    preferences::{Dialect, Theme},
};
use leptos::{prelude::*, server_fn::codec::PostUrl};

#[cfg(feature = "ssr")]
use crate::{
    backend::{AccountQuery, backend},
    model::{DemoRequest, JoinLab, JoinRequest, Joined, MembershipState, Tone, about},
};

#[server(endpoint = "learner")]
pub async fn learner() -> Result<Option<LearnerView>, BackendError> {
    backend()?.learner().await
}

#[server(endpoint = "lab")]
pub async fn lab() -> Result<LabView, BackendError> {
    backend()?.lab().await
}

#[server(endpoint = "step")]
pub async fn step(slug: String) -> Result<StepView, BackendError> {
    backend()?.step(&slug).await
}

#[server(endpoint = "results")]
pub async fn results() -> Result<ResultsView, BackendError> {
    backend()?.results().await
}

#[server(endpoint = "take-minted-keys")]
pub async fn take_minted_keys() -> Result<Option<MintedKeys>, BackendError> {
    backend()?.take_minted_keys().await
}

/// The resume code made a moment ago, to be shown once.
#[server(endpoint = "take-resume-code")]
pub async fn take_resume_code() -> Result<Option<String>, BackendError> {
    backend()?.take_resume_code().await
}

#[server(endpoint = "take-notice")]
pub async fn take_notice() -> Result<Option<Notice>, BackendError> {
    backend()?.take_notice().await
}

/// The labs that can be started here.
#[server(endpoint = "choices")]
pub async fn choices() -> Result<Vec<LabChoice>, BackendError> {
    backend()?.choices().await
}

#[server(endpoint = "start")]
pub async fn start(#[server(default)] choice: LabChoice) -> Result<Notice, BackendError> {
    let result = backend()?.start(choice).await;
    let welcome = if choice.is_account() {
        "Your lab is ready. Connect your account first: nothing is done in it before you say so."
    } else {
        "Your account in the sandbox is ready. Keep the keys below: they are shown this once."
    };
    let kept = Fields::from([("choice".to_owned(), choice.as_str().to_owned())]);
    respond(about::START, kept, result.map(|()| welcome), |went_well| {
        if went_well { Place::Always("/lab/connect".to_owned()) } else { Place::page("/", "start") }
    })
    .await
}

#[server(endpoint = "unlock")]
pub async fn unlock(code: String) -> Result<Notice, BackendError> {
    let result = backend()?.unlock(&code).await;
    let text = "Unlocked. Choose whose credentials to use.";
    respond(about::CONNECT, Fields::new(), result.map(|()| text), |_| Place::page("/lab/connect", "account")).await
}

#[server(endpoint = "prepare-account")]
pub async fn prepare_account(account: String, region: String) -> Result<Notice, BackendError> {
    let result = backend()?.prepare_account(&account, &region).await;
    let kept = Fields::from([("account".to_owned(), account), ("region".to_owned(), region)]);
    let text = "Now make the role in your account, and come back with its ARN.";
    respond(about::CONNECT, kept, result.map(|()| text), |_| Place::page("/lab/connect", "account")).await
}

#[server(endpoint = "find-account")]
pub async fn find_account(
    #[server(default)] profile: String,
    #[server(default)] role: String,
    #[server(default)] region: String,
) -> Result<Notice, BackendError> {
    let kept = Fields::from([
        ("profile".to_owned(), profile.clone()),
        ("role".to_owned(), role.clone()),
        ("region".to_owned(), region.clone()),
    ]);
    let by =
        if role.trim().is_empty() { AccountQuery::Profile { profile, region } } else { AccountQuery::Role { role } };
    let result = backend()?.find_account(by).await;
    let text = "Found an account. Look whether it is the right one.";
    respond(about::CONNECT, kept, result.map(|()| text), |_| Place::page("/lab/connect", "account")).await
}

#[server(endpoint = "confirm-account")]
pub async fn confirm_account(account: String) -> Result<Notice, BackendError> {
    let result = backend()?.confirm_account(&account).await;
    let text = "Connected. From now on the checks look at this account; they change nothing in it.";
    respond(about::CONNECT, Fields::new(), result.map(|()| text), |_| Place::page("/lab/connect", "account")).await
}

#[server(endpoint = "reject-account")]
pub async fn reject_account() -> Result<Notice, BackendError> {
    let result = backend()?.reject_account().await;
    let text = "Left alone. Choose other credentials.";
    respond(about::CONNECT, Fields::new(), result.map(|()| text), |_| Place::page("/lab/connect", "account")).await
}

#[server(endpoint = "catch-up")]
pub async fn catch_up(slug: String) -> Result<Notice, BackendError> {
    let result = backend()?.catch_up(&slug).await;
    respond(about::CATCH_UP, Fields::new(), result, |_| Place::page(&step_path(&slug), "catch-up")).await
}

#[server(endpoint = "resume")]
pub async fn resume(code: String) -> Result<Notice, BackendError> {
    let result = backend()?.resume(&code).await;
    let path = result.as_ref().ok().map(|learner| step_path(&learner.current_step));
    let kept = Fields::from([("code".to_owned(), code)]);
    respond(about::RESUME, kept, result.map(|_| "Welcome back: here is your lab as you left it."), |_| match path {
        Some(path) => Place::Always(path),
        None => Place::page("/", "resume"),
    })
    .await
}

#[server(endpoint = "forget")]
pub async fn forget() -> Result<Notice, BackendError> {
    let result = backend()?.forget().await;
    let farewell = "This browser no longer knows your lab. Its code still opens it.";
    respond(about::FORGET, Fields::new(), result.map(|()| farewell), |_| Place::Always("/".to_owned())).await
}

#[server(endpoint = "recheck")]
pub async fn recheck(slug: String, #[server(default)] consent: bool) -> Result<Vec<CheckView>, BackendError> {
    let result = backend()?.recheck(&slug, consent).await;
    if !without_script().await {
        return result;
    }
    let (notice, checks) = match result {
        Ok(checks) => (Notice::new(about::CHECKS, Tone::Info, "Looked again."), checks),
        Err(error) => (Notice::failure(about::CHECKS, &error, Fields::new()), Vec::new()),
    };
    backend()?.put_notice(notice).await?;
    leptos_axum::redirect(&format!("{}#checks", step_path(&slug)));
    Ok(checks)
}

#[server(endpoint = "perform")]
pub async fn perform(slug: String, action: String, #[server(default)] fields: Fields) -> Result<Notice, BackendError> {
    // A form post ends lines with CRLF, whatever the learner typed.
    let fields: Fields = fields.into_iter().map(|(name, value)| (name, value.replace("\r\n", "\n"))).collect();
    let result = backend()?.perform(&slug, &action, &fields).await;
    let about = about::action(&action);
    let anchor = format!("action-{}", plain(&action));
    respond(&about, fields, result, |_| Place::page(&step_path(&slug), &anchor)).await
}

#[server(endpoint = "reveal-hint")]
pub async fn reveal_hint(slug: String) -> Result<Notice, BackendError> {
    let result = backend()?.reveal_hint(&slug).await;
    respond(about::HINTS, Fields::new(), result.map(|()| ""), |_| Place::page(&step_path(&slug), "hints")).await
}

#[server(endpoint = "answer")]
pub async fn answer(
    slug: String,
    question: String,
    #[server(default)] choices: Vec<String>,
) -> Result<Notice, BackendError> {
    let result = backend()?.answer(&slug, &question, &choices).await;
    let about = about::question(&question);
    let anchor = format!("question-{}", plain(&question));
    respond(&about, Fields::new(), result.map(|_| ""), |_| Place::page(&step_path(&slug), &anchor)).await
}

#[server(endpoint = "start-demo")]
pub async fn start_demo(slug: String, rate: u32, duration_seconds: u32, seed: u64) -> Result<Notice, BackendError> {
    let result = backend()?.start_demo(DemoRequest { rate, duration_seconds, seed }).await;
    let kept = Fields::from([
        ("rate".to_owned(), rate.to_string()),
        ("duration_seconds".to_owned(), duration_seconds.to_string()),
        ("seed".to_owned(), seed.to_string()),
    ]);
    respond(about::DEMO, kept, result.map(|()| "Sending."), |_| Place::page(&step_path(&slug), "demo")).await
}

#[server(endpoint = "stop-demo")]
pub async fn stop_demo(slug: String) -> Result<Notice, BackendError> {
    let result = backend()?.stop_demo().await;
    let text = "Stopping: what was handed over is still finished.";
    respond(about::DEMO, Fields::new(), result.map(|()| text), |_| Place::page(&step_path(&slug), "demo")).await
}

#[server(endpoint = "rotate-keys")]
pub async fn rotate_keys() -> Result<Notice, BackendError> {
    let result = backend()?.rotate_keys().await;
    let text = "A new key is ready, and the old one no longer works.";
    respond(about::KEYS, Fields::new(), result.map(|()| text), |_| Place::page("/lab/connect", "keys")).await
}

#[server(endpoint = "renew-resume-code")]
pub async fn renew_resume_code() -> Result<Notice, BackendError> {
    let result = backend()?.renew_resume_code().await;
    let text = "A new resume code is ready, and the old one no longer works. It is shown this once.";
    respond(about::RESUME_CODE, Fields::new(), result.map(|()| text), |_| Place::page("/lab/connect", "resume-code"))
        .await
}

#[server(endpoint = "save-names")]
pub async fn save_names(#[server(default)] fields: Fields) -> Result<Notice, BackendError> {
    let result = backend()?.save_names(&fields).await;
    let text = "Saved. Every step now speaks of these names.";
    respond(about::NAMES, fields, result.map(|()| text), |_| Place::page("/lab/connect", "names")).await
}

/// What a join code leads to.
#[server(endpoint = "join/invite")]
pub async fn class_of(code: String) -> Result<ClassInvite, BackendError> {
    backend()?.class_of(&code).await
}

#[server(endpoint = "join")]
pub async fn join(
    code: String,
    #[server(default)] name: String,
    #[server(default)] anonymous: bool,
    #[server(default)] lab: String,
) -> Result<Notice, BackendError> {
    let kept = Fields::from([("name".to_owned(), name.clone()), ("lab".to_owned(), lab.clone())]);
    let back = format!("/join/{}", plain(&code));
    let result = match JoinLab::parse(&lab) {
        Some(lab) => backend()?.join(JoinRequest { code, name: (!anonymous).then_some(name), lab }).await,
        None => {
            Err(BackendError::Invalid { field: "lab".to_owned(), message: "Choose a lab to join with.".to_owned() })
        }
    };
    let path = result.as_ref().ok().map(|joined| step_path(&joined.current_step));
    respond(about::JOIN, kept, result.map(|joined| welcome_to_class(&joined)), |_| match path {
        Some(path) => Place::Always(path),
        None => Place::page(&back, "join"),
    })
    .await
}

/// The learner's place in a class.
#[server(endpoint = "membership")]
pub async fn membership() -> Result<Option<MembershipView>, BackendError> {
    backend()?.membership().await
}

/// Raises the hand, or lowers it. `page` is the slug of the step on whose page the form is; none on the page of results.
#[server(endpoint = "hand")]
pub async fn hand(step: String, up: bool, #[server(default)] page: String) -> Result<Notice, BackendError> {
    let (result, text) = if up {
        (backend()?.raise_hand(&step).await, "Your hand is up: the instructors of the class see it.")
    } else {
        (backend()?.lower_hand().await, "Your hand is down.")
    };
    respond(about::CLASS, Fields::new(), result.map(|()| text), |_| class_bar_of(&page)).await
}

#[server(endpoint = "put-away-hint")]
pub async fn put_away_hint(hint: String, #[server(default)] page: String) -> Result<Notice, BackendError> {
    let result = backend()?.put_away_hint(&hint).await;
    respond(about::CLASS, Fields::new(), result.map(|()| ""), |_| class_bar_of(&page)).await
}

#[server(endpoint = "rename-in-class")]
pub async fn rename_in_class(
    #[server(default)] name: String,
    #[server(default)] anonymous: bool,
    #[server(default)] page: String,
) -> Result<Notice, BackendError> {
    let result = backend()?.rename_in_class((!anonymous).then_some(name.as_str())).await;
    let text = if anonymous { "The class sees you without a name." } else { "The class sees you by this name." };
    let kept = Fields::from([("name".to_owned(), name)]);
    respond(about::CLASS, kept, result.map(|()| text), |_| class_bar_of(&page)).await
}

#[server(endpoint = "leave-class")]
pub async fn leave_class(#[server(default)] page: String) -> Result<Notice, BackendError> {
    let result = backend()?.leave_class().await;
    let text = result.map(|class| format!("You left the class {class}. Your lab stays yours."));
    respond(about::CLASS, Fields::new(), text, |_| class_bar_of(&page)).await
}

/// Remembers the colour theme in a cookie, so that the server renders with it.
#[server(endpoint = "choose-theme", input = PostUrl)]
pub async fn choose_theme(theme: Theme) -> Result<(), BackendError> {
    remember(Theme::COOKIE, theme.as_str())
}

/// Remembers how the learner wants the instructions.
#[server(endpoint = "choose-dialect", input = PostUrl)]
pub async fn choose_dialect(dialect: Dialect) -> Result<(), BackendError> {
    remember(Dialect::COOKIE, dialect.as_str())
}

/// Where the browser goes after a form post.
#[cfg(feature = "ssr")]
pub(crate) enum Place {
    /// Only a post without JavaScript leads back to the page.
    Page(String),
    Always(String),
}

#[cfg(feature = "ssr")]
impl Place {
    pub(crate) fn page(path: &str, anchor: &str) -> Self {
        Self::Page(format!("{path}#{anchor}"))
    }
}

/// News for the learner; what an operation of the backend answers can be told as it is.
#[cfg(feature = "ssr")]
pub(crate) trait News {
    fn tell(self, notice: &mut Notice);
}

#[cfg(feature = "ssr")]
impl News for &str {
    fn tell(self, notice: &mut Notice) {
        self.clone_into(&mut notice.message);
    }
}

#[cfg(feature = "ssr")]
impl News for String {
    fn tell(self, notice: &mut Notice) {
        notice.message = self;
    }
}

#[cfg(feature = "ssr")]
impl News for crate::model::Performed {
    fn tell(self, notice: &mut Notice) {
        notice.message = self.message;
        notice.details = self.calls;
    }
}

/// Answers a form post: with JavaScript by the outcome itself, else by a notice and a redirect.
#[cfg(feature = "ssr")]
pub(crate) async fn respond(
    about: &str,
    kept: Fields,
    result: Result<impl News, BackendError>,
    place: impl FnOnce(bool) -> Place,
) -> Result<Notice, BackendError> {
    let plain_post = without_script().await;
    let place = place(result.is_ok());
    let leaves = matches!(place, Place::Always(_));
    match place {
        Place::Always(path) => leptos_axum::redirect(&path),
        Place::Page(path) if plain_post => leptos_axum::redirect(&path),
        Place::Page(_) => (),
    }
    let notice = match result {
        Ok(news) => {
            let mut notice = Notice::new(about, Tone::Good, "");
            news.tell(&mut notice);
            notice
        }
        Err(error) if plain_post => Notice::failure(about, &error, kept),
        Err(error) => return Err(error),
    };
    // A redirect leaves the page that made the request, so the notice has to wait for the next.
    if plain_post || leaves {
        backend()?.put_notice(notice.clone()).await?;
    }
    Ok(notice)
}

/// Whether the request is a form post by the browser itself, as before the wasm has arrived.
#[cfg(feature = "ssr")]
async fn without_script() -> bool {
    use_context::<http::request::Parts>().is_some_and(|parts| wants_page(&parts.headers))
}

/// Whether the answer to this request is to be a page: a browser without script asks so.
#[cfg(feature = "ssr")]
pub fn wants_page(headers: &http::HeaderMap) -> bool {
    let accepts = headers.get_all(http::header::ACCEPT);
    accepts.iter().any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

/// The page of a step, for a slug that came from outside.
#[cfg(feature = "ssr")]
fn step_path(slug: &str) -> String {
    format!("/lab/{}", plain(slug))
}

#[cfg(feature = "ssr")]
fn welcome_to_class(joined: &Joined) -> String {
    if joined.state == MembershipState::Waiting {
        format!(
            "You asked to be let into the class {}. Go on meanwhile: what you do counts once you are in.",
            joined.class_name
        )
    } else {
        format!("You are in the class {}: its instructors see how you get on.", joined.class_name)
    }
}

/// The bar of the class on the page of a step, or on that of results.
#[cfg(feature = "ssr")]
fn class_bar_of(page: &str) -> Place {
    if page.is_empty() { Place::page("/results", "class") } else { Place::page(&step_path(page), "class") }
}

/// Keeps what can stand in a path or fragment, so that a redirect cannot be led elsewhere.
#[cfg(feature = "ssr")]
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '-').take(64).collect()
}

#[cfg(feature = "ssr")]
fn remember(cookie: &str, value: &str) -> Result<(), BackendError> {
    let options = use_context::<leptos_axum::ResponseOptions>().ok_or(BackendError::Internal { request: None })?;
    let header = format!("{cookie}={value}; Path=/; Max-Age=31536000; SameSite=Lax");
    let header = http::HeaderValue::from_str(&header).map_err(|_| BackendError::Internal { request: None })?;
    options.append_header(http::header::SET_COOKIE, header);
    Ok(())
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_slug_cannot_lead_a_redirect_elsewhere() {
        assert_eq!(step_path("delivery-stream"), "/lab/delivery-stream");
        assert_eq!(step_path("../..//evil.example\r\nX: y"), "/lab/evilexampleXy");
    }
}
