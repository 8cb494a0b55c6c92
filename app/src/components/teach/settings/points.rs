//! What checks are worth.

use crate::{
    components::{
        FieldInput,
        teach::{ActForm, ClassDesk},
    },
    format::counted,
    model::{
        FieldInput as Input, FieldView, Notice,
        teach::{Act, PointsView, StepPointsView},
    },
};
use leptos::prelude::*;

#[component]
pub fn Points(points: PointsView) -> impl IntoView {
    let desk = expect_context::<ClassDesk>();
    let outcome = desk.outcome("settings-points".to_owned());
    let PointsView { steps, assisted_percent } = points;
    let total: u32 = steps.iter().flat_map(|step| &step.checks).map(|(_, _, points)| points).sum();
    let assisted = number(
        "assisted_percent".to_owned(),
        "For a step that was done for the learner".to_owned(),
        "Of the points of its checks. A step can be done for a learner who asks for it.",
        assisted_percent,
        100,
        "percent",
    );
    let steps = steps.into_iter().map(|step| view! { <StepPoints step outcome/> }).collect_view();
    view! {
        <section class="setting" id="points" aria-labelledby="points-title">
            <h2 id="points-title">"Points"</h2>
            <p>
                {format!("{} in all. ", counted(u64::from(total), "point", "points"))}
                "A check gives its points when it first passes. What you change here holds for everything that has happened, too."
            </p>
            <ActForm act=Act::SavePoints id="settings-points" button="Save the points">
                <FieldInput field=assisted form="points".to_owned() outcome/>
                {steps}
            </ActForm>
        </section>
    }
    .into_any()
}

#[component]
fn StepPoints(step: StepPointsView, outcome: Signal<Option<Notice>>) -> impl IntoView {
    let StepPointsView { number: step, title, checks } = step;
    let total: u32 = checks.iter().map(|(_, _, points)| points).sum();
    let fields = checks
        .into_iter()
        .map(|(id, title, points)| {
            let field = number(format!("points-{id}"), title, "", points, 1000, "");
            view! { <FieldInput field form="points".to_owned() outcome/> }
        })
        .collect_view();
    view! {
        <details class="step-points">
            <summary>
                {format!("{step} {title}")}
                <span class="help">{counted(u64::from(total), "point", "points")}</span>
            </summary>
            <div class="step-points-fields">{fields}</div>
        </details>
    }
    .into_any()
}

fn number(name: String, label: String, help: &str, value: u32, max: i64, unit: &str) -> FieldView {
    FieldView {
        name,
        label,
        help_html: help.to_owned(),
        value: value.to_string(),
        required: true,
        input: Input::Number { min: 0, max, unit: Some(unit.to_owned()).filter(|unit| !unit.is_empty()) },
    }
}
