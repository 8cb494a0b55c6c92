//! Addresses that are told what happens.

use crate::{
    components::{
        FieldInput, Icon, icon,
        teach::{ActForm, ClassDesk, Confirmed, Tick},
    },
    format::{clock, counted, day_and_time, machine_time, short_clock},
    model::{
        FieldInput as Input, FieldView,
        teach::{Act, DeliveryView, WebhookKind, WebhookView},
    },
};
use leptos::prelude::*;

#[component]
pub fn Webhooks(webhooks: Vec<WebhookView>) -> impl IntoView {
    let desk = expect_context::<ClassDesk>();
    let outcome = desk.outcome("settings-webhook".to_owned());
    let kept = outcome
        .with_untracked(|notice| notice.as_ref().map(|notice| notice.kept.clone()).filter(|kept| !kept.is_empty()));
    let url = FieldView {
        name: "url".to_owned(),
        label: "Address".to_owned(),
        help_html:
            "It is sent JSON by POST, signed with a key of its own, and tried again for three days when it is not taken."
                .to_owned(),
        value: String::new(),
        required: true,
        input: Input::Text { max_length: 2000 },
    };
    let kinds = WebhookKind::ALL
        .map(|kind| {
            let field = format!("kind-{}", kind.as_str());
            let checked = kept.as_ref().is_none_or(|kept| kept.contains_key(&field));
            view! { <Tick form="webhook" field label=kind.label() checked/> }
        })
        .collect_view();
    let kinds_error = Memo::new(move |_| {
        outcome.with(|notice| {
            notice
                .as_ref()
                .filter(|notice| notice.field.as_deref() == Some("kinds"))
                .map(|notice| notice.message.clone())
        })
    });
    let none = webhooks.is_empty();
    let webhooks = webhooks.into_iter().map(|webhook| view! { <Webhook webhook/> }).collect_view();
    view! {
        <section class="setting" id="webhooks" aria-labelledby="webhooks-title">
            <h2 id="webhooks-title">"Webhooks"</h2>
            {none.then(|| view! { <p>"No address is told what happens in this class."</p> })}
            <ul class="setting-list">{webhooks}</ul>
            <h3>"Tell another address"</h3>
            <ActForm act=Act::AddWebhook id="settings-webhook" button="Add the webhook">
                <FieldInput field=url form="webhook".to_owned() outcome/>
                <fieldset class="ticks">
                    <legend>"What it is told"</legend>
                    {kinds}
                    {move || kinds_error.get().map(|message| view! { <p class="field-error">{message}</p> })}
                </fieldset>
            </ActForm>
        </section>
    }
    .into_any()
}

#[component]
fn Webhook(webhook: WebhookView) -> impl IntoView {
    let WebhookView { id, url, kinds, deliveries, behind, off } = webhook;
    let hidden = vec![("webhook", id.clone())];
    let told: Vec<&str> = kinds.into_iter().map(WebhookKind::label).collect();
    let none = deliveries.is_empty();
    let deliveries = deliveries.into_iter().map(delivery).collect_view();
    view! {
        <li class="setting-item">
            <p class="setting-name"><code>{url.clone()}</code></p>
            <p class="help">{told.join(" · ")}</p>
            {(behind > 0)
                .then(|| view! { <p class="setting-trouble">{counted(u64::from(behind), "event is", "events are")} " not delivered yet"</p> })}
            {off
                .map(|(since, why)| {
                    view! {
                        <p class="setting-trouble">
                            "Switched off since "
                            <time datetime=machine_time(since)>{day_and_time(since)}</time>
                            {format!(": {why}. Nothing is sent until you switch it on; then it is told what it has missed.")}
                        </p>
                        <ActForm act=Act::SwitchOnWebhook id=format!("settings-on-{id}") hidden=hidden.clone() button="Switch on" label=format!("Switch on {url}") class="inline-form"/>
                    }
                })}
            <details class="deliveries" open=behind != 0>
                <summary>"Last deliveries"</summary>
                {none.then(|| view! { <p class="help">"None yet."</p> })}
                <ul>{deliveries}</ul>
            </details>
            <div class="setting-answers">
                <ActForm act=Act::TestWebhook id=format!("settings-test-{id}") hidden=hidden.clone() button="Send a test" label=format!("Send a test to {url}") is_quiet=true class="inline-form"/>
                <Confirmed summary="Remove…" question="It is told nothing more, and what was not delivered yet is dropped.".to_owned()>
                    <ActForm act=Act::RemoveWebhook id=format!("settings-gone-webhook-{id}") hidden button="Remove" label=format!("Remove {url}") is_danger=true is_silent=true class="inline-form"/>
                </Confirmed>
            </div>
        </li>
    }
    .into_any()
}

fn delivery(delivery: DeliveryView) -> impl IntoView {
    let DeliveryView { at, status, text, again_at } = delivery;
    let is_good = status.is_some_and(|status| (200..300).contains(&status));
    let (word, sign) = match status {
        Some(status) if is_good => (format!("Delivered, {status}"), Icon::Check),
        Some(status) => (format!("Refused, {status}"), Icon::Alert),
        None => ("No answer".to_owned(), Icon::Alert),
    };
    view! {
        <li class:is-bad=!is_good>
            {icon(sign)}
            <span>
                <time datetime=machine_time(at)>{clock(at)}</time>
                " "
                <strong>{word}</strong>
                {format!(": {text}")}
                {again_at.map(|at| format!(", again at {} UTC", short_clock(at)))}
            </span>
        </li>
    }
}
