//! What the page does in the learner's account, what it does not, and what the lab costs there.

use leptos::prelude::*;

#[component]
pub fn Promises(by_role: bool, is_flink: bool) -> impl IntoView {
    let (how_word, how) = if by_role {
        (
            "Short sessions.",
            "It takes on your role for 900 seconds at a time, and each time for no more than the lab needs.",
        )
    } else {
        (
            "Your credentials stay put.",
            "It uses them as the AWS CLI on the machine would: they stay there, and in the memory of Headwater.",
        )
    };
    let cost = if is_flink {
        "What you make costs money: about $0.22 an hour while the Flink application runs, and about $0.015 an hour for each of the two data streams while it exists. Requests, functions and storage come to a few cents more in an afternoon."
    } else {
        "What you make costs money: about $0.015 an hour for the stream's one shard while it exists. Requests, functions and storage come to a few cents more in an afternoon."
    };
    view! {
        <div class="promises">
            <h3>"What this page does there"</h3>
            <ul>
                <li><strong>"No keys."</strong> " It never asks for access keys, and keeps none."</li>
                <li>
                    <strong>"Nothing before you confirm."</strong>
                    " Until then it asks AWS whose account it is and which regions are switched on, and no more."
                </li>
                <li>
                    <strong>"Checks only read."</strong>
                    " Two things act, each when you press its button: the demo clicks go into your stream, and the trials that you consent to call your functions with made-up rows."
                </li>
                <li>
                    <strong>"It makes and deletes nothing."</strong>
                    " You do that, with the commands of each step. They tag everything " <code>"headwater=clickstream-lab"</code>
                    "."
                </li>
                <li><strong>{how_word}</strong> " " {how}</li>
                <li>
                    <strong>"The bill is yours."</strong> " " {cost}
                    " The last step deletes everything and shows what is left."
                </li>
            </ul>
        </div>
    }
    .into_any()
}
