//! One learner in one step: a shape, a colour, and words; never colour alone.

use crate::{
    components::{
        Icon, icon,
        teach::{cell_words, short_length, words::failing_title},
    },
    model::teach::{BoardStep, CellState, CellView},
};
use leptos::prelude::*;

/// All that is to be seen in a cell, so that one in which nothing has changed is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// For who hears the board, and who points at the cell.
    pub words: String,
    state: CellState,
    time: Option<String>,
    attempts: u32,
    assisted: bool,
    failing: Option<String>,
}

impl Shown {
    pub fn new(step: &BoardStep, cell: &CellView, now: i64) -> Self {
        Self {
            words: cell_words(step, cell, now),
            state: cell.state,
            time: cell.seconds(now).map(short_length),
            attempts: cell.attempts,
            assisted: cell.assisted,
            failing: failing_title(step, cell).map(str::to_owned),
        }
    }
}

/// What stands in the cell. Its words are the cell's label.
pub fn cell(shown: Shown) -> impl IntoView {
    let Shown { words, state, time, attempts, assisted, failing } = shown;
    let (class, sign) = match state {
        CellState::NotBegun => ("cell is-not-begun", None),
        CellState::UnderWay => ("cell is-under-way", Some(Icon::Ring)),
        CellState::Wrong => ("cell is-wrong", Some(Icon::NotEqual)),
        CellState::Waiting => ("cell is-waiting", Some(Icon::Hourglass)),
        CellState::Passed => ("cell is-passed", Some(Icon::Check)),
        CellState::Changed => ("cell is-passed is-changed", Some(Icon::Check)),
    };
    let tries = (attempts > 1).then(|| format!("×{attempts}"));
    view! {
        <span class=class aria-hidden="true" title=words>
            <span class="cell-sign">{sign.map(icon)}</span>
            <span class="cell-facts">
                {time.map(|time| view! { <span class="cell-time">{time}</span> })}
                {tries.map(|tries| view! { <span class="cell-tries">{tries}</span> })}
                {assisted.then(|| view! { <span class="cell-assisted">"A"</span> })}
            </span>
            {failing.map(|title| view! { <span class="cell-check">{title}</span> })}
        </span>
    }
}
