//! Names as small numbers: steps, checks, causes and hints are few, and ten thousand learners share them.

use std::sync::Arc;

use indexmap::IndexSet;

/// All names seen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(IndexSet<Arc<str>>);

/// A name's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NameId(u32);

impl Names {
    /// The number of this name, a new one if it has none.
    pub(crate) fn id(&mut self, name: &str) -> NameId {
        let index = match self.0.get_index_of(name) {
            Some(index) => index,
            None => self.0.insert_full(Arc::from(name)).0,
        };
        // Four billion names would not fit into memory.
        NameId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    pub(crate) fn text(&self, id: NameId) -> &str {
        self.0.get_index(id.0 as usize).map_or("", |name| name)
    }

    pub(crate) fn owned(&self, id: NameId) -> String {
        self.text(id).to_owned()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
