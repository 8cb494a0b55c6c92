//! The document and its routes.

use crate::{
    components::{Footer, Header, Hydrated},
    pages::{EnterCode, Join, Landing, Missing, Results, StepPage, teach},
    preferences::{Preferences, Theme},
};
use leptos::{config::LeptosOptions, prelude::*};
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

/// The whole HTML document around the [`App`].
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let theme = preferences().theme;
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=(theme != Theme::Auto).then(|| theme.as_str())>
            <head>
                {document_head()}
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// What the head of every document begins with.
pub fn document_head() -> impl IntoView {
    view! {
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="color-scheme" content="light dark"/>
        <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
        <link rel="stylesheet" href="/pkg/headwater.css"/>
    }
}

/// All pages.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(RwSignal::new(preferences()));
    let hydrated = RwSignal::new(false);
    provide_context(Hydrated(hydrated));
    Effect::new(move |_| {
        hydrated.set(true);
        // Style and tests can tell by it that the page is alive.
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-hydrated", "");
        }
    });
    view! {
        <Title text="Headwater" formatter=title_markup/>
        <Router>
            <a class="skip" href="#main" rel="external">"Skip to the content"</a>
            <Header/>
            <Routes fallback=Missing>
                <Route path=path!("/") view=Landing ssr=SsrMode::Async/>
                <Route path=path!("/lab/:slug") view=StepPage ssr=SsrMode::Async/>
                <Route path=path!("/results") view=Results ssr=SsrMode::Async/>
                <Route path=path!("/join") view=EnterCode ssr=SsrMode::Async/>
                <Route path=path!("/join/:code") view=Join ssr=SsrMode::Async/>
                <Route path=path!("/teach") view=teach::Classes ssr=SsrMode::Async/>
                <Route path=path!("/teach/login") view=teach::SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/teach/setup") view=teach::SetUp ssr=SsrMode::Async/>
                <Route path=path!("/teach/invitation/:code") view=teach::Invitation ssr=SsrMode::Async/>
                <Route path=path!("/teach/account") view=teach::TeachAccount ssr=SsrMode::Async/>
                <Route path=path!("/teach/classes/new") view=teach::NewClass ssr=SsrMode::Async/>
                <Route path=path!("/teach/classes/:id") view=teach::ClassBoard ssr=SsrMode::Async/>
                <Route path=path!("/teach/classes/:id/help") view=teach::ClassHelp ssr=SsrMode::Async/>
                <Route path=path!("/teach/classes/:id/learners/:learner") view=teach::ClassLearner ssr=SsrMode::Async/>
                <Route path=path!("/teach/classes/:id/results") view=teach::ClassResults ssr=SsrMode::Async/>
                <Route path=path!("/teach/classes/:id/settings") view=teach::ClassSettings ssr=SsrMode::Async/>
            </Routes>
            <Footer/>
        </Router>
    }
    .into_any()
}

/// The title of any page as it is put into the document. The server writes it into its markup as it is, and names that learners
/// and instructors chose are in it; the browser sets it as text.
fn title_markup(title: String) -> String {
    if cfg!(feature = "ssr") { title.replace('&', "&amp;").replace('<', "&lt;") } else { title }
}

/// The preferences that came with the request. In the browser, the same cookies.
fn preferences() -> Preferences {
    #[cfg(feature = "ssr")]
    let cookies = use_context::<http::request::Parts>()
        .and_then(|parts| Some(parts.headers.get(http::header::COOKIE)?.to_str().ok()?.to_owned()));
    #[cfg(feature = "hydrate")]
    let cookies = wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlDocument>(document())
        .ok()
        .and_then(|document| document.cookie().ok());
    #[cfg(not(any(feature = "ssr", feature = "hydrate")))]
    let cookies: Option<String> = None;
    cookies.map(|cookies| Preferences::from_cookies(&cookies)).unwrap_or_default()
}
