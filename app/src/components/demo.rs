//! Sending clicks: made-up ones at a chosen rate, or a file of the learner's own.

use super::{Icon, NoticeBox, icon, outcome, waiting_notice};
use crate::{
    api::{StartDemo, StopDemo},
    format::{counted, grouped, length},
    live::Live,
    model::{BadLine, DemoRequest, DemoSource, DemoState, DemoView, about},
};
use leptos::{form::ActionForm, prelude::*};

/// The form that starts the demo sender, with its progress.
#[component]
pub fn DemoPanel(live: Live, slug: String) -> impl IntoView {
    let demo = live.demo;
    let start = ServerAction::<StartDemo>::new();
    let notice = outcome(start, about::DEMO.to_owned());
    let first = demo.get_untracked();
    let kept = notice.with_untracked(|notice| notice.as_ref().map(|notice| notice.kept.clone())).unwrap_or_default();
    let value = |name: &str, otherwise: String| kept.get(name).cloned().unwrap_or(otherwise);
    // A file is sent at a rate of its own, which says nothing about the next clicks.
    let request = if first.source == DemoSource::Generated { first.request } else { DemoRequest::default() };
    let rate = value("rate", request.rate.to_string());
    let duration = value("duration_seconds", request.duration_seconds.to_string());
    let seed = value("seed", request.seed.to_string());
    let posted_slug = slug.clone();
    let active = Memo::new(move |_| demo.with(|demo| demo.state.is_active()));
    view! {
        <section class="demo action" id="demo" aria-labelledby="demo-title">
            <h3 id="demo-title">"Send demo clicks"</h3>
            <p class="action-help">
                "Made-up readers wander through an encyclopedia. The same seed sends the same clicks, so that you can compare runs."
            </p>
            <ActionForm action=start attr:class="form form-row">
                <input type="hidden" name="slug" value=posted_slug/>
                <NumberField notice name="rate" label="Rate" unit="rows a second" value=rate min=1 max=u64::from(first.max_rate.max(1))/>
                <NumberField
                    notice
                    name="duration_seconds"
                    label="For"
                    unit="seconds"
                    value=duration
                    min=1
                    max=u64::from(first.max_duration_seconds.max(1))
                />
                <NumberField notice name="seed" label="Seed" unit="" value=seed min=0 max=u64::from(u32::MAX)/>
                <div class="form-end">
                    <button type="submit" class="button" disabled=move || start.pending().get() || active.get()>
                        "Send clicks"
                    </button>
                </div>
            </ActionForm>
            <NoticeBox notice/>
            <DemoProgress live slug/>
        </section>
    }
    .into_any()
}

#[component]
fn NumberField(
    #[prop(into)] notice: Signal<Option<crate::model::Notice>>,
    name: &'static str,
    label: &'static str,
    unit: &'static str,
    value: String,
    min: u64,
    max: u64,
) -> impl IntoView {
    let error = Memo::new(move |_| {
        notice.with(|notice| {
            notice.as_ref().filter(|notice| notice.field.as_deref() == Some(name)).map(|notice| notice.message.clone())
        })
    });
    let id = format!("demo-{name}");
    let error_id = format!("{id}-error");
    let described = {
        let error_id = error_id.clone();
        move || error.with(Option::is_some).then(|| error_id.clone())
    };
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <span class="with-unit">
                <input
                    id=id
                    name=name
                    type="number"
                    inputmode="numeric"
                    value=value
                    min=min.to_string()
                    max=max.to_string()
                    step="1"
                    required=true
                    autocomplete="off"
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    aria-describedby=described
                />
                {(!unit.is_empty()).then(|| view! { <span class="unit">{unit}</span> })}
            </span>
            {move || error.get().map(|message| view! { <p class="field-error" id=error_id.clone()>{message}</p> })}
        </div>
    }
    .into_any()
}

/// How the sending goes, with a button that stops it. Hidden before anything was sent.
#[component]
pub fn DemoProgress(live: Live, slug: String) -> impl IntoView {
    let demo = live.demo;
    let stop = ServerAction::<StopDemo>::new();
    let idle = Memo::new(move |_| demo.with(|demo| demo.state == DemoState::Idle));
    let running = Memo::new(move |_| demo.with(|demo| demo.state == DemoState::Running));
    let share = Memo::new(move |_| demo.with(share_done));
    let number = move |read: fn(&DemoView) -> u64| move || demo.with(|demo| grouped(read(demo)));
    let raw = move |read: fn(&DemoView) -> u64| move || demo.with(|demo| read(demo).to_string());
    view! {
        <div class="progress" hidden=move || idle.get()>
            <p class="progress-line" role="status">{move || demo.with(state_words)}</p>
            <svg class="meter" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                <rect class="meter-bed" width="100" height="4"/>
                <rect class="meter-water" height="4" width=move || share.get().to_string()/>
            </svg>
            <p class="progress-pace">{move || demo.with(pace_words)}</p>
            <dl class="counts">
                <div>
                    <dt>"Sent"</dt>
                    <dd data-count="sent" data-value=raw(|demo| demo.sent)>{number(|demo| demo.sent)}</dd>
                </div>
                <div>
                    <dt>"Accepted"</dt>
                    <dd data-count="accepted" data-value=raw(|demo| demo.accepted)>{number(|demo| demo.accepted)}</dd>
                </div>
                <div>
                    <dt>"Retried"</dt>
                    <dd data-count="retried" data-value=raw(|demo| demo.retried)>{number(|demo| demo.retried)}</dd>
                </div>
                <div>
                    <dt>"Failed"</dt>
                    <dd data-count="failed" data-value=raw(|demo| demo.failed)>{number(|demo| demo.failed)}</dd>
                </div>
                <div class="counts-clicks">
                    <dt>"Clicks in the accepted rows"</dt>
                    <dd data-count="clicks" data-value=raw(|demo| demo.clicks_accepted)>{number(|demo| demo.clicks_accepted)}</dd>
                </div>
            </dl>
            <div hidden=move || !running.get()>
                <ActionForm action=stop>
                    <input type="hidden" name="slug" value=slug/>
                    <button type="submit" class="button is-quiet" disabled=move || stop.pending().get()>
                        {icon(Icon::Stop)}
                        "Stop"
                    </button>
                </ActionForm>
            </div>
            <BadLines live/>
        </div>
    }
    .into_any()
}

#[component]
fn BadLines(live: Live) -> impl IntoView {
    let bad = Memo::new(move |_| live.demo.with(|demo| (demo.bad_line_count, demo.bad_lines.clone())));
    view! {
        <details class="bad-lines" hidden=move || bad.with(|(count, _)| *count == 0)>
            <summary>
                {move || bad.with(|(count, _)| format!("{} not sent", counted(*count, "line was", "lines were")))}
            </summary>
            <ul>
                {move || {
                    bad.get()
                        .1
                        .into_iter()
                        .map(|BadLine { line, reason }| {
                            view! {
                                <li>
                                    <strong>{format!("Line {}: ", grouped(line))}</strong>
                                    {reason}
                                </li>
                            }
                        })
                        .collect_view()
                }}
            </ul>
            <p class="help">
                {move || {
                    bad.with(|(count, lines)| count.saturating_sub(lines.len() as u64))
                        .checked_sub(1)
                        .map(|rest| format!("and {} more.", grouped(rest + 1)))
                }}
            </p>
        </details>
    }
    .into_any()
}

/// A file of clicks: a plain multipart form, which the server answers by coming back here.
#[component]
pub fn UploadPanel(live: Live) -> impl IntoView {
    let waiting = waiting_notice(about::UPLOAD);
    let notice = Signal::derive(move || waiting.clone());
    let active = move || live.demo.with(|demo| demo.state.is_active());
    view! {
        <section class="upload action" id="upload" aria-labelledby="upload-title">
            <h3 id="upload-title">"Or send a file of your own"</h3>
            <p class="action-help">
                "Four columns with tabs between: " <code>"prev"</code> ", " <code>"curr"</code> ", " <code>"type"</code>
                " (" <code>"link"</code> ", " <code>"external"</code> " or " <code>"other"</code> ") and " <code>"n"</code>
                ", a count from 1. Lines that do not fit are counted and shown, not sent."
            </p>
            <form class="form form-row" action="/upload" method="post" enctype="multipart/form-data">
                <div class="field">
                    <label for="upload-file">"File of tab-separated rows, UTF-8"</label>
                    <input id="upload-file" name="file" type="file" accept=".tsv,.txt,text/tab-separated-values,text/plain" required=true/>
                </div>
                <div class="form-end">
                    <button type="submit" class="button is-quiet" disabled=active>
                        {icon(Icon::File)}
                        "Send the file"
                    </button>
                </div>
            </form>
            <NoticeBox notice/>
        </section>
    }
    .into_any()
}

/// Of a whole of 100, by rows for a file and by time else.
fn share_done(demo: &DemoView) -> u64 {
    let (done, all) = match &demo.source {
        DemoSource::File { rows, .. } => (demo.accepted + demo.failed, *rows),
        DemoSource::Generated => (demo.elapsed_ms, u64::from(demo.request.duration_seconds) * 1000),
    };
    if demo.state.is_active() { (done.saturating_mul(100) / all.max(1)).min(100) } else { 100 }
}

fn state_words(demo: &DemoView) -> String {
    let what = match &demo.source {
        DemoSource::Generated => "demo clicks".to_owned(),
        DemoSource::File { name, .. } => name.clone(),
    };
    match &demo.state {
        DemoState::Idle => String::new(),
        DemoState::Running => format!("Sending {what}"),
        DemoState::Stopping => format!("Stopping {what}: finishing what was handed over"),
        DemoState::Finished => format!("Finished sending {what}"),
        DemoState::Failed { message } => format!("Sending {what} failed. {message}"),
    }
}

fn pace_words(demo: &DemoView) -> String {
    let elapsed = length(demo.elapsed_ms / 1000);
    match (&demo.source, demo.state.is_active()) {
        (DemoSource::Generated, true) => format!(
            "{elapsed} of {} · {} rows a second",
            length(u64::from(demo.request.duration_seconds)),
            grouped(u64::from(demo.rows_per_second))
        ),
        (DemoSource::File { rows, .. }, true) => {
            format!(
                "{elapsed} · {} in the file · {} a second",
                counted(*rows, "row", "rows"),
                grouped(u64::from(demo.rows_per_second))
            )
        }
        (_, false) => format!("took {elapsed}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DemoRequest;

    #[test]
    fn progress_is_by_time_for_made_up_clicks_and_by_rows_for_a_file() {
        let request = DemoRequest { rate: 10, duration_seconds: 100, seed: 1 };
        let mut demo = DemoView { state: DemoState::Running, request, elapsed_ms: 25_000, ..DemoView::default() };
        assert_eq!(share_done(&demo), 25);
        demo.source = DemoSource::File { name: "a.tsv".to_owned(), rows: 200 };
        demo.accepted = 90;
        demo.failed = 10;
        assert_eq!(share_done(&demo), 50);
        demo.state = DemoState::Finished;
        assert_eq!(share_done(&demo), 100);
    }

    #[test]
    fn a_file_without_rows_does_not_divide_by_zero() {
        let source = DemoSource::File { name: String::new(), rows: 0 };
        assert_eq!(share_done(&DemoView { state: DemoState::Running, source, ..DemoView::default() }), 0);
    }
}
