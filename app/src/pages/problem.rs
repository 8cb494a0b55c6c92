//! What a page shows when it cannot be shown.

use super::Missing;
use crate::{components::Welcome, error::BackendError};
use leptos::prelude::*;
use leptos_meta::Title;

/// Every error leaves a way on.
#[component]
pub fn Problem(error: BackendError) -> impl IntoView {
    match error {
        BackendError::NotFound => view! { <Missing/> }.into_any(),
        BackendError::NoLearner => view! {
            <Title text="Start the lab"/>
            <main class="plain-page" id="main" tabindex="-1">
                <h1>"No lab in this browser yet"</h1>
                <p class="lead">"Start a new one, or bring yours here with its resume code."</p>
                <Welcome learner=None choices=None/>
            </main>
        }
        .into_any(),
        error => {
            #[cfg(feature = "ssr")]
            if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
                response.set_status(http::StatusCode::INTERNAL_SERVER_ERROR);
            }
            view! {
                <Title text="Something went wrong"/>
                <main class="plain-page" id="main" tabindex="-1">
                    <h1>"This page could not be shown"</h1>
                    <p class="lead">{error.to_string()}</p>
                    // A plain link, so that the server is asked anew.
                    <p><a href="" rel="external" class="button">"Try again"</a></p>
                </main>
            }
            .into_any()
        }
    }
}
