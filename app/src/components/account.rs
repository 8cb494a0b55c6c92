//! An AWS account of the learner's own: found, confirmed, connected. No key is ever asked for.

mod identity;
mod promises;
mod role;

use self::{
    identity::{Confirm, Connected},
    promises::Promises,
    role::{MakeRole, Prepare},
};
use super::{FieldInput, NoticeBox, waiting_notice};
use crate::{
    api::{ConfirmAccount, FindAccount, PrepareAccount, RejectAccount, Unlock},
    error::BackendError,
    live::Live,
    model::{
        Choice, ConnectView, ConnectWay, FieldInput as Input, FieldView, Fields, IdentityView, Notice, PipelineShape,
        PlaceView, RoleOfferView, about,
    },
};
use leptos::{
    form::ActionForm,
    prelude::*,
    server_fn::{ServerFn, client::Client},
};

/// How the account is connected, one stage after the other.
#[component]
pub fn Account(live: Live, on_done: Callback<()>) -> impl IntoView {
    let latest = RwSignal::new(waiting_notice(about::CONNECT));
    let desk = Desk {
        latest: latest.into(),
        unlock: ServerAction::new(),
        prepare: ServerAction::new(),
        find: ServerAction::new(),
        confirm: ServerAction::new(),
        reject: ServerAction::new(),
    };
    report(desk.unlock, latest, on_done);
    report(desk.prepare, latest, on_done);
    report(desk.find, latest, on_done);
    report(desk.confirm, latest, on_done);
    report(desk.reject, latest, on_done);
    let stage = Memo::new(move |_| live.account.with(|account| Stage::of(&account.place)));
    let region = Memo::new(move |_| live.account.with(|account| region_field(&account.place)));
    let by_role = Memo::new(move |_| live.account.with(|account| goes_by_role(&account.place)));
    let is_off = Memo::new(move |_| stage.with(|stage| *stage == Stage::Off));
    let place = NodeRef::<leptos::html::Div>::new();
    Effect::new(move |before: Option<Stage>| {
        let stage = stage.get();
        // The form that had the focus is gone.
        if before.is_some_and(|before| before != stage)
            && let Some(place) = place.get_untracked()
        {
            let _ = place.focus();
        }
        stage
    });
    let shape = live.pipeline.with_untracked(|pipeline| pipeline.shape);
    view! {
        <section class="account" id="account" aria-labelledby="account-title">
            <h2 id="account-title">"Your account"</h2>
            <div class="account-stage" tabindex="-1" node_ref=place>
                <NoticeBox notice=latest/>
                {move || match stage.get() {
                    Stage::Off => view! { <Off/> }.into_any(),
                    Stage::Locked => view! { <Locked desk/> }.into_any(),
                    Stage::Choose(profiles) => view! { <ChooseProfile desk profiles region=region.get()/> }.into_any(),
                    Stage::Prepare(problem) => view! { <Prepare desk problem region=region.get()/> }.into_any(),
                    Stage::Make(offer) => view! { <MakeRole desk offer=*offer region=region.get()/> }.into_any(),
                    Stage::Confirm(identity) => view! { <Confirm desk identity/> }.into_any(),
                    Stage::Connected(identity) => view! { <Connected identity by_role=by_role.get()/> }.into_any(),
                }}
            </div>
            <div hidden=move || is_off.get()>
                {move || view! { <Promises by_role=by_role.get() is_flink=shape == PipelineShape::Flink/> }}
            </div>
        </section>
    }
    .into_any()
}

/// The forms of the section, which outlive the stages, and what the latest of them led to.
#[derive(Clone, Copy)]
struct Desk {
    latest: Signal<Option<Notice>>,
    unlock: ServerAction<Unlock>,
    prepare: ServerAction<PrepareAccount>,
    find: ServerAction<FindAccount>,
    confirm: ServerAction<ConfirmAccount>,
    reject: ServerAction<RejectAccount>,
}

/// What the learner has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Off,
    Locked,
    /// With the machine's profiles.
    Choose(Vec<String>),
    /// With the reason why no role could be offered.
    Prepare(Option<String>),
    Make(Box<RoleOfferView>),
    Confirm(IdentityView),
    Connected(IdentityView),
}

impl Stage {
    fn of(place: &PlaceView) -> Self {
        let PlaceView::Account(ConnectView { way, found, connected, .. }) = place else { return Self::Off };
        if let Some(identity) = connected {
            return Self::Connected(identity.clone());
        }
        if let Some(identity) = found {
            return Self::Confirm(identity.clone());
        }
        match way {
            ConnectWay::Off => Self::Off,
            ConnectWay::Machine { locked: true, .. } => Self::Locked,
            ConnectWay::Machine { locked: false, profiles } => Self::Choose(profiles.clone()),
            ConnectWay::Role { offer: Some(offer), .. } => Self::Make(Box::new(offer.clone())),
            ConnectWay::Role { offer: None, problem } => Self::Prepare(problem.clone()),
        }
    }
}

fn goes_by_role(place: &PlaceView) -> bool {
    matches!(place, PlaceView::Account(ConnectView { way: ConnectWay::Role { .. }, .. }))
}

fn region_field(place: &PlaceView) -> FieldView {
    let (options, value) = match place {
        PlaceView::Account(view) => (view.regions.clone(), view.region.clone()),
        PlaceView::Sandbox { .. } => (Vec::new(), String::new()),
    };
    field("region", "Region", "Everything of the lab will be there.", value, Input::Select { options })
}

fn field(name: &str, label: &str, help: &str, value: String, input: Input) -> FieldView {
    FieldView {
        name: name.to_owned(),
        label: label.to_owned(),
        help_html: help.to_owned(),
        value,
        required: true,
        input,
    }
}

/// Takes in what a form led to.
fn report<S>(action: ServerAction<S>, latest: RwSignal<Option<Notice>>, on_done: Callback<()>)
where
    S: ServerFn<Output = Notice, Error = BackendError> + Clone + Send + Sync + 'static,
    S::Client: Client<BackendError>,
{
    Effect::new(move |_| match action.value().get() {
        Some(Ok(notice)) => {
            latest.set(Some(notice));
            on_done.run(());
        }
        Some(Err(error)) => latest.set(Some(Notice::failure(about::CONNECT, &error, Fields::new()))),
        None => (),
    });
}

#[component]
fn Off() -> impl IntoView {
    view! {
        <p>
            "This server works with its sandbox only, so it cannot reach your account. Whoever runs it can change that with the option "
            <code>"--live"</code> ". Your lab stays as it is until then."
        </p>
    }
    .into_any()
}

#[component]
fn Locked(desk: Desk) -> impl IntoView {
    let code = field(
        "code",
        "Code from the terminal",
        "Two groups of four. Each start of Headwater makes a new one.",
        String::new(),
        Input::Text { max_length: 32 },
    );
    view! {
        <p>
            "Headwater reaches your account with the AWS credentials of the machine it runs on. To show that this machine is yours, enter the code that it printed in the terminal in which it was started, in the line "
            <q>"To use your own AWS account, enter this code when a page asks for it"</q> "."
        </p>
        <ActionForm action=desk.unlock attr:class="form account-form">
            <FieldInput field=code form="account".to_owned() outcome=desk.latest plain=true/>
            <Submit pending=desk.unlock.pending() label="Unlock" busy="Unlocking…"/>
        </ActionForm>
    }
    .into_any()
}

#[component]
fn ChooseProfile(desk: Desk, profiles: Vec<String>, region: FieldView) -> impl IntoView {
    let usual = Choice { value: String::new(), label: "The machine's default credentials".to_owned() };
    let named = profiles.into_iter().map(|name| Choice { label: format!("The profile {name}"), value: name });
    let options = std::iter::once(usual).chain(named).collect();
    let profile = FieldView {
        required: false,
        ..field(
            "profile",
            "Whose credentials",
            "As the AWS CLI on this machine would use them. They never go to this browser.",
            String::new(),
            Input::Select { options },
        )
    };
    view! {
        <p>"Choose the credentials and the region. This only asks AWS whose account they reach; you confirm it before anything else is done."</p>
        <ActionForm action=desk.find attr:class="form account-form">
            <FieldInput field=profile form="account".to_owned() outcome=desk.latest plain=true/>
            <FieldInput field=region form="account".to_owned() outcome=desk.latest plain=true/>
            <Submit pending=desk.find.pending() label="See whose account it is" busy="Asking AWS…"/>
        </ActionForm>
    }
    .into_any()
}

/// The button at the end of a form of this section.
#[component]
fn Submit(
    #[prop(into)] pending: Signal<bool>,
    label: &'static str,
    busy: &'static str,
    #[prop(optional)] is_quiet: bool,
) -> impl IntoView {
    view! {
        <div class="form-end">
            <button
                type="submit"
                class="button"
                class:is-quiet=is_quiet
                disabled=move || pending.get()
                aria-busy=move || pending.get().then_some("true")
            >
                {move || if pending.get() { busy } else { label }}
            </button>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> IdentityView {
        IdentityView {
            account_id: "111122223333".to_owned(),
            arn: String::new(),
            region: String::new(),
            by: String::new(),
        }
    }

    fn view(way: ConnectWay) -> ConnectView {
        ConnectView { way, regions: Vec::new(), region: String::new(), found: None, connected: None }
    }

    #[test]
    fn what_was_found_waits_for_a_word_whatever_the_way() {
        let way = ConnectWay::Machine { locked: false, profiles: vec!["lab".to_owned()] };
        let mut connect = view(way);
        let stage = |connect: &ConnectView| Stage::of(&PlaceView::Account(connect.clone()));
        assert_eq!(stage(&connect), Stage::Choose(vec!["lab".to_owned()]));
        connect.found = Some(identity());
        assert_eq!(stage(&connect), Stage::Confirm(identity()));
        connect.connected = Some(identity());
        assert_eq!(stage(&connect), Stage::Connected(identity()));
    }

    #[test]
    fn profiles_are_not_shown_before_the_code() {
        let locked = ConnectWay::Machine { locked: true, profiles: vec!["lab".to_owned()] };
        assert_eq!(Stage::of(&PlaceView::Account(view(locked))), Stage::Locked);
    }
}
