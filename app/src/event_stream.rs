//! Following a stream of server-sent events for as long as a page is open.

use leptos::prelude::*;
use send_wrapper::SendWrapper;
use std::{cell::RefCell, rc::Rc, time::Duration};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Event, EventSource, MessageEvent};

/// The browser reconnects by itself after a break, but gives up after an error of the server.
const RETRY_AFTER: Duration = Duration::from_secs(3);

struct Stream {
    source: EventSource,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_open: Closure<dyn FnMut(Event)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.set_onmessage(None);
        self.source.set_onopen(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}

/// The open stream; `None` once the page is left.
type Holder = Rc<RefCell<Option<Stream>>>;

/// What is followed: where, and what is done with each message.
struct Followed {
    /// Asked each time the stream is opened anew. After a mere break the browser itself tells where it was.
    address: Box<dyn Fn() -> String>,
    take: Box<dyn Fn(String)>,
    connected: RwSignal<bool>,
}

/// Follows the stream until the current owner is gone, and keeps `connected` true to it.
pub fn follow(address: impl Fn() -> String + 'static, connected: RwSignal<bool>, take: impl Fn(String) + 'static) {
    let followed = Rc::new(Followed { address: Box::new(address), take: Box::new(take), connected });
    let holder: Holder = Rc::new(RefCell::new(None));
    *holder.borrow_mut() = open(&followed, &holder);
    let holder = SendWrapper::new(holder);
    on_cleanup(move || drop(holder.take().borrow_mut().take()));
}

fn open(followed: &Rc<Followed>, holder: &Holder) -> Option<Stream> {
    let source = EventSource::new(&(followed.address)()).ok()?;
    let on_message = {
        let followed = Rc::clone(followed);
        Closure::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                (followed.take)(text);
            }
        })
    };
    let connected = followed.connected;
    let on_open = Closure::new(move |_: Event| {
        connected.try_set(true);
    });
    let on_error = {
        let (source, followed, holder) = (source.clone(), Rc::clone(followed), Rc::downgrade(holder));
        Closure::new(move |_: Event| {
            followed.connected.try_set(false);
            if source.ready_state() != EventSource::CLOSED {
                return;
            }
            let (followed, holder) = (Rc::clone(&followed), holder.clone());
            set_timeout(
                move || {
                    let Some(holder) = holder.upgrade() else { return };
                    if holder.borrow().is_some() {
                        let next = open(&followed, &holder);
                        *holder.borrow_mut() = next;
                    }
                },
                RETRY_AFTER,
            );
        })
    };
    source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
    source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    Some(Stream { source, _on_message: on_message, _on_open: on_open, _on_error: on_error })
}
