//! Reading the document part by part.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::audit::MAX_PART_BYTES;
use crate::audit::error::AuditError;
use crate::audit::verifying::Verifier;
use crate::points::PointsScheme;

/// A reader that gives up when a part is too long.
pub(crate) struct Bounded<'a, R> {
    pub reader: R,
    /// How much longer the present part may be; 0 once it was too long.
    pub left: &'a Cell<u64>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let left = self.left.get().saturating_sub(read as u64);
        self.left.set(left);
        if left == 0 { Err(io::Error::other("a part is too long")) } else { Ok(read) }
    }
}

/// The whole document, its fields in the order in which they are written.
pub(crate) struct Document<'a, 'n> {
    pub verifier: &'a mut Verifier<'n>,
    pub left: &'a Cell<u64>,
}

/// One of the two long lists.
struct List<'a, 'n> {
    verifier: &'a mut Verifier<'n>,
    left: &'a Cell<u64>,
    take: fn(&mut Verifier<'n>, &Value) -> Result<(), AuditError>,
}

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the export of a class")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let format: String = self.field(&mut map, "format")?;
        note(self.verifier, |verifier| verifier.format(&format))?;
        let class = self.field(&mut map, "class")?;
        let exported_ms = self.field(&mut map, "exported_ms")?;
        self.verifier.begin(class, exported_ms);
        self.list(&mut map, "log", Verifier::entry)?;
        let head = self.field(&mut map, "head")?;
        let scheme: Option<PointsScheme> = self.field(&mut map, "scheme")?;
        note(self.verifier, |verifier| verifier.end_of_log(&head, scheme.as_ref()))?;
        self.list(&mut map, "learners", Verifier::learner)?;
        let sum = self.field(&mut map, "sha256")?;
        note(self.verifier, |verifier| verifier.end(sum))?;
        self.left.set(MAX_PART_BYTES);
        match map.next_key::<String>()? {
            Some(key) => Err(A::Error::custom(format!("a field {key:?} that should not be there"))),
            None => Ok(()),
        }
    }
}

impl Document<'_, '_> {
    fn field<'de, A: MapAccess<'de>, T: Deserialize<'de>>(&mut self, map: &mut A, name: &str) -> Result<T, A::Error> {
        self.key(map, name)?;
        map.next_value()
    }

    fn key<'de, A: MapAccess<'de>>(&mut self, map: &mut A, name: &str) -> Result<(), A::Error> {
        self.left.set(MAX_PART_BYTES);
        match map.next_key::<String>()? {
            Some(key) if key == name => Ok(()),
            Some(key) => Err(A::Error::custom(format!("a field {key:?} where {name:?} was due"))),
            None => Err(A::Error::custom(format!("no field {name:?}"))),
        }
    }
}

impl<'n> Document<'_, 'n> {
    fn list<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        name: &str,
        take: fn(&mut Verifier<'n>, &Value) -> Result<(), AuditError>,
    ) -> Result<(), A::Error> {
        self.key(map, name)?;
        map.next_value_seed(List { verifier: self.verifier, left: self.left, take })
    }
}

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        loop {
            self.left.set(MAX_PART_BYTES);
            let Some(value) = list.next_element()? else { return Ok(()) };
            note(self.verifier, |verifier| (self.take)(verifier, &value))?;
        }
    }
}

/// Lets the verifier keep its finding, since reading can only be ended with an error of the reader's own kind.
fn note<'n, E: serde::de::Error>(
    verifier: &mut Verifier<'n>,
    verify: impl FnOnce(&mut Verifier<'n>) -> Result<(), AuditError>,
) -> Result<(), E> {
    verify(verifier).map_err(|finding| {
        verifier.finding = Some(finding);
        E::custom("not intact")
    })
}
