//! The way into a class.

use super::{missing::Missing, problem::Problem};
use crate::{
    api,
    clock::server_time,
    components::{
        Notices,
        class::{CodeForm, JoinForm},
    },
    error::BackendError,
    format::{countdown, day_and_time, machine_time},
    model::{ClassInvite, MembershipState, Notice, OwnLab, Standing, teach::ClassState},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    components::A,
    hooks::{use_params_map, use_query_map},
};

/// The field for a code; with a code, as in `/join?code=K7QM-2XRD`, the class that it leads to.
#[component]
pub fn EnterCode() -> impl IntoView {
    let query = use_query_map();
    let code = Memo::new(move |_| query.with(|query| query.get("code").unwrap_or_default()));
    view! { <Way code/> }.into_any()
}

/// The class that a code leads to.
#[component]
pub fn Join() -> impl IntoView {
    let params = use_params_map();
    let code = Memo::new(move |_| params.with(|params| params.get("code").unwrap_or_default()));
    view! { <Way code/> }.into_any()
}

#[component]
fn Way(code: Memo<String>) -> impl IntoView {
    let data = Resource::new(
        move || code.get(),
        |code| async {
            let invite = if code.is_empty() { None } else { Some(api::class_of(code).await) };
            (invite, api::take_notice().await.ok().flatten())
        },
    );
    view! {
        <Title text="Join a class · Headwater"/>
        <Transition>
            {move || Suspend::new(async move {
                match data.await {
                    (None, _) => view! { <Ask typed=String::new() fault=None/> }.into_any(),
                    (Some(Ok(invite)), notice) => view! { <Body invite notice/> }.into_any(),
                    (Some(Err(BackendError::Invalid { message, .. })), _) => {
                        view! { <Ask typed=code.get_untracked() fault=Some(message)/> }.into_any()
                    }
                    (Some(Err(BackendError::NotFound)), _) => view! { <Missing/> }.into_any(),
                    (Some(Err(error)), _) => view! { <Problem error/> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Ask(typed: String, fault: Option<String>) -> impl IntoView {
    view! {
        <main class="plain-page" id="main" tabindex="-1">
            <h1>"Join a class"</h1>
            <p class="lead">"Its instructor shows a code of eight letters and digits, or sends you a link with it."</p>
            <CodeForm label="The class's code" typed fault/>
            <p class="help">"In no class? " <A href="/">"Do the lab by yourself"</A></p>
        </main>
    }
    .into_any()
}

#[component]
fn Body(invite: ClassInvite, notice: Option<Notice>) -> impl IntoView {
    provide_context(Notices(RwSignal::new(notice)));
    let ClassInvite { class_name, owners, starts_at, ends_at, approval, .. } = invite.clone();
    let by = owners.join(", ");
    view! {
        <main class="plain-page way-in" id="main" tabindex="-1">
            <p class="step-place">"A class"</p>
            <h1>{class_name}</h1>
            <dl class="facts">
                {(!by.is_empty()).then(|| fact("Taught by", by))}
                {starts_at.map(|at| moment("Begins", at))}
                {ends_at.map(|at| moment("Ends", at))}
                {fact("Coming in", if approval { "Someone lets you in" } else { "At once" }.to_owned())}
            </dl>
            <Entrance invite/>
        </main>
    }
    .into_any()
}

fn fact(label: &'static str, value: String) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd>{value}</dd>
        </div>
    }
}

fn moment(label: &'static str, at: i64) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd><time datetime=machine_time(at)>{day_and_time(at)}</time></dd>
        </div>
    }
}

/// The form, or why there is none.
#[component]
fn Entrance(invite: ClassInvite) -> impl IntoView {
    let back = invite.own_lab.as_ref().map(|own| format!("/lab/{}", own.current_step));
    let standing = invite.own_lab.as_ref().map(|own| own.standing.clone());
    match (standing, invite.state) {
        (Some(Standing::Here(MembershipState::Active)), _) => {
            view! { <Word text="You are in this class." back/> }.into_any()
        }
        (Some(Standing::Here(MembershipState::Waiting)), _) => view! {
            <Word text="You have asked to be let in. Go on meanwhile: what you do counts once you are in." back/>
        }
        .into_any(),
        (Some(Standing::Here(MembershipState::Removed)), _) => view! {
            <Word text="You were taken out of this class. Only its instructors can let you in again." back/>
        }
        .into_any(),
        (_, ClassState::Archived) => {
            view! { <Word text="This class is in the archive: nobody comes into it any more." back/> }.into_any()
        }
        (_, ClassState::Ended) => {
            view! { <Word text="This class is over: nobody comes into it any more." back/> }.into_any()
        }
        (_, ClassState::NotBegun) => {
            let path = format!("/join/{}", invite.code);
            view! { <NotBegun starts_at=invite.starts_at.unwrap_or(invite.read_at) read_at=invite.read_at path/> }
                .into_any()
        }
        (_, ClassState::Running) if invite.labs.is_empty() => {
            view! { <Word text="This server offers none of the labs of this class. Tell its instructor." back/> }
                .into_any()
        }
        (standing, ClassState::Running) => {
            let elsewhere = match standing {
                Some(Standing::Elsewhere(class)) => Some(class),
                _ => None,
            };
            let own = invite.own_lab.clone().filter(|own| may_come(own, &invite));
            let unfit = own.is_none() && elsewhere.is_none() && invite.own_lab.is_some();
            view! {
                {elsewhere.map(|class| view! { <Elsewhere class path=back.unwrap_or_default()/> })}
                {unfit
                    .then(|| {
                        view! { <p>"The lab in this browser is of a kind that this class does not have. Join with a new one."</p> }
                    })}
                <JoinForm invite own/>
            }
            .into_any()
        }
    }
}

/// Whether the lab of this browser can be brought along.
fn may_come(own: &OwnLab, invite: &ClassInvite) -> bool {
    own.standing == Standing::Free && invite.labs.contains(&own.choice)
}

/// Why there is nothing to fill in, and the way on.
#[component]
fn Word(text: &'static str, back: Option<String>) -> impl IntoView {
    let (path, label) = match back {
        Some(path) => (path, "Go on with your lab"),
        None => ("/".to_owned(), "Do the lab by yourself"),
    };
    view! {
        <p class="lead" id="join">{text}</p>
        <p><A href=path attr:class="button">{label}</A></p>
    }
    .into_any()
}

/// The lab of this browser is in another class.
#[component]
fn Elsewhere(class: String, path: String) -> impl IntoView {
    view! {
        <div class="notice is-info">
            <div>
                <p>
                    "The lab in this browser is in the class " <strong>{class}</strong>
                    ", and a lab is in one class at a time. To bring it, "
                    <a href=format!("{path}#class") rel="external">"leave that class first"</a>
                    "; or join with a new lab."
                </p>
            </div>
        </div>
    }
    .into_any()
}

/// Counts down to the beginning.
#[component]
fn NotBegun(starts_at: i64, read_at: i64, path: String) -> impl IntoView {
    let now = server_time(Signal::stored(Some(read_at)));
    let left = move || now.get().map(|now| starts_at - now);
    let has_begun = move || left().is_some_and(|left| left <= 0);
    view! {
        <p class="lead" id="join">
            "This class has not begun. It begins " <time datetime=machine_time(starts_at)>{day_and_time(starts_at)}</time>
            {move || left().map(countdown)} "."
        </p>
        // A plain link, so that the server is asked anew.
        <p>
            <a href=path rel="external" class="button" class:is-quiet=move || !has_begun()>
                {move || if has_begun() { "Come in" } else { "Look again" }}
            </a>
        </p>
    }
    .into_any()
}
