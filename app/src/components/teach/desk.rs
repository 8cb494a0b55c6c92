//! The forms of a page about a class, and what the latest of them led to.

use crate::{
    model::{Fields, Notice},
    teach_api::PerformAct,
};
use leptos::prelude::*;

/// Outlives what is shown, so that a form may vanish by what it did and its outcome is still told.
#[derive(Clone, Copy)]
pub struct ClassDesk {
    pub class: StoredValue<String>,
    /// The page, to which a browser without script is led back.
    pub path: StoredValue<String>,
    pub act: ServerAction<PerformAct>,
    pub latest: RwSignal<Option<Notice>>,
}

impl ClassDesk {
    /// `waiting` is the notice that a post without script left; `on_done` is called after a form went well.
    pub fn provide(class: String, path: String, waiting: Option<Notice>, on_done: Callback<()>) -> Self {
        let desk = Self {
            class: StoredValue::new(class),
            path: StoredValue::new(path),
            act: ServerAction::new(),
            latest: RwSignal::new(waiting),
        };
        let about = StoredValue::new(String::new());
        Effect::new(move |_| {
            if let Some(input) = desk.act.input().get() {
                about.set_value(input.about);
                desk.latest.set(None);
            }
        });
        Effect::new(move |_| match desk.act.value().get() {
            Some(Ok(notice)) => {
                desk.latest.set(Some(notice));
                on_done.run(());
            }
            Some(Err(error)) => desk.latest.set(Some(Notice::failure(about.get_value(), &error, Fields::new()))),
            None => (),
        });
        provide_context(desk);
        desk
    }

    /// The outcome of one form.
    pub fn outcome(self, about: String) -> Signal<Option<Notice>> {
        Memo::new(move |_| self.latest.with(|latest| latest.clone().filter(|notice| notice.about == about))).into()
    }
}
