use super::problem::Problem;
use crate::{
    api,
    components::{
        Account, ActionPanel, CatchUp, Chart, ChartSize, Checks, CostBar, DemoPanel, DemoProgress, Hints, Hydrated,
        Icon, Instructions, Keys, Names, NoticeBox, Notices, PipelineDown, Prose, Quiz, Receipt, ResumeCode, River,
        Trace, UploadPanel,
        class::{ClassBar, ClassHints},
        icon, waiting_notice,
    },
    error::BackendError,
    live::{self, Live},
    model::{
        AccountView, ConnectView, ConnectWay, LabView, MembershipView, MintedKeys, Notice, PlaceView, StepLink,
        StepSummary, StepView, about,
    },
};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{components::A, hooks::use_params_map};
use serde::{Deserialize, Serialize};

/// The steps that have parts of their own besides the lab's text.
const CONNECT: &str = "connect";
const INGEST: &str = "ingest";
const CLEAN_UP: &str = "clean-up";

/// Everything a step's page is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Loaded {
    lab: LabView,
    step: StepView,
    class: Option<MembershipView>,
    notice: Option<Notice>,
    /// What is shown once, on the step where it belongs.
    secrets: Secrets,
}

/// Made a moment ago and handed out once. They are taken here and not in the components that show them, since those are
/// made more than once while a page is rendered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Secrets {
    keys: Option<MintedKeys>,
    resume_code: Option<String>,
}

/// One step: the river of steps, the text, and the live state.
#[component]
pub fn StepPage() -> impl IntoView {
    let params = use_params_map();
    let slug = Memo::new(move |_| params.with(|params| params.get("slug").unwrap_or_default()));
    let data = Resource::new(move || slug.get(), load);
    view! {
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

async fn load(slug: String) -> Result<Loaded, BackendError> {
    let step = api::step(slug).await?;
    let lab = api::lab().await?;
    let class = api::membership().await?;
    let notice = api::take_notice().await.ok().flatten();
    let secrets = if step.summary.slug == CONNECT {
        Secrets {
            keys: api::take_minted_keys().await.ok().flatten(),
            resume_code: api::take_resume_code().await.ok().flatten(),
        }
    } else {
        Secrets::default()
    };
    Ok(Loaded { lab, step, class, notice, secrets })
}

#[component]
fn Body(loaded: Loaded) -> impl IntoView {
    let Loaded { lab, step, class, notice, secrets } = loaded;
    provide_context(Notices(RwSignal::new(notice)));
    let StepSummary { slug, number, title, minutes, .. } = step.summary.clone();
    let last = lab.steps.len().saturating_sub(1);
    let account = lab.account.clone();
    let live = Live::new(lab, step.clone(), class);
    let followed = slug.clone();
    Effect::new(move |_| live::follow(live, &followed));

    let refreshed = slug.clone();
    let on_done = Callback::new(move |()| spawn_local(live.refresh(refreshed.clone())));

    let heading = NodeRef::<leptos::html::H1>::new();
    focus_after_navigation(heading);

    let welcome = [about::START, about::RESUME, about::JOIN].into_iter().find_map(waiting_notice);
    let StepView { actions, previous, next, .. } = step;
    let is_account = matches!(account.place, PlaceView::Account(_));
    // In an account of the learner's own the page makes nothing, so that there is nothing to do in it.
    let only_cli = is_account && actions.is_empty();
    let count = actions.len();
    let forms = actions
        .into_iter()
        .zip(1_u32..)
        .map(|(action, number)| {
            view! { <ActionPanel slug=slug.clone() action number=(count > 1).then_some(number) on_done/> }
        })
        .collect_view();
    let (own_before, own_after) = match slug.as_str() {
        CONNECT => {
            let names = names_of_account(live, on_done);
            let code = view! { <ResumeCode code=secrets.resume_code/> };
            let place = view! { <OwnPlace live account keys=secrets.keys on_done/> };
            if is_account {
                // A role is limited to the names, so that they are chosen before it is made.
                (Some(view! { {place} {names} {code} }.into_any()), None)
            } else {
                (Some(view! { {place} {code} }.into_any()), Some(names.into_any()))
            }
        }
        INGEST => (
            None,
            Some(
                view! {
                    <DemoPanel live slug=slug.clone()/>
                    <UploadPanel live/>
                }
                .into_any(),
            ),
        ),
        _ => (None, None),
    };
    let text = move |read: fn(&StepView) -> &String| Memo::new(move |_| live.step.with(|step| read(step).clone()));
    let aim_html = text(|step| &step.aim_html);
    let traced = number >= 2 && slug != INGEST;
    let shows_chart = {
        let early = number < 2;
        move || !early || live.chart.with(|chart| !chart.windows.is_empty())
    };
    let wide_chart = slug == "results";
    let beside = slug.clone();
    view! {
        <Title text=format!("{title} · Headwater")/>
        <CostBar cost=live.cost/>
        <ClassBar class=live.class step=slug.clone() page=slug.clone()/>
        <div class="lab">
            <River live current=slug.clone()/>
            <main class="step" id="main" tabindex="-1">
                <p class="step-place">
                    {format!("Step {number} of {last}")} <span class="step-minutes">{format!("about {minutes} min")}</span>
                </p>
                <h1 tabindex="-1" node_ref=heading>{title}</h1>
                <ClassHints class=live.class page=slug.clone()/>
                <NoticeBox notice=Signal::derive(move || welcome.clone())/>
                <p class="lead" inner_html=move || aim_html.get()></p>
                {(is_account && slug != CONNECT).then(|| view! { <NotConnected live/> })}
                {own_before}
                <section class="background" aria-labelledby="background-title">
                    <h2 id="background-title">"Background"</h2>
                    <Prose html=text(|step| &step.background_html)/>
                </section>
                {(slug == CLEAN_UP).then(|| view! { <Receipt receipt=live.receipt is_account/> })}
                <Instructions page_html=text(|step| &step.page_html) cli_html=text(|step| &step.cli_html) only_cli>
                    {forms}
                    {own_after}
                </Instructions>
                {(slug == INGEST).then(|| view! { <Trace live/> })}
                {wide_chart.then(|| view! { <Chart chart=live.chart size=ChartSize::Wide/> })}
                <Hints live slug=slug.clone() on_done/>
                <CatchUp live slug=slug.clone() on_done/>
                <Quiz live slug=slug.clone() on_done/>
                <Turn previous next/>
            </main>
            <aside class="state" aria-label="What the lab sees">
                <Checks live slug=slug.clone()/>
                {(beside != INGEST)
                    .then(|| {
                        let has_run = move || live.demo.with(|demo| demo.state != crate::model::DemoState::Idle);
                        view! {
                            <section class="panel sender" aria-labelledby="sender-title" hidden=move || !has_run()>
                                <div class="panel-head">
                                    <h2 id="sender-title">"Clicks"</h2>
                                    <A href="/lab/ingest#demo" attr:class="panel-link">"Send more"</A>
                                </div>
                                <DemoProgress live slug=beside/>
                            </section>
                        }
                    })}
                {traced.then(|| view! { <Trace live/> })}
                <PipelineDown live/>
                {(!wide_chart)
                    .then(|| {
                        view! {
                            <div hidden=move || !shows_chart()>
                                <Chart chart=live.chart size=ChartSize::Compact/>
                            </div>
                        }
                    })}
            </aside>
            <CheckBar live/>
        </div>
    }
    .into_any()
}

/// The learner's account: its keys in the sandbox, or how an account of the learner's own is connected.
#[component]
fn OwnPlace(live: Live, account: AccountView, keys: Option<MintedKeys>, on_done: Callback<()>) -> impl IntoView {
    let AccountView { account_id, region, place, .. } = account;
    match place {
        PlaceView::Sandbox { endpoint, access_keys } => {
            view! { <Keys account_id region endpoint access_keys minted=keys on_done/> }.into_any()
        }
        PlaceView::Account(_) => view! { <Account live on_done/> }.into_any(),
    }
}

/// Says so where the checks have no account to look at.
#[component]
fn NotConnected(live: Live) -> impl IntoView {
    let connected = Memo::new(move |_| {
        live.account.with(|account| match &account.place {
            PlaceView::Sandbox { .. } => true,
            PlaceView::Account(view) => view.connected.is_some(),
        })
    });
    let news = move || {
        (!connected.get()).then(|| {
            view! {
                <div class="notice is-info">
                    {icon(Icon::Info)}
                    <div>
                        <p>
                            "Your account is not connected, so the checks cannot look at it. "
                            <A href="/lab/connect#account">"Connect it first"</A> "."
                        </p>
                    </div>
                </div>
            }
        })
    };
    view! { <div class="notice-slot">{news}</div> }.into_any()
}

/// The learner's names once the account is known. They follow from it, so that another account makes the form anew.
fn names_of_account(live: Live, on_done: Callback<()>) -> impl IntoView {
    let account = Memo::new(move |_| live.account.with(|account| (known_account(account), account.region.clone())));
    move || {
        let (number, _) = account.get();
        let names = live.account.with_untracked(|account| account.names.clone());
        number.map(|_| view! { <Names names on_done/> })
    }
}

/// The account's number: of the one that is connected, or of the one that a role is being made in.
fn known_account(account: &AccountView) -> Option<String> {
    match &account.place {
        PlaceView::Account(ConnectView { way: ConnectWay::Role { offer: Some(offer), .. }, .. }) => {
            Some(offer.account_id.clone())
        }
        _ => Some(account.account_id.clone()).filter(|number| !number.is_empty()),
    }
}

/// Back and forth between the steps.
#[component]
fn Turn(previous: Option<StepLink>, next: Option<StepLink>) -> impl IntoView {
    let previous = previous.map(|step| {
        view! {
            <A href=format!("/lab/{}", step.slug) attr:class="turn-back" attr:rel="prev">
                <span class="turn-arrow">{icon(Icon::Arrow)}</span>
                <span><small>"Before"</small>{step.title}</span>
            </A>
        }
    });
    let next = match next {
        Some(step) => view! {
            <A href=format!("/lab/{}", step.slug) attr:class="turn-on" attr:rel="next">
                <span><small>"Next"</small>{step.title}</span>
                <span class="turn-arrow">{icon(Icon::Arrow)}</span>
            </A>
        }
        .into_any(),
        None => view! {
            <A href="/results" attr:class="turn-on">
                <span><small>"The end"</small>"See your results"</span>
                <span class="turn-arrow">{icon(Icon::Arrow)}</span>
            </A>
        }
        .into_any(),
    };
    view! {
        <nav class="turn" aria-label="Steps before and after">
            {previous}
            {next}
        </nav>
    }
    .into_any()
}

/// On a phone, where the checks are far below: a way to them that is always there.
#[component]
fn CheckBar(live: Live) -> impl IntoView {
    let words = move || {
        live.checks.with(|checks| {
            let passed = checks.iter().filter(|check| check.passed_at.is_some()).count();
            format!("{passed} of {} checks pass", checks.len())
        })
    };
    view! {
        <a class="check-bar" href="#checks">
            {move || words()}
            <span aria-hidden="true">{icon(Icon::Arrow)}</span>
        </a>
    }
    .into_any()
}

/// After a turn to another step the heading takes the focus, as a fresh page would start at its top.
fn focus_after_navigation(heading: NodeRef<leptos::html::H1>) {
    let navigated = use_context::<Hydrated>().is_some_and(|Hydrated(hydrated)| hydrated.get_untracked());
    Effect::new(move |_| {
        if navigated && let Some(heading) = heading.get() {
            let _ = heading.focus();
        }
    });
}
