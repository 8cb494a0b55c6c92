//! A class's results for a spreadsheet.

use std::io::Write;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::board::{Board, MemberState};
use crate::grade::{Grade, StepGrade};

/// What makes a spreadsheet take a cell for a formula, and the quote that keeps it from that.
const BEGINS_FORMULA: [char; 8] = ['=', '+', '-', '@', '\t', '\r', '\n', '\''];

/// Writes one row a learner: who they are, the sum of their points, then for each step when it was passed (UTC), attempts,
/// whether it was done for them, and the points of each check.
///
/// A cell that begins with `=`, `+`, `-`, `@`, a tab, a line break or a single quote gets a single quote before it, so that no
/// spreadsheet runs what a learner has chosen as a name; who reads the file by program takes one leading quote away.
pub fn write_csv(out: impl Write, board: &Board, name_of: impl Fn(&str) -> Option<String>) -> Result<(), csv::Error> {
    let mut table = csv::Writer::from_writer(out);
    write_row(&mut table, heading(board))?;
    for learner in board.learners() {
        if let (Some(state), Some(grade)) = (board.member_state(learner), board.grade(learner)) {
            write_row(&mut table, row(learner, name_of(learner), state, &grade))?;
        }
    }
    table.flush()?;
    Ok(())
}

fn heading(board: &Board) -> Vec<String> {
    let mut cells = ["name", "id", "state", "points", "of", "percent"].map(str::to_owned).to_vec();
    for step in board.scheme().map_or(&[][..], |scheme| &scheme.steps) {
        cells.extend(["passed", "attempts", "assisted"].map(|what| format!("{} {what}", step.step)));
        cells.extend(step.checks.keys().cloned());
    }
    cells
}

fn row(learner: &str, name: Option<String>, state: MemberState, grade: &Grade) -> Vec<String> {
    let percent = grade.percent.map(|percent| percent.to_string()).unwrap_or_default();
    let mut cells = vec![
        name.unwrap_or_default(),
        learner.to_owned(),
        state_word(state).to_owned(),
        grade.points.to_string(),
        grade.of.to_string(),
        percent,
    ];
    grade.steps.iter().for_each(|step| cells.extend(step_cells(step)));
    cells
}

fn step_cells(step: &StepGrade) -> impl Iterator<Item = String> {
    let assisted = if step.assisted { "yes" } else { "no" };
    let passed = step.passed_ms.map(moment).unwrap_or_default();
    let points = step.checks.iter().map(|check| check.points.to_string());
    [passed, step.attempts.to_string(), assisted.to_owned()].into_iter().chain(points)
}

fn state_word(state: MemberState) -> &'static str {
    match state {
        MemberState::Waiting => "waiting",
        MemberState::Active => "active",
        MemberState::Left => "left",
        MemberState::Removed => "removed",
    }
}

/// As RFC 3339 has it; a time that no calendar knows stays a number.
fn moment(ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok();
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_else(|| ms.to_string())
}

fn write_row(table: &mut csv::Writer<impl Write>, cells: Vec<String>) -> Result<(), csv::Error> {
    table.write_record(cells.into_iter().map(inert))
}

fn inert(cell: String) -> String {
    if cell.starts_with(BEGINS_FORMULA) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use crate::VerdictKind::Pass;
    use crate::test_log::{TestLog, attempted, verdict_of};
    use crate::{Board, Event};

    use super::*;

    fn written(board: &Board, name_of: impl Fn(&str) -> Option<String>) -> String {
        let mut out = Vec::new();
        write_csv(&mut out, board, name_of).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn there_is_one_row_a_learner() {
        let mut log = TestLog::of(&["anna", "ben"]);
        log.add(1, "anna", attempted("stream", 4));
        log.add(1, "anna", verdict_of("stream", "prefix", Pass, ""));
        log.add(2, "anna", Event::StepPassed { step: "stream".to_owned(), passed_ms: 1_767_323_045_678 });
        log.add(2, "anna", Event::Assisted { step: "stream".to_owned() });
        log.add(3, "ben", Event::Left);
        let text = written(&log.board(), |id| (id == "anna").then(|| "Anna, \"A\"".to_owned()));
        insta::assert_snapshot!(text, @r#"
        name,id,state,points,of,percent,stream passed,stream attempts,stream assisted,bucket,prefix,results passed,results attempts,results assisted,rows
        "Anna, ""A""",anna,active,2.5,30,8.33,2026-01-02T03:04:05.678Z,4,yes,0,2.5,,0,no,0
        ,ben,left,0,30,0,,0,no,0,0,,0,no,0
        "#);
    }

    #[test]
    fn no_cell_begins_a_formula() {
        let board = TestLog::of(&["anna"]).board();
        for name in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1"] {
            let text = written(&board, |_| Some(name.to_owned()));
            let mut table = csv::Reader::from_reader(text.as_bytes());
            assert_eq!(table.records().next().unwrap().unwrap()[0], format!("'{name}"));
        }
        assert!(written(&board, |_| Some("O'Hara = 1".to_owned())).contains("\nO'Hara = 1,"));
    }

    #[test]
    fn a_class_without_points_has_a_table() {
        let text = written(&Board::new("class"), |_| None);
        insta::assert_snapshot!(text, @"name,id,state,points,of,percent");
        assert_eq!(moment(i64::MAX), i64::MAX.to_string());
    }
}
