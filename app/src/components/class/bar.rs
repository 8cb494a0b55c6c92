//! The class at the top of the lab: its name, the learner's own, the hand, earlier hints.

use super::hints::{HintText, read_again};
use crate::{
    api::{Hand, LeaveClass, RenameInClass},
    clock::browser_time,
    components::{
        Icon, NoticeBox, icon,
        teach::{Confirmed, short_length},
        waiting_notice,
    },
    error::BackendError,
    format::{machine_time, short_clock},
    model::{ClassHintView, Fields, HandView, MembershipState, MembershipView, Notice, about, teach::ClassState},
};
use leptos::{
    form::ActionForm,
    prelude::*,
    server_fn::{ServerFn, client::Client},
    task::spawn_local,
};

/// Hidden for who is in no class.
#[component]
pub fn ClassBar(
    class: RwSignal<Option<MembershipView>>,
    /// The step that a raised hand is about, by its slug.
    step: String,
    /// The slug of the step whose page this is; empty on the page of results.
    page: String,
) -> impl IntoView {
    let latest = RwSignal::new(waiting_notice(about::CLASS));
    let hand = ServerAction::<Hand>::new();
    let rename = ServerAction::<RenameInClass>::new();
    let leave = ServerAction::<LeaveClass>::new();
    report(hand, latest, class);
    report(rename, latest, class);
    report(leave, latest, class);
    let is_active = Memo::new(move |_| {
        class
            .with(|class| class.as_ref().is_some_and(|class| class.state == MembershipState::Active && class.goes_on()))
    });
    let is_removed = Memo::new(move |_| {
        class.with(|class| class.as_ref().is_none_or(|class| class.state == MembershipState::Removed))
    });
    let name = move || class.with(|class| class.as_ref().map(|class| class.class_name.clone()));
    let news = move || class.with(|class| class.as_ref().map(news_of));
    let (step, page) = (StoredValue::new(step), StoredValue::new(page));
    let is_member = Memo::new(move |_| class.with(Option::is_some));
    let hand_form = move || {
        is_active.get().then(|| view! { <HandForm hand class step=step.get_value() page=page.get_value()/> }.into_any())
    };
    let own = move || {
        (!is_removed.get()).then(|| view! { <Own rename leave class latest page=page.get_value()/> }.into_any())
    };
    let bar = move || {
        is_member.get().then(|| {
            view! {
                <section class="member-bar" aria-label="Your class">
                    <p class="member-class">
                        <strong>{name}</strong> <span class="member-news" role="status">{news}</span>
                    </p>
                    {hand_form}
                    <Earlier class/>
                    {own}
                </section>
            }
            .into_any()
        })
    };
    view! {
        <div class="member-slot" id="class">
            {bar}
            <NoticeBox notice=latest/>
        </div>
    }
    .into_any()
}

/// Tells what a form led to, and reads the learner's place in the class anew.
fn report<S>(action: ServerAction<S>, latest: RwSignal<Option<Notice>>, class: RwSignal<Option<MembershipView>>)
where
    S: ServerFn<Output = Notice, Error = BackendError> + Clone + Send + Sync + 'static,
    S::Client: Client<BackendError>,
{
    Effect::new(move |_| {
        let Some(result) = action.value().get() else { return };
        if result.is_ok() {
            spawn_local(read_again(class));
        }
        latest.set(Some(result.unwrap_or_else(|error| Notice::failure(about::CLASS, &error, Fields::new()))));
    });
}

/// What has to be known besides the class's name.
fn news_of(class: &MembershipView) -> &'static str {
    match (class.state, class.class_state) {
        (MembershipState::Removed, _) => {
            "You were taken out of this class. Nothing is noted there any more; your lab goes on."
        }
        (_, ClassState::Ended | ClassState::Archived) => {
            "The class is over: nothing is noted any more. Your lab goes on."
        }
        (MembershipState::Waiting, _) => "Waiting to be let in. Go on meanwhile: what you do counts once you are in.",
        (MembershipState::Active, _) => "",
    }
}

/// One form for both ways, so that the focus stays where it is.
#[component]
fn HandForm(
    hand: ServerAction<Hand>,
    class: RwSignal<Option<MembershipView>>,
    step: String,
    page: String,
) -> impl IntoView {
    let raised = Memo::new(move |_| class.with(|class| class.as_ref().and_then(|class| class.hand.clone())));
    let is_up = move || raised.with(Option::is_some);
    let now = browser_time();
    let words = move || {
        raised.get().map(|HandView { since, step }| {
            let length = move || match now.get() {
                Some(now) => short_length(u64::try_from(now - since).unwrap_or_default()),
                None => format!("{} UTC", short_clock(since)),
            };
            view! {
                <span class="member-hand-up">
                    {icon(Icon::Hand)}
                    <span>
                        "Hand is up since " <time datetime=machine_time(since)>{length}</time>
                        {format!(" ({step})")}
                    </span>
                </span>
            }
        })
    };
    view! {
        <ActionForm action=hand attr:class="member-hand">
            <input type="hidden" name="step" value=step/>
            <input type="hidden" name="page" value=page/>
            <input type="hidden" name="up" value=move || if is_up() { "false" } else { "true" }/>
            {words}
            <button
                type="submit"
                class="button is-quiet"
                disabled=move || hand.pending().get()
                aria-busy=move || hand.pending().get().then_some("true")
            >
                {move || if is_up() { "Lower it" } else { "Raise your hand" }}
            </button>
        </ActionForm>
    }
    .into_any()
}

/// Hints that were put away, to be read again.
#[component]
fn Earlier(class: RwSignal<Option<MembershipView>>) -> impl IntoView {
    let hints = Memo::new(move |_| -> Vec<ClassHintView> {
        class.with(|class| {
            let hints = class.iter().flat_map(|class| &class.hints);
            hints.filter(|hint| hint.seen_at.is_some()).cloned().collect()
        })
    });
    let has_hints = Memo::new(move |_| hints.with(|hints| !hints.is_empty()));
    let fold = move || {
        view! {
            <details class="member-fold" name="member-fold">
                <summary>{move || format!("Earlier hints ({})", hints.with(Vec::len))}</summary>
                <ul class="member-panel">
                    <For each=move || hints.get() key=|hint| hint.id.clone() let(hint)>
                        <li class="earlier-hint"><HintText hint/></li>
                    </For>
                </ul>
            </details>
        }
        .into_any()
    };
    (move || has_hints.get().then(fold)).into_any()
}

/// The learner's own name, and the way out.
#[component]
fn Own(
    rename: ServerAction<RenameInClass>,
    leave: ServerAction<LeaveClass>,
    class: RwSignal<Option<MembershipView>>,
    latest: RwSignal<Option<Notice>>,
    page: String,
) -> impl IntoView {
    let own = Memo::new(move |_| class.with(|class| class.as_ref().and_then(|class| class.name.clone())));
    let may_hide = Memo::new(move |_| class.with(|class| class.as_ref().is_some_and(|class| class.anonymous)));
    let kept = latest.with_untracked(|notice| notice.as_ref().and_then(|notice| notice.kept.get("name").cloned()));
    let at_fault = Memo::new(move |_| {
        latest.with(|notice| notice.as_ref().is_some_and(|notice| notice.field.as_deref() == Some("name")))
    });
    let kept_open = at_fault.get_untracked();
    let leave_page = page.clone();
    view! {
        <details class="member-fold" name="member-fold" open=kept_open>
            <summary>
                {move || own.get().map_or_else(|| "You: anonymous".to_owned(), |name| format!("You: {name}"))}
            </summary>
            <div class="member-panel">
                <ActionForm action=rename attr:class="form">
                    <input type="hidden" name="page" value=page/>
                    <div class="field">
                        <label for="member-name">"Your name in the class"</label>
                        <input
                            id="member-name"
                            name="name"
                            type="text"
                            value=move || kept.clone().or_else(|| own.get()).unwrap_or_default()
                            maxlength="80"
                            autocomplete="name"
                            aria-invalid=move || at_fault.get().then_some("true")
                        />
                    </div>
                    <div class="tick" hidden=move || !may_hide.get()>
                        <input type="checkbox" id="member-anonymous" name="anonymous" value="true"/>
                        <label for="member-anonymous">"Stay anonymous"</label>
                    </div>
                    <div class="form-end">
                        <button type="submit" class="button is-quiet" disabled=move || rename.pending().get()>
                            "Save"
                        </button>
                    </div>
                </ActionForm>
                <Confirmed
                    summary="Leave the class"
                    question="Your lab stays yours, and can go on by itself. What is noted so far stays with the class.".to_owned()
                >
                    <ActionForm action=leave>
                        <input type="hidden" name="page" value=leave_page/>
                        <button type="submit" class="button is-danger" disabled=move || leave.pending().get()>
                            "Leave it"
                        </button>
                    </ActionForm>
                </Confirmed>
            </div>
        </details>
    }
    .into_any()
}
