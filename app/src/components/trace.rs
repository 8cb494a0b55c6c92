//! The latest sending, followed hop by hop.

use super::{Icon, checks::call, icon};
use crate::{
    clock::server_time,
    format::{clock, countdown, counted, machine_time},
    live::Live,
    model::{HopState, HopView, TraceView},
};
use leptos::prelude::*;

/// Where the marked rows of the latest sending are; nothing before the first.
#[component]
pub fn Trace(live: Live) -> impl IntoView {
    let trace = live.trace;
    let now = server_time(Signal::derive(move || trace.with(|trace| trace.as_ref().map(|trace| trace.read_at))));
    let head = Memo::new(move |_| {
        trace.with(|trace| {
            trace
                .as_ref()
                .map(|TraceView { mark, started_at, rows, marks, .. }| (mark.clone(), *started_at, *rows, *marks))
        })
    });
    let hops = move || trace.with(|trace| trace.as_ref().map(|trace| trace.hops.clone()).unwrap_or_default());
    view! {
        <section class="trace panel" id="trace" aria-labelledby="trace-title" hidden=move || head.with(Option::is_none)>
            <div class="panel-head">
                <h2 id="trace-title">"On its way"</h2>
                <p>
                    {move || {
                        trace
                            .with(|trace| trace.as_ref().map(|trace| trace.read_at))
                            .map(|at| view! { "read " <time datetime=machine_time(at)>{clock(at)}</time> " UTC" })
                    }}
                </p>
            </div>
            {move || head.get().map(|(mark, started_at, rows, marks)| introduction(mark, started_at, rows, marks))}
            <Announcer live/>
            <ol class="hops">
                <For each=hops key=|hop| hop.id.clone() let(first)>
                    <Hop live first now/>
                </For>
            </ol>
        </section>
    }
    .into_any()
}

fn introduction(mark: String, started_at: i64, rows: u64, marks: u64) -> impl IntoView {
    view! {
        <p class="trace-text">
            {counted(rows, "row", "rows")} " sent at " <time datetime=machine_time(started_at)>{clock(started_at)}</time>
            " UTC, " {counted(marks, "of them marked", "of them marked")} ". Each stop is asked for the mark."
        </p>
        <p class="trace-mark"><code>{mark}</code></p>
    }
}

#[component]
fn Hop(live: Live, first: HopView, now: Signal<Option<i64>>) -> impl IntoView {
    let id = first.id.clone();
    let hop = {
        let id = id.clone();
        Memo::new(move |_| {
            live.trace.with(|trace| {
                trace
                    .as_ref()
                    .and_then(|trace| trace.hops.iter().find(|hop| hop.id == id).cloned())
                    .unwrap_or_else(|| first.clone())
            })
        })
    };
    let marks = Memo::new(move |_| live.trace.with(|trace| trace.as_ref().map_or(0, |trace| trace.marks)));
    // Behind the first stop nothing can arrive, so that advice on it would mislead.
    let is_first_stop = {
        let id = id.clone();
        Memo::new(move |_| live.trace.with(|trace| trace.as_ref().and_then(first_stop).is_some_and(|hop| hop.id == id)))
    };
    let kind = move || hop.with(|hop| Kind::of(&hop.state));
    view! {
        <li class=move || format!("hop {}", kind().class()) data-hop=id data-state=move || kind().slug()>
            <span class="hop-sign">{move || icon(kind().icon())}</span>
            <div class="hop-text">
                <p class="hop-title">{move || hop.with(|hop| hop.title.clone())}</p>
                {move || facts(hop.with(|hop| hop.state.clone()), marks.get(), is_first_stop.get(), now)}
                <Evidence hop/>
            </div>
        </li>
    }
    .into_any()
}

fn facts(state: HopState, marks: u64, is_first_stop: bool, now: Signal<Option<i64>>) -> impl IntoView {
    match state {
        HopState::Reached { count, at } => view! {
            <p class="hop-word">
                {reached_words(count, marks)}
                {at.map(|at| view! { ", the first at " <time datetime=machine_time(at)>{clock(at)}</time> " UTC" })}
            </p>
        }
        .into_any(),
        HopState::Waiting { until, why } => view! {
            <p class="hop-word">
                "Not here yet, as it should be. Look again at " <time datetime=machine_time(until)>{clock(until)}</time> " UTC"
                <span class="hop-countdown" aria-hidden="true">{move || now.get().map(|now| countdown(until - now))}</span>
            </p>
            <p class="hop-why">{why}</p>
        }
        .into_any(),
        HopState::Stopped { why, advice } => view! {
            <p class="hop-word">"Stopped here"</p>
            <p class="hop-why">{why}</p>
            {(is_first_stop && !advice.is_empty())
                .then(|| view! { <p class="hop-advice"><strong>"What to do: "</strong> {advice}</p> })}
        }
        .into_any(),
        HopState::Unknown { why } => view! {
            <p class="hop-word">"Cannot be told"</p>
            <p class="hop-why">{why}</p>
        }
        .into_any(),
    }
}

#[component]
fn Evidence(hop: Memo<HopView>) -> impl IntoView {
    let evidence = Memo::new(move |_| hop.with(|hop| hop.evidence.clone()));
    view! {
        <details class="evidence" hidden=move || evidence.with(Vec::is_empty)>
            <summary>"Evidence"</summary>
            {move || evidence.get().into_iter().map(call).collect_view()}
        </details>
    }
    .into_any()
}

/// Tells a screen reader what became of a hop, and not how the seconds pass.
#[component]
fn Announcer(live: Live) -> impl IntoView {
    let news = RwSignal::new(String::new());
    Effect::new(move |before: Option<Option<TraceView>>| {
        let now = live.trace.get();
        if let (Some(before), Some(now)) = (before, &now) {
            let text = changes(before.as_ref(), now);
            if !text.is_empty() {
                news.set(text);
            }
        }
        now
    });
    view! { <p class="visually-hidden" role="status">{move || news.get()}</p> }.into_any()
}

/// A sentence on each hop that changed; of a new sending only that it is there.
fn changes(before: Option<&TraceView>, now: &TraceView) -> String {
    let Some(before) = before.filter(|before| before.mark == now.mark) else {
        return format!("A new sending is followed: {}.", counted(now.rows, "row", "rows"));
    };
    let changed: Vec<String> = now
        .hops
        .iter()
        .filter(|hop| {
            let was = before.hops.iter().find(|old| old.id == hop.id).map(|old| Kind::of(&old.state));
            was != Some(Kind::of(&hop.state))
        })
        .map(|hop| match &hop.state {
            HopState::Reached { count, .. } => format!("{}: {}.", hop.title, reached_words(*count, now.marks)),
            HopState::Waiting { .. } => format!("{}: not here yet, as it should be.", hop.title),
            HopState::Stopped { why, .. } => format!("{}: stopped. {why}", hop.title),
            HopState::Unknown { why } => format!("{}: cannot be told. {why}", hop.title),
        })
        .collect();
    changed.join(" ")
}

fn first_stop(trace: &TraceView) -> Option<&HopView> {
    trace.hops.iter().find(|hop| matches!(hop.state, HopState::Stopped { .. }))
}

fn reached_words(count: u64, marks: u64) -> String {
    match count.cmp(&marks) {
        std::cmp::Ordering::Less => format!("{count} of {} so far", counted(marks, "marked row", "marked rows")),
        std::cmp::Ordering::Equal if marks == 1 => "The marked row is here".to_owned(),
        std::cmp::Ordering::Equal => format!("All {} are here", counted(marks, "marked row", "marked rows")),
        // A stream may deliver a record twice.
        std::cmp::Ordering::Greater => {
            format!("{} here, of {marks} sent: some came twice", counted(count, "marked row", "marked rows"))
        }
    }
}

/// A hop's state without its particulars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Reached,
    Waiting,
    Stopped,
    Unknown,
}

impl Kind {
    fn of(state: &HopState) -> Self {
        match state {
            HopState::Reached { .. } => Self::Reached,
            HopState::Waiting { .. } => Self::Waiting,
            HopState::Stopped { .. } => Self::Stopped,
            HopState::Unknown { .. } => Self::Unknown,
        }
    }

    fn slug(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Reached => "is-reached",
            Self::Waiting => "is-waiting",
            Self::Stopped => "is-stopped",
            Self::Unknown => "is-unknown",
        }
    }

    fn icon(self) -> Icon {
        match self {
            Self::Reached => Icon::Check,
            Self::Waiting => Icon::Hourglass,
            Self::Stopped => Icon::Alert,
            Self::Unknown => Icon::Ring,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(mark: &str, states: &[HopState]) -> TraceView {
        let hops = states
            .iter()
            .zip(0..)
            .map(|(state, index)| HopView {
                id: format!("hop-{index}"),
                title: format!("Hop {index}"),
                state: state.clone(),
                evidence: Vec::new(),
            })
            .collect();
        TraceView { mark: mark.to_owned(), started_at: 0, rows: 40, marks: 2, hops, read_at: 0 }
    }

    fn waiting(until: i64) -> HopState {
        HopState::Waiting { until, why: String::new() }
    }

    #[test]
    fn only_hops_that_changed_their_state_are_announced() {
        let reached = HopState::Reached { count: 2, at: None };
        let before = trace("a", &[reached.clone(), waiting(10)]);
        assert_eq!(changes(Some(&before), &trace("a", &[reached.clone(), waiting(20)])), "");
        assert_eq!(
            changes(Some(&before), &trace("a", &[reached.clone(), reached.clone()])),
            "Hop 1: All 2\u{a0}marked rows are here."
        );
        assert_eq!(changes(Some(&before), &trace("b", &[reached])), "A new sending is followed: 40\u{a0}rows.");
    }

    #[test]
    fn advice_is_for_the_first_stop() {
        let stopped = |why: &str| HopState::Stopped { why: why.to_owned(), advice: String::new() };
        let trace = trace("a", &[waiting(1), stopped("x"), stopped("y")]);
        assert_eq!(first_stop(&trace).map(|hop| hop.id.as_str()), Some("hop-1"));
    }

    #[test]
    fn rows_that_came_twice_or_not_yet_are_told() {
        assert_eq!(reached_words(1, 1), "The marked row is here");
        assert_eq!(reached_words(1, 3), "1 of 3\u{a0}marked rows so far");
        assert_eq!(reached_words(4, 3), "4\u{a0}marked rows here, of 3 sent: some came twice");
    }
}
