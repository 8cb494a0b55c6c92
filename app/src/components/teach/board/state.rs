//! What a board knows: all rows, which of them are shown, and in which order.
//!
//! Rows stand in one list and keep their places for as long as the page is open; only the order is computed anew. A change of
//! one learner reaches that learner's row at once. The order follows at most once a second, and not while the pointer is on
//! the rows, the focus is in them or somebody scrolls them, so that nothing jumps away under a hand.

use crate::model::teach::{Arranged, BoardQuery, BoardStep, RowView, RowsView, arrange};
use leptos::prelude::*;
use std::{collections::HashMap, sync::Arc};

/// The list of rows; who has left the class leaves a gap.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    list: Vec<Option<Arc<RowView>>>,
    /// Rows that are not gaps.
    count: u32,
    places: HashMap<String, u32>,
    /// The log's entry up to which the rows are told.
    #[cfg_attr(not(any(feature = "hydrate", test)), expect(dead_code, reason = "only the browser follows the log"))]
    seq: i64,
}

impl Rows {
    pub fn new(view: RowsView) -> Self {
        let mut rows = Self { seq: view.seq, ..Self::default() };
        for row in view.rows {
            rows.put(row);
        }
        rows
    }

    pub fn get(&self, place: u32) -> Option<Arc<RowView>> {
        self.list.get(place as usize)?.clone()
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    fn arranged(&self, query: &BoardQuery) -> Arranged {
        arrange((0..).zip(&self.list).filter_map(|(place, row)| Some((place, row.as_deref()?))), query)
    }

    /// Sets a row. One that is not there yet comes last.
    fn put(&mut self, row: Arc<RowView>) {
        let known = self.places.get(&row.learner).and_then(|place| self.list.get_mut(*place as usize));
        match known {
            Some(Some(known)) => *known = row,
            Some(gap) => {
                *gap = Some(row);
                self.count += 1;
            }
            None => {
                self.places.insert(row.learner.clone(), self.list.len() as u32);
                self.list.push(Some(row));
                self.count += 1;
            }
        }
    }

    #[cfg(any(feature = "hydrate", test))]
    fn remove(&mut self, learner: &str) {
        let known = self.places.get(learner).and_then(|place| self.list.get_mut(*place as usize));
        if known.and_then(Option::take).is_some() {
            self.count -= 1;
        }
    }

    /// Takes over a whole new list; each learner who was there keeps the place.
    #[cfg(any(feature = "hydrate", test))]
    fn replace(&mut self, view: RowsView) {
        self.seq = view.seq;
        self.list.iter_mut().for_each(|row| *row = None);
        self.count = 0;
        for row in view.rows {
            self.put(row);
        }
    }
}

/// The state of a board that is shown.
#[derive(Clone, Copy)]
pub struct Board {
    pub class: StoredValue<String>,
    pub steps: StoredValue<Arc<Vec<BoardStep>>>,
    pub rows: RwSignal<Rows>,
    pub query: RwSignal<BoardQuery>,
    /// Which rows are shown, by their places.
    pub order: Memo<Arranged>,
    /// All rows of the class are here, not only a page of them.
    pub is_whole: RwSignal<bool>,
    /// The rest of the rows could not be loaded.
    pub trouble: RwSignal<bool>,
    /// The pointer is on the rows.
    pub pointed_at: RwSignal<bool>,
    /// The focus is in the rows.
    pub focused: RwSignal<bool>,
    /// Somebody scrolls the rows just now.
    pub is_scrolled: RwSignal<bool>,
    /// The server's time, a word of it every few seconds.
    pub now: Signal<i64>,
    /// Rows changed since the order was computed.
    is_stale: RwSignal<bool>,
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only the browser computes the order anew"))]
    turn: RwSignal<u64>,
}

impl Board {
    pub fn new(class: String, steps: Vec<BoardStep>, rows: RowsView, query: BoardQuery, now: Signal<i64>) -> Self {
        // The server has chosen and ordered the rows of its page.
        let given: Arranged = (0..rows.rows.len() as u32).collect();
        let rows = RwSignal::new(Rows::new(rows));
        let query = RwSignal::new(query);
        let (is_whole, turn) = (RwSignal::new(false), RwSignal::new(0));
        let order = Memo::new(move |_| {
            turn.track();
            if !is_whole.get() {
                return given.clone();
            }
            query.with(|query| rows.with_untracked(|rows| rows.arranged(query)))
        });
        let board = Self {
            class: StoredValue::new(class),
            steps: StoredValue::new(Arc::new(steps)),
            rows,
            query,
            order,
            is_whole,
            trouble: RwSignal::new(false),
            pointed_at: RwSignal::new(false),
            focused: RwSignal::new(false),
            is_scrolled: RwSignal::new(false),
            now,
            is_stale: RwSignal::new(false),
            turn,
        };
        board.keep_order();
        board
    }

    /// Rows in all; before all are here, what the server told.
    pub fn total(self, told: u32) -> u32 {
        if self.is_whole.get() { self.rows.with(Rows::count) } else { told }
    }

    /// Rows that fit the query.
    pub fn matching(self, told: u32) -> u32 {
        if self.is_whole.get() { self.order.with(Vec::len) as u32 } else { told }
    }

    /// Whether the order waits until the hand is off the rows.
    pub fn is_held(self) -> bool {
        self.is_stale.get() && (self.pointed_at.get() || self.focused.get())
    }

    /// Every second: computes the order anew, if something changed and nothing holds it.
    #[cfg(feature = "hydrate")]
    fn keep_order(self) {
        let tick = move || {
            let held = [self.pointed_at, self.focused, self.is_scrolled]
                .iter()
                .any(|holds| holds.try_get_untracked() == Some(true));
            if self.is_stale.try_get_untracked() == Some(true) && !held {
                self.is_stale.try_set(false);
                self.turn.try_update(|turn| *turn += 1);
            }
        };
        if let Ok(handle) = set_interval_with_handle(tick, std::time::Duration::from_secs(1)) {
            on_cleanup(move || handle.clear());
        }
    }

    #[cfg(not(feature = "hydrate"))]
    fn keep_order(self) {}
}

#[cfg(feature = "hydrate")]
impl Board {
    /// Loads all rows, then follows what changes.
    pub fn come_alive(self, live: crate::components::teach::ClassLive) {
        self.load_all();
        Effect::new(move |_| {
            if self.is_whole.get() {
                self.follow(live);
            }
        });
    }

    fn load_all(self) {
        use leptos::task::spawn_local;

        const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(5);
        spawn_local(async move {
            let Some(class) = self.class.try_get_value() else { return };
            let loaded = crate::teach_api::rows(class).await;
            // The page may be gone by now, hence the `try_`.
            self.trouble.try_set(loaded.is_err());
            match loaded {
                Ok(view) => {
                    self.rows.try_update(|rows| rows.replace(view));
                    self.is_whole.try_set(true);
                    self.turn.try_update(|turn| *turn += 1);
                }
                Err(_) => set_timeout(
                    move || {
                        if self.is_whole.try_get_untracked().is_some() {
                            self.load_all();
                        }
                    },
                    RETRY_AFTER,
                ),
            }
        });
    }

    fn follow(self, live: crate::components::teach::ClassLive) {
        use crate::model::teach::BoardEvent;

        let address = move || {
            let seq = self.rows.try_with_untracked(|rows| rows.seq).unwrap_or_default();
            format!("/teach/classes/{}/events?after={seq}", self.class.try_get_value().unwrap_or_default())
        };
        crate::event_stream::follow(address, live.connected, move |text| match serde_json::from_str(&text) {
            Ok(BoardEvent::Rows { seq, rows: changed, gone, .. }) => {
                self.rows.try_update(|rows| {
                    rows.seq = seq;
                    changed.into_iter().for_each(|row| rows.put(row));
                    gone.iter().for_each(|learner| rows.remove(learner));
                });
                if self.is_stale.try_get_untracked() == Some(false) {
                    self.is_stale.try_set(true);
                }
            }
            Ok(BoardEvent::Reset) => self.load_all(),
            Ok(event) => live.take(&event),
            Err(_) => (),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::teach::Points;

    fn row(learner: &str, points: u32) -> Arc<RowView> {
        Arc::new(RowView {
            learner: learner.to_owned(),
            name: learner.to_owned(),
            hand: None,
            stuck: false,
            points: Points::whole(points),
            last_at: 0,
            cells: Vec::new(),
        })
    }

    fn view(rows: Vec<Arc<RowView>>) -> RowsView {
        RowsView { seq: 1, read_at: 0, rows }
    }

    #[test]
    fn a_learner_keeps_the_place_whatever_comes_and_goes() {
        let mut rows = Rows::new(view(vec![row("a", 1), row("b", 2)]));
        rows.remove("a");
        rows.remove("a");
        assert_eq!(rows.count(), 1);
        rows.put(row("c", 3));
        rows.put(row("b", 4));
        assert_eq!(rows.get(0), None);
        assert_eq!(rows.get(1).map(|row| row.points), Some(Points::whole(4)));
        assert_eq!(rows.arranged(&BoardQuery::default()), [1, 2]);
        rows.replace(view(vec![row("c", 5), row("a", 6)]));
        assert_eq!(
            (rows.get(0).map(|row| row.points), rows.get(1), rows.get(2).map(|row| row.points)),
            (Some(Points::whole(6)), None, Some(Points::whole(5)))
        );
        assert_eq!(rows.count(), 2);
    }
}
