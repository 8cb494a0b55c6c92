//! One learner's row. Its cells change by themselves, and all of it when it shows another learner.

use super::{Board, cell, slots::Standing};
use crate::{
    components::{Icon, icon, teach::short_length},
    format::{clock, machine_time},
    model::teach::{BoardStep, RowView},
};
use leptos::{html::Div, prelude::*};
use std::sync::Arc;

#[component]
pub fn Row(
    board: Board,
    /// Of the slot.
    id: u32,
    /// The learner who is shown; another one after scrolling.
    #[prop(into)]
    shown: Signal<Standing>,
) -> impl IntoView {
    let row = Memo::new(move |before: Option<&Option<(u32, Arc<RowView>)>>| {
        let place = shown.get().place;
        // Who has just left stays until the order is computed anew.
        let before = || before.cloned().flatten().filter(|(before, _)| *before == place);
        board.rows.with(|rows| rows.get(place)).map(|row| (place, row)).or_else(before)
    });
    let steps = board.steps.get_value();
    let content =
        Memo::new(move |_| row.with(|row| row.as_ref().map(|(_, row)| Content::new(row, &steps, board.now.get()))));
    let class = board.class.get_value();
    let node = NodeRef::<Div>::new();
    let position = Memo::new(move |_| shown.get().position);
    Effect::new(move |_| {
        if board.is_whole.get() {
            super::grid::move_to(node, position.get());
        }
    });
    view! {
        <div
            role="row"
            class="board-row"
            class:is-hand=move || content.with(|content| content.as_ref().is_some_and(|content| content.hand.is_some()))
            aria-rowindex=move || (position.get() + 2).to_string()
            node_ref=node
        >
            {move || content.get().map(|content| content.view(id, &class))}
        </div>
    }
    .into_any()
}

/// The id of a cell, by the row's slot and the column.
pub fn cell_id(slot: u32, column: usize) -> String {
    format!("cell-{slot}-{column}")
}

/// The slot and column of a cell, by its id.
#[cfg(any(feature = "hydrate", test))]
pub fn parse_cell_id(id: &str) -> Option<(u32, usize)> {
    let (slot, column) = id.strip_prefix("cell-")?.split_once('-')?;
    Some((slot.parse().ok()?, column.parse().ok()?))
}

/// All that is to be seen in a row, so that one in which nothing has changed is left alone. One value for the whole row: to
/// follow each cell by itself takes longer than to compare them all.
#[derive(Clone, PartialEq, Eq)]
struct Content {
    learner: String,
    name: String,
    /// How long the hand has been up.
    hand: Option<String>,
    stuck: bool,
    cells: Vec<cell::Shown>,
    points: String,
    last_at: i64,
    /// How long ago that was.
    last: String,
}

impl Content {
    fn new(row: &RowView, steps: &[BoardStep], now: i64) -> Self {
        let since = |at: i64| short_length(u64::try_from(now - at).unwrap_or_default());
        Self {
            learner: row.learner.clone(),
            name: row.shown_name(),
            hand: row.hand.map(since),
            stuck: row.stuck,
            cells: steps.iter().zip(&row.cells).map(|(step, cell)| cell::Shown::new(step, cell, now)).collect(),
            points: row.points.to_string(),
            last_at: row.last_at,
            last: since(row.last_at),
        }
    }

    fn view(self, slot: u32, class: &str) -> impl IntoView + use<> {
        let columns = self.cells.len();
        let cells = (1..).zip(self.cells).map(|(column, shown)| shown.view(slot, column)).collect_view();
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
            <div role="rowheader" class="board-name" id=cell_id(slot, 0) tabindex="-1">
                <a href=format!("/teach/classes/{class}/learners/{}", self.learner) tabindex="-1">{self.name}</a>
                {hand}
                {stuck}
            </div>
            {cells}
            <div role="gridcell" class="board-points" id=cell_id(slot, columns + 1) tabindex="-1">{self.points}</div>
            <div role="gridcell" class="board-last" id=cell_id(slot, columns + 2) tabindex="-1">
                <time datetime=machine_time(self.last_at) title=format!("{} UTC", clock(self.last_at))>{self.last}</time>
            </div>
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
