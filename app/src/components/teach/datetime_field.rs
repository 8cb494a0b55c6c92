//! A day and a time, in the browser's own time zone; without script in UTC.

use crate::{components::Hydrated, format::machine_time, model::Notice};
use leptos::{html::Input, prelude::*};

#[component]
pub fn DateTimeField(
    form: &'static str,
    name: &'static str,
    label: &'static str,
    /// Unix seconds.
    value: i64,
    #[prop(into)] outcome: Signal<Option<Notice>>,
) -> impl IntoView {
    let id = format!("{form}-{name}");
    let (zone_id, error_id) = (format!("{id}-zone"), format!("{id}-error"));
    let kept = |field: &str| {
        outcome.with_untracked(|notice| notice.as_ref().and_then(|notice| notice.kept.get(field).cloned()))
    };
    // What was typed before a post without script was in UTC, as this is until the page is alive.
    let first = kept(name).unwrap_or_else(|| utc_text(value));
    let input = NodeRef::<Input>::new();
    // Minutes by which the browser's clock is ahead of UTC at the time that is entered.
    let offset = RwSignal::new(0_i32);
    let hydrated = use_context::<Hydrated>().map(|Hydrated(hydrated)| hydrated);
    Effect::new(move |was_alive: Option<bool>| {
        let alive = hydrated.is_some_and(|hydrated| hydrated.get());
        if alive
            && was_alive != Some(true)
            && let Some(input) = input.get_untracked()
        {
            offset.set(to_local(&input));
        }
        alive
    });
    let error = Memo::new(move |_| {
        outcome.with(|notice| {
            notice.as_ref().filter(|notice| notice.field.as_deref() == Some(name)).map(|notice| notice.message.clone())
        })
    });
    let described = format!("{zone_id} {error_id}");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input
                id=id
                name=format!("fields[{name}]")
                type="datetime-local"
                value=first
                required=true
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described
                node_ref=input
                on:input=move |_| {
                    if let Some(input) = input.get_untracked() {
                        offset.set(offset_of(&input));
                    }
                }
            />
            <input type="hidden" name=format!("fields[{name}_offset]") value=move || offset.get().to_string()/>
            <p class="help" id=zone_id>{move || format!("In {}", zone(offset.get()))}</p>
            <p class="field-error" id=error_id hidden=move || error.with(Option::is_none)>{move || error.get()}</p>
        </div>
    }
    .into_any()
}

/// As a `datetime-local` has it, in UTC.
fn utc_text(at: i64) -> String {
    machine_time(at).chars().take(16).collect()
}

/// The time zone by its distance from UTC: `UTC`, `UTC+02:00`.
fn zone(minutes: i32) -> String {
    if minutes == 0 {
        return "UTC".to_owned();
    }
    let sign = if minutes < 0 { '−' } else { '+' };
    format!("UTC{sign}{:02}:{:02}, as this browser has it", minutes.abs() / 60, minutes.abs() % 60)
}

/// Turns the UTC that the server rendered into the browser's time, and answers how far it is ahead of UTC then.
#[cfg(feature = "hydrate")]
fn to_local(input: &web_sys::HtmlInputElement) -> i32 {
    let text = input.value();
    let at = js_sys::Date::new(&format!("{text}Z").into());
    if text.is_empty() || at.get_time().is_nan() {
        return -(js_sys::Date::new_0().get_timezone_offset() as i32);
    }
    input.set_value(&format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}",
        at.get_full_year(),
        at.get_month() + 1,
        at.get_date(),
        at.get_hours(),
        at.get_minutes()
    ));
    -(at.get_timezone_offset() as i32)
}

#[cfg(not(feature = "hydrate"))]
fn to_local<T>(_input: &T) -> i32 {
    0
}

/// How far the browser is ahead of UTC at the time entered.
#[cfg(feature = "hydrate")]
fn offset_of(input: &web_sys::HtmlInputElement) -> i32 {
    let at = js_sys::Date::new(&input.value().into());
    let at = if at.get_time().is_nan() { js_sys::Date::new_0() } else { at };
    -(at.get_timezone_offset() as i32)
}

#[cfg(not(feature = "hydrate"))]
fn offset_of<T>(_input: &T) -> i32 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_told_by_their_distance_from_utc() {
        assert_eq!(zone(0), "UTC");
        assert_eq!(zone(330), "UTC+05:30, as this browser has it");
        assert_eq!(zone(-90), "UTC−01:30, as this browser has it");
    }

    #[test]
    fn a_field_has_no_seconds() {
        assert_eq!(utc_text(1_795_546_830), "2026-11-24T19:00");
    }
}
