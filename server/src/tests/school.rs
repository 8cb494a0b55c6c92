//! A class with everyone who has to do with it.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use app::error::BackendError;
use app::model::teach::{BoardEvent, RowView, RowsView};
use axum::http::{Method, Request, StatusCode, header};
use classroom::VerdictKind;
use deliveries::Reach;
use lab::Variables;
use store::{CheckOutcome, ClassId, LearnerId};

use super::client::{Answer, Instructor, Told};
use super::world::{Wishes, World};
use crate::place::Place;
use crate::state::now;

/// May do everything in the class.
pub struct Owner(Instructor);
/// Helps learners.
pub struct Teacher(Instructor);
/// Looks on.
pub struct Viewer(Instructor);
/// An instructor who has a class of their own and nothing to do with this one.
pub struct Stranger(Instructor);

macro_rules! instructors {
    ($($role:ident)*) => {
        $(
            impl Deref for $role {
                type Target = Instructor;

                fn deref(&self) -> &Instructor {
                    &self.0
                }
            }

            impl DerefMut for $role {
                fn deref_mut(&mut self) -> &mut Instructor {
                    &mut self.0
                }
            }
        )*
    };
}
instructors!(Owner Teacher Viewer Stranger);

/// A class on a server.
pub struct School {
    pub world: World,
    pub class: String,
    pub owner: Owner,
}

/// Everyone else.
pub struct Staff {
    pub teacher: Teacher,
    pub viewer: Viewer,
    pub stranger: Stranger,
}

/// The fields of a class that began and will end.
pub const CLASS: [(&str, &str); 4] = [
    ("name", "Streams 101"),
    ("starts_at", "2020-01-01T08:00"),
    ("ends_at", "2099-01-01T08:00"),
    ("lab-sandbox-sql", "on"),
];

impl School {
    /// A server with the first account and a class.
    pub async fn open() -> Self {
        Self::open_with(&CLASS).await
    }

    pub async fn open_with(fields: &[(&str, &str)]) -> Self {
        Self::in_world(World::start().await, fields).await
    }

    /// The same on a server that sends there what leaves the class.
    pub async fn open_reaching(reach: Reach) -> Self {
        Self::in_world(World::start_with(Wishes { reach, ..Wishes::default() }).await, &CLASS).await
    }

    pub async fn in_world(world: World, fields: &[(&str, &str)]) -> Self {
        let code = world.instructors.set_up_code().await.unwrap().unwrap();
        let mut owner = Instructor::set_up(&world.site, &code, "olga@example.org").await;
        let class = owner.create_class(fields).await;
        Self { world, class, owner: Owner(owner) }
    }

    /// Invites everyone.
    pub async fn staff(&mut self) -> Staff {
        let (site, class) = (self.world.site.clone(), self.class.clone());
        let link = self.owner.invite(&class, "teacher").await;
        let teacher = Instructor::accept(&site, &link, "tom@example.org").await;
        let link = self.owner.invite(&class, "viewer").await;
        let viewer = Instructor::accept(&site, &link, "vera@example.org").await;
        let other = self.owner.create_class(&CLASS).await;
        let link = self.owner.invite(&other, "owner").await;
        let stranger = Instructor::accept(&site, &link, "stan@example.org").await;
        Staff { teacher: Teacher(teacher), viewer: Viewer(viewer), stranger: Stranger(stranger) }
    }

    pub fn id(&self) -> ClassId {
        self.class.parse().unwrap()
    }

    /// A learner who has no account in the sandbox and is in no class.
    pub async fn new_learner(&self) -> LearnerId {
        let variables = Variables::defaults("123456789012", "us-east-1", "http://127.0.0.1:4566");
        let variables = serde_json::to_value(variables).unwrap();
        let place = serde_json::to_value(Place::Sandbox).unwrap();
        let made = self.world.store.create_learner("123456789012", &place, &variables, now()).await;
        made.unwrap().0.id
    }

    /// A learner who has asked to come in.
    pub async fn join(&self, name: &str) -> LearnerId {
        let learner = self.new_learner().await;
        let class = self.world.store.class(&self.id()).await.unwrap().unwrap();
        let name = Some(name).filter(|name| !name.is_empty());
        self.world.store.join(&class, &learner, name, now()).await.unwrap();
        learner
    }

    /// A learner opens a step, asks for its checks, and one of them finds this.
    pub async fn check(&self, learner: &LearnerId, step: &str, check: &str, verdict: VerdictKind, cause: &str) {
        let store = &self.world.store;
        store.open_step(learner, step, now()).await.unwrap();
        store.count_attempt(learner, step, now()).await.unwrap();
        let outcome = CheckOutcome {
            name: format!("{step}.{check}"),
            verdict,
            cause: cause.to_owned(),
            result: serde_json::json!({ "at": store.head(&self.id()).await.unwrap().map(|head| head.seq) }),
        };
        store.record_checks(learner, step, &[outcome], false, now()).await.unwrap();
    }

    /// Seals everything that was appended, and gives the number of the last entry.
    pub async fn sealed(&self) -> i64 {
        while self.world.store.seal().await.unwrap() > 0 {}
        self.world.store.head(&self.id()).await.unwrap().unwrap().seq
    }

    pub fn events_path(&self, query: &str) -> String {
        format!("/teach/classes/{}/events{query}", self.class)
    }

    /// All rows, as the board's page loads them.
    pub async fn rows(&mut self) -> RowsView {
        let class = self.class.clone();
        self.owner.call("teach-rows", &[("class", &class)]).await.json()
    }
}

/// A stream opened by an instructor.
pub async fn follow(instructor: &mut Instructor, path: &str) -> Told {
    Told::new(instructor.open(path).await)
}

/// What a page that follows a board knows.
#[derive(Default)]
pub struct Page {
    pub seq: i64,
    pub rows: BTreeMap<String, RowView>,
    pub others: Vec<BoardEvent>,
}

impl Page {
    pub fn of(rows: &RowsView) -> Self {
        let seq = rows.seq;
        let rows = rows.rows.iter().map(|row| (row.learner.clone(), RowView::clone(row))).collect();
        Self { seq, rows, others: Vec::new() }
    }

    /// Takes in events until `is_enough`; their numbers never go down.
    pub async fn take_until(&mut self, told: &mut Told, is_enough: impl Fn(&Self) -> bool) {
        while !is_enough(self) {
            let (id, event) = told.next::<BoardEvent>().await.expect("the stream ended");
            assert!(id >= self.seq, "{id} after {}", self.seq);
            self.seq = id;
            match event {
                BoardEvent::Rows { seq, rows, gone, .. } => {
                    assert_eq!(seq, id);
                    self.rows.extend(rows.iter().map(|row| (row.learner.clone(), RowView::clone(row))));
                    gone.iter().for_each(|learner| _ = self.rows.remove(learner));
                }
                other => self.others.push(other),
            }
        }
    }
}

/// What was refused, and how.
pub fn refusal(answer: &Answer) -> (StatusCode, BackendError) {
    (answer.status, answer.json())
}

/// A request with a session, as another site makes a browser send it.
pub fn from_another_site(instructor: &Instructor, path: &str) -> Request<axum::body::Body> {
    let request = instructor.request(Method::POST, path).header(header::ORIGIN, "https://evil.example");
    request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(axum::body::Body::empty()).unwrap()
}
