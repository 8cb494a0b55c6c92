//! What a page of the instructors shows when it cannot be shown.

use super::{TeachBar, sign_in::SignInForms};
use crate::{error::BackendError, pages::problem::Problem};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{components::A, hooks::use_location};

/// Who is not signed in can do so at once, and is led back to the page.
#[component]
pub fn TeachProblem(error: BackendError) -> impl IntoView {
    match error {
        BackendError::NotSignedIn => {
            set_status(401);
            let back = use_location().pathname.get_untracked();
            view! {
                <Title text="Sign in · Headwater"/>
                <main class="plain-page" id="main" tabindex="-1">
                    <h1>"Sign in to teach"</h1>
                    <p class="lead">"This page is for the instructors of a class."</p>
                    <SignInForms back/>
                </main>
            }
            .into_any()
        }
        BackendError::NotAllowed => {
            set_status(403);
            view! {
                <Title text="Not allowed · Headwater"/>
                <TeachBar/>
                <main class="plain-page" id="main" tabindex="-1">
                    <h1>"Not with your role"</h1>
                    <p class="lead">{BackendError::NotAllowed.to_string()}</p>
                    <p><A href="/teach" attr:class="button">"To your classes"</A></p>
                </main>
            }
            .into_any()
        }
        error => view! { <Problem error/> }.into_any(),
    }
}

#[cfg(feature = "ssr")]
fn set_status(status: u16) {
    if let (Some(response), Ok(status)) =
        (use_context::<leptos_axum::ResponseOptions>(), http::StatusCode::from_u16(status))
    {
        response.set_status(status);
    }
}

#[cfg(not(feature = "ssr"))]
fn set_status(_status: u16) {}
