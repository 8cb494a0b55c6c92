use super::{TeachBar, board::ticking, class_of_page, loaded, waiting_notice};
use crate::{
    components::{
        NoticeBox,
        teach::{ClassDesk, ClassFrame, ClassLive, Cluster, HelpItem, KeepFocus, ResolvedItem},
    },
    error::BackendError,
    format::counted,
    model::{
        Notice,
        teach::{HelpItemView, HelpView, Right},
    },
    teach_api,
};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;

/// Who needs help, alone or together.
#[component]
pub fn ClassHelp() -> impl IntoView {
    let class = class_of_page();
    let data = Resource::new(move || class.get(), load);
    loaded(data, |(help, notice)| view! { <Body help notice/> }.into_any())
}

async fn load(class: String) -> Result<(HelpView, Option<Notice>), BackendError> {
    Ok((teach_api::help(class).await?, waiting_notice().await))
}

#[component]
fn Body(help: HelpView, notice: Option<Notice>) -> impl IntoView {
    let class = help.class.clone();
    let id = class.id.clone();
    let now = ticking(help.read_at);
    let live = ClassLive::new(&class);
    let help = RwSignal::new(help);
    let refresh = refresher(id.clone(), help);
    let desk = ClassDesk::provide(id.clone(), format!("/teach/classes/{id}/help"), notice, refresh);
    Effect::new(move |_| live.follow(&id));
    Effect::new(move |before: Option<()>| {
        live.help.track();
        if before.is_some() {
            refresh.run(());
        }
    });
    let may_help = class.role.may(Right::Help);
    // The entry that was dealt with is gone from the list, so that its outcome is told at the top.
    let dealt_with = Memo::new(move |_| {
        desk.latest.with(|latest| {
            let about_entry =
                |notice: &Notice| ["resolve-", "reopen-"].iter().any(|kind| notice.about.starts_with(kind));
            latest.clone().filter(about_entry)
        })
    });
    let clusters = Memo::new(move |_| help.with(|help| help.clusters.clone()));
    let open = Memo::new(move |_| help.with(|help| help.open.clone()));
    let resolved = Memo::new(move |_| help.with(|help| help.resolved.clone()));
    let keep = KeepFocus::new(move || open.track());
    view! {
        <Title text=format!("Help · {} · Headwater", class.name)/>
        <TeachBar/>
        <ClassFrame class live>
            <NoticeBox notice=dealt_with/>
            <div class="help-columns">
                <section
                    class="queue"
                    aria-labelledby="queue-title"
                    on:focusin=move |_| keep.entered()
                    on:focusout=move |event| keep.left(&event)
                >
                    <h2 id="queue-title" tabindex="-1" node_ref=keep.heading>"One by one"</h2>
                    <p class="help">
                        {move || format!("{} open, longest first. Hands are raised; “stuck” is what Headwater noticed.", open.with(Vec::len))}
                    </p>
                    <p class="queue-empty" hidden=move || !open.with(Vec::is_empty)>"Nobody needs help right now."</p>
                    <ul class="help-list">
                        <For each=move || open.get() key=item_key let(item)>
                            <HelpItem item now may_help/>
                        </For>
                    </ul>
                    <details class="resolved" hidden=move || resolved.with(Vec::is_empty)>
                        <summary>{move || format!("{} dealt with", resolved.with(Vec::len))}</summary>
                        <ul>
                            <For each=move || resolved.get() key=item_key let(item)>
                                <ResolvedItem item may_help/>
                            </For>
                        </ul>
                    </details>
                </section>
                <section class="clusters" aria-labelledby="clusters-title">
                    <h2 id="clusters-title">"Together"</h2>
                    <p class="help">"Learners whose step fails by the same check and cause. One hint may help them all."</p>
                    <p class="queue-empty" hidden=move || !clusters.with(Vec::is_empty)>
                        "No trouble that learners share right now."
                    </p>
                    <div class="cluster-list">
                        // Made anew when its facts change, but not while a hint is being written: the words are kept by the id.
                        <For
                            each=move || clusters.get()
                            key=|cluster| (cluster.id.clone(), cluster.learners.len(), cluster.of, cluster.hinted_at)
                            let(cluster)
                        >
                            <Cluster cluster may_help/>
                        </For>
                    </div>
                    <p class="help">
                        {move || {
                            let count: u64 = clusters.with(|clusters| clusters.iter().map(|cluster| cluster.learners.len() as u64).sum());
                            (count > 0).then(|| format!("{} in all.", counted(count, "learner", "learners")))
                        }}
                    </p>
                </section>
            </div>
        </ClassFrame>
    }
    .into_any()
}

/// An entry stays the same while its state and its hint do.
fn item_key(item: &HelpItemView) -> (String, String, String, Option<i64>) {
    (item.learner.id.clone(), item.subject.to_text(), format!("{:?}", item.state), item.hinted_at)
}

/// Reads the queue again; what cannot be read stays as it is.
fn refresher(class: String, help: RwSignal<HelpView>) -> Callback<()> {
    let is_asking = StoredValue::new(false);
    Callback::new(move |()| {
        // One at a time: a change meanwhile is in the answer, or announced again.
        if is_asking.get_value() {
            return;
        }
        is_asking.set_value(true);
        let class = class.clone();
        spawn_local(async move {
            let read = teach_api::help(class).await;
            is_asking.try_set_value(false);
            if let Ok(fresh) = read
                && help.try_with_untracked(|known| *known != fresh) == Some(true)
            {
                help.try_set(fresh);
            }
        });
    })
}
