use super::{TeachBar, loaded, waiting_notice};
use crate::{
    components::{
        Icon, icon,
        teach::{ClassDesk, ClassFrame, ClassLive, Histogram, LogHead},
    },
    error::BackendError,
    format::{counted, day_and_time, machine_time},
    model::{
        Notice,
        teach::{CheckTally, ClassResultsView, ResultRow, ResultsQuery, StepPointsEarned, TallyStep},
    },
    teach_api,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    components::A,
    hooks::{use_params_map, use_query_map},
};

/// Points of everyone, ways to take them along, and the end of the log.
#[component]
pub fn ClassResults() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let asked = Memo::new(move |_| {
        let class = params.with(|params| params.get("id").unwrap_or_default());
        let query = query.with(|query| ResultsQuery {
            by_points: query.get("sort").as_deref() == Some("points"),
            page: query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1),
        });
        (class, query)
    });
    let data = Resource::new(move || asked.get(), |(class, query)| load(class, query));
    loaded(data, move |(results, notice)| {
        let by_points = asked.with_untracked(|(_, query)| query.by_points);
        view! { <Body results notice by_points/> }.into_any()
    })
}

async fn load(class: String, query: ResultsQuery) -> Result<(ClassResultsView, Option<Notice>), BackendError> {
    Ok((teach_api::class_results(class, query).await?, waiting_notice().await))
}

#[component]
fn Body(results: ClassResultsView, notice: Option<Notice>, by_points: bool) -> impl IntoView {
    let ClassResultsView { class, steps, points_possible, rows, learners, page, pages, totals, head } = results;
    let path = format!("/teach/classes/{}/results", class.id);
    ClassDesk::provide(class.id.clone(), path.clone(), notice, Callback::new(|()| ()));
    let live = ClassLive::new(&class);
    let followed = class.id.clone();
    Effect::new(move |_| live.follow(&followed));
    let is_empty = learners == 0;
    let id = class.id.clone();
    view! {
        <Title text=format!("Results · {} · Headwater", class.name)/>
        <TeachBar/>
        <ClassFrame class live>
            <div class="class-results">
                <div class="downloads">
                    <a class="button is-quiet" rel="external" href=format!("{path}.csv") download="">
                        {icon(Icon::Download)} "CSV for a spreadsheet"
                    </a>
                    <a class="button is-quiet" rel="external" href=format!("{path}.json") download="">
                        {icon(Icon::Download)} "JSON with the whole log"
                    </a>
                </div>
                {is_empty
                    .then(|| view! { <p class="queue-empty">"Nobody is in the class yet, so there is nothing to grade."</p> })}
                <section aria-labelledby="spread-title" hidden=is_empty>
                    <h2 id="spread-title">"Points in all"</h2>
                    <Histogram totals possible=points_possible/>
                </section>
                <section aria-labelledby="learners-title" hidden=is_empty>
                    <div class="results-head">
                        <h2 id="learners-title">{counted(u64::from(learners), "learner", "learners")}</h2>
                        <p class="results-order">
                            "In order of "
                            {order_link(&path, "name", "names", !by_points)}
                            " · "
                            {order_link(&path, "points", "points", by_points)}
                        </p>
                    </div>
                    <Learners class=id steps=steps.clone() rows possible=points_possible/>
                    <Pager path by_points page pages/>
                </section>
                <section aria-labelledby="checks-title">
                    <h2 id="checks-title">"Check by check"</h2>
                    <Tallies steps learners/>
                </section>
                <LogHead head/>
            </div>
        </ClassFrame>
    }
    .into_any()
}

fn order_link(path: &str, sort: &str, words: &'static str, is_chosen: bool) -> AnyView {
    if is_chosen {
        view! { <strong>{words}</strong> }.into_any()
    } else {
        view! { <A href=format!("{path}?sort={sort}")>{words}</A> }.into_any()
    }
}

#[component]
fn Learners(class: String, steps: Vec<TallyStep>, rows: Vec<ResultRow>, possible: u32) -> impl IntoView {
    let heads = steps
        .into_iter()
        .map(|step| {
            view! {
                <th scope="col" class="number">
                    <abbr title=step.title>{step.number}</abbr>
                    <span class="visually-hidden">{format!(", of {} points", step.points)}</span>
                </th>
            }
        })
        .collect_view();
    let rows = rows
        .into_iter()
        .map(|row| {
            let name = row.shown_name();
            let ResultRow { learner, steps, total, finished_at, .. } = row;
            let steps = steps.into_iter().map(earned).collect_view();
            view! {
                <tr>
                    <th scope="row"><A href=format!("/teach/classes/{class}/learners/{learner}")>{name}</A></th>
                    {steps}
                    <td class="number"><strong>{total.to_string()}</strong></td>
                    <td>
                        {finished_at.map(|at| view! { <time datetime=machine_time(at)>{day_and_time(at)}</time> })}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="results-scroll" tabindex="0" role="region" aria-label="Points of each learner">
            <table class="results-table">
                <thead>
                    <tr>
                        <th scope="col">"Learner"</th>
                        {heads}
                        <th scope="col" class="number">{format!("Of {possible}")}</th>
                        <th scope="col">"Finished"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn earned(step: StepPointsEarned) -> impl IntoView {
    let StepPointsEarned { points, is_passed, assisted } = step;
    view! {
        <td class="number" class:is-passed=is_passed>
            {points.to_string()}
            {assisted.then(|| view! { <abbr class="cell-assisted" title="Assisted: the step was done for the learner">"A"</abbr> })}
        </td>
    }
}

#[component]
fn Pager(path: String, by_points: bool, page: u32, pages: u32) -> impl IntoView {
    let sort = if by_points { "points" } else { "name" };
    let link = |to: u32, words: &'static str| {
        (to >= 1 && to <= pages).then(|| view! { <A href=format!("{path}?sort={sort}&page={to}")>{words}</A> })
    };
    (pages > 1).then(|| {
        view! {
            <nav class="pager" aria-label="Pages of the results">
                {link(page.saturating_sub(1), "Before")}
                <span>{format!("Page {page} of {pages}")}</span>
                {link(page + 1, "After")}
            </nav>
        }
    })
}

#[component]
fn Tallies(steps: Vec<TallyStep>, learners: u32) -> impl IntoView {
    let steps = steps
        .into_iter()
        .map(|step| {
            let TallyStep { number, title, points, checks, .. } = step;
            let checks = checks.into_iter().map(|check| tally(check, learners)).collect_view();
            view! {
                <tbody>
                    <tr class="tally-step">
                        <th scope="rowgroup">{format!("{number} {title}")}</th>
                        <td class="number">{points}</td>
                        <td></td>
                        <td></td>
                    </tr>
                    {checks}
                </tbody>
            }
        })
        .collect_view();
    view! {
        <div class="results-scroll" tabindex="0" role="region" aria-label="How the class did in each check">
            <table class="tallies">
                <thead>
                    <tr>
                        <th scope="col">"Check"</th>
                        <th scope="col" class="number">"Points"</th>
                        <th scope="col" class="number">"Passed"</th>
                        <th scope="col" class="number">"Assisted"</th>
                    </tr>
                </thead>
                {steps}
            </table>
        </div>
    }
    .into_any()
}

fn tally(check: CheckTally, learners: u32) -> impl IntoView {
    let CheckTally { title, points, passed, assisted, .. } = check;
    view! {
        <tr>
            <th scope="row">{title}</th>
            <td class="number">{points}</td>
            <td class="number">{format!("{passed} of {learners}")}</td>
            <td class="number">{assisted}</td>
        </tr>
    }
}
