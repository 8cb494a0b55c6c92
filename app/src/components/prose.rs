//! The lab's text, with buttons that copy its code blocks.

use super::{Icon, icon};
use leptos::prelude::*;

/// HTML of the lab. In the browser, each code block in it gets a copy button.
#[component]
pub fn Prose(#[prop(into)] html: Signal<String>) -> impl IntoView {
    let node = NodeRef::<leptos::html::Div>::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| {
        // New text comes without buttons.
        html.track();
        if let Some(node) = node.get() {
            browser::add_copy_buttons(&node);
        }
    });
    view! {
        <div
            class="prose"
            node_ref=node
            inner_html=move || html.get()
            on:click=|event| {
                #[cfg(feature = "hydrate")]
                browser::copy_from_frame(&event);
                #[cfg(not(feature = "hydrate"))]
                let _ = event;
            }
        ></div>
    }
    .into_any()
}

/// Text to take along, with a button that copies it.
pub fn code_block(text: impl Into<String>, what: &'static str) -> impl IntoView {
    let text = text.into();
    view! {
        <div class="code-frame">
            <pre class="code-block" tabindex="0"><code>{text.clone()}</code></pre>
            {copy_button(text, what)}
        </div>
    }
}

/// A button that copies `text`; it appears once it works.
pub fn copy_button(text: impl Into<String>, what: &'static str) -> impl IntoView {
    let text = text.into();
    let copied = RwSignal::new(false);
    let works = use_context::<Hydrated>().map(|Hydrated(hydrated)| hydrated);
    view! {
        <button
            type="button"
            class="copy"
            class:is-done=move || copied.get()
            hidden=move || !works.is_some_and(|works| works.get())
            aria-label=format!("Copy {what}")
            on:click=move |_| {
                #[cfg(feature = "hydrate")]
                browser::copy(&text, move || {
                    copied.try_set(true);
                    set_timeout(move || { copied.try_set(false); }, std::time::Duration::from_secs(2));
                });
                #[cfg(not(feature = "hydrate"))]
                let _ = (&text, copied);
            }
        >
            {icon(Icon::Copy)}
            <span role="status">{move || if copied.get() { "Copied" } else { "Copy" }}</span>
        </button>
    }
}

/// Whether the wasm has taken over the page.
#[derive(Clone, Copy)]
pub struct Hydrated(pub RwSignal<bool>);

#[cfg(feature = "hydrate")]
mod browser {
    use leptos::{prelude::*, task::spawn_local};
    use std::time::Duration;
    use wasm_bindgen::JsCast;
    use web_sys::{Element, HtmlElement, MouseEvent};

    /// Frames each code block and puts a button into the frame.
    pub(super) fn add_copy_buttons(root: &HtmlElement) {
        let Ok(blocks) = root.query_selector_all("pre.code-block") else { return };
        for index in 0..blocks.length() {
            if let Some(block) = blocks.get(index).and_then(|node| node.dyn_into::<Element>().ok()) {
                let _ = frame(&block);
            }
        }
    }

    fn frame(block: &Element) -> Option<()> {
        let parent = block.parent_element()?;
        if parent.class_list().contains("code-frame") {
            return None;
        }
        let frame = document().create_element("div").ok()?;
        frame.set_class_name("code-frame");
        let button = document().create_element("button").ok()?;
        button.set_class_name("copy");
        button.set_attribute("type", "button").ok()?;
        button.set_text_content(Some("Copy"));
        parent.insert_before(&frame, Some(block)).ok()?;
        frame.append_child(block).ok()?;
        frame.append_child(&button).ok()?;
        Some(())
    }

    /// Copies the code block in whose frame a button was pressed.
    pub(super) fn copy_from_frame(event: &MouseEvent) {
        let Some(button) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        if !button.class_list().contains("copy") {
            return;
        }
        let block = button.parent_element().and_then(|frame| frame.query_selector("pre").ok().flatten());
        let Some(text) = block.and_then(|block| block.text_content()) else { return };
        copy(&text, move || {
            button.set_text_content(Some("Copied"));
            let button = button.clone();
            set_timeout(move || button.set_text_content(Some("Copy")), Duration::from_secs(2));
        });
    }

    /// Copies a text to the clipboard and says when it is there.
    pub(super) fn copy(text: &str, done: impl FnOnce() + 'static) {
        let promise = window().navigator().clipboard().write_text(text.trim_end_matches('\n'));
        spawn_local(async move {
            if wasm_bindgen_futures::JsFuture::from(promise).await.is_ok() {
                done();
            }
        });
    }
}
