//! Fields and ends of forms that are posted by their bare names.

use crate::{
    components::{FieldInput, NoticeBox},
    model::{FieldInput as Input, FieldView, Notice},
};
use leptos::prelude::*;

/// One line of text.
#[component]
pub fn TextInput(
    form: &'static str,
    name: &'static str,
    label: &'static str,
    #[prop(optional)] help: &'static str,
    #[prop(optional, into)] value: String,
    #[prop(default = 200)] max_length: u32,
    outcome: Signal<Option<Notice>>,
) -> impl IntoView {
    let field = FieldView {
        name: name.to_owned(),
        label: label.to_owned(),
        help_html: help.to_owned(),
        value,
        required: true,
        input: Input::Text { max_length },
    };
    view! { <FieldInput field form=form.to_owned() outcome plain=true/> }.into_any()
}

/// A password: what was typed never comes back with the page.
#[component]
pub fn PasswordInput(
    form: &'static str,
    name: &'static str,
    label: &'static str,
    #[prop(optional)] help: &'static str,
    /// It is a new one, which the browser's keeper of passwords may propose.
    #[prop(optional)]
    is_new: bool,
    outcome: Signal<Option<Notice>>,
) -> impl IntoView {
    let id = format!("{form}-{name}");
    let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
    let error = Memo::new(move |_| {
        outcome.with(|notice| {
            notice.as_ref().filter(|notice| notice.field.as_deref() == Some(name)).map(|notice| notice.message.clone())
        })
    });
    let described = {
        let (help_id, error_id) = (help_id.clone(), error_id.clone());
        move || match (help.is_empty(), error.with(Option::is_some)) {
            (true, false) => None,
            (true, true) => Some(error_id.clone()),
            (false, false) => Some(help_id.clone()),
            (false, true) => Some(format!("{help_id} {error_id}")),
        }
    };
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input
                id=id
                name=name
                type="password"
                required=true
                minlength=is_new.then_some("12")
                maxlength="1000"
                autocomplete=if is_new { "new-password" } else { "current-password" }
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described
            />
            {(!help.is_empty()).then(|| view! { <p class="help" id=help_id>{help}</p> })}
            {move || error.get().map(|message| view! { <p class="field-error" id=error_id.clone()>{message}</p> })}
        </div>
    }
    .into_any()
}

/// The button of a form, and what the form led to.
#[component]
pub fn FormEnd(
    #[prop(into)] pending: Signal<bool>,
    notice: Signal<Option<Notice>>,
    button: &'static str,
    busy: &'static str,
) -> impl IntoView {
    view! {
        <div class="form-end">
            <button
                type="submit"
                class="button"
                disabled=move || pending.get()
                aria-busy=move || pending.get().then_some("true")
            >
                {move || if pending.get() { busy } else { button }}
            </button>
        </div>
        <NoticeBox notice/>
    }
    .into_any()
}
