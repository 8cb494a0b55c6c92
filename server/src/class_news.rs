//! Wakes the open pages of learners when the store tells news of them or their class.
//!
//! The store tells everything to everyone, hundreds of times a second while a class is at work. One task hears it, so that
//! a page is woken by what concerns it and by nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use store::{Change, ClassId, LearnerId, News};
use tokio::sync::watch;

/// Who waits for news of what. Cheap to clone.
#[derive(Clone, Default)]
pub struct ClassNews(Arc<Mutex<HashMap<Subject, watch::Sender<()>>>>);

/// What there may be news of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    Learner(LearnerId),
    Class(ClassId),
}

/// News of one subject from now on.
pub struct Subscription {
    subject: Subject,
    receiver: watch::Receiver<()>,
    all: ClassNews,
}

impl ClassNews {
    /// Passes the store's news on until there is no more.
    pub async fn pass_on(self, mut news: News) {
        while let Some(change) = news.next().await {
            match change {
                Change::Learner(learner) => self.tell(&Subject::Learner(learner)),
                Change::Class(class) => self.tell(&Subject::Class(class)),
                Change::Unknown => self.tell_all(),
                Change::Appended | Change::Sealed { .. } => (),
            }
        }
    }

    /// News of a subject from now on.
    pub fn subscribe(&self, subject: Subject) -> Subscription {
        let mut subjects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = subjects.entry(subject.clone()).or_insert_with(|| watch::Sender::new(())).subscribe();
        Subscription { subject, receiver, all: self.clone() }
    }

    fn tell(&self, subject: &Subject) {
        let subjects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = subjects.get(subject) {
            sender.send_replace(());
        }
    }

    fn tell_all(&self) {
        let subjects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        subjects.values().for_each(|sender| sender.send_modify(|()| ()));
    }
}

impl Subscription {
    /// What it is about.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Waits until there is news that was not waited for before.
    pub async fn next(&mut self) {
        if self.receiver.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut subjects = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        // This subscription's own receiver is still there.
        if subjects.get(&self.subject).is_some_and(|sender| sender.receiver_count() <= 1) {
            subjects.remove(&self.subject);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn only_whom_it_concerns_is_woken() {
        let news = ClassNews::default();
        let (one, other) = (LearnerId::generate(), LearnerId::generate());
        let mut ones = news.subscribe(Subject::Learner(one.clone()));
        let mut others = news.subscribe(Subject::Learner(other));
        assert_eq!(ones.next().now_or_never(), None, "nothing was told yet");
        news.tell(&Subject::Learner(one.clone()));
        news.tell(&Subject::Learner(one));
        assert_eq!(ones.next().now_or_never(), Some(()));
        assert_eq!(ones.next().now_or_never(), None, "twice is once");
        assert_eq!(others.next().now_or_never(), None);
        news.tell_all();
        assert_eq!(ones.next().now_or_never(), Some(()));
        assert_eq!(others.next().now_or_never(), Some(()));
    }

    #[test]
    fn what_nobody_waits_for_is_forgotten() {
        let news = ClassNews::default();
        let class = Subject::Class(ClassId::generate());
        let first = news.subscribe(class.clone());
        let second = news.subscribe(class.clone());
        drop(first);
        assert!(news.0.lock().unwrap().contains_key(&class), "one is left");
        drop(second);
        assert!(news.0.lock().unwrap().is_empty());
    }
}
