//! Records of the delivery stream to rows of the in-application stream, as the input schema tells.

use serde::Deserialize as _;

use super::model::{RecordColumn, RecordFormatType, SourceSchema};
use super::sql::{Column, EvaluationError, SqlType, Value, parse_value};

/// The longest row of text, in bytes.
const MAX_ROW_BYTES: usize = 64 * 1024;

/// An input schema that was checked.
#[derive(Clone, Debug)]
pub(super) struct InputFormat {
    columns: Vec<Column>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Csv {
        row_delimiter: String,
        column_delimiter: String,
    },
    Json {
        row_path: Vec<Segment>,
        /// Where each column's value is, from the row.
        columns: Vec<Vec<Segment>>,
    },
}

/// A step of a `JSONPath` such as `$.store.books[0:]`.
#[derive(Clone, Debug, PartialEq)]
enum Segment {
    Member(String),
    Index(usize),
    All,
}

/// A row, or why the text is none, with the text.
pub(super) type DecodedRow = Result<Box<[Value]>, (EvaluationError, Vec<u8>)>;

impl InputFormat {
    /// # Errors
    /// A sentence that names the column or setting and says what to do.
    pub(super) fn new(schema: &SourceSchema) -> Result<Self, String> {
        if schema.record_encoding.as_deref().is_some_and(|encoding| encoding != "UTF-8") {
            return Err("RecordEncoding must be UTF-8.".to_owned());
        }
        if schema.record_columns.is_empty() || schema.record_columns.len() > 1_000 {
            return Err("RecordColumns must name 1 to 1000 columns.".to_owned());
        }
        let mut columns: Vec<Column> = Vec::with_capacity(schema.record_columns.len());
        for RecordColumn { name, sql_type, .. } in &schema.record_columns {
            let valid = (1..=256).contains(&name.chars().count())
                && !name.contains(|character: char| character.is_whitespace() || "-<>&".contains(character));
            if !valid {
                return Err(format!(
                    "The column name {name:?} must have 1 to 256 characters, none of them a space, -, <, > or &."
                ));
            }
            if columns.iter().any(|column| column.name == *name) {
                return Err(format!("The column {name:?} is there twice."));
            }
            let sql_type =
                SqlType::parse(sql_type).map_err(|message| format!("The SqlType of column {name:?}: {message}."))?;
            columns.push(Column { name: name.clone(), sql_type });
        }
        let parameters = schema.record_format.mapping_parameters.clone().unwrap_or_default();
        let kind = match schema.record_format.record_format_type {
            RecordFormatType::Csv => {
                let Some(csv) = parameters.csv_mapping_parameters else {
                    return Err(
                        "RecordFormat CSV needs MappingParameters.CSVMappingParameters with RecordRowDelimiter and \
                                RecordColumnDelimiter."
                            .to_owned(),
                    );
                };
                let fits = |delimiter: &str| (1..=1_024).contains(&delimiter.len());
                if !fits(&csv.record_row_delimiter) || !fits(&csv.record_column_delimiter) {
                    return Err("RecordRowDelimiter and RecordColumnDelimiter have 1 to 1024 characters.".to_owned());
                }
                Kind::Csv { row_delimiter: csv.record_row_delimiter, column_delimiter: csv.record_column_delimiter }
            }
            RecordFormatType::Json => {
                let row_path =
                    parameters.json_mapping_parameters.map_or_else(|| "$".to_owned(), |json| json.record_row_path);
                let mut paths = Vec::with_capacity(columns.len());
                for column in &schema.record_columns {
                    // a mapping is written from the document's root; below the row path it is meant from the row
                    let mapping = match &column.mapping {
                        Some(mapping) if !mapping.is_empty() => mapping.clone(),
                        _ => format!("$.{}", column.name),
                    };
                    let below_row = mapping.strip_prefix(&row_path).filter(|rest| rest.starts_with(['.', '[']));
                    paths.push(json_path(&below_row.map_or(mapping.clone(), |rest| format!("${rest}")))?);
                }
                Kind::Json { row_path: json_path(&row_path)?, columns: paths }
            }
        };
        Ok(Self { columns, kind })
    }

    /// The columns of the in-application stream.
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows in one record's data, one by one: a record may hold very many.
    pub(super) fn rows<'a>(&'a self, data: &'a [u8]) -> Box<dyn Iterator<Item = DecodedRow> + Send + 'a> {
        match &self.kind {
            Kind::Csv { row_delimiter, column_delimiter } => match std::str::from_utf8(data) {
                Ok(text) => Box::new(
                    text.split(row_delimiter.as_str())
                        .map(|row| row.strip_suffix('\r').unwrap_or(row))
                        .filter(|row| !row.is_empty())
                        .map(move |row| self.csv_row(row, column_delimiter)),
                ),
                Err(_) => Box::new(std::iter::once(Err((unreadable("the record", "UTF-8 text"), data.to_vec())))),
            },
            Kind::Json { row_path, columns } => {
                let documents = serde_json::Deserializer::from_slice(data).into_iter::<serde_json::Value>();
                // a syntax error ends the iterator, so that the rest of the record is told of once
                Box::new(documents.flat_map(move |document| match document {
                    Ok(document) => {
                        let mut found = Vec::new();
                        collect(&document, row_path, &mut found);
                        found.into_iter().map(|row| self.json_row(row, columns)).collect::<Vec<_>>()
                    }
                    Err(error) => vec![Err((unreadable(&error.to_string(), "JSON"), data.to_vec()))],
                }))
            }
        }
    }

    fn csv_row(&self, row: &str, column_delimiter: &str) -> DecodedRow {
        if row.len() > MAX_ROW_BYTES {
            return Err((EvaluationError::TooWide { limit: MAX_ROW_BYTES }, row.as_bytes().to_vec()));
        }
        let mut fields = row.split(column_delimiter);
        let mut values = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let value = match fields.next() {
                None => Ok(Value::Null),
                Some(text) if text.trim().is_empty() && !is_text(column.sql_type) => Ok(Value::Null),
                Some(text) => parse_value(text, column.sql_type),
            };
            values.push(value.map_err(|error| (error, row.as_bytes().to_vec()))?);
        }
        Ok(values.into_boxed_slice())
    }

    fn json_row(&self, row: &serde_json::Value, paths: &[Vec<Segment>]) -> DecodedRow {
        let mut values = Vec::with_capacity(self.columns.len());
        for (column, path) in self.columns.iter().zip(paths) {
            let mut found = Vec::new();
            collect(row, path, &mut found);
            let value = match found.first() {
                None | Some(serde_json::Value::Null) => Ok(Value::Null),
                Some(serde_json::Value::String(text)) if text.len() > MAX_ROW_BYTES => {
                    Err(EvaluationError::TooWide { limit: MAX_ROW_BYTES })
                }
                Some(serde_json::Value::String(text)) => parse_value(text, column.sql_type),
                Some(other) => parse_value(&other.to_string(), column.sql_type),
            };
            values.push(value.map_err(|error| (error, row.to_string().into_bytes()))?);
        }
        Ok(values.into_boxed_slice())
    }
}

fn is_text(sql_type: SqlType) -> bool {
    matches!(sql_type, SqlType::Varchar(_) | SqlType::Char(_))
}

fn unreadable(value: &str, as_what: &str) -> EvaluationError {
    EvaluationError::Cast { value: value.to_owned(), sql_type: as_what.to_owned() }
}

/// Reads `$`, `.name`, `['name']`, `[3]`, `[*]` and `[0:]`.
fn json_path(path: &str) -> Result<Vec<Segment>, String> {
    let wrong =
        || format!("The path {path:?} is not offered; it may be made of $, .name, ['name'], [3], [*] and [0:].");
    let mut rest = path.strip_prefix('$').ok_or_else(wrong)?;
    let mut segments = Vec::new();
    while !rest.is_empty() {
        if segments.len() >= 64 {
            return Err(wrong());
        }
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            if end == 0 {
                return Err(wrong());
            }
            segments.push(if &after[..end] == "*" { Segment::All } else { Segment::Member(after[..end].to_owned()) });
            rest = &after[end..];
        } else {
            let (inside, after) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or_else(wrong)?;
            let quoted = |quote| inside.strip_prefix(quote).and_then(|inside: &str| inside.strip_suffix(quote));
            segments.push(match inside {
                "*" | "0:" | ":" => Segment::All,
                _ => match quoted('\'').or_else(|| quoted('"')) {
                    Some(name) => Segment::Member(name.to_owned()),
                    None => Segment::Index(inside.parse().map_err(|_| wrong())?),
                },
            });
            rest = after;
        }
    }
    Ok(segments)
}

fn collect<'a>(value: &'a serde_json::Value, path: &[Segment], found: &mut Vec<&'a serde_json::Value>) {
    let Some((segment, rest)) = path.split_first() else {
        // a row path that leads to an array means its elements
        found.push(value);
        return;
    };
    match segment {
        Segment::Member(name) => {
            if let Some(member) = value.get(name) {
                collect(member, rest, found);
            }
        }
        Segment::Index(index) => {
            if let Some(element) = value.get(index) {
                collect(element, rest, found);
            }
        }
        Segment::All => match value {
            serde_json::Value::Array(elements) => elements.iter().for_each(|element| collect(element, rest, found)),
            serde_json::Value::Object(members) => members.values().for_each(|member| collect(member, rest, found)),
            _ => {}
        },
    }
}

/// The first JSON value in the data, for schema discovery.
pub(super) fn first_json(data: &[u8]) -> Option<serde_json::Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(data);
    serde_json::Value::deserialize(&mut deserializer).ok()
}
