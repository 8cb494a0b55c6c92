use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;

/// Where no page is.
#[component]
pub fn Missing() -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! {
        <Title text="Not found"/>
        <main class="plain-page" id="main" tabindex="-1">
            <svg class="dry-bed" viewBox="0 0 600 60" aria-hidden="true" focusable="false">
                <path d="M0 34C80 4 140 58 230 34S380 8 450 32 560 44 600 24"/>
            </svg>
            <h1>"The river does not run here"</h1>
            <p class="lead">"There is no page at this address. It may have been mistyped, or a step may have another name now."</p>
            <p><A href="/" attr:class="button">"To the first page"</A></p>
        </main>
    }
    .into_any()
}
