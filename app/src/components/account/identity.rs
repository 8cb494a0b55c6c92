//! Whose account it is: to be confirmed, and once it is.

use super::{Desk, Submit};
use crate::{
    components::{Icon, icon},
    model::IdentityView,
};
use leptos::{form::ActionForm, prelude::*};

/// Large, since everything after this happens in that account.
#[component]
pub fn Confirm(desk: Desk, identity: IdentityView) -> impl IntoView {
    let account = identity.account_id.clone();
    view! {
        <div class="found">
            <h3>"Is this the account to build the lab in?"</h3>
            <Facts identity/>
            <p>"Nothing has been done in it yet."</p>
            <div class="found-answers">
                <ActionForm action=desk.confirm>
                    <input type="hidden" name="account" value=account/>
                    <Submit pending=desk.confirm.pending() label="Yes, use this account" busy="Connecting…"/>
                </ActionForm>
                <ActionForm action=desk.reject>
                    <Submit pending=desk.reject.pending() label="No, another" busy="Leaving it…" is_quiet=true/>
                </ActionForm>
            </div>
        </div>
    }
    .into_any()
}

#[component]
pub fn Connected(identity: IdentityView, by_role: bool) -> impl IntoView {
    let leave = if by_role {
        "To cut the connection, delete the role. A session begun before ends after 900 seconds at the latest."
    } else {
        "To cut the connection, sign out on the machine, or stop Headwater."
    };
    view! {
        <div class="found is-connected">
            <h3>{icon(Icon::Check)} "Connected"</h3>
            <Facts identity/>
            <p>{leave}</p>
        </div>
    }
    .into_any()
}

#[component]
fn Facts(identity: IdentityView) -> impl IntoView {
    let IdentityView { account_id, arn, region, by } = identity;
    view! {
        <dl class="identity">
            <div class="identity-account">
                <dt>"Account"</dt>
                <dd><code>{in_groups(&account_id)}</code></dd>
            </div>
            <div>
                <dt>"AWS knows us there as"</dt>
                <dd><code>{arn}</code></dd>
            </div>
            <div>
                <dt>"Region"</dt>
                <dd><code>{region}</code></dd>
            </div>
            <div>
                <dt>"Reached by"</dt>
                <dd>{by}</dd>
            </div>
        </dl>
    }
    .into_any()
}

/// Twelve digits in three groups, as they are compared by eye; copied, they are one number.
fn in_groups(account_id: &str) -> impl IntoView + use<> {
    let digits: Vec<char> = account_id.chars().collect();
    digits
        .chunks(4)
        .map(|group| {
            let group: String = group.iter().collect();
            view! { <span>{group}</span> }
        })
        .collect_view()
}
