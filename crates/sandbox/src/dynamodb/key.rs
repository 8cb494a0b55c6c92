//! Primary keys: which attributes they are made of, what is allowed in them, and how they are encoded so that bytes
//! compare as keys do.

use sha2::{Digest, Sha256};

use super::error::{invalid_parameter, validation};
use super::value::{AttributeValue, Item};
use crate::AwsError;

/// Bytes that a partition key's value may have.
const LARGEST_PARTITION_KEY: usize = 2048;
/// Bytes that a sort key's value may have.
const LARGEST_SORT_KEY: usize = 1024;
/// Bytes of hash at the start of an encoded partition key.
const HASH_LENGTH: usize = 4;

/// The type of a key attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    S,
    N,
    B,
}

/// A key attribute, as `KeySchema` and `AttributeDefinitions` tell it together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttribute {
    pub name: String,
    pub kind: KeyKind,
}

/// The key attributes of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySchema {
    /// The partition key (`HASH`).
    pub partition: KeyAttribute,
    /// The sort key (`RANGE`), if the table has one.
    pub sort: Option<KeyAttribute>,
}

/// An item's primary key, encoded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Four bytes of hash and the partition key's value.
    pub partition: Vec<u8>,
    /// The sort key's value; empty when the table has none.
    pub sort: Vec<u8>,
}

impl KeyKind {
    /// The type of that name, `S`, `N` or `B`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "S" => Some(Self::S),
            "N" => Some(Self::N),
            "B" => Some(Self::B),
            _ => None,
        }
    }

    /// The name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
        }
    }

    /// Whether the value is of this type.
    pub fn admits(self, value: &AttributeValue) -> bool {
        value.type_name() == self.name()
    }
}

impl KeySchema {
    /// The key attributes in the schema's order.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.partition).chain(&self.sort)
    }

    /// Whether the attribute is part of the key.
    pub fn contains(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }

    /// The key of a whole item, as `PutItem` is given it.
    pub fn key_of_item(&self, item: &Item) -> Result<Key, AwsError> {
        for attribute in self.attributes() {
            let value = item
                .get(&attribute.name)
                .ok_or_else(|| invalid_parameter(format!("Missing the key {} in the item", attribute.name)))?;
            if !attribute.kind.admits(value) {
                return Err(invalid_parameter(format!(
                    "Type mismatch for key {} expected: {} actual: {}",
                    attribute.name,
                    attribute.kind.name(),
                    value.type_name()
                )));
            }
        }
        self.encode(item)
    }

    /// The key that a parameter such as `Key` gives, which must have the key attributes and nothing else.
    pub fn key_of_key(&self, key: &Item) -> Result<Key, AwsError> {
        let fits =
            |attribute: &KeyAttribute| key.get(&attribute.name).is_some_and(|value| attribute.kind.admits(value));
        if key.len() != self.attributes().count() || !self.attributes().all(fits) {
            return Err(validation("The provided key element does not match the schema"));
        }
        self.encode(key)
    }

    /// Only the key attributes of an item.
    pub fn project(&self, item: &Item) -> Item {
        let attributes = self.attributes();
        attributes
            .filter_map(|attribute| item.get_key_value(&attribute.name))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }

    /// The encoded partition key for its value, which is of the right type.
    pub fn encode_partition(&self, value: &AttributeValue) -> Result<Vec<u8>, AwsError> {
        let encoded = encode(&self.partition.name, value)?;
        if encoded.len() > LARGEST_PARTITION_KEY {
            return Err(invalid_parameter(format!(
                "Size of hashkey has exceeded the maximum size limit of{LARGEST_PARTITION_KEY} bytes"
            )));
        }
        let mut key = Sha256::digest(&encoded)[..HASH_LENGTH].to_vec();
        key.extend(encoded);
        Ok(key)
    }

    /// The encoded sort key for its value, which is of the right type.
    pub fn encode_sort(&self, value: &AttributeValue) -> Result<Vec<u8>, AwsError> {
        let name = self.sort.as_ref().map_or("", |attribute| &attribute.name);
        let encoded = encode(name, value)?;
        if encoded.len() > LARGEST_SORT_KEY {
            return Err(invalid_parameter(format!(
                "Aggregated size of all range keys has exceeded the size limit of {LARGEST_SORT_KEY} bytes"
            )));
        }
        Ok(encoded)
    }

    fn encode(&self, item: &Item) -> Result<Key, AwsError> {
        let value = |attribute: &KeyAttribute| {
            let missing = || invalid_parameter(format!("Missing the key {} in the item", attribute.name));
            item.get(&attribute.name).ok_or_else(missing)
        };
        let partition = self.encode_partition(value(&self.partition)?)?;
        let sort = match &self.sort {
            Some(attribute) => self.encode_sort(value(attribute)?)?,
            None => Vec::new(),
        };
        Ok(Key { partition, sort })
    }
}

/// Less than or equal to every encoded sort key.
pub fn lowest_sort_key() -> Vec<u8> {
    Vec::new()
}

/// Greater than every encoded sort key.
pub fn beyond_sort_keys() -> Vec<u8> {
    vec![0xff; LARGEST_SORT_KEY + 1]
}

/// The least bytes greater than these.
pub fn successor(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.push(0);
    bytes
}

/// The least bytes greater than all that start with these, of those that can be a sort key.
pub fn prefix_end(mut prefix: Vec<u8>) -> Vec<u8> {
    while let Some(last) = prefix.pop() {
        if last < 0xff {
            prefix.push(last + 1);
            return prefix;
        }
    }
    beyond_sort_keys()
}

/// The range of encoded partition keys, from inclusive to exclusive, that belongs to a segment of a parallel scan.
pub fn segment_range(segment: u32, total_segments: u32) -> (Vec<u8>, Vec<u8>) {
    let boundary = |segment: u32| (u64::from(segment) << 32) / u64::from(total_segments);
    let encode = |boundary: u64| match u32::try_from(boundary) {
        Ok(hash) => hash.to_be_bytes().to_vec(),
        Err(_) => vec![0xff; HASH_LENGTH + LARGEST_PARTITION_KEY + 1],
    };
    (encode(boundary(segment)), encode(boundary(segment + 1)))
}

/// A key attribute's value as bytes that compare as the values do.
fn encode(name: &str, value: &AttributeValue) -> Result<Vec<u8>, AwsError> {
    let empty = |kind: &str| {
        validation(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
             {kind} value. Key: {name}"
        ))
    };
    match value {
        AttributeValue::S(text) if text.is_empty() => Err(empty("string")),
        AttributeValue::S(text) => Ok(text.as_bytes().to_vec()),
        AttributeValue::B(bytes) if bytes.is_empty() => Err(empty("binary")),
        AttributeValue::B(bytes) => Ok(bytes.clone()),
        AttributeValue::N(number) => Ok(number.sort_key().to_vec()),
        other => Err(AwsError::internal(format!("a key attribute of type {}", other.type_name()))),
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;
    use crate::dynamodb::number::Number;

    fn schema(kind: KeyKind) -> KeySchema {
        let partition = KeyAttribute { name: "p".to_owned(), kind };
        KeySchema { partition, sort: Some(KeyAttribute { name: "s".to_owned(), kind }) }
    }

    proptest! {
        #[test]
        fn encoded_strings_sort_by_utf8(left in ".{1,20}", right in ".{1,20}") {
            let encode = |text: &str| schema(KeyKind::S).encode_sort(&AttributeValue::S(text.to_owned())).unwrap();
            prop_assert_eq!(encode(&left).cmp(&encode(&right)), left.as_bytes().cmp(right.as_bytes()));
        }

        #[test]
        fn encoded_numbers_sort_by_value(left in -1000..1000_i32, right in -1000..1000_i32, power in -5..5_i32) {
            let encode = |n: i32| {
                let number = Number::parse(&format!("{n}E{power}")).unwrap();
                schema(KeyKind::N).encode_sort(&AttributeValue::N(number)).unwrap()
            };
            prop_assert_eq!(encode(left).cmp(&encode(right)), left.cmp(&right));
        }

        #[test]
        fn a_prefix_range_holds_what_starts_with_it(
            prefix in prop::collection::vec(prop_oneof![Just(0xff_u8), any::<u8>()], 1..5),
            key in prop::collection::vec(prop_oneof![Just(0xff_u8), any::<u8>()], 1..8),
        ) {
            let within = key >= prefix && key < prefix_end(prefix.clone());
            prop_assert_eq!(within, key.starts_with(&prefix));
        }

        #[test]
        fn nothing_lies_between_bytes_and_their_successor(left: Vec<u8>, right: Vec<u8>) {
            prop_assert_eq!(right >= successor(left.clone()), right.cmp(&left) == Ordering::Greater);
        }

        #[test]
        fn each_hash_is_in_one_segment(hash in any::<u32>(), total in 1..2000_u32) {
            let key = [hash.to_be_bytes().as_slice(), b"key"].concat();
            let holders = (0..total).filter(|&segment| {
                let (from, to) = segment_range(segment, total);
                from <= key && key < to
            });
            prop_assert_eq!(holders.count(), 1);
        }
    }

    #[test]
    fn keys_are_bounded_and_never_empty() {
        let encode = |length: usize| schema(KeyKind::S).encode_sort(&AttributeValue::S("x".repeat(length)));
        assert!(encode(1024).is_ok());
        assert!(encode(1025).unwrap_err().message.contains("exceeded the size limit of 1024 bytes"));
        assert!(encode(0).unwrap_err().message.ends_with("cannot contain an empty string value. Key: s"));
        let partition = |length: usize| schema(KeyKind::B).encode_partition(&AttributeValue::B(vec![0; length]));
        assert!(partition(2048).is_ok());
        assert!(partition(2049).unwrap_err().message.contains("Size of hashkey has exceeded"));
        assert!(partition(0).unwrap_err().message.contains("empty binary value"));
    }
}
