//! Attribute values and items, and how they are written in JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::number::Number;

/// Levels of lists and maps that a value may be nested in.
pub const DEEPEST_NESTING: usize = 32;

/// An item, or a part of one: attribute values by name.
pub type Item = BTreeMap<String, AttributeValue>;

/// A value with its type, as in the API's `AttributeValue`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    S(String),
    N(Number),
    B(Vec<u8>),
    Bool(bool),
    Null,
    Ss(BTreeSet<String>),
    Ns(BTreeSet<Number>),
    Bs(BTreeSet<Vec<u8>>),
    L(Vec<Self>),
    M(Item),
}

/// An attribute value as a request has it: well-formed JSON, but what is in it may break a rule of DynamoDB, which is
/// then told in DynamoDB's words (for a `ValidationException`).
#[derive(Clone, Debug)]
pub struct GivenValue(pub Result<AttributeValue, String>);

/// Items as a request has them; see [`GivenValue`].
#[derive(Clone, Debug, Default)]
pub struct GivenItem(pub BTreeMap<String, GivenValue>);

impl AttributeValue {
    /// The name of the type as it is written in JSON.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
            Self::L(_) => "L",
            Self::M(_) => "M",
        }
    }

    /// The value's share of an item's size in bytes.
    pub fn size(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size(),
            Self::B(bytes) => bytes.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::Ss(set) => set.iter().map(String::len).sum(),
            Self::Ns(set) => set.iter().map(|number| number.size()).sum(),
            Self::Bs(set) => set.iter().map(Vec::len).sum(),
            Self::L(list) => 3 + list.iter().map(|value| 1 + value.size()).sum::<usize>(),
            Self::M(map) => 3 + map.iter().map(|(name, value)| 1 + name.len() + value.size()).sum::<usize>(),
        }
    }

    /// How many levels of lists and maps the value is made of; 0 for a scalar or a set.
    pub fn depth(&self) -> usize {
        match self {
            Self::L(list) => 1 + list.iter().map(Self::depth).max().unwrap_or(0),
            Self::M(map) => 1 + map.values().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }
}

/// The size of an item in bytes, names and values, by the rule of "DynamoDB item sizes and formats".
pub fn item_size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size()).sum()
}

impl GivenItem {
    /// The item, or the first fault found in it.
    pub fn checked(self) -> Result<Item, String> {
        self.0.into_iter().map(|(name, value)| Ok((name, value.0?))).collect()
    }
}

impl Serialize for AttributeValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::S(text) => map.serialize_entry("S", text)?,
            Self::N(number) => map.serialize_entry("N", &number.to_string())?,
            Self::B(bytes) => map.serialize_entry("B", &STANDARD.encode(bytes))?,
            Self::Bool(value) => map.serialize_entry("BOOL", value)?,
            Self::Null => map.serialize_entry("NULL", &true)?,
            Self::Ss(set) => map.serialize_entry("SS", set)?,
            Self::Ns(set) => map.serialize_entry("NS", &set.iter().map(Number::to_string).collect::<Vec<_>>())?,
            Self::Bs(set) => {
                map.serialize_entry("BS", &set.iter().map(|bytes| STANDARD.encode(bytes)).collect::<Vec<_>>())?;
            }
            Self::L(list) => map.serialize_entry("L", list)?,
            Self::M(item) => map.serialize_entry("M", item)?,
        }
        map.end()
    }
}

/// Reads a value that this crate wrote itself, or one whose faults need not be told apart from malformed JSON.
impl<'de> Deserialize<'de> for AttributeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        GivenValue::deserialize(deserializer)?.0.map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for GivenItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for GivenValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(GivenValueVisitor).map(Self)
    }
}

struct GivenValueVisitor;

impl<'de> Visitor<'de> for GivenValueVisitor {
    type Value = Result<AttributeValue, String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an attribute value such as {\"S\": \"text\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut value = None;
        while let Some(type_name) = map.next_key::<String>()? {
            let next = read_typed(&type_name, &mut map)?;
            let Some(next) = next else { continue };
            value = Some(match value {
                None => next,
                Some(_) => Err("Supplied AttributeValue has more than one datatypes set, must contain exactly one of \
                                the supported datatypes"
                    .to_owned()),
            });
        }
        Ok(value.unwrap_or_else(|| {
            Err("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned())
        }))
    }
}

/// Reads the member `type_name`; `None` when it is null or unknown, which AWS's protocol ignores.
fn read_typed<'de, A: MapAccess<'de>>(
    type_name: &str,
    map: &mut A,
) -> Result<Option<Result<AttributeValue, String>>, A::Error> {
    Ok(match type_name {
        "S" => map.next_value::<Option<String>>()?.map(|text| Ok(AttributeValue::S(text))),
        "N" => map.next_value::<Option<String>>()?.map(|text| parse_number(&text).map(AttributeValue::N)),
        "B" => match map.next_value::<Option<String>>()? {
            Some(text) => Some(Ok(AttributeValue::B(decode(&text)?))),
            None => None,
        },
        "BOOL" => map.next_value::<Option<bool>>()?.map(|value| Ok(AttributeValue::Bool(value))),
        "NULL" => map.next_value::<Option<bool>>()?.map(|value| {
            if value {
                Ok(AttributeValue::Null)
            } else {
                Err("One or more parameter values were invalid: Null attribute value types must have the value of true"
                    .to_owned())
            }
        }),
        "SS" => map.next_value::<Option<Vec<String>>>()?.map(|list| set_of(list, "string").map(AttributeValue::Ss)),
        "NS" => map.next_value::<Option<Vec<String>>>()?.map(|list| {
            let numbers = list.iter().map(|text| parse_number(text)).collect::<Result<Vec<_>, _>>()?;
            set_of(numbers, "number").map(AttributeValue::Ns)
        }),
        "BS" => match map.next_value::<Option<Vec<String>>>()? {
            Some(list) => {
                let decoded = list.iter().map(|text| decode(text)).collect::<Result<Vec<_>, _>>()?;
                Some(set_of(decoded, "binary").map(AttributeValue::Bs))
            }
            None => None,
        },
        "L" => map.next_value::<Option<Vec<GivenValue>>>()?.map(|list| {
            let list = list.into_iter().map(|value| value.0).collect::<Result<_, _>>();
            list.map(AttributeValue::L)
        }),
        "M" => map.next_value::<Option<GivenItem>>()?.map(|item| item.checked().map(AttributeValue::M)),
        _ => {
            map.next_value::<de::IgnoredAny>()?;
            None
        }
    })
}

fn parse_number(text: &str) -> Result<Number, String> {
    Number::parse(text).map_err(|error| error.to_string())
}

fn decode<E: de::Error>(text: &str) -> Result<Vec<u8>, E> {
    STANDARD.decode(text).map_err(|error| E::custom(format!("a binary value is not base64: {error}")))
}

fn set_of<T: Ord>(list: Vec<T>, kind: &str) -> Result<BTreeSet<T>, String> {
    if list.is_empty() {
        return Err(format!("One or more parameter values were invalid: An {kind} set  may not be empty"));
    }
    let given = list.len();
    let set: BTreeSet<T> = list.into_iter().collect();
    if set.len() == given {
        Ok(set)
    } else {
        Err("One or more parameter values were invalid: Input collection contains duplicates.".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(json: &str) -> Result<AttributeValue, String> {
        serde_json::from_str::<GivenValue>(json).unwrap().0
    }

    #[test]
    fn every_type_is_written_as_it_was_read() {
        for json in [
            r#"{"S":"ä"}"#,
            r#"{"S":""}"#,
            r#"{"N":"-1.5"}"#,
            r#"{"B":"AAEC"}"#,
            r#"{"BOOL":false}"#,
            r#"{"NULL":true}"#,
            r#"{"SS":["a","b"]}"#,
            r#"{"NS":["-2","10"]}"#,
            r#"{"BS":["AA==","AQ=="]}"#,
            r#"{"L":[{"S":"a"},{"L":[]}]}"#,
            r#"{"M":{"a":{"M":{}},"b":{"N":"1"}}}"#,
        ] {
            assert_eq!(serde_json::to_string(&given(json).unwrap()).unwrap(), json);
        }
    }

    #[test]
    fn faults_are_told_in_dynamodbs_words() {
        for (json, words) in [
            ("{}", "is empty, must contain exactly one"),
            (r#"{"S":"a","N":"1"}"#, "more than one datatypes set"),
            (r#"{"N":"x"}"#, "cannot be converted to a numeric value: x"),
            (r#"{"NULL":false}"#, "must have the value of true"),
            (r#"{"SS":[]}"#, "string set  may not be empty"),
            (r#"{"NS":["1","1.0"]}"#, "contains duplicates"),
            (r#"{"M":{"a":{"L":[{"N":""}]}}}"#, "cannot be converted to a numeric value"),
        ] {
            let message = given(json).unwrap_err();
            assert!(message.contains(words), "{json}: {message}");
        }
        assert!(serde_json::from_str::<GivenValue>(r#"{"B":"!"}"#).is_err());
        assert!(serde_json::from_str::<GivenValue>(r#"{"S":1}"#).is_err());
    }

    #[test]
    fn sizes_follow_the_developer_guide() {
        let item: Item = serde_json::from_str(
            r#"{"id":{"S":"abc"},"n":{"N":"-12345"},"l":{"L":[{"BOOL":true}]},"m":{"M":{"k":{"NULL":true}}}}"#,
        )
        .unwrap();
        assert_eq!(item_size(&item), (2 + 3) + (1 + 3 + 1 + 1) + (1 + 3 + 1 + 1) + (1 + 3 + 1 + 1 + 1));
    }

    #[test]
    fn hostile_nesting_is_an_error_not_a_crash() {
        let json = format!("{}{}", r#"{"L":["#.repeat(5000), "]}".repeat(5000));
        assert!(serde_json::from_str::<GivenValue>(&json).is_err());
    }
}
