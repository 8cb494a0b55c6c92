//! One learner in one step: a shape, a colour, and words; never colour alone.
//!
//! The style sheet draws the sign, and the cell has few elements: a board has hundreds of cells in sight, and each element
//! costs the browser time in every frame in which a row comes in sight.

use super::row::cell_id;
use crate::{
    components::teach::{cell_words, short_length, words::failing_title},
    model::teach::{BoardStep, CellState, CellView},
};
use leptos::prelude::*;

/// All that is to be seen in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// For who hears the board, and who points at the cell.
    words: String,
    state: CellState,
    /// For how long and, if more than once, how often: `4 min ×2`.
    facts: String,
    assisted: bool,
    failing: Option<String>,
}

impl Shown {
    pub fn new(step: &BoardStep, cell: &CellView, now: i64) -> Self {
        let time = cell.seconds(now).map(short_length);
        let tries = (cell.attempts > 1).then(|| format!("×{}", cell.attempts));
        Self {
            words: cell_words(step, cell, now),
            state: cell.state,
            facts: [time, tries].into_iter().flatten().collect::<Vec<_>>().join(" "),
            assisted: cell.assisted,
            failing: failing_title(step, cell).map(str::to_owned),
        }
    }

    /// The cell in a row's slot. Its words are its label, hence nobody hears what stands in it once more.
    pub fn view(self, slot: u32, column: usize) -> impl IntoView + use<> {
        let state = match self.state {
            CellState::NotBegun => "is-not-begun",
            CellState::UnderWay => "is-under-way",
            CellState::Wrong => "is-wrong",
            CellState::Waiting => "is-waiting",
            CellState::Passed => "is-passed",
            CellState::Changed => "is-passed is-changed",
        };
        let assisted = if self.assisted { " is-assisted" } else { "" };
        view! {
            <div
                role="gridcell"
                class=format!("board-cell {state}{assisted}")
                id=cell_id(slot, column)
                tabindex="-1"
                aria-label=self.words.clone()
                title=self.words
            >
                <span class="cell-facts" aria-hidden="true">{self.facts}</span>
                {self.failing.map(|title| view! { <span class="cell-check" aria-hidden="true">{title}</span> })}
            </div>
        }
    }
}
