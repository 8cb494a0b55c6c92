//! The delivered objects that may hold rows of a run.

use futures::{FutureExt, StreamExt, stream};
use time::{Duration, OffsetDateTime};

use super::{Run, facts::Look};
use crate::{
    call::CallError,
    objects::{Content, Object},
    observed::Observed,
    text::{clip, fixed_part},
    verdict::Evidence,
};

/// So many objects are read at most, and so many at once.
const MOST_OBJECTS: usize = 24;
const OBJECTS_AT_ONCE: usize = 4;
/// So many hours are listed at most: a sending takes a quarter of one.
const MOST_HOURS: usize = 6;
/// So many objects with marked rows are cited.
const MOST_CITED: usize = 5;
/// By so much may the clock of S3 differ from ours.
const CLOCKS: Duration = Duration::minutes(2);

/// What was found in the bucket.
#[derive(Debug, Clone, Default)]
pub(super) struct Delivered {
    /// Marked rows seen.
    pub(super) marks: u64,
    /// When the first object with one was written.
    pub(super) first: Option<OffsetDateTime>,
    /// Whether there were more objects, or more of one, than is read.
    pub(super) cut: bool,
    /// What one of the objects is compressed as, if that is nothing we can read.
    pub(super) unreadable: Option<String>,
}

/// Lists the hours in which the run may have been delivered, and counts the marked rows in the objects.
pub(super) async fn delivered(observed: &Observed<'_>, run: &Run) -> Look<Delivered> {
    let mut found = Delivered::default();
    let mut candidates: Vec<Object> = Vec::new();
    let mut evidence = Vec::new();
    for prefix in prefixes(&observed.subject.prefix, run) {
        let listing = observed.list(&prefix, None).await;
        match &listing.result {
            Ok(page) => {
                found.cut |= page.more;
                let is_new = |object: &&Object| object.modified >= run.started - CLOCKS;
                candidates.extend(page.objects.iter().filter(is_new).cloned());
            }
            Err(error) => return Look { result: Err(error.clone()), evidence: vec![listing.evidence([])] },
        }
        evidence.push(listing.evidence([("prefix", prefix)]));
    }
    candidates.sort_by(|a, b| a.modified.cmp(&b.modified).then_with(|| a.key.cmp(&b.key)));
    candidates.dedup_by(|a, b| a.key == b.key);
    found.cut |= candidates.len() > MOST_OBJECTS;
    candidates.truncate(MOST_OBJECTS);
    let reads: Vec<_> = candidates.iter().map(|object| observed.read(object).boxed()).collect();
    let reads: Vec<_> = stream::iter(reads).buffered(OBJECTS_AT_ONCE).collect().await;
    if !reads.is_empty() {
        evidence.clear();
    }
    let mut cited: Vec<Evidence> = Vec::new();
    for (object, answer) in candidates.iter().zip(reads) {
        let content = match &answer.result {
            Ok(sample) => sample.content(),
            // Deleted while we looked.
            Err(CallError::Absent) => continue,
            Err(error) => return Look { result: Err(error.clone()), evidence: vec![answer.evidence([])] },
        };
        let marks = match content {
            Ok(content) => {
                found.cut |= content.cut;
                marked_rows(&content, &run.title)
            }
            Err(unreadable) => {
                found.unreadable = Some(unreadable.found);
                0
            }
        };
        if marks > 0 {
            found.marks += marks;
            found.first = found.first.or(Some(object.modified));
        }
        cited.push(answer.evidence([
            ("Key", object.key.clone()),
            ("LastModified", object.modified.to_string()),
            ("marked rows", marks.to_string()),
        ]));
    }
    // Those with marked rows first; the others show where we looked.
    cited.sort_by_key(|evidence| evidence.fields.last().is_none_or(|(_, marks)| marks == "0"));
    cited.truncate(MOST_CITED);
    evidence.extend(cited);
    Look { result: Ok(found), evidence }
}

/// The newest object that could not be delivered since the run began.
pub(super) async fn undelivered(observed: &Observed<'_>, run: &Run) -> Look<Option<String>> {
    // Without a prefix of their own they lie among the others.
    if fixed_part(&observed.subject.error_prefix).is_empty() {
        return Look { result: Ok(None), evidence: Vec::new() };
    }
    let answer = observed.undelivered().await;
    let newest = answer.result.as_ref().map(|listing| {
        let newest = listing.objects.first().filter(|object| object.modified >= run.started - CLOCKS);
        newest.map(|object| clip(&object.key, 200))
    });
    let shown = newest.clone().ok().flatten().unwrap_or_else(|| "none".to_owned());
    Look { result: newest.map_err(Clone::clone), evidence: vec![answer.evidence([("Key", shown)])] }
}

/// The prefixes of the objects to look at. Firehose writes the hour at which the oldest record of an object arrived, in
/// UTC, after a prefix without expressions; clocks and batches may carry it over the edge, so the hours beside are read,
/// too.
fn prefixes(prefix: &str, run: &Run) -> Vec<String> {
    let fixed = fixed_part(prefix);
    if fixed != prefix {
        return vec![fixed.to_owned()];
    }
    let hour = Duration::hours(1);
    let last = run.last_accepted.unwrap_or(run.started) + hour;
    let mut prefixes = Vec::new();
    let mut at = run.started.to_offset(time::UtcOffset::UTC) - hour;
    while prefixes.len() < MOST_HOURS && (at <= last || at.hour() == last.to_offset(time::UtcOffset::UTC).hour()) {
        prefixes.push(format!("{fixed}{}/{:02}/{:02}/{:02}/", at.year(), u8::from(at.month()), at.day(), at.hour()));
        at += hour;
    }
    prefixes
}

/// Rows whose page is the marked one. A line that was cut off does not count.
fn marked_rows(content: &Content, title: &str) -> u64 {
    let text = match content.text.rfind('\n') {
        Some(end) if content.cut => &content.text[..end],
        _ => content.text.as_str(),
    };
    text.lines().filter(|line| line.split('\t').nth(1) == Some(title)).count() as u64
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn run(started: OffsetDateTime, last: OffsetDateTime) -> Run {
        Run {
            title: "Headwater_run_k3v5q2mzta".to_owned(),
            started,
            first_accepted: Some(started),
            last_accepted: Some(last),
            marks_accepted: 1,
            clicks: 1,
            rows: 1,
        }
    }

    #[test]
    fn the_hours_beside_are_listed_too() {
        let short = run(datetime!(2026-12-31 23:30 UTC), datetime!(2026-12-31 23:40 UTC));
        assert_eq!(
            prefixes("clicks/", &short),
            ["clicks/2026/12/31/22/", "clicks/2026/12/31/23/", "clicks/2027/01/01/00/"]
        );
        let over_the_hour = run(datetime!(2026-11-24 20:50 +1), datetime!(2026-11-24 20:05 UTC));
        assert_eq!(
            prefixes("c/", &over_the_hour),
            ["c/2026/11/24/18/", "c/2026/11/24/19/", "c/2026/11/24/20/", "c/2026/11/24/21/"]
        );
        let nonsense = run(datetime!(2026-11-24 20:00 UTC), datetime!(2026-12-24 20:00 UTC));
        assert_eq!(prefixes("c/", &nonsense).len(), MOST_HOURS);
    }

    #[test]
    fn a_prefix_with_expressions_is_listed_as_far_as_it_is_fixed() {
        let run = run(datetime!(2026-11-24 20:00 UTC), datetime!(2026-11-24 20:01 UTC));
        assert_eq!(prefixes("clicks/!{timestamp:yyyy}/", &run), ["clicks/"]);
    }

    #[test]
    fn rows_of_the_marked_page_are_counted_and_no_others() {
        let content = |text: &str, cut| Content { text: text.to_owned(), compression: "none", cut };
        let title = "Headwater_run_k3v5q2mzta";
        let row = format!("other-internal\t{title}\tother\t1\n");
        let text = format!("{row}a\tb\tlink\t1\r\n{title}\tb\tlink\t1\na\t{title}x\tlink\t1\n{row}");
        assert_eq!(marked_rows(&content(&text, false), title), 2);
        assert_eq!(marked_rows(&content(&format!("{row}other-internal\t{title}"), true), title), 1, "cut off");
        assert_eq!(marked_rows(&content(&format!("{row}other-internal\t{title}"), false), title), 2);
        assert_eq!(marked_rows(&content("", true), title), 0);
    }
}
