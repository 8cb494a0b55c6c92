//! Hints from instructors at the top of a step's page.

use crate::{
    api::{self, PutAwayHint},
    components::NoticeBox,
    format::{machine_time, short_clock},
    model::{ClassHintView, Fields, MembershipView, Notice, about},
};
use leptos::{form::ActionForm, prelude::*, task::spawn_local};
use leptos_router::components::A;

/// Those that the learner has not put away. One that comes while the page is open lies over it, so that nothing moves.
#[component]
pub fn ClassHints(
    class: RwSignal<Option<MembershipView>>,
    /// The slug of the step.
    page: String,
) -> impl IntoView {
    let put_away = ServerAction::<PutAwayHint>::new();
    let failure = Signal::derive(move || {
        let error = put_away.value().get()?.err()?;
        Some(Notice::failure(about::CLASS, &error, Fields::new()))
    });
    Effect::new(move |_| {
        if put_away.value().with(|value| matches!(value, Some(Ok(_)))) {
            spawn_local(read_again(class));
        }
    });
    let unseen = move || -> Vec<ClassHintView> {
        class.with(|class| class.iter().flat_map(MembershipView::unseen).cloned().collect())
    };
    let first: Vec<String> = untrack(unseen).into_iter().map(|hint| hint.id).collect();
    let first = StoredValue::new(first);
    let was_here = move |hint: &ClassHintView| first.with_value(|first| first.contains(&hint.id));
    let here = move || unseen().into_iter().filter(was_here).collect::<Vec<_>>();
    let fresh = move || unseen().into_iter().filter(|hint| !was_here(hint)).collect::<Vec<_>>();
    let page = StoredValue::new(page);
    view! {
        <div class="sent-hints">
            <For each=here key=|hint| hint.id.clone() let(hint)>
                <HintCard hint put_away page/>
            </For>
        </div>
        <div class="sent-hints is-fresh" role="log" aria-label="New hints from your instructors">
            <For each=fresh key=|hint| hint.id.clone() let(hint)>
                <HintCard hint put_away page/>
            </For>
        </div>
        <NoticeBox notice=failure/>
    }
    .into_any()
}

#[component]
fn HintCard(hint: ClassHintView, put_away: ServerAction<PutAwayHint>, page: StoredValue<String>) -> impl IntoView {
    let (id, posted) = (hint.id.clone(), hint.id.clone());
    let label = format!("Put away the hint from {}", hint.sent_by);
    view! {
        <article class="sent-hint" data-hint=id>
            <HintText hint/>
            <ActionForm action=put_away>
                <input type="hidden" name="hint" value=posted/>
                <input type="hidden" name="page" value=page.get_value()/>
                <button type="submit" class="button is-quiet" aria-label=label disabled=move || put_away.pending().get()>
                    "Put away"
                </button>
            </ActionForm>
        </article>
    }
    .into_any()
}

/// Who sent it, when, about which step, and what it says: never as HTML.
#[component]
pub fn HintText(hint: ClassHintView) -> impl IntoView {
    let ClassHintView { step, words, sent_by, sent_at, .. } = hint;
    view! {
        <p class="sent-hint-from">
            "Hint from " <strong>{sent_by}</strong> ", "
            <time datetime=machine_time(sent_at)>{format!("{} UTC", short_clock(sent_at))}</time>
            {step
                .map(|step| {
                    view! {
                        ", about "
                        <A href=format!("/lab/{}", step.slug)>{format!("step {}: {}", step.number, step.title)}</A>
                    }
                })}
        </p>
        <p class="sent-hint-words">{words}</p>
    }
    .into_any()
}

/// The place in the class as it is now. What cannot be read stays as it is.
pub async fn read_again(class: RwSignal<Option<MembershipView>>) {
    if let Ok(now) = api::membership().await {
        class.try_set(now);
    }
}
