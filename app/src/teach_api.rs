//! The server functions of the instructors' pages: thin, each hands its request to [`crate::teaching::Teaching`].

use crate::{
    error::BackendError,
    model::{
        Fields, Notice,
        teach::{
            Act, BoardQuery, BoardView, ClassLearnerView, ClassResultsView, ClassesView, EntranceView, HelpView,
            InstructorView, InvitationView, NewClassView, ResultsQuery, RowsView, SettingsView, ShownOnce,
        },
    },
};
use leptos::{prelude::*, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::{
    api::{Place, respond},
    model::{
        about,
        teach::{PAGE_ROWS, arrange, parse_draft},
    },
    teaching::teaching,
};
#[cfg(feature = "ssr")]
use secrecy::SecretString;

/// One page of the board, as the server renders it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardPage {
    /// With the rows of the page only, in their order.
    pub board: BoardView,
    /// Rows that the query keeps.
    pub matching: u32,
    /// Rows in all.
    pub total: u32,
}

#[server(endpoint = "teach-entrance")]
pub async fn entrance() -> Result<EntranceView, BackendError> {
    teaching()?.entrance().await
}

#[server(endpoint = "teach-instructor")]
pub async fn instructor() -> Result<Option<InstructorView>, BackendError> {
    teaching()?.instructor().await
}

#[server(endpoint = "teach-invitation")]
pub async fn invitation(code: String) -> Result<InvitationView, BackendError> {
    teaching()?.invitation(&code).await
}

#[server(endpoint = "teach-new-class")]
pub async fn new_class() -> Result<NewClassView, BackendError> {
    teaching()?.new_class().await
}

#[server(endpoint = "teach-classes")]
pub async fn classes() -> Result<ClassesView, BackendError> {
    teaching()?.classes().await
}

#[server(endpoint = "teach-board", input = Json)]
pub async fn board(class: String, query: BoardQuery) -> Result<BoardPage, BackendError> {
    let mut board = teaching()?.board(&class).await?;
    let rows = std::mem::take(&mut board.rows.rows);
    let arranged = arrange((0..).zip(rows.iter().map(AsRef::as_ref)), &query);
    let first = (query.page.max(1) - 1).saturating_mul(PAGE_ROWS) as usize;
    let shown = arranged.iter().skip(first).take(PAGE_ROWS as usize);
    board.rows.rows = shown.filter_map(|place| rows.get(*place as usize).cloned()).collect();
    Ok(BoardPage { board, matching: arranged.len() as u32, total: rows.len() as u32 })
}

/// All rows of the board, for a page that is alive.
#[server(endpoint = "teach-rows")]
pub async fn rows(class: String) -> Result<RowsView, BackendError> {
    Ok(teaching()?.board(&class).await?.rows)
}

#[server(endpoint = "teach-help")]
pub async fn help(class: String) -> Result<HelpView, BackendError> {
    teaching()?.help(&class).await
}

#[server(endpoint = "teach-learner")]
pub async fn class_learner(class: String, learner: String) -> Result<ClassLearnerView, BackendError> {
    teaching()?.class_learner(&class, &learner).await
}

#[server(endpoint = "teach-results", input = Json)]
pub async fn class_results(class: String, query: ResultsQuery) -> Result<ClassResultsView, BackendError> {
    teaching()?.class_results(&class, query).await
}

#[server(endpoint = "teach-settings")]
pub async fn settings(class: String) -> Result<SettingsView, BackendError> {
    teaching()?.settings(&class).await
}

/// The secret made a moment ago, to be shown once.
#[server(endpoint = "teach-shown-once")]
pub async fn take_shown_once(class: String) -> Result<Option<ShownOnce>, BackendError> {
    teaching()?.take_shown_once(&class).await
}

#[server(endpoint = "teach-sign-in")]
pub async fn sign_in(login: String, password: String, #[server(default)] back: String) -> Result<Notice, BackendError> {
    let result = teaching()?.sign_in(&login, SecretString::from(password)).await;
    let kept = Fields::from([("login".to_owned(), login)]);
    let back = teach_path(&back);
    respond(about::SIGN_IN, kept, result.map(|()| ""), |went_well| {
        if went_well { Place::Always(back) } else { Place::page("/teach/login", "sign-in") }
    })
    .await
}

#[server(endpoint = "teach-set-up")]
pub async fn set_up(code: String, login: String, name: String, password: String) -> Result<Notice, BackendError> {
    let result = teaching()?.set_up(&code, &login, &name, SecretString::from(password)).await;
    let kept = Fields::from([("login".to_owned(), login), ("name".to_owned(), name)]);
    respond(about::SET_UP, kept, result.map(|()| ""), |went_well| {
        if went_well { Place::Always("/teach".to_owned()) } else { Place::page("/teach/setup", "set-up") }
    })
    .await
}

#[server(endpoint = "teach-sign-out")]
pub async fn sign_out() -> Result<Notice, BackendError> {
    let result = teaching()?.sign_out().await;
    respond(about::SIGN_IN, Fields::new(), result.map(|()| "You are signed out."), |_| {
        Place::Always("/teach/login".to_owned())
    })
    .await
}

#[server(endpoint = "teach-rename-instructor")]
pub async fn rename_instructor(name: String) -> Result<Notice, BackendError> {
    let result = teaching()?.rename_instructor(&name).await;
    let kept = Fields::from([("name".to_owned(), name)]);
    respond(about::INSTRUCTOR_NAME, kept, result.map(|()| "Saved."), |_| Place::page("/teach/account", "name")).await
}

#[server(endpoint = "teach-change-password")]
pub async fn change_password(current: String, password: String) -> Result<Notice, BackendError> {
    let result = teaching()?.change_password(SecretString::from(current), SecretString::from(password)).await;
    let text = "Changed. Every other browser in which you were signed in has to sign in anew.";
    let place = Place::page("/teach/account", "password");
    respond(about::PASSWORD, Fields::new(), result.map(|()| text), |_| place).await
}

#[server(endpoint = "teach-disconnect-provider")]
pub async fn disconnect_provider() -> Result<Notice, BackendError> {
    let result = teaching()?.disconnect_provider().await;
    let place = Place::page("/teach/account", "provider");
    respond(about::PROVIDER, Fields::new(), result.map(|()| "Disconnected. You sign in by your password."), |_| place)
        .await
}

/// With an account already signed in, the rest stays empty.
#[server(endpoint = "teach-accept-invitation")]
pub async fn accept_invitation(
    code: String,
    #[server(default)] login: String,
    #[server(default)] name: String,
    #[server(default)] password: String,
) -> Result<Notice, BackendError> {
    let teaching = teaching()?;
    let result = if login.is_empty() && password.is_empty() {
        teaching.accept_invitation(&code).await
    } else {
        teaching.accept_with_account(&code, &login, &name, SecretString::from(password)).await
    };
    let kept = Fields::from([("login".to_owned(), login), ("name".to_owned(), name)]);
    let path = match &result {
        Ok(class) => Place::Always(format!("/teach/classes/{}", crate::api::plain(class))),
        Err(_) => Place::page(&format!("/teach/invitation/{}", crate::api::plain(&code)), "accept"),
    };
    respond(about::INVITATION, kept, result.map(|_| ""), |_| path).await
}

#[server(endpoint = "teach-create-class")]
pub async fn create_class(#[server(default)] fields: Fields) -> Result<Notice, BackendError> {
    let result = match parse_draft(&fields) {
        Ok(draft) => teaching()?.create_class(draft).await,
        Err(error) => Err(error),
    };
    let path = match &result {
        Ok(class) => Place::Always(format!("/teach/classes/{}", crate::api::plain(class))),
        Err(_) => Place::page("/teach/classes/new", "new-class"),
    };
    respond(about::NEW_CLASS, fields, result.map(|_| ""), |_| path).await
}

/// Any form of a class: see [`Act`].
#[server(endpoint = "teach-act")]
pub async fn perform_act(
    class: String,
    act: Act,
    /// Which form it is, for its notice.
    about: String,
    /// Where the page is, for a browser without script.
    back: String,
    #[server(default)] fields: Fields,
) -> Result<Notice, BackendError> {
    let fields: Fields = fields.into_iter().map(|(name, value)| (name, value.replace("\r\n", "\n"))).collect();
    let result = match act.command(&fields) {
        Ok(command) => teaching()?.command(&class, command).await,
        Err(error) => Err(error),
    };
    let deleted = act == Act::Delete && result.is_ok();
    let place = if deleted { Place::Always("/teach".to_owned()) } else { Place::Page(teach_path(&back)) };
    let about = if deleted { about::NEW_CLASS.to_owned() } else { about.chars().take(200).collect() };
    respond(&about, act.kept(fields), result, |_| place).await
}

/// A path of the instructors' pages, for one that came from outside.
#[cfg(feature = "ssr")]
pub fn teach_path(back: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-/#.?=&%_".contains(character);
    let is_ours = back == "/teach" || back.starts_with("/teach/");
    if is_ours && back.len() <= 500 && back.chars().all(allowed) { back.to_owned() } else { "/teach".to_owned() }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_form_cannot_lead_a_redirect_elsewhere() {
        assert_eq!(teach_path("/teach/classes/c1/help#hint-1"), "/teach/classes/c1/help#hint-1");
        for odd in ["//evil.example", "/teach/\r\nX: y", "https://evil.example/teach/", "/teaching", ""] {
            assert_eq!(teach_path(odd), "/teach");
        }
    }
}
