//! How the board is sorted, filtered and searched. Without script it is a form that asks the server.

use super::Board;
use crate::{
    format::counted,
    model::teach::{BoardFilter, BoardQuery, BoardStep, PAGE_ROWS, SortBy},
};
use leptos::prelude::*;
use std::sync::Arc;

#[component]
pub fn Controls(board: Board, matching: u32, total: u32) -> impl IntoView {
    let class = board.class.get_value();
    let steps = board.steps.get_value();
    let first = board.query.get_untracked();
    let sorts = SortBy::ALL
        .map(|sort| view! { <option value=sort.as_str() selected=sort == first.sort>{sort.label()}</option> })
        .collect_view();
    let filters = filter_options(&steps, &first.show);
    let words = move || {
        let (matching, total) = (board.matching(matching), board.total(total));
        if matching == total {
            counted(u64::from(total), "learner", "learners")
        } else {
            format!("{matching} of {}", counted(u64::from(total), "learner", "learners"))
        }
    };
    view! {
        <form
            class="board-controls"
            method="get"
            action=format!("/teach/classes/{class}")
            role="search"
            on:submit=move |event| {
                if board.is_whole.get_untracked() {
                    event.prevent_default();
                }
            }
        >
            <div class="field">
                <label for="board-search">"Find"</label>
                <input
                    id="board-search"
                    name="q"
                    type="search"
                    placeholder="A name"
                    maxlength="100"
                    autocomplete="off"
                    value=first.search.clone()
                    on:input=move |event| board.query.update(|query| query.search = event_target_value(&event))
                />
            </div>
            <div class="field">
                <label for="board-show">"Show"</label>
                <select
                    id="board-show"
                    name="show"
                    on:change=move |event| {
                        let show = BoardFilter::parse(&event_target_value(&event)).unwrap_or_default();
                        board.query.update(|query| query.show = show);
                    }
                >
                    {filters}
                </select>
            </div>
            <div class="field">
                <label for="board-sort">"Order"</label>
                <select
                    id="board-sort"
                    name="sort"
                    on:change=move |event| {
                        let sort = SortBy::parse(&event_target_value(&event)).unwrap_or_default();
                        board.query.update(|query| query.sort = sort);
                    }
                >
                    {sorts}
                </select>
            </div>
            <button type="submit" class="button is-quiet" hidden=move || board.is_whole.get()>"Show"</button>
            <p class="board-count" role="status">{words}</p>
            <p class="board-held" hidden=move || !board.is_held()>
                "Updates go on; the order waits while you are on the rows."
            </p>
        </form>
        <Pager board query=first matching/>
    }
    .into_any()
}

/// Ways to the other pages, where not all rows are on one.
#[component]
fn Pager(board: Board, query: BoardQuery, matching: u32) -> impl IntoView {
    let class = board.class.get_value();
    let pages = matching.div_ceil(PAGE_ROWS).max(1);
    let page = query.page.clamp(1, pages);
    let link = |to: u32, words: &'static str| {
        (to >= 1 && to <= pages).then(|| view! { <a href=query.address(&class, to) rel="external">{words}</a> })
    };
    (pages > 1).then(|| {
        view! {
            <nav class="pager" aria-label="Pages of the board" hidden=move || board.is_whole.get()>
                {link(page.saturating_sub(1), "Before")}
                <span>{format!("Page {page} of {pages}")}</span>
                {link(page + 1, "After")}
            </nav>
        }
    })
}

fn filter_options(steps: &Arc<Vec<BoardStep>>, chosen: &BoardFilter) -> impl IntoView + use<> {
    let option = |filter: BoardFilter, label: String| {
        let selected = filter == *chosen;
        view! { <option value=filter.to_text() selected=selected>{label}</option> }
    };
    let usual = [
        (BoardFilter::All, "All"),
        (BoardFilter::HandUp, "Hand up"),
        (BoardFilter::Stuck, "Stuck"),
        (BoardFilter::Finished, "Finished"),
    ]
    .map(|(filter, label)| option(filter, label.to_owned()))
    .collect_view();
    let in_steps = (0_u32..)
        .zip(steps.iter())
        .map(|(place, step)| option(BoardFilter::InStep(place), format!("{} {}", step.number, step.title)))
        .collect_view();
    let failing = (0_u32..)
        .zip(steps.iter())
        .map(|(place, step)| {
            let checks = (0_u32..)
                .zip(step.checks.iter())
                .map(|(check, view)| option(BoardFilter::Failing { step: place, check }, view.title.clone()))
                .collect_view();
            view! { <optgroup label=format!("Does not pass in {}", step.title)>{checks}</optgroup> }
        })
        .collect_view();
    view! {
        {usual}
        <optgroup label="Works in the step">{in_steps}</optgroup>
        {failing}
    }
}
