use super::{problem::TeachProblem, sign_in::by_provider, waiting_notice};
use crate::{
    components::{
        Notices, outcome,
        teach::{FormEnd, PasswordInput, TextInput, role_word},
    },
    format::{day_and_time, machine_time},
    model::{Notice, about, teach::InvitationView},
    teach_api::{self, AcceptInvitation},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

/// An invitation to the staff of a class.
#[component]
pub fn Invitation() -> impl IntoView {
    let params = use_params_map();
    let code = Memo::new(move |_| params.with(|params| params.get("code").unwrap_or_default()));
    let data =
        Resource::new(move || code.get(), |code| async { (teach_api::invitation(code).await, waiting_notice().await) });
    view! {
        <Title text="Invitation · Headwater"/>
        <Transition>
            {move || Suspend::new(async move {
                match data.await {
                    (Ok(invitation), notice) => {
                        view! { <Body code=code.get_untracked() invitation notice/> }.into_any()
                    }
                    (Err(error), _) => view! { <TeachProblem error/> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Body(code: String, invitation: InvitationView, notice: Option<Notice>) -> impl IntoView {
    provide_context(Notices(RwSignal::new(notice)));
    let accept = ServerAction::<AcceptInvitation>::new();
    let notice = outcome(accept, about::INVITATION.to_owned());
    let InvitationView { class_name, role, invited_by, expires_at, signed_in, provider } = invitation;
    let path = format!("/teach/invitation/{code}");
    let is_known = signed_in.is_some();
    let form = match signed_in {
        Some(instructor) => view! {
            <p>{format!("You are signed in as {} ({}).", instructor.name, instructor.login)}</p>
            <ActionForm action=accept attr:class="form">
                <input type="hidden" name="code" value=code/>
                <FormEnd pending=accept.pending() notice button="Accept" busy="Accepting…"/>
            </ActionForm>
        }
        .into_any(),
        None => view! {
            <ActionForm action=accept attr:class="form">
                <input type="hidden" name="code" value=code/>
                <TextInput form="accept" name="login" label="E-mail address or login" outcome=notice/>
                <TextInput form="accept" name="name" label="Your name" help="Learners see it with your hints." max_length=80 outcome=notice/>
                <PasswordInput form="accept" name="password" label="Password" help="10 characters at least." is_new=true outcome=notice/>
                <FormEnd pending=accept.pending() notice button="Make an account and accept" busy="Making it…"/>
            </ActionForm>
            <p class="help"><a href=format!("/teach/login?back={path}") rel="external">"I have an account: sign in first"</a></p>
        }
        .into_any(),
    };
    view! {
        <main class="plain-page" id="main" tabindex="-1">
            <h1>{class_name}</h1>
            <p class="lead">{format!("{invited_by} invites you to this class as its {}.", role_word(role).to_lowercase())}</p>
            <p class="help">"The invitation holds until " <time datetime=machine_time(expires_at)>{day_and_time(expires_at)}</time></p>
            {provider.filter(|_| !is_known).map(|provider| by_provider(&provider, &path))}
            <div class="act" id="accept">{form}</div>
        </main>
    }
    .into_any()
}
