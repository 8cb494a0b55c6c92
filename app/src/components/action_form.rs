//! The form of one action of a step.

use super::{FieldInput, NoticeBox, outcome};
use crate::{
    api::Perform,
    model::{ActionView, about},
};
use leptos::{form::ActionForm, prelude::*};

/// Does something in the learner's account, by the page.
#[component]
pub fn ActionPanel(
    slug: String,
    action: ActionView,
    /// Counted from 1, when the step has several.
    number: Option<u32>,
    /// Called after the action went well.
    on_done: Callback<()>,
) -> impl IntoView {
    let ActionView { name, title, help_html, button, destructive, fields } = action;
    let perform = ServerAction::<Perform>::new();
    let notice = outcome(perform, about::action(&name));
    Effect::new(move |_| {
        if perform.value().with(|value| matches!(value, Some(Ok(_)))) {
            on_done.run(());
        }
    });
    let form = format!("action-{name}");
    let heading = format!("{form}-title");
    let inputs =
        fields.into_iter().map(|field| view! { <FieldInput field form=form.clone() outcome=notice/> }).collect_view();
    view! {
        <section class="action" id=form.clone() aria-labelledby=heading.clone()>
            <h3 id=heading.clone()>
                {number.map(|number| view! { <span class="action-number" aria-hidden="true">{number}</span> })}
                {title}
            </h3>
            {(!help_html.is_empty()).then(|| view! { <p class="action-help" inner_html=help_html></p> })}
            <ActionForm action=perform attr:class="form">
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="action" value=name/>
                {inputs}
                <div class="form-end">
                    <button
                        type="submit"
                        class="button"
                        class:is-danger=destructive
                        aria-busy=move || perform.pending().get().then_some("true")
                        disabled=move || perform.pending().get()
                    >
                        {button}
                    </button>
                </div>
            </ActionForm>
            <NoticeBox notice/>
        </section>
    }
    .into_any()
}
