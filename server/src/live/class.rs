//! What an open page is told of the learner's class.

use std::time::Duration;

use app::model::MembershipView;
use async_stream::stream;
use futures::Stream;
use lab::Engine;
use store::LearnerId;

use crate::class_news::{Subject, Subscription};
use crate::membership;
use crate::state::Headwater;

/// Without news the place in the class is read this often: time alone ends a class.
const LOOK: Duration = Duration::from_secs(15);
/// News of a class reaches the pages of all its learners, and comes with everyone who joins: what comes within this time is
/// read together. News of the learner is read at once.
const TOGETHER: Duration = Duration::from_secs(5);

/// The learner's place in the class now, and whenever it has changed.
pub fn places(headwater: Headwater, learner: LearnerId, engine: Engine) -> impl Stream<Item = Option<MembershipView>> {
    stream! {
        let mut own_news = headwater.class_news().subscribe(Subject::Learner(learner.clone()));
        let mut class_news = None;
        let mut shown = None;
        loop {
            match membership::place_of(&headwater, &learner, engine).await {
                Ok((class, place)) => {
                    let subject = class.map(Subject::Class);
                    if class_news.as_ref().map(Subscription::subject) != subject.as_ref() {
                        // What was told of this class meanwhile is not known: it is read once more.
                        class_news = subject.map(|subject| headwater.class_news().subscribe(subject));
                        continue;
                    }
                    if shown.as_ref() != Some(&place) {
                        shown = Some(place.clone());
                        yield place;
                    }
                }
                Err(error) => tracing::debug!(%error, "the place in a class could not be read"),
            }
            let of_class = async {
                match &mut class_news {
                    Some(news) => {
                        news.next().await;
                        tokio::time::sleep(TOGETHER).await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = own_news.next() => (),
                () = of_class => (),
                () = tokio::time::sleep(LOOK) => (),
            }
        }
    }
}
