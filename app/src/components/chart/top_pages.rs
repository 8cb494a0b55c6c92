//! The most clicked pages of one window, as a ranked list.

use crate::{
    format::{grouped, short_clock},
    model::{ChartView, PageCount, WindowView},
};
use leptos::prelude::*;

/// The latest window that has top pages; in the browser, earlier ones can be turned to.
#[component]
pub fn TopPages(#[prop(into)] chart: Signal<ChartView>) -> impl IntoView {
    // How many windows before the latest; 0 follows the latest as it comes.
    let back = RwSignal::new(0_usize);
    let chosen = Memo::new(move |_| {
        chart.with(|chart| {
            let mut windows: Vec<&WindowView> =
                chart.windows.iter().filter(|window| !window.top_pages.is_empty()).collect();
            windows.reverse();
            let index = back.get().min(windows.len().saturating_sub(1));
            windows.get(index).map(|window| ((*window).clone(), index, windows.len()))
        })
    });
    let turn = move |older: bool| {
        let (index, count) =
            chosen.with_untracked(|chosen| chosen.as_ref().map_or((0, 0), |(_, index, count)| (*index, *count)));
        back.set(if older { (index + 1).min(count.saturating_sub(1)) } else { index.saturating_sub(1) });
    };
    view! {
        <div class="top-pages">
            <div class="top-pages-head">
                <h3>"Top pages"</h3>
                <p>
                    {move || {
                        chosen.get().map(|(window, ..)| format!("{}–{} UTC", short_clock(window.start), short_clock(window.end)))
                    }}
                </p>
                <p class="top-pages-turn">
                    <button
                        type="button"
                        aria-label="Earlier window"
                        disabled=move || chosen.with(|chosen| chosen.as_ref().is_none_or(|(_, index, count)| index + 1 >= *count))
                        on:click=move |_| turn(true)
                    >
                        "‹"
                    </button>
                    <button
                        type="button"
                        aria-label="Later window"
                        disabled=move || chosen.with(|chosen| chosen.as_ref().is_none_or(|(_, index, _)| *index == 0))
                        on:click=move |_| turn(false)
                    >
                        "›"
                    </button>
                </p>
            </div>
            {move || match chosen.get() {
                Some((window, ..)) => ranking(window.top_pages).into_any(),
                None => view! { <p class="help">"They come with the first window that has them."</p> }.into_any(),
            }}
        </div>
    }
    .into_any()
}

fn ranking(pages: Vec<PageCount>) -> impl IntoView {
    let most = pages.iter().map(|page| page.count).max().unwrap_or(1).max(1);
    let items = pages
        .into_iter()
        .map(|PageCount { title, count }| {
            let share = (count.saturating_mul(100) / most).max(1).to_string();
            view! {
                <li data-value=count.to_string()>
                    <span class="page-title" title=title.clone()>{title.replace('_', " ")}</span>
                    <span class="page-count">{grouped(count)}</span>
                    <svg class="page-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                        <rect width=share height="4"/>
                    </svg>
                </li>
            }
        })
        .collect_view();
    view! { <ol class="ranking">{items}</ol> }
}
