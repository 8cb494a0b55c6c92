//! What changes while a page is open.

use crate::{
    api,
    model::{
        AccountView, ChartView, CheckView, CostView, DemoView, LabView, LiveEvent, MembershipView, PipelineView,
        ReceiptView, StepSummary, StepView, TraceView,
    },
};
use leptos::prelude::*;

/// The parts of a step's page that change, fed by the event stream and after each action.
#[derive(Clone, Copy)]
pub struct Live {
    pub steps: RwSignal<Vec<StepSummary>>,
    pub pipeline: RwSignal<PipelineView>,
    pub demo: RwSignal<DemoView>,
    pub chart: RwSignal<ChartView>,
    pub trace: RwSignal<Option<TraceView>>,
    pub cost: RwSignal<Option<CostView>>,
    pub receipt: RwSignal<Option<ReceiptView>>,
    pub account: RwSignal<AccountView>,
    pub checks: RwSignal<Vec<CheckView>>,
    pub step: RwSignal<StepView>,
    pub class: RwSignal<Option<MembershipView>>,
    /// Whether the event stream is open. It begins open, so that the server renders no alarm.
    pub connected: RwSignal<bool>,
}

impl Live {
    pub fn new(lab: LabView, step: StepView, class: Option<MembershipView>) -> Self {
        Self {
            steps: RwSignal::new(lab.steps),
            pipeline: RwSignal::new(lab.pipeline),
            demo: RwSignal::new(lab.demo),
            chart: RwSignal::new(lab.chart),
            trace: RwSignal::new(lab.trace),
            cost: RwSignal::new(lab.cost),
            receipt: RwSignal::new(step.receipt.clone()),
            account: RwSignal::new(lab.account),
            checks: RwSignal::new(step.checks.clone()),
            step: RwSignal::new(step),
            class: RwSignal::new(class),
            connected: RwSignal::new(true),
        }
    }

    /// Takes in one event of the stream.
    pub fn take(self, event: LiveEvent) {
        match event {
            LiveEvent::Checks(checks) => set_if_changed(self.checks, checks),
            LiveEvent::Steps(steps) => set_if_changed(self.steps, steps),
            LiveEvent::Pipeline(pipeline) => set_if_changed(self.pipeline, pipeline),
            LiveEvent::Demo(demo) => set_if_changed(self.demo, demo),
            LiveEvent::Chart(chart) => set_if_changed(self.chart, chart),
            LiveEvent::Trace(trace) => set_if_changed(self.trace, trace),
            LiveEvent::Receipt(receipt) => set_if_changed(self.receipt, receipt),
            LiveEvent::Cost(cost) => set_if_changed(self.cost, cost),
            LiveEvent::Class(class) => set_if_changed(self.class, class),
        }
    }

    /// Reads everything again, as after an action. What cannot be read stays as it is.
    pub async fn refresh(self, slug: String) {
        if let Ok(step) = api::step(slug).await {
            set_if_changed(self.checks, step.checks.clone());
            set_if_changed(self.receipt, step.receipt.clone());
            set_if_changed(self.step, step);
        }
        if let Ok(lab) = api::lab().await {
            self.take(LiveEvent::Steps(lab.steps));
            self.take(LiveEvent::Pipeline(lab.pipeline));
            self.take(LiveEvent::Demo(lab.demo));
            self.take(LiveEvent::Chart(lab.chart));
            self.take(LiveEvent::Trace(lab.trace));
            self.take(LiveEvent::Cost(lab.cost));
            set_if_changed(self.account, lab.account);
        }
    }
}

/// The page may be gone by the time an answer arrives, hence the `try_`.
fn set_if_changed<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.try_with_untracked(|now| *now != value) == Some(true) {
        signal.try_set(value);
    }
}

/// Follows the event stream of a step for as long as the current owner lives.
#[cfg(feature = "hydrate")]
pub fn follow(live: Live, slug: &str) {
    let address = format!("/live/{slug}");
    crate::event_stream::follow(
        move || address.clone(),
        live.connected,
        move |text| {
            if let Ok(event) = serde_json::from_str(&text) {
                live.take(event);
            }
        },
    );
}

/// The server renders one moment; there is nothing to follow.
#[cfg(not(feature = "hydrate"))]
pub fn follow(_live: Live, _slug: &str) {}
