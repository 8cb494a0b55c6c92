//! The two ways into a lab: a new one, or one's own by its code.

use super::{Icon, NoticeBox, icon, outcome};
use crate::{
    api::{Resume, Start},
    model::{LearnerView, about},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::components::A;

#[component]
pub fn Welcome(
    /// The learner this browser knows already.
    learner: Option<LearnerView>,
) -> impl IntoView {
    let start = ServerAction::<Start>::new();
    let resume = ServerAction::<Resume>::new();
    let start_notice = outcome(start, about::START.to_owned());
    let resume_notice = outcome(resume, about::RESUME.to_owned());
    let kept_code = resume_notice
        .with_untracked(|notice| notice.as_ref().and_then(|notice| notice.kept.get("code").cloned()))
        .unwrap_or_default();
    let at_fault = move || resume_notice.with(|notice| notice.as_ref().is_some_and(|notice| notice.field.is_some()));
    let begin = match learner {
        Some(learner) => view! {
            <div class="begin" id="start">
                <A href=format!("/lab/{}", learner.current_step) attr:class="button is-large">
                    "Continue your lab" {icon(Icon::Arrow)}
                </A>
                <p class="help">
                    {format!("{} of {} steps passed.", learner.steps_passed, learner.steps_total)}
                </p>
            </div>
        }
        .into_any(),
        None => view! {
            <ActionForm action=start attr:class="begin" attr:id="start">
                <button
                    type="submit"
                    class="button is-large"
                    disabled=move || start.pending().get()
                    aria-busy=move || start.pending().get().then_some("true")
                >
                    "Start the lab"
                    {icon(Icon::Arrow)}
                </button>
                <p class="help">"No sign-up. You get an account number, an access key and a code to come back with."</p>
            </ActionForm>
        }
        .into_any(),
    };
    view! {
        <div class="welcome">
            <NoticeBox notice=start_notice/>
            {begin}
            <ActionForm action=resume attr:class="resume" attr:id="resume">
                <div class="field">
                    <label for="resume-code">"Started in another browser?"</label>
                    <div class="resume-row">
                        <input
                            id="resume-code"
                            name="code"
                            type="text"
                            value=kept_code
                            placeholder="Resume code"
                            maxlength="64"
                            required=true
                            autocomplete="off"
                            autocapitalize="characters"
                            spellcheck="false"
                            aria-invalid=move || at_fault().then_some("true")
                            aria-describedby="resume-outcome"
                        />
                        <button type="submit" class="button is-quiet" disabled=move || resume.pending().get()>
                            "Resume"
                        </button>
                    </div>
                </div>
                <div id="resume-outcome">
                    <NoticeBox notice=resume_notice/>
                </div>
            </ActionForm>
        </div>
    }
    .into_any()
}
