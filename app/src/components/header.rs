//! The top and the bottom of every page.

use super::{Icon, icon};
use crate::{
    api::ChooseTheme,
    preferences::{Preferences, Theme},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::components::A;

#[component]
pub fn Header() -> impl IntoView {
    view! {
        <header class="top">
            <A href="/" attr:class="brand">
                {brand_mark()}
                "Headwater"
            </A>
            <nav class="top-links" aria-label="Pages">
                <A href="/results">"Results"</A>
            </nav>
            <ThemeChoice/>
        </header>
    }
    .into_any()
}

/// The mark beside the name.
pub fn brand_mark() -> impl IntoView {
    view! {
        <svg class="brand-mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false">
            <path class="brand-bed" d="M9 2c-3 5 9 7 7 13S8 24 13 30"/>
            <path class="brand-water" d="M21 2c2 6-4 8-4 13s6 8 3 15"/>
            <circle class="brand-spring" cx="9" cy="3.5" r="2.5"/>
        </svg>
    }
}

#[component]
pub fn Footer() -> impl IntoView {
    view! {
        <footer class="bottom">
            <p>
                "In the sandbox, Headwater runs its AWS services inside its own process: no AWS account is touched, and nothing costs money. Only a lab that you start in an account of your own reaches AWS, and what you make there is billed to that account."
            </p>
            <p class="bottom-links"><A href="/teach">"For instructors"</A></p>
        </footer>
    }
    .into_any()
}

/// Three buttons that each post the choice; with JavaScript the page changes at once.
#[component]
fn ThemeChoice() -> impl IntoView {
    let choose = ServerAction::<ChooseTheme>::new();
    let preferences = expect_context::<RwSignal<Preferences>>();
    let theme = move || preferences.with(|preferences| preferences.theme);
    let buttons = [
        (Theme::Light, Icon::Sun, "Light"),
        (Theme::Auto, Icon::Auto, "As the system"),
        (Theme::Dark, Icon::Moon, "Dark"),
    ]
    .map(|(choice, sign, label)| {
        view! {
            <button
                type="submit"
                name="theme"
                value=choice.as_str()
                title=label
                aria-pressed=move || if theme() == choice { "true" } else { "false" }
                on:click=move |_| {
                    preferences.update(|preferences| preferences.theme = choice);
                    show(choice);
                }
            >
                {icon(sign)}
                <span class="visually-hidden">{label}</span>
            </button>
        }
    })
    .collect_view();
    view! {
        <ActionForm action=choose attr:class="themes">
            <fieldset>
                <legend class="visually-hidden">"Colours"</legend>
                {buttons}
            </fieldset>
        </ActionForm>
    }
    .into_any()
}

/// Sets the theme on the document, as the server will from now on.
#[cfg(feature = "hydrate")]
fn show(theme: Theme) {
    let Some(root) = document().document_element() else { return };
    let _ = match theme {
        Theme::Auto => root.remove_attribute("data-theme"),
        Theme::Light | Theme::Dark => root.set_attribute("data-theme", theme.as_str()),
    };
}

#[cfg(not(feature = "hydrate"))]
fn show(_theme: Theme) {}
