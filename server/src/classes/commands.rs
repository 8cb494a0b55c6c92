//! What the staff of a class asks for. Whether the role allows it was found out before.

use app::error::BackendError;
use app::model::teach::{ClassCommand, ClassDraft, ClassState, HelpSubject, HintTo, ShownOnce};
use classroom::MemberState;
use store::{ClassSettings, InstructorId, InvitationId, LearnerId, Member, NewHint, StaffError, Store};
use time::{Duration, OffsetDateTime};

use super::Classes;
use super::access::{InClass, stored_role};
use super::help_view::cluster_id;
use super::outside;
use super::syllabus::Syllabus;
use crate::state::{internal, now, store_failed};

/// An invitation can be accepted for so long.
const INVITATION: Duration = Duration::days(14);
/// Invitations that a class may have at once.
const INVITATIONS: usize = 50;

/// What a command did.
pub struct Done {
    /// In a sentence.
    pub told: String,
    /// To be shown on the page that follows, once.
    pub shown_once: Option<ShownOnce>,
}

/// Does what a form asks for.
pub async fn perform(
    classes: &Classes,
    entered: &InClass,
    command: ClassCommand,
    site: &str,
) -> Result<Done, BackendError> {
    refuse_in_archive(entered, &command)?;
    let mut shown_once = None;
    let told = match command {
        ClassCommand::SendHint { to, text } => send_hint(classes, entered, &to, text).await?,
        ClassCommand::Resolve { learner, subject } => resolve(classes, entered, &learner, &subject).await?,
        ClassCommand::Reopen { learner, subject } => reopen(classes, entered, &learner, &subject).await?,
        ClassCommand::ResolveCluster { cluster } => resolve_cluster(classes, entered, &cluster).await?,
        ClassCommand::Admit { learner } => decide(classes, entered, learner, true).await?,
        ClassCommand::Refuse { learner } => decide(classes, entered, learner, false).await?,
        ClassCommand::Rename { learner, name } => rename(classes, entered, &learner, &name).await?,
        ClassCommand::Remove { learner } => remove(classes, entered, &learner).await?,
        ClassCommand::LetBackIn { learner } => let_back_in(classes, entered, &learner).await?,
        ClassCommand::Save(draft) => save(classes, entered, draft).await?,
        ClassCommand::NewJoinCode => {
            let code = store(classes).renew_join_code(&entered.id).await.map_err(store_failed)?;
            format!("The join code is {code} now. The old one no longer works.")
        }
        ClassCommand::SavePoints { points, assisted_percent } => {
            let percent = u8::try_from(assisted_percent).unwrap_or(100).min(100);
            let scheme = entered.board.read(|state| {
                let known = points.keys().all(|check| state.syllabus.has_check(check));
                known.then(|| state.syllabus.points_set(state.board().scheme(), &points, percent))
            });
            let scheme = scheme.ok_or(BackendError::NotFound)?;
            store(classes).set_points(&entered.id, &scheme, now()).await.map_err(store_failed)?;
            outside::send_grades_again(classes, &entered.id).await?;
            "The points are saved. They count for everything that has happened, too.".to_owned()
        }
        ClassCommand::Invite { role, note } => {
            let open = store(classes).open_invitations(&entered.id, now()).await.map_err(store_failed)?;
            if open.len() >= INVITATIONS {
                return Err(refused("There are many open invitations already. Revoke some first."));
            }
            let expires = now() + INVITATION;
            let made = store(classes).invite(&entered.id, stored_role(role), &entered.me.name, &note, expires).await;
            let code = made.map_err(store_failed)?;
            let link = format!("{site}/teach/invitation/{}", code.expose());
            shown_once = Some(ShownOnce::Invitation { link });
            "The invitation is ready. Its link is shown this once.".to_owned()
        }
        ClassCommand::Revoke { invitation } => {
            let id: InvitationId = invitation.parse().map_err(|_| BackendError::NotFound)?;
            found(store(classes).revoke_invitation(&entered.id, &id).await.map_err(store_failed)?)?;
            "The invitation is revoked.".to_owned()
        }
        ClassCommand::SetRole { instructor, role } => {
            let id = on_staff(entered, &instructor)?;
            store(classes).change_role(&entered.id, &id, stored_role(role)).await.map_err(staff_failed)?;
            "The role is changed.".to_owned()
        }
        ClassCommand::RemoveStaff { instructor } => {
            let id = on_staff(entered, &instructor)?;
            store(classes).remove_staff(&entered.id, &id).await.map_err(staff_failed)?;
            "They are no longer on the staff.".to_owned()
        }
        ClassCommand::AddWebhook { url, kinds } => {
            shown_once = Some(outside::add_webhook(classes, &entered.id, url, kinds).await?);
            "The webhook is added. Its key is shown this once.".to_owned()
        }
        ClassCommand::TestWebhook { webhook } => outside::test_webhook(classes, &entered.id, &webhook).await?,
        ClassCommand::SwitchOnWebhook { webhook } => {
            outside::switch_on_webhook(classes, &entered.id, &webhook).await?;
            "It is switched on, and told what it has missed.".to_owned()
        }
        ClassCommand::RemoveWebhook { webhook } => {
            outside::remove_webhook(classes, &entered.id, &webhook).await?;
            "The webhook is removed.".to_owned()
        }
        ClassCommand::AddPlatform(draft) => {
            outside::add_platform(classes, &entered.id, draft).await?;
            "The platform may launch into this class now.".to_owned()
        }
        ClassCommand::RemovePlatform { platform } => {
            outside::remove_platform(classes, &entered.id, &platform).await?;
            "The platform is removed.".to_owned()
        }
        ClassCommand::SaveXapi(draft) => {
            outside::save_xapi(classes, &entered.id, draft, site).await?;
            "Saved. Statements go there from now on.".to_owned()
        }
        ClassCommand::RemoveXapi => {
            outside::remove_xapi(classes, &entered.id).await?;
            "No statements are sent any more.".to_owned()
        }
        ClassCommand::Archive => {
            store(classes).archive_class(&entered.id, Some(now())).await.map_err(store_failed)?;
            "The class is archived: nothing in it changes any more.".to_owned()
        }
        ClassCommand::Restore => {
            store(classes).archive_class(&entered.id, None).await.map_err(store_failed)?;
            "The class is out of the archive.".to_owned()
        }
        ClassCommand::Delete { typed } => {
            if entered.board.read(|state| state.class.name != typed) {
                return Err(BackendError::Invalid {
                    field: "typed".to_owned(),
                    message: "That is not the name of the class. Type it as it stands at the top.".to_owned(),
                });
            }
            store(classes).delete_class(&entered.id).await.map_err(store_failed)?;
            "The class is deleted. Its learners keep their labs.".to_owned()
        }
    };
    Ok(Done { told, shown_once })
}

/// Makes a class with the instructor as its owner.
pub async fn create(classes: &Classes, me: &InstructorId, draft: ClassDraft) -> Result<String, BackendError> {
    let settings = settings(classes, &draft)?;
    let points = Syllabus::of(classes.headwater(), &draft.labs).points();
    let class = store(classes).create_class(me, &settings, &points, now()).await.map_err(store_failed)?;
    Ok(class.to_string())
}

fn store(classes: &Classes) -> &Store {
    classes.headwater().store()
}

async fn send_hint(classes: &Classes, entered: &InClass, to: &HintTo, text: String) -> Result<String, BackendError> {
    let (learners, step, check) = match to {
        HintTo::Learner(learner) => {
            let id: LearnerId = learner.parse().map_err(|_| BackendError::NotFound)?;
            let (step, check) = where_they_are(entered, learner).ok_or(BackendError::NotFound)?;
            (vec![id], step, check)
        }
        HintTo::Cluster(id) => {
            let (learners, step, check) = cluster(entered, id)?;
            (learners, step, Some(check))
        }
    };
    let hint = NewHint { step, check, words: text, by: entered.me.id.to_string(), by_name: entered.me.name.clone() };
    let reached = store(classes).send_hint(&entered.id, &learners, &hint, now()).await.map_err(store_failed)?;
    match reached {
        0 => Err(refused("Nobody got the hint: it goes to learners who are in the class now.")),
        1 => Ok("The hint is sent.".to_owned()),
        reached => Ok(format!("The hint is sent to {reached} learners.")),
    }
}

/// The step that a hint to a learner is about, and the check if one fails there.
fn where_they_are(entered: &InClass, learner: &str) -> Option<(String, Option<String>)> {
    entered.board.read(|state| {
        let row = state.board().row(learner)?;
        let hand = row.hand.map(|hand| hand.step);
        let step = hand.or(row.current_step).or_else(|| state.syllabus.steps.first().map(|step| step.slug.clone()))?;
        let cell = row.steps.into_iter().find(|cell| cell.step == step);
        let check = cell.and_then(|cell| cell.failing).map(|failing| failing.check);
        Some((step, check))
    })
}

/// Those who are in a cluster now, with its step and check.
fn cluster(entered: &InClass, id: &str) -> Result<(Vec<LearnerId>, String, String), BackendError> {
    let clusters = entered.board.read(|state| state.clusters(now()));
    let cluster = clusters.into_iter().find(|cluster| cluster_id(cluster) == id);
    let cluster = cluster.ok_or_else(|| refused("Nobody has this trouble any more."))?;
    let learners = cluster.learners.iter().filter_map(|learner| learner.parse().ok()).collect();
    Ok((learners, cluster.step, cluster.check))
}

async fn resolve(
    classes: &Classes,
    entered: &InClass,
    learner: &str,
    subject: &HelpSubject,
) -> Result<String, BackendError> {
    let id = active(entered, learner)?;
    let subject = logged_subject(entered, subject)?;
    let by = entered.me.id.as_str();
    store(classes).resolve(&entered.id, &id, &subject, by, now()).await.map_err(store_failed)?;
    Ok("Dealt with.".to_owned())
}

async fn reopen(
    classes: &Classes,
    entered: &InClass,
    learner: &str,
    subject: &HelpSubject,
) -> Result<String, BackendError> {
    let id = active(entered, learner)?;
    let subject = logged_subject(entered, subject)?;
    let by = entered.me.id.as_str();
    store(classes).reopen(&entered.id, &id, &subject, by, now()).await.map_err(store_failed)?;
    Ok("Open again.".to_owned())
}

async fn resolve_cluster(classes: &Classes, entered: &InClass, id: &str) -> Result<String, BackendError> {
    let (learners, step, _) = cluster(entered, id)?;
    let subject = classroom::HelpSubject::Step { step };
    let by = entered.me.id.as_str();
    for learner in &learners {
        store(classes).resolve(&entered.id, learner, &subject, by, now()).await.map_err(store_failed)?;
    }
    Ok(format!("Dealt with for {} learners.", learners.len()))
}

/// Lets in, or sends away, who waits.
async fn decide(
    classes: &Classes,
    entered: &InClass,
    learner: Option<String>,
    is_let_in: bool,
) -> Result<String, BackendError> {
    let waiting = store(classes).waiting(&entered.id).await.map_err(store_failed)?;
    let chosen: Vec<Member> = match &learner {
        Some(learner) => waiting.into_iter().filter(|member| member.learner.as_str() == learner).collect(),
        None => waiting,
    };
    if chosen.is_empty() && learner.is_some() {
        return Err(refused("They wait no longer."));
    }
    let mut decided = 0;
    for Member { learner, .. } in &chosen {
        let changed = if is_let_in {
            store(classes).let_in(&entered.id, learner, now()).await
        } else {
            store(classes).remove_member(&entered.id, learner, now()).await
        };
        decided += u32::from(changed.map_err(store_failed)?);
    }
    let what = if is_let_in { "let in" } else { "sent away" };
    Ok(match decided {
        0 => "Nobody waits.".to_owned(),
        1 => format!("1 learner is {what}."),
        decided => format!("{decided} learners are {what}."),
    })
}

async fn rename(classes: &Classes, entered: &InClass, learner: &str, name: &str) -> Result<String, BackendError> {
    let id: LearnerId = learner.parse().map_err(|_| BackendError::NotFound)?;
    if name.chars().any(char::is_control) {
        return Err(BackendError::Invalid {
            field: "name".to_owned(),
            message: "A name is one line of text.".to_owned(),
        });
    }
    found(store(classes).rename_member(&entered.id, &id, Some(name), now()).await.map_err(store_failed)?)?;
    Ok(format!("They are called {name} now."))
}

async fn remove(classes: &Classes, entered: &InClass, learner: &str) -> Result<String, BackendError> {
    let id: LearnerId = learner.parse().map_err(|_| BackendError::NotFound)?;
    found(store(classes).remove_member(&entered.id, &id, now()).await.map_err(store_failed)?)?;
    Ok("Removed from the class. They keep their lab, and cannot come back by themselves.".to_owned())
}

async fn let_back_in(classes: &Classes, entered: &InClass, learner: &str) -> Result<String, BackendError> {
    let id: LearnerId = learner.parse().map_err(|_| BackendError::NotFound)?;
    found(store(classes).let_in(&entered.id, &id, now()).await.map_err(store_failed)?)?;
    Ok("They are in the class again.".to_owned())
}

async fn save(classes: &Classes, entered: &InClass, draft: ClassDraft) -> Result<String, BackendError> {
    let settings = settings(classes, &draft)?;
    let syllabus = Syllabus::of(classes.headwater(), &draft.labs);
    let points = entered.board.read(|state| {
        let before = state.board().scheme();
        let points = before.map_or_else(|| syllabus.points(), |before| syllabus.points_after(&state.syllabus, before));
        (state.syllabus != syllabus).then_some(points)
    });
    store(classes).update_class(&entered.id, &settings).await.map_err(store_failed)?;
    let Some(points) = points else { return Ok("Saved.".to_owned()) };
    store(classes).set_points(&entered.id, &points, now()).await.map_err(store_failed)?;
    Ok("Saved. Other labs have other checks: look at the points.".to_owned())
}

fn settings(classes: &Classes, draft: &ClassDraft) -> Result<ClassSettings, BackendError> {
    let offered = classes.headwater().offered_labs();
    if !draft.labs.iter().all(|lab| offered.contains(lab)) {
        return Err(BackendError::Invalid {
            field: "labs".to_owned(),
            message: "This server does not offer all of these labs.".to_owned(),
        });
    }
    let moment = |field: &str, at: i64| {
        OffsetDateTime::from_unix_timestamp(at).map_err(|_| BackendError::Invalid {
            field: field.to_owned(),
            message: "Enter a day and a time.".to_owned(),
        })
    };
    let others = crate::class_settings::ClassSettings { labs: draft.labs.clone(), anonymous: draft.anonymous };
    Ok(ClassSettings {
        name: draft.name.clone(),
        starts: Some(moment("starts_at", draft.starts_at)?),
        ends: Some(moment("ends_at", draft.ends_at)?),
        approval: draft.approval,
        settings: serde_json::to_value(others).map_err(internal)?,
    })
}

/// A learner who is in the class.
fn active(entered: &InClass, learner: &str) -> Result<LearnerId, BackendError> {
    let state = entered.board.read(|state| state.board().member_state(learner));
    if state != Some(MemberState::Active) {
        return Err(BackendError::NotFound);
    }
    learner.parse().map_err(|_| BackendError::NotFound)
}

fn logged_subject(entered: &InClass, subject: &HelpSubject) -> Result<classroom::HelpSubject, BackendError> {
    match subject {
        HelpSubject::Hand => Ok(classroom::HelpSubject::Hand),
        HelpSubject::Step(slug) if entered.board.read(|state| state.syllabus.step(slug).is_some()) => {
            Ok(classroom::HelpSubject::Step { step: slug.clone() })
        }
        HelpSubject::Step(_) => Err(BackendError::NotFound),
    }
}

fn on_staff(entered: &InClass, instructor: &str) -> Result<InstructorId, BackendError> {
    let id: InstructorId = instructor.parse().map_err(|_| BackendError::NotFound)?;
    entered.board.role(&id).map(|_| id).ok_or(BackendError::NotFound)
}

fn staff_failed(error: StaffError) -> BackendError {
    match error {
        StaffError::LastOwner => refused("A class needs an owner. Make someone else an owner first."),
        StaffError::NoInvitation => BackendError::NotFound,
        StaffError::Store(error) => store_failed(error),
    }
}

/// What is in the archive only comes out of it, or is deleted.
fn refuse_in_archive(entered: &InClass, command: &ClassCommand) -> Result<(), BackendError> {
    let is_allowed = matches!(command, ClassCommand::Restore | ClassCommand::Delete { .. });
    if !is_allowed && entered.board.read(|state| state.state(now()) == ClassState::Archived) {
        return Err(refused("The class is archived. Take it out of the archive first."));
    }
    Ok(())
}

fn found(was_there: bool) -> Result<(), BackendError> {
    if was_there { Ok(()) } else { Err(BackendError::NotFound) }
}

fn refused(message: &str) -> BackendError {
    BackendError::Refused { message: message.to_owned() }
}
