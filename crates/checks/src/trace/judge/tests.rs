use time::macros::datetime;

use super::*;
use crate::trace::{
    Trace,
    facts::{ApplicationFacts, CountingFacts, Look, MappingFacts, StreamFacts},
    items::{DeadLetter, TraceItem},
    objects::Delivered,
};

const STARTED: OffsetDateTime = datetime!(2026-11-24 19:00:10 UTC);
const LAST: OffsetDateTime = datetime!(2026-11-24 19:00:40 UTC);
/// Ten seconds of buffering and fifteen of delivery are over then, but no window is.
const SOON: OffsetDateTime = datetime!(2026-11-24 19:01:10 UTC);
/// All windows and their allowances are over.
const LATER: OffsetDateTime = datetime!(2026-11-24 19:10 UTC);
const MARKS: u64 = 12;

fn look<T>(result: T) -> Look<T> {
    Look { result: Ok(result), evidence: Vec::new() }
}

fn failed<T>(error: CallError) -> Look<T> {
    Look { result: Err(error), evidence: Vec::new() }
}

fn denied<T>(action: &str) -> Look<T> {
    failed(CallError::Denied { action: action.to_owned(), because: None })
}

fn run() -> Run {
    Run {
        title: "Headwater_run_k3v5q2mzta".to_owned(),
        started: STARTED,
        first_accepted: Some(STARTED),
        last_accepted: Some(LAST),
        marks_accepted: MARKS,
        clicks: 512,
        rows: 512,
    }
}

fn item(marks: u64) -> TraceItem {
    TraceItem {
        window_end: datetime!(2026-11-24 19:01 UTC),
        written_at: Some(datetime!(2026-11-24 19:01:02 UTC)),
        marks,
        has_pages: true,
    }
}

/// A pipeline in which all is well and of which nothing has come.
fn nothing_came(engine: Engine) -> Facts {
    let application = ApplicationFacts {
        status: "RUNNING".to_owned(),
        created: Some(datetime!(2026-11-24 18:00 UTC)),
        updated: Some(datetime!(2026-11-24 18:10 UTC)),
        has_output: true,
    };
    let mapping = MappingFacts {
        state: "Enabled".to_owned(),
        last_result: "OK".to_owned(),
        modified: Some(datetime!(2026-11-24 18:10 UTC)),
    };
    Facts {
        stream: look(StreamFacts {
            status: "ACTIVE".to_owned(),
            created: Some(datetime!(2026-11-24 18:00 UTC)),
            holds_back: Duration::seconds(10),
            has_source: true,
        }),
        delivered: look(Delivered::default()),
        undelivered: Some(look(None)),
        items: look(Vec::new()),
        counting: Some(CountingFacts {
            views: look(0),
            application: (engine != Engine::TumblingWindow).then(|| look(application)),
            mapping: engine.reads_data_stream().then(|| look(Some(mapping))),
            function: look(()),
            dead_letter: look(None),
        }),
    }
}

/// The states of the hops, in short: "reached 12", "waiting 19:01:10 …", "stopped …", "unknown …".
fn states(engine: Engine, run: &Run, facts: &Facts, now: OffsetDateTime) -> Vec<String> {
    let subject = Subject::new_for(engine, "111122223333", "us-east-1");
    let hops = judge(&subject, run, facts, now);
    assert_eq!(hops.iter().map(|hop| hop.name).collect::<Vec<_>>(), HopName::ALL);
    let clock = crate::steps::ingest::clock_time;
    hops.into_iter()
        .map(|hop| match hop.state {
            HopState::Reached { count, at } => format!("reached {count} at {}", at.map(clock).unwrap_or_default()),
            HopState::Waiting { until, why } => format!("waiting {}: {why}", clock(until)),
            HopState::Stopped { why, advice } => {
                assert!(!advice.is_empty());
                format!("stopped: {why}")
            }
            HopState::Unknown { why } => format!("unknown: {why}"),
        })
        .collect()
}

/// The state of one hop after a change to the facts.
fn state_of(hop: HopName, engine: Engine, now: OffsetDateTime, change: impl FnOnce(&mut Facts)) -> String {
    let mut facts = nothing_came(engine);
    change(&mut facts);
    let place = HopName::ALL.iter().position(|name| *name == hop).unwrap();
    states(engine, &run(), &facts, now).swap_remove(place)
}

fn sql(hop: HopName, now: OffsetDateTime, change: impl FnOnce(&mut Facts)) -> String {
    state_of(hop, Engine::SqlApplication, now, change)
}

fn counting(facts: &mut Facts) -> &mut CountingFacts {
    facts.counting.as_mut().unwrap()
}

fn application(facts: &mut Facts) -> &mut ApplicationFacts {
    counting(facts).application.as_mut().unwrap().result.as_mut().unwrap()
}

fn mapping(facts: &mut Facts) -> &mut MappingFacts {
    counting(facts).mapping.as_mut().unwrap().result.as_mut().unwrap().as_mut().unwrap()
}

fn stream(facts: &mut Facts) -> &mut StreamFacts {
    facts.stream.result.as_mut().unwrap()
}

#[test]
fn what_arrived_is_reached() {
    for engine in Engine::ALL {
        let mut facts = nothing_came(engine);
        facts.delivered =
            look(Delivered { marks: MARKS, first: Some(datetime!(2026-11-24 19:00:25 UTC)), ..Delivered::default() });
        facts.items = look(vec![item(7), TraceItem { window_end: datetime!(2026-11-24 19:02 UTC), ..item(5) }]);
        facts.counting = None;
        let expected = [
            "reached 12 at 19:00:10 UTC",
            "reached 12 at 19:00:25 UTC",
            "reached 12 at 19:01:00 UTC",
            "reached 12 at 19:01:02 UTC",
            "reached 12 at 19:01:02 UTC",
        ];
        assert_eq!(states(engine, &run(), &facts, LATER), expected);
        let subject = Subject::new_for(engine, "111122223333", "us-east-1");
        let trace = Trace { hops: judge(&subject, &run(), &facts, LATER), marks: MARKS, at: LATER };
        assert!(trace.is_complete());
        assert_eq!(trace.look_again(), None);
    }
}

#[test]
fn a_part_is_waited_for_until_no_more_can_come() {
    let mut facts = nothing_came(Engine::SqlApplication);
    facts.delivered = look(Delivered { marks: 4, first: Some(LAST), ..Delivered::default() });
    facts.items = look(vec![item(5)]);
    let now = datetime!(2026-11-24 19:01:03 UTC);
    let states_now = states(Engine::SqlApplication, &run(), &facts, now);
    assert_eq!(
        states_now[1],
        "waiting 19:01:05 UTC: 4 of 12 marked rows are in the bucket. Firehose writes the others until 19:01:05 UTC."
    );
    for state in &states_now[2..] {
        assert_eq!(
            state,
            "waiting 19:02:10 UTC: 5 of 12 marked rows are in the table. The last window closes by 19:02:10 UTC."
        );
    }
    let later = states(Engine::SqlApplication, &run(), &facts, LATER);
    assert_eq!(later[1], "reached 4 at 19:00:40 UTC");
    assert_eq!(later[4], "reached 5 at 19:01:02 UTC");
    let hops = judge(&Subject::new("111122223333", "us-east-1"), &run(), &facts, LATER);
    assert!(!Trace { hops, marks: MARKS, at: LATER }.is_complete());
    let hops = judge(&Subject::new("111122223333", "us-east-1"), &run(), &facts, now);
    assert_eq!(
        Trace { hops, marks: MARKS, at: now }.look_again(),
        Some(datetime!(2026-11-24 19:01:05 UTC)),
        "the earliest end of a wait"
    );
}

#[test]
fn nothing_accepted_is_told_first() {
    let of = |run: &Run, now| states(Engine::SqlApplication, run, &nothing_came(Engine::SqlApplication), now);
    let nothing = Run { marks_accepted: 0, rows: 0, clicks: 0, first_accepted: None, last_accepted: None, ..run() };
    let beginning = of(&nothing, datetime!(2026-11-24 19:00:12 UTC));
    assert_eq!(beginning[0], "waiting 19:00:25 UTC: The first rows are being sent.");
    assert!(beginning[1..].iter().all(|state| state.starts_with("waiting 19:00:25 UTC:")), "{beginning:?}");
    let refused = of(&nothing, LATER);
    assert_eq!(refused[0], "stopped: Nothing was accepted by the delivery stream ClickStreamData.");
    assert!(refused[1..].iter().all(|state| state.starts_with("unknown: Nothing of this sending")), "{refused:?}");
    let facts = nothing_came(Engine::Flink);
    let refused = states(Engine::Flink, &nothing, &facts, LATER);
    assert_eq!(refused[0], "stopped: Nothing was accepted by the data stream ClickStreamInput.");
    let without_marks = of(&Run { marks_accepted: 0, ..run() }, LATER);
    assert_eq!(without_marks[0], "stopped: Rows were accepted, and none of the marked ones among them.");
}

#[test]
fn a_trace_that_took_too_long_blames_nobody() {
    let hops = too_slow(&run());
    assert_eq!(hops[0].state, HopState::Reached { count: MARKS, at: Some(STARTED) });
    assert!(hops[1..].iter().all(|hop| matches!(hop.state, HopState::Unknown { .. })));
    assert_eq!(hops.len(), HopName::ALL.len());
}

#[test]
fn an_object_that_is_not_there_is_explained() {
    use HopName::Object;
    type Change = fn(&mut Facts);
    let cases: &[(&str, OffsetDateTime, Change)] = &[
        (
            "waiting 19:01:05 UTC: Firehose holds rows back before it writes them. They should be there at 19:01:05 UTC.",
            LAST,
            |_| (),
        ),
        ("stopped: The rows were due at 19:01:05 UTC, and no object under clicks/ holds one.", SOON, |_| ()),
        ("stopped: There is no bucket clickstream-111122223333-us-east-1.", LAST, |facts| {
            facts.delivered = failed(CallError::Absent);
        }),
        ("unknown: We may not look: the credentials lack s3:ListBucket.", SOON, |facts| {
            facts.delivered = denied("s3:ListBucket");
        }),
        (
            "stopped: There is no delivery stream ClickStreamData, so that nothing takes the rows on to S3.",
            LAST,
            |facts| facts.stream = failed(CallError::Absent),
        ),
        (
            "stopped: The delivery stream ClickStreamData was created after these clicks were sent, and reads later ones \
             alone.",
            LAST,
            |facts| stream(facts).created = Some(LAST + Duration::SECOND),
        ),
        ("waiting 19:01:10 UTC: AWS is creating the delivery stream ClickStreamData.", LAST, |facts| {
            stream(facts).status = "CREATING".to_owned();
        }),
        ("stopped: The delivery stream ClickStreamData is being deleted.", LAST, |facts| {
            stream(facts).status = "DELETING".to_owned();
        }),
        ("stopped: The delivery stream ClickStreamData is in the state CREATING_FAILED.", LAST, |facts| {
            stream(facts).status = "CREATING_FAILED".to_owned();
        }),
        ("stopped: Firehose could not deliver rows, and set them aside: errors/2026/x.", LAST, |facts| {
            facts.undelivered = Some(look(Some("errors/2026/x".to_owned())));
        }),
        (
            "stopped: Firehose gave up on the function that transforms the rows, and set them aside: \
             errors/processing-failed/x.",
            LAST,
            |facts| facts.undelivered = Some(look(Some("errors/processing-failed/x".to_owned()))),
        ),
        ("unknown: The objects hold Snappy, which we do not read. The lab delivers them as GZIP.", SOON, |facts| {
            facts.delivered.result.as_mut().unwrap().unreadable = Some("Snappy".to_owned());
        }),
        ("unknown: There are more objects than we read, and the marked rows may be in the others.", SOON, |facts| {
            facts.delivered.result.as_mut().unwrap().cut = true;
        }),
        // Without the stream's own word its default of five minutes holds.
        (
            "waiting 19:05:55 UTC: Firehose holds rows back before it writes them. They should be there at 19:05:55 UTC.",
            SOON,
            |facts| facts.stream = denied("firehose:DescribeDeliveryStream"),
        ),
        ("unknown: We may not look: the credentials lack firehose:DescribeDeliveryStream.", LATER, |facts| {
            facts.stream = denied("firehose:DescribeDeliveryStream");
        }),
    ];
    for (expected, now, change) in cases {
        assert_eq!(sql(Object, *now, change), *expected);
    }
    let without_source = state_of(Object, Engine::Flink, LAST, |facts| stream(facts).has_source = false);
    assert_eq!(
        without_source,
        "stopped: The delivery stream ClickStreamData does not read the data stream ClickStreamInput."
    );
    let longer = state_of(Object, Engine::TumblingWindow, LAST, |_| ());
    assert!(longer.starts_with("waiting 19:01:20 UTC"), "reading a data stream takes longer: {longer}");
}

#[test]
fn an_open_window_is_waited_for_and_the_rest_with_it() {
    for (engine, until) in
        [(Engine::SqlApplication, "19:02:10"), (Engine::TumblingWindow, "19:02:30"), (Engine::Flink, "19:03:00")]
    {
        let states = states(engine, &run(), &nothing_came(engine), SOON);
        assert_eq!(
            states[2],
            format!(
                "waiting {until} UTC: The window of the last rows is open. Its counts should be there at {until} UTC."
            )
        );
        for state in &states[3..] {
            assert_eq!(*state, format!("waiting {until} UTC: It comes after the hop before it."));
        }
    }
}

#[test]
fn a_window_that_gives_nothing_out_is_explained() {
    use HopName::Window;
    type Change = fn(&mut Facts);
    let cases: &[(&str, OffsetDateTime, Change)] = &[
        ("stopped: The counts were due at 19:02:10 UTC, and there are none.", LATER, |_| ()),
        ("stopped: There is no application ClickstreamAnalytics, so that nothing counts the rows.", SOON, |facts| {
            counting(facts).application = Some(failed(CallError::Absent));
        }),
        ("stopped: AWS closed SQL applications in January 2026.", SOON, |facts| {
            counting(facts).application = Some(failed(CallError::Retired));
        }),
        (
            "stopped: The application ClickstreamAnalytics was created after these clicks were sent, and counts later ones \
             alone.",
            SOON,
            |facts| application(facts).created = Some(LAST + Duration::SECOND),
        ),
        (
            "stopped: The application ClickstreamAnalytics is not running, so that nothing counts the rows.",
            SOON,
            |facts| application(facts).status = "READY".to_owned(),
        ),
        (
            "waiting 19:02:10 UTC: The application ClickstreamAnalytics is in the state STARTING. It counts once it runs.",
            SOON,
            |facts| application(facts).status = "STARTING".to_owned(),
        ),
        (
            "waiting 19:10:30 UTC: The application ClickstreamAnalytics is in the state UPDATING. It counts once it runs.",
            LATER,
            |facts| application(facts).status = "UPDATING".to_owned(),
        ),
        ("stopped: The application ClickstreamAnalytics is in the state ROLLED_BACK.", SOON, |facts| {
            application(facts).status = "ROLLED_BACK".to_owned();
        }),
        (
            "stopped: Your clicks were counted: 512 views are stored for their windows. The SQL gives out no rows of the \
             metric trace, though.",
            LATER,
            |facts| counting(facts).views = look(512),
        ),
        (
            "stopped: The application was started or changed after these clicks were sent, and may have passed them over.",
            LATER,
            |facts| application(facts).updated = Some(LAST + Duration::SECOND),
        ),
        ("unknown: We may not look: the credentials lack kinesisanalytics:DescribeApplication.", LATER, |facts| {
            counting(facts).application = Some(denied("kinesisanalytics:DescribeApplication"));
        }),
        (
            "waiting 19:02:10 UTC: The window of the last rows is open. Its counts should be there at 19:02:10 UTC.",
            SOON,
            |facts| counting(facts).application = Some(denied("kinesisanalytics:DescribeApplication")),
        ),
        ("unknown: Amazon DynamoDB did not answer in time. Look again in a minute.", LATER, |facts| {
            counting(facts).views = failed(CallError::Fault("Amazon DynamoDB did not answer in time".to_owned()));
        }),
        ("unknown: What was counted is not to be seen from outside; the next hops stand in its way.", LATER, |facts| {
            application(facts).has_output = false;
        }),
    ];
    for (expected, now, change) in cases {
        assert_eq!(sql(Window, *now, change), *expected);
    }
}

#[test]
fn with_tumbling_windows_the_mapping_speaks() {
    type Change = fn(&mut Facts);
    let cases: &[(HopName, &str, OffsetDateTime, Change)] = &[
        (
            HopName::Window,
            "stopped: No event source mapping calls CountClickWindows with the records of ClickStreamInput.",
            SOON,
            |facts| counting(facts).mapping = Some(look(None)),
        ),
        (
            HopName::Window,
            "stopped: The event source mapping from ClickStreamInput to CountClickWindows is switched off.",
            SOON,
            |facts| mapping(facts).state = "Disabled".to_owned(),
        ),
        (
            HopName::Window,
            "stopped: The event source mapping from ClickStreamInput to CountClickWindows is being deleted.",
            SOON,
            |facts| mapping(facts).state = "Deleting".to_owned(),
        ),
        (
            HopName::Window,
            "waiting 19:02:30 UTC: The event source mapping of CountClickWindows is enabling.",
            SOON,
            |facts| mapping(facts).state = "Enabling".to_owned(),
        ),
        (
            HopName::Window,
            "stopped: The event source mapping was started or changed after these clicks were sent, and may have passed \
             them over.",
            LATER,
            |facts| mapping(facts).modified = Some(LAST + Duration::SECOND),
        ),
        (
            HopName::Window,
            "stopped: Your clicks were counted: 3 views are stored for their windows. The function gives out no counts of \
             the metric trace, though.",
            LATER,
            |facts| counting(facts).views = look(3),
        ),
        (HopName::Window, "stopped: The counts were due at 19:02:30 UTC, and there are none.", LATER, |_| ()),
        (
            HopName::Window,
            "unknown: We may not look: the credentials lack lambda:ListEventSourceMappings.",
            LATER,
            |facts| counting(facts).mapping = Some(denied("lambda:ListEventSourceMappings")),
        ),
        (
            HopName::Function,
            "stopped: Lambda could not hand records to CountClickWindows: PROBLEM: Function call failed.",
            SOON,
            |facts| mapping(facts).last_result = "PROBLEM: Function call failed".to_owned(),
        ),
        (HopName::Function, "stopped: There is no function CountClickWindows.", SOON, |facts| {
            counting(facts).function = failed(CallError::Absent);
        }),
    ];
    for (hop, expected, now, change) in cases {
        assert_eq!(state_of(*hop, Engine::TumblingWindow, *now, change), *expected);
    }
}

#[test]
fn with_flink_the_mapping_stands_behind_the_window() {
    let of = |hop, change: fn(&mut Facts)| state_of(hop, Engine::Flink, LATER, change);
    let no_mapping: fn(&mut Facts) = |facts| counting(facts).mapping = Some(look(None));
    assert_eq!(
        of(HopName::Function, no_mapping),
        "stopped: No event source mapping calls StoreWindowCounts with the records of ClickStreamCounts."
    );
    assert!(of(HopName::Window, no_mapping).starts_with("unknown: What was counted is not to be seen"));
    assert_eq!(
        of(HopName::Window, |facts| application(facts).status = "READY".to_owned()),
        "stopped: The application ClickstreamAnalytics is not running, so that nothing counts the rows."
    );
}

#[test]
fn a_function_that_stores_nothing_is_explained() {
    use HopName::Function;
    type Change = fn(&mut Facts);
    let cases: &[(&str, Change)] = &[
        ("stopped: There is no function StoreWindowCounts.", |facts| {
            counting(facts).function = failed(CallError::Absent);
        }),
        ("stopped: The application does not hand its counts to StoreWindowCounts.", |facts| {
            application(facts).has_output = false;
        }),
        (
            "stopped: The function StoreWindowCounts set rows aside that it could not store: window_end is no time.",
            |facts| {
                let letter = DeadLetter { reason: "window_end is no time".to_owned(), written_at: LAST };
                counting(facts).dead_letter = look(Some(letter));
            },
        ),
        ("stopped: The function StoreWindowCounts stores the metric trace without its pages.", |facts| {
            facts.items = look(vec![TraceItem { has_pages: false, ..item(0) }]);
        }),
        ("unknown: It comes after the hop before it, of which it has got nothing.", |_| ()),
        // Items of other runs say nothing about this one.
        ("unknown: It comes after the hop before it, of which it has got nothing.", |facts| {
            facts.items = look(vec![item(0)]);
        }),
    ];
    for (expected, change) in cases {
        assert_eq!(sql(Function, LATER, change), *expected);
    }
}

#[test]
fn a_missing_table_is_told_at_the_last_hop() {
    let mut facts = nothing_came(Engine::SqlApplication);
    facts.items = failed(CallError::Absent);
    counting(&mut facts).views = failed(CallError::Absent);
    counting(&mut facts).dead_letter = failed(CallError::Absent);
    let later = states(Engine::SqlApplication, &run(), &facts, LATER);
    assert!(later[2].starts_with("unknown: What was counted"), "{later:?}");
    assert_eq!(later[4], "stopped: There is no table ClickstreamWindowCounts.");
    let soon = states(Engine::SqlApplication, &run(), &facts, SOON);
    assert!(soon[2].starts_with("waiting") && soon[3].starts_with("waiting"), "{soon:?}");
    assert_eq!(soon[4], later[4], "this needs no waiting");
    facts.items = failed(CallError::Refused { code: "ValidationException".to_owned(), message: "no".to_owned() });
    let other_keys = states(Engine::SqlApplication, &run(), &facts, LATER);
    assert_eq!(other_keys[4], "stopped: The table ClickstreamWindowCounts has other keys than metric and window_end.");
}

#[test]
fn a_table_that_may_not_be_read_blames_nobody() {
    let mut facts = nothing_came(Engine::SqlApplication);
    facts.items = denied("dynamodb:Query");
    counting(&mut facts).views = denied("dynamodb:Query");
    counting(&mut facts).dead_letter = denied("dynamodb:Query");
    let states = states(Engine::SqlApplication, &run(), &facts, LATER);
    for state in &states[2..] {
        assert!(state.starts_with("unknown:"), "{states:?}");
    }
    assert_eq!(states[4], "unknown: We may not look: the credentials lack dynamodb:Query.");
}

#[test]
fn nobody_is_blamed_when_every_look_is_denied() {
    for engine in Engine::ALL {
        let mut facts = nothing_came(engine);
        facts.stream = denied("a:B");
        facts.delivered = denied("a:B");
        facts.undelivered = Some(denied("a:B"));
        facts.items = denied("a:B");
        let counting = facts.counting.as_mut().unwrap();
        counting.views = denied("a:B");
        counting.application = counting.application.is_some().then(|| denied("a:B"));
        counting.mapping = counting.mapping.is_some().then(|| denied("a:B"));
        counting.function = denied("a:B");
        counting.dead_letter = denied("a:B");
        for state in &states(engine, &run(), &facts, LATER)[1..] {
            assert!(state.starts_with("unknown:"), "{state}");
        }
    }
}
