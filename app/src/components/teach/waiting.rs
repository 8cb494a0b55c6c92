//! Who asks to be let in.

use super::{ActForm, ClassDesk, KeepFocus};
use crate::components::NoticeBox;
use crate::{
    format::{counted, machine_time, short_clock},
    model::teach::{Act, WaitingView},
};
use leptos::prelude::*;

/// So many are listed; the rest is let in or refused all at once.
const LISTED: usize = 50;

#[component]
pub fn WaitingRoom(waiting: RwSignal<Vec<WaitingView>>, may_help: bool) -> impl IntoView {
    let desk = expect_context::<ClassDesk>();
    let count = Memo::new(move |_| waiting.with(Vec::len));
    // The rows vanish by what is done with them, so that the outcome stands here.
    let notice = Memo::new(move |_| {
        desk.latest.with(|latest| latest.clone().filter(|notice| notice.about.starts_with("waiting-")))
    });
    let keep = KeepFocus::new(move || waiting.track());
    view! {
        <section
            class="waiting"
            aria-labelledby="waiting-title"
            on:focusin=move |_| keep.entered()
            on:focusout=move |event| keep.left(&event)
            hidden=move || count.get() == 0 && notice.with(Option::is_none)
        >
            <div class="waiting-head">
                <h2 id="waiting-title" tabindex="-1" node_ref=keep.heading>
                    {move || format!("{} to be let in", counted(count.get() as u64, "learner asks", "learners ask"))}
                </h2>
                {may_help
                    .then(|| {
                        view! {
                            <div class="waiting-all" hidden=move || count.get() < 2>
                                <ActForm act=Act::AdmitAll id="waiting-all" button="Let all in" is_silent=true class="inline-form"/>
                                <ActForm act=Act::RefuseAll id="waiting-none" button="Refuse all" is_quiet=true is_silent=true class="inline-form"/>
                            </div>
                        }
                    })}
            </div>
            <NoticeBox notice/>
            <ul class="waiting-list">
                <For
                    each=move || waiting.with(|waiting| waiting.iter().take(LISTED).cloned().collect::<Vec<_>>())
                    key=|learner| learner.learner.clone()
                    let(learner)
                >
                    <Waiting learner may_help/>
                </For>
            </ul>
            <p class="help" hidden=move || count.get() <= LISTED>
                {move || format!("And {} more.", count.get().saturating_sub(LISTED))}
            </p>
        </section>
    }
    .into_any()
}

#[component]
fn Waiting(learner: WaitingView, may_help: bool) -> impl IntoView {
    let name = learner.shown_name();
    let WaitingView { learner, since, .. } = learner;
    let hidden = vec![("learner", learner.clone())];
    view! {
        <li>
            <span class="waiting-name">{name.clone()}</span>
            <span class="help">"since " <time datetime=machine_time(since)>{short_clock(since)}</time> " UTC"</span>
            {may_help
                .then(|| {
                    view! {
                        <span class="waiting-answers">
                            <ActForm act=Act::Admit id=format!("waiting-in-{learner}") hidden=hidden.clone() button="Let in" label=format!("Let {name} in") is_silent=true class="inline-form"/>
                            <ActForm act=Act::Refuse id=format!("waiting-out-{learner}") hidden button="Refuse" label=format!("Refuse {name}") is_quiet=true is_silent=true class="inline-form"/>
                        </span>
                    }
                })}
        </li>
    }
    .into_any()
}
