//! The instructors' pages, one file a page.

mod account;
mod board;
mod classes;
mod help;
mod invitation;
mod learner;
mod new_class;
mod problem;
mod results;
mod set_up;
mod settings;
mod sign_in;

pub use account::TeachAccount;
pub use board::ClassBoard;
pub use classes::Classes;
pub use help::ClassHelp;
pub use invitation::Invitation;
pub use learner::ClassLearner;
pub use new_class::NewClass;
pub use results::ClassResults;
pub use set_up::SetUp;
pub use settings::ClassSettings;
pub use sign_in::SignInPage;

use self::problem::TeachProblem;
use crate::{api, error::BackendError, model::Notice, teach_api::SignOut};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{components::A, hooks::use_params_map};

/// The notice that a post without script, or one that led here, has left.
async fn waiting_notice() -> Option<Notice> {
    api::take_notice().await.ok().flatten()
}

/// The id of the class that a page is of, by its address.
fn class_of_page() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()))
}

/// The page of what has been loaded, or of what went wrong.
fn loaded<T>(
    data: Resource<Result<T, BackendError>>,
    page: impl Fn(T) -> AnyView + Clone + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + Send + Sync + 'static,
{
    view! {
        <Transition>
            {move || {
                let page = page.clone();
                Suspend::new(async move {
                    match data.await {
                        Ok(loaded) => page(loaded),
                        Err(error) => view! { <TeachProblem error/> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}

/// At the top of every page of one who is signed in.
#[component]
fn TeachBar() -> impl IntoView {
    let sign_out = ServerAction::<SignOut>::new();
    view! {
        <nav class="teach-bar" aria-label="Instructor">
            <A href="/teach" exact=true>"Classes"</A>
            <A href="/teach/account">"Account"</A>
            <ActionForm action=sign_out attr:class="sign-out">
                <button type="submit" class="link-button">"Sign out"</button>
            </ActionForm>
        </nav>
    }
    .into_any()
}
