//! A form of a page about a class.

use super::ClassDesk;
use crate::{
    components::NoticeBox,
    model::{Tone, teach::Act},
};
use leptos::{form::ActionForm, prelude::*};

/// Posts one act with its fields; the outcome is told beside it. Its id names it on the page and in its notice.
#[component]
pub fn ActForm(
    act: Act,
    #[prop(into)] id: String,
    /// Fields that are not typed.
    #[prop(optional)]
    hidden: Vec<(&'static str, String)>,
    button: &'static str,
    /// The button's whole name, where the words on it do not tell what it is about.
    #[prop(optional, into)]
    label: Option<String>,
    #[prop(optional)] is_quiet: bool,
    #[prop(optional)] is_danger: bool,
    /// The outcome is told elsewhere.
    #[prop(optional)]
    is_silent: bool,
    #[prop(default = "form")] class: &'static str,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let desk = expect_context::<ClassDesk>();
    let notice = desk.outcome(id.clone());
    let back = format!("{}#{id}", desk.path.get_value());
    let about = id.clone();
    let pending = desk.act.pending();
    let is_this = {
        let id = id.clone();
        move || pending.get() && desk.act.input().with(|input| input.as_ref().is_some_and(|input| input.about == id))
    };
    let hidden = hidden
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=format!("fields[{name}]") value=value/> })
        .collect_view();
    // Good news of a form that clears itself: what was typed is done with.
    let place = NodeRef::<leptos::html::Div>::new();
    Effect::new(move |_| {
        if notice.with(|notice| notice.as_ref().is_some_and(|notice| notice.tone == Tone::Good)) {
            clear(place);
        }
    });
    view! {
        <div class="act" id=id node_ref=place>
            <ActionForm action=desk.act attr:class=class>
                <input type="hidden" name="class" value=desk.class.get_value()/>
                <input type="hidden" name="act" value=act.as_str()/>
                <input type="hidden" name="about" value=about/>
                <input type="hidden" name="back" value=back/>
                {hidden}
                {children.map(|children| children())}
                <div class="form-end">
                    <button
                        type="submit"
                        class="button"
                        class:is-quiet=is_quiet
                        class:is-danger=is_danger
                        aria-label=label
                        disabled=move || pending.get()
                        aria-busy=move || is_this().then_some("true")
                    >
                        {button}
                    </button>
                </div>
            </ActionForm>
            {(!is_silent).then(|| view! { <NoticeBox notice/> })}
        </div>
    }
    .into_any()
}

/// Something that is asked about first: it opens under its summary, with script or without.
#[component]
pub fn Confirmed(summary: &'static str, question: String, children: Children) -> impl IntoView {
    view! {
        <details class="confirmed">
            <summary>{summary}</summary>
            <div class="confirmed-body">
                <p>{question}</p>
                {children()}
            </div>
        </details>
    }
    .into_any()
}

/// Empties the fields that are marked so.
#[cfg(feature = "hydrate")]
fn clear(place: NodeRef<leptos::html::Div>) {
    use wasm_bindgen::JsCast;

    let Some(place) = place.get_untracked() else { return };
    let Ok(fields) = place.query_selector_all("[data-clears]") else { return };
    for index in 0..fields.length() {
        let Some(node) = fields.get(index) else { continue };
        if let Some(area) = node.dyn_ref::<web_sys::HtmlTextAreaElement>() {
            area.set_value("");
        } else if let Some(input) = node.dyn_ref::<web_sys::HtmlInputElement>() {
            input.set_value("");
        }
    }
}

#[cfg(not(feature = "hydrate"))]
fn clear(_place: NodeRef<leptos::html::Div>) {}
