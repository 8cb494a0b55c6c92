//! The verdicts of a step, each with its evidence.

use super::{Icon, NoticeBox, icon, waiting_notice};
use crate::{
    api::Recheck,
    clock::browser_time,
    format::{clock, countdown, counted, machine_time},
    live::Live,
    model::{CheckView, EvidenceView, Fields, Notice, StepState, Verdict, VerdictView, about},
};
use leptos::{form::ActionForm, prelude::*};

#[component]
pub fn Checks(live: Live, slug: String) -> impl IntoView {
    let Live { checks, connected, .. } = live;
    let recheck = ServerAction::<Recheck>::new();
    Effect::new(move |_| {
        if let Some(Ok(fresh)) = recheck.value().get() {
            checks.set(fresh);
        }
    });
    let waiting = waiting_notice(about::CHECKS);
    let notice = Signal::derive(move || match recheck.value().get() {
        Some(Err(error)) => Some(Notice::failure(about::CHECKS, &error, Fields::new())),
        Some(Ok(_)) => None,
        None => waiting.clone(),
    });
    let progress = Memo::new(move |_| {
        checks.with(|checks| {
            let passed = checks.iter().filter(|check| shown(check) == Shown::Verdict(Kind::Pass)).count();
            (passed as u64, checks.len() as u64)
        })
    });
    let rows = checks
        .get_untracked()
        .into_iter()
        .enumerate()
        .map(|(index, first)| {
            let check =
                Memo::new(move |_| checks.with(|checks| checks.get(index).cloned()).unwrap_or_else(|| first.clone()));
            view! { <CheckRow check/> }
        })
        .collect_view();
    let consent = live.step.with_untracked(|step| step.consent_html.clone());
    let state = move || live.step.with_untracked(|step| step.summary.slug.clone());
    let step_passed = Memo::new(move |_| {
        let slug = state();
        live.steps.with(|steps| steps.iter().any(|step| step.slug == slug && step.state == StepState::Passed))
    });
    view! {
        <section class="checks panel" id="checks" aria-labelledby="checks-title" class:is-passed=move || step_passed.get()>
            <div class="panel-head">
                <h2 id="checks-title">"Checks"</h2>
                <p class="checks-count">
                    {move || {
                        let (passed, all) = progress.get();
                        format!("{passed} of {all} pass")
                    }}
                </p>
            </div>
            <svg class="meter" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                <rect class="meter-bed" width="100" height="4"/>
                <rect
                    class="meter-water"
                    height="4"
                    width=move || {
                        let (passed, all) = progress.get();
                        (passed * 100 / all.max(1)).to_string()
                    }
                />
            </svg>
            <Announcer live/>
            <ul class="check-list">{rows}</ul>
            <ActionForm action=recheck attr:class="recheck">
                <input type="hidden" name="slug" value=slug/>
                {consent
                    .map(|html| {
                        view! {
                            <div class="consent">
                                <input type="checkbox" id="consent" name="consent" value="true"/>
                                <label for="consent" inner_html=html></label>
                            </div>
                        }
                    })}
                <div class="form-end">
                    <button
                        type="submit"
                        class="button"
                        disabled=move || recheck.pending().get()
                        aria-busy=move || recheck.pending().get().then_some("true")
                    >
                        {move || if recheck.pending().get() { "Looking…" } else { "Check now" }}
                    </button>
                    <span class="live-state">
                        {move || {
                            if connected.get() { "Looked at again while this page is open" } else { "Connection lost, trying again…" }
                        }}
                    </span>
                </div>
            </ActionForm>
            <NoticeBox notice/>
        </section>
    }
    .into_any()
}

/// One check with its verdict, its reasons and its evidence.
#[component]
pub fn CheckRow(check: Memo<CheckView>) -> impl IntoView {
    let now = move || check.with(shown);
    let title = check.with_untracked(|check| check.title.clone());
    let id = check.with_untracked(|check| check.id.clone());
    view! {
        <li class=move || format!("check {}", now().class()) data-check=id data-verdict=move || now().word()>
            <div class="check-line">
                <span class="check-sign">{move || icon(now().icon())}</span>
                <div class="check-text">
                    <p class="check-title">{title}</p>
                    <p class="check-word">
                        {move || now().word()}
                        {move || check.with(|check| check.running).then(|| view! { <span class="check-running">"looking…"</span> })}
                    </p>
                </div>
            </div>
            {move || check.with(|check| (now() != Shown::Verdict(Kind::Pass)).then(|| check.last.clone()).flatten()).map(detail)}
            {move || {
                check
                    .with(|check| check.regression.clone())
                    .map(|text| view! { <p class="check-regression">{icon(Icon::Info)} <span>{text}</span></p> })
            }}
            <Evidence check/>
        </li>
    }
    .into_any()
}

/// What is wrong, for all but a pass.
fn detail(last: VerdictView) -> impl IntoView {
    let comparison = match last.verdict {
        Verdict::Wrong { setting, expected, found } => Some(
            view! {
                <dl class="comparison">
                    <div class="comparison-setting">
                        <dt>"Setting"</dt>
                        <dd>{setting}</dd>
                    </div>
                    <div>
                        <dt>"Expected"</dt>
                        <dd><code>{expected}</code></dd>
                    </div>
                    <div>
                        <dt>"Found"</dt>
                        <dd><code>{found}</code></dd>
                    </div>
                </dl>
            }
            .into_any(),
        ),
        Verdict::Elsewhere { place } => {
            Some(view! { <p class="check-fact">"Found in " <code>{place}</code></p> }.into_any())
        }
        Verdict::NoPermission { action } => {
            Some(view! { <p class="check-fact">"Refused: " <code>{action}</code></p> }.into_any())
        }
        Verdict::Settling { until } => {
            let now = browser_time();
            Some(
                view! {
                    <p class="check-fact">
                        "Look again at " <time datetime=machine_time(until)>{clock(until)}</time> " UTC"
                        <span aria-hidden="true">{move || now.get().map(|now| countdown(until - now))}</span>
                    </p>
                }
                .into_any(),
            )
        }
        Verdict::Pass | Verdict::NotYet | Verdict::ServiceFault => None,
    };
    view! {
        <div class="check-detail">
            <p>{last.message}</p>
            {comparison}
        </div>
    }
}

#[component]
fn Evidence(check: Memo<CheckView>) -> impl IntoView {
    let evidence = Memo::new(move |_| {
        check.with(|check| check.last.as_ref().map(|last| (last.checked_at, last.evidence.clone())))
    });
    view! {
        <details class="evidence" hidden=move || evidence.with(Option::is_none)>
            <summary>
                "Evidence"
                {move || {
                    evidence.with(|evidence| evidence.as_ref().map(|(at, _)| *at)).map(|at| {
                        view! { <span class="evidence-time">" " <time datetime=machine_time(at)>{clock(at)}</time> " UTC"</span> }
                    })
                }}
            </summary>
            {move || {
                evidence
                    .get()
                    .map(|(_, calls)| {
                        if calls.is_empty() {
                            return view! { <p class="help">"No call was made."</p> }.into_any();
                        }
                        calls.into_iter().map(call).collect_view().into_any()
                    })
            }}
        </details>
    }
    .into_any()
}

/// A call with what was read from its answer.
pub(super) fn call(EvidenceView { call, at, fields }: EvidenceView) -> impl IntoView {
    let fields = fields
        .into_iter()
        .map(|field| {
            view! {
                <div>
                    <dt>{field.name}</dt>
                    <dd><code>{field.value}</code></dd>
                </div>
            }
        })
        .collect_view();
    view! {
        <div class="call">
            <p class="call-name">
                <code>{call}</code>
                <time datetime=machine_time(at)>{clock(at)}</time>
            </p>
            <dl>{fields}</dl>
        </div>
    }
}

/// Tells a screen reader which verdicts changed, and only that.
#[component]
fn Announcer(live: Live) -> impl IntoView {
    let Live { checks, .. } = live;
    let news = RwSignal::new(String::new());
    Effect::new(move |before: Option<Vec<CheckView>>| {
        let now = checks.get();
        if let Some(before) = before {
            let text = changes(&before, &now);
            if !text.is_empty() {
                news.set(text);
            }
        }
        now
    });
    view! { <p class="visually-hidden" role="status">{move || news.get()}</p> }.into_any()
}

/// A sentence on what changed between two looks; empty when nothing did.
fn changes(before: &[CheckView], now: &[CheckView]) -> String {
    let changed: Vec<String> = now
        .iter()
        .filter(|check| before.iter().any(|old| old.id == check.id && shown(old) != shown(check)))
        .map(|check| format!("{}: {}.", check.title, shown(check).word()))
        .collect();
    if changed.is_empty() {
        return String::new();
    }
    let passed = now.iter().filter(|check| shown(check) == Shown::Verdict(Kind::Pass)).count() as u64;
    format!("{} {} now.", changed.join(" "), counted(passed, "check passes", "checks pass"))
}

/// What a row shows: a pass stays one, whatever was found later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Unknown,
    AwaitsConsent,
    Verdict(Kind),
}

/// A verdict without its particulars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pass,
    NotYet,
    Wrong,
    Elsewhere,
    NoPermission,
    Settling,
    ServiceFault,
}

fn shown(check: &CheckView) -> Shown {
    if check.passed_at.is_some() {
        return Shown::Verdict(Kind::Pass);
    }
    let Some(last) = &check.last else {
        return if check.needs_consent { Shown::AwaitsConsent } else { Shown::Unknown };
    };
    Shown::Verdict(match last.verdict {
        Verdict::Pass => Kind::Pass,
        Verdict::NotYet => Kind::NotYet,
        Verdict::Wrong { .. } => Kind::Wrong,
        Verdict::Elsewhere { .. } => Kind::Elsewhere,
        Verdict::NoPermission { .. } => Kind::NoPermission,
        Verdict::Settling { .. } => Kind::Settling,
        Verdict::ServiceFault => Kind::ServiceFault,
    })
}

impl Shown {
    fn word(self) -> &'static str {
        match self {
            Self::Unknown => "Not looked at yet",
            Self::AwaitsConsent => "Needs your consent",
            Self::Verdict(Kind::Pass) => "Passes",
            Self::Verdict(Kind::NotYet) => "Not there yet",
            Self::Verdict(Kind::Wrong) => "Set differently",
            Self::Verdict(Kind::Elsewhere) => "Found elsewhere",
            Self::Verdict(Kind::NoPermission) => "Not permitted to look",
            Self::Verdict(Kind::Settling) => "Settling",
            Self::Verdict(Kind::ServiceFault) => "Service fault, not yours",
        }
    }

    fn icon(self) -> Icon {
        match self {
            Self::Unknown | Self::Verdict(Kind::NotYet) => Icon::Ring,
            Self::AwaitsConsent => Icon::Info,
            Self::Verdict(Kind::Pass) => Icon::Check,
            Self::Verdict(Kind::Wrong) => Icon::NotEqual,
            Self::Verdict(Kind::Elsewhere) => Icon::Elsewhere,
            Self::Verdict(Kind::NoPermission) => Icon::Lock,
            Self::Verdict(Kind::Settling) => Icon::Hourglass,
            Self::Verdict(Kind::ServiceFault) => Icon::Cloud,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Unknown | Self::AwaitsConsent => "is-unknown",
            Self::Verdict(Kind::Pass) => "is-pass",
            Self::Verdict(Kind::NotYet) => "is-not-yet",
            Self::Verdict(Kind::Wrong | Kind::Elsewhere) => "is-wrong",
            Self::Verdict(Kind::NoPermission | Kind::Settling | Kind::ServiceFault) => "is-waiting",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, verdict: Option<Verdict>) -> CheckView {
        CheckView {
            id: id.to_owned(),
            title: format!("Title of {id}"),
            needs_consent: false,
            running: false,
            last: verdict.map(|verdict| VerdictView {
                verdict,
                message: String::new(),
                evidence: Vec::new(),
                checked_at: 0,
            }),
            passed_at: None,
            regression: None,
        }
    }

    #[test]
    fn a_pass_stays_a_pass() {
        let mut regressed = check("a", Some(Verdict::NotYet));
        regressed.passed_at = Some(1);
        assert_eq!(shown(&regressed), Shown::Verdict(Kind::Pass));
    }

    #[test]
    fn only_changes_are_announced() {
        let before = [check("a", None), check("b", Some(Verdict::NotYet))];
        assert_eq!(changes(&before, &before), "");
        let now = [check("a", Some(Verdict::Pass)), check("b", Some(Verdict::NotYet))];
        assert_eq!(changes(&before, &now), "Title of a: Passes. 1\u{a0}check passes now.");
    }

    #[test]
    fn a_new_time_or_message_is_no_change() {
        let before = [check("a", Some(Verdict::Settling { until: 1 }))];
        let now = [check("a", Some(Verdict::Settling { until: 2 }))];
        assert_eq!(changes(&before, &now), "");
    }
}
