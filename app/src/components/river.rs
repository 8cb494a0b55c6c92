//! The steps of the lab along a river that widens towards its mouth.

use super::{Icon, NoticeBox, icon, outcome};
use crate::{
    api::Forget,
    live::Live,
    model::{StepState, StepSummary, about},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::components::A;

#[component]
pub fn River(live: Live, current: String) -> impl IntoView {
    let Live { steps, .. } = live;
    let count = steps.with_untracked(Vec::len);
    let items = steps
        .get_untracked()
        .into_iter()
        .enumerate()
        .map(|(index, first)| {
            let summary =
                Memo::new(move |_| steps.with(|steps| steps.get(index).cloned()).unwrap_or_else(|| first.clone()));
            let slug = summary.with_untracked(|summary| summary.slug.clone());
            let is_current = slug == current;
            view! { <Station summary slug is_current is_last=index + 1 == count/> }
        })
        .collect_view();
    let here = current;
    let position = move || {
        steps.with(|steps| {
            let passed = steps.iter().filter(|step| step.state.is_passed()).count();
            let title = steps.iter().find(|step| step.slug == here).map(|step| step.title.clone()).unwrap_or_default();
            (title, format!("{passed} of {} passed", steps.len()))
        })
    };
    let position = Memo::new(move |_| position());
    view! {
        <nav class="steps" aria-label="Steps of the lab">
            <details class="steps-fold">
                <summary>
                    <span class="steps-here">{move || position.get().0}</span>
                    <span class="steps-count">{move || position.get().1}</span>
                </summary>
            </details>
            <ol class="river">{items}</ol>
            <Elsewhere/>
        </nav>
    }
    .into_any()
}

#[component]
fn Station(summary: Memo<StepSummary>, slug: String, is_current: bool, is_last: bool) -> impl IntoView {
    let number = summary.with_untracked(|summary| summary.number);
    // Each reach bends the other way, and carries more water than the one before.
    let reach = if number.is_multiple_of(2) { "M24 0C40 30 40 70 24 100" } else { "M24 0C8 30 8 70 24 100" };
    let water_width = format!("{}", 3 + number);
    let bed_width = format!("{}", 7 + number);
    let state = move || summary.with(|summary| summary.state);
    let words = move || summary.with(state_words);
    view! {
        <li
            class="station"
            class:is-current=is_current
            class:is-passed=move || state().is_passed()
            class:is-under-way=move || state() == StepState::UnderWay
            class:is-changed=move || state() == StepState::PassedThenChanged
        >
            {(!is_last)
                .then(|| {
                    view! {
                        <svg class="reach" viewBox="0 0 48 100" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                            <path class="bed" d=reach stroke-width=bed_width vector-effect="non-scaling-stroke"/>
                            <path class="water" d=reach stroke-width=water_width vector-effect="non-scaling-stroke" pathLength="1"/>
                        </svg>
                    }
                })}
            <A href=format!("/lab/{slug}") attr:aria-current=is_current.then_some("step")>
                <span class="stone" aria-hidden="true">
                    {move || {
                        if state().is_passed() { icon(Icon::Check).into_any() } else { number.to_string().into_any() }
                    }}
                </span>
                <span class="station-text">
                    <span class="station-title">
                        <span class="visually-hidden">{format!("Step {number}: ")}</span>
                        {move || summary.with(|summary| summary.title.clone())}
                    </span>
                    <span class="station-state">{words}</span>
                </span>
            </A>
        </li>
    }
    .into_any()
}

fn state_words(summary: &StepSummary) -> String {
    match summary.state {
        StepState::NotStarted => format!("About {} min", summary.minutes),
        StepState::UnderWay => format!("{} of {} checks pass", summary.checks_passed, summary.checks_total),
        StepState::Passed => "Passed".to_owned(),
        StepState::PassedThenChanged => "Passed, changed since".to_owned(),
    }
}

/// How to come back from elsewhere, and how to leave.
#[component]
fn Elsewhere() -> impl IntoView {
    let forget = ServerAction::<Forget>::new();
    let notice = outcome(forget, about::FORGET.to_owned());
    view! {
        <details class="resume-code">
            <summary>"Continue in another browser"</summary>
            <p>
                "Enter your resume code on the first page. It was shown when you began; the first step "
                <a href="/lab/connect#resume-code">"makes a new one"</a> "."
            </p>
            <ActionForm action=forget>
                <button type="submit" class="link-button">"Leave the lab in this browser"</button>
            </ActionForm>
            <NoticeBox notice/>
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_words() {
        let summary = |state| StepSummary {
            slug: "ingest".to_owned(),
            number: 2,
            title: "Ingest".to_owned(),
            summary: String::new(),
            minutes: 10,
            state,
            checks_passed: 1,
            checks_total: 3,
        };
        let words = [StepState::NotStarted, StepState::UnderWay, StepState::Passed, StepState::PassedThenChanged]
            .map(|state| state_words(&summary(state)));
        assert_eq!(words, ["About 10 min", "1 of 3 checks pass", "Passed", "Passed, changed since"]);
    }
}
