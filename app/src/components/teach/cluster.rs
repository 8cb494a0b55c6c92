//! Learners with the same trouble.

use super::{ActForm, ClassDesk, HintForm, words::short_length};
use crate::{
    format::{counted, machine_time, short_clock},
    model::teach::{Act, ClusterView},
};
use leptos::prelude::*;
use leptos_router::components::A;

#[component]
pub fn Cluster(cluster: ClusterView, may_help: bool) -> impl IntoView {
    let class = expect_context::<ClassDesk>().class.get_value();
    let ClusterView {
        id,
        step_number,
        step_title,
        cause,
        check_title,
        is_learners,
        learners,
        of,
        median_seconds,
        hinted_at,
        suggestions,
    } = cluster;
    let count = learners.len() as u64;
    let anchor: String = id.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let whom = if count == 1 { "this learner".to_owned() } else { format!("all {count}") };
    let share = (count * 100 / u64::from(of.max(1))).min(100);
    let names = learners
        .into_iter()
        .map(|learner| {
            let name = learner.shown_name();
            view! { <li><A href=format!("/teach/classes/{class}/learners/{}", learner.id)>{name}</A></li> }
        })
        .collect_view();
    view! {
        <article class="cluster" id=format!("cluster-{anchor}") aria-labelledby=format!("cluster-{anchor}-title")>
            <h3 id=format!("cluster-{anchor}-title")>
                <span class="cluster-share">{format!("{count} of {of}")}</span>
                {cause}
            </h3>
            <svg class="meter" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                <rect class="meter-bed" width="100" height="4"/>
                <rect class="meter-water" height="4" width=share.to_string()/>
            </svg>
            <p class="cluster-facts">
                {format!("Step {step_number}, {step_title}: “{check_title}” does not pass. Median {}.", short_length(median_seconds))}
                {hinted_at
                    .map(|at| {
                        view! {
                            " A hint went to them at "
                            <time datetime=machine_time(at)>{short_clock(at)}</time>
                            " UTC."
                        }
                    })}
            </p>
            {(!is_learners)
                .then(|| view! { <p class="setting-trouble">"A service gave no usable answer: not the learners' fault."</p> })}
            <details class="cluster-learners">
                <summary>{counted(count, "learner", "learners")}</summary>
                <ul class="name-list">{names}</ul>
            </details>
            {may_help
                .then(|| {
                    let resolve = vec![("cluster", id.clone())];
                    view! {
                        <details class="cluster-help">
                            <summary>{if count == 1 { "Send a hint" } else { "Send all a hint" }}</summary>
                            <HintForm id=format!("hint-{anchor}") to=("cluster", id.clone()) whom suggestions/>
                        </details>
                        <ActForm act=Act::ResolveCluster id=format!("resolve-{anchor}") hidden=resolve button="Dealt with" is_quiet=true class="inline-form"/>
                    }
                })}
        </article>
    }
    .into_any()
}
