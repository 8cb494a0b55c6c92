//! How a step is done: in the page or with the AWS CLI.

use super::Prose;
use crate::{
    api::ChooseDialect,
    preferences::{Dialect, Preferences},
};
use leptos::{form::ActionForm, prelude::*};

/// The instructions in the learner's dialect; the forms belong to that of the page.
#[component]
pub fn Instructions(
    #[prop(into)] page_html: Signal<String>,
    #[prop(into)] cli_html: Signal<String>,
    /// There is nothing to do in the page.
    only_cli: bool,
    children: Children,
) -> impl IntoView {
    if only_cli {
        return view! {
            <section class="instructions" id="instructions" aria-labelledby="instructions-title">
                <div class="instructions-head">
                    <h2 id="instructions-title">"Do it with the AWS CLI"</h2>
                </div>
                <div class="dialect" id="in-cli">
                    <p class="only-cli">
                        "In your own account this page makes and deletes nothing, so it has no forms for that: you do it, with your own credentials in your own terminal."
                    </p>
                    <Prose html=cli_html/>
                    {children()}
                </div>
            </section>
        }
        .into_any();
    }
    let choose = ServerAction::<ChooseDialect>::new();
    let preferences = expect_context::<RwSignal<Preferences>>();
    let dialect = move || preferences.with(|preferences| preferences.dialect);
    let tabs = [(Dialect::Page, "In this page"), (Dialect::Cli, "With the AWS CLI")]
        .map(|(choice, label)| {
            view! {
                <button
                    type="submit"
                    name="dialect"
                    value=choice.as_str()
                    aria-pressed=move || if dialect() == choice { "true" } else { "false" }
                    on:click=move |_| preferences.update(|preferences| preferences.dialect = choice)
                >
                    {label}
                </button>
            }
        })
        .collect_view();
    view! {
        <section class="instructions" id="instructions" aria-labelledby="instructions-title">
            <div class="instructions-head">
                <h2 id="instructions-title">"Do it"</h2>
                <ActionForm action=choose attr:class="dialects">
                    <fieldset>
                        <legend class="visually-hidden">"How do you want to do it?"</legend>
                        {tabs}
                    </fieldset>
                </ActionForm>
            </div>
            <div class="dialect" id="in-page" hidden=move || dialect() != Dialect::Page>
                <Prose html=page_html/>
                {children()}
            </div>
            <div class="dialect" id="in-cli" hidden=move || dialect() != Dialect::Cli>
                <Prose html=cli_html/>
            </div>
        </section>
    }
    .into_any()
}
