//! Words for what the models have as values.

use crate::model::teach::{BoardStep, CellState, CellView, ClassState, Role};

pub fn state_word(state: ClassState) -> &'static str {
    match state {
        ClassState::NotBegun => "Not begun",
        ClassState::Running => "Running",
        ClassState::Ended => "Ended",
        ClassState::Archived => "Archived",
    }
}

pub fn role_word(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Teacher => "Teacher",
        Role::Viewer => "Viewer",
    }
}

/// A length of time at a glance: `<1 min`, `12 min`, `1 h 05`, `3 d`.
pub fn short_length(seconds: u64) -> String {
    match seconds / 60 {
        0 => "<1\u{a0}min".to_owned(),
        minutes @ 1..60 => format!("{minutes}\u{a0}min"),
        minutes @ 60..2880 => format!("{}\u{a0}h\u{a0}{:02}", minutes / 60, minutes % 60),
        minutes => format!("{}\u{a0}d", minutes / 1440),
    }
}

/// A cell of the board in words: `Delivery stream: set differently, Objects go under clicks/; 4 min; 3 attempts; assisted`.
pub fn cell_words(step: &BoardStep, cell: &CellView, now: i64) -> String {
    let state = match cell.state {
        CellState::NotBegun => "not begun",
        CellState::UnderWay => "under way",
        CellState::Wrong => "not right yet",
        CellState::Waiting => "waiting, not the learner's fault",
        CellState::Passed => "passed",
        CellState::Changed => "passed, changed since",
    };
    let mut words = format!("{}: {state}", step.title);
    if let Some(check) = failing_title(step, cell) {
        words.push_str(", ");
        words.push_str(check);
    }
    if let Some(seconds) = cell.seconds(now) {
        words.push_str("; ");
        words.push_str(&short_length(seconds));
    }
    match cell.attempts {
        0 => (),
        1 => words.push_str("; 1 attempt"),
        attempts => words.push_str(&format!("; {attempts} attempts")),
    }
    if cell.assisted {
        words.push_str("; assisted");
    }
    words
}

/// The title of the check that does not pass, while the step is open.
pub fn failing_title<'a>(step: &'a BoardStep, cell: &CellView) -> Option<&'a str> {
    if cell.state == CellState::Passed {
        return None;
    }
    step.checks.get(cell.failing? as usize).map(|check| check.title.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::teach::BoardCheck;

    #[test]
    fn lengths_fit_a_cell() {
        let shown: Vec<String> = [5, 60, 3599, 3600, 7500, 200_000].map(short_length).into();
        assert_eq!(
            shown,
            ["<1\u{a0}min", "1\u{a0}min", "59\u{a0}min", "1\u{a0}h\u{a0}00", "2\u{a0}h\u{a0}05", "2\u{a0}d"]
        );
    }

    #[test]
    fn a_cell_says_everything_that_it_shows() {
        let check = BoardCheck { id: "a.prefix".to_owned(), title: "Objects go under clicks/".to_owned() };
        let step =
            BoardStep { slug: "a".to_owned(), number: 1, title: "Delivery stream".to_owned(), checks: vec![check] };
        let cell = CellView {
            state: CellState::Wrong,
            opened_at: Some(0),
            attempts: 3,
            assisted: true,
            failing: Some(0),
            ..CellView::default()
        };
        let words = cell_words(&step, &cell, 240);
        assert_eq!(words, "Delivery stream: not right yet, Objects go under clicks/; 4\u{a0}min; 3 attempts; assisted");
    }
}
