//! The grid: only the rows in sight are in the document, each at its place in the whole height.
//!
//! The focus is in one cell at a time and is moved by the arrow keys, Home, End, Page Up and Page Down; Enter opens the
//! learner. The row that has the focus stays in the document when it scrolls out of sight.

use super::{
    Board,
    row::Row,
    slots::{self, Slot, Standing},
};
use leptos::{html::Div, prelude::*};
use std::collections::HashMap;

/// Rows kept beyond either edge, so that none is missing while one scrolls.
const BEYOND: u32 = 6;

#[component]
pub fn Grid(board: Board, matching: u32) -> impl IntoView {
    let window = Window::new(board.is_scrolled);
    // The row with the focus, by its place, and its column.
    let active = RwSignal::new(None::<(u32, usize)>);
    let slots = Memo::new(move |before: Option<&Vec<Slot>>| {
        let wanted = wanted(board, window, active);
        let mut slots = slots::fill(before.map_or(&[], Vec::as_slice), &wanted);
        // To move rows in the document takes the browser long. Where a row is in it matters to nobody who sees it at its place,
        // and for who hears the board all are in their order when scrolling ends.
        if !window.is_scrolled.get() {
            slots.sort_by_key(|slot| slot.shown.position);
        }
        slots
    });
    let ids = Memo::new(move |_| slots.with(|slots| slots.iter().map(|slot| slot.id).collect::<Vec<_>>()));
    let showing = Showing::new(slots);
    let focus = Focus { active, slots };
    let steps = board.steps.get_value();
    let columns = steps.len() + 3;
    let heads = steps
        .iter()
        .map(|step| {
            view! {
                <div role="columnheader" class="board-cell">
                    <span class="head-number" aria-hidden="true">{step.number}</span>
                    {step.title.clone()}
                </div>
            }
        })
        .collect_view();
    let frame = NodeRef::<Div>::new();
    let body = NodeRef::<Div>::new();
    Effect::new(move |_| {
        if board.is_whole.get() {
            window.set_height(frame, body, board.order.with(Vec::len) as u32);
        }
    });
    // The browser drops the focus of what is moved in the document.
    Effect::new(move |before: Option<()>| {
        slots.track();
        if before.is_some() && board.focused.get_untracked() {
            focus.put();
        }
    });
    Effect::new(move |_| keys::watch(board, frame));
    let is_empty = move || board.matching(matching) == 0;
    view! {
        <div
            class="board-frame"
            role="grid"
            aria-label="Learners and their steps"
            aria-rowcount=move || (board.matching(matching) + 1).to_string()
            aria-colcount=columns.to_string()
            aria-readonly="true"
            tabindex=move || if board.focused.get() { "-1" } else { "0" }
            hidden=is_empty
            class:is-whole=move || board.is_whole.get()
            node_ref=frame
            on:scroll=move |_| window.scrolled(frame)
            on:keydown=move |event| keys::pressed(&event, board, window, focus, frame, columns)
            on:focusin=move |event| keys::entered(&event, board, focus)
            on:focusout=move |event| keys::left(&event, board, focus, frame)
        >
            <div role="rowgroup" class="board-head">
                <div role="row" class="board-row" aria-rowindex="1">
                    <div role="columnheader" class="board-name">"Learner"</div>
                    {heads}
                    <div role="columnheader" class="board-points">"Points"</div>
                    <div role="columnheader" class="board-last">"Last seen"</div>
                </div>
            </div>
            <div
                role="rowgroup"
                class="board-body"
                node_ref=body
                on:pointerenter=move |_| board.pointed_at.set(true)
                on:pointerleave=move |_| board.pointed_at.set(false)
            >
                <For each=move || ids.get() key=|id| *id let(id)>
                    {showing.of(id).map(|shown| view! { <Row board id shown/> })}
                </For>
            </div>
        </div>
    }
    .into_any()
}

/// Which rows are to be in the document: those in sight and a few beyond, and the one with the focus.
fn wanted(board: Board, window: Window, active: RwSignal<Option<(u32, usize)>>) -> Vec<Standing> {
    let standing = |(position, place)| Standing { position, place };
    let (whole, active) = (board.is_whole.get(), active.get());
    board.order.with(|order| {
        if !whole {
            return (0..).zip(order.iter().copied()).map(standing).collect();
        }
        let count = window.count.get() + 2 * BEYOND;
        // As many at either end as elsewhere.
        let first = window.first.get().saturating_sub(BEYOND).min((order.len() as u32).saturating_sub(count));
        let mut wanted: Vec<Standing> =
            (first..).zip(order.iter().copied().skip(first as usize).take(count as usize)).map(standing).collect();
        if let Some((place, _)) = active
            && wanted.iter().all(|shown| shown.place != place)
            && let Some(position) = order.iter().position(|known| *known == place)
        {
            wanted.push(Standing { position: position as u32, place });
        }
        wanted
    })
}

/// What the row of each slot shows. Most show the same from frame to frame, so that each follows a signal of its own and not
/// the list of all.
#[derive(Clone, Copy)]
struct Showing {
    slots: Memo<Vec<Slot>>,
    signals: StoredValue<HashMap<u32, RwSignal<Standing>>>,
}

impl Showing {
    fn new(slots: Memo<Vec<Slot>>) -> Self {
        let showing = Self { slots, signals: StoredValue::default() };
        Effect::new(move |_| showing.tell());
        showing
    }

    /// What the row of a slot shows, for as long as its owner lives.
    fn of(self, id: u32) -> Option<RwSignal<Standing>> {
        let slot = self.slots.with_untracked(|slots| slots.iter().find(|slot| slot.id == id).copied())?;
        let shown = RwSignal::new(slot.shown);
        self.signals.update_value(|signals| _ = signals.insert(id, shown));
        on_cleanup(move || _ = self.signals.try_update_value(|signals| signals.remove(&id)));
        Some(shown)
    }

    /// Tells the rows whose slots show something else.
    fn tell(self) {
        self.slots.with(|slots| {
            for slot in slots {
                let shown = self.signals.with_value(|signals| signals.get(&slot.id).copied());
                if let Some(shown) = shown.filter(|shown| shown.get_untracked() != slot.shown) {
                    shown.set(slot.shown);
                }
            }
        });
    }
}

/// The cell that has the focus, and the slots that tell where in the document it is.
#[derive(Clone, Copy)]
struct Focus {
    /// The row's place and the column.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only the browser has a focus"))]
    active: RwSignal<Option<(u32, usize)>>,
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only the browser has a focus"))]
    slots: Memo<Vec<Slot>>,
}

/// Which rows are in sight.
#[derive(Clone, Copy)]
pub struct Window {
    first: RwSignal<u32>,
    count: RwSignal<u32>,
    /// The board's: somebody scrolls just now.
    is_scrolled: RwSignal<bool>,
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only the browser scrolls"))]
    end_of_scrolling: StoredValue<Option<TimeoutHandle>>,
    /// In pixels; every row has it.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only the browser measures"))]
    row_height: StoredValue<f64>,
}

impl Window {
    fn new(is_scrolled: RwSignal<bool>) -> Self {
        Self {
            first: RwSignal::new(0),
            count: RwSignal::new(30),
            is_scrolled,
            end_of_scrolling: StoredValue::new(None),
            row_height: StoredValue::new(ROW_HEIGHT),
        }
    }
}

/// Until it is measured.
const ROW_HEIGHT: f64 = 52.0;
/// Scrolling has ended when nothing has moved for this long.
#[cfg(feature = "hydrate")]
const STILL: std::time::Duration = std::time::Duration::from_millis(200);

#[cfg(feature = "hydrate")]
impl Window {
    /// The body is as high as all rows, those that are not in the document too. The style sheet knows how high one is.
    fn set_height(self, frame: NodeRef<Div>, body: NodeRef<Div>, rows: u32) {
        let Some(body) = body.get_untracked() else { return };
        let _ = web_sys::HtmlElement::style(&body).set_property("--rows", &rows.to_string());
        let height = f64::from(body.client_height()) / f64::from(rows.max(1));
        if height > 0.0 {
            self.row_height.set_value(height);
        }
        self.scrolled(frame);
    }

    fn scrolled(self, frame: NodeRef<Div>) {
        let Some(frame) = frame.get_untracked() else { return };
        let first = (f64::from(frame.scroll_top()) / self.row_height.get_value()) as u32;
        let count = (f64::from(frame.client_height()) / self.row_height.get_value()).ceil() as u32;
        if self.first.get_untracked() != first {
            if !self.is_scrolled.get_untracked() {
                self.is_scrolled.set(true);
            }
            self.end_of_scrolling.update_value(|end| {
                if let Some(end) = end.take() {
                    end.clear();
                }
                let still = move || {
                    self.is_scrolled.try_set(false);
                };
                *end = set_timeout_with_handle(still, STILL).ok();
            });
            self.first.set(first);
        }
        if self.count.get_untracked() != count {
            self.count.set(count);
        }
    }

    /// Scrolls as little as it takes to show a row whole.
    fn show(self, frame: NodeRef<Div>, position: u32) {
        let Some(frame) = frame.get_untracked() else { return };
        let height = self.row_height.get_value();
        let head =
            frame.query_selector(".board-head").ok().flatten().map_or(0.0, |head| f64::from(head.client_height()));
        let top = f64::from(position) * height;
        let (from, room) = (f64::from(frame.scroll_top()), f64::from(frame.client_height()) - head);
        if top < from {
            frame.set_scroll_top(top as i32);
        } else if top + height > from + room {
            frame.set_scroll_top((top + height - room).ceil() as i32);
        }
    }

    fn rows_in_sight(self) -> u32 {
        self.count.get_untracked().saturating_sub(2).max(1)
    }
}

#[cfg(not(feature = "hydrate"))]
impl Window {
    fn set_height(self, _frame: NodeRef<Div>, _body: NodeRef<Div>, _rows: u32) {}
    fn scrolled(self, _frame: NodeRef<Div>) {}
}

/// Puts a row at its place. Its height stands in the style sheet.
#[cfg(feature = "hydrate")]
pub fn move_to(row: NodeRef<Div>, position: u32) {
    if let Some(row) = row.get() {
        let style = web_sys::HtmlElement::style(&row);
        let _ = style.set_property("inset-block-start", &format!("calc({position} * var(--row))"));
    }
}

#[cfg(not(feature = "hydrate"))]
pub fn move_to(_row: NodeRef<Div>, _position: u32) {}

#[cfg(feature = "hydrate")]
impl Focus {
    /// Gives the active cell the focus, at once if the document has it, so that no key is lost.
    fn put(self) {
        match self.cell() {
            Some(cell) => take_focus(&cell),
            None => self.put_soon(),
        }
    }

    /// Gives the active cell the focus once the document has it. If its learner has gone, whoever the focus is at now is active.
    fn put_soon(self) {
        request_animation_frame(move || match self.cell() {
            Some(cell) => take_focus(&cell),
            None => {
                let focused = document().active_element().and_then(|element| self.at(&element));
                self.active.try_set(focused);
            }
        });
    }

    /// The active cell in the document.
    fn cell(self) -> Option<web_sys::HtmlElement> {
        let (place, column) = self.active.try_get_untracked()??;
        self.cell_of(place, column)
    }

    fn cell_of(self, place: u32, column: usize) -> Option<web_sys::HtmlElement> {
        use wasm_bindgen::JsCast;

        let slot =
            self.slots.try_with_untracked(|slots| slots.iter().find(|slot| slot.shown.place == place).copied())??;
        document().get_element_by_id(&super::row::cell_id(slot.id, column))?.dyn_into().ok()
    }

    /// The place and the column of the cell that an element is in.
    fn at(self, element: &web_sys::Element) -> Option<(u32, usize)> {
        let cell = element.closest("[id^=cell-]").ok().flatten()?;
        let (slot, column) = super::row::parse_cell_id(&cell.id())?;
        let place = self
            .slots
            .try_with_untracked(|slots| slots.iter().find(|known| known.id == slot).map(|known| known.shown.place))??;
        Some((place, column))
    }
}

#[cfg(feature = "hydrate")]
fn take_focus(cell: &web_sys::HtmlElement) {
    let options = web_sys::FocusOptions::new();
    options.set_prevent_scroll(true);
    let _ = cell.focus_with_options(&options);
}

#[cfg(not(feature = "hydrate"))]
impl Focus {
    fn put(self) {}
}

#[cfg(feature = "hydrate")]
mod keys {
    use super::{Focus, Window};
    use crate::components::teach::board::Board;
    use leptos::{ev, html::Div, prelude::*};
    use wasm_bindgen::JsCast;
    use web_sys::{Element, EventTarget, HtmlElement, Node};

    pub(super) fn pressed(
        event: &ev::KeyboardEvent,
        board: Board,
        window: Window,
        focus: Focus,
        frame: NodeRef<Div>,
        columns: usize,
    ) {
        if event.alt_key() || event.meta_key() {
            return;
        }
        let order = board.order.get_untracked();
        let Some(last) = (order.len() as u32).checked_sub(1) else { return };
        let now = focus.active.get_untracked();
        let position =
            now.and_then(|(place, _)| order.iter().position(|known| *known == place)).unwrap_or_default() as u32;
        let column = now.map_or(0, |(_, column)| column);
        let page = window.rows_in_sight();
        let (position, column) = match (event.key().as_str(), event.ctrl_key()) {
            ("ArrowDown", false) => ((position + 1).min(last), column),
            ("ArrowUp", false) => (position.saturating_sub(1), column),
            ("ArrowRight", false) => (position, (column + 1).min(columns - 1)),
            ("ArrowLeft", false) => (position, column.saturating_sub(1)),
            ("PageDown", false) => ((position + page).min(last), column),
            ("PageUp", false) => (position.saturating_sub(page), column),
            ("Home", false) => (position, 0),
            ("End", false) => (position, columns - 1),
            ("Home", true) => (0, 0),
            ("End", true) => (last, columns - 1),
            ("Enter", false) => {
                let name = now.and_then(|(place, _)| focus.cell_of(place, 0));
                let link = name.and_then(|name| name.query_selector("a").ok().flatten());
                if let Some(link) = link.and_then(|link| link.dyn_into::<HtmlElement>().ok()) {
                    event.prevent_default();
                    link.click();
                }
                return;
            }
            _ => return,
        };
        event.prevent_default();
        let Some(place) = order.get(position as usize).copied() else { return };
        focus.active.set(Some((place, column)));
        window.show(frame, position);
        focus.put_soon();
    }

    /// The focus came in: onto the frame by the tab key, or into a cell by the pointer.
    pub(super) fn entered(event: &ev::FocusEvent, board: Board, focus: Focus) {
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        match focus.at(&target) {
            Some(cell) => {
                board.focused.set(true);
                if focus.active.get_untracked() != Some(cell) {
                    focus.active.set(Some(cell));
                }
            }
            None => {
                let first = board.order.with_untracked(|order| order.first().copied());
                let known = focus
                    .active
                    .get_untracked()
                    .filter(|(place, _)| board.order.with_untracked(|order| order.contains(place)));
                let cell = known.or(first.map(|place| (place, 0)));
                focus.active.set(cell);
                board.focused.set(cell.is_some());
                focus.put_soon();
            }
        }
    }

    /// The focus went. When it went nowhere, the browser dropped it since the cell was moved or made anew: it gets it back.
    pub(super) fn left(event: &ev::FocusEvent, board: Board, focus: Focus, frame: NodeRef<Div>) {
        match event.related_target() {
            Some(to) => {
                if !is_within(frame, Some(to)) {
                    board.focused.set(false);
                }
            }
            None => request_animation_frame(move || {
                let lost = document().active_element().is_none_or(|element| element.tag_name() == "BODY");
                if lost && board.focused.try_get_untracked() == Some(true) {
                    focus.put_soon();
                }
            }),
        }
    }

    /// A press outside takes the focus away for good.
    pub(super) fn watch(board: Board, frame: NodeRef<Div>) {
        let handle = window_event_listener(ev::pointerdown, move |event| {
            if !is_within(frame, event.target()) {
                board.focused.try_set(false);
            }
        });
        on_cleanup(move || handle.remove());
    }

    fn is_within(frame: NodeRef<Div>, target: Option<EventTarget>) -> bool {
        let target = target.and_then(|target| target.dyn_into::<Node>().ok());
        frame.get_untracked().is_some_and(|frame| frame.contains(target.as_ref()))
    }
}

#[cfg(not(feature = "hydrate"))]
mod keys {
    use super::{Focus, Window};
    use crate::components::teach::Board;
    use leptos::{html::Div, prelude::*};

    pub(super) fn pressed<E>(
        _event: &E,
        _board: Board,
        _window: Window,
        _focus: Focus,
        _frame: NodeRef<Div>,
        _columns: usize,
    ) {
    }

    pub(super) fn entered<E>(_event: &E, _board: Board, _focus: Focus) {}

    pub(super) fn left<E>(_event: &E, _board: Board, _focus: Focus, _frame: NodeRef<Div>) {}

    pub(super) fn watch(_board: Board, _frame: NodeRef<Div>) {}
}
