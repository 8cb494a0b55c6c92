//! Time that goes on while a page is open.

use leptos::prelude::*;

/// The server's time: its latest word and what has passed since, so that the browser's own clock may be wrong. `None` until
/// the page is alive.
#[cfg(feature = "hydrate")]
pub fn server_time(read_at: Signal<Option<i64>>) -> Signal<Option<i64>> {
    use std::time::Duration;

    fn page_seconds() -> i64 {
        window().performance().map_or(0, |performance| (performance.now() / 1000.0) as i64)
    }

    let now = RwSignal::new(None);
    // The server's time less the page's.
    let ahead = StoredValue::new(None::<i64>);
    Effect::new(move |_| {
        let read_at = read_at.get();
        ahead.set_value(read_at.map(|at| at - page_seconds()));
        now.set(read_at);
    });
    let tick = move || {
        if let Some(Some(ahead)) = ahead.try_get_value() {
            now.try_set(Some(ahead + page_seconds()));
        }
    };
    if let Ok(handle) = set_interval_with_handle(tick, Duration::from_secs(1)) {
        on_cleanup(move || handle.clear());
    }
    now.into()
}

/// The server renders one moment.
#[cfg(not(feature = "hydrate"))]
pub fn server_time(_read_at: Signal<Option<i64>>) -> Signal<Option<i64>> {
    Signal::stored(None)
}

/// The browser's own time in Unix seconds, for what needs no more than a rough count. `None` until the page is alive.
#[cfg(feature = "hydrate")]
pub fn browser_time() -> Signal<Option<i64>> {
    use std::time::Duration;

    fn unix_seconds() -> Option<i64> {
        let performance = window().performance()?;
        Some(((performance.time_origin() + performance.now()) / 1000.0) as i64)
    }

    let now = RwSignal::new(None);
    Effect::new(move |_| now.set(unix_seconds()));
    let tick = move || {
        now.try_set(unix_seconds());
    };
    if let Ok(handle) = set_interval_with_handle(tick, Duration::from_secs(1)) {
        on_cleanup(move || handle.clear());
    }
    now.into()
}

/// The server renders one moment.
#[cfg(not(feature = "hydrate"))]
pub fn browser_time() -> Signal<Option<i64>> {
    Signal::stored(None)
}
