use super::{TeachBar, loaded, waiting_notice};
use crate::{
    components::{
        NoticeBox, Notices, outcome,
        teach::{FormEnd, PasswordInput, TextInput},
    },
    error::BackendError,
    model::{
        Notice, about,
        teach::{InstructorView, OIDC_START_PATH, ProviderView},
    },
    teach_api::{self, ChangePassword, DisconnectProvider, RenameInstructor},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;

/// The instructor's own account.
#[component]
pub fn TeachAccount() -> impl IntoView {
    let data = Resource::new(|| (), |()| load());
    view! {
        <Title text="Your account · Headwater"/>
        {loaded(data, |(instructor, notice)| view! { <Body instructor notice/> }.into_any())}
    }
    .into_any()
}

async fn load() -> Result<(InstructorView, Option<Notice>), BackendError> {
    let instructor = teach_api::instructor().await?.ok_or(BackendError::NotSignedIn)?;
    Ok((instructor, waiting_notice().await))
}

#[component]
fn Body(instructor: InstructorView, notice: Option<Notice>) -> impl IntoView {
    provide_context(Notices(RwSignal::new(notice)));
    let rename = ServerAction::<RenameInstructor>::new();
    let change = ServerAction::<ChangePassword>::new();
    let renamed = outcome(rename, about::INSTRUCTOR_NAME.to_owned());
    let changed = outcome(change, about::PASSWORD.to_owned());
    let InstructorView { login, name, has_password, provider, .. } = instructor;
    view! {
        <TeachBar/>
        <main class="plain-page" id="main" tabindex="-1">
            <h1>"Your account"</h1>
            <p class="lead">{format!("You sign in as {login}.")}</p>
            <section class="act" id="name" aria-labelledby="name-title">
                <h2 id="name-title">"Name"</h2>
                <ActionForm action=rename attr:class="form">
                    <TextInput form="name" name="name" label="Your name" help="Learners see it with your hints." value=name max_length=80 outcome=renamed/>
                    <FormEnd pending=rename.pending() notice=renamed button="Save the name" busy="Saving…"/>
                </ActionForm>
            </section>
            <section class="act" id="password" aria-labelledby="password-title">
                <h2 id="password-title">"Password"</h2>
                <p class="help">"A new password signs you out in every other browser."</p>
                {if has_password {
                    view! {
                        <ActionForm action=change attr:class="form">
                            <PasswordInput form="password" name="current" label="The current password" outcome=changed/>
                            <PasswordInput form="password" name="password" label="The new password" help="10 characters at least." is_new=true outcome=changed/>
                            <FormEnd pending=change.pending() notice=changed button="Change the password" busy="Changing…"/>
                        </ActionForm>
                    }
                        .into_any()
                } else {
                    view! { <p>"This account has no password here: it signs in by the provider."</p> }.into_any()
                }}
            </section>
            {provider.map(|provider| view! { <ByProvider provider has_password/> })}
        </main>
    }
    .into_any()
}

/// Signing in by the OpenID Connect provider, which an account with a password may do, too.
#[component]
fn ByProvider(provider: ProviderView, has_password: bool) -> impl IntoView {
    let disconnect = ServerAction::<DisconnectProvider>::new();
    let notice = outcome(disconnect, about::PROVIDER.to_owned());
    let ProviderView { name, is_connected } = provider;
    let is_gone = move || disconnect.value().with(|done| matches!(done, Some(Ok(_))));
    let way = move || {
        match (is_connected && !is_gone(), has_password) {
        (false, _) => view! {
            <p>{format!("Connect your account with {name} to sign in there as well.")}</p>
            <p>
                <a class="button" rel="external" href=format!("{OIDC_START_PATH}?connect=true")>{format!("Connect with {name}")}</a>
            </p>
            <NoticeBox notice/>
        }
        .into_any(),
        (true, true) => view! {
            <p>{format!("You can sign in by {name} as well.")}</p>
            <ActionForm action=disconnect attr:class="form">
                <FormEnd pending=disconnect.pending() notice button="Disconnect" busy="Disconnecting…"/>
            </ActionForm>
        }
        .into_any(),
        (true, false) => view! { <p>{format!("You sign in by {name}.")}</p> }.into_any(),
    }
    };
    view! {
        <section class="act" id="provider" aria-labelledby="provider-title">
            <h2 id="provider-title">"Another way in"</h2>
            {way}
        </section>
    }
    .into_any()
}
