//! Where the class's log ends, and how an export is proved with it.

use crate::{components::copy_button, model::teach::LogHeadView};
use leptos::prelude::*;

#[component]
pub fn LogHead(head: LogHeadView) -> impl IntoView {
    let seq = head.seq;
    let text = head.into_text();
    let command = format!("headwater audit results.json --head {text}");
    view! {
        <section class="log-head" aria-labelledby="log-head-title">
            <h2 id="log-head-title">"The log behind the results"</h2>
            <p>
                "Everything that happened stands in a log that is only added to, and each entry holds the hash of the one before. Keep this line: with it anyone can verify later that an export is what was true now, and that nothing in it was changed."
            </p>
            <div class="code-frame">
                <pre class="code-block" id="log-head" tabindex="0"><code>{text.clone()}</code></pre>
                {copy_button(text, "the end of the log")}
            </div>
            <p class="help">{format!("Entry {seq} and its hash. To verify an export:")}</p>
            <div class="code-frame">
                <pre class="code-block" tabindex="0"><code>{command.clone()}</code></pre>
                {copy_button(command, "the command")}
            </div>
        </section>
    }
    .into_any()
}
