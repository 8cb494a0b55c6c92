use super::waiting_notice;
use crate::{
    components::{
        Notices, outcome,
        teach::{FormEnd, PasswordInput, TextInput},
    },
    model::{Notice, about},
    teach_api::{self, SetUp as MakeFirst},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::components::Redirect;

/// The first account, by the code from the server's terminal.
#[component]
pub fn SetUp() -> impl IntoView {
    let data = Resource::new(|| (), |()| async { (teach_api::entrance().await.ok(), waiting_notice().await) });
    view! {
        <Title text="Set up · Headwater"/>
        <Transition>
            {move || Suspend::new(async move {
                let (entrance, notice) = data.await;
                if entrance.is_some_and(|entrance| !entrance.needs_set_up) {
                    return view! { <Redirect path="/teach/login"/> }.into_any();
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
    let make = ServerAction::<MakeFirst>::new();
    let notice = outcome(make, about::SET_UP.to_owned());
    view! {
        <main class="plain-page" id="main" tabindex="-1">
            <h1>"The first instructor"</h1>
            <p class="lead">"This server has no account yet. Yours may make classes and invite others."</p>
            <div class="act" id="set-up">
                <ActionForm action=make attr:class="form">
                    <TextInput form="set-up" name="code" label="Set-up code" help="The server printed it in its terminal when it started." max_length=64 outcome=notice/>
                    <TextInput form="set-up" name="login" label="E-mail address or login" outcome=notice/>
                    <TextInput form="set-up" name="name" label="Your name" help="Learners see it with your hints." max_length=80 outcome=notice/>
                    <PasswordInput form="set-up" name="password" label="Password" help="10 characters at least." is_new=true outcome=notice/>
                    <FormEnd pending=make.pending() notice button="Make the account" busy="Making it…"/>
                </ActionForm>
            </div>
        </main>
    }
    .into_any()
}
