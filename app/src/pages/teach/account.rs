use super::{TeachBar, problem::TeachProblem, waiting_notice};
use crate::{
    components::{
        Notices, outcome,
        teach::{FormEnd, PasswordInput, TextInput},
    },
    error::BackendError,
    model::{Notice, about, teach::InstructorView},
    teach_api::{self, ChangePassword, RenameInstructor},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;

/// The instructor's own account.
#[component]
pub fn TeachAccount() -> impl IntoView {
    let data = Resource::new(|| (), |()| load());
    view! {
        <Title text="Your account · Headwater"/>
        <Transition>
            {move || Suspend::new(async move {
                match data.await {
                    Ok((instructor, notice)) => view! { <Body instructor notice/> }.into_any(),
                    Err(error) => view! { <TeachProblem error/> }.into_any(),
                }
            })}
        </Transition>
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
    let InstructorView { login, name, has_password, .. } = instructor;
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
                            <PasswordInput form="password" name="current" label="The password of now" outcome=changed/>
                            <PasswordInput form="password" name="password" label="The new password" help="12 characters at least." is_new=true outcome=changed/>
                            <FormEnd pending=change.pending() notice=changed button="Change the password" busy="Changing…"/>
                        </ActionForm>
                    }
                        .into_any()
                } else {
                    view! { <p>"This account has no password here: it signs in by the provider."</p> }.into_any()
                }}
            </section>
        </main>
    }
    .into_any()
}
