//! Hints, one tier after the other, on request.

use super::{NoticeBox, Prose, outcome};
use crate::{
    api::RevealHint,
    format::counted,
    live::Live,
    model::{HintView, about},
};
use leptos::{form::ActionForm, prelude::*};

#[component]
pub fn Hints(live: Live, slug: String, on_done: Callback<()>) -> impl IntoView {
    let reveal = ServerAction::<RevealHint>::new();
    let notice = outcome(reveal, about::HINTS.to_owned());
    let hints = Memo::new(move |_| live.step.with(|step| step.hints.clone()));
    Effect::new(move |_| {
        if reveal.value().with(|value| matches!(value, Some(Ok(_)))) {
            on_done.run(());
        }
    });
    view! {
        <section class="hints" id="hints" aria-labelledby="hints-title" hidden=move || hints.with(|hints| hints.revealed.is_empty() && hints.remaining == 0)>
            <h2 id="hints-title">"Stuck?"</h2>
            <ol class="hint-list" aria-live="polite">
                <For each=move || hints.get().revealed.into_iter().enumerate() key=|(index, _)| *index let((_, hint))>
                    <HintItem hint/>
                </For>
            </ol>
            <div hidden=move || hints.with(|hints| hints.remaining == 0)>
                <ActionForm action=reveal>
                    <input type="hidden" name="slug" value=slug/>
                    <button type="submit" class="button is-quiet" disabled=move || reveal.pending().get()>
                        {move || if hints.with(|hints| hints.revealed.is_empty()) { "Show a hint" } else { "Show the next hint" }}
                    </button>
                    <span class="help">
                        {move || {
                            let left = u64::from(hints.with(|hints| hints.remaining));
                            format!(" {} left, from a nudge to nearly the answer", counted(left, "hint", "hints"))
                        }}
                    </span>
                </ActionForm>
            </div>
            <NoticeBox notice/>
        </section>
    }
    .into_any()
}

#[component]
fn HintItem(hint: HintView) -> impl IntoView {
    view! {
        <li class="hint">
            <h3>{hint.title}</h3>
            <Prose html=hint.html/>
        </li>
    }
    .into_any()
}
