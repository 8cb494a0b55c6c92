//! The rows in the document, each a slot that shows one learner at a time.
//!
//! A slot whose learner goes out of sight is filled anew with one who comes in sight: to make and remove the elements of a row
//! takes the browser a good part of the time that it has for a frame.

use std::collections::HashMap;

/// One row in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Stays the same for as long as the slot is in the document.
    pub id: u32,
    pub shown: Standing,
}

/// Where a learner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// On the board, counted from 0.
    pub position: u32,
    /// In the list of rows.
    pub place: u32,
}

/// Shows `wanted`, each learner once. Who is shown already keeps the slot, and with it the focus that may be there; the other
/// slots are filled anew. Slots keep their order, those that are missing come last, those that are left over go.
pub fn fill(before: &[Slot], wanted: &[Standing]) -> Vec<Slot> {
    let mut missing: HashMap<u32, Standing> = wanted.iter().map(|shown| (shown.place, *shown)).collect();
    let kept: Vec<(u32, Option<Standing>)> =
        before.iter().map(|slot| (slot.id, missing.remove(&slot.shown.place))).collect();
    let mut coming = wanted.iter().copied().filter(|shown| missing.contains_key(&shown.place));
    let mut slots: Vec<Slot> = kept
        .into_iter()
        .filter_map(|(id, kept)| kept.or_else(|| coming.next()).map(|shown| Slot { id, shown }))
        .collect();
    let unused = before.iter().map(|slot| slot.id + 1).max().unwrap_or_default();
    slots.extend((unused..).zip(coming).map(|(id, shown)| Slot { id, shown }));
    slots
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn standings(places: &[u32]) -> Vec<Standing> {
        (0..).zip(places).map(|(position, place)| Standing { position, place: *place }).collect()
    }

    fn shown(slots: &[Slot]) -> Vec<(u32, u32)> {
        slots.iter().map(|slot| (slot.id, slot.shown.place)).collect()
    }

    #[test]
    fn scrolling_fills_the_slot_of_who_went_out_of_sight() {
        let first = fill(&[], &standings(&[7, 8, 9]));
        assert_eq!(shown(&first), [(0, 7), (1, 8), (2, 9)]);
        assert_eq!(shown(&fill(&first, &standings(&[8, 9, 4]))), [(0, 4), (1, 8), (2, 9)]);
    }

    #[test]
    fn slots_come_and_go_with_the_height_of_the_window() {
        let first = fill(&[], &standings(&[7, 8]));
        let more = fill(&first, &standings(&[7, 1, 8, 2]));
        assert_eq!(shown(&more), [(0, 7), (1, 8), (2, 1), (3, 2)]);
        assert_eq!(shown(&fill(&more, &standings(&[1]))), [(2, 1)]);
    }

    proptest! {
        #[test]
        fn every_learner_is_shown_once_and_who_stays_keeps_the_slot(
            before in proptest::collection::btree_set(0_u32..40, 0..20),
            wanted in proptest::collection::btree_set(0_u32..40, 0..20),
        ) {
            let first = fill(&[], &standings(&before.into_iter().collect::<Vec<_>>()));
            let wanted = standings(&wanted.into_iter().collect::<Vec<_>>());
            let slots = fill(&first, &wanted);
            let mut now: Vec<Standing> = slots.iter().map(|slot| slot.shown).collect();
            now.sort_by_key(|shown| shown.position);
            prop_assert_eq!(&now, &wanted);
            let ids: std::collections::HashSet<u32> = slots.iter().map(|slot| slot.id).collect();
            prop_assert_eq!(ids.len(), slots.len());
            for slot in &first {
                if let Some(stays) = slots.iter().find(|now| now.shown.place == slot.shown.place) {
                    prop_assert_eq!(stays.id, slot.id);
                }
            }
            // No row is made while one could be filled anew.
            let made = slots.iter().filter(|slot| first.iter().all(|before| before.id != slot.id)).count();
            prop_assert_eq!(made, slots.len().saturating_sub(first.len()));
        }
    }
}
