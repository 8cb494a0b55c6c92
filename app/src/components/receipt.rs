//! What of the lab is in the account, what it costs, and what has gone from it.

use super::{Icon, code_block, icon};
use crate::{
    format::{clock, counted, day_and_time, dollars, machine_time},
    model::{DeletedView, ReceiptView, ResourceView, UnknownView},
};
use leptos::prelude::*;

/// The receipt of the clean-up; nothing before anything was looked at.
#[component]
pub fn Receipt(
    #[prop(into)] receipt: Signal<Option<ReceiptView>>,
    /// Whether it is an AWS account of the learner's own, where things cost money.
    is_account: bool,
) -> impl IntoView {
    // Each part is made anew only when it changed, so that an opened command stays open from one look to the next.
    let leaving = part(receipt, |receipt| resources(receipt, true));
    let staying = part(receipt, |receipt| resources(receipt, false));
    let unknown = part(receipt, |receipt| receipt.unknown.clone());
    let deleted = part(receipt, |receipt| receipt.deleted.clone());
    let is_clean = Memo::new(move |_| receipt.with(|receipt| receipt.as_ref().is_some_and(|receipt| receipt.is_clean)));
    let cost =
        Memo::new(move |_| receipt.with(|receipt| receipt.as_ref().map_or(0.0, |receipt| receipt.cost_per_hour)));
    let counts_cost = move || cost.get() > 0.0 || leaving.with(|leaving| !leaving.is_empty());
    let read_at = move || receipt.with(|receipt| receipt.as_ref().map(|receipt| receipt.read_at));
    view! {
        <section
            class="receipt"
            id="receipt"
            aria-labelledby="receipt-title"
            hidden=move || receipt.with(Option::is_none)
        >
            <h2 id="receipt-title">"Receipt of the clean-up"</h2>
            <Announcer receipt/>
            {move || {
                if is_clean.get() {
                    view! {
                        <div class="receipt-clean">
                            {icon(Icon::Check)}
                            <div>
                                <p class="receipt-words">"All clean"</p>
                                <p>{clean_words(is_account)}</p>
                            </div>
                        </div>
                    }
                    .into_any()
                } else {
                    let (left, unknown) = (leaving.with(Vec::len) as u64, unknown.with(Vec::len) as u64);
                    view! { <p class="receipt-open">{open_words(left, unknown)}</p> }.into_any()
                }
            }}
            <div class="receipt-part" hidden=move || leaving.with(Vec::is_empty)>
                <h3>"Still there"</h3>
                <Resources resources=leaving is_account/>
            </div>
            {is_account
                .then(|| {
                    view! {
                        <div class="receipt-sum" hidden=move || !counts_cost()>
                            <p class="receipt-total">
                                <span>"All that remains, an hour"</span>
                                <strong>{move || dollars(cost.get())}</strong>
                            </p>
                            <p class="help">{move || total_words(cost.get())}</p>
                        </div>
                    }
                })}
            <div class="receipt-part is-unknown" hidden=move || unknown.with(Vec::is_empty)>
                <h3>"Could not look"</h3>
                <ul class="receipt-list">{move || unknown.get().into_iter().map(unknown_line).collect_view()}</ul>
            </div>
            <div class="receipt-part" hidden=move || deleted.with(Vec::is_empty)>
                <h3>"Gone"</h3>
                <ul class="receipt-list">{move || deleted.get().into_iter().map(gone_line).collect_view()}</ul>
            </div>
            <div class="receipt-part" hidden=move || staying.with(Vec::is_empty)>
                <h3>"May remain"</h3>
                <p class="help">
                    "None of these holds your data or costs anything to speak of. Delete them too if you want nothing left."
                </p>
                <Resources resources=staying is_account/>
            </div>
            <p class="receipt-read">
                {move || {
                    read_at().map(|at| view! { "Looked at " <time datetime=machine_time(at)>{day_and_time(at)}</time> "." })
                }}
                {is_account.then_some(" Costs are estimates by the prices on AWS's lists; your bill has the last word.")}
            </p>
        </section>
    }
    .into_any()
}

fn part<T>(receipt: Signal<Option<ReceiptView>>, read: fn(&ReceiptView) -> Vec<T>) -> Memo<Vec<T>>
where
    T: PartialEq + Send + Sync + 'static,
{
    Memo::new(move |_| receipt.with(|receipt| receipt.as_ref().map(read).unwrap_or_default()))
}

fn resources(receipt: &ReceiptView, must_go: bool) -> Vec<ResourceView> {
    receipt.remaining.iter().filter(|resource| resource.must_go == must_go).cloned().collect()
}

#[component]
fn Resources(resources: Memo<Vec<ResourceView>>, is_account: bool) -> impl IntoView {
    let key = |resource: &ResourceView| {
        let ResourceView { kind, name, region, state, cost_per_hour, .. } = resource;
        (kind.clone(), name.clone(), region.clone(), state.clone(), cost_per_hour.to_bits())
    };
    view! {
        <ul class="receipt-list">
            <For each=move || resources.get() key=key let(resource)>
                <Resource resource is_account/>
            </For>
        </ul>
    }
    .into_any()
}

#[component]
fn Resource(resource: ResourceView, is_account: bool) -> impl IntoView {
    let ResourceView { kind, name, region, found_by, state, cost_per_hour, delete_command, .. } = resource;
    let cost = is_account.then(|| {
        if cost_per_hour > 0.0 {
            view! { <span class="receipt-cost">{dollars(cost_per_hour)} " an hour"</span> }.into_any()
        } else {
            view! { <span class="receipt-cost is-free">"nothing by the hour"</span> }.into_any()
        }
    });
    let command = (!delete_command.is_empty()).then(|| {
        view! {
            <details class="receipt-delete">
                <summary>"Command that deletes it"</summary>
                {code_block(delete_command, "the command")}
            </details>
        }
    });
    let found = if found_by.is_empty() { String::new() } else { format!("found {found_by}") };
    let facts: Vec<String> = [state, region, found].into_iter().filter(|fact| !fact.is_empty()).collect();
    view! {
        <li class="receipt-item">
            <p class="receipt-line">
                <span class="receipt-kind">{kind}</span>
                <code class="receipt-name">{name}</code>
                {cost}
            </p>
            <p class="receipt-facts">{facts.join(" · ")}</p>
            {command}
        </li>
    }
    .into_any()
}

fn unknown_line(UnknownView { what, why }: UnknownView) -> impl IntoView {
    view! {
        <li class="receipt-item">
            <p class="receipt-line">{icon(Icon::Lock)} <span>{what}</span></p>
            <p class="receipt-facts">{format!("Could not look: {why}. This proves nothing.")}</p>
        </li>
    }
}

fn gone_line(DeletedView { kind, name, region, seen_at, gone_at }: DeletedView) -> impl IntoView {
    view! {
        <li class="receipt-item is-gone">
            <p class="receipt-line">
                {icon(Icon::Check)} <span class="receipt-kind">{kind}</span> <code class="receipt-name">{name}</code>
            </p>
            <p class="receipt-facts">
                {region} " · seen last " <time datetime=machine_time(seen_at)>{clock(seen_at)}</time> ", gone at "
                <time datetime=machine_time(gone_at)>{day_and_time(gone_at)}</time>
            </p>
        </li>
    }
}

/// Tells a screen reader when the account has become clean, and how much is left before.
#[component]
fn Announcer(receipt: Signal<Option<ReceiptView>>) -> impl IntoView {
    let news = RwSignal::new(String::new());
    Effect::new(move |before: Option<Option<String>>| {
        let now = receipt.with(|receipt| receipt.as_ref().map(summary));
        if let (Some(before), Some(now)) = (before, &now)
            && before.as_ref() != Some(now)
        {
            news.set(now.clone());
        }
        now
    });
    view! { <p class="visually-hidden" role="status">{move || news.get()}</p> }.into_any()
}

fn summary(receipt: &ReceiptView) -> String {
    if receipt.is_clean {
        return "All clean.".to_owned();
    }
    let left = receipt.remaining.iter().filter(|resource| resource.must_go).count() as u64;
    open_words(left, receipt.unknown.len() as u64)
}

fn clean_words(is_account: bool) -> &'static str {
    if is_account {
        "Nothing of the lab that costs money or holds data is left in your account, and every place could be looked at."
    } else {
        "Nothing of the lab is left in your account in the sandbox."
    }
}

/// What stands between the learner and a clean account.
fn open_words(left: u64, unknown: u64) -> String {
    let places = || counted(unknown, "place could not be looked at", "places could not be looked at");
    match (left, unknown) {
        (0, 0) => "Nothing that has to go was found.".to_owned(),
        (0, _) => format!("Nothing that has to go was found, but {}.", places()),
        (_, 0) => format!("{} to go.", counted(left, "resource has", "resources have")),
        _ => format!("{} to go, and {}.", counted(left, "resource has", "resources have"), places()),
    }
}

fn total_words(cost_per_hour: f64) -> String {
    if cost_per_hour > 0.0 {
        format!("If it stays, that is about {} a day.", dollars(cost_per_hour * 24.0))
    } else {
        "None of it costs by the hour. Stored data is billed by its size and the month.".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_looked_at_is_never_called_clean() {
        assert_eq!(open_words(2, 0), "2\u{a0}resources have to go.");
        assert_eq!(open_words(0, 1), "Nothing that has to go was found, but 1\u{a0}place could not be looked at.");
        assert_eq!(open_words(1, 2), "1\u{a0}resource has to go, and 2\u{a0}places could not be looked at.");
    }
}
