use super::waiting_notice;
use crate::{
    components::{
        NoticeBox, Notices, outcome,
        teach::{FormEnd, PasswordInput, TextInput},
        waiting_notice as waiting,
    },
    error::BackendError,
    model::{
        Notice, about,
        teach::{EntranceView, OIDC_START_PATH},
    },
    teach_api::{self, SignIn},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::{
    components::{A, Redirect},
    hooks::use_query_map,
};

/// Signing in as an instructor.
#[component]
pub fn SignInPage() -> impl IntoView {
    let data =
        Resource::new(|| (), |()| async { (teach_api::instructor().await.ok().flatten(), waiting_notice().await) });
    view! {
        <Title text="Sign in · Headwater"/>
        <Transition>
            {move || Suspend::new(async move {
                let (instructor, notice) = data.await;
                if instructor.is_some() {
                    return view! { <Redirect path="/teach"/> }.into_any();
                }
                view! { <Body notice/> }.into_any()
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Body(notice: Option<Notice>) -> impl IntoView {
    provide_context(Notices(RwSignal::new(notice)));
    let asked = use_query_map().with_untracked(|query| query.get("back"));
    let back = asked.filter(|back| back.starts_with("/teach/")).unwrap_or_else(|| "/teach".to_owned());
    view! {
        <main class="plain-page" id="main" tabindex="-1">
            <h1>"Sign in to teach"</h1>
            <p class="lead">"For instructors. Learners need no account: they join with the code of their class."</p>
            <SignInForms back/>
        </main>
    }
    .into_any()
}

/// The ways in that there are here.
#[component]
pub fn SignInForms(
    /// Where to go then.
    back: String,
) -> impl IntoView {
    let entrance = Resource::new(|| (), |()| teach_api::entrance());
    let notices = use_context::<Notices>();
    view! {
        <Transition>
            {
                let back = back.clone();
                move || {
                    let back = back.clone();
                    Suspend::new(async move {
                        // Forms made later find the notice that waited for this page.
                        if let Some(notices) = notices {
                            provide_context(notices);
                        }
                        ways(entrance.await, back)
                    })
                }
            }
        </Transition>
    }
    .into_any()
}

fn ways(entrance: Result<EntranceView, BackendError>, back: String) -> AnyView {
    match entrance {
        Ok(EntranceView { needs_set_up: true, .. }) => view! {
            <div class="entrance">
                <p>"There is no account here yet. The first one is made with the code that the server printed in its terminal."</p>
                <p><A href="/teach/setup" attr:class="button">"Make the first account"</A></p>
            </div>
        }
        .into_any(),
        Ok(EntranceView { provider, .. }) => view! {
            <div class="entrance">
                {provider.map(|provider| by_provider(&provider, &back))}
                <ByPassword back/>
            </div>
        }
        .into_any(),
        Err(error) => view! { <p class="field-error">{error.to_string()}</p> }.into_any(),
    }
}

/// The way by the OpenID Connect provider. The server answers it, not the router.
pub fn by_provider(provider: &str, back: &str) -> impl IntoView + use<> {
    let words = format!("Sign in with {provider}");
    let notice = Signal::stored(waiting(about::PROVIDER));
    view! {
        <NoticeBox notice/>
        <p class="by-provider">
            <a class="button is-large" rel="external" href=format!("{OIDC_START_PATH}?back={back}")>{words}</a>
        </p>
        <p class="entrance-or">"or with a password"</p>
    }
}

#[component]
fn ByPassword(back: String) -> impl IntoView {
    let sign_in = ServerAction::<SignIn>::new();
    let notice = outcome(sign_in, about::SIGN_IN.to_owned());
    #[cfg(feature = "hydrate")]
    load_when_signed_in(sign_in, back.clone());
    view! {
        <div class="act" id="sign-in">
            <ActionForm action=sign_in attr:class="form">
                <input type="hidden" name="back" value=back/>
                <TextInput form="sign-in" name="login" label="E-mail address or login" outcome=notice/>
                <PasswordInput form="sign-in" name="password" label="Password" outcome=notice/>
                <FormEnd pending=sign_in.pending() notice button="Sign in" busy="Signing in…"/>
            </ActionForm>
        </div>
    }
    .into_any()
}

/// Loads the page that follows as a whole: it may be the very address at which somebody has signed in, and what it holds was
/// loaded for nobody.
#[cfg(feature = "hydrate")]
fn load_when_signed_in(sign_in: ServerAction<SignIn>, back: String) {
    Effect::new(move |_| {
        if sign_in.value().with(|done| matches!(done, Some(Ok(_)))) {
            let location = window().location();
            let here = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
            // A failure leaves the page as it is; loading it by hand shows that somebody is signed in.
            let _ = if here == back { location.reload() } else { location.set_href(&back) };
        }
    });
}
