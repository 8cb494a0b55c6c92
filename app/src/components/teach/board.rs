//! The board: learner × step, live.

mod cell;
mod controls;
mod grid;
mod row;
mod slots;
mod state;

pub use state::Board;

use self::{controls::Controls, grid::Grid};
use crate::components::{Icon, icon};
use leptos::prelude::*;

/// The controls, the grid, and what stands there when it is empty.
#[component]
pub fn BoardPanel(
    board: Board,
    /// Rows that the server found for the query, and in all.
    matching: u32,
    total: u32,
) -> impl IntoView {
    let is_empty = move || board.total(total) == 0;
    let finds_none = move || !is_empty() && board.matching(matching) == 0;
    view! {
        <section class="board" aria-label="Learners and steps">
            <Controls board matching total/>
            <p class="board-trouble" role="status" hidden=move || !board.trouble.get()>
                {icon(Icon::Alert)}
                " The other rows could not be loaded. Trying again…"
            </p>
            <div class="board-empty" hidden=move || !is_empty()>
                <h2>"Nobody is here yet"</h2>
                <p>"Give your learners the join code. Each one appears here within a second of joining."</p>
            </div>
            <div class="board-empty" hidden=move || !finds_none()>
                <h2>"No learner fits"</h2>
                <p>"Nobody in the class fits what is chosen and searched for."</p>
            </div>
            <Grid board matching/>
        </section>
    }
    .into_any()
}
