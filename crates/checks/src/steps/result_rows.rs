//! Step 5: whether window counts arrive, and why not.

use aws_sdk_kinesisanalyticsv2::types::ApplicationStatus;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::ingest::clock_time;
use crate::{
    call::CallError,
    data_streams::DataStream,
    engine::Engine,
    finding::{Finding, Judged},
    items::{Windows, is_number, plain, query, sort_key},
    observed::{Function, Observed},
    text::clip,
};

/// How long a closed window's rows need to get into the table.
const STORING: Duration = Duration::seconds(10);
/// What is missing.
const WHAT: &str = "window counts in the table";

pub(crate) async fn rows(observed: &Observed<'_>) -> Judged {
    let answer = query(observed, "views", Windows::Real, Some(1)).await;
    let items = match &answer.result {
        Ok(items) => items,
        // The table itself tells why: absent, elsewhere, or being deleted.
        Err(CallError::Absent) => {
            observed.table().await?;
            return Err(no_rows(observed).await.with(answer.evidence([])));
        }
        Err(error) => return Err(Finding::could_not_look(&answer, error)),
    };
    let Some(newest) = items.first() else {
        return Ok(no_rows(observed).await.with(answer.evidence([("items", "0".to_owned())])));
    };
    let shown = |name: &str| newest.get(name).map(plain).unwrap_or_default();
    let evidence = answer.evidence([
        ("window_end", shown("window_end")),
        ("amount", shown("amount")),
        ("window_seconds", shown("window_seconds")),
        ("written_at", shown("written_at")),
    ]);
    let finding = if OffsetDateTime::parse(&sort_key(newest), &Rfc3339).is_err() {
        Finding::wrong(
            "window_end",
            "a time such as 2026-11-24T19:00:00Z",
            clip(&sort_key(newest), 60),
            "The chart cannot place this item. Store the window's end in ISO 8601, in UTC.",
        )
    } else if let Some(name) = ["amount", "window_seconds"].into_iter().find(|name| !is_number(newest.get(*name))) {
        Finding::wrong(
            name,
            "a number",
            if newest.contains_key(name) { "something else" } else { "none" },
            format!("The chart needs the number {name} in each item. Store it as the lab's function does."),
        )
    } else {
        let (amount, end) = (shown("amount"), shown("window_end"));
        Finding::pass(format!("Counts arrive: {amount} views in the window that ended at {end}."))
    };
    Ok(finding.with(evidence))
}

/// Why no window count has arrived, from the state of what counts and the time of sending.
async fn no_rows(observed: &Observed<'_>) -> Finding {
    match observed.subject.engine {
        Engine::SqlApplication | Engine::Flink => no_rows_of_application(observed).await,
        Engine::TumblingWindow => no_rows_of_function(observed).await,
    }
}

async fn no_rows_of_application(observed: &Observed<'_>) -> Finding {
    let application = match observed.application().await {
        Ok(application) => application,
        Err(finding) => return finding,
    };
    let status = &application.value.application_status;
    let finding = if *status == ApplicationStatus::Running {
        let look = match observed.subject.engine {
            Engine::Flink => "See whether the function reads the counts (above)",
            Engine::SqlApplication | Engine::TumblingWindow => "Check the output above",
        };
        waited_for(observed, "while the application runs", look)
    } else {
        Finding::not_yet(
            WHAT,
            "No counts have arrived, and the application is not running. Start it, then send clicks.",
        )
    };
    finding.with(application.evidence([("ApplicationStatus", status.to_string())]))
}

async fn no_rows_of_function(observed: &Observed<'_>) -> Finding {
    let mapping = match observed.mapping(DataStream::Clicks).await {
        Ok(mapping) => mapping,
        Err(finding) => return finding,
    };
    let problem = mapping.value.last_processing_result().filter(|result| result.starts_with("PROBLEM"));
    let finding = observed.not_enabled(mapping.value).unwrap_or_else(|| match problem {
        Some(problem) => Finding::wrong(
            "LastProcessingResult",
            "OK",
            clip(problem, 120),
            format!(
                "Lambda could not hand the last records to {}. Look into the function's log and mend the cause; Lambda \
                 tries the same records again until they are taken.",
                observed.function_name(Function::Output)
            ),
        ),
        None => waited_for(observed, "while the event source mapping is enabled", "Check the function's table above"),
    });
    finding.with(mapping.evidence())
}

/// Everything runs, and no counts are there: they come, or something is the matter.
fn waited_for(observed: &Observed<'_>, send_while: &str, look: &str) -> Finding {
    let length = Duration::seconds(i64::from(observed.subject.window_seconds.max(1)));
    match observed.subject.sent_at.map(|sent_at| (sent_at, window_close(sent_at, length) + STORING)) {
        None => Finding::not_yet(WHAT, format!("No counts have arrived. Send demo clicks {send_while}.")),
        Some((_, until)) if observed.clock.now() < until => Finding::settling(
            until,
            "the first window has not closed yet",
            format!(
                "Your clicks are being counted. Their window closes at {}, and the counts follow at once.",
                clock_time(until - STORING)
            ),
        ),
        Some((sent_at, _)) => Finding::not_yet(
            WHAT,
            format!(
                "Clicks were sent at {}, their window has closed, and no counts have arrived. {look}, and look into the \
                 function's log; then send clicks again.",
                clock_time(sent_at)
            ),
        ),
    }
}

/// The end of the window in which rows sent at `sent_at` are counted: the next one, since reading and
/// preprocessing may carry them over the edge.
pub(crate) fn window_close(sent_at: OffsetDateTime, length: Duration) -> OffsetDateTime {
    let seconds = length.whole_seconds();
    let start = sent_at.unix_timestamp().div_euclid(seconds).saturating_mul(seconds);
    OffsetDateTime::from_unix_timestamp(start.saturating_add(2 * seconds)).unwrap_or(sent_at)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_window_is_waited_for_to_its_end_and_the_next() {
        let minute = Duration::seconds(60);
        assert_eq!(window_close(datetime!(2026-11-24 19:00:59 UTC), minute), datetime!(2026-11-24 19:02:00 UTC));
        assert_eq!(window_close(datetime!(2026-11-24 19:01:00 UTC), minute), datetime!(2026-11-24 19:03:00 UTC));
        assert_eq!(
            window_close(datetime!(2026-11-24 19:01:00.5 UTC), Duration::seconds(1)),
            datetime!(2026-11-24 19:01:02 UTC)
        );
    }
}
