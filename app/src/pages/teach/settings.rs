use super::{TeachBar, class_of_page, loaded, waiting_notice};
use crate::{
    components::teach::{ClassDesk, ClassFrame, ClassLive, SettingsSections},
    error::BackendError,
    model::{
        Notice,
        teach::{SettingsView, ShownOnce},
    },
    teach_api,
};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Loaded {
    settings: SettingsView,
    /// Taken here and not where it is shown, since that is made more than once while a page is rendered.
    shown_once: Option<ShownOnce>,
    notice: Option<Notice>,
}

/// How the class is set up.
#[component]
pub fn ClassSettings() -> impl IntoView {
    let class = class_of_page();
    let data = Resource::new(move || class.get(), load);
    loaded(data, |loaded| view! { <Body loaded/> }.into_any())
}

async fn load(class: String) -> Result<Loaded, BackendError> {
    let settings = teach_api::settings(class.clone()).await?;
    let shown_once = teach_api::take_shown_once(class).await.ok().flatten();
    Ok(Loaded { settings, shown_once, notice: waiting_notice().await })
}

#[component]
fn Body(loaded: Loaded) -> impl IntoView {
    let Loaded { settings, shown_once, notice } = loaded;
    let class = settings.class.clone();
    let id = class.id.clone();
    let live = ClassLive::new(&class);
    let (settings, shown_once) = (RwSignal::new(settings), RwSignal::new(shown_once));
    let refreshed = id.clone();
    let on_done = Callback::new(move |()| {
        let class = refreshed.clone();
        spawn_local(async move {
            let once = teach_api::take_shown_once(class.clone()).await.ok().flatten();
            shown_once.try_set(once);
            if let Ok(fresh) = teach_api::settings(class).await {
                settings.try_set(fresh);
            }
        });
    });
    ClassDesk::provide(id.clone(), format!("/teach/classes/{id}/settings"), notice, on_done);
    Effect::new(move |_| live.follow(&id));
    view! {
        <Title text=format!("Settings · {} · Headwater", class.name)/>
        <TeachBar/>
        <ClassFrame class live>
            <SettingsSections settings shown_once/>
        </ClassFrame>
    }
    .into_any()
}
