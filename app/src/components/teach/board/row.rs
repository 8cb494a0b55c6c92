//! One learner's row. Its cells change by themselves; the row stays where it is, with the focus that may be in it.

use super::{
    Board,
    cell::{Shown, cell},
};
use crate::{
    components::{Icon, icon, teach::short_length},
    format::{clock, machine_time},
    model::teach::RowView,
};
use leptos::prelude::*;
use leptos_router::components::A;
use std::sync::Arc;

#[component]
pub fn Row(
    board: Board,
    /// In the list of rows.
    place: u32,
    /// On the board, counted from 0.
    #[prop(into)]
    position: Signal<u32>,
) -> impl IntoView {
    let row = Memo::new(move |before: Option<&Option<Arc<RowView>>>| {
        // Who has just left stays until the order is computed anew.
        board.rows.with(|rows| rows.get(place)).or_else(|| before.cloned().flatten())
    });
    let steps = board.steps.get_value();
    let class = board.class.get_value();
    let learner = row.with_untracked(|row| row.as_ref().map(|row| row.learner.clone())).unwrap_or_default();
    let now = board.now;
    let node = NodeRef::<leptos::html::Div>::new();
    Effect::new(move |_| {
        if board.is_whole.get() {
            super::grid::move_to(node, position.get());
        }
    });
    let cells = (0..steps.len())
        .map(|index| {
            let steps = Arc::clone(&steps);
            let shown = Memo::new(move |_| {
                row.with(|row| Some(Shown::new(steps.get(index)?, row.as_ref()?.cells.get(index)?, now.get())))
            });
            view! {
                <div
                    role="gridcell"
                    class="board-cell"
                    id=cell_id(place, index + 1)
                    tabindex="-1"
                    aria-label=move || shown.with(|shown| shown.as_ref().map(|shown| shown.words.clone()))
                >
                    {move || shown.get().map(cell)}
                </div>
            }
        })
        .collect_view();
    let count = steps.len();
    let marks = Memo::new(move |_| row.with(|row| row.as_ref().map(|row| Marks::new(row, now.get()))));
    let last = Memo::new(move |_| {
        let at = row.with(|row| row.as_ref().map(|row| row.last_at))?;
        Some((at, short_length(u64::try_from(now.get() - at).unwrap_or_default())))
    });
    view! {
        <div
            role="row"
            class="board-row"
            class:is-hand=move || row.with(|row| row.as_ref().is_some_and(|row| row.hand.is_some()))
            aria-rowindex=move || (position.get() + 2).to_string()
            data-learner=learner.clone()
            node_ref=node
        >
            <div role="rowheader" class="board-name" id=cell_id(place, 0) tabindex="-1">
                <A href=format!("/teach/classes/{class}/learners/{learner}") attr:tabindex="-1">
                    {move || row.with(|row| row.as_ref().map(|row| row.shown_name()))}
                </A>
                {move || marks.get().map(Marks::view)}
            </div>
            {cells}
            <div role="gridcell" class="board-points" id=cell_id(place, count + 1) tabindex="-1">
                {move || row.with(|row| row.as_ref().map(|row| row.points.to_string()))}
            </div>
            <div role="gridcell" class="board-last" id=cell_id(place, count + 2) tabindex="-1">
                {move || {
                    last.get()
                        .map(|(at, ago)| {
                            view! { <time datetime=machine_time(at) title=format!("{} UTC", clock(at))>{ago}</time> }
                        })
                }}
            </div>
        </div>
    }
    .into_any()
}

/// The id of a cell, by the row's place and the column.
pub fn cell_id(place: u32, column: usize) -> String {
    format!("cell-{place}-{column}")
}

/// The place and column of a cell, by its id.
#[cfg(any(feature = "hydrate", test))]
pub fn parse_cell_id(id: &str) -> Option<(u32, usize)> {
    let (place, column) = id.strip_prefix("cell-")?.split_once('-')?;
    Some((place.parse().ok()?, column.parse().ok()?))
}

/// A raised hand, being stuck.
#[derive(Clone, PartialEq, Eq)]
struct Marks {
    /// How long the hand has been up.
    hand: Option<String>,
    stuck: bool,
}

impl Marks {
    fn new(row: &RowView, now: i64) -> Self {
        let hand = row.hand.map(|since| short_length(u64::try_from(now - since).unwrap_or_default()));
        Self { hand, stuck: row.stuck }
    }

    fn view(self) -> impl IntoView {
        let hand = self.hand.map(|time| {
            let title = format!("Hand up since {time}");
            view! {
                <span class="mark is-hand" title=title>
                    {icon(Icon::Hand)}
                    <span class="visually-hidden">"Hand up since "</span>
                    {time}
                </span>
            }
        });
        let stuck = self.stuck.then(|| view! { <span class="mark is-stuck">"Stuck"</span> });
        view! {
            {hand}
            {stuck}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_cells_can_be_read_back() {
        assert_eq!(parse_cell_id(&cell_id(9_999, 7)), Some((9_999, 7)));
        assert_eq!(parse_cell_id("main"), None);
    }
}
