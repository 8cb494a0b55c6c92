//! Rows through a program. Pure: no clock, no I/O; what comes out depends on the rows and their times only, so that a replay
//! after a restart comes to the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::error::EvaluationError;
use super::expression::{Scope, floor_to};
use super::plan::{Program, Pump, PumpKind, StreamId};
use super::types::{Row, Value};
use super::windows::{Accumulator, DistinctItems, ENTRY_BYTES, Window, top_items};

/// The widest row, in bytes.
const MAX_ROW_BYTES: usize = 128 * 1024;
/// The most characters of a failing row that the error stream shows, in hexadecimal digits.
const MAX_ERROR_ROW: usize = 49_152;

/// How much an engine holds at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Groups and items of all open windows together.
    pub groups: usize,
    /// Bytes of the groups' keys and aggregates, of distinct values and of items in all open windows together.
    pub state_bytes: usize,
    /// Bytes that the rows made at one moment may take together; what is beyond is lost, with a word in the error stream.
    pub flow_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { groups: 250_000, state_bytes: 128 * 1024 * 1024, flow_bytes: 256 * 1024 * 1024 }
    }
}

/// A program with its open windows.
#[derive(Debug)]
pub struct Engine {
    program: Arc<Program>,
    /// Open windows of each pump by their start.
    windows: Vec<BTreeMap<i64, OpenWindow>>,
    /// Windows that start before this were not replayed whole and are left alone, for each stream.
    complete_from: Vec<i64>,
    /// Rows on their way, for each stream.
    buffers: Vec<Vec<Row>>,
    /// Whether rows of the stream are kept for [`Engine::take_rows`].
    kept: Vec<bool>,
    emitted: Vec<Vec<Row>>,
    /// The time up to which windows were closed.
    time: i64,
    groups: usize,
    state_bytes: usize,
    flow_bytes: usize,
    /// Whether the error stream was told that rows of this moment are lost.
    loss_told: bool,
    errors: u64,
    pub(super) bounds: Bounds,
    keys: Vec<Value>,
    arguments: Vec<Option<Value>>,
}

#[derive(Debug)]
struct OpenWindow {
    content: Window,
    /// Bytes of what it holds.
    bytes: usize,
}

/// A record of the input that is not a row of the source stream.
#[derive(Clone, Debug, PartialEq)]
pub struct RejectedInput {
    pub arrival: i64,
    pub error: EvaluationError,
    /// The row as it was read.
    pub raw: Vec<u8>,
}

impl Engine {
    /// An engine with no open window. When the rows from `complete_from` on (milliseconds since the epoch) are replayed
    /// after a restart, windows that began before are left alone: they were delivered whole. `None` starts afresh.
    pub fn new(program: Arc<Program>, complete_from: Option<i64>) -> Self {
        let streams = program.streams.len();
        let mut from = vec![i64::MIN; streams];
        if let Some(start) = complete_from {
            for (stream, from) in program.streams.iter().zip(&mut from) {
                if stream.is_source {
                    *from = start;
                }
            }
            for &stream in &program.order {
                for &reader in &program.streams[stream].readers {
                    let pump = &program.pumps[reader];
                    let complete = from[stream].saturating_add(pump.kind.window().unwrap_or(0));
                    from[pump.target] = from[pump.target].max(complete);
                    if pump.reports_errors {
                        from[program.error_stream] = from[program.error_stream].max(complete);
                    }
                }
            }
        }
        Self {
            windows: program.pumps.iter().map(|_| BTreeMap::new()).collect(),
            complete_from: from,
            buffers: vec![Vec::new(); streams],
            kept: vec![false; streams],
            emitted: vec![Vec::new(); streams],
            time: i64::MIN,
            groups: 0,
            state_bytes: 0,
            flow_bytes: 0,
            loss_told: false,
            errors: 0,
            bounds: Bounds::default(),
            keys: Vec::new(),
            arguments: Vec::new(),
            program,
        }
    }

    /// The program that runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Keeps the rows of a stream from now on, for [`Engine::take_rows`].
    pub fn keep(&mut self, stream: StreamId) {
        self.kept[stream] = true;
    }

    /// Takes the rows that came out on a kept stream, in order.
    pub fn take_rows(&mut self, stream: StreamId) -> Vec<Row> {
        std::mem::take(&mut self.emitted[stream])
    }

    /// Lets rows with the same ROWTIME into a source stream, after closing the windows that end by then. ROWTIME must not go
    /// back. `rows` is left empty.
    pub fn push(&mut self, stream: StreamId, rowtime: i64, rows: &mut Vec<Row>) {
        self.advance(rowtime);
        self.buffers[stream].append(rows);
        self.flow(None);
    }

    /// Tells of input that is no row, in the error stream.
    pub fn reject(&mut self, rowtime: i64, rejected: &RejectedInput) {
        self.advance(rowtime);
        self.report(rowtime, rejected.arrival, &rejected.error, hex_prefix(&rejected.raw), "");
        self.flow(None);
    }

    /// Tells of a record that the preprocessor gave up (`ProcessingFailed`), in the error stream.
    pub fn reject_record(&mut self, rowtime: i64, arrival: i64, raw: &[u8]) {
        self.reject(rowtime, &RejectedInput { arrival, error: EvaluationError::ProcessingFailed, raw: raw.to_vec() });
    }

    /// Closes the windows that end at `time` (milliseconds since the epoch) or before.
    pub fn advance(&mut self, time: i64) {
        if time > self.time {
            self.time = time;
            if self.next_close().is_some_and(|end| end <= time) {
                self.flow(Some(time));
            }
        }
    }

    /// When the next open window ends.
    pub fn next_close(&self) -> Option<i64> {
        let ends = self.program.pumps.iter().zip(&self.windows).filter_map(|(pump, windows)| {
            let start = windows.first_key_value()?.0;
            pump.kind.window().map(|size| start + size)
        });
        ends.min()
    }

    /// The earliest source ROWTIME that open windows, and those that rows from `next_rowtime` on will open, depend on.
    pub fn needed_from(&self, next_rowtime: i64) -> i64 {
        let starts = self.program.pumps.iter().zip(&self.windows).filter_map(|(pump, windows)| {
            let size = pump.kind.window()?;
            let next = floor_to(next_rowtime, size);
            let start = windows.first_key_value().map_or(next, |(start, _)| next.min(*start));
            Some(start.saturating_sub(self.program.streams[pump.source].lookback))
        });
        starts.min().unwrap_or(next_rowtime).min(next_rowtime)
    }

    /// How many rows went to the error stream, or would have.
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// Moves all waiting rows through the streams, upstream first, and closes windows on the way.
    fn flow(&mut self, close: Option<i64>) {
        let program = Arc::clone(&self.program);
        self.flow_bytes = 0;
        self.loss_told = false;
        for &stream in &program.order {
            let rows = std::mem::take(&mut self.buffers[stream]);
            for &reader in &program.streams[stream].readers {
                let pump = &program.pumps[reader];
                for row in &rows {
                    if let Err(error) = self.process(reader, pump, row) {
                        self.fail(pump, row, &error);
                    }
                }
                if let (Some(time), Some(size)) = (close, pump.kind.window()) {
                    self.close_windows(reader, pump, size, time);
                }
            }
            if self.kept[stream] {
                if self.emitted[stream].is_empty() {
                    self.emitted[stream] = rows;
                } else {
                    self.emitted[stream].extend(rows);
                }
            } else if self.buffers[stream].is_empty() {
                // the allocation serves the next rows
                let mut rows = rows;
                rows.clear();
                self.buffers[stream] = rows;
            }
        }
    }

    fn process(&mut self, reader: usize, pump: &Pump, row: &Row) -> Result<(), EvaluationError> {
        let scope =
            Scope { values: &row.values, rowtime: row.rowtime, arrival: row.arrival, keys: &[], aggregates: &[] };
        if let Some(filter) = &pump.filter
            && !filter.holds(&scope)?
        {
            return Ok(());
        }
        let Some(size) = pump.kind.window() else {
            let projected = project(pump, &scope)?;
            self.send(pump, projected);
            return Ok(());
        };
        let start = floor_to(row.rowtime, size);
        if start < self.complete_from[pump.source] {
            return Ok(());
        }
        let full = self.fullness();
        let window = self.windows[reader].entry(start).or_insert_with(|| {
            let content = match &pump.kind {
                PumpKind::Distinct { .. } => Window::Distinct(DistinctItems::new()),
                PumpKind::Top { .. } => Window::Items(IndexMap::new()),
                PumpKind::Group { .. } | PumpKind::Map => Window::Groups(IndexMap::new()),
            };
            OpenWindow { content, bytes: 0 }
        });
        let mut grown = 0_isize;
        let mut outcome = Ok(());
        match (&mut window.content, &pump.kind) {
            (Window::Groups(groups), PumpKind::Group { keys, aggregates, .. }) => {
                self.keys.clear();
                for key in keys {
                    self.keys.push(key.evaluate(&scope)?);
                }
                self.arguments.clear();
                for call in aggregates {
                    let argument = match &call.argument {
                        Some(argument) => Some(argument.evaluate(&scope)?),
                        None => None,
                    };
                    self.arguments.push(argument);
                }
                let accumulators = match groups.get_mut(self.keys.as_slice()) {
                    Some(accumulators) => accumulators,
                    // a window without keys has one group, which is always let in
                    None if full.is_some() && !keys.is_empty() => return full.map_or(Ok(()), Err),
                    None => {
                        self.groups += 1;
                        let key_bytes: usize = self.keys.iter().map(Value::size).sum();
                        grown += (ENTRY_BYTES + key_bytes + aggregates.len() * size_of::<Accumulator>()) as isize;
                        let accumulators = aggregates.iter().map(Accumulator::new).collect();
                        groups.entry(self.keys.as_slice().into()).or_insert(accumulators)
                    }
                };
                let mut pairs = accumulators.iter().zip(&self.arguments);
                if let Some(error) = full
                    && pairs.any(|(accumulator, argument)| accumulator.would_grow(argument.as_ref()))
                {
                    return Err(error);
                }
                for (accumulator, argument) in accumulators.iter_mut().zip(self.arguments.drain(..)) {
                    match accumulator.add(argument) {
                        Ok(bytes) => grown += bytes,
                        Err(error) => outcome = Err(error),
                    }
                }
            }
            (Window::Distinct(items), PumpKind::Distinct { column, .. }) => {
                let item = &row.values[*column];
                if !matches!(item, Value::Null) {
                    if let Some(error) = full
                        && items.would_grow(item)
                    {
                        return Err(error);
                    }
                    grown = items.add(item);
                }
            }
            (Window::Items(items), PumpKind::Top { column, .. }) => {
                let item = &row.values[*column];
                if matches!(item, Value::Null) {
                    return Ok(());
                }
                match (items.get_mut(item), full) {
                    (Some(count), _) => *count += 1,
                    (None, Some(error)) => return Err(error),
                    (None, None) => {
                        self.groups += 1;
                        grown = (ENTRY_BYTES + item.size()) as isize;
                        items.insert(item.clone(), 1);
                    }
                }
            }
            _ => {}
        }
        window.bytes = window.bytes.saturating_add_signed(grown);
        self.state_bytes = self.state_bytes.saturating_add_signed(grown);
        outcome
    }

    /// Why nothing may be held in addition, if so.
    fn fullness(&self) -> Option<EvaluationError> {
        let Bounds { groups, state_bytes, .. } = self.bounds;
        if self.groups >= groups {
            Some(EvaluationError::TooManyGroups { limit: groups, what: "groups" })
        } else if self.state_bytes >= state_bytes {
            Some(EvaluationError::TooManyGroups { limit: state_bytes, what: "bytes" })
        } else {
            None
        }
    }

    fn close_windows(&mut self, reader: usize, pump: &Pump, size: i64, time: i64) {
        while let Some(entry) = self.windows[reader].first_entry() {
            let end = entry.key() + size;
            if end > time {
                return;
            }
            let OpenWindow { content, bytes } = entry.remove();
            self.groups -= content.len();
            self.state_bytes -= bytes;
            match (content, &pump.kind) {
                (Window::Groups(groups), _) => {
                    for (keys, accumulators) in groups {
                        let aggregates: Result<Vec<Value>, _> = accumulators.iter().map(Accumulator::finish).collect();
                        match aggregates {
                            Ok(aggregates) => self.close_group(pump, end, &[], &keys, &aggregates),
                            Err(error) => self.fail_group(pump, end, &error, &keys),
                        }
                    }
                }
                (Window::Distinct(mut items), _) => {
                    self.close_group(pump, end, &[Value::Integer(items.count())], &[], &[]);
                }
                (Window::Items(items), PumpKind::Top { k, .. }) => {
                    for (item, count) in top_items(items, *k) {
                        self.close_group(pump, end, &[item, Value::Integer(count)], &[], &[]);
                    }
                }
                (Window::Items(_), _) => {}
            }
        }
    }

    fn close_group(&mut self, pump: &Pump, end: i64, values: &[Value], keys: &[Value], aggregates: &[Value]) {
        let scope = Scope { values, rowtime: end, arrival: end, keys, aggregates };
        let passes = pump.having.as_ref().map_or(Ok(true), |having| having.holds(&scope));
        let projected = passes.and_then(|passes| if passes { project(pump, &scope).map(Some) } else { Ok(None) });
        match projected {
            Ok(Some(row)) => self.send(pump, row),
            Ok(None) => {}
            Err(error) => self.fail_group(pump, end, &error, if keys.is_empty() { values } else { keys }),
        }
    }

    fn send(&mut self, pump: &Pump, row: Row) {
        let size: usize = row.values.iter().map(Value::size).sum();
        let is_too_wide = size > MAX_ROW_BYTES;
        if !is_too_wide && self.admits(size) {
            self.buffers[pump.target].push(row);
        } else if is_too_wide && pump.reports_errors {
            let error = EvaluationError::TooWide { limit: MAX_ROW_BYTES };
            self.report(row.rowtime, row.arrival, &error, String::new(), &pump.name);
        } else {
            self.errors += 1;
            if pump.reports_errors {
                self.tell_loss(row.rowtime, row.arrival, &pump.name);
            }
        }
    }

    /// Takes the bytes of a row into account, if there is room for it at this moment.
    fn admits(&mut self, bytes: usize) -> bool {
        let admits = self.flow_bytes + bytes <= self.bounds.flow_bytes;
        if admits {
            self.flow_bytes += bytes;
        }
        admits
    }

    /// Says once for a moment that rows of it are lost.
    fn tell_loss(&mut self, rowtime: i64, arrival: i64, pump: &str) {
        if !std::mem::replace(&mut self.loss_told, true) {
            let error = EvaluationError::TooMuchAtOnce { limit: self.bounds.flow_bytes };
            self.add_error(rowtime, arrival, &error, String::new(), pump);
        }
    }

    fn fail(&mut self, pump: &Pump, row: &Row, error: &EvaluationError) {
        if pump.reports_errors {
            self.report(row.rowtime, row.arrival, error, hex_row(&row.values), &pump.name);
        } else {
            self.errors += 1;
        }
    }

    fn fail_group(&mut self, pump: &Pump, end: i64, error: &EvaluationError, values: &[Value]) {
        if pump.reports_errors {
            self.report(end, end, error, hex_row(values), &pump.name);
        } else {
            self.errors += 1;
        }
    }

    /// A row of the error stream. Its `ERROR_TIME` is the ROWTIME of the failing row, so that a replay says the same.
    fn report(&mut self, rowtime: i64, arrival: i64, error: &EvaluationError, data: String, pump: &str) {
        self.errors += 1;
        if self.errors_are_read() && self.admits(1_024 + data.len()) {
            self.add_error(rowtime, arrival, error, data, pump);
        } else {
            self.tell_loss(rowtime, arrival, pump);
        }
    }

    fn add_error(&mut self, rowtime: i64, arrival: i64, error: &EvaluationError, data: String, pump: &str) {
        if !self.errors_are_read() {
            return;
        }
        let values = [
            Value::Timestamp(rowtime),
            Value::text("ERROR"),
            Value::text(error.name()),
            Value::text(&error.to_string()),
            Value::Timestamp(rowtime),
            Value::Text(data.into()),
            Value::text(pump),
        ];
        let stream = self.program.error_stream;
        self.buffers[stream].push(Row { rowtime, arrival, values: Box::new(values) });
    }

    fn errors_are_read(&self) -> bool {
        let stream = self.program.error_stream;
        self.kept[stream] || !self.program.streams[stream].readers.is_empty()
    }
}

fn project(pump: &Pump, scope: &Scope<'_>) -> Result<Row, EvaluationError> {
    let mut values = Vec::with_capacity(pump.projection.len());
    for column in &pump.projection {
        values.push(match column {
            Some((expression, sql_type)) => expression.evaluate(scope)?.assign(*sql_type)?,
            None => Value::Null,
        });
    }
    Ok(Row { rowtime: scope.rowtime, arrival: scope.arrival, values: values.into_boxed_slice() })
}

fn hex_row(values: &[Value]) -> String {
    let mut text = String::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&value.to_string());
        if text.len() > MAX_ERROR_ROW / 2 {
            break;
        }
    }
    hex_prefix(text.as_bytes())
}

fn hex_prefix(raw: &[u8]) -> String {
    hex::encode_upper(&raw[..raw.len().min(MAX_ERROR_ROW / 2)])
}
