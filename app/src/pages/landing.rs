use crate::{
    api,
    components::{NoticeBox, Notices, PipelineAcross, Welcome, waiting_notice},
    model::{LabChoice, LearnerView, Notice, about},
};
use leptos::prelude::*;
use leptos_meta::Title;

/// The first page: what a learner will build, and the ways in.
#[component]
pub fn Landing() -> impl IntoView {
    let data = Resource::new(
        || (),
        |()| async {
            (api::learner().await.ok().flatten(), api::choices().await.ok(), api::take_notice().await.ok().flatten())
        },
    );
    view! {
        <Title text="Headwater: build a clickstream pipeline"/>
        <Transition>
            {move || Suspend::new(async move {
                let (learner, choices, notice) = data.await;
                view! { <Body learner choices notice/> }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Body(learner: Option<LearnerView>, choices: Option<Vec<LabChoice>>, notice: Option<Notice>) -> impl IntoView {
    provide_context(Notices(RwSignal::new(notice)));
    let farewell = waiting_notice(about::FORGET);
    view! {
        <main class="landing" id="main" tabindex="-1">
            <div class="landing-head">
                <h1>"Build a clickstream pipeline, from the spring to the sea"</h1>
                <p class="lead">
                    "A hands-on lab in seven steps. You make every part yourself, the lab looks at what you made and tells you what it found, and at the end you watch counts arrive a minute after the clicks."
                </p>
                <NoticeBox notice=Signal::derive(move || farewell.clone())/>
                <Welcome learner choices/>
            </div>
            <section class="landing-picture" aria-label="What you will build" tabindex="0">
                <PipelineAcross/>
            </section>
            <section class="landing-facts">
                <div>
                    <h2>"Real wire, no bill"</h2>
                    <p>
                        "Headwater brings its own small AWS, the sandbox. It speaks the real protocols, so the page, the "
                        <code>"aws"</code> " CLI and any SDK all work against it, with keys of your own. It costs nothing."
                    </p>
                </div>
                <div>
                    <h2>"Verdicts with evidence"</h2>
                    <p>
                        "Each check says which call it made, what it read and when. A setting that differs is shown beside the one expected, and a pass is never taken back."
                    </p>
                </div>
                <div>
                    <h2>"Two ways through"</h2>
                    <p>"In the sandbox, fill in forms in the page or paste commands into your terminal. Switch at any step; both lead to the same place."</p>
                </div>
            </section>
            <section class="landing-note" aria-labelledby="honest-title">
                <h2 id="honest-title">"An honest word about the SQL step"</h2>
                <p>
                    "AWS closed Kinesis Data Analytics for SQL Applications: since January 2026 nobody can create or run such an application in an AWS account. So this lab can be run in three ways, and two of them live on AWS today."
                </p>
                <ul>
                    <li>
                        <strong>"A SQL application"</strong>
                        " is the usual way here, since SQL over windows is still the clearest way to learn the idea. It runs in Headwater's own sandbox, the only place left for it."
                    </li>
                    <li>
                        <strong>"A Lambda function with a tumbling window"</strong>
                        " reads a Kinesis data stream and counts by itself. It works in the sandbox, and in an AWS account of your own."
                    </li>
                    <li>
                        <strong>"Managed Service for Apache Flink"</strong>
                        " is what AWS names as the successor, with a SQL of its own. It works in an AWS account of your own."
                    </li>
                </ul>
                <p>"Firehose, S3, Lambda and DynamoDB are the same in all three, and as alive on AWS as they are here."</p>
            </section>
        </main>
    }
    .into_any()
}
