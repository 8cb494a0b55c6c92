//! How the totals are spread.

use crate::{format::counted, model::teach::Points};
use leptos::prelude::*;

/// Bars, from no points to all of them.
const BARS: u32 = 10;
const WIDTH: u32 = 400;
const HEIGHT: u32 = 120;

#[component]
pub fn Histogram(totals: Vec<Points>, possible: u32) -> impl IntoView {
    let learners = totals.len() as u64;
    let bars = spread(totals, possible);
    let most = bars.iter().copied().max().unwrap_or_default().max(1);
    let width = WIDTH / BARS;
    let drawn = bars
        .iter()
        .zip(0_u32..)
        .map(|(count, place)| {
            let height = (count * HEIGHT / most).max(u32::from(*count > 0));
            view! {
                <g>
                    <rect
                        class="bar"
                        x=(place * width + 2).to_string()
                        y=(HEIGHT - height + 16).to_string()
                        width=(width - 4).to_string()
                        height=height.to_string()
                    />
                    {(*count > 0)
                        .then(|| {
                            view! {
                                <text x=(place * width + width / 2).to_string() y=(HEIGHT - height + 11).to_string() text-anchor="middle">
                                    {*count}
                                </text>
                            }
                        })}
                </g>
            }
        })
        .collect_view();
    let rows = bars
        .iter()
        .zip(0_u32..)
        .map(|(count, place)| {
            view! {
                <tr>
                    <th scope="row">{range(place, possible)}</th>
                    <td class="number">{*count}</td>
                </tr>
            }
        })
        .collect_view();
    let title = format!("How the points of {} are spread", counted(learners, "learner", "learners"));
    view! {
        <figure class="histogram">
            <svg class="chart-figure" viewBox=format!("0 0 {WIDTH} {}", HEIGHT + 40) role="img" aria-label=title>
                {drawn}
                <path class="axis" d=format!("M0 {0}H{WIDTH}", HEIGHT + 16)/>
                <text x="0" y=(HEIGHT + 34).to_string()>"0 points"</text>
                <text x=WIDTH.to_string() y=(HEIGHT + 34).to_string() text-anchor="end">{possible}</text>
            </svg>
            <details class="data-table">
                <summary>"The numbers"</summary>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Points"</th>
                            <th scope="col" class="number">"Learners"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </details>
        </figure>
    }
    .into_any()
}

/// How many totals fall into each bar.
fn spread(totals: impl IntoIterator<Item = Points>, possible: u32) -> Vec<u32> {
    let mut bars = vec![0; BARS as usize];
    for total in totals {
        let place = u64::from(total.hundredths) * u64::from(BARS) / (u64::from(possible.max(1)) * 100);
        if let Some(bar) = bars.get_mut(place.min(u64::from(BARS) - 1) as usize) {
            *bar += 1;
        }
    }
    bars
}

/// The points that belong to a bar.
fn range(place: u32, possible: u32) -> String {
    let edge = |place: u32| (u64::from(place) * u64::from(possible.max(1))).div_ceil(u64::from(BARS));
    let (from, to) =
        (edge(place), if place + 1 == BARS { u64::from(possible) } else { edge(place + 1).saturating_sub(1) });
    if to <= from { from.to_string() } else { format!("{from} to {to}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_total_falls_into_the_bar_that_names_it() {
        let bars = spread([0, 4, 5, 49, 50, 60].map(Points::whole), 50);
        assert_eq!(bars, [2, 1, 0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(
            (range(0, 50).as_str(), range(1, 50).as_str(), range(9, 50).as_str()),
            ("0 to 4", "5 to 9", "45 to 50")
        );
    }

    #[test]
    fn a_class_without_points_has_one_bar() {
        assert_eq!(spread([Points::default(); 2], 0)[0], 2);
    }
}
