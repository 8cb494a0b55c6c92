//! What stands around every page of a class: its name, how it goes, the ways between its pages.

use super::{join::Join, words::state_word};
use crate::{
    components::{Icon, icon},
    format::{counted, day_and_time, grouped, machine_time},
    model::teach::{ClassCounters, ClassState, ClassView, Right, WaitingView},
};
use leptos::prelude::*;
use leptos_router::components::A;

/// What changes on every page of a class while it is open.
#[derive(Clone, Copy)]
pub struct ClassLive {
    pub state: RwSignal<ClassState>,
    pub counters: RwSignal<ClassCounters>,
    pub waiting: RwSignal<Vec<WaitingView>>,
    /// Whether the event stream is open. It begins open, so that the server renders no alarm.
    pub connected: RwSignal<bool>,
    /// Goes up whenever the help queue changed.
    pub help: RwSignal<u64>,
    /// Goes up whenever the learner whose page this is may have changed.
    pub learner: RwSignal<u64>,
}

impl ClassLive {
    pub fn new(class: &ClassView) -> Self {
        Self {
            state: RwSignal::new(class.state),
            counters: RwSignal::new(class.counters),
            waiting: RwSignal::new(Vec::new()),
            connected: RwSignal::new(true),
            help: RwSignal::new(0),
            learner: RwSignal::new(0),
        }
    }

    /// Follows the class without its rows, for pages that show none.
    #[cfg(feature = "hydrate")]
    pub fn follow(self, class: &str) {
        self.follow_events(format!("/teach/classes/{class}/events?rows=none"));
    }

    /// Follows the class for the page of one learner.
    #[cfg(feature = "hydrate")]
    pub fn follow_learner(self, class: &str, learner: &str) {
        self.follow_events(format!("/teach/classes/{class}/events?rows=none&learner={learner}"));
    }

    #[cfg(feature = "hydrate")]
    fn follow_events(self, address: String) {
        crate::event_stream::follow(
            move || address.clone(),
            self.connected,
            move |text| {
                if let Ok(event) = serde_json::from_str(&text) {
                    self.take(&event);
                }
            },
        );
    }

    /// The server renders one moment; there is nothing to follow.
    #[cfg(not(feature = "hydrate"))]
    pub fn follow(self, _class: &str) {}

    #[cfg(not(feature = "hydrate"))]
    pub fn follow_learner(self, _class: &str, _learner: &str) {}

    /// Takes in an event, but for rows.
    #[cfg(feature = "hydrate")]
    pub fn take(self, event: &crate::model::teach::BoardEvent) {
        use crate::model::teach::BoardEvent;

        match event {
            BoardEvent::Class { state, counters } => {
                if self.state.try_get_untracked() != Some(*state) {
                    self.state.try_set(*state);
                }
                if self.counters.try_get_untracked() != Some(*counters) {
                    self.counters.try_set(*counters);
                }
            }
            BoardEvent::Waiting { waiting } => {
                self.waiting.try_set(waiting.clone());
            }
            BoardEvent::Help => {
                self.help.try_update(|count| *count += 1);
            }
            BoardEvent::Learner => {
                self.learner.try_update(|count| *count += 1);
            }
            BoardEvent::Rows { .. } | BoardEvent::Reset => (),
        }
    }
}

#[component]
pub fn ClassFrame(class: ClassView, live: ClassLive, children: Children) -> impl IntoView {
    let ClassView { id, name, starts_at, ends_at, role, join_code, join_link, .. } = class;
    let base = format!("/teach/classes/{id}");
    let help_count = move || live.counters.with(|counters| counters.hands + counters.stuck);
    view! {
        <main class="class" id="main" tabindex="-1">
            <header class="class-head">
                <div class="class-name">
                    <p class="class-place">
                        <A href="/teach">"Classes"</A>
                        <span class="class-state" data-state=move || state_word(live.state.get())>
                            {move || state_word(live.state.get())}
                        </span>
                    </p>
                    <h1>{name.clone()}</h1>
                    <p class="class-window">
                        <time datetime=machine_time(starts_at)>{day_and_time(starts_at)}</time>
                        " to "
                        <time datetime=machine_time(ends_at)>{day_and_time(ends_at)}</time>
                    </p>
                </div>
                <Join class_name=name code=join_code link=join_link/>
            </header>
            <Counters live/>
            <nav class="class-tabs" aria-label="Pages of the class">
                <A href=base.clone() exact=true>"Board"</A>
                <A href=format!("{base}/help")>
                    "Help"
                    {move || {
                        let count = help_count();
                        (count > 0)
                            .then(|| {
                                view! {
                                    <span class="tab-count">
                                        {count} <span class="visually-hidden">" need help"</span>
                                    </span>
                                }
                            })
                    }}
                </A>
                <A href=format!("{base}/results")>"Results"</A>
                {role.may(Right::Manage).then(|| view! { <A href=format!("{base}/settings")>"Settings"</A> })}
            </nav>
            {children()}
        </main>
    }
    .into_any()
}

/// The counters, and whether they are live.
#[component]
fn Counters(live: ClassLive) -> impl IntoView {
    let counter = move |read: fn(&ClassCounters) -> u32| live.counters.with(read);
    let item = move |label: &'static str, kind: &'static str, read: fn(&ClassCounters) -> u32| {
        view! {
            <div class=format!("counter is-{kind}") class:is-zero=move || counter(read) == 0>
                <dt>{label}</dt>
                <dd data-counter=kind>{move || grouped(u64::from(counter(read)))}</dd>
            </div>
        }
    };
    let spoken = move || {
        let ClassCounters { hands, waiting, .. } = live.counters.get();
        format!(
            "{} up, {} waiting to be let in.",
            counted(u64::from(hands), "hand", "hands"),
            counted(u64::from(waiting), "learner", "learners")
        )
    };
    view! {
        <div class="class-counters">
            <dl class="counters" aria-label="The class now">
                {item("In the class", "learners", |counters| counters.learners)}
                {item("Waiting", "waiting", |counters| counters.waiting)}
                {item("Hands up", "hands", |counters| counters.hands)}
                {item("Stuck", "stuck", |counters| counters.stuck)}
                {item("Finished", "finished", |counters| counters.finished)}
            </dl>
            <p class="live-mark" class:is-lost=move || !live.connected.get() role="status">
                {move || {
                    if live.connected.get() {
                        "Live".into_any()
                    } else {
                        view! { {icon(Icon::Hourglass)} "Reconnecting… What you see may be old." }.into_any()
                    }
                }}
            </p>
            <p class="visually-hidden" role="status">{spoken}</p>
        </div>
    }
    .into_any()
}
