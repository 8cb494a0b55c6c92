//! One labelled field of a form, with its help and error.

use crate::model::{Choice, FieldInput as Input, FieldView, Notice};
use leptos::prelude::*;

/// A field of a form; it is posted as `fields[name]`, or by its bare name where the form is `plain`.
#[component]
pub fn FieldInput(
    field: FieldView,
    /// Makes the ids unique on the page.
    form: String,
    /// The outcome of the form: it may blame this field.
    #[prop(into)]
    outcome: Signal<Option<Notice>>,
    #[prop(optional)] plain: bool,
) -> impl IntoView {
    let FieldView { name, label, help_html, value, required, input } = field;
    let id = form + "-" + &name;
    let help_id = format!("{id}-help");
    let error_id = format!("{id}-error");
    // What was typed before a post without JavaScript; with it, the field still has it.
    let value = outcome
        .with_untracked(|notice| notice.as_ref().and_then(|notice| notice.kept.get(&name).cloned()))
        .unwrap_or(value);
    let posted = if plain { name.clone() } else { format!("fields[{name}]") };
    let error = Memo::new(move |_| {
        outcome.with(|notice| {
            notice.as_ref().filter(|notice| notice.field.as_deref() == Some(&name)).map(|notice| notice.message.clone())
        })
    });
    let invalid = move || error.with(Option::is_some).then_some("true");
    let described = {
        let (help_id, error_id) = ((!help_html.is_empty()).then(|| help_id.clone()), error_id.clone());
        move || {
            let ids: Vec<String> =
                help_id.clone().into_iter().chain(error.with(Option::is_some).then(|| error_id.clone())).collect();
            (!ids.is_empty()).then(|| ids.join(" "))
        }
    };
    let wide = matches!(input, Input::Code { .. });
    let control = match input {
        Input::Text { max_length } => view! {
            <input
                id=id.clone()
                name=posted
                type="text"
                value=value
                maxlength=max_length.to_string()
                required=required
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                aria-invalid=invalid
                aria-describedby=described
            />
        }
        .into_any(),
        Input::Number { min, max, unit } => view! {
            <span class="with-unit">
                <input
                    id=id.clone()
                    name=posted
                    type="number"
                    inputmode="numeric"
                    value=value
                    min=min.to_string()
                    max=max.to_string()
                    step="1"
                    required=required
                    autocomplete="off"
                    aria-invalid=invalid
                    aria-describedby=described
                />
                {unit.map(|unit| view! { <span class="unit">{unit}</span> })}
            </span>
        }
        .into_any(),
        Input::Select { options } => {
            let options = options
                .into_iter()
                .map(|Choice { value: option, label }| {
                    let selected = option == value;
                    view! { <option value=option selected=selected>{label}</option> }
                })
                .collect_view();
            view! {
                <select id=id.clone() name=posted required=required aria-invalid=invalid aria-describedby=described>
                    {options}
                </select>
            }
            .into_any()
        }
        Input::Code { language, rows } => view! {
            <textarea
                id=id.clone()
                name=posted
                rows=rows.to_string()
                required=required
                wrap="off"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                data-language=language
                aria-invalid=invalid
                aria-describedby=described
            >
                {value}
            </textarea>
        }
        .into_any(),
    };
    view! {
        <div class="field" class:is-wide=wide>
            <label for=id.clone()>{label}</label>
            {control}
            {(!help_html.is_empty()).then(|| view! { <p class="help" id=help_id.clone() inner_html=help_html.clone()></p> })}
            {move || error.get().map(|message| view! { <p class="field-error" id=error_id.clone()>{message}</p> })}
        </div>
    }
    .into_any()
}
