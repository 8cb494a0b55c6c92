//! An entry of the help queue.

use super::{ActForm, ClassDesk, HintForm, words::short_length};
use crate::{
    components::{Icon, icon},
    format::{machine_time, short_clock},
    model::teach::{Act, HelpItemView, HelpState, HelpSubject},
};
use leptos::prelude::*;
use leptos_router::components::A;

/// Someone who needs help.
#[component]
pub fn HelpItem(item: HelpItemView, now: Signal<i64>, may_help: bool) -> impl IntoView {
    let class = expect_context::<ClassDesk>().class.get_value();
    let id = item_id(&item);
    let name = item.learner.shown_name();
    let HelpItemView { learner, subject, step_number, step_title, reason, since, state, hinted_at, suggestions } = item;
    let is_hand = subject == HelpSubject::Hand;
    let waited = move || short_length(u64::try_from(now.get() - since).unwrap_or_default());
    let resolve = vec![("learner", learner.id.clone()), ("subject", subject.to_text())];
    let resolve_button = if is_hand { "Lower the hand" } else { "Dealt with" };
    let resolve_label = if is_hand { format!("Lower the hand of {name}") } else { format!("Dealt with: {name}") };
    let whom = name.clone();
    view! {
        <li class="help-item" class:is-hand=is_hand>
            <span class="help-sign">{icon(if is_hand { Icon::Hand } else { Icon::Hourglass })}</span>
            <div class="help-text">
                <p class="help-name">
                    <A href=format!("/teach/classes/{class}/learners/{}", learner.id)>{name}</A>
                    <span class="help-kind">{if is_hand { "Hand up" } else { "Stuck" }}</span>
                    <span class="help-since">{waited}</span>
                </p>
                <p class="help-reason">
                    {format!("Step {step_number}, {step_title}")}
                    {(!reason.is_empty()).then(|| format!(": {reason}"))}
                </p>
                {match state {
                    HelpState::Reopened { by, at } => {
                        Some(view! { <p class="help-note">{format!("Opened again by {by} at {} UTC", short_clock(at))}</p> })
                    }
                    HelpState::Open | HelpState::Resolved { .. } => None,
                }}
                {hinted_at
                    .map(|at| {
                        view! {
                            <p class="help-note">
                                "A hint went there at " <time datetime=machine_time(at)>{short_clock(at)}</time> " UTC"
                            </p>
                        }
                    })}
                {may_help
                    .then(|| {
                        view! {
                            <div class="help-answers">
                                <ActForm act=Act::Resolve id=format!("resolve-{id}") hidden=resolve button=resolve_button label=resolve_label is_quiet=true class="inline-form"/>
                                <details class="help-hint">
                                    <summary>"Send a hint"</summary>
                                    <HintForm id=format!("hint-{id}") to=("learner", learner.id.clone()) whom suggestions/>
                                </details>
                            </div>
                        }
                    })}
            </div>
        </li>
    }
    .into_any()
}

/// Something that was dealt with.
#[component]
pub fn ResolvedItem(item: HelpItemView, may_help: bool) -> impl IntoView {
    let class = expect_context::<ClassDesk>().class.get_value();
    let id = item_id(&item);
    let name = item.learner.shown_name();
    let HelpItemView { learner, subject, step_number, step_title, state, .. } = item;
    let reopen = vec![("learner", learner.id.clone()), ("subject", subject.to_text())];
    let what = if subject == HelpSubject::Hand { "Hand" } else { "Stuck" };
    let label = format!("Open again: {name}");
    view! {
        <li class="resolved-item">
            <p>
                <A href=format!("/teach/classes/{class}/learners/{}", learner.id)>{name}</A>
                {format!(" · {what} in step {step_number}, {step_title}")}
            </p>
            {match state {
                HelpState::Resolved { by, at } => {
                    Some(view! { <p class="help-note">{format!("Dealt with by {by} at {} UTC", short_clock(at))}</p> })
                }
                HelpState::Open | HelpState::Reopened { .. } => None,
            }}
            {may_help
                .then(|| {
                    view! { <ActForm act=Act::Reopen id=format!("reopen-{id}") hidden=reopen button="Open again" label=label is_quiet=true class="inline-form"/> }
                })}
        </li>
    }
    .into_any()
}

/// Learner and subject, as an id.
fn item_id(item: &HelpItemView) -> String {
    format!("{}-{}", item.learner.id, item.subject.to_text())
}
