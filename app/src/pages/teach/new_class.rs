use super::{TeachBar, loaded, waiting_notice};
use crate::{
    components::{
        Notices, outcome,
        teach::{ClassFields, ClassFormValues, FormEnd},
    },
    error::BackendError,
    model::{LabChoice, Notice, about, teach::NewClassView},
    teach_api::{self, CreateClass},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;

/// Making a class.
#[component]
pub fn NewClass() -> impl IntoView {
    let data = Resource::new(|| (), |()| load());
    view! {
        <Title text="Make a class · Headwater"/>
        {loaded(data, |(new, notice)| view! { <Body new notice/> }.into_any())}
    }
    .into_any()
}

async fn load() -> Result<(NewClassView, Option<Notice>), BackendError> {
    Ok((teach_api::new_class().await?, waiting_notice().await))
}

/// How long a class goes on unless another end is entered, in seconds: thirty days.
const USUAL_LENGTH: i64 = 30 * 24 * 60 * 60;

#[component]
fn Body(new: NewClassView, notice: Option<Notice>) -> impl IntoView {
    provide_context(Notices(RwSignal::new(notice)));
    let create = ServerAction::<CreateClass>::new();
    let notice = outcome(create, about::NEW_CLASS.to_owned());
    let values = ClassFormValues {
        name: String::new(),
        starts_at: new.read_at,
        ends_at: new.read_at + USUAL_LENGTH,
        labs: vec![LabChoice::default()],
        approval: false,
        anonymous: true,
    };
    view! {
        <TeachBar/>
        <main class="plain-page" id="main" tabindex="-1">
            <h1>"Make a class"</h1>
            <p class="lead">"It gets a code for your learners at once. What happens between its start and its end is noted."</p>
            <div class="act" id="new-class">
                <ActionForm action=create attr:class="form">
                    <ClassFields form="new" values offered=new.labs outcome=notice/>
                    <FormEnd pending=create.pending() notice button="Make the class" busy="Making it…"/>
                </ActionForm>
            </div>
        </main>
    }
    .into_any()
}
