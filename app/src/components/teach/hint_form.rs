//! A hint to one learner, or to all of a cluster: in the instructor's own words, or begun from one of the lab's.

use super::{ActForm, ClassDesk};
use crate::{
    components::Hydrated,
    model::teach::{Act, SuggestionView},
};
use leptos::{html::Textarea, prelude::*};

#[component]
pub fn HintForm(
    /// Makes the ids unique on the page.
    #[prop(into)]
    id: String,
    /// The field that says to whom: `learner` or `cluster`, with its value.
    to: (&'static str, String),
    /// To whom, in words: `Ada Park`, `all 11`.
    #[prop(into)]
    whom: String,
    suggestions: Vec<SuggestionView>,
) -> impl IntoView {
    let desk = expect_context::<ClassDesk>();
    let outcome = desk.outcome(id.clone());
    let kept = outcome
        .with_untracked(|notice| notice.as_ref().and_then(|notice| notice.kept.get("text").cloned()))
        .unwrap_or_default();
    let text = NodeRef::<Textarea>::new();
    let field = format!("{id}-text");
    let works = use_context::<Hydrated>().map(|Hydrated(hydrated)| hydrated);
    let at_fault = move || {
        outcome
            .with(|notice| notice.as_ref().is_some_and(|notice| notice.field.as_deref() == Some("text")))
            .then_some("true")
    };
    let has_suggestions = !suggestions.is_empty();
    let suggestions = suggestions
        .into_iter()
        .map(|SuggestionView { title, text: words }| {
            let inserted = words.clone();
            view! {
                <li>
                    <p class="suggestion-title">{title}</p>
                    <p>{words}</p>
                    <button
                        type="button"
                        class="link-button"
                        hidden=move || !works.is_some_and(|works| works.get())
                        on:click=move |_| {
                            if let Some(text) = text.get_untracked() {
                                text.set_value(&inserted);
                                let _ = text.focus();
                            }
                        }
                    >
                        "Use this"
                    </button>
                </li>
            }
        })
        .collect_view();
    view! {
        <ActForm act=Act::SendHint id=id hidden=vec![to] button="Send the hint" label=format!("Send the hint to {whom}")>
            {has_suggestions
                .then(|| {
                    view! {
                        <details class="suggestions">
                            <summary>"What the lab would say"</summary>
                            <ul>{suggestions}</ul>
                        </details>
                    }
                })}
            <div class="field">
                <label for=field.clone()>{format!("Hint for {whom}")}</label>
                <textarea
                    id=field
                    name="fields[text]"
                    class="words"
                    rows="3"
                    maxlength="2000"
                    required=true
                    data-clears=""
                    aria-invalid=at_fault
                    node_ref=text
                >
                    {kept}
                </textarea>
                <p class="help">"It appears on the learner's page at once, with your name."</p>
            </div>
        </ActForm>
    }
    .into_any()
}
