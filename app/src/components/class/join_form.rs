//! The form by which a learner comes into a class.

use crate::{
    api::Join,
    components::{FieldInput, LabCard, NoticeBox, lab_title, outcome},
    model::{BRING, ClassInvite, FieldInput as Input, FieldView, LabChoice, OwnLab, about},
};
use leptos::{form::ActionForm, prelude::*};

/// Name and lab. `own` is the lab of this browser, if it may come along.
#[component]
pub fn JoinForm(invite: ClassInvite, own: Option<OwnLab>) -> impl IntoView {
    let ClassInvite { code, approval, anonymous, labs, own_lab, .. } = invite;
    let join = ServerAction::<Join>::new();
    let notice = outcome(join, about::JOIN.to_owned());
    let kept = notice.with_untracked(|notice| notice.as_ref().and_then(|notice| notice.kept.get("lab").cloned()));
    let name = FieldView {
        name: "name".to_owned(),
        label: "Your name".to_owned(),
        help_html: "The instructors of the class see it beside what you do; other learners do not.".to_owned(),
        value: String::new(),
        required: !anonymous,
        input: Input::Text { max_length: 80 },
    };
    let replaces = own_lab.is_some();
    view! {
        <ActionForm action=join attr:class="form way-in-form" attr:id="join">
            <input type="hidden" name="code" value=code/>
            <FieldInput field=name form="join".to_owned() outcome=notice plain=true/>
            {anonymous
                .then(|| {
                    view! {
                        <div class="tick">
                            <input type="checkbox" id="join-anonymous" name="anonymous" value="true"/>
                            <label for="join-anonymous">"Stay anonymous: the instructors see no name"</label>
                        </div>
                    }
                })}
            <Labs labs own kept/>
            {replaces
                .then(|| {
                    view! {
                        <p class="help">
                            "With a new lab, this browser no longer shows the one it has; that one is then opened by its resume code, which its Connect step makes."
                        </p>
                    }
                })}
            <div class="form-end">
                <button
                    type="submit"
                    class="button is-large"
                    disabled=move || join.pending().get()
                    aria-busy=move || join.pending().get().then_some("true")
                >
                    {if approval { "Ask to be let in" } else { "Join the class" }}
                </button>
            </div>
            <NoticeBox notice/>
        </ActionForm>
    }
    .into_any()
}

/// The labs to choose from. Where there is no choice, the lab is named.
#[component]
fn Labs(labs: Vec<LabChoice>, own: Option<OwnLab>, kept: Option<String>) -> impl IntoView {
    if let ([only], None) = (labs.as_slice(), &own) {
        return view! {
            <input type="hidden" name="lab" value=only.as_str()/>
            <p>"The lab of this class: " <strong>{lab_title(*only)}</strong></p>
        }
        .into_any();
    }
    let usual = if own.is_some() { Some(BRING) } else { labs.first().map(|choice| choice.as_str()) };
    let chosen = kept.or(usual.map(str::to_owned)).unwrap_or_default();
    let bring = own.map(|own| view! { <Bring own checked=chosen == BRING/> });
    let new = labs
        .into_iter()
        .map(|choice| view! { <LabCard choice name="lab" checked=chosen == choice.as_str()/> })
        .collect_view();
    view! {
        <fieldset>
            <legend>"Which lab?"</legend>
            <div class="cards">{bring} {new}</div>
        </fieldset>
    }
    .into_any()
}

/// The lab that is there already, as a card among those that would be new.
#[component]
fn Bring(own: OwnLab, checked: bool) -> impl IntoView {
    let OwnLab { choice, steps_passed, steps_total, .. } = own;
    view! {
        <div class="card">
            <input type="radio" id="choice-bring" name="lab" value=BRING checked=checked aria-describedby="choice-bring-text"/>
            <label for="choice-bring">"The lab in this browser"</label>
            <div class="card-text" id="choice-bring-text">
                <p>{format!("{}: {steps_passed} of {steps_total} steps passed. What you did before counts.", lab_title(choice))}</p>
            </div>
        </div>
    }
    .into_any()
}
