//! Who teaches the class, and in which role.

use crate::{
    components::teach::{ActForm, Confirmed, role_word},
    format::{day_and_time, machine_time},
    model::teach::{Act, InvitationLinkView, Role, StaffView},
};
use leptos::prelude::*;

#[component]
pub fn Staff(
    /// The account of who is looking.
    me: String,
    staff: Vec<StaffView>,
    invitations: Vec<InvitationLinkView>,
) -> impl IntoView {
    let owners = staff.iter().filter(|member| member.role == Role::Owner).count();
    let is_me = move |member: &StaffView| member.id == me;
    let members = staff
        .into_iter()
        .map(|member| {
            let is_last_owner = member.role == Role::Owner && owners == 1;
            let is_me = is_me(&member);
            view! { <Member member is_me is_last_owner/> }
        })
        .collect_view();
    let has_invitations = !invitations.is_empty();
    let invitations = invitations.into_iter().map(|invitation| view! { <Invitation invitation/> }).collect_view();
    view! {
        <section class="setting" id="staff" aria-labelledby="staff-title">
            <h2 id="staff-title">"Staff"</h2>
            <p>
                "An owner sets the class up and may delete it. A teacher helps learners and decides who is in the class. A viewer sees everything and changes nothing."
            </p>
            <ul class="setting-list">{members}</ul>
            {has_invitations
                .then(|| {
                    view! {
                        <h3>"Invited"</h3>
                        <ul class="setting-list">{invitations}</ul>
                    }
                })}
            <h3>"Invite someone"</h3>
            <ActForm act=Act::Invite id="settings-invite" button="Make an invitation">
                <div class="form-pair">
                    <RoleField id="invite-role".to_owned() role=Role::Teacher/>
                    <div class="field">
                        <label for="invite-note">"For whom"</label>
                        <input id="invite-note" name="fields[note]" type="text" maxlength="200" autocomplete="off" data-clears="" aria-describedby="invite-note-help"/>
                        <p class="help" id="invite-note-help">"For you to tell invitations apart; it may stay empty."</p>
                    </div>
                </div>
            </ActForm>
        </section>
    }
    .into_any()
}

#[component]
fn Member(member: StaffView, is_me: bool, is_last_owner: bool) -> impl IntoView {
    let StaffView { id, name, login, role } = member;
    let hidden = vec![("instructor", id.clone())];
    let shown_name = name.clone();
    let answers = if is_last_owner {
        view! { <p class="help">"Owner. The only one, so that the role stays."</p> }.into_any()
    } else {
        let (role_form, role_field) = (format!("settings-role-{id}"), format!("role-{id}"));
        let (role_label, question) = (format!("Set the role of {name}"), format!("{name} no longer sees the class."));
        let (remove_form, remove_label) = (format!("settings-gone-staff-{id}"), format!("Remove {name}"));
        view! {
            <div class="setting-answers">
                <ActForm act=Act::SetRole id=role_form hidden=hidden.clone() button="Set the role" label=role_label is_quiet=true class="inline-form">
                    <RoleField id=role_field role/>
                </ActForm>
                <Confirmed summary="Remove…" question>
                    <ActForm act=Act::RemoveStaff id=remove_form hidden button="Remove" label=remove_label is_danger=true is_silent=true class="inline-form"/>
                </Confirmed>
            </div>
        }
        .into_any()
    };
    view! {
        <li class="setting-item">
            <p class="setting-name">
                {shown_name}
                {is_me.then_some(" (you)")}
                " "
                <span class="help">{login}</span>
                " "
                <span class="role-mark">{role_word(role)}</span>
            </p>
            {answers}
        </li>
    }
    .into_any()
}

#[component]
fn Invitation(invitation: InvitationLinkView) -> impl IntoView {
    let InvitationLinkView { id, role, note, expires_at } = invitation;
    let name = if note.is_empty() { "An invitation".to_owned() } else { note };
    view! {
        <li class="setting-item">
            <p class="setting-name">{name.clone()} " " <span class="role-mark">{role_word(role)}</span></p>
            <p class="help">"Until " <time datetime=machine_time(expires_at)>{day_and_time(expires_at)}</time></p>
            <ActForm act=Act::Revoke id=format!("settings-gone-invitation-{id}") hidden=vec![("invitation", id.clone())] button="Take back" label=format!("Take back: {name}") is_quiet=true is_silent=true class="inline-form"/>
        </li>
    }
    .into_any()
}

#[component]
fn RoleField(id: String, role: Role) -> impl IntoView {
    let options = Role::ALL
        .map(|choice| view! { <option value=choice.as_str() selected=choice == role>{role_word(choice)}</option> })
        .collect_view();
    view! {
        <div class="field">
            <label for=id.clone()>"Role"</label>
            <select id=id name="fields[role]">{options}</select>
        </div>
    }
    .into_any()
}
