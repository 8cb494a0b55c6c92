//! Statements for a learning record store (xAPI).

use crate::{
    components::{
        FieldInput,
        teach::{ActForm, ClassDesk, Confirmed},
    },
    format::counted,
    model::{
        FieldInput as Input, FieldView,
        teach::{Act, XapiView},
    },
};
use leptos::prelude::*;

#[component]
pub fn Xapi(xapi: Option<XapiView>) -> impl IntoView {
    let desk = expect_context::<ClassDesk>();
    let outcome = desk.outcome("settings-xapi".to_owned());
    let is_set = xapi.is_some();
    let XapiView { endpoint, key, behind, trouble } = xapi.unwrap_or_else(|| XapiView {
        endpoint: String::new(),
        key: String::new(),
        behind: 0,
        trouble: String::new(),
    });
    let text = |name: &str, label: &str, help: &str, value: String| FieldView {
        name: name.to_owned(),
        label: label.to_owned(),
        help_html: help.to_owned(),
        value,
        required: true,
        input: Input::Text { max_length: 2000 },
    };
    let endpoint = text("endpoint", "Endpoint", "For example <code>https://lrs.example/xapi/</code>.", endpoint);
    let key = text("key", "Key", "", key);
    let secret_help =
        if is_set { "It is kept and never shown. Leave it empty to keep it." } else { "It is kept and never shown." };
    view! {
        <section class="setting" id="xapi" aria-labelledby="xapi-title">
            <h2 id="xapi-title">"xAPI"</h2>
            <p>"If you keep a learning record store, statements can go there: who joins, steps begun and finished, checks passed, questions answered. Learners are named by ids only."</p>
            {(behind > 0)
                .then(|| view! { <p class="setting-trouble">{counted(u64::from(behind), "event is", "events are")} " not told yet"</p> })}
            {(!trouble.is_empty()).then(|| view! { <p class="setting-trouble">{trouble}</p> })}
            <ActForm act=Act::SaveXapi id="settings-xapi" button="Save">
                <FieldInput field=endpoint form="xapi".to_owned() outcome/>
                <FieldInput field=key form="xapi".to_owned() outcome/>
                <div class="field">
                    <label for="xapi-secret">"Secret"</label>
                    <input id="xapi-secret" name="fields[secret]" type="password" maxlength="1000" autocomplete="off" required=!is_set data-clears="" aria-describedby="xapi-secret-help"/>
                    <p class="help" id="xapi-secret-help">{secret_help}</p>
                </div>
            </ActForm>
            {is_set
                .then(|| {
                    view! {
                        <Confirmed summary="Stop telling it…" question="No more statements go there, and key and secret are forgotten.".to_owned()>
                            <ActForm act=Act::RemoveXapi id="settings-gone-xapi" button="Stop" is_danger=true is_silent=true class="inline-form"/>
                        </Confirmed>
                    }
                })}
        </section>
    }
    .into_any()
}
