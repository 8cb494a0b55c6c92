//! "Do this step for me": by the page in the sandbox, by a script or Terraform elsewhere.

use super::{Icon, NoticeBox, code_block, icon, outcome};
use crate::{
    api::CatchUp as CatchUpCall,
    format::{day_and_time, machine_time},
    live::Live,
    model::{CatchUpView, PlannedCallView, about},
};
use leptos::{form::ActionForm, prelude::*};

#[component]
pub fn CatchUp(live: Live, slug: String, on_done: Callback<()>) -> impl IntoView {
    let perform = ServerAction::<CatchUpCall>::new();
    let notice = outcome(perform, about::CATCH_UP.to_owned());
    Effect::new(move |_| {
        if perform.value().with(|value| matches!(value, Some(Ok(_)))) {
            on_done.run(());
        }
    });
    let view = Memo::new(move |_| live.step.with(|step| step.catch_up.clone()));
    let offered = Memo::new(move |_| view.with(is_offered));
    let assisted = Memo::new(move |_| view.with(|view| view.assisted_at));
    let hands_over = Memo::new(move |_| view.with(|view| view.hands_over));
    // After a post without JavaScript the outcome must be in sight.
    let open = notice.with_untracked(Option::is_some);
    let content = Memo::new(move |_| CatchUpView { assisted_at: None, ..view.get() });
    view! {
        <section class="catch-up" id="catch-up" aria-labelledby="catch-up-title" hidden=move || !offered.get() && assisted.get().is_none()>
            <h2 class="visually-hidden" id="catch-up-title">"Catch up"</h2>
            <details open=open>
                <summary>
                    "Do this step for me"
                    {move || assisted.get().map(|_| view! { <span class="assisted-mark">{move || help_word(hands_over.get())}</span> })}
                </summary>
                <div class="catch-up-body">
                    <Assisted assisted hands_over/>
                    {move || {
                        let (slug, posted) = (slug.clone(), slug.clone());
                        let view = content.get();
                        if view.can_perform {
                            let calls = view.calls.clone();
                            view! {
                                <Plan calls/>
                                <Ask perform slug=posted label="Do this step for me" busy="Doing it…"/>
                                <Scripts slug view is_only=false/>
                            }
                            .into_any()
                        } else if view.hands_over && view.script.is_empty() {
                            view! {
                                <p>
                                    "In your own account the page makes nothing. It can hand you a script and a Terraform file that do exactly this step: every command stands in them for you to read before you run it, with your own credentials."
                                </p>
                                <Ask perform slug=posted label="Hand them over" busy="Handing over…"/>
                            }
                            .into_any()
                        } else {
                            view! { <Scripts slug view is_only=true/> }.into_any()
                        }
                    }}
                </div>
            </details>
            <NoticeBox notice/>
        </section>
    }
    .into_any()
}

/// The button that asks for help.
#[component]
fn Ask(perform: ServerAction<CatchUpCall>, slug: String, label: &'static str, busy: &'static str) -> impl IntoView {
    view! {
        <ActionForm action=perform attr:class="form-end">
            <input type="hidden" name="slug" value=slug/>
            <button
                type="submit"
                class="button is-quiet"
                disabled=move || perform.pending().get()
                aria-busy=move || perform.pending().get().then_some("true")
            >
                {move || if perform.pending().get() { busy } else { label }}
            </button>
            <span class="help">"Recorded as assisted."</span>
        </ActionForm>
    }
    .into_any()
}

#[component]
fn Assisted(assisted: Memo<Option<i64>>, hands_over: Memo<bool>) -> impl IntoView {
    let words = move || {
        assisted.get().map(|at| {
            view! {
                <p class="assisted">
                    {icon(Icon::Info)}
                    <span>
                        {if hands_over.get() { "Script handed over " } else { "Done for you " }} <time datetime=machine_time(at)>{day_and_time(at)}</time>
                        ". Your results say so beside the step."
                    </span>
                </p>
            }
        })
    };
    view! { {words} }.into_any()
}

/// The calls that the button makes.
#[component]
fn Plan(calls: Vec<PlannedCallView>) -> impl IntoView {
    let rows = calls
        .into_iter()
        .map(|PlannedCallView { operation, on }| {
            view! {
                <tr>
                    <th scope="row"><code>{operation}</code></th>
                    <td><code>{on}</code></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <p>
            "Short of time, or stuck? The page makes these calls in your account in the sandbox, in this order. What is there already is kept. Then it runs the step's checks, those that call your functions included."
        </p>
        <table class="plan">
            <thead>
                <tr>
                    <th scope="col">"Call"</th>
                    <th scope="col">"On"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

/// The same step as files to run.
#[component]
fn Scripts(
    slug: String,
    view: CatchUpView,
    /// There is no button beside them.
    is_only: bool,
) -> impl IntoView {
    let CatchUpView { script, terraform, .. } = view;
    if script.is_empty() && terraform.is_empty() {
        return ().into_any();
    }
    let introduction = is_only.then(|| {
        view! {
            <p>
                "In your own account the page makes nothing. These do exactly this step when you run them, with your own credentials: read them first. The script can be run again; what is there already is kept."
            </p>
        }
    });
    let file = |ending: &str| format!("headwater-{slug}.{ending}");
    let script =
        (!script.is_empty()).then(|| source("A script for bash and the AWS CLI", file("sh"), script, "the script"));
    let terraform =
        (!terraform.is_empty()).then(|| source("The same in Terraform", file("tf"), terraform, "the Terraform file"));
    view! {
        {introduction}
        {script}
        {terraform}
    }
    .into_any()
}

fn source(title: &'static str, file: String, text: String, what: &'static str) -> impl IntoView {
    view! {
        <details class="source">
            <summary>{title} <code class="file-name">{file}</code></summary>
            {code_block(text, what)}
        </details>
    }
}

/// What kind of help it was.
fn help_word(hands_over: bool) -> &'static str {
    if hands_over { "script handed over" } else { "done for you" }
}

fn is_offered(view: &CatchUpView) -> bool {
    view.can_perform || view.hands_over || !view.script.is_empty() || !view.terraform.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_offered_where_nothing_can_be_done() {
        assert!(!is_offered(&CatchUpView::default()));
        assert!(is_offered(&CatchUpView { can_perform: true, ..CatchUpView::default() }));
        assert!(is_offered(&CatchUpView { hands_over: true, ..CatchUpView::default() }));
        assert!(is_offered(&CatchUpView { script: "aws".to_owned(), ..CatchUpView::default() }));
    }
}
