//! Putting the class away, or deleting it.

use crate::{
    components::{
        FieldInput,
        teach::{ActForm, ClassDesk},
    },
    model::{
        FieldInput as Input, FieldView,
        teach::{Act, ClassState},
    },
};
use leptos::prelude::*;

#[component]
pub fn Ending(name: String, state: ClassState) -> impl IntoView {
    let desk = expect_context::<ClassDesk>();
    let outcome = desk.outcome("settings-delete".to_owned());
    let typed = FieldView {
        name: "typed".to_owned(),
        label: "The name of the class".to_owned(),
        help_html: String::new(),
        value: String::new(),
        required: true,
        input: Input::Text { max_length: 120 },
    };
    let archive = if state == ClassState::Archived {
        view! {
            <p>"The class is archived: nothing in it changes any more, and its results stay."</p>
            <ActForm act=Act::Restore id="settings-restore" button="Take it out of the archive" is_quiet=true class="inline-form"/>
        }
        .into_any()
    } else {
        view! {
            <p>"An archived class takes in nobody and changes no more. Its results stay, and it can be taken out of the archive."</p>
            <ActForm act=Act::Archive id="settings-archive" button="Archive the class" is_quiet=true class="inline-form"/>
        }
        .into_any()
    };
    view! {
        <section class="setting" id="ending" aria-labelledby="ending-title">
            <h2 id="ending-title">"Archive, delete"</h2>
            {archive}
            <h3>"Delete the class"</h3>
            <p>
                "The class goes with its results, its log and the list of its learners. Their labs stay theirs. This cannot be undone; download the results first. To delete it, type its name: "
                <strong>{name}</strong>
            </p>
            <ActForm act=Act::Delete id="settings-delete" button="Delete the class" is_danger=true>
                <FieldInput field=typed form="delete".to_owned() outcome/>
            </ActForm>
        </section>
    }
    .into_any()
}
