//! The learner's account in the sandbox: where it is and how to reach it.

use super::{NoticeBox, copy_button, outcome};
use crate::{
    api::{self, RotateKeys},
    format::{day_and_time, machine_time},
    model::{AccessKeyView, MintedKeys, about},
};
use leptos::{form::ActionForm, prelude::*, task::spawn_local};

#[component]
pub fn Keys(
    account_id: String,
    region: String,
    /// For `AWS_ENDPOINT_URL`.
    endpoint: String,
    access_keys: Vec<AccessKeyView>,
    /// A key made a moment ago; its secret is shown this once.
    minted: Option<MintedKeys>,
    on_done: Callback<()>,
) -> impl IntoView {
    let rotate = ServerAction::<RotateKeys>::new();
    let notice = outcome(rotate, about::KEYS.to_owned());
    let minted = RwSignal::new(minted);
    Effect::new(move |_| {
        if rotate.value().with(|value| matches!(value, Some(Ok(_)))) {
            on_done.run(());
            spawn_local(async move { minted.set(api::take_minted_keys().await.ok().flatten()) });
        }
    });
    let facts = view! {
        <dl class="facts">
            <div>
                <dt>"Account"</dt>
                <dd><code>{account_id}</code></dd>
            </div>
            <div>
                <dt>"Region"</dt>
                <dd><code>{region.clone()}</code></dd>
            </div>
            <div>
                <dt>"Endpoint"</dt>
                <dd><code>{endpoint.clone()}</code></dd>
            </div>
        </dl>
    };
    let known = StoredValue::new((access_keys, region, endpoint));
    view! {
        <section class="keys" id="keys" aria-labelledby="keys-title">
            <h2 id="keys-title">"Your account"</h2>
            {facts}
            {move || {
                let (keys, region, endpoint) = known.get_value();
                match minted.get() {
                    Some(minted) => view! { <Fresh minted region endpoint/> }.into_any(),
                    None => view! { <Known keys/> }.into_any(),
                }
            }}
            <ActionForm action=rotate attr:class="form-end">
                <button type="submit" class="button is-quiet" disabled=move || rotate.pending().get()>
                    "Make a new key"
                </button>
                <span class="help">"The old key stops working."</span>
            </ActionForm>
            <NoticeBox notice/>
        </section>
    }
    .into_any()
}

/// Right after minting: everything to paste into a shell or a file.
#[component]
fn Fresh(minted: MintedKeys, region: String, endpoint: String) -> impl IntoView {
    let MintedKeys { access_key_id, secret_access_key } = minted;
    let exports = export_lines(&access_key_id, &secret_access_key, &region, &endpoint);
    let profile = profile_lines(&access_key_id, &secret_access_key, &region, &endpoint);
    view! {
        <div class="fresh-keys">
            <p>
                <strong>"This is the only time the secret is shown."</strong>
                " Copy one of the two forms now; you can make a new key at any time."
            </p>
            <h3>"For this terminal"</h3>
            <div class="code-frame">
                <pre class="code-block" id="keys-exports" tabindex="0"><code>{exports.clone()}</code></pre>
                {copy_button(exports, "the export lines")}
            </div>
            <h3>"As a profile: append to " <code>"~/.aws/config"</code></h3>
            <div class="code-frame">
                <pre class="code-block" id="keys-profile" tabindex="0"><code>{profile.clone()}</code></pre>
                {copy_button(profile, "the profile")}
            </div>
            <p class="help">"Then run " <code>"export AWS_PROFILE=headwater"</code> "."</p>
        </div>
    }
    .into_any()
}

#[component]
fn Known(keys: Vec<AccessKeyView>) -> impl IntoView {
    let keys = keys
        .into_iter()
        .map(|AccessKeyView { id, created_at }| {
            view! {
                <li>
                    <code>{id}</code>
                    " made "
                    <time datetime=machine_time(created_at)>{day_and_time(created_at)}</time>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="known-keys">
            <p>"Your access key. Its secret was shown when it was made, and is not kept where a page could show it again."</p>
            <ul>{keys}</ul>
        </div>
    }
    .into_any()
}

/// Lines to paste into a POSIX shell.
fn export_lines(key: &str, secret: &str, region: &str, endpoint: &str) -> String {
    format!(
        "export AWS_ACCESS_KEY_ID={key}\nexport AWS_SECRET_ACCESS_KEY={secret}\nexport AWS_DEFAULT_REGION={region}\nexport AWS_ENDPOINT_URL={endpoint}"
    )
}

/// A profile for the shared configuration file of the AWS CLI and SDKs.
fn profile_lines(key: &str, secret: &str, region: &str, endpoint: &str) -> String {
    format!(
        "[profile headwater]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\nregion = {region}\nendpoint_url = {endpoint}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_all_four_settings() {
        let arguments = ("AKIAEXAMPLE", "se/cr+et", "us-east-1", "http://127.0.0.1:4566");
        let (key, secret, region, endpoint) = arguments;
        assert_eq!(
            export_lines(key, secret, region, endpoint).lines().collect::<Vec<_>>(),
            [
                "export AWS_ACCESS_KEY_ID=AKIAEXAMPLE",
                "export AWS_SECRET_ACCESS_KEY=se/cr+et",
                "export AWS_DEFAULT_REGION=us-east-1",
                "export AWS_ENDPOINT_URL=http://127.0.0.1:4566",
            ]
        );
        assert_eq!(
            profile_lines(key, secret, region, endpoint).lines().collect::<Vec<_>>(),
            [
                "[profile headwater]",
                "aws_access_key_id = AKIAEXAMPLE",
                "aws_secret_access_key = se/cr+et",
                "region = us-east-1",
                "endpoint_url = http://127.0.0.1:4566",
            ]
        );
    }
}
