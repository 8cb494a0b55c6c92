//! A question about the step, with what is right and why after an answer.

use super::{Icon, NoticeBox, icon, outcome};
use crate::{
    api::Answer,
    live::Live,
    model::{AnswerView, QuestionView, about},
};
use leptos::{form::ActionForm, prelude::*};

#[component]
pub fn Quiz(live: Live, slug: String, on_done: Callback<()>) -> impl IntoView {
    let questions = live
        .step
        .with_untracked(|step| step.questions.clone())
        .into_iter()
        .enumerate()
        .map(move |(index, first)| {
            let question = Memo::new(move |_| {
                live.step.with(|step| step.questions.get(index).cloned()).unwrap_or_else(|| first.clone())
            });
            view! { <Question question slug=slug.clone() on_done/> }
        })
        .collect_view();
    let none = live.step.with_untracked(|step| step.questions.is_empty());
    view! {
        <section class="quiz" aria-labelledby="quiz-title" hidden=none>
            <h2 id="quiz-title">"Do you see why?"</h2>
            {questions}
        </section>
    }
    .into_any()
}

#[component]
fn Question(question: Memo<QuestionView>, slug: String, on_done: Callback<()>) -> impl IntoView {
    let answer = ServerAction::<Answer>::new();
    let QuestionView { id, question_html, multiple, choices, .. } = question.get_untracked();
    let notice = outcome(answer, about::question(&id));
    Effect::new(move |_| {
        if answer.value().with(|value| matches!(value, Some(Ok(_)))) {
            on_done.run(());
        }
    });
    let options = choices
        .into_iter()
        .enumerate()
        .map(|(index, first)| {
            let choice = Memo::new(move |_| {
                question.with(|question| question.choices.get(index).cloned()).unwrap_or_else(|| first.clone())
            });
            let value = choice.with_untracked(|choice| choice.value.clone());
            let chosen = question.with_untracked(|question| question.chosen.contains(&value));
            view! { <Choice choice value chosen multiple question=id.clone()/> }
        })
        .collect_view();
    let anchor = format!("question-{id}");
    let verdict = move || match question.with(|question| question.right) {
        Some(true) => view! { <p class="quiz-verdict is-good">{icon(Icon::Check)} "That is right."</p> }.into_any(),
        Some(false) => view! {
            <p class="quiz-verdict is-bad">{icon(Icon::NotEqual)} "Not quite. Read why, and try again if you like."</p>
        }
        .into_any(),
        None => ().into_any(),
    };
    view! {
        <div class="question" id=anchor>
            <ActionForm action=answer>
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="question" value=id/>
                <fieldset>
                    <legend>
                        <span inner_html=question_html></span>
                        {multiple.then(|| view! { <span class="help">" Choose all that apply."</span> })}
                    </legend>
                    {options}
                </fieldset>
                <div class="form-end">
                    <button type="submit" class="button is-quiet" disabled=move || answer.pending().get()>
                        "Answer"
                    </button>
                    <div role="status">{verdict}</div>
                </div>
            </ActionForm>
            <NoticeBox notice/>
        </div>
    }
    .into_any()
}

#[component]
fn Choice(choice: Memo<AnswerView>, value: String, chosen: bool, multiple: bool, question: String) -> impl IntoView {
    let html = choice.with_untracked(|choice| choice.html.clone());
    let id = format!("choice-{question}-{value}");
    let solution = move || {
        choice.with(|choice| choice.solution.clone()).map(|solution| {
            let (class, word) =
                if solution.right { ("solution is-good", "Right: ") } else { ("solution is-bad", "Wrong: ") };
            view! {
                <p class=class>
                    <strong>{word}</strong>
                    <span inner_html=solution.explanation_html></span>
                </p>
            }
        })
    };
    view! {
        <div class="choice">
            <input
                id=id.clone()
                type=if multiple { "checkbox" } else { "radio" }
                name="choices[]"
                value=value
                checked=chosen
            />
            <label for=id inner_html=html></label>
            {solution}
        </div>
    }
    .into_any()
}
