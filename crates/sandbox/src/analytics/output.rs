//! Rows of an output stream to the records that its destination gets.

use bytes::Bytes;

use super::model::RecordFormatType;
use super::sql::{Column, Row, SqlType, Value};

/// One row as JSON object `{"column":value,...}` in the order of the columns, or as comma-separated text with a line end.
///
/// Timestamps are `2026-11-24 19:00:00.000` (UTC). CSV has no quoting, as the input has none.
pub(super) fn encode_row(columns: &[Column], row: &Row, format: RecordFormatType) -> Bytes {
    let mut text = Vec::with_capacity(128);
    match format {
        RecordFormatType::Json => {
            text.push(b'{');
            for (index, (column, value)) in columns.iter().zip(&row.values).enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                append_json_string(&mut text, &column.name);
                text.push(b':');
                append_json_value(&mut text, value, column.sql_type);
            }
            text.push(b'}');
        }
        RecordFormatType::Csv => {
            for (index, (column, value)) in columns.iter().zip(&row.values).enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                text.extend_from_slice(plain(value, column.sql_type).as_bytes());
            }
            text.push(b'\n');
        }
    }
    Bytes::from(text)
}

fn append_json_value(text: &mut Vec<u8>, value: &Value, sql_type: SqlType) {
    match value {
        Value::Null => text.extend_from_slice(b"null"),
        Value::Boolean(true) => text.extend_from_slice(b"true"),
        Value::Boolean(false) => text.extend_from_slice(b"false"),
        Value::Integer(_) | Value::Decimal(_) | Value::Double(_) => {
            text.extend_from_slice(plain(value, sql_type).as_bytes());
        }
        Value::Text(value) => append_json_string(text, value),
        Value::Timestamp(_) | Value::Date(_) | Value::Interval(_) => append_json_string(text, &value.to_string()),
    }
}

fn append_json_string(text: &mut Vec<u8>, value: &str) {
    // writing to memory does not fail, and a string has always a JSON form
    let _ = serde_json::to_writer(text, value);
}

/// The value as text; a REAL in as few digits as tell it from its neighbours.
fn plain(value: &Value, sql_type: SqlType) -> String {
    match (value, sql_type) {
        (Value::Double(number), SqlType::Real) => format!("{:?}", *number as f32),
        (value, _) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> (Vec<Column>, Row) {
        let columns = [
            ("metric", SqlType::Varchar(32), Value::text("caf\u{e9} \"au\nlait\"")),
            ("window_end", SqlType::Timestamp, Value::Timestamp(1_795_546_800_000)),
            ("amount", SqlType::BigInt, Value::Integer(1234)),
            ("ratio", SqlType::Real, Value::Double(f64::from(0.1_f32))),
            ("none", SqlType::Integer, Value::Null),
            ("flag", SqlType::Boolean, Value::Boolean(true)),
        ];
        let (columns, values): (Vec<Column>, Vec<Value>) = columns
            .into_iter()
            .map(|(name, sql_type, value)| (Column { name: name.to_owned(), sql_type }, value))
            .unzip();
        (columns, Row { rowtime: 0, arrival: 0, values: values.into_boxed_slice() })
    }

    #[test]
    fn a_json_record_is_one_object_in_the_order_of_the_columns() {
        let (columns, row) = row();
        let record = encode_row(&columns, &row, RecordFormatType::Json);
        insta::assert_snapshot!(String::from_utf8(record.to_vec()).unwrap(),
            @r#"{"metric":"café \"au\nlait\"","window_end":"2026-11-24 19:00:00.000","amount":1234,"ratio":0.1,"none":null,"flag":true}"#);
    }

    #[test]
    fn a_csv_record_is_one_line() {
        let (columns, row) = row();
        let record = encode_row(&columns[1..], &Row { values: row.values[1..].into(), ..row }, RecordFormatType::Csv);
        assert_eq!(record.as_ref(), b"2026-11-24 19:00:00.000,1234,0.1,,TRUE\n");
    }
}
