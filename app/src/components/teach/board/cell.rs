//! One learner in one step: a shape, a colour, and words; never colour alone.

use crate::{
    components::{
        Icon, icon,
        teach::{cell_words, short_length, words::failing_title},
    },
    model::teach::{BoardStep, CellState, CellView},
};
use leptos::prelude::*;

/// What stands in the cell.
pub fn cell(step: &BoardStep, cell: &CellView, now: i64) -> impl IntoView + use<> {
    let words = cell_words(step, cell, now);
    let (class, sign) = match cell.state {
        CellState::NotBegun => ("cell is-not-begun", None),
        CellState::UnderWay => ("cell is-under-way", Some(Icon::Ring)),
        CellState::Wrong => ("cell is-wrong", Some(Icon::NotEqual)),
        CellState::Waiting => ("cell is-waiting", Some(Icon::Hourglass)),
        CellState::Passed => ("cell is-passed", Some(Icon::Check)),
        CellState::Changed => ("cell is-passed is-changed", Some(Icon::Check)),
    };
    let time = cell.seconds(now).map(short_length);
    let tries = (cell.attempts > 1).then(|| format!("×{}", cell.attempts));
    let failing = failing_title(step, cell).map(str::to_owned);
    let assisted = cell.assisted;
    view! {
        <span class=class aria-hidden="true" title=words.clone()>
            <span class="cell-sign">{sign.map(icon)}</span>
            <span class="cell-facts">
                {time.map(|time| view! { <span class="cell-time">{time}</span> })}
                {tries.map(|tries| view! { <span class="cell-tries">{tries}</span> })}
                {assisted.then(|| view! { <span class="cell-assisted">"A"</span> })}
            </span>
            {failing.map(|title| view! { <span class="cell-check">{title}</span> })}
        </span>
        <span class="visually-hidden">{words}</span>
    }
}
