//! The window counts from the learner's table.

mod figure;
mod layout;
mod scale;
mod top_pages;

pub use layout::Size;

use crate::{
    format::{clock, counted, grouped, machine_time, short_clock},
    model::{ChartView, WindowState, WindowView},
};
use figure::Figure;
use leptos::prelude::*;
use top_pages::TopPages;

/// The chart with its table and the top pages, or what to wait for.
#[component]
pub fn Chart(#[prop(into)] chart: Signal<ChartView>, size: Size) -> impl IntoView {
    let empty = Memo::new(move |_| chart.with(|chart| chart.windows.is_empty()));
    view! {
        <section class="chart panel" class:is-wide=size == Size::Wide id="chart" aria-labelledby="chart-title">
            <div class="panel-head">
                <h2 id="chart-title">"Window counts"</h2>
                <p class="chart-source">
                    {move || {
                        chart.with(|chart| {
                            chart.read_at.map(|at| {
                                view! { "read " <time datetime=machine_time(at)>{clock(at)}</time> " UTC" }
                            })
                        })
                    }}
                </p>
            </div>
            {move || {
                if empty.get() {
                    view! { <Awaiting chart/> }.into_any()
                } else {
                    view! {
                        <div class="chart-body">
                            <div class="chart-main">
                                <Figure chart size/>
                                <Legend/>
                                <DataTable chart/>
                            </div>
                            <TopPages chart/>
                        </div>
                    }
                    .into_any()
                }
            }}
        </section>
    }
    .into_any()
}

/// Before the first window: what has to happen for one to appear.
#[component]
fn Awaiting(#[prop(into)] chart: Signal<ChartView>) -> impl IntoView {
    let text = move || {
        chart.with(|chart| {
            if chart.read_at.is_none() {
                "The counts appear here once the results step has made its table and the counting runs.".to_owned()
            } else {
                format!(
                    "The table {} is there and empty. A window of {} closes, then its counts appear: send some clicks and wait that long.",
                    chart.table,
                    counted(u64::from(chart.window_seconds), "second", "seconds"),
                )
            }
        })
    };
    view! {
        <div class="chart-empty">
            <svg viewBox="0 0 344 96" aria-hidden="true" focusable="false">
                <path class="axis" d="M8 88H336"/>
                <g class="ghost">
                    <rect x="24" y="60" width="36" height="28"/>
                    <rect x="74" y="42" width="36" height="46"/>
                    <rect x="124" y="52" width="36" height="36"/>
                    <rect x="174" y="26" width="36" height="62"/>
                    <rect x="224" y="46" width="36" height="42"/>
                    <rect x="274" y="18" width="36" height="70"/>
                </g>
            </svg>
            <p>{text}</p>
        </div>
    }
    .into_any()
}

#[component]
fn Legend() -> impl IntoView {
    view! {
        <ul class="legend" aria-label="Legend">
            <li><svg class="swatch is-bar" viewBox="0 0 16 16" aria-hidden="true" focusable="false"><rect x="3" y="2" width="10" height="14"/></svg>"on time"</li>
            <li>
                <svg class="swatch is-late" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
                    <rect x="3" y="5" width="10" height="11"/>
                    <path d="M8 0l3 3.5H5Z"/>
                </svg>
                "late"
            </li>
            <li>
                <svg class="swatch is-empty" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
                    <rect x="3" y="1.5" width="10" height="13"/>
                    <path d="M3 14.5 13 1.5"/>
                </svg>
                "empty"
            </li>
            <li>
                <svg class="swatch is-awaited" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
                    <rect x="3" y="1.5" width="10" height="13"/>
                </svg>
                "closed, counts awaited"
            </li>
        </ul>
    }
    .into_any()
}

/// The same numbers as a table.
#[component]
fn DataTable(#[prop(into)] chart: Signal<ChartView>) -> impl IntoView {
    let rows = move || chart.with(|chart| chart.windows.iter().rev().map(row).collect_view());
    view! {
        <details class="data-table">
            <summary>"The numbers as a table"</summary>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Window counts as a table">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Window (UTC)"</th>
                            <th scope="col" class="number">"Clicks"</th>
                            <th scope="col" class="number">"Distinct pages"</th>
                            <th scope="col">"Top page"</th>
                            <th scope="col">"Note"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}

fn row(window: &WindowView) -> impl IntoView + use<> {
    let number = |count: Option<u64>| count.map_or_else(|| "–".to_owned(), grouped);
    let raw = |count: Option<u64>| count.map(|count| count.to_string());
    let top = window.top_pages.first().map(|page| page.title.clone());
    view! {
        <tr data-window-end=machine_time(window.end)>
            <th scope="row">
                <time datetime=machine_time(window.start)>{short_clock(window.start)}</time>
                "–"
                <time datetime=machine_time(window.end)>{short_clock(window.end)}</time>
            </th>
            <td class="number" data-metric="views" data-value=raw(window.views)>{number(window.views)}</td>
            <td class="number" data-metric="distinct_pages" data-value=raw(window.distinct_pages)>{number(window.distinct_pages)}</td>
            <td>{top.unwrap_or_else(|| "–".to_owned())}</td>
            <td>{note(window.state)}</td>
        </tr>
    }
}

/// A window's state in words; nothing for the usual case.
fn note(state: WindowState) -> String {
    match state {
        WindowState::Complete => String::new(),
        WindowState::Late { by_seconds } => format!("{}\u{a0}s after its end", grouped(u64::from(by_seconds))),
        WindowState::Empty => "empty".to_owned(),
        WindowState::Awaited => "awaited".to_owned(),
    }
}
