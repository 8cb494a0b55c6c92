//! The checks of one step of a learner, as the learner sees them.

use crate::{components::CheckRow, model::CheckView};
use leptos::prelude::*;

#[component]
pub fn CheckReport(#[prop(into)] checks: Signal<Vec<CheckView>>) -> impl IntoView {
    let rows = checks
        .get_untracked()
        .into_iter()
        .enumerate()
        .map(|(place, first)| {
            let check =
                Memo::new(move |_| checks.with(|checks| checks.get(place).cloned()).unwrap_or_else(|| first.clone()));
            view! { <CheckRow check/> }
        })
        .collect_view();
    view! { <ul class="check-list">{rows}</ul> }.into_any()
}
