//! The learner's own names for what they create.

use super::{FieldInput, NoticeBox, outcome};
use crate::{
    api::SaveNames,
    model::{FieldView, about},
};
use leptos::{form::ActionForm, prelude::*};

#[component]
pub fn Names(names: Vec<FieldView>, on_done: Callback<()>) -> impl IntoView {
    let save = ServerAction::<SaveNames>::new();
    let notice = outcome(save, about::NAMES.to_owned());
    Effect::new(move |_| {
        if save.value().with(|value| matches!(value, Some(Ok(_)))) {
            on_done.run(());
        }
    });
    let fields = names
        .into_iter()
        .map(|field| view! { <FieldInput field form="names".to_owned() outcome=notice/> })
        .collect_view();
    view! {
        <section class="names" id="names" aria-labelledby="names-title">
            <h2 id="names-title">"Your names"</h2>
            <p>"Every step, command and check uses these. The defaults are fine; change them before you create anything."</p>
            <details class="names-fold">
                <summary>"Choose your own names"</summary>
                <ActionForm action=save attr:class="form names-form">
                    {fields}
                    <div class="form-end">
                        <button type="submit" class="button" disabled=move || save.pending().get()>
                            "Save the names"
                        </button>
                    </div>
                </ActionForm>
            </details>
            <NoticeBox notice/>
        </section>
    }
    .into_any()
}
