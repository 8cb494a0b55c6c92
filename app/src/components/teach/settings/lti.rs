//! Learning platforms that launch into the class (LTI 1.3).

use crate::{
    components::{
        FieldInput, copy_button,
        teach::{ActForm, ClassDesk, Confirmed},
    },
    format::{day_and_time, machine_time},
    model::{
        FieldInput as Input, FieldView,
        teach::{Act, LtiView, PlatformView},
    },
};
use leptos::prelude::*;

#[component]
pub fn Lti(lti: LtiView) -> impl IntoView {
    let desk = expect_context::<ClassDesk>();
    let outcome = desk.outcome("settings-platform".to_owned());
    let addresses = lti
        .addresses
        .into_iter()
        .map(|(label, address)| {
            view! {
                <div>
                    <dt>{label}</dt>
                    <dd><code>{address.clone()}</code> {copy_button(address, "the address")}</dd>
                </div>
            }
        })
        .collect_view();
    let platforms = lti.platforms.into_iter().map(|platform| view! { <Platform platform/> }).collect_view();
    let fields = [
        ("issuer", "Issuer", "Letter by letter, for example <code>https://moodle.example</code>.", true),
        ("client_id", "Client id", "", true),
        ("deployment_ids", "Deployment id", "Several are separated by spaces.", true),
        ("auth_url", "Authentication request URL", "", true),
        ("token_url", "Access token URL", "", true),
        ("jwks_url", "Public keyset URL", "", true),
        ("token_audience", "Token audience", "Only if the platform names another than the access token URL.", false),
        (
            "service_hosts",
            "Hosts of grades",
            "Only if grades are at another host than the three addresses, as <code>https://grades.example</code>.",
            false,
        ),
    ]
    .map(|(name, label, help, required)| {
        let field = FieldView {
            name: name.to_owned(),
            label: label.to_owned(),
            help_html: help.to_owned(),
            value: String::new(),
            required,
            input: Input::Text { max_length: 2000 },
        };
        view! { <FieldInput field form="platform".to_owned() outcome/> }
    })
    .collect_view();
    view! {
        <section class="setting" id="lti" aria-labelledby="lti-title">
            <h2 id="lti-title">"Learning platforms"</h2>
            <p>
                "Moodle, Canvas and others that speak LTI 1.3 can launch learners into this class and take back a grade for each check. Register these addresses there:"
            </p>
            <dl class="addresses">{addresses}</dl>
            <ul class="setting-list">{platforms}</ul>
            <details class="setting-add">
                <summary>"Register a platform"</summary>
                <p class="help">"The platform shows these values once it knows the addresses above."</p>
                <ActForm act=Act::AddPlatform id="settings-platform" button="Register the platform" class="form form-columns">
                    {fields}
                </ActForm>
            </details>
        </section>
    }
    .into_any()
}

#[component]
fn Platform(platform: PlatformView) -> impl IntoView {
    let PlatformView { id, issuer, client_id, deployment_ids, launched_at, takes_grades, trouble } = platform;
    view! {
        <li class="setting-item">
            <p class="setting-name"><code>{issuer.clone()}</code></p>
            <p class="help">{format!("Client {client_id}, deployment {}", deployment_ids.join(", "))}</p>
            <p class="help">
                {match launched_at {
                    Some(at) => view! {
                        "Last launch "
                        <time datetime=machine_time(at)>{day_and_time(at)}</time>
                        {if takes_grades { ". Grades go back" } else { ". The platform has not allowed that grades go back" }}
                    }
                        .into_any(),
                    None => "No launch yet".into_any(),
                }}
            </p>
            {(!trouble.is_empty()).then(|| view! { <p class="setting-trouble">{trouble}</p> })}
            <Confirmed summary="Remove…" question="Nobody comes in from there any more, and no grades go back.".to_owned()>
                <ActForm act=Act::RemovePlatform id=format!("settings-gone-platform-{id}") hidden=vec![("platform", id.clone())] button="Remove" label=format!("Remove {issuer}") is_danger=true is_silent=true class="inline-form"/>
            </Confirmed>
        </li>
    }
    .into_any()
}
