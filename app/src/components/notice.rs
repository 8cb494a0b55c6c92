//! Outcomes of form posts, next to their forms.

use super::{Icon, icon};
use crate::{
    error::BackendError,
    model::{Fields, Notice, Tone},
};
use leptos::{
    prelude::*,
    server_fn::{ServerFn, client::Client},
};

/// The notice that waited in the session for this page, if any.
#[derive(Clone, Copy)]
pub struct Notices(pub RwSignal<Option<Notice>>);

/// The latest outcome of a form: that of its action, or else the notice left by a post without JavaScript.
pub fn outcome<S>(action: ServerAction<S>, about: String) -> Signal<Option<Notice>>
where
    S: ServerFn<Output = Notice, Error = BackendError> + Clone + Send + Sync + 'static,
    S::Client: Client<BackendError>,
{
    let waiting = waiting_notice(&about);
    let value = action.value();
    Signal::derive(move || match value.get() {
        Some(Ok(notice)) => Some(notice),
        Some(Err(error)) => Some(Notice::failure(about.clone(), &error, Fields::new())),
        None => waiting.clone(),
    })
}

/// The notice of the session, if it is about this form.
pub fn waiting_notice(about: &str) -> Option<Notice> {
    use_context::<Notices>()?.0.with_untracked(|notice| notice.clone().filter(|notice| notice.about == about))
}

/// Shows the outcome, and tells a screen reader when it changes.
#[component]
pub fn NoticeBox(#[prop(into)] notice: Signal<Option<Notice>>) -> impl IntoView {
    view! {
        <div class="notice-slot" role="status">
            {move || {
                notice
                    .get()
                    .filter(|notice| !notice.message.is_empty())
                    .map(|Notice { tone, message, details, .. }| {
                        let (class, sign) = match tone {
                            Tone::Good => ("notice is-good", Icon::Check),
                            Tone::Info => ("notice is-info", Icon::Info),
                            Tone::Bad => ("notice is-bad", Icon::Alert),
                        };
                        view! {
                            <div class=class>
                                {icon(sign)}
                                <div>
                                    <p>{message}</p>
                                    {(!details.is_empty())
                                        .then(|| {
                                            let lines = details
                                                .into_iter()
                                                .map(|line| view! { <li><code>{line}</code></li> })
                                                .collect_view();
                                            view! { <ul class="notice-details">{lines}</ul> }
                                        })}
                                </div>
                            </div>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}
