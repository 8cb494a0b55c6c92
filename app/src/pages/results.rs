use super::problem::Problem;
use crate::{
    api,
    components::{Chart, ChartSize, CostBar, Icon, Notices, Receipt, class::ClassBar, icon},
    error::BackendError,
    format::{counted, day_and_time, machine_time},
    model::{CheckResult, CostView, MembershipView, Notice, ReceiptView, ResultsView, StepResult},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use serde::{Deserialize, Serialize};

/// Everything the page is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Loaded {
    results: ResultsView,
    class: Option<MembershipView>,
    notice: Option<Notice>,
}

/// The whole lab on one page, to print and keep.
#[component]
pub fn Results() -> impl IntoView {
    let data = Resource::new(|| (), |()| load());
    view! {
        <Title text="Results · Headwater"/>
        <Transition>
            {move || Suspend::new(async move {
                match data.await {
                    Ok(loaded) => view! { <Body loaded/> }.into_any(),
                    Err(error) => view! { <Problem error/> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

async fn load() -> Result<Loaded, BackendError> {
    let results = api::results().await?;
    let class = api::membership().await?;
    let notice = api::take_notice().await.ok().flatten();
    Ok(Loaded { results, class, notice })
}

#[component]
fn Body(loaded: Loaded) -> impl IntoView {
    let Loaded { results, class, notice } = loaded;
    provide_context(Notices(RwSignal::new(notice)));
    let ResultsView {
        learner,
        account_id,
        region,
        started_at,
        finished_at,
        steps,
        chart,
        clicks_accepted,
        engine,
        is_account,
        receipt,
    } = results;
    let (heading, lead) = match finished_at {
        Some(_) => {
            ("You built it, saw it run, and cleaned it up", "Every step is passed. This page is yours to print.")
        }
        None => ("So far", "What is passed stays passed. Come back when the rest is done."),
    };
    let account_word = if is_account { "Account on AWS" } else { "Account in the sandbox" };
    let cost = receipt.as_ref().filter(|_| is_account).map(cost_of);
    let counted_clicks: u64 = chart.windows.iter().filter_map(|window| window.views).sum();
    let current = learner.current_step.clone();
    let class = RwSignal::new(class);
    let steps = steps.into_iter().map(|step| view! { <StepCard step/> }).collect_view();
    let chart = RwSignal::new(chart);
    view! {
        <CostBar cost=Signal::stored(cost)/>
        <ClassBar class step=learner.current_step.clone() page=String::new()/>
        <main class="results" id="main" tabindex="-1">
            <p class="step-place">
                {format!("{} of {} steps passed", learner.steps_passed, learner.steps_total)}
            </p>
            <h1>{heading}</h1>
            <p class="lead">{lead}</p>
            <dl class="facts">
                <div>
                    <dt>{account_word}</dt>
                    <dd>
                        {if account_id.is_empty() {
                            "not connected yet".into_any()
                        } else {
                            view! { <code>{account_id}</code> }.into_any()
                        }}
                    </dd>
                </div>
                <div>
                    <dt>"Region"</dt>
                    <dd><code>{region}</code></dd>
                </div>
                <div>
                    <dt>"Counted by"</dt>
                    <dd>{engine}</dd>
                </div>
                <div>
                    <dt>"Started"</dt>
                    <dd><time datetime=machine_time(started_at)>{day_and_time(started_at)}</time></dd>
                </div>
                {finished_at
                    .map(|at| {
                        view! {
                            <div>
                                <dt>"Finished"</dt>
                                <dd><time datetime=machine_time(at)>{day_and_time(at)}</time></dd>
                            </div>
                        }
                    })}
                <div>
                    <dt>"Sent"</dt>
                    <dd>{counted(clicks_accepted, "row", "rows")}</dd>
                </div>
                <div>
                    <dt>"Counted"</dt>
                    <dd>{counted(counted_clicks, "click", "clicks")} " in the windows below"</dd>
                </div>
            </dl>
            <Chart chart size=ChartSize::Wide/>
            <section aria-labelledby="results-steps">
                <h2 id="results-steps">"Steps"</h2>
                <ol class="results-steps">{steps}</ol>
            </section>
            <Receipt receipt=Signal::stored(receipt) is_account/>
            <p class="results-end">
                <A href=format!("/lab/{current}") attr:class="button">"Back to the lab"</A>
            </p>
        </main>
    }
    .into_any()
}

/// What the receipt says about money.
fn cost_of(receipt: &ReceiptView) -> CostView {
    let resources = receipt.remaining.iter().filter(|resource| resource.must_go).count() as u32;
    CostView { per_hour: receipt.cost_per_hour, resources, read_at: receipt.read_at }
}

#[component]
fn StepCard(step: StepResult) -> impl IntoView {
    let StepResult { summary, passed_at, checks, hints_used, assisted_at, questions_right, questions_total } = step;
    let passed = passed_at.is_some();
    let when = match passed_at {
        Some(at) => view! { "Passed " <time datetime=machine_time(at)>{day_and_time(at)}</time> }.into_any(),
        None => format!("{} of {} checks pass", summary.checks_passed, summary.checks_total).into_any(),
    };
    let mut remarks =
        vec![format!("{questions_right} of {} right", counted(u64::from(questions_total), "question", "questions"))];
    if hints_used > 0 {
        remarks.push(format!("{} used", counted(u64::from(hints_used), "hint", "hints")));
    }
    let checks = checks.into_iter().map(check_line).collect_view();
    view! {
        <li class="result" class:is-passed=passed>
            <h3>
                <span class="stone" aria-hidden="true">
                    {if passed { icon(Icon::Check).into_any() } else { summary.number.to_string().into_any() }}
                </span>
                <A href=format!("/lab/{}", summary.slug)>{summary.title}</A>
            </h3>
            <p class="result-when">{when}</p>
            <p class="result-remarks">{remarks.join(" · ")}</p>
            {assisted_at
                .map(|at| {
                    view! {
                        <p class="result-assisted">
                            <span class="assisted-mark">"Assisted"</span>
                            " The step was done for the learner "
                            <time datetime=machine_time(at)>{day_and_time(at)}</time>
                        </p>
                    }
                })}
            <ul class="result-checks">{checks}</ul>
        </li>
    }
    .into_any()
}

fn check_line(check: CheckResult) -> impl IntoView {
    let passed = check.passed_at.is_some();
    view! {
        <li class:is-passed=passed>
            {icon(if passed { Icon::Check } else { Icon::Ring })}
            <span>
                <span class="visually-hidden">{if passed { "Passes: " } else { "Not yet: " }}</span>
                {check.title}
            </span>
        </li>
    }
}
