//! What the lab costs in the learner's own account, at the top of every page of it.

use crate::{
    format::{about_dollars, clock, counted, machine_time},
    model::CostView,
};
use leptos::prelude::*;
use leptos_router::components::A;

/// Hidden where nothing costs anything. While something does, the browser asks before it leaves the lab.
#[component]
pub fn CostBar(#[prop(into)] cost: Signal<Option<CostView>>) -> impl IntoView {
    let running = Memo::new(move |_| cost.with(|cost| cost.as_ref().is_some_and(|cost| cost.per_hour > 0.0)));
    guard(running);
    let quiet = move || cost.with(|cost| cost.as_ref().is_none_or(|cost| cost.per_hour <= 0.0 && cost.resources == 0));
    view! {
        <section class="cost-bar" aria-label="What the lab costs" class:is-running=move || running.get() hidden=quiet>
            <p>
                {move || cost.with(|cost| cost.as_ref().map(words))}
                {move || {
                    cost.with(|cost| cost.as_ref().map(|cost| cost.read_at))
                        .map(|at| {
                            view! {
                                <span class="cost-read">" · seen " <time datetime=machine_time(at)>{clock(at)}</time> " UTC"</span>
                            }
                        })
                }}
            </p>
            <A href="/lab/clean-up">"Clean up"</A>
        </section>
    }
    .into_any()
}

fn words(cost: &CostView) -> String {
    let resources = u64::from(cost.resources);
    if cost.per_hour > 0.0 {
        let resources = counted(resources, "resource", "resources");
        format!("About {} an hour is running in your account · {resources}", about_dollars(cost.per_hour))
    } else {
        let hold = counted(resources, "resource of the lab is", "resources of the lab are");
        format!("Nothing costs by the hour now, but {hold} still in your account")
    }
}

/// Asks before the page is left while something is running.
#[cfg(feature = "hydrate")]
fn guard(running: Memo<bool>) {
    use leptos::{ev, leptos_dom::helpers::WindowListenerHandle};
    use std::sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    };

    fn listen() -> [WindowListenerHandle; 2] {
        // A form that the browser posts by itself comes back to the lab, so it is no leaving.
        let posting = Arc::new(AtomicBool::new(false));
        let posted = posting.clone();
        [
            window_event_listener(ev::submit, move |event| posted.store(!event.default_prevented(), Ordering::Relaxed)),
            window_event_listener(ev::beforeunload, move |event| {
                if !posting.load(Ordering::Relaxed) {
                    event.prevent_default();
                    // What browsers before 2023 go by.
                    event.set_return_value("The lab is still running in your account.");
                }
            }),
        ]
    }

    let held: Arc<Mutex<Option<[WindowListenerHandle; 2]>>> = Arc::default();
    let release = {
        let held = held.clone();
        move || {
            let handles = held.lock().unwrap_or_else(PoisonError::into_inner).take();
            handles.into_iter().flatten().for_each(WindowListenerHandle::remove);
        }
    };
    let stop = release.clone();
    Effect::new(move |_| {
        stop();
        if running.get() {
            *held.lock().unwrap_or_else(PoisonError::into_inner) = Some(listen());
        }
    });
    on_cleanup(release);
}

#[cfg(not(feature = "hydrate"))]
fn guard(_running: Memo<bool>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_data_only_is_told_apart_from_what_costs() {
        let cost = |per_hour, resources| CostView { per_hour, resources, read_at: 0 };
        assert_eq!(words(&cost(0.015, 3)), "About $0.02 an hour is running in your account · 3\u{a0}resources");
        assert_eq!(
            words(&cost(0.0, 1)),
            "Nothing costs by the hour now, but 1\u{a0}resource of the lab is still in your account"
        );
    }
}
