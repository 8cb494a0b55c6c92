//! Records of the delivery stream to rows of the in-application stream, as the input schema tells.

use serde::Deserialize as _;

use super::model::{RecordColumn, RecordFormatType, SourceSchema};
use super::sql::{Column, EvaluationError, SqlType, Value, parse_value};

/// The longest row, in bytes of CSV or JSON.
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
                Box::new(documents.flat_map(move |document| {
                    let mut found = Vec::new();
                    match document {
                        Ok(document) => collect(document, row_path, &mut found),
                        Err(error) => found.push(Err(unreadable(&error.to_string(), "JSON"))),
                    }
                    found.into_iter().map(move |row| match row {
                        Ok(row) => self.json_row(&row, columns),
                        Err(error) => Err((error, data.to_vec())),
                    })
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
        let refused = |error| (error, row.to_string().into_bytes());
        if spend(row, MAX_ROW_BYTES).is_none() {
            return Err(refused(EvaluationError::TooWide { limit: MAX_ROW_BYTES }));
        }
        let mut values = Vec::with_capacity(self.columns.len());
        let mut text_bytes = 0;
        for (column, path) in self.columns.iter().zip(paths) {
            let value = match find(row, path) {
                None | Some(serde_json::Value::Null) => Ok(Value::Null),
                Some(serde_json::Value::String(text)) => parse_value(text, column.sql_type),
                Some(other) => parse_value(&other.to_string(), column.sql_type),
            };
            let value = value.map_err(refused)?;
            if let Value::Text(text) = &value {
                // every column may show the same text
                text_bytes += text.len();
                if text_bytes > MAX_ROW_BYTES {
                    return Err(refused(EvaluationError::TooWide { limit: MAX_ROW_BYTES }));
                }
            }
            values.push(value);
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

/// Takes the rows out of a document, without copying.
fn collect(value: serde_json::Value, path: &[Segment], found: &mut Vec<Result<serde_json::Value, EvaluationError>>) {
    let Some((segment, rest)) = path.split_first() else {
        found.push(Ok(value));
        return;
    };
    match (segment, value) {
        (Segment::Member(name), serde_json::Value::Object(mut members)) => {
            if let Some(member) = members.remove(name) {
                collect(member, rest, found);
            }
        }
        (Segment::Index(index), serde_json::Value::Array(elements)) => {
            if let Some(element) = elements.into_iter().nth(*index) {
                collect(element, rest, found);
            }
        }
        (Segment::All, serde_json::Value::Array(elements)) => {
            elements.into_iter().for_each(|element| collect(element, rest, found));
        }
        (Segment::All, serde_json::Value::Object(members)) => {
            members.into_iter().for_each(|(_, member)| collect(member, rest, found));
        }
        _ => {}
    }
}

/// The first value at the end of the path.
fn find<'a>(value: &'a serde_json::Value, path: &[Segment]) -> Option<&'a serde_json::Value> {
    let Some((segment, rest)) = path.split_first() else { return Some(value) };
    match (segment, value) {
        (Segment::Member(name), value) => find(value.get(name)?, rest),
        (Segment::Index(index), value) => find(value.get(index)?, rest),
        (Segment::All, serde_json::Value::Array(elements)) => elements.iter().find_map(|element| find(element, rest)),
        (Segment::All, serde_json::Value::Object(members)) => members.values().find_map(|member| find(member, rest)),
        (Segment::All, _) => None,
    }
}

/// What is left of so many bytes once the value is written as JSON; none when it takes more. Numbers count as one byte.
fn spend(value: &serde_json::Value, left: usize) -> Option<usize> {
    match value {
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => left.checked_sub(1),
        serde_json::Value::String(text) => left.checked_sub(text.len() + 2),
        serde_json::Value::Array(elements) => {
            elements.iter().try_fold(left.checked_sub(2)?, |left, element| spend(element, left))
        }
        serde_json::Value::Object(members) => members
            .iter()
            .try_fold(left.checked_sub(2)?, |left, (name, member)| spend(member, left.checked_sub(name.len() + 3)?)),
    }
}

/// The first JSON value in the data, for schema discovery.
pub(super) fn first_json(data: &[u8]) -> Option<serde_json::Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(data);
    serde_json::Value::deserialize(&mut deserializer).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn format(row_path: &str, columns: &[(String, &str)]) -> InputFormat {
        let columns: Vec<serde_json::Value> = columns
            .iter()
            .map(|(name, mapping)| json!({"Name": name, "Mapping": mapping, "SqlType": "VARCHAR(65535)"}))
            .collect();
        let schema = json!({
            "RecordFormat": {
                "RecordFormatType": "JSON",
                "MappingParameters": {"JSONMappingParameters": {"RecordRowPath": row_path}},
            },
            "RecordColumns": columns,
        });
        InputFormat::new(&serde_json::from_value(schema).unwrap()).unwrap()
    }

    fn columns(count: usize, mapping: &str) -> Vec<(String, &str)> {
        (0..count).map(|number| (format!("c{number}"), mapping)).collect()
    }

    fn show(row: DecodedRow) -> String {
        match row {
            Ok(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            Err((error, raw)) => format!("{error}: {}", String::from_utf8_lossy(&raw)),
        }
    }

    #[test]
    fn rows_are_found_by_the_paths() {
        let format = format(
            "$.shops[*].books[0:]",
            &[
                ("title".to_owned(), "$.shops[*].books[0:].title"),
                ("last".to_owned(), "$.tags[1]"),
                ("any".to_owned(), "$.*.x"),
            ],
        );
        let data = br#"{"shops":[{"books":[{"title":"a","tags":[1,2]},{"title":"b","m":{"y":1},"n":{"x":3}}]},{},{"books":[{}]}]} {"#;
        let rows: Vec<String> = format.rows(data).map(show).collect();
        assert_eq!(rows[..3], ["a,2,", "b,,3", ",,"].map(str::to_owned));
        assert!(rows[3].contains("cannot be read as JSON: {\"shops\""), "{}", rows[3]);
        assert_eq!(rows.len(), 4);
    }

    /// KiB of memory that the tests take now.
    fn resident() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// All of these rows at once would take half a gigabyte.
    #[test]
    fn the_rows_of_a_document_are_made_one_by_one() {
        let format = format("$[*]", &columns(1_000, "$.x"));
        let data = format!("[{}]", vec!["{}"; 20_000].join(","));
        let before = resident();
        let mut rows = format.rows(data.as_bytes());
        assert_eq!(rows.by_ref().take(10).filter(Result::is_ok).count(), 10);
        let grown = resident().saturating_sub(before);
        assert!(grown < 200 * 1024, "{grown} KiB");
        assert!(rows.next().is_some());
    }

    #[test]
    fn a_row_is_bounded_however_often_its_text_is_shown() {
        let format = format("$", &columns(1_000, "$.x"));
        let error = |data: &str| format.rows(data.as_bytes()).next().unwrap().map_err(|(error, _)| error);
        assert!(error(&format!(r#"{{"x":"{}"}}"#, "x".repeat(60))).is_ok());
        let wide = EvaluationError::TooWide { limit: MAX_ROW_BYTES };
        assert_eq!(error(&format!(r#"{{"x":"{}"}}"#, "x".repeat(70))), Err(wide.clone()));
        assert_eq!(error(&format!(r#"{{"y":"{}"}}"#, "x".repeat(70_000))), Err(wide.clone()));
        assert_eq!(error(&format!(r#"{{"y":[{}]}}"#, vec!["1"; 70_000].join(","))), Err(wide));
    }
}
