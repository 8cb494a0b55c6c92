//! From statements to a program: streams, the pumps between them, and the order in which rows flow.

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, ObjectName, Query, Select, SelectItem,
    SetExpr, Spanned, TableAlias, TableFactor,
};
use sqlparser::tokenizer::Location;

use super::compile::{Column, Compiler, Relation, Typed, identifier};
use super::error::SqlError;
use super::expression::Expression;
use super::parse::{Statement, parse};
use super::types::{SqlType, Value};
use super::windows::AggregateCall;

/// Streams that one application may have, those of subqueries included.
const MAX_STREAMS: usize = 64;
/// Pumps that one application may have, those of subqueries included.
const MAX_PUMPS: usize = 64;
/// Columns that one stream may have, as the service's `RecordColumns`.
const MAX_COLUMNS: usize = 1_000;
/// Ways from the sources to one stream: each row of a source may come out so many times.
const MAX_PATHS: u64 = 32;
/// Delivery streams keep records so long; what a window needs must still be there after a restart.
const MAX_LOOKBACK_MS: i64 = 24 * 3_600 * 1_000;
/// The longest window of the `*_TUMBLING` functions, in seconds.
const MAX_TUMBLING_SECONDS: i64 = 3_600;
/// The most items `TOP_K_ITEMS_TUMBLING` gives.
const MAX_TOP_ITEMS: i64 = 100_000;
/// Stack for reading code; only what is used of it takes memory.
const COMPILER_STACK_BYTES: usize = 32 * 1024 * 1024;
/// The in-application error stream; SQL may also write it without quotes.
pub(crate) const ERROR_STREAM: &str = "error_stream";

/// Position of a stream in a [`Program`].
pub type StreamId = usize;

/// An in-application stream that is filled from the application's input.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceStream {
    /// Such as `SOURCE_SQL_STREAM_001`.
    pub name: String,
    pub columns: Vec<Column>,
}

/// Application code that was checked and can be run.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) streams: Vec<Stream>,
    pub(super) pumps: Vec<Pump>,
    /// Streams in the order in which rows flow, upstream first.
    pub(super) order: Vec<StreamId>,
    pub(super) error_stream: StreamId,
}

#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub name: String,
    pub columns: Vec<Column>,
    pub is_source: bool,
    /// The pumps that read the stream.
    pub readers: Vec<usize>,
    /// A row with ROWTIME `t` is made of source rows from `t - lookback` on, in milliseconds.
    pub lookback: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Pump {
    pub name: String,
    pub source: StreamId,
    pub target: StreamId,
    /// Rows of the source that count.
    pub filter: Option<Expression>,
    pub kind: PumpKind,
    /// Result rows that go on, for windows.
    pub having: Option<Expression>,
    /// A value for each column of the target; `None` is NULL.
    pub projection: Vec<Option<(Expression, SqlType)>>,
    /// Whether a row that fails goes to the error stream; not when it may have come from there.
    pub reports_errors: bool,
}

#[derive(Clone, Debug)]
pub(super) enum PumpKind {
    /// Row by row.
    Map,
    /// `GROUP BY` with a window of `size` milliseconds.
    Group { size: i64, keys: Vec<Expression>, aggregates: Vec<AggregateCall> },
    /// `COUNT_DISTINCT_ITEMS_TUMBLING`
    Distinct { size: i64, column: usize },
    /// `TOP_K_ITEMS_TUMBLING`
    Top { size: i64, column: usize, k: usize },
}

impl PumpKind {
    /// Length of the window in milliseconds; `None` for pumps without one.
    pub(super) fn window(&self) -> Option<i64> {
        match self {
            Self::Map => None,
            Self::Group { size, .. } | Self::Distinct { size, .. } | Self::Top { size, .. } => Some(*size),
        }
    }
}

impl Program {
    /// Checks application code against the streams of the application's inputs.
    ///
    /// # Errors
    /// The first mistake, with line, column and what to do.
    pub fn compile(code: &str, sources: &[SourceStream]) -> Result<Self, SqlError> {
        on_deep_stack(|| Self::build(code, sources))
    }

    fn build(code: &str, sources: &[SourceStream]) -> Result<Self, SqlError> {
        let mut builder = Builder::new(sources)?;
        let statements = last_definitions(parse(code)?)?;
        for statement in &statements {
            if let Statement::CreateStream { name, columns, .. } = statement {
                builder.create_stream(name, columns)?;
            }
        }
        for statement in &statements {
            if let Statement::CreatePump { name, target, columns, query, .. } = statement {
                builder.create_pump(name, target, columns, query)?;
            }
        }
        builder.finish()
    }

    /// Checks only what needs no input: the syntax. For applications that have no input yet.
    ///
    /// # Errors
    /// As [`Program::compile`].
    pub fn check_syntax(code: &str) -> Result<(), SqlError> {
        on_deep_stack(|| last_definitions(parse(code)?).map(|_| ()))
    }

    /// The stream of that name, exactly as written; `error_stream` is always there.
    pub fn stream(&self, name: &str) -> Option<StreamId> {
        if name.eq_ignore_ascii_case(ERROR_STREAM) {
            return Some(self.error_stream);
        }
        self.streams.iter().position(|stream| stream.name == name)
    }

    /// The columns of a stream.
    pub fn columns(&self, stream: StreamId) -> &[Column] {
        &self.streams[stream].columns
    }

    /// A row of the stream with ROWTIME `t` depends on source rows from `t - lookback` on. Milliseconds.
    pub fn lookback(&self, stream: StreamId) -> i64 {
        self.streams[stream].lookback
    }

    /// The names of the streams that pumps may fill, for messages.
    pub fn stream_names(&self) -> impl Iterator<Item = &str> {
        self.streams
            .iter()
            .filter(|stream| !stream.is_source && !stream.name.starts_with('('))
            .map(|stream| stream.name.as_str())
    }
}

/// Reading nested code takes more stack than an ordinary thread is sure to have, even at the depth that is allowed.
fn on_deep_stack<T: Send>(work: impl FnOnce() -> Result<T, SqlError> + Send) -> Result<T, SqlError> {
    let failed = |message: &str| SqlError::at(Location::new(1, 1), message);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("sql-compiler".to_owned()).stack_size(COMPILER_STACK_BYTES);
        match thread.spawn_scoped(scope, work) {
            Ok(thread) => thread.join().unwrap_or_else(|_| Err(failed("the code could not be read"))),
            Err(_) => Err(failed("the sandbox is too busy to read the code; try again")),
        }
    })
}

/// `CREATE OR REPLACE` replaces what has the name; a plain `CREATE` of it is a mistake.
fn last_definitions(statements: Vec<Statement>) -> Result<Vec<Statement>, SqlError> {
    let mut kept: Vec<Statement> = Vec::with_capacity(statements.len());
    let key = |statement: &Statement| match statement {
        Statement::CreateStream { name, .. } => (true, identifier(name)),
        Statement::CreatePump { name, .. } => (false, identifier(name)),
    };
    for statement in statements {
        let (Statement::CreateStream { replace, name, .. } | Statement::CreatePump { replace, name, .. }) = &statement;
        let (replace, at) = (*replace, name.span.start);
        let position = kept.iter().position(|other| key(other) == key(&statement));
        match position {
            Some(_) if !replace => {
                let message = format!("{:?} exists already; write CREATE OR REPLACE", key(&statement).1);
                return Err(SqlError::at(at, message));
            }
            Some(position) => kept[position] = statement,
            None if kept.len() >= MAX_STREAMS + MAX_PUMPS => {
                return Err(SqlError::at(at, format!("the code has more than {} statements", MAX_STREAMS + MAX_PUMPS)));
            }
            None => kept.push(statement),
        }
    }
    Ok(kept)
}

/// What a SELECT comes to, before it is known where its rows go.
struct Selection {
    source: StreamId,
    filter: Option<Expression>,
    kind: PumpKind,
    having: Option<Expression>,
    items: Vec<SelectedItem>,
}

struct SelectedItem {
    expression: Expression,
    sql_type: SqlType,
    name: Option<String>,
    at: Location,
}

struct Builder {
    streams: Vec<Stream>,
    pumps: Vec<Pump>,
    error_stream: StreamId,
}

impl Builder {
    fn new(sources: &[SourceStream]) -> Result<Self, SqlError> {
        let text = |name: &str, length| Column { name: name.to_owned(), sql_type: SqlType::Varchar(length) };
        let timestamp = |name: &str| Column { name: name.to_owned(), sql_type: SqlType::Timestamp };
        let error_columns = vec![
            timestamp("ERROR_TIME"),
            text("ERROR_LEVEL", 10),
            text("ERROR_NAME", 32),
            text("MESSAGE", 4_096),
            timestamp("DATA_ROWTIME"),
            text("DATA_ROW", 49_152),
            text("PUMP_NAME", 128),
        ];
        let mut builder = Self { streams: Vec::new(), pumps: Vec::new(), error_stream: 0 };
        let start = Location::new(1, 1);
        for source in sources {
            builder.add_stream(&source.name, source.columns.clone(), true, start)?;
        }
        builder.error_stream = builder.add_stream(ERROR_STREAM, error_columns, false, start)?;
        Ok(builder)
    }

    fn add_stream(
        &mut self,
        name: &str,
        columns: Vec<Column>,
        is_source: bool,
        at: Location,
    ) -> Result<StreamId, SqlError> {
        if self.find_stream(name).is_some() {
            return Err(SqlError::at(at, format!("the stream {name:?} exists already and cannot be replaced")));
        }
        // the error stream is not the learner's
        if self.streams.len() > MAX_STREAMS {
            return Err(SqlError::at(at, format!("an application has at most {MAX_STREAMS} streams")));
        }
        if columns.is_empty() || columns.len() > MAX_COLUMNS {
            return Err(SqlError::at(at, format!("a stream has 1 to {MAX_COLUMNS} columns")));
        }
        for (index, column) in columns.iter().enumerate() {
            if column.name == "ROWTIME" {
                return Err(SqlError::at(at, "every stream has ROWTIME already; name the column otherwise"));
            }
            if columns[..index].iter().any(|other| other.name == column.name) {
                return Err(SqlError::at(at, format!("the column {:?} is there twice", column.name)));
            }
        }
        self.streams.push(Stream { name: name.to_owned(), columns, is_source, readers: Vec::new(), lookback: 0 });
        Ok(self.streams.len() - 1)
    }

    fn create_stream(&mut self, name: &Ident, columns: &[(Ident, sqlparser::ast::DataType)]) -> Result<(), SqlError> {
        let mut checked = Vec::with_capacity(columns.len());
        for (column, data_type) in columns {
            let sql_type = SqlType::from_ast(data_type).map_err(|message| SqlError::at(column.span.start, message))?;
            checked.push(Column { name: identifier(column), sql_type });
        }
        self.add_stream(&identifier(name), checked, false, name.span.start).map(|_| ())
    }

    fn find_stream(&self, name: &str) -> Option<StreamId> {
        self.streams.iter().position(|stream| {
            stream.name == name || (stream.name == ERROR_STREAM && name.eq_ignore_ascii_case(ERROR_STREAM))
        })
    }

    fn stream_named(&self, name: &str, at: Location) -> Result<StreamId, SqlError> {
        self.find_stream(name).ok_or_else(|| {
            let near = self.streams.iter().find(|stream| stream.name.to_lowercase() == name.to_lowercase());
            let message = match near {
                Some(stream) => format!("there is no stream {name:?}, but one named {:?}: case matters in double quotes, and names without quotes mean upper case", stream.name),
                None => {
                    let names: Vec<String> = self
                        .streams
                        .iter()
                        .filter(|stream| !stream.name.starts_with('('))
                        .map(|stream| format!("{:?}", stream.name))
                        .collect();
                    format!("there is no stream {name:?}; there are {}", names.join(", "))
                }
            };
            SqlError::at(at, message)
        })
    }

    fn create_pump(&mut self, name: &Ident, target: &Ident, columns: &[Ident], query: &Query) -> Result<(), SqlError> {
        let target_id = self.stream_named(&identifier(target), target.span.start)?;
        if self.streams[target_id].is_source || target_id == self.error_stream {
            let message =
                format!("{:?} is filled by the application itself; a pump cannot insert into it", identifier(target));
            return Err(SqlError::at(target.span.start, message));
        }
        let selection = self.select(query)?;
        let stream = &self.streams[target_id];
        let positions: Vec<usize> = if columns.is_empty() {
            (0..stream.columns.len()).collect()
        } else {
            let mut positions = Vec::with_capacity(columns.len());
            for column in columns {
                let wanted = identifier(column);
                let at = column.span.start;
                let position = stream
                    .columns
                    .iter()
                    .position(|other| other.name == wanted)
                    .ok_or_else(|| SqlError::at(at, format!("{:?} has no column {wanted:?}", stream.name)))?;
                if positions.contains(&position) {
                    return Err(SqlError::at(at, format!("the column {wanted:?} is there twice")));
                }
                positions.push(position);
            }
            positions
        };
        if positions.len() != selection.items.len() {
            let at = selection.items.first().map_or(name.span.start, |item| item.at);
            let message = format!(
                "the query gives {} columns, but {:?} takes {}",
                selection.items.len(),
                stream.name,
                positions.len()
            );
            return Err(SqlError::at(at, message));
        }
        let mut projection: Vec<Option<(Expression, SqlType)>> = vec![None; stream.columns.len()];
        for (position, item) in positions.into_iter().zip(selection.items) {
            let column = &stream.columns[position];
            if !item.sql_type.matches(column.sql_type) {
                let message = format!(
                    "the column {:?} is {}, the value is {}; write CAST(... AS {})",
                    column.name, column.sql_type, item.sql_type, column.sql_type
                );
                return Err(SqlError::at(item.at, message));
            }
            projection[position] = Some((item.expression, column.sql_type));
        }
        self.add_pump(
            Pump {
                name: identifier(name),
                source: selection.source,
                target: target_id,
                filter: selection.filter,
                kind: selection.kind,
                having: selection.having,
                projection,
                reports_errors: true,
            },
            name.span.start,
        )
    }

    fn add_pump(&mut self, pump: Pump, at: Location) -> Result<(), SqlError> {
        if self.pumps.len() >= MAX_PUMPS {
            return Err(SqlError::at(at, format!("an application has at most {MAX_PUMPS} pumps")));
        }
        self.pumps.push(pump);
        Ok(())
    }

    /// A query whose rows another query reads: a stream and a pump without a name of their own.
    fn subquery(&mut self, query: &Query, at: Location) -> Result<StreamId, SqlError> {
        if let Some(stream) = self.whole_stream(query)? {
            return Ok(stream);
        }
        let selection = self.select(query)?;
        let name = format!("(query {})", self.streams.len());
        let mut columns = Vec::with_capacity(selection.items.len());
        let mut projection = Vec::with_capacity(selection.items.len());
        for (index, item) in selection.items.into_iter().enumerate() {
            let sql_type = if item.sql_type == SqlType::Null { SqlType::Varchar(1) } else { item.sql_type };
            columns.push(Column { name: item.name.unwrap_or_else(|| format!("EXPR${index}")), sql_type });
            projection.push(Some((item.expression, sql_type)));
        }
        let target = self.add_stream(&name, columns, false, at)?;
        let (source, filter, kind, having) = (selection.source, selection.filter, selection.kind, selection.having);
        self.add_pump(Pump { name, source, target, filter, kind, having, projection, reports_errors: true }, at)?;
        Ok(target)
    }

    /// `SELECT STREAM * FROM "X"` is the stream itself.
    fn whole_stream(&self, query: &Query) -> Result<Option<StreamId>, SqlError> {
        let select = plain_select(query)?;
        let [SelectItem::Wildcard(_)] = select.projection.as_slice() else { return Ok(None) };
        let [from] = select.from.as_slice() else { return Ok(None) };
        match &from.relation {
            TableFactor::Table { name, .. }
                if from.joins.is_empty()
                    && select.selection.is_none()
                    && select.having.is_none()
                    && matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty()) =>
            {
                let (name, at) = simple_name(name)?;
                self.stream_named(&name, at).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn select(&mut self, query: &Query) -> Result<Selection, SqlError> {
        let select = plain_select(query)?;
        let at = query.span().start;
        let [from] = select.from.as_slice() else {
            return Err(SqlError::at(at, "a query reads one stream: FROM \"stream\""));
        };
        if let Some(join) = from.joins.first() {
            return Err(SqlError::at(join.relation.span().start, "JOIN is not offered; a query reads one stream"));
        }
        match &from.relation {
            TableFactor::TableFunction { expr, alias } => self.tumbling(select, expr, alias.as_ref()),
            TableFactor::Table { name, alias, args: None, .. } => {
                let (name, at) = simple_name(name)?;
                let stream = self.stream_named(&name, at)?;
                self.select_from(select, stream, alias.as_ref(), at)
            }
            TableFactor::Derived { subquery, alias, lateral: false, .. } => {
                let at = subquery.span().start;
                let stream = self.subquery(subquery, at)?;
                self.select_from(select, stream, alias.as_ref(), at)
            }
            other => {
                let text: String = other.to_string().chars().take(60).collect();
                Err(SqlError::at(at, format!("FROM {text} is not offered; read a stream or TABLE(function(...))")))
            }
        }
    }

    fn select_from(
        &mut self,
        select: &Select,
        stream: StreamId,
        alias: Option<&TableAlias>,
        at: Location,
    ) -> Result<Selection, SqlError> {
        let relation = self.relation(stream, alias, at)?;
        let filter = condition(&relation, select.selection.as_ref())?;
        let GroupByExpr::Expressions(keys, modifiers) = &select.group_by else {
            return Err(SqlError::at(at, "GROUP BY ALL is not offered"));
        };
        if !modifiers.is_empty() {
            return Err(SqlError::at(at, "GROUP BY WITH ... is not offered"));
        }
        if keys.is_empty() {
            let mut compiler = Compiler::new(&relation, None);
            if let Some(having) = &select.having {
                return Err(SqlError::at(having.span().start, "HAVING needs GROUP BY; use WHERE for single rows"));
            }
            let aggregate = select.projection.iter().find_map(item_aggregate);
            if let Some(at) = aggregate {
                return Err(SqlError::at(at, NEEDS_WINDOW));
            }
            let items = items(&mut compiler, &select.projection)?;
            return Ok(Selection { source: stream, filter, kind: PumpKind::Map, having: None, items });
        }
        grouped(select, keys, stream, &relation, filter)
    }

    fn relation(&self, stream: StreamId, alias: Option<&TableAlias>, at: Location) -> Result<Relation, SqlError> {
        let found = &self.streams[stream];
        let name = match alias {
            Some(alias) if !alias.columns.is_empty() => {
                return Err(SqlError::at(at, "an alias with a list of columns is not offered; use AS in the query"));
            }
            Some(alias) => identifier(&alias.name),
            None => found.name.clone(),
        };
        Ok(Relation { name, columns: found.columns.clone(), is_source: found.is_source })
    }

    /// `FROM TABLE(function(CURSOR(SELECT STREAM ...), 'column', ...))`
    fn tumbling(&mut self, select: &Select, call: &Expr, alias: Option<&TableAlias>) -> Result<Selection, SqlError> {
        let at = call.span().start;
        let refuse = |message: String| Err(SqlError::at(at, message));
        let Expr::Function(function) = call else {
            return refuse("TABLE(...) needs a function such as COUNT_DISTINCT_ITEMS_TUMBLING".to_owned());
        };
        let name = function.name.to_string().to_uppercase();
        let top = match name.as_str() {
            "COUNT_DISTINCT_ITEMS_TUMBLING" => false,
            "TOP_K_ITEMS_TUMBLING" => true,
            _ => {
                return refuse(format!(
                    "the sandbox does not offer {name}; it has COUNT_DISTINCT_ITEMS_TUMBLING and TOP_K_ITEMS_TUMBLING"
                ));
            }
        };
        let usage = if top {
            "write TOP_K_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM \"stream\"), 'column', k, window in seconds)"
        } else {
            "write COUNT_DISTINCT_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM \"stream\"), 'column', window in seconds)"
        };
        let FunctionArguments::List(list) = &function.args else { return refuse(usage.to_owned()) };
        let mut arguments = Vec::new();
        for argument in &list.args {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => arguments.push(expr),
                _ => return refuse(usage.to_owned()),
            }
        }
        let (cursor, column, k, window) = match (top, arguments.as_slice()) {
            (false, [cursor, column, window]) => (*cursor, *column, None, *window),
            (true, [cursor, column, k, window]) => (*cursor, *column, Some(*k), *window),
            _ => return refuse(usage.to_owned()),
        };
        let query = match cursor {
            Expr::Function(cursor) if cursor.name.to_string().eq_ignore_ascii_case("CURSOR") => match &cursor.args {
                FunctionArguments::Subquery(query) => query,
                _ => return refuse(usage.to_owned()),
            },
            _ => return refuse(usage.to_owned()),
        };
        let source = self.subquery(query, at)?;
        let columns = &self.streams[source].columns;
        let no_names = Relation { name: String::new(), columns: Vec::new(), is_source: false };
        let constant = |expr: &Expr| -> Result<Value, SqlError> {
            match Compiler::new(&no_names, None).compile(expr) {
                Ok((Expression::Literal(value), _)) => Ok(value),
                _ => Err(SqlError::at(expr.span().start, usage)),
            }
        };
        let Value::Text(column_name) = constant(column)? else { return refuse(usage.to_owned()) };
        let position = columns.iter().position(|other| other.name == column_name.as_str()).or_else(|| {
            // a name in single quotes has no double quotes that would keep its case
            columns.iter().position(|other| other.name == column_name.to_uppercase())
        });
        let Some(position) = position else {
            let names: Vec<String> = columns.iter().take(20).map(|other| format!("'{}'", other.name)).collect();
            let message = format!("there is no column '{column_name}' to count; there are {}", names.join(", "));
            return Err(SqlError::at(column.span().start, message));
        };
        let item_type = columns[position].sql_type;
        let seconds = whole_number(&constant(window)?, 1, MAX_TUMBLING_SECONDS).ok_or_else(|| {
            SqlError::at(window.span().start, format!("the window is 1 to {MAX_TUMBLING_SECONDS} seconds"))
        })?;
        let size = seconds * 1_000;
        let bigint = |name: &str| Column { name: name.to_owned(), sql_type: SqlType::BigInt };
        let (kind, columns) = match k {
            None => (PumpKind::Distinct { size, column: position }, vec![bigint("NUMBER_OF_DISTINCT_ITEMS")]),
            Some(k) => {
                let k = whole_number(&constant(k)?, 1, MAX_TOP_ITEMS)
                    .ok_or_else(|| SqlError::at(k.span().start, format!("K is 1 to {MAX_TOP_ITEMS}")))?;
                let item = Column { name: "ITEM".to_owned(), sql_type: item_type };
                (PumpKind::Top { size, column: position, k: k as usize }, vec![item, bigint("ITEM_COUNT")])
            }
        };
        if !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty()) || select.having.is_some()
        {
            return refuse(format!(
                "GROUP BY over {name} is not offered; put its rows into a stream of their own first"
            ));
        }
        let relation_name = alias.map_or_else(|| name.clone(), |alias| identifier(&alias.name));
        let relation = Relation { name: relation_name, columns, is_source: false };
        let having = condition(&relation, select.selection.as_ref())?;
        if let Some(at) = select.projection.iter().find_map(item_aggregate) {
            return Err(SqlError::at(at, NEEDS_WINDOW));
        }
        let items = items(&mut Compiler::new(&relation, None), &select.projection)?;
        Ok(Selection { source, filter: None, kind, having, items })
    }

    fn finish(mut self) -> Result<Program, SqlError> {
        for index in 0..self.pumps.len() {
            let source = self.pumps[index].source;
            self.streams[source].readers.push(index);
        }
        self.silence_error_readers();
        let order = self.flow_order()?;
        let mut paths: Vec<u64> = self.streams.iter().map(|stream| u64::from(stream.is_source)).collect();
        paths[self.error_stream] = 1;
        for &stream in &order {
            for reader in self.streams[stream].readers.clone() {
                let pump = &self.pumps[reader];
                let lookback = self.streams[stream].lookback + pump.kind.window().unwrap_or(0);
                let target = pump.target;
                self.streams[target].lookback = self.streams[target].lookback.max(lookback);
                paths[target] = paths[target].saturating_add(paths[stream]);
            }
        }
        // errors tell of rows and of windows alike
        self.streams[self.error_stream].lookback = self.streams.iter().map(|stream| stream.lookback).max().unwrap_or(0);
        let start = Location::new(1, 1);
        for (stream, paths) in self.streams.iter().zip(paths) {
            if stream.lookback > MAX_LOOKBACK_MS {
                let message = format!(
                    "the windows that fill {:?} add up to more than 24 hours, longer than records are kept",
                    stream.name
                );
                return Err(SqlError::at(start, message));
            }
            if paths > MAX_PATHS {
                let message =
                    format!("rows would reach {:?} in more than {MAX_PATHS} ways; use fewer pumps", stream.name);
                return Err(SqlError::at(start, message));
            }
        }
        Ok(Program { streams: self.streams, pumps: self.pumps, order, error_stream: self.error_stream })
    }

    /// What comes from the error stream must not go there again, or one failing row would fail for ever.
    fn silence_error_readers(&mut self) {
        let mut reached = vec![self.error_stream];
        let mut next = 0;
        while let Some(&stream) = reached.get(next) {
            next += 1;
            for reader in self.streams[stream].readers.clone() {
                self.pumps[reader].reports_errors = false;
                let target = self.pumps[reader].target;
                if !reached.contains(&target) {
                    reached.push(target);
                }
            }
        }
    }

    /// Upstream first. Errors flow from every pump that reports them to the error stream.
    fn flow_order(&self) -> Result<Vec<StreamId>, SqlError> {
        let mut incoming = vec![0_usize; self.streams.len()];
        for pump in &self.pumps {
            incoming[pump.target] += 1;
            incoming[self.error_stream] += usize::from(pump.reports_errors);
        }
        let mut order: Vec<StreamId> = (0..self.streams.len()).filter(|stream| incoming[*stream] == 0).collect();
        let mut next = 0;
        while let Some(&stream) = order.get(next) {
            next += 1;
            for &reader in &self.streams[stream].readers {
                let pump = &self.pumps[reader];
                let errors = pump.reports_errors.then_some(self.error_stream);
                for target in [Some(pump.target), errors].into_iter().flatten() {
                    incoming[target] -= 1;
                    if incoming[target] == 0 {
                        order.push(target);
                    }
                }
            }
        }
        if order.len() == self.streams.len() {
            return Ok(order);
        }
        let stuck = (0..self.streams.len()).find(|stream| !order.contains(stream) && *stream != self.error_stream);
        let name = stuck.map_or(ERROR_STREAM, |stream| self.streams[stream].name.as_str());
        Err(SqlError::at(
            Location::new(1, 1),
            format!("the pumps lead in a circle through {name:?}; rows would never end"),
        ))
    }
}

const NEEDS_WINDOW: &str = "an aggregate needs a window that ends: GROUP BY STEP(ROWTIME BY INTERVAL '60' SECOND) \
                            or GROUP BY FLOOR(ROWTIME TO MINUTE)";

fn grouped(
    select: &Select,
    keys: &[Expr],
    stream: StreamId,
    relation: &Relation,
    filter: Option<Expression>,
) -> Result<Selection, SqlError> {
    let at = keys.first().map_or(Location::new(1, 1), |key| key.span().start);
    let mut window = None;
    let mut compiled = Vec::with_capacity(keys.len());
    for key in keys {
        let (expression, _) = Compiler::new(relation, None).compile(key)?;
        match &expression {
            Expression::Step(inner, size) if **inner == Expression::Rowtime => {
                if window.is_some_and(|other| other != *size) {
                    return Err(SqlError::at(key.span().start, "GROUP BY has two windows over ROWTIME; keep one"));
                }
                window = Some(*size);
            }
            Expression::Rowtime => {
                return Err(SqlError::at(key.span().start, NEEDS_WINDOW));
            }
            _ => compiled.push(expression),
        }
    }
    let Some(size) = window else {
        let by_arrival =
            compiled.iter().any(|key| matches!(key, Expression::Step(inner, _) if **inner == Expression::Arrival));
        let message = if by_arrival {
            "APPROXIMATE_ARRIVAL_TIME alone never tells that a window is complete, because a late row may still come: \
             add STEP(ROWTIME BY ...) to the GROUP BY"
        } else {
            NEEDS_WINDOW
        };
        return Err(SqlError::at(at, message));
    };
    let mut compiler = Compiler::new(relation, Some(Vec::new()));
    let mut items = items(&mut compiler, &select.projection)?;
    for item in &mut items {
        rewrite(&mut item.expression, size, &compiled, relation, item.at)?;
    }
    let having = match &select.having {
        None => None,
        Some(having) => {
            let at = having.span().start;
            let mut expression = boolean(compiler.compile(having)?, at)?;
            rewrite(&mut expression, size, &compiled, relation, at)?;
            Some(expression)
        }
    };
    let aggregates = compiler.aggregates.unwrap_or_default();
    let kind = PumpKind::Group { size, keys: compiled, aggregates };
    Ok(Selection { source: stream, filter, kind, having, items })
}

/// In a grouped query an expression is made of GROUP BY expressions and aggregates only.
fn rewrite(
    expression: &mut Expression,
    size: i64,
    keys: &[Expression],
    relation: &Relation,
    at: Location,
) -> Result<(), SqlError> {
    if matches!(expression, Expression::Step(inner, step) if **inner == Expression::Rowtime && *step == size) {
        *expression = Expression::WindowStart(size);
        return Ok(());
    }
    if let Some(index) = keys.iter().position(|key| key == expression) {
        *expression = Expression::Key(index);
        return Ok(());
    }
    match expression {
        Expression::Column(index) => {
            let name = &relation.columns[*index].name;
            return Err(SqlError::at(
                at,
                format!("the column {name:?} must be in GROUP BY or in an aggregate such as SUM"),
            ));
        }
        Expression::Arrival => {
            return Err(SqlError::at(at, "APPROXIMATE_ARRIVAL_TIME must be in GROUP BY or in an aggregate"));
        }
        // ROWTIME itself is that of the result row: the end of its window
        _ => {}
    }
    for child in expression.children_mut() {
        rewrite(child, size, keys, relation, at)?;
    }
    Ok(())
}

fn items(compiler: &mut Compiler<'_>, projection: &[SelectItem]) -> Result<Vec<SelectedItem>, SqlError> {
    let mut items = Vec::with_capacity(projection.len());
    for item in projection {
        let (expr, alias) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(identifier(alias))),
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                let at = item.span().start;
                if let SelectItem::QualifiedWildcard(kind, _) = item
                    && kind.to_string().trim_end_matches(".*").trim_matches('"').to_uppercase()
                        != compiler.relation.name.to_uppercase()
                {
                    return Err(SqlError::at(at, format!("this query reads {:?} only", compiler.relation.name)));
                }
                let columns = compiler.relation.columns.iter().enumerate();
                items.extend(columns.map(|(index, column)| SelectedItem {
                    expression: Expression::Column(index),
                    sql_type: column.sql_type,
                    name: Some(column.name.clone()),
                    at,
                }));
                continue;
            }
            other => return Err(SqlError::at(item.span().start, format!("{other} is not offered"))),
        };
        let (expression, sql_type) = compiler.compile(expr)?;
        let own_name = match expr {
            Expr::Identifier(ident) => Some(identifier(ident)),
            Expr::CompoundIdentifier(parts) => parts.last().map(identifier),
            _ => None,
        };
        items.push(SelectedItem { expression, sql_type, name: alias.or(own_name), at: expr.span().start });
        if items.len() > MAX_COLUMNS {
            return Err(SqlError::at(expr.span().start, format!("a query gives at most {MAX_COLUMNS} columns")));
        }
    }
    Ok(items)
}

/// Where an aggregate stands in a query that has no window.
fn item_aggregate(item: &SelectItem) -> Option<Location> {
    match item {
        SelectItem::UnnamedExpr(expr @ Expr::Function(function))
        | SelectItem::ExprWithAlias { expr: expr @ Expr::Function(function), .. } => {
            let name = function.name.to_string().to_uppercase();
            let aggregate = matches!(name.as_str(), "COUNT" | "SUM" | "AVG" | "MIN" | "MAX");
            (aggregate && function.over.is_none()).then(|| expr.span().start)
        }
        _ => None,
    }
}

fn condition(relation: &Relation, expr: Option<&Expr>) -> Result<Option<Expression>, SqlError> {
    let Some(expr) = expr else { return Ok(None) };
    let typed = Compiler::new(relation, None).compile(expr)?;
    boolean(typed, expr.span().start).map(Some)
}

fn boolean((expression, sql_type): Typed, at: Location) -> Result<Expression, SqlError> {
    if matches!(sql_type, SqlType::Boolean | SqlType::Null) {
        Ok(expression)
    } else {
        Err(SqlError::at(at, format!("a condition is a BOOLEAN, not {sql_type}")))
    }
}

fn whole_number(value: &Value, least: i64, most: i64) -> Option<i64> {
    match value {
        Value::Integer(number) if (least..=most).contains(number) => Some(*number),
        _ => None,
    }
}

fn simple_name(name: &ObjectName) -> Result<(String, Location), SqlError> {
    let at = name.span().start;
    match name.0.as_slice() {
        [part] => match part.as_ident() {
            Some(ident) => Ok((identifier(ident), ident.span.start)),
            None => Err(SqlError::at(at, format!("{name} is not the name of a stream"))),
        },
        _ => Err(SqlError::at(at, format!("{name} is not the name of a stream; a stream has a simple name"))),
    }
}

/// Refuses by name what a query over streams does not have.
fn plain_select(query: &Query) -> Result<&Select, SqlError> {
    let at = query.span().start;
    let refused = [
        (query.with.is_some(), "WITH"),
        (query.order_by.is_some(), "ORDER BY"),
        (query.limit_clause.is_some(), "LIMIT"),
        (query.fetch.is_some(), "FETCH"),
        (!query.locks.is_empty() || query.for_clause.is_some(), "FOR"),
        (query.settings.is_some() || query.format_clause.is_some() || !query.pipe_operators.is_empty(), "this clause"),
    ];
    if let Some((_, clause)) = refused.iter().find(|(is_there, _)| *is_there) {
        return Err(SqlError::at(at, format!("{clause} is not offered in a query over a stream")));
    }
    let select = match &*query.body {
        SetExpr::Select(select) => select,
        SetExpr::Query(inner) => return plain_select(inner),
        SetExpr::SetOperation { op, .. } => {
            let message = format!("{op} is not offered; let one pump for each SELECT insert into the same stream");
            return Err(SqlError::at(at, message));
        }
        other => {
            let text: String = other.to_string().chars().take(60).collect();
            return Err(SqlError::at(at, format!("a pump needs SELECT STREAM, not {text}")));
        }
    };
    let refused = [
        (select.distinct.is_some(), "SELECT DISTINCT"),
        (select.top.is_some(), "TOP"),
        (select.into.is_some(), "INTO"),
        (!select.lateral_views.is_empty(), "LATERAL VIEW"),
        (!select.named_window.is_empty(), "WINDOW (a sliding window)"),
        (select.qualify.is_some(), "QUALIFY"),
        (select.prewhere.is_some() || !select.connect_by.is_empty(), "this clause"),
        (
            !select.cluster_by.is_empty() || !select.distribute_by.is_empty() || !select.sort_by.is_empty(),
            "this clause",
        ),
    ];
    match refused.iter().find(|(is_there, _)| *is_there) {
        Some((_, clause)) => Err(SqlError::at(at, format!("{clause} is not offered in a query over a stream"))),
        None => Ok(select),
    }
}
