//! Where a store of a test is, and what all tests need.

use classroom::{PointsScheme, StepPoints, VerdictKind};
use secrecy::SecretString;
use serde_json::json;
use store::{CheckOutcome, Class, ClassSettings, Instructor, Learner, ResumeCode, SignIn, Store};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;

pub const MORNING: OffsetDateTime = datetime!(2026-11-24 08:00 UTC);
pub const NOON: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
pub const EVENING: OffsetDateTime = datetime!(2026-11-24 18:00 UTC);

/// A database that outlives its store, as it does when a server starts again.
pub enum Home {
    Sqlite(TempDir),
    Postgres(SecretString),
}

impl Home {
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub async fn postgres() -> Self {
        Self::Postgres(scratch_postgres::new_database().await.unwrap().into())
    }

    /// The store as a server opens it.
    pub async fn open(&self) -> Store {
        match self {
            Self::Sqlite(folder) => Store::open(&folder.path().join("headwater.sqlite3")).await.unwrap(),
            Self::Postgres(url) => Store::connect(url, 4).await.unwrap(),
        }
    }
}

/// Makes a test of each function here for both databases.
macro_rules! on_both {
    ($(async fn $name:ident($home:ident: Home) $body:block)*) => {
        $(async fn $name($home: Home) $body)*
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(crate::home::Home::sqlite()).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name(crate::home::Home::postgres().await).await; })*
        }
    };
}

/// A new learner.
pub async fn learner(store: &Store) -> (Learner, ResumeCode) {
    let place = json!({"kind": "sandbox"});
    store.create_learner("123456789012", &place, &json!({"table": "Counts"}), MORNING).await.unwrap()
}

/// What a check found.
pub fn outcome(passed: bool) -> CheckOutcome {
    let (verdict, cause) = if passed { (VerdictKind::Pass, "") } else { (VerdictKind::Wrong, "prefix") };
    CheckOutcome {
        name: "connect.identity".to_owned(),
        verdict,
        cause: cause.to_owned(),
        result: json!({"passed": passed}),
    }
}

/// A new instructor.
pub async fn instructor(store: &Store, login: &str) -> Instructor {
    let password = SignIn::Password("$argon2id$not-a-real-hash".into());
    store.create_instructor(login, "Ada", &password, false, MORNING).await.unwrap()
}

/// One point for the one check.
pub fn points() -> PointsScheme {
    let checks = [("connect.identity".to_owned(), 1)].into();
    PointsScheme { steps: vec![StepPoints { step: "connect".to_owned(), checks }], assisted_percent: 100 }
}

pub fn settings() -> ClassSettings {
    ClassSettings {
        name: "Streams 101".to_owned(),
        starts: Some(MORNING),
        ends: Some(EVENING),
        approval: false,
        settings: json!({"choices": ["sandbox-sql"]}),
    }
}

/// A new class of an instructor of its own.
pub async fn class(store: &Store, settings: &ClassSettings) -> (Class, Instructor) {
    let number = store.count_instructors().await.unwrap();
    let owner = instructor(store, &format!("ada{number}@example.org")).await;
    let id = store.create_class(&owner.id, settings, &points(), MORNING).await.unwrap();
    (store.class(&id).await.unwrap().unwrap(), owner)
}
