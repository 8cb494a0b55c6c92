//! Classes, and who teaches them.

use std::fmt;
use std::str::FromStr;

use classroom::{Event, Head, PointsScheme};
use sqlx::FromRow;
use thiserror::Error;
use time::OffsetDateTime;

use crate::database::{Store, StoreError, Work, alter, on, read};
use crate::feed::Change;
use crate::id::{ClassId, InstructorId, InvitationId};
use crate::join_code::JoinCode;
use crate::log::append;
use crate::moment::{from_milliseconds, milliseconds};
use crate::resume_code::ResumeCode;

/// A class.
#[derive(Clone, Debug)]
pub struct Class {
    pub id: ClassId,
    pub name: String,
    pub join_code: JoinCode,
    /// Learners come in from then on; at any time if there is none.
    pub starts: Option<OffsetDateTime>,
    /// Nothing is noted any more from then on.
    pub ends: Option<OffsetDateTime>,
    pub archived: Option<OffsetDateTime>,
    /// Whether learners wait until someone lets them in.
    pub approval: bool,
    /// What else the server keeps of it, as JSON.
    pub settings: serde_json::Value,
    pub created: OffsetDateTime,
    /// The end of its log.
    pub head: Head,
}

/// What of a class its staff may set.
#[derive(Clone, Debug)]
pub struct ClassSettings {
    pub name: String,
    pub starts: Option<OffsetDateTime>,
    pub ends: Option<OffsetDateTime>,
    pub approval: bool,
    pub settings: serde_json::Value,
}

/// What an instructor may do in a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks on.
    Viewer,
    /// Helps learners and lets them in.
    Teacher,
    /// Does everything, the class's settings and staff included.
    Owner,
}

/// An instructor in a class.
#[derive(Clone, Debug)]
pub struct Staff {
    pub instructor: InstructorId,
    pub login: String,
    pub name: String,
    pub role: Role,
}

/// Members of a class by their state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberCounts {
    pub waiting: u64,
    pub active: u64,
    pub hands: u64,
}

/// The code of an invitation. Whoever has it joins the staff, once; only its hash is stored.
pub type InvitationCode = ResumeCode;

/// An invitation to a class's staff.
#[derive(Clone, Debug)]
pub struct Invitation {
    pub class: ClassId,
    pub class_name: String,
    pub role: Role,
    /// Name of who sent it.
    pub invited_by: String,
    pub expires: OffsetDateTime,
}

/// An invitation that nobody has accepted yet.
#[derive(Clone, Debug)]
pub struct OpenInvitation {
    pub id: InvitationId,
    pub role: Role,
    /// For whom, in the inviter's words.
    pub note: String,
    pub expires: OffsetDateTime,
}

/// The staff could not be changed.
#[derive(Debug, Error)]
pub enum StaffError {
    #[error("a class needs an owner")]
    LastOwner,
    #[error("there is no such invitation, or it has been used or has expired")]
    NoInvitation,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for StaffError {
    fn from(cause: sqlx::Error) -> Self {
        Self::Store(cause.into())
    }
}

impl Store {
    /// Makes a class with its first owner and the points that it gives.
    pub async fn create_class(
        &self,
        owner: &InstructorId,
        settings: &ClassSettings,
        points: &PointsScheme,
        now: OffsetDateTime,
    ) -> Result<ClassId, StoreError> {
        let class = ClassId::generate();
        let text = serde_json::to_string(&settings.settings)?;
        let mut work = self.begin().await?;
        on!(work, connection => {
            sqlx::query(
                "INSERT INTO class (class_id, name, join_code, starts_ms, ends_ms, approval, settings, created_ms, head_hash)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(class.as_str())
            .bind(&settings.name)
            .bind(JoinCode::generate().as_str())
            .bind(settings.starts.map(milliseconds))
            .bind(settings.ends.map(milliseconds))
            .bind(settings.approval)
            .bind(&text)
            .bind(milliseconds(now))
            .bind(Head::empty().hash)
            .execute(connection)
            .await?;
        });
        set_role(&mut work, &class, owner, Role::Owner).await?;
        append(&mut work, &class, None, &Event::PointsSet { scheme: points.clone() }, now).await?;
        work.commit().await?;
        Ok(class)
    }

    /// The class with this id.
    pub async fn class(&self, class: &ClassId) -> Result<Option<Class>, StoreError> {
        let row: Option<ClassRow> = read!(self, database => {
            sqlx::query_as("SELECT * FROM class WHERE class_id = $1").bind(class.as_str()).fetch_optional(database).await?
        });
        row.map(ClassRow::class).transpose()
    }

    /// The class with this join code.
    pub async fn class_by_join_code(&self, code: &JoinCode) -> Result<Option<Class>, StoreError> {
        let row: Option<ClassRow> = read!(self, database => {
            sqlx::query_as("SELECT * FROM class WHERE join_code = $1").bind(code.as_str()).fetch_optional(database).await?
        });
        row.map(ClassRow::class).transpose()
    }

    /// An instructor's classes with the instructor's role, newest first.
    pub async fn classes_of(&self, instructor: &InstructorId) -> Result<Vec<(Class, Role)>, StoreError> {
        let rows: Vec<ClassOfRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT class.*, staff.role FROM staff JOIN class ON class.class_id = staff.class_id
                 WHERE staff.instructor_id = $1 ORDER BY class.created_ms DESC",
            )
            .bind(instructor.as_str())
            .fetch_all(database)
            .await?
        });
        rows.into_iter().map(|row| Ok((row.class.class()?, role(&row.role)?))).collect()
    }

    /// All classes, archived ones apart.
    pub async fn open_classes(&self) -> Result<Vec<ClassId>, StoreError> {
        let rows: Vec<String> = read!(self, database => {
            sqlx::query_scalar("SELECT class_id FROM class WHERE archived_ms IS NULL").fetch_all(database).await?
        });
        Ok(rows.into_iter().map(ClassId::stored).collect())
    }

    /// Sets what its staff may set.
    pub async fn update_class(&self, class: &ClassId, settings: &ClassSettings) -> Result<(), StoreError> {
        let text = serde_json::to_string(&settings.settings)?;
        let mut work = self.begin().await?;
        on!(work, connection => {
            sqlx::query(
                "UPDATE class SET name = $1, starts_ms = $2, ends_ms = $3, approval = $4, settings = $5 WHERE class_id = $6",
            )
            .bind(&settings.name)
            .bind(settings.starts.map(milliseconds))
            .bind(settings.ends.map(milliseconds))
            .bind(settings.approval)
            .bind(&text)
            .bind(class.as_str())
            .execute(connection)
            .await?;
        });
        work.announce(Change::Class(class.clone()));
        work.commit().await
    }

    /// Sets the points that the class gives; they are in its log, since the grades follow from them.
    pub async fn set_points(
        &self,
        class: &ClassId,
        points: &PointsScheme,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        append(&mut work, class, None, &Event::PointsSet { scheme: points.clone() }, now).await?;
        work.announce(Change::Class(class.clone()));
        work.commit().await
    }

    /// Gives the class a new join code; the old one no longer works.
    pub async fn renew_join_code(&self, class: &ClassId) -> Result<JoinCode, StoreError> {
        let code = JoinCode::generate();
        let mut work = self.begin().await?;
        on!(work, connection => {
            sqlx::query("UPDATE class SET join_code = $1 WHERE class_id = $2")
                .bind(code.as_str())
                .bind(class.as_str())
                .execute(connection)
                .await?;
        });
        work.announce(Change::Class(class.clone()));
        work.commit().await?;
        Ok(code)
    }

    /// Archives the class, or takes it out of the archive.
    pub async fn archive_class(&self, class: &ClassId, archived: Option<OffsetDateTime>) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        on!(work, connection => {
            sqlx::query("UPDATE class SET archived_ms = $1 WHERE class_id = $2")
                .bind(archived.map(milliseconds))
                .bind(class.as_str())
                .execute(connection)
                .await?;
        });
        work.announce(Change::Class(class.clone()));
        work.commit().await
    }

    /// Deletes the class with its log. The learners keep their labs.
    pub async fn delete_class(&self, class: &ClassId) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        on!(work, connection => {
            sqlx::query("DELETE FROM class WHERE class_id = $1").bind(class.as_str()).execute(connection).await?;
        });
        work.announce(Change::Class(class.clone()));
        work.commit().await
    }

    /// How many wait, are in the class, and have a hand up.
    pub async fn member_counts(&self, class: &ClassId) -> Result<MemberCounts, StoreError> {
        let rows: Vec<(String, i64, i64)> = read!(self, database => {
            sqlx::query_as("SELECT state, count(*), count(hand_ms) FROM member WHERE class_id = $1 GROUP BY state")
                .bind(class.as_str())
                .fetch_all(database)
                .await?
        });
        let mut counts = MemberCounts::default();
        for (state, members, hands) in rows {
            match state.as_str() {
                "waiting" => counts.waiting = members.unsigned_abs(),
                "active" => (counts.active, counts.hands) = (members.unsigned_abs(), hands.unsigned_abs()),
                _ => (),
            }
        }
        Ok(counts)
    }

    /// What the instructor may do in the class; `None` for who does not teach it.
    pub async fn role_in(&self, class: &ClassId, instructor: &InstructorId) -> Result<Option<Role>, StoreError> {
        let found: Option<String> = read!(self, database => {
            sqlx::query_scalar("SELECT role FROM staff WHERE class_id = $1 AND instructor_id = $2")
                .bind(class.as_str())
                .bind(instructor.as_str())
                .fetch_optional(database)
                .await?
        });
        found.as_deref().map(role).transpose()
    }

    /// Who teaches the class, by name.
    pub async fn staff(&self, class: &ClassId) -> Result<Vec<Staff>, StoreError> {
        let rows: Vec<StaffRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT instructor.instructor_id, login, name, role FROM staff
                 JOIN instructor ON instructor.instructor_id = staff.instructor_id
                 WHERE class_id = $1 ORDER BY name, login",
            )
            .bind(class.as_str())
            .fetch_all(database)
            .await?
        });
        rows.into_iter()
            .map(|row| {
                let instructor = InstructorId::stored(row.instructor_id);
                Ok(Staff { instructor, login: row.login, name: row.name, role: role(&row.role)? })
            })
            .collect()
    }

    /// Gives someone on the staff another role. An error when no owner would be left.
    pub async fn change_role(&self, class: &ClassId, instructor: &InstructorId, role: Role) -> Result<(), StaffError> {
        let mut work = self.begin().await?;
        lock_class(&mut work, class).await?;
        on!(work, connection => {
            sqlx::query("UPDATE staff SET role = $1 WHERE class_id = $2 AND instructor_id = $3")
                .bind(role.as_str())
                .bind(class.as_str())
                .bind(instructor.as_str())
                .execute(connection)
                .await?;
        });
        keep_with_owner(work, class).await
    }

    /// Takes someone off the staff. An error when no owner would be left.
    pub async fn remove_staff(&self, class: &ClassId, instructor: &InstructorId) -> Result<(), StaffError> {
        let mut work = self.begin().await?;
        lock_class(&mut work, class).await?;
        on!(work, connection => {
            sqlx::query("DELETE FROM staff WHERE class_id = $1 AND instructor_id = $2")
                .bind(class.as_str())
                .bind(instructor.as_str())
                .execute(connection)
                .await?;
        });
        keep_with_owner(work, class).await
    }

    /// Makes an invitation that can be accepted once, until it expires.
    pub async fn invite(
        &self,
        class: &ClassId,
        role: Role,
        invited_by: &str,
        note: &str,
        expires: OffsetDateTime,
    ) -> Result<InvitationCode, StoreError> {
        let code = InvitationCode::generate();
        alter!(self, database => {
            sqlx::query(
                "INSERT INTO invitation (code_hash, invitation_id, class_id, role, invited_by, note, expires_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(code.hash())
            .bind(InvitationId::generate().as_str())
            .bind(class.as_str())
            .bind(role.as_str())
            .bind(invited_by)
            .bind(note)
            .bind(milliseconds(expires))
            .execute(database)
            .await?;
        });
        Ok(code)
    }

    /// The invitation of this code, if it can still be accepted.
    pub async fn invitation(
        &self,
        code: &InvitationCode,
        now: OffsetDateTime,
    ) -> Result<Option<Invitation>, StoreError> {
        let row: Option<InvitationRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT class.class_id, class.name, role, invited_by, expires_ms FROM invitation
                 JOIN class ON class.class_id = invitation.class_id WHERE code_hash = $1 AND expires_ms > $2",
            )
            .bind(code.hash())
            .bind(milliseconds(now))
            .fetch_optional(database)
            .await?
        });
        row.map(InvitationRow::invitation).transpose()
    }

    /// The class's invitations that can still be accepted, the one that expires first before others.
    pub async fn open_invitations(
        &self,
        class: &ClassId,
        now: OffsetDateTime,
    ) -> Result<Vec<OpenInvitation>, StoreError> {
        let rows: Vec<(String, String, String, i64)> = read!(self, database => {
            sqlx::query_as(
                "SELECT invitation_id, role, note, expires_ms FROM invitation
                 WHERE class_id = $1 AND expires_ms > $2 ORDER BY expires_ms, invitation_id",
            )
            .bind(class.as_str())
            .bind(milliseconds(now))
            .fetch_all(database)
            .await?
        });
        rows.into_iter()
            .map(|(id, invited, note, expires)| {
                let expires = from_milliseconds(expires);
                Ok(OpenInvitation { id: InvitationId::stored(id), role: role(&invited)?, note, expires })
            })
            .collect()
    }

    /// Makes an invitation void. False when there is none.
    pub async fn revoke_invitation(&self, class: &ClassId, invitation: &InvitationId) -> Result<bool, StoreError> {
        let revoked = alter!(self, database => {
            sqlx::query("DELETE FROM invitation WHERE class_id = $1 AND invitation_id = $2")
                .bind(class.as_str())
                .bind(invitation.as_str())
                .execute(database)
                .await?
                .rows_affected()
        });
        Ok(revoked > 0)
    }

    /// Notes that someone on the staff has looked at the help queue.
    pub async fn see_help(
        &self,
        class: &ClassId,
        instructor: &InstructorId,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        alter!(self, database => {
            sqlx::query("UPDATE staff SET help_seen_ms = $1 WHERE class_id = $2 AND instructor_id = $3")
                .bind(milliseconds(now))
                .bind(class.as_str())
                .bind(instructor.as_str())
                .execute(database)
                .await?;
        });
        Ok(())
    }

    /// Hands that are up and were raised after someone on the staff has last looked at the help queue.
    pub async fn unseen_hands(&self, class: &ClassId, instructor: &InstructorId) -> Result<u64, StoreError> {
        let hands: i64 = read!(self, database => {
            sqlx::query_scalar(
                "SELECT count(*) FROM member JOIN staff ON staff.class_id = member.class_id
                 WHERE member.class_id = $1 AND state = 'active' AND instructor_id = $2 AND hand_ms > help_seen_ms",
            )
            .bind(class.as_str())
            .bind(instructor.as_str())
            .fetch_one(database)
            .await?
        });
        Ok(hands.unsigned_abs())
    }

    /// Takes an instructor into the staff by an invitation, which is then used up. Who has a higher role keeps it.
    pub async fn accept_invitation(
        &self,
        code: &InvitationCode,
        instructor: &InstructorId,
        now: OffsetDateTime,
    ) -> Result<ClassId, StaffError> {
        let mut work = self.begin().await?;
        let used: Option<(String, String)> = on!(work, connection => {
            sqlx::query_as("DELETE FROM invitation WHERE code_hash = $1 AND expires_ms > $2 RETURNING class_id, role")
                .bind(code.hash())
                .bind(milliseconds(now))
                .fetch_optional(connection)
                .await?
        });
        let (class, invited) = used.ok_or(StaffError::NoInvitation)?;
        let (class, invited) = (ClassId::stored(class), role(&invited)?);
        let before: Option<String> = on!(work, connection => {
            sqlx::query_scalar("SELECT role FROM staff WHERE class_id = $1 AND instructor_id = $2")
                .bind(class.as_str())
                .bind(instructor.as_str())
                .fetch_optional(connection)
                .await?
        });
        let before = before.as_deref().map(role).transpose()?;
        set_role(&mut work, &class, instructor, before.map_or(invited, |before| before.max(invited))).await?;
        work.announce(Change::Class(class.clone()));
        work.commit().await?;
        Ok(class)
    }
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Owner, Self::Teacher, Self::Viewer];

    /// As it is stored and posted by forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Teacher => "teacher",
            Self::Owner => "owner",
        }
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

async fn set_role(work: &mut Work, class: &ClassId, instructor: &InstructorId, role: Role) -> Result<(), StoreError> {
    on!(work, connection => {
        sqlx::query(
            "INSERT INTO staff (class_id, instructor_id, role) VALUES ($1, $2, $3)
             ON CONFLICT (class_id, instructor_id) DO UPDATE SET role = excluded.role",
        )
        .bind(class.as_str())
        .bind(instructor.as_str())
        .bind(role.as_str())
        .execute(connection)
        .await?;
    });
    Ok(())
}

/// Two that change a class's staff at once wait for one another, so that they cannot both remove the other owner.
async fn lock_class(work: &mut Work, class: &ClassId) -> Result<(), StoreError> {
    on!(work, connection => {
        sqlx::query("UPDATE class SET head_seq = head_seq WHERE class_id = $1")
            .bind(class.as_str())
            .execute(connection)
            .await?;
    });
    Ok(())
}

/// Keeps a change of a class's staff, unless it leaves no owner.
async fn keep_with_owner(mut work: Work, class: &ClassId) -> Result<(), StaffError> {
    let owners: i64 = on!(work, connection => {
        sqlx::query_scalar("SELECT count(*) FROM staff WHERE class_id = $1 AND role = 'owner'")
            .bind(class.as_str())
            .fetch_one(connection)
            .await?
    });
    if owners == 0 {
        return Err(StaffError::LastOwner);
    }
    work.announce(Change::Class(class.clone()));
    Ok(work.commit().await?)
}

fn role(stored: &str) -> Result<Role, StoreError> {
    stored.parse().map_err(|()| StoreError::Value)
}

#[derive(FromRow)]
struct ClassRow {
    class_id: String,
    name: String,
    join_code: String,
    starts_ms: Option<i64>,
    ends_ms: Option<i64>,
    archived_ms: Option<i64>,
    approval: bool,
    settings: String,
    created_ms: i64,
    head_seq: i64,
    head_hash: String,
}

impl ClassRow {
    fn class(self) -> Result<Class, StoreError> {
        Ok(Class {
            id: ClassId::stored(self.class_id),
            name: self.name,
            join_code: JoinCode::stored(self.join_code),
            starts: self.starts_ms.map(from_milliseconds),
            ends: self.ends_ms.map(from_milliseconds),
            archived: self.archived_ms.map(from_milliseconds),
            approval: self.approval,
            settings: serde_json::from_str(&self.settings)?,
            created: from_milliseconds(self.created_ms),
            head: Head { seq: self.head_seq, hash: self.head_hash },
        })
    }
}

#[derive(FromRow)]
struct ClassOfRow {
    #[sqlx(flatten)]
    class: ClassRow,
    role: String,
}

#[derive(FromRow)]
struct StaffRow {
    instructor_id: String,
    login: String,
    name: String,
    role: String,
}

#[derive(FromRow)]
struct InvitationRow {
    class_id: String,
    name: String,
    role: String,
    invited_by: String,
    expires_ms: i64,
}

impl InvitationRow {
    fn invitation(self) -> Result<Invitation, StoreError> {
        Ok(Invitation {
            class: ClassId::stored(self.class_id),
            class_name: self.name,
            role: role(&self.role)?,
            invited_by: self.invited_by,
            expires: from_milliseconds(self.expires_ms),
        })
    }
}
