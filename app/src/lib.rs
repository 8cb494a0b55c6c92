//! The pages of Headwater: rendered on the server, hydrated in the browser.

// Views are nested types, one level an element.
#![recursion_limit = "256"]

pub mod api;
mod app;
#[cfg(feature = "ssr")]
pub mod backend;
mod clock;
mod components;
#[cfg(feature = "ssr")]
pub mod course_page;
pub mod error;
#[cfg(feature = "hydrate")]
mod event_stream;
mod format;
mod live;
pub mod model;
mod pages;
pub mod preferences;
pub mod teach_api;
#[cfg(feature = "ssr")]
pub mod teaching;

pub use app::{App, shell};
pub use components::lab_title;

/// Takes over the document that the server rendered.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(App);
}
