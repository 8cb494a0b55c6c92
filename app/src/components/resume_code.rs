//! The code that opens the learner's lab in another browser: shown once, made anew on demand.

use super::{NoticeBox, copy_button, outcome};
use crate::{
    api::{self, RenewResumeCode},
    model::about,
};
use leptos::{form::ActionForm, prelude::*, task::spawn_local};

#[component]
pub fn ResumeCode(
    /// A code made a moment ago, shown this once.
    code: Option<String>,
) -> impl IntoView {
    let renew = ServerAction::<RenewResumeCode>::new();
    let notice = outcome(renew, about::RESUME_CODE.to_owned());
    let code = RwSignal::new(code);
    Effect::new(move |_| {
        if renew.value().with(|value| matches!(value, Some(Ok(_)))) {
            spawn_local(async move { code.set(api::take_resume_code().await.ok().flatten()) });
        }
    });
    view! {
        <section class="keys" id="resume-code" aria-labelledby="resume-code-title">
            <h2 id="resume-code-title">"Your resume code"</h2>
            {move || match code.get() {
                Some(code) => view! { <Fresh code/> }.into_any(),
                None => view! {
                    <p>
                        "The code opens your lab in another browser. It was shown when it was made, and is not kept where a \
                         page could show it again."
                    </p>
                }
                .into_any(),
            }}
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
