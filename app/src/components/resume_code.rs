//! The code that opens the learner's lab in another browser: shown once, made anew on demand.

use super::{NoticeBox, copy_button, outcome};
use crate::{
    api::{self, RenewResumeCode},
    model::about,
};
use leptos::{form::ActionForm, prelude::*};

#[component]
pub fn ResumeCode() -> impl IntoView {
    let renew = ServerAction::<RenewResumeCode>::new();
    let notice = outcome(renew, about::RESUME_CODE.to_owned());
    // The code is handed out once: this takes it, at first and after each new code.
    let fresh = Resource::new(move || renew.version().get(), |_| api::take_resume_code());
    view! {
        <section class="keys" id="resume-code" aria-labelledby="resume-code-title">
            <h2 id="resume-code-title">"Your resume code"</h2>
            <Transition>
                {move || Suspend::new(async move {
                    match fresh.await.ok().flatten() {
                        Some(code) => view! { <Fresh code/> }.into_any(),
                        None => view! {
                            <p>
                                "The code opens your lab in another browser. It was shown when it was made, and is not                                  kept where a page could show it again."
                            </p>
                        }
                        .into_any(),
                    }
                })}
            </Transition>
            <ActionForm action=renew attr:class="form-end">
                <button type="submit" class="button is-quiet" disabled=move || renew.pending().get()>
                    "Make a new code"
                </button>
                <span class="help">"The old code stops working."</span>
            </ActionForm>
            <NoticeBox notice/>
        </section>
    }
    .into_any()
}

#[component]
fn Fresh(code: String) -> impl IntoView {
    view! {
        <div class="fresh-keys">
            <p>
                <strong>"This is the only time the code is shown."</strong>
                " Enter it on the first page in another browser to go on there. Keep it to yourself: it opens your lab."
            </p>
            <div class="code-frame">
                <pre class="code-block" id="resume-code-value" tabindex="0"><code>{code.clone()}</code></pre>
                {copy_button(code, "the resume code")}
            </div>
        </div>
    }
    .into_any()
}
