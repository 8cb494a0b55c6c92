//! The ways into a lab: a new one of several kinds, or one's own by its code.

use super::{Icon, LabCard, NoticeBox, class::CodeForm, icon, outcome};
use crate::{
    api::{Resume, Start},
    model::{LabChoice, LearnerView, about},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::components::A;

#[component]
pub fn Welcome(
    /// The learner this browser knows already.
    learner: Option<LearnerView>,
    /// The labs on offer, none where only members of classes may start one; `None` where only the first page tells.
    choices: Option<Vec<LabChoice>>,
) -> impl IntoView {
    let start = ServerAction::<Start>::new();
    let resume = ServerAction::<Resume>::new();
    let start_notice = outcome(start, about::START.to_owned());
    let resume_notice = outcome(resume, about::RESUME.to_owned());
    let kept_code = resume_notice
        .with_untracked(|notice| notice.as_ref().and_then(|notice| notice.kept.get("code").cloned()))
        .unwrap_or_default();
    let at_fault = move || resume_notice.with(|notice| notice.as_ref().is_some_and(|notice| notice.field.is_some()));
    let kept_choice =
        start_notice.with_untracked(|notice| notice.as_ref().and_then(|notice| notice.kept.get("choice").cloned()));
    let for_members = choices.as_ref().is_some_and(Vec::is_empty);
    let others = (learner.is_none() && !for_members).then(|| match choices {
        Some(choices) => view! { <OtherWays start choices kept_choice/> }.into_any(),
        None => view! { <p class="help"><a href="/#other-ways">"Other ways to run it"</a></p> }.into_any(),
    });
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
        None if for_members => view! {
            <div class="begin" id="start">
                <CodeForm label="Labs here are for members of a class. Enter its code"/>
                <p class="help">"Whoever runs your class shows the code, or sends you a link with it."</p>
            </div>
        }
        .into_any(),
        None => view! {
            <ActionForm action=start attr:class="begin" attr:id="start">
                <input type="hidden" name="choice" value=LabChoice::SandboxSql.as_str()/>
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
            {(!for_members)
                .then(|| {
                    view! { <p class="to-class">"In a class? " <A href="/join">"Enter its code"</A></p> }
                })}
            {others}
        </div>
    }
    .into_any()
}

/// Every kind of lab that can be started here, to choose from.
#[component]
fn OtherWays(
    start: ServerAction<Start>,
    choices: Vec<LabChoice>,
    /// What was chosen in a post that went wrong.
    kept_choice: Option<String>,
) -> impl IntoView {
    let open = kept_choice.as_deref().is_some_and(|kept| kept != LabChoice::default().as_str());
    let chosen =
        LabChoice::ALL.into_iter().find(|choice| kept_choice.as_deref() == Some(choice.as_str())).unwrap_or_default();
    let no_accounts = !choices.iter().any(|choice| choice.is_account());
    let cards = choices
        .into_iter()
        .map(|choice| view! { <LabCard choice name="choice" checked=choice == chosen/> })
        .collect_view();
    view! {
        <details class="other-ways" id="other-ways" open=open>
            <summary>"Other ways to run it"</summary>
            <ActionForm action=start attr:class="form">
                <fieldset>
                    <legend>"What counts the clicks, and where?"</legend>
                    <div class="cards">{cards}</div>
                </fieldset>
                {no_accounts
                    .then(|| {
                        view! {
                            <p class="help">
                                "Labs in an AWS account of your own are not offered here: this server was started to work with its sandbox only. Whoever runs it can change that with the option "
                                <code>"--live"</code> "."
                            </p>
                        }
                    })}
                <div class="form-end">
                    <button
                        type="submit"
                        class="button"
                        disabled=move || start.pending().get()
                        aria-busy=move || start.pending().get().then_some("true")
                    >
                        "Start this one"
                    </button>
                </div>
            </ActionForm>
        </details>
    }
    .into_any()
}
