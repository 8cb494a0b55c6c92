//! What a class is: the fields that making and changing one have in common.

use super::datetime_field::DateTimeField;
use crate::{
    components::FieldInput,
    model::{FieldInput as Input, FieldView, LabChoice, Notice},
};
use leptos::prelude::*;

/// What stands in the fields at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFormValues {
    pub name: String,
    pub starts_at: i64,
    pub ends_at: i64,
    pub labs: Vec<LabChoice>,
    pub approval: bool,
    pub anonymous: bool,
}

#[component]
pub fn ClassFields(
    form: &'static str,
    values: ClassFormValues,
    offered: Vec<LabChoice>,
    #[prop(into)] outcome: Signal<Option<Notice>>,
) -> impl IntoView {
    let ClassFormValues { name, starts_at, ends_at, labs, approval, anonymous } = values;
    let kept = outcome
        .with_untracked(|notice| notice.as_ref().map(|notice| notice.kept.clone()).filter(|kept| !kept.is_empty()));
    // A box that was not ticked is not posted.
    let is_on = |field: &str, usual: bool| kept.as_ref().map_or(usual, |kept| kept.contains_key(field));
    let name = FieldView {
        name: "name".to_owned(),
        label: "Name of the class".to_owned(),
        help_html: "Learners see it.".to_owned(),
        value: name,
        required: true,
        input: Input::Text { max_length: 120 },
    };
    let choices = offered
        .into_iter()
        .map(|lab| {
            let field = format!("lab-{}", lab.as_str());
            let checked = is_on(&field, labs.contains(&lab));
            view! { <Tick form field label=lab_title(lab) checked/> }
        })
        .collect_view();
    let labs_error = Memo::new(move |_| {
        outcome.with(|notice| {
            notice
                .as_ref()
                .filter(|notice| notice.field.as_deref() == Some("labs"))
                .map(|notice| notice.message.clone())
        })
    });
    view! {
        <FieldInput field=name form=form.to_owned() outcome/>
        <div class="form-pair">
            <DateTimeField form name="starts_at" label="Starts" value=starts_at outcome/>
            <DateTimeField form name="ends_at" label="Ends" value=ends_at outcome/>
        </div>
        <fieldset class="ticks">
            <legend>"Labs that learners may choose"</legend>
            {choices}
            {move || labs_error.get().map(|message| view! { <p class="field-error">{message}</p> })}
        </fieldset>
        <fieldset class="ticks">
            <legend>"Who comes in"</legend>
            <Tick form field="approval".to_owned() label="Learners wait until someone of the staff lets them in" checked=is_on("approval", approval)/>
            <Tick form field="anonymous".to_owned() label="Learners may do without a name" checked=is_on("anonymous", anonymous)/>
        </fieldset>
    }
    .into_any()
}

/// A box to tick, with its words beside it.
#[component]
pub fn Tick(form: &'static str, mut field: String, label: &'static str, checked: bool) -> impl IntoView {
    let id = format!("{form}-{field}");
    field.insert_str(0, "fields[");
    field.push(']');
    view! {
        <div class="tick">
            <input type="checkbox" id=id.clone() name=field value="on" checked=checked/>
            <label for=id>{label}</label>
        </div>
    }
    .into_any()
}

fn lab_title(lab: LabChoice) -> &'static str {
    match lab {
        LabChoice::SandboxSql => "Streaming SQL, in the sandbox",
        LabChoice::SandboxWindow => "A function with a tumbling window, in the sandbox",
        LabChoice::AccountWindow => "A function with a tumbling window, in an AWS account of the learner's own",
        LabChoice::AccountFlink => "Flink SQL, in an AWS account of the learner's own",
    }
}
