//! Something bounded that all accounts share, so that none of them can take it from the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::AccountId;

/// An amount of which accounts take parts. An account may hold as much as it leaves free, and never more than
/// `most_each`: however much the others hold, something is left for one that holds nothing. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct FairShare {
    total: usize,
    most_each: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_account: HashMap<AccountId, usize>,
}

/// A part that an account holds until this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    of: FairShare,
    account: AccountId,
    amount: usize,
}

impl FairShare {
    pub(crate) fn new(total: usize, most_each: usize) -> Self {
        Self { total, most_each, taken: Arc::default() }
    }

    /// A part of this for an account, at first of nothing.
    pub(crate) fn share(&self, account: &AccountId) -> Share {
        Share { of: self.clone(), account: account.clone(), amount: 0 }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn allows(&self, taken: &Taken, account: &AccountId, more: usize) -> bool {
        let own = taken.by_account.get(account).copied().unwrap_or_default().saturating_add(more);
        let all = taken.all.saturating_add(more);
        own <= self.most_each && all <= self.total && own <= self.total - all
    }
}

impl Share {
    /// Whether the account could take this much more now.
    pub(crate) fn could_grow(&self, more: usize) -> bool {
        self.of.allows(&self.of.taken(), &self.account, more)
    }

    /// Takes this much more, or nothing and answers false.
    pub(crate) fn grow(&mut self, more: usize) -> bool {
        let mut taken = self.of.taken();
        if !self.of.allows(&taken, &self.account, more) {
            return false;
        }
        taken.all += more;
        *taken.by_account.entry(self.account.clone()).or_default() += more;
        drop(taken);
        self.amount += more;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.of.taken();
        taken.all -= self.amount;
        if let Some(own) = taken.by_account.get_mut(&self.account) {
            *own -= self.amount;
            if *own == 0 {
                taken.by_account.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: usize) -> AccountId {
        format!("{number:012}").parse().unwrap()
    }

    #[test]
    fn an_account_leaves_as_much_as_it_takes() {
        let room = FairShare::new(100, 100);
        let mut hog = room.share(&account(1));
        assert!(hog.grow(50));
        assert!(!hog.grow(1));
        // Another share of the same account counts with it.
        assert!(!room.share(&account(1)).grow(1));
        let mut second = room.share(&account(2));
        assert!(!second.could_grow(26));
        assert!(second.grow(25));
        let mut third = room.share(&account(3));
        assert!(third.grow(12));
        drop(hog);
        assert!(third.grow(10));
    }

    #[test]
    fn an_account_has_a_bound_of_its_own() {
        let room = FairShare::new(100, 10);
        let mut share = room.share(&account(1));
        assert!(share.grow(10));
        assert!(!share.grow(1));
    }

    #[test]
    fn what_is_dropped_can_be_taken_again() {
        let room = FairShare::new(10, 10);
        for _ in 0..3 {
            assert!(room.share(&account(1)).grow(5));
        }
        assert_eq!(room.taken().all, 0);
        assert!(room.taken().by_account.is_empty());
    }
}
