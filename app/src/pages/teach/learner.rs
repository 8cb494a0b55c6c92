use super::{TeachBar, board::ticking, loaded, waiting_notice};
use crate::{
    components::teach::{
        ActForm, CheckReport, ClassDesk, ClassFrame, ClassLive, Confirmed, HintForm, cell_words, short_length,
    },
    error::BackendError,
    format::{clock, day_and_time, machine_time},
    model::{
        Notice,
        teach::{
            Act, CellView, ClassLearnerView, HelpSubject, LearnerStepView, Membership, Points, Right, RowView,
            SentHintView, TimelineView,
        },
    },
    teach_api,
};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

/// One learner: what they did, what the checks read, and how to help.
#[component]
pub fn ClassLearner() -> impl IntoView {
    let params = use_params_map();
    let asked = Memo::new(move |_| {
        params.with(|params| (params.get("id").unwrap_or_default(), params.get("learner").unwrap_or_default()))
    });
    let data = Resource::new(move || asked.get(), |(class, learner)| load(class, learner));
    loaded(data, |(learner, notice)| view! { <Body learner notice/> }.into_any())
}

async fn load(class: String, learner: String) -> Result<(ClassLearnerView, Option<Notice>), BackendError> {
    Ok((teach_api::class_learner(class, learner).await?, waiting_notice().await))
}

#[component]
fn Body(learner: ClassLearnerView, notice: Option<Notice>) -> impl IntoView {
    let class = learner.class.clone();
    let id = learner.row.learner.clone();
    let class_id = class.id.clone();
    let path = format!("/teach/classes/{class_id}/learners/{id}");
    let now = ticking(learner.read_at);
    let live = ClassLive::new(&class);
    let title = format!("{} · {} · Headwater", learner.row.shown_name(), class.name);
    let may_help = class.role.may(Right::Help);
    let suggestions = learner.suggestions.clone();
    let view = RwSignal::new(learner);
    let refresh = {
        let (class, learner) = (class_id.clone(), id.clone());
        Callback::new(move |()| {
            let (class, learner) = (class.clone(), learner.clone());
            spawn_local(async move {
                if let Ok(fresh) = teach_api::class_learner(class, learner).await {
                    view.try_set(fresh);
                }
            });
        })
    };
    ClassDesk::provide(class_id.clone(), path, notice, refresh);
    let followed = id.clone();
    Effect::new(move |_| live.follow_learner(&class_id, &followed));
    Effect::new(move |before: Option<()>| {
        live.learner.track();
        if before.is_some() {
            refresh.run(());
        }
    });
    let row = Memo::new(move |_| view.with(|view| view.row.clone()));
    let membership = Memo::new(move |_| view.with(|view| view.membership));
    let name = Memo::new(move |_| row.with(RowView::shown_name));
    let lab = view.with_untracked(|view| view.lab.clone());
    let possible = view.with_untracked(|view| view.points_possible);
    let count = view.with_untracked(|view| view.steps.len());
    let steps = (0..count).map(|place| view! { <Step view place now/> }).collect_view();
    let whom = name.get_untracked();
    let hint_to = ("learner", id.clone());
    let actions = id.clone();
    view! {
        <Title text=title/>
        <TeachBar/>
        <ClassFrame class live>
            <article class="learner" aria-labelledby="learner-name">
                <header class="learner-head">
                    <h2 id="learner-name">{move || name.get()}</h2>
                    <p class="learner-facts">
                        {move || membership_words(membership.get())}
                        " · "
                        {lab}
                    </p>
                    <dl class="facts">
                        <div>
                            <dt>"Points"</dt>
                            <dd>{move || format!("{} of {possible}", row.with(|row| row.points))}</dd>
                        </div>
                        <div>
                            <dt>"Steps passed"</dt>
                            <dd>{move || format!("{} of {count}", row.with(RowView::steps_passed))}</dd>
                        </div>
                        <div>
                            <dt>"Last seen"</dt>
                            <dd>
                                {move || {
                                    let at = row.with(|row| row.last_at);
                                    let ago = short_length(u64::try_from(now.get() - at).unwrap_or_default());
                                    view! { <time datetime=machine_time(at)>{format!("{ago} ago")}</time> }
                                }}
                            </dd>
                        </div>
                    </dl>
                </header>
                <div class="learner-columns">
                    <section class="learner-steps" aria-labelledby="steps-title">
                        <h3 id="steps-title">"Steps and checks"</h3>
                        {steps}
                    </section>
                    <aside class="learner-side" aria-label="Helping this learner">
                        {move || may_help.then(|| view! { <Actions row learner=actions.clone() membership=membership.get()/> })}
                        {may_help
                            .then(|| {
                                view! {
                                    <section class="panel" aria-labelledby="hint-title" hidden=move || !matches!(membership.get(), Membership::In { .. })>
                                        <h3 id="hint-title">"Send a hint"</h3>
                                        <HintForm id="hint" to=hint_to.clone() whom=whom.clone() suggestions=suggestions.clone()/>
                                    </section>
                                }
                            })}
                        <Hints view/>
                        <Timeline view/>
                    </aside>
                </div>
            </article>
        </ClassFrame>
    }
    .into_any()
}

fn membership_words(membership: Membership) -> String {
    match membership {
        Membership::Waiting { since } => format!("Waiting to be let in since {}", day_and_time(since)),
        Membership::In { since } => format!("In the class since {}", day_and_time(since)),
        Membership::Left { at } => format!("Left the class, {}", day_and_time(at)),
        Membership::Removed { at } => format!("Removed from the class, {}", day_and_time(at)),
    }
}

/// A step opens to its checks; the one the learner is in is open at first.
#[component]
fn Step(view: RwSignal<ClassLearnerView>, place: usize, now: Signal<i64>) -> impl IntoView {
    let step = Memo::new(move |_| view.with(|view| view.steps.get(place).cloned()));
    let cell = Memo::new(move |_| view.with(|view| view.row.cells.get(place).cloned()).unwrap_or_default());
    let is_current = view.with_untracked(|view| view.row.current() == Some(place));
    let Some(LearnerStepView { step: head, points_possible, hints_total, .. }) = step.get_untracked() else {
        return ().into_any();
    };
    let checks =
        Signal::derive(move || step.with(|step| step.as_ref().map(|step| step.checks.clone())).unwrap_or_default());
    let facts = move || {
        step.with(|step| {
            let (points, revealed) =
                step.as_ref().map_or((Points::default(), 0), |step| (step.points, step.hints_revealed));
            format!("{points} of {points_possible} points · {revealed} of {hints_total} hints revealed")
        })
    };
    let number = head.number;
    let title = head.title.clone();
    view! {
        <details class="learner-step" open=is_current class:is-passed=move || cell.with(|cell| cell.state.is_passed())>
            <summary>
                <span class="stone" aria-hidden="true">{number}</span>
                <span class="learner-step-title">{title}</span>
                <span class="help">{move || cell.with(|cell: &CellView| state_words(&cell_words(&head, cell, now.get())))}</span>
            </summary>
            <p class="help">{facts}</p>
            <CheckReport checks/>
        </details>
    }
    .into_any()
}

/// The words of a cell without the title, which stands before them.
fn state_words(words: &str) -> String {
    words.split_once(": ").map_or(words, |(_, rest)| rest).to_owned()
}

#[component]
fn Actions(row: Memo<RowView>, learner: String, membership: Membership) -> impl IntoView {
    let name = row.with_untracked(RowView::shown_name);
    let own_name = row.with_untracked(|row| row.name.clone());
    let who = vec![("learner", learner.clone())];
    let hand = {
        let hidden = vec![("learner", learner), ("subject", HelpSubject::Hand.to_text())];
        move || {
            row.with(|row| row.hand.is_some()).then(|| {
                view! { <ActForm act=Act::Resolve id="resolve-hand" hidden=hidden.clone() button="Lower the hand" class="inline-form"/> }
            })
        }
    };
    let (rename, remove, let_in) = (who.clone(), who.clone(), who.clone());
    view! {
        <section class="panel learner-actions" aria-labelledby="actions-title">
            <h3 id="actions-title">"In the class"</h3>
            {hand}
            {match membership {
                Membership::Waiting { .. } => {
                    view! {
                        <ActForm act=Act::Admit id="admit" hidden=let_in button="Let in" class="inline-form"/>
                        <ActForm act=Act::Refuse id="refuse" hidden=who button="Refuse" is_quiet=true class="inline-form"/>
                    }
                        .into_any()
                }
                Membership::In { .. } => {
                    view! {
                        <details class="confirmed">
                            <summary>"Rename…"</summary>
                            <div class="confirmed-body">
                                <ActForm act=Act::Rename id="rename" hidden=rename button="Rename" is_quiet=true>
                                    <div class="field">
                                        <label for="rename-name">"Name that the staff sees"</label>
                                        <input id="rename-name" name="fields[name]" type="text" maxlength="80" required=true autocomplete="off" value=own_name/>
                                    </div>
                                </ActForm>
                            </div>
                        </details>
                        <Confirmed
                            summary="Remove…"
                            question=format!("{name} leaves the class and can be let back in. Their lab stays theirs, and what they did stays in the log.")
                        >
                            <ActForm act=Act::Remove id="remove" hidden=remove button="Remove from the class" is_danger=true class="inline-form"/>
                        </Confirmed>
                    }
                        .into_any()
                }
                Membership::Left { .. } | Membership::Removed { .. } => {
                    view! { <ActForm act=Act::LetBackIn id="let-back-in" hidden=let_in button="Let back in" class="inline-form"/> }
                        .into_any()
                }
            }}
        </section>
    }
    .into_any()
}

/// The hints that instructors sent.
#[component]
fn Hints(view: RwSignal<ClassLearnerView>) -> impl IntoView {
    let hints = Memo::new(move |_| view.with(|view| view.hints.clone()));
    let item = |hint: SentHintView| {
        let SentHintView { at, by, text, seen_at } = hint;
        let seen = seen_at.map_or("not put away yet".to_owned(), |at| format!("put away at {} UTC", clock(at)));
        view! {
            <li>
                <p>{text}</p>
                <p class="help">
                    <time datetime=machine_time(at)>{clock(at)}</time>
                    {format!(" UTC, by {by}, {seen}")}
                </p>
            </li>
        }
    };
    view! {
        <section class="panel" aria-labelledby="hints-title" hidden=move || hints.with(Vec::is_empty)>
            <h3 id="hints-title">"Hints sent"</h3>
            <ul class="sent-hints">{move || hints.get().into_iter().map(item).collect_view()}</ul>
        </section>
    }
    .into_any()
}

#[component]
fn Timeline(view: RwSignal<ClassLearnerView>) -> impl IntoView {
    let timeline = Memo::new(move |_| view.with(|view| view.timeline.clone()));
    let item = |event: TimelineView| {
        let TimelineView { at, text, step } = event;
        view! {
            <li>
                <time datetime=machine_time(at) title=day_and_time(at)>{clock(at)}</time>
                <span>
                    {text}
                    {step.map(|step| view! { <span class="help">{format!(" {step}")}</span> })}
                </span>
            </li>
        }
    };
    view! {
        <section class="panel" aria-labelledby="timeline-title">
            <h3 id="timeline-title">"What happened"</h3>
            <p class="help" hidden=move || !timeline.with(Vec::is_empty)>"Nothing yet."</p>
            <ol class="timeline" tabindex="0" aria-labelledby="timeline-title">{move || timeline.get().into_iter().map(item).collect_view()}</ol>
        </section>
    }
    .into_any()
}
