//! The kinds of labs, in words.

use crate::model::LabChoice;
use leptos::prelude::*;

/// One kind of lab, as the radio button of a form.
#[component]
pub fn LabCard(
    choice: LabChoice,
    /// The form's field.
    name: &'static str,
    checked: bool,
) -> impl IntoView {
    let Words { title, sentence, place, cost } = words(choice);
    let id = format!("choice-{}", choice.as_str());
    let described = format!("{id}-text");
    view! {
        <div class="card">
            <input type="radio" id=id.clone() name=name value=choice.as_str() checked=checked aria-describedby=described.clone()/>
            <label for=id>{title}</label>
            <div class="card-text" id=described>
                <p>{sentence}</p>
                <dl>
                    <div>
                        <dt>"Where"</dt>
                        <dd>{place}</dd>
                    </div>
                    <div>
                        <dt>"Cost"</dt>
                        <dd>{cost}</dd>
                    </div>
                </dl>
            </div>
        </div>
    }
    .into_any()
}

/// The short name of a kind of lab.
pub fn lab_title(choice: LabChoice) -> &'static str {
    words(choice).title
}

/// What a learner has to know to choose.
struct Words {
    title: &'static str,
    sentence: &'static str,
    place: &'static str,
    cost: &'static str,
}

fn words(choice: LabChoice) -> Words {
    const SANDBOX: &str = "In Headwater's own sandbox, on this server.";
    const ACCOUNT: &str = "In an AWS account of your own, with the AWS CLI or Terraform.";
    match choice {
        LabChoice::SandboxSql => Words {
            title: "Streaming SQL",
            sentence: "A SQL application reads the delivery stream and counts by window, as AWS had it until January 2026.",
            place: SANDBOX,
            cost: "Free.",
        },
        LabChoice::SandboxWindow => Words {
            title: "A function with a tumbling window",
            sentence: "A Lambda function counts the records of a Kinesis data stream by window, as it works on AWS today.",
            place: SANDBOX,
            cost: "Free.",
        },
        LabChoice::AccountWindow => Words {
            title: "A function with a tumbling window, on AWS",
            sentence: "The same pipeline, made by you in your account; the page looks at it and makes nothing.",
            place: ACCOUNT,
            cost: "About $0.015 an hour for the stream's shard while it exists.",
        },
        LabChoice::AccountFlink => Words {
            title: "Flink SQL, on AWS",
            sentence: "Managed Service for Apache Flink counts by window in SQL: what AWS offers in place of SQL applications.",
            place: ACCOUNT,
            cost: "About $0.22 an hour while the application runs, and $0.03 for the two streams while they exist.",
        },
    }
}
