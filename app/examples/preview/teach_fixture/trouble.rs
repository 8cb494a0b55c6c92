//! Who needs help in the preview.

use super::{NOW, TeachScene, row, steps};
use app::model::teach::{
    ClassView, ClusterView, HelpItemView, HelpState, HelpSubject, HelpView, LearnerLink, SuggestionView,
};

pub fn help(class: ClassView, scene: TeachScene) -> HelpView {
    let rows: Vec<_> = (0..scene.learners().min(300)).map(|number| row(number, 0)).collect();
    let steps = steps();
    let mut open: Vec<HelpItemView> = rows
        .iter()
        .filter(|row| row.hand.is_some() || row.stuck)
        .filter_map(|row| {
            let place = row.current()?;
            let (step, cell) = (steps.get(place)?, row.cells.get(place)?);
            let subject = if row.hand.is_some() { HelpSubject::Hand } else { HelpSubject::Step(step.slug.clone()) };
            Some(HelpItemView {
                learner: LearnerLink { id: row.learner.clone(), name: row.name.clone() },
                reason: if row.hand.is_some() {
                    String::new()
                } else {
                    format!("attempt {}, and it is still set differently", cell.attempts)
                },
                subject,
                step_number: step.number,
                step_title: step.title.clone(),
                since: row.hand.or(cell.opened_at).unwrap_or(NOW),
                state: HelpState::Open,
                hinted_at: None,
                suggestions: suggestions(),
            })
        })
        .collect();
    open.sort_by_key(|item| item.since);
    if let Some(first) = open.first_mut() {
        first.state = HelpState::Reopened { by: "Mira Lind".to_owned(), at: NOW - 120 };
        first.hinted_at = Some(NOW - 400);
    }
    let resolved = rows.iter().take(2).map(|row| HelpItemView {
        learner: LearnerLink { id: row.learner.clone(), name: row.name.clone() },
        subject: HelpSubject::Hand,
        step_number: 1,
        step_title: "Delivery stream".to_owned(),
        reason: String::new(),
        since: NOW - 1500,
        state: HelpState::Resolved { by: "Mira Lind".to_owned(), at: NOW - 900 },
        hinted_at: Some(NOW - 1000),
        suggestions: Vec::new(),
    });
    let cluster =
        |id: &str, number: u32, title: &str, cause: &str, check: &str, count: usize, of: u32, minutes: u64| {
            ClusterView {
                id: id.to_owned(),
                step_number: number,
                step_title: title.to_owned(),
                cause: cause.to_owned(),
                check_title: check.to_owned(),
                is_learners: true,
                learners: rows
                    .iter()
                    .take(count)
                    .map(|row| LearnerLink { id: row.learner.clone(), name: row.name.clone() })
                    .collect(),
                of,
                median_seconds: minutes * 60,
                hinted_at: (number == 3).then_some(NOW - 600),
                suggestions: suggestions(),
            }
        };
    HelpView {
        class,
        read_at: NOW,
        clusters: if rows.is_empty() {
            Vec::new()
        } else {
            vec![
                cluster(
                    "delivery-stream.prefix.slash",
                    1,
                    "Delivery stream",
                    "S3 prefix",
                    "Objects go under the prefix clicks/",
                    11,
                    30,
                    9,
                ),
                cluster(
                    "preprocess.batch.shape",
                    3,
                    "Preprocess",
                    "Answer of the function",
                    "A synthetic batch comes back right",
                    4,
                    9,
                    17,
                ),
            ]
        },
        resolved: resolved.collect(),
        open,
    }
}

/// What the lab would say.
pub fn suggestions() -> Vec<SuggestionView> {
    [
        ("A nudge", "Firehose puts the date right behind the prefix. What has to stand between the two?"),
        ("Nearly the answer", "The prefix has to end with a slash: clicks/"),
    ]
    .map(|(title, text)| SuggestionView { title: title.to_owned(), text: text.to_owned() })
    .into()
}
