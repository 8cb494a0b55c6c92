//! Everything that can be set for a class.

use app::error::BackendError;
use app::model::teach::{InvitationLinkView, PointsView, SettingsView, StaffView, StepPointsView};

use super::access::{InClass, role_view};
use super::board_state::BoardState;
use super::syllabus::worth;
use super::{Classes, class_views, outside};
use crate::state::{now, store_failed};

pub async fn settings(classes: &Classes, entered: &InClass, site: &str) -> Result<SettingsView, BackendError> {
    let now = now();
    let store = classes.headwater().store();
    let invitations = store.open_invitations(&entered.id, now).await.map_err(store_failed)?;
    let outside = outside::view(classes, &entered.id, site).await?;
    Ok(entered.board.read(|state| SettingsView {
        class: class_views::class(entered, state, site, now),
        me: entered.me.id.to_string(),
        labs: state.settings.labs.clone(),
        offered: classes.headwater().offered_labs(),
        anonymous: state.settings.anonymous,
        points: points(state),
        staff: (state.staff.iter())
            .map(|one| StaffView {
                id: one.instructor.to_string(),
                name: one.name.clone(),
                login: one.login.clone(),
                role: role_view(one.role),
            })
            .collect(),
        invitations: (invitations.into_iter())
            .map(|invitation| InvitationLinkView {
                id: invitation.id.to_string(),
                role: role_view(invitation.role),
                note: invitation.note,
                expires_at: invitation.expires.unix_timestamp(),
            })
            .collect(),
        webhooks: outside.webhooks,
        lti: outside.lti,
        xapi: outside.xapi,
    }))
}

fn points(state: &BoardState) -> PointsView {
    let scheme = state.board().scheme();
    let steps = state.syllabus.steps.iter().map(|step| StepPointsView {
        number: step.number,
        title: step.title.clone(),
        checks: (step.checks.iter())
            .map(|check| {
                let points = scheme.and_then(|scheme| worth(scheme, &check.id)).unwrap_or_default();
                (check.id.clone(), check.title.clone(), points)
            })
            .collect(),
    });
    PointsView {
        steps: steps.collect(),
        assisted_percent: scheme.map_or(0, |scheme| u32::from(scheme.assisted_percent)),
    }
}
