//! The list of classes, what every page of a class needs, and the board.

use app::error::BackendError;
use app::model::teach::{BoardView, ClassState, ClassSummary, ClassView, ClassesView};
use store::{Class, Instructor, Store};
use time::OffsetDateTime;

use super::access::{InClass, role_view};
use super::board_state::{BoardState, state_of};
use crate::state::{now, store_failed};

/// Shown where a class has no end: the last second of the year 9999.
const NO_END: i64 = 253_402_300_799;

/// The classes of an instructor: running first, then those to come, ended and archived.
pub async fn classes(store: &Store, me: &Instructor) -> Result<ClassesView, BackendError> {
    let now = now();
    let mut classes = Vec::new();
    for (class, role) in store.classes_of(&me.id).await.map_err(store_failed)? {
        let (counts, unread) = tokio::try_join!(store.member_counts(&class.id), store.unseen_hands(&class.id, &me.id))
            .map_err(store_failed)?;
        let (starts_at, ends_at) = window(&class);
        classes.push(ClassSummary {
            id: class.id.to_string(),
            state: state_of(&class, now),
            name: class.name,
            starts_at,
            ends_at,
            role: role_view(role),
            learners: count(counts.active),
            waiting: count(counts.waiting),
            hands: count(counts.hands),
            unread: count(unread),
        });
    }
    classes.sort_by_key(|class| match class.state {
        ClassState::Running => 0,
        ClassState::NotBegun => 1,
        ClassState::Ended => 2,
        ClassState::Archived => 3,
    });
    Ok(ClassesView { instructor: me.name.clone(), classes })
}

/// What every page of a class needs; `site` is where browsers reach the pages.
pub fn class(entered: &InClass, state: &BoardState, site: &str, now: OffsetDateTime) -> ClassView {
    let class = &state.class;
    let (starts_at, ends_at) = window(class);
    ClassView {
        id: class.id.to_string(),
        name: class.name.clone(),
        state: state.state(now),
        starts_at,
        ends_at,
        join_code: class.join_code.to_string(),
        join_link: format!("{site}/join/{}", class.join_code),
        approval: class.approval,
        role: entered.role,
        counters: state.counters,
    }
}

/// All rows of the board.
pub fn board(entered: &InClass, site: &str) -> BoardView {
    let now = now();
    entered.board.read(|state| BoardView {
        class: class(entered, state, site, now),
        steps: state.syllabus.steps.clone(),
        rows: state.rows(now),
        waiting: state.waiting.clone(),
    })
}

fn window(class: &Class) -> (i64, i64) {
    let starts = class.starts.unwrap_or(class.created).unix_timestamp();
    (starts, class.ends.map_or(NO_END, OffsetDateTime::unix_timestamp))
}

fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
