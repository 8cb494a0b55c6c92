//! The way into the class: its code, its link, and both so large that a whole room can read them.

use crate::components::{Hydrated, copy_button};
use leptos::{html::Dialog, prelude::*};

#[component]
pub fn Join(class_name: String, code: String, link: String) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let works = use_context::<Hydrated>().map(|Hydrated(hydrated)| hydrated);
    let address = link.split_once("://").map_or(link.as_str(), |(_, rest)| rest).to_owned();
    let page = address.rsplit_once('/').map_or(address.clone(), |(page, _)| page.to_owned());
    view! {
        <section class="join" aria-label="How learners join">
            <p class="join-label">"Join code"</p>
            <p class="join-code"><code>{code.clone()}</code></p>
            <p class="join-ways">
                {copy_button(link, "the link to join")}
                <button
                    type="button"
                    class="link-button"
                    hidden=move || !works.is_some_and(|works| works.get())
                    on:click=move |_| {
                        #[cfg(feature = "hydrate")]
                        if let Some(dialog) = dialog.get_untracked() {
                            let _ = dialog.show_modal();
                        }
                        #[cfg(not(feature = "hydrate"))]
                        let _ = dialog;
                    }
                >
                    "Show large"
                </button>
            </p>
            <dialog class="projector" aria-labelledby="projector-title" node_ref=dialog>
                <p id="projector-title" class="projector-class">{class_name}</p>
                <p class="projector-say">"Go to " <strong>{page}</strong> " and enter"</p>
                <p class="projector-code">{code}</p>
                <form method="dialog">
                    <button class="button is-quiet">"Close"</button>
                </form>
            </dialog>
        </section>
    }
    .into_any()
}
