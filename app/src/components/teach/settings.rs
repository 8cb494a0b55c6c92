//! Everything that can be set for a class, one section an idea.

mod basics;
mod ending;
mod lti;
mod points;
mod staff;
mod webhooks;
mod xapi;

use self::{basics::Basics, ending::Ending, lti::Lti, points::Points, staff::Staff, webhooks::Webhooks, xapi::Xapi};
use super::ClassDesk;
use crate::{
    components::{NoticeBox, code_block},
    model::teach::{SettingsView, ShownOnce},
};
use leptos::prelude::*;

/// The sections; each is made anew only when what it shows has changed.
#[component]
pub fn SettingsSections(settings: RwSignal<SettingsView>, shown_once: RwSignal<Option<ShownOnce>>) -> impl IntoView {
    let desk = expect_context::<ClassDesk>();
    // Forms of things that vanish tell their outcome at the head of the page.
    let gone = Memo::new(move |_| {
        desk.latest.with(|latest| latest.clone().filter(|notice| notice.about.starts_with("settings-gone-")))
    });
    let basics = Memo::new(move |_| {
        settings.with(|settings| {
            (settings.class.clone(), settings.labs.clone(), settings.offered.clone(), settings.anonymous)
        })
    });
    let points = Memo::new(move |_| settings.with(|settings| settings.points.clone()));
    let staff = Memo::new(move |_| {
        settings.with(|settings| (settings.me.clone(), settings.staff.clone(), settings.invitations.clone()))
    });
    let webhooks = Memo::new(move |_| settings.with(|settings| settings.webhooks.clone()));
    let lti = Memo::new(move |_| settings.with(|settings| settings.lti.clone()));
    let xapi = Memo::new(move |_| settings.with(|settings| settings.xapi.clone()));
    let class = Memo::new(move |_| settings.with(|settings| (settings.class.name.clone(), settings.class.state)));
    let parts = [
        ("basics", "The class"),
        ("points", "Points"),
        ("staff", "Staff"),
        ("webhooks", "Webhooks"),
        ("lti", "Learning platforms"),
        ("xapi", "xAPI"),
        ("ending", "Archive, delete"),
    ]
    .into_iter()
    .map(|(anchor, title)| view! { <li><a href=format!("#{anchor}") rel="external">{title}</a></li> })
    .collect_view();
    // Each is a view of its own kind, or the type of the whole would be too deep for the compiler.
    let basics = move || {
        let (class, labs, offered, anonymous) = basics.get();
        view! { <Basics class labs offered anonymous/> }.into_any()
    };
    let staff = move || {
        let (me, staff, invitations) = staff.get();
        view! { <Staff me staff invitations/> }.into_any()
    };
    let ending = move || {
        let (name, state) = class.get();
        view! { <Ending name state/> }.into_any()
    };
    let sections: Vec<AnyView> = vec![
        view! { <NoticeBox notice=gone/> }.into_any(),
        (move || shown_once.get().map(once)).into_any(),
        basics.into_any(),
        (move || view! { <Points points=points.get()/> }.into_any()).into_any(),
        staff.into_any(),
        (move || view! { <Webhooks webhooks=webhooks.get()/> }.into_any()).into_any(),
        (move || view! { <Lti lti=lti.get()/> }.into_any()).into_any(),
        (move || view! { <Xapi xapi=xapi.get()/> }.into_any()).into_any(),
        ending.into_any(),
    ];
    view! {
        <div class="settings">
            <nav class="settings-parts" aria-label="Parts of the settings">
                <ul>{parts}</ul>
            </nav>
            <div class="settings-body">{sections}</div>
        </div>
    }
    .into_any()
}

/// A secret made a moment ago.
fn once(shown: ShownOnce) -> AnyView {
    let (lead, text, what) = match shown {
        ShownOnce::Invitation { link } => (
            "Send this link to the one you invite. Whoever has it may accept it, once.".to_owned(),
            link,
            "the link of the invitation",
        ),
        ShownOnce::WebhookSecret { url, secret } => (
            format!("Messages to {url} are signed with this key. Give it to whoever runs that address."),
            secret,
            "the key of the webhook",
        ),
    };
    view! {
        <div class="fresh-keys" role="status">
            <p><strong>"This is the only time it is shown. "</strong>{lead}</p>
            {code_block(text, what)}
        </div>
    }
    .into_any()
}
