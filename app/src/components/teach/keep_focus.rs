//! Where the focus goes when what had it vanishes.

use leptos::{ev, html::H2, prelude::*};

/// A list whose entries vanish by what is done with them.
#[derive(Clone, Copy)]
pub struct KeepFocus {
    /// Takes the focus of what vanished, so that the keyboard goes on from there; it needs `tabindex="-1"`.
    pub heading: NodeRef<H2>,
    /// The focus came into the list and has not gone elsewhere since.
    within: StoredValue<bool>,
}

impl KeepFocus {
    /// Looks after each change of the list.
    pub fn new(track: impl Fn() + 'static) -> Self {
        let keep = Self { heading: NodeRef::new(), within: StoredValue::new(false) };
        Effect::new(move |before: Option<()>| {
            track();
            if before.is_some() && keep.within.get_value() {
                keep.look();
            }
        });
        keep
    }

    pub fn entered(self) {
        self.within.set_value(true);
    }

    /// The focus went; what vanishes tells no place where it went to.
    #[cfg(feature = "hydrate")]
    pub fn left(self, event: &ev::FocusEvent) {
        if event.related_target().is_some() {
            self.within.set_value(false);
        }
    }

    #[cfg(not(feature = "hydrate"))]
    pub fn left(self, _event: &ev::FocusEvent) {}

    #[cfg(feature = "hydrate")]
    fn look(self) {
        request_animation_frame(move || {
            let lost = document().active_element().is_none_or(|element| element.tag_name() == "BODY");
            if lost && let Some(Some(heading)) = self.heading.try_get_untracked() {
                let options = web_sys::FocusOptions::new();
                options.set_prevent_scroll(true);
                let _ = heading.focus_with_options(&options);
            }
        });
    }

    #[cfg(not(feature = "hydrate"))]
    fn look(self) {}
}
