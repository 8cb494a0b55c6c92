//! Slows down who tries passwords for one login from many addresses; one address that tries many is held up elsewhere.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many attempts may fail before the next has to wait.
const FREE: u32 = 5;
/// The wait after the first that is too many; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// After so long without an attempt the count begins anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 60);
/// Logins that are remembered; then the one that was tried longest ago is forgotten.
const LOGINS: usize = 10_000;

/// Attempts that have not succeeded, by login.
#[derive(Default)]
pub(super) struct Failures(Mutex<HashMap<String, Failed>>);

struct Failed {
    attempts: u32,
    last: Instant,
    barred_until: Instant,
}

impl Failures {
    /// Counts an attempt, which fails until [`Self::forget`] is called. False when it is too early for one.
    pub(super) fn begin(&self, login: &str) -> bool {
        self.begin_at(login, Instant::now())
    }

    /// An attempt has succeeded.
    pub(super) fn forget(&self, login: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(login);
    }

    fn begin_at(&self, login: &str, now: Instant) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(login) && all.len() >= LOGINS {
            all.retain(|_, failed| now < failed.last + FORGOTTEN_AFTER);
            let oldest = all.iter().min_by_key(|(_, failed)| failed.last).map(|(login, _)| login.clone());
            if let Some(oldest) = oldest.filter(|_| all.len() >= LOGINS) {
                all.remove(&oldest);
            }
        }
        let new = || Failed { attempts: 0, last: now, barred_until: now };
        let failed = all.entry(login.to_owned()).or_insert_with(new);
        if now < failed.barred_until {
            return false;
        }
        if now >= failed.last + FORGOTTEN_AFTER {
            failed.attempts = 0;
        }
        failed.attempts = failed.attempts.saturating_add(1);
        failed.last = now;
        if let Some(doublings) = failed.attempts.checked_sub(FREE) {
            let wait = FIRST_WAIT.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX));
            failed.barred_until = now + wait.min(LONGEST_WAIT);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_some_failures_each_attempt_waits_longer() {
        let failures = Failures::default();
        let begin = Instant::now();
        assert!((0..FREE).all(|_| failures.begin_at("ada", begin)));
        assert!(!failures.begin_at("ada", begin), "too early");
        assert!(failures.begin_at("grace", begin), "another login is not held up");
        let after = begin + FIRST_WAIT;
        assert!(failures.begin_at("ada", after));
        assert!(!failures.begin_at("ada", after + FIRST_WAIT), "the wait has doubled");
        assert!(failures.begin_at("ada", after + FIRST_WAIT * 2));
    }

    #[test]
    fn success_and_time_begin_anew() {
        let failures = Failures::default();
        let begin = Instant::now();
        (0..FREE).for_each(|_| assert!(failures.begin_at("ada", begin)));
        failures.forget("ada");
        (0..FREE).for_each(|_| assert!(failures.begin_at("ada", begin)));
        let later = begin + FORGOTTEN_AFTER;
        (0..FREE).for_each(|_| assert!(failures.begin_at("ada", later)));
        assert!(!failures.begin_at("ada", later));
    }

    #[test]
    fn no_more_logins_are_remembered_than_fit() {
        let failures = Failures::default();
        let begin = Instant::now();
        for number in 0..LOGINS + 10 {
            assert!(failures.begin_at(&number.to_string(), begin + Duration::from_millis(number as u64)));
        }
        let all = failures.0.lock().unwrap();
        assert_eq!(all.len(), LOGINS);
        assert!(!all.contains_key("0") && all.contains_key("10"));
    }
}
