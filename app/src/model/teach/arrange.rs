//! Which rows of a board are shown, and in which order: the same in the browser and on the server.

use super::RowView;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// So many rows the server renders on one page of the board.
pub const PAGE_ROWS: u32 = 50;

/// What the rows are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SortBy {
    #[default]
    Name,
    /// Furthest first.
    Progress,
    /// Longest in the step of now first.
    TimeInStep,
    /// Most attempts in the step of now first.
    Attempts,
    /// Longest silent first.
    LastActivity,
    /// Raised hands first, longest first.
    Hand,
}

/// Which rows are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BoardFilter {
    #[default]
    All,
    Stuck,
    HandUp,
    Finished,
    /// Those who work in this step, by its place.
    InStep(u32),
    /// Those whose step fails this check, by the places of both.
    Failing {
        step: u32,
        check: u32,
    },
}

/// What of the board is asked for; it travels in the address, so that it works without script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardQuery {
    pub sort: SortBy,
    pub show: BoardFilter,
    /// Part of a name.
    pub search: String,
    /// Counted from 1.
    pub page: u32,
}

/// The rows to show, as places in the whole.
pub type Arranged = Vec<u32>;

impl SortBy {
    pub const ALL: [Self; 6] =
        [Self::Name, Self::Progress, Self::TimeInStep, Self::Attempts, Self::LastActivity, Self::Hand];

    /// As the address has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Progress => "progress",
            Self::TimeInStep => "time",
            Self::Attempts => "attempts",
            Self::LastActivity => "activity",
            Self::Hand => "hand",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Progress => "Progress",
            Self::TimeInStep => "Longest in the step",
            Self::Attempts => "Most attempts",
            Self::LastActivity => "Longest silent",
            Self::Hand => "Hand up first",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == text)
    }
}

impl BoardFilter {
    /// As the address has it: `stuck`, `step-3`, `check-1-4`.
    pub fn to_text(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Stuck => "stuck".to_owned(),
            Self::HandUp => "hand".to_owned(),
            Self::Finished => "finished".to_owned(),
            Self::InStep(step) => format!("step-{step}"),
            Self::Failing { step, check } => format!("check-{step}-{check}"),
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all" => Some(Self::All),
            "stuck" => Some(Self::Stuck),
            "hand" => Some(Self::HandUp),
            "finished" => Some(Self::Finished),
            _ => {
                if let Some(step) = text.strip_prefix("step-") {
                    return step.parse().ok().map(Self::InStep);
                }
                let (step, check) = text.strip_prefix("check-")?.split_once('-')?;
                Some(Self::Failing { step: step.parse().ok()?, check: check.parse().ok()? })
            }
        }
    }

    fn keeps(&self, row: &RowView) -> bool {
        match self {
            Self::All => true,
            Self::Stuck => row.stuck,
            Self::HandUp => row.hand.is_some(),
            Self::Finished => row.is_finished(),
            Self::InStep(step) => row.current() == Some(*step as usize),
            Self::Failing { step, check } => row
                .cells
                .get(*step as usize)
                .is_some_and(|cell| !cell.state.is_passed() && cell.failing == Some(*check)),
        }
    }
}

impl BoardQuery {
    /// Reads what came in the address; what is missing or odd is left at its default.
    pub fn from_parts(sort: Option<&str>, show: Option<&str>, search: Option<&str>, page: Option<&str>) -> Self {
        Self {
            sort: sort.and_then(SortBy::parse).unwrap_or_default(),
            show: show.and_then(BoardFilter::parse).unwrap_or_default(),
            search: search.unwrap_or_default().chars().take(100).collect(),
            page: page.and_then(|page| page.parse().ok()).unwrap_or(1).max(1),
        }
    }

    /// The address of another page of the same.
    pub fn address(&self, class: &str, page: u32) -> String {
        let mut address = format!("/teach/classes/{class}?sort={}&show={}", self.sort.as_str(), self.show.to_text());
        if !self.search.is_empty() {
            address.push_str("&q=");
            address.push_str(&escaped(&self.search));
        }
        format!("{address}&page={page}")
    }
}

/// The rows that the query asks for, in its order. Rows that are alike in it stand by name.
pub fn arrange<'a>(rows: impl IntoIterator<Item = (u32, &'a RowView)>, query: &BoardQuery) -> Arranged {
    let wanted = query.search.trim().to_lowercase();
    let mut kept: Vec<(Key<'a>, u32)> = rows
        .into_iter()
        .filter(|(_, row)| query.show.keeps(row))
        .filter(|(_, row)| wanted.is_empty() || row.shown_name().to_lowercase().contains(&wanted))
        .map(|(place, row)| (Key::new(row, query.sort), place))
        .collect();
    kept.sort();
    kept.into_iter().map(|(_, place)| place).collect()
}

/// Smallest first: the sort's own measure, then the name, those without one last.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    measure: (i64, Reverse<i64>),
    nameless: bool,
    name: String,
    learner: &'a str,
}

impl<'a> Key<'a> {
    fn new(row: &'a RowView, sort: SortBy) -> Self {
        let current = row.current().and_then(|place| row.cells.get(place));
        // Who is in no step comes last.
        let opened_at = current.and_then(|cell| cell.opened_at).unwrap_or(i64::MAX);
        let measure = match sort {
            SortBy::Name => (0, Reverse(0)),
            SortBy::Progress => (0, Reverse(i64::from(row.steps_passed()) * 2 + i64::from(current.is_some()))),
            SortBy::TimeInStep => (opened_at, Reverse(0)),
            SortBy::Attempts => (0, Reverse(current.map_or(-1, |cell| i64::from(cell.attempts)))),
            SortBy::LastActivity => (row.last_at, Reverse(0)),
            SortBy::Hand => (row.hand.unwrap_or(i64::MAX), Reverse(0)),
        };
        Self { measure, nameless: row.name.is_empty(), name: row.name.to_lowercase(), learner: &row.learner }
    }
}

/// Text in a query of an address.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::teach::{CellState, CellView, Points};

    fn row(name: &str, passed: usize, opened_at: i64) -> RowView {
        let mut cells = vec![CellView::default(); 3];
        for cell in cells.iter_mut().take(passed) {
            cell.state = CellState::Passed;
        }
        if let Some(cell) = cells.get_mut(passed) {
            *cell = CellView {
                state: CellState::Wrong,
                opened_at: Some(opened_at),
                failing: Some(1),
                attempts: opened_at as u32,
                ..CellView::default()
            };
        }
        RowView {
            learner: format!("id-{name}"),
            name: name.to_owned(),
            hand: None,
            stuck: false,
            points: Points::default(),
            last_at: 0,
            cells,
        }
    }

    fn names(rows: &[RowView], query: &BoardQuery) -> Vec<String> {
        let arranged = arrange((0..).zip(rows.iter()), query);
        arranged.into_iter().map(|place| rows[place as usize].name.clone()).collect()
    }

    #[test]
    fn rows_stand_by_name_and_those_without_one_last() {
        let rows = [row("", 0, 1), row("bo", 0, 1), row("Ada", 0, 1)];
        assert_eq!(names(&rows, &BoardQuery::default()), ["Ada", "bo", ""]);
    }

    #[test]
    fn each_sort_puts_first_what_asks_for_a_look() {
        let mut rows = [row("a", 1, 50), row("b", 2, 10), row("c", 3, 0)];
        rows[0].hand = Some(5);
        let sorted = |sort| names(&rows, &BoardQuery { sort, ..BoardQuery::default() });
        assert_eq!(sorted(SortBy::Progress), ["c", "b", "a"]);
        assert_eq!(sorted(SortBy::TimeInStep), ["b", "a", "c"]);
        assert_eq!(sorted(SortBy::Attempts), ["a", "b", "c"]);
        assert_eq!(sorted(SortBy::Hand), ["a", "b", "c"]);
    }

    #[test]
    fn filters_and_search_keep_what_fits_both() {
        let rows = [row("Ada", 1, 1), row("Bo", 2, 1), row("Adam", 2, 1)];
        let kept =
            |show, search: &str| names(&rows, &BoardQuery { show, search: search.to_owned(), ..BoardQuery::default() });
        assert_eq!(kept(BoardFilter::InStep(2), "ada"), ["Adam"]);
        assert_eq!(kept(BoardFilter::Failing { step: 1, check: 1 }, ""), ["Ada"]);
        assert_eq!(kept(BoardFilter::Failing { step: 1, check: 0 }, ""), Vec::<String>::new());
    }

    #[test]
    fn filters_go_through_the_address_and_back() {
        for filter in [BoardFilter::All, BoardFilter::InStep(3), BoardFilter::Failing { step: 1, check: 4 }] {
            assert_eq!(BoardFilter::parse(&filter.to_text()), Some(filter));
        }
        assert_eq!(BoardFilter::parse("check-1"), None);
        let query = BoardQuery { search: "a&b é".to_owned(), ..BoardQuery::default() };
        assert_eq!(query.address("c1", 2), "/teach/classes/c1?sort=name&show=all&q=a%26b%20%C3%A9&page=2");
    }
}
