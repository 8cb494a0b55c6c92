use super::{TeachBar, loaded, waiting_notice};
use crate::{
    components::{
        NoticeBox, Notices,
        teach::{role_word, state_word},
        waiting_notice as notice_about,
    },
    error::BackendError,
    format::{counted, day_and_time, machine_time},
    model::{
        Notice, about,
        teach::{ClassState, ClassSummary, ClassesView},
    },
    teach_api,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;

/// All classes of the instructor.
#[component]
pub fn Classes() -> impl IntoView {
    let data = Resource::new(|| (), |()| load());
    view! {
        <Title text="Classes · Headwater"/>
        {loaded(data, |(classes, notice)| view! { <Body classes notice/> }.into_any())}
    }
    .into_any()
}

async fn load() -> Result<(ClassesView, Option<Notice>), BackendError> {
    Ok((teach_api::classes().await?, waiting_notice().await))
}

#[component]
fn Body(classes: ClassesView, notice: Option<Notice>) -> impl IntoView {
    provide_context(Notices(RwSignal::new(notice)));
    let news = notice_about(about::NEW_CLASS);
    let ClassesView { instructor, classes } = classes;
    let (put_away, in_use): (Vec<_>, Vec<_>) =
        classes.into_iter().partition(|class| class.state == ClassState::Archived);
    let is_empty = in_use.is_empty() && put_away.is_empty();
    let has_archive = !put_away.is_empty();
    let in_use = in_use.into_iter().map(|class| view! { <Class class/> }).collect_view();
    let put_away = put_away.into_iter().map(|class| view! { <Class class/> }).collect_view();
    view! {
        <TeachBar/>
        <main class="classes" id="main" tabindex="-1">
            <div class="classes-head">
                <div>
                    <p class="class-place">{instructor}</p>
                    <h1>"Your classes"</h1>
                </div>
                <A href="/teach/classes/new" attr:class="button">"Make a class"</A>
            </div>
            <NoticeBox notice=Signal::derive(move || news.clone())/>
            {is_empty
                .then(|| {
                    view! {
                        <div class="classes-empty">
                            <h2>"No class yet"</h2>
                            <p>
                                "Make one, give your learners its code, and watch from here who is where and who is stuck. You see classes of others once they invite you."
                            </p>
                        </div>
                    }
                })}
            <ul class="class-list">{in_use}</ul>
            {has_archive
                .then(|| {
                    view! {
                        <details class="class-archive">
                            <summary>"Archived"</summary>
                            <ul class="class-list">{put_away}</ul>
                        </details>
                    }
                })}
        </main>
    }
    .into_any()
}

#[component]
fn Class(class: ClassSummary) -> impl IntoView {
    let ClassSummary { id, name, state, starts_at, ends_at, role, learners, waiting, hands, unread } = class;
    let mut facts = vec![counted(u64::from(learners), "learner", "learners")];
    if waiting > 0 {
        facts.push(format!("{waiting} waiting to be let in"));
    }
    let help = (hands > 0 || unread > 0).then(|| {
        let mut words = Vec::new();
        if hands > 0 {
            words.push(counted(u64::from(hands), "hand up", "hands up"));
        }
        if unread > 0 {
            words.push(format!("{unread} new in the help queue"));
        }
        view! { <A href=format!("/teach/classes/{id}/help") attr:class="class-help">{words.join(" · ")}</A> }
    });
    view! {
        <li class="class-card" data-state=state_word(state)>
            <h2><A href=format!("/teach/classes/{id}")>{name}</A></h2>
            <p class="class-marks">
                <span class="class-state" data-state=state_word(state)>{state_word(state)}</span>
                <span class="role-mark">{role_word(role)}</span>
            </p>
            <p class="class-window">
                <time datetime=machine_time(starts_at)>{day_and_time(starts_at)}</time>
                " to "
                <time datetime=machine_time(ends_at)>{day_and_time(ends_at)}</time>
            </p>
            <p class="class-facts">{facts.join(" · ")} {help}</p>
        </li>
    }
    .into_any()
}
