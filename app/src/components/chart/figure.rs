//! The drawing of the chart as SVG.

use super::{
    layout::{Drawing, Panel, Size, Slot, layout},
    note,
    scale::rounded,
};
use crate::{
    format::{counted, grouped, short_clock},
    model::{ChartView, WindowState},
};
use leptos::prelude::*;

#[component]
pub fn Figure(#[prop(into)] chart: Signal<ChartView>, size: Size) -> impl IntoView {
    let drawing = Memo::new(move |_| chart.with(|chart| layout(chart, size)));
    let name = match size {
        Size::Compact => "chart-compact",
        Size::Wide => "chart-wide",
    };
    let (title, text, hatching) = (format!("{name}-title"), format!("{name}-text"), format!("{name}-hatching"));
    let frame = format!("0 0 {} {}", size.width(), size.height());
    let fill = format!("url(#{hatching})");
    view! {
        <svg class="chart-figure" viewBox=frame role="img" aria-labelledby=format!("{title} {text}")>
            <title id=title.clone()>"Clicks and distinct pages per window"</title>
            <desc id=text.clone()>{move || chart.with(description)}</desc>
            <defs>
                <pattern id=hatching width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                    <path class="hatch" d="M0 0V6"/>
                </pattern>
            </defs>
            {move || drawing.with(|drawing| body(drawing, size, &fill))}
        </svg>
    }
    .into_any()
}

fn body(drawing: &Drawing, size: Size, hatching: &str) -> impl IntoView + use<> {
    let hatching = hatching.to_owned();
    let bottom = drawing.views.bottom;
    let top = drawing.views.top;
    let slots = drawing.slots.iter().map(|slot| bar(slot, top, bottom, &hatching)).collect_view();
    let dots = drawing
        .slots
        .iter()
        .filter_map(|slot| {
            let y = slot.dot_y?;
            let pages = counted(slot.window.distinct_pages?, "distinct page", "distinct pages");
            let radius = if slot.width < 8.0 { "2" } else { "3.5" };
            Some(view! {
                <circle class="dot" cx=slot.centre cy=y r=radius>
                    <title>{format!("{}: {pages}", short_clock(slot.window.start))}</title>
                </circle>
            })
        })
        .collect_view();
    let times = drawing
        .times
        .iter()
        .map(|label| {
            let at = drawing.distinct.bottom + 16.0;
            view! { <text class="time" x=label.x y=at text-anchor="middle">{label.text.clone()}</text> }
        })
        .collect_view();
    let utc = match size {
        Size::Wide => Some(view! { <text class="time" x="6" y=drawing.distinct.bottom + 16.0>"UTC"</text> }),
        Size::Compact => None,
    };
    view! {
        <g class="views">
            {axis(&drawing.views, "Clicks per window", drawing.left, drawing.right)}
            {slots}
        </g>
        <g class="distinct">
            {axis(&drawing.distinct, "Distinct pages per window", drawing.left, drawing.right)}
            <path class="line" d=drawing.distinct_line.clone()/>
            {dots}
        </g>
        {times}
        {utc}
    }
}

fn axis(panel: &Panel, heading: &'static str, left: f64, right: f64) -> impl IntoView + use<> {
    let ticks = panel
        .ticks
        .iter()
        .map(|tick| {
            view! {
                <path class="grid" d=format!("M{left} {}H{right}", tick.y)/>
                <text class="tick" x=left - 6.0 y=rounded(tick.y + 3.5) text-anchor="end">{tick.text.clone()}</text>
            }
        })
        .collect_view();
    view! {
        <text class="axis-heading" x=left y=rounded(panel.top - 11.0)>{heading}</text>
        {ticks}
        <path class="axis" d=format!("M{left} {}H{right}", panel.bottom)/>
    }
}

fn bar(slot: &Slot, top: f64, bottom: f64, hatching: &str) -> AnyView {
    let Slot { window, x, width, centre, bar_y, .. } = slot;
    let (x, width, centre) = (*x, *width, *centre);
    let when = format!("{}–{} UTC", short_clock(window.start), short_clock(window.end));
    let height = rounded(bottom - top);
    match (window.state, bar_y) {
        (WindowState::Empty, _) => view! {
            <g class="slot is-empty">
                <title>{format!("{when}: empty, no clicks were counted")}</title>
                <rect class="slot-bed" x=x y=top width=width height=height fill=hatching.to_owned()/>
                {(width >= 34.0).then(|| view! { <text class="slot-word" x=centre y=bottom - 8.0 text-anchor="middle">"empty"</text> })}
            </g>
        }
        .into_any(),
        (WindowState::Awaited, None) => view! {
            <g class="slot is-awaited">
                <title>{format!("{when}: closed, its counts are awaited")}</title>
                <rect class="slot-bed" x=x y=top width=width height=height/>
            </g>
        }
        .into_any(),
        (state, bar_y) => {
            let y = bar_y.unwrap_or(bottom);
            let clicks = window.views.map_or_else(|| "clicks not known".to_owned(), |views| counted(views, "click", "clicks"));
            let late = matches!(state, WindowState::Late { .. });
            let remark = note(state);
            let title = if remark.is_empty() { format!("{when}: {clicks}") } else { format!("{when}: {clicks}, {remark}") };
            let mark = format!("M{centre} {}l4 -5h-8Z", rounded(y - 3.0));
            view! {
                <g class="slot" class:is-late=late>
                    <title>{title}</title>
                    <rect class="bar" x=x y=y width=width height=rounded(bottom - y)/>
                    {late.then(|| view! { <path class="late-mark" d=mark/> })}
                </g>
            }
            .into_any()
        }
    }
}

/// The chart in a few sentences.
fn description(chart: &ChartView) -> String {
    let windows = chart.windows.len() as u64;
    let with_counts = || chart.windows.iter().filter_map(|window| window.views.map(|views| (window, views)));
    let Some((busiest, most)) = with_counts().max_by_key(|(_, views)| *views) else {
        return format!("{}, none with counts yet.", counted(windows, "window", "windows"));
    };
    let sum: u64 = with_counts().map(|(_, views)| views).sum();
    let empty = chart.windows.iter().filter(|window| window.state == WindowState::Empty).count() as u64;
    let late = chart.windows.iter().filter(|window| matches!(window.state, WindowState::Late { .. })).count() as u64;
    format!(
        "{} of {} from {} UTC, with {} in all. The busiest began at {} with {}. {} empty, {} late. The table below has every number.",
        counted(windows, "window", "windows"),
        counted(u64::from(chart.window_seconds), "second", "seconds"),
        chart.windows.first().map(|window| short_clock(window.start)).unwrap_or_default(),
        counted(sum, "click", "clicks"),
        short_clock(busiest.start),
        grouped(most),
        grouped(empty),
        grouped(late),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WindowView;

    #[test]
    fn the_description_sums_up_the_windows() {
        let window = |start, views, state| WindowView {
            start,
            end: start + 60,
            views,
            distinct_pages: None,
            top_pages: Vec::new(),
            state,
        };
        let windows = vec![
            window(0, Some(1200), WindowState::Complete),
            window(60, None, WindowState::Empty),
            window(120, Some(34), WindowState::Late { by_seconds: 25 }),
        ];
        let chart = ChartView { window_seconds: 60, windows, table: String::new(), read_at: None };
        assert_eq!(
            description(&chart).replace(['\u{a0}', '\u{202f}'], " "),
            "3 windows of 60 seconds from 00:00 UTC, with 1 234 clicks in all. The busiest began at 00:00 with 1 200. \
             1 empty, 1 late. The table below has every number."
        );
    }
}
