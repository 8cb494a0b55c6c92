//! What `make load` prints.

use std::fmt::Write as _;
use std::time::Duration;

use crate::board_run::{self, BoardOptions, BoardOutcome};
use crate::lab_run::{LabOptions, Outcome};
use crate::limit::Limit;
use crate::recorder::Class;

/// Artemis, a platform for programming courses, as its developers measured it with 1,000 simulated students.
const PEER: &str =
    "Peer: Artemis, 1,000 simulated students: 36,009 requests, none failed, 0.30 s mean (its own figures)";

/// The report on runs of the lab.
pub fn lab(options: &LabOptions, outcomes: &[Outcome], limit: Limit) -> String {
    let mut text = head(options.server_cores.as_deref(), limit);
    line(&mut text, &format!("Learners:  all of a run come within {} min", options.ramp));
    line(&mut text, PEER);
    for outcome in outcomes {
        text.push('\n');
        one(&mut text, outcome);
    }
    if outcomes.len() > 1 {
        text.push('\n');
        growth(&mut text, outcomes);
    }
    text
}

/// The report on boards.
pub fn board(options: &BoardOptions, outcomes: &[BoardOutcome], limit: Limit) -> String {
    let mut text = head(options.server_cores.as_deref(), limit);
    let BoardOptions { events, seconds, viewers, .. } = options;
    line(&mut text, &format!("Events:    {events}/s for {seconds} s; {viewers} instructors have the board open"));
    text.push('\n');
    line(&mut text, &row("Board", ["shown", "missing", "p50 ms", "p95 ms", "p99 ms", "max ms", "p99 bound"]));
    for outcome in outcomes {
        let shown = &outcome.shown;
        let cells = [
            shown.count().to_string(),
            shown.failures.to_string(),
            milliseconds(shown.quantile(0.5)),
            milliseconds(shown.quantile(0.95)),
            milliseconds(shown.quantile(0.99)),
            milliseconds(shown.longest()),
            bound_words(board_run::BOUND, shown.quantile(0.99)),
        ];
        line(&mut text, &row(&format!("  {} learners", outcome.learners), cells.each_ref().map(String::as_str)));
    }
    text.push('\n');
    line(&mut text, &row("Growth", ["entries/s", "write p99", "page ms", "rows ms", "server", "generator", "machine"]));
    for outcome in outcomes {
        let seconds = outcome.lasted.as_secs_f64().max(f64::MIN_POSITIVE);
        let cells = [
            format!("{:.0}", outcome.entries as f64 / seconds),
            milliseconds(outcome.written.quantile(0.99)),
            milliseconds(outcome.page),
            milliseconds(outcome.rows),
            format!("{:.2}", outcome.server / seconds),
            format!("{:.2}", outcome.generator / seconds),
            format!("{:.2}", outcome.machine / seconds),
        ];
        line(&mut text, &row(&format!("  {} learners", outcome.learners), cells.each_ref().map(String::as_str)));
        line(&mut text, &format!("    server's memory {} MB", outcome.memory / (1024 * 1024)));
    }
    text
}

/// Whether every event was shown, and soon enough.
pub fn keeps_board_bound(outcome: &BoardOutcome) -> bool {
    let shown = &outcome.shown;
    shown.failures == 0 && shown.count() > 0 && shown.quantile(0.99) < board_run::BOUND
}

/// The machine and what the generator can do.
fn head(server_cores: Option<&str>, limit: Limit) -> String {
    let mut text = String::new();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let place = match server_cores {
        Some(bound) => format!("{cores} cores; the server on {bound}, the generator beside it"),
        None => format!("{cores} cores, shared by the server, what it runs and the generator"),
    };
    line(&mut text, &format!("Machine:   {place}"));
    line(
        &mut text,
        &format!(
            "Generator: alone it keeps {} requests/s against a trivial server (p50 {} ms, p99 {} ms)",
            limit.rate,
            milliseconds(limit.p50),
            milliseconds(limit.p99)
        ),
    );
    text
}

fn bound_words(bound: Duration, measured: Duration) -> String {
    format!("{} {}", bound.as_millis(), if measured < bound { "kept" } else { "MISSED" })
}

/// Whether nothing failed, everyone finished, and every bound was kept.
pub fn keeps_bounds(outcome: &Outcome) -> bool {
    let recorded = &outcome.recorded;
    let in_bounds = recorded.classes.iter().all(|(class, figures)| {
        class.bound().is_none_or(|bound| figures.count() > 0 && figures.quantile(0.99) < bound)
    });
    in_bounds && recorded.failures() == 0 && recorded.learners_finished == u64::from(outcome.learners)
}

fn one(text: &mut String, outcome: &Outcome) {
    let recorded = &outcome.recorded;
    let seconds = outcome.lasted.as_secs_f64().max(f64::MIN_POSITIVE);
    let (answered, failed) = recorded.requests();
    line(
        text,
        &row(
            &format!("{} learners, {} min each", outcome.learners, outcome.minutes),
            ["count", "failed", "p50 ms", "p95 ms", "p99 ms", "max ms", "p99 bound"],
        ),
    );
    for class in Class::ALL {
        let Some(figures) = recorded.classes.get(&class) else { continue };
        let bound = class.bound().map(|bound| bound_words(bound, figures.quantile(0.99))).unwrap_or_default();
        let cells = [
            figures.count().to_string(),
            figures.failures.to_string(),
            milliseconds(figures.quantile(0.5)),
            milliseconds(figures.quantile(0.95)),
            milliseconds(figures.quantile(0.99)),
            milliseconds(figures.longest()),
            bound,
        ];
        line(text, &row(&format!("  {}", class.title()), cells.each_ref().map(String::as_str)));
    }
    line(
        text,
        &format!(
            "  {answered} requests answered, {failed} failed, {:.3} s mean, {:.1} requests/s; {} not ready and sent again",
            recorded.mean().as_secs_f64(),
            (answered + failed) as f64 / seconds,
            recorded.refused
        ),
    );
    line(
        text,
        &format!(
            "  {} of {} learners did the whole lab, in {:.0} s",
            recorded.learners_finished, outcome.learners, seconds
        ),
    );
    line(
        text,
        &format!(
            "  cores in use: server {:.2}, its functions {:.2}, generator {:.2}, whole machine {:.2}; server's memory {} MB",
            outcome.server / seconds,
            outcome.functions / seconds,
            outcome.generator / seconds,
            outcome.machine / seconds,
            outcome.memory / (1024 * 1024)
        ),
    );
    for (cause, times) in &recorded.causes {
        line(text, &format!("  failed {times} times: {cause}"));
    }
}

fn growth(text: &mut String, outcomes: &[Outcome]) {
    line(text, &row("Growth", ["requests/s", "failed", "page p99", "write p99", "server", "memory MB", ""]));
    for outcome in outcomes {
        let recorded = &outcome.recorded;
        let seconds = outcome.lasted.as_secs_f64().max(f64::MIN_POSITIVE);
        let p99 = |class| {
            recorded.classes.get(&class).map_or_else(String::new, |figures| milliseconds(figures.quantile(0.99)))
        };
        let cells = [
            format!("{:.1}", recorded.requests().0 as f64 / seconds),
            recorded.failures().to_string(),
            p99(Class::Page),
            p99(Class::ProgressWrite),
            format!("{:.2}", outcome.server / seconds),
            (outcome.memory / (1024 * 1024)).to_string(),
            String::new(),
        ];
        line(text, &row(&format!("  {} learners", outcome.learners), cells.each_ref().map(String::as_str)));
    }
}

fn row(name: &str, cells: [&str; 7]) -> String {
    cells.into_iter().fold(format!("{name:32}"), |line, cell| format!("{line}{cell:>12}"))
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", line.trim_end());
}

/// With one decimal below ten milliseconds, without above.
fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 { format!("{milliseconds:.1}") } else { format!("{milliseconds:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Recorder;

    fn outcome(page: Duration, finished: bool) -> Outcome {
        let recorder = Recorder::default();
        recorder.succeeded(Class::Page, page);
        recorder.succeeded(Class::ProgressWrite, Duration::from_millis(3));
        if finished {
            recorder.learner_finished();
        }
        Outcome {
            learners: 1,
            minutes: 0.5,
            recorded: recorder.so_far(),
            lasted: Duration::from_secs(10),
            server: 5.0,
            functions: 1.0,
            generator: 2.0,
            machine: 9.0,
            memory: 1 << 30,
        }
    }

    #[test]
    fn a_run_is_good_only_when_all_is() {
        assert!(keeps_bounds(&outcome(Duration::from_millis(80), true)));
        assert!(!keeps_bounds(&outcome(Duration::from_millis(120), true)), "a page took too long");
        assert!(!keeps_bounds(&outcome(Duration::from_millis(80), false)), "a learner did not finish");
    }

    #[test]
    fn the_report_tells_figures_and_bounds() {
        let mut text = String::new();
        // With 3 ms for the write the mean is 62 ms to the millisecond, which no rounding tells otherwise.
        one(&mut text, &outcome(Duration::from_millis(121), true));
        assert!(text.starts_with("1 learners, 0.5 min each "), "{text}");
        assert!(text.contains("100 MISSED") && text.contains("50 kept"), "{text}");
        assert!(text.contains("2 requests answered, 0 failed, 0.062 s mean"), "{text}");
        assert!(text.contains("server 0.50, its functions 0.10, generator 0.20, whole machine 0.90"), "{text}");
    }
}
