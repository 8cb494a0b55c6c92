//! Who may do what in a class. Every page, command, stream and export of a class begins here.

use std::sync::Arc;

use app::error::BackendError;
use app::model::teach::{Right, Role};
use store::{ClassId, Instructor};

use super::Classes;
use super::kept_board::KeptBoard;
use crate::state::store_failed;

/// An instructor in a class.
pub struct InClass {
    pub me: Instructor,
    pub id: ClassId,
    pub role: Role,
    /// Up to date.
    pub board: Arc<KeptBoard>,
}

/// Lets an instructor into a class of theirs. `NotFound` for who is not of its staff, as for a class that is not there;
/// `NotAllowed` for one whose role is not enough.
pub async fn enter(
    classes: &Classes,
    me: Option<Instructor>,
    class: &str,
    right: Right,
) -> Result<InClass, BackendError> {
    let me = me.ok_or(BackendError::NotSignedIn)?;
    let id: ClassId = class.parse().map_err(|_| BackendError::NotFound)?;
    let role = classes.headwater().store().role_in(&id, &me.id).await.map_err(store_failed)?;
    let role = role_view(role.ok_or(BackendError::NotFound)?);
    if !role.may(right) {
        return Err(BackendError::NotAllowed);
    }
    let board = classes.board(&id).await?;
    Ok(InClass { me, id, role, board })
}

/// The role as the pages have it.
pub fn role_view(role: store::Role) -> Role {
    match role {
        store::Role::Viewer => Role::Viewer,
        store::Role::Teacher => Role::Teacher,
        store::Role::Owner => Role::Owner,
    }
}

/// The role as the store has it.
pub fn stored_role(role: Role) -> store::Role {
    match role {
        Role::Viewer => store::Role::Viewer,
        Role::Teacher => store::Role::Teacher,
        Role::Owner => store::Role::Owner,
    }
}
