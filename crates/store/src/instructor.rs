//! Instructors: who may open classes.

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::FromRow;
use thiserror::Error;
use time::OffsetDateTime;

use crate::database::{Store, StoreError, alter, on, read};
use crate::id::InstructorId;
use crate::moment::milliseconds;

/// Someone who has an account to teach with.
#[derive(Clone, Debug)]
pub struct Instructor {
    pub id: InstructorId,
    /// What is typed to sign in, in lower case.
    pub login: String,
    pub name: String,
    /// Argon2id in PHC form; none for who signs in elsewhere only.
    pub password_hash: Option<SecretString>,
    /// Sessions begun under another number are over.
    pub session_version: i64,
    /// With which they sign in elsewhere, too, or only so.
    pub identity: Option<ExternalIdentity>,
}

/// Who an instructor is elsewhere, such as at an OpenID Connect provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalIdentity {
    pub issuer: String,
    pub subject: String,
}

/// How a new instructor signs in.
#[derive(Clone, Debug)]
pub enum SignIn {
    /// With a password of which this is the hash.
    Password(SecretString),
    External(ExternalIdentity),
}

/// An instructor could not be made.
#[derive(Debug, Error)]
pub enum InstructorError {
    #[error("this login is taken")]
    LoginTaken,
    #[error("there are instructors already")]
    NotTheFirst,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for InstructorError {
    fn from(cause: sqlx::Error) -> Self {
        match &cause {
            sqlx::Error::Database(error) if error.is_unique_violation() => Self::LoginTaken,
            _ => Self::Store(cause.into()),
        }
    }
}

impl Store {
    /// Makes an instructor. With `only_first` this fails when there is one already, also when two try at once.
    pub async fn create_instructor(
        &self,
        login: &str,
        name: &str,
        sign_in: &SignIn,
        only_first: bool,
        now: OffsetDateTime,
    ) -> Result<Instructor, InstructorError> {
        let id = InstructorId::generate();
        let (password, external) = match sign_in {
            SignIn::Password(hash) => (Some(hash.expose_secret()), None),
            SignIn::External(external) => (None, Some(external)),
        };
        let mut work = self.begin().await?;
        if only_first {
            // Of two that try at once, only one can write this.
            let first = on!(work, connection => {
                sqlx::query(
                    "INSERT INTO installation (name, value) VALUES ('first_instructor', $1) ON CONFLICT (name) DO NOTHING",
                )
                .bind(id.as_str())
                .execute(&mut *connection)
                .await?
                .rows_affected() == 1
                    && sqlx::query_scalar::<_, i64>("SELECT count(*) FROM instructor").fetch_one(connection).await? == 0
            });
            if !first {
                return Err(InstructorError::NotTheFirst);
            }
        }
        on!(work, connection => {
            sqlx::query(
                "INSERT INTO instructor (instructor_id, login, name, password_hash, issuer, subject, created_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(id.as_str())
            .bind(login)
            .bind(name)
            .bind(password)
            .bind(external.map(|external| external.issuer.as_str()))
            .bind(external.map(|external| external.subject.as_str()))
            .bind(milliseconds(now))
            .execute(connection)
            .await?;
        });
        work.commit().await?;
        Ok(Instructor {
            id,
            login: login.to_owned(),
            name: name.to_owned(),
            password_hash: password.map(SecretString::from),
            session_version: 1,
            identity: external.cloned(),
        })
    }

    /// The instructor with this id.
    pub async fn instructor(&self, id: &InstructorId) -> Result<Option<Instructor>, StoreError> {
        let row: Option<InstructorRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT instructor_id, login, name, password_hash, session_version, issuer, subject FROM instructor
                 WHERE instructor_id = $1",
            )
            .bind(id.as_str())
            .fetch_optional(database)
            .await?
        });
        Ok(row.map(InstructorRow::instructor))
    }

    /// The instructor who signs in so; `login` in lower case.
    pub async fn instructor_by_login(&self, login: &str) -> Result<Option<Instructor>, StoreError> {
        let row: Option<InstructorRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT instructor_id, login, name, password_hash, session_version, issuer, subject FROM instructor
                 WHERE login = $1",
            )
            .bind(login)
            .fetch_optional(database)
            .await?
        });
        Ok(row.map(InstructorRow::instructor))
    }

    /// The instructor whom the provider knows so.
    pub async fn instructor_by_identity(&self, who: &ExternalIdentity) -> Result<Option<Instructor>, StoreError> {
        let row: Option<InstructorRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT instructor_id, login, name, password_hash, session_version, issuer, subject FROM instructor
                 WHERE issuer = $1 AND subject = $2",
            )
            .bind(&who.issuer)
            .bind(&who.subject)
            .fetch_optional(database)
            .await?
        });
        Ok(row.map(InstructorRow::instructor))
    }

    /// Lets an instructor sign in by a provider, too. False if they do so already. `LoginTaken`: another instructor is known
    /// there so.
    pub async fn link_identity(&self, id: &InstructorId, who: &ExternalIdentity) -> Result<bool, InstructorError> {
        let linked = alter!(self, database => {
            sqlx::query("UPDATE instructor SET issuer = $1, subject = $2 WHERE instructor_id = $3 AND issuer IS NULL")
                .bind(&who.issuer)
                .bind(&who.subject)
                .bind(id.as_str())
                .execute(database)
                .await?
                .rows_affected()
        });
        Ok(linked == 1)
    }

    /// Lets an instructor who has a password sign in by that only. False if there is nothing to take away.
    pub async fn unlink_identity(&self, id: &InstructorId) -> Result<bool, StoreError> {
        let unlinked = alter!(self, database => {
            sqlx::query(
                "UPDATE instructor SET issuer = NULL, subject = NULL
                 WHERE instructor_id = $1 AND issuer IS NOT NULL AND password_hash IS NOT NULL",
            )
            .bind(id.as_str())
            .execute(database)
            .await?
            .rows_affected()
        });
        Ok(unlinked == 1)
    }

    /// Sets the shown name.
    pub async fn rename_instructor(&self, id: &InstructorId, name: &str) -> Result<(), StoreError> {
        alter!(self, database => {
            sqlx::query("UPDATE instructor SET name = $1 WHERE instructor_id = $2")
                .bind(name)
                .bind(id.as_str())
                .execute(database)
                .await?;
        });
        Ok(())
    }

    /// Sets a password by its hash and ends all sessions of the instructor; gives the new session version.
    pub async fn set_password(&self, id: &InstructorId, hash: &SecretString) -> Result<i64, StoreError> {
        let version: i64 = alter!(self, database => {
            sqlx::query_scalar(
                "UPDATE instructor SET password_hash = $1, session_version = session_version + 1
                 WHERE instructor_id = $2 RETURNING session_version",
            )
            .bind(hash.expose_secret())
            .bind(id.as_str())
            .fetch_one(database)
            .await?
        });
        Ok(version)
    }

    /// How many instructors there are.
    pub async fn count_instructors(&self) -> Result<u64, StoreError> {
        let count: i64 =
            read!(self, database => sqlx::query_scalar("SELECT count(*) FROM instructor").fetch_one(database).await?);
        Ok(count.unsigned_abs())
    }
}

#[derive(FromRow)]
struct InstructorRow {
    instructor_id: String,
    login: String,
    name: String,
    password_hash: Option<String>,
    session_version: i64,
    issuer: Option<String>,
    subject: Option<String>,
}

impl InstructorRow {
    fn instructor(self) -> Instructor {
        Instructor {
            id: InstructorId::stored(self.instructor_id),
            login: self.login,
            name: self.name,
            password_hash: self.password_hash.map(SecretString::from),
            session_version: self.session_version,
            identity: (self.issuer.zip(self.subject)).map(|(issuer, subject)| ExternalIdentity { issuer, subject }),
        }
    }
}
