//! The document and its routes.

use crate::preferences::{Preferences, Theme};
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
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href="/pkg/headwater.css"/>
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

/// All pages.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title text="Headwater"/>
        <Router>
            <Routes fallback=|| "Not found">
                <Route path=path!("/") view=|| view! { <h1>"Headwater"</h1> } ssr=SsrMode::Async/>
            </Routes>
        </Router>
    }
}

/// The preferences that came with the request; in the browser, those of the document.
pub(crate) fn preferences() -> Preferences {
    #[cfg(feature = "ssr")]
    {
        use_context::<http::request::Parts>()
            .and_then(|parts| {
                let cookies = parts.headers.get(http::header::COOKIE)?;
                cookies.to_str().ok().map(Preferences::from_cookies)
            })
            .unwrap_or_default()
    }
    #[cfg(not(feature = "ssr"))]
    {
        Preferences::default()
    }
}
