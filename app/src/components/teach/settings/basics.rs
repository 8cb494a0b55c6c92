//! Name, time, labs, who comes in, and the join code.

use crate::{
    components::{
        copy_button,
        teach::{ActForm, ClassDesk, ClassFields, ClassFormValues, Confirmed},
    },
    model::{
        LabChoice,
        teach::{Act, ClassView},
    },
};
use leptos::prelude::*;

#[component]
pub fn Basics(class: ClassView, labs: Vec<LabChoice>, offered: Vec<LabChoice>, anonymous: bool) -> impl IntoView {
    let desk = expect_context::<ClassDesk>();
    let outcome = desk.outcome("settings-save".to_owned());
    let ClassView { name, starts_at, ends_at, join_code, join_link, approval, .. } = class;
    let values = ClassFormValues { name, starts_at, ends_at, labs, approval, anonymous };
    view! {
        <section class="setting" id="basics" aria-labelledby="basics-title">
            <h2 id="basics-title">"The class"</h2>
            <ActForm act=Act::Save id="settings-save" button="Save the class">
                <ClassFields form="settings" values offered outcome/>
            </ActForm>
            <h3>"Join code"</h3>
            <p class="setting-code"><code>{join_code}</code> {copy_button(join_link, "the link to join")}</p>
            <Confirmed summary="Make a new code…" question="The code and the link of now stop working. Learners who are in the class stay in it.".to_owned()>
                <ActForm act=Act::NewJoinCode id="settings-join-code" button="Make a new code"/>
            </Confirmed>
        </section>
    }
    .into_any()
}
