//! The field for the code of a class.

use leptos::prelude::*;

/// Leads to the class by a plain request, which needs no script and leaves no session.
#[component]
pub fn CodeForm(
    label: &'static str,
    /// What was typed before.
    #[prop(optional, into)]
    typed: String,
    /// Why that is no code.
    #[prop(default = None)]
    fault: Option<String>,
) -> impl IntoView {
    let at_fault = fault.is_some();
    view! {
        <form class="resume" method="get" action="/join">
            <div class="field">
                <label for="class-code">{label}</label>
                <div class="resume-row">
                    <input
                        id="class-code"
                        name="code"
                        type="text"
                        value=typed
                        placeholder="Class code"
                        maxlength="32"
                        required=true
                        autocomplete="off"
                        autocapitalize="characters"
                        spellcheck="false"
                        aria-invalid=at_fault.then_some("true")
                        aria-describedby=at_fault.then_some("class-code-fault")
                    />
                    <button type="submit" class="button">"Go on"</button>
                </div>
                {fault.map(|fault| view! { <p class="field-error" id="class-code-fault">{fault}</p> })}
            </div>
        </form>
    }
    .into_any()
}
