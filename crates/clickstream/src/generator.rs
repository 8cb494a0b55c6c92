//! An endless stream of clicks, the same for the same seed.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use crate::vocabulary::Vocabulary;
use crate::{Click, LinkKind};

/// Makes clicks as readers of an encyclopedia make them: some pages are far more visited than others, most visits come from
/// search engines or from nowhere known, and a third follows a link. One row is one click (`n` = 1).
#[derive(Clone, Debug)]
pub struct Generator {
    random: Xoshiro256PlusPlus,
}

/// How clicks come about, with their share in every thousand, modelled on the published monthly figures.
const SOURCES: [(Source, u32); 7] = [
    (Source::Elsewhere("other-search"), 385),
    (Source::Elsewhere("other-empty"), 255),
    (Source::Link, 270),
    (Source::Elsewhere("other-external"), 40),
    (Source::Elsewhere("other-internal"), 30),
    (Source::NoLink, 15),
    (Source::Elsewhere("other-other"), 5),
];

#[derive(Clone, Copy, Debug)]
enum Source {
    Link,
    NoLink,
    Elsewhere(&'static str),
}

impl Generator {
    /// A generator that makes the same clicks for the same seed.
    pub fn new(seed: u64) -> Self {
        Self { random: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    /// The next click; there is always one.
    pub fn next_click(&mut self) -> Click {
        let vocabulary = Vocabulary::get();
        let (prev, curr, kind) = match self.source() {
            Source::Elsewhere(source) => (source, vocabulary.draw(&mut self.random), LinkKind::External),
            Source::Link => {
                let prev = vocabulary.draw(&mut self.random);
                (vocabulary.title(prev), self.follow(vocabulary.links(prev)), LinkKind::Link)
            }
            Source::NoLink => {
                let prev = vocabulary.draw(&mut self.random);
                let curr = loop {
                    let curr = vocabulary.draw(&mut self.random);
                    if curr != prev && !vocabulary.links(prev).contains(&curr) {
                        break curr;
                    }
                };
                (vocabulary.title(prev), curr, LinkKind::Other)
            }
        };
        Click { prev: prev.to_owned(), curr: vocabulary.title(curr).to_owned(), kind, n: 1 }
    }

    fn source(&mut self) -> Source {
        let mut point = self.random.random_range(0..SOURCES.iter().map(|(_, share)| share).sum());
        for (source, share) in SOURCES {
            if point < share {
                return source;
            }
            point -= share;
        }
        Source::Link
    }

    /// Readers follow the first links of a page more often than the last.
    fn follow(&mut self, links: &[usize]) -> usize {
        let position = self.random.random::<f64>().powi(2) * links.len() as f64;
        links[(position as usize).min(links.len() - 1)]
    }
}

impl Iterator for Generator {
    type Item = Click;

    fn next(&mut self) -> Option<Click> {
        Some(self.next_click())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::vocabulary::PAGES;

    #[test]
    fn the_same_seed_makes_the_same_clicks() {
        let clicks = |seed| Generator::new(seed).take(1_000).collect::<Vec<_>>();
        assert_eq!(clicks(42), clicks(42));
        assert_ne!(clicks(42), clicks(43));
    }

    #[test]
    fn the_clicks_of_a_seed_stay_the_same_between_versions() {
        let rows: Vec<String> = Generator::new(42).take(4).map(|click| click.to_string()).collect();
        insta::assert_snapshot!(rows.join("\n"), @"");
    }

    #[test]
    fn sources_have_their_shares_and_the_right_type() {
        let mut counts: HashMap<String, u32> = HashMap::new();
        for click in Generator::new(1).take(100_000) {
            let source = if click.prev.starts_with("other-") {
                assert_eq!(click.kind, LinkKind::External, "{click}");
                click.prev
            } else {
                assert_ne!(click.kind, LinkKind::External, "{click}");
                click.kind.as_str().to_owned()
            };
            *counts.entry(source).or_default() += 1;
        }
        let expected = [
            ("other-search", 38_500),
            ("other-empty", 25_500),
            ("link", 27_000),
            ("other-external", 4_000),
            ("other-internal", 3_000),
            ("other", 1_500),
            ("other-other", 500),
        ];
        assert_eq!(counts.len(), expected.len());
        for (source, count) in expected {
            assert!(counts[source].abs_diff(count) < count / 10 + 100, "{source}: {}", counts[source]);
        }
    }

    #[test]
    fn a_link_is_one_of_the_page_and_other_is_not() {
        let vocabulary = Vocabulary::get();
        let pages: HashMap<&str, usize> = (0..PAGES).map(|page| (vocabulary.title(page), page)).collect();
        for click in Generator::new(2).take(20_000).filter(|click| click.kind != LinkKind::External) {
            let linked = vocabulary.links(pages[click.prev.as_str()]).contains(&pages[click.curr.as_str()]);
            assert_eq!(linked, click.kind == LinkKind::Link, "{click}");
        }
    }

    #[test]
    fn few_pages_get_most_visits_and_many_get_some() {
        let mut visits: HashMap<String, u32> = HashMap::new();
        for click in Generator::new(3).take(50_000) {
            *visits.entry(click.curr).or_default() += 1;
        }
        let mut counts: Vec<u32> = visits.values().copied().collect();
        counts.sort_unstable_by(|left, right| right.cmp(left));
        let top_ten: u32 = counts[..10].iter().sum();
        assert!((8_000..25_000).contains(&top_ten), "{top_ten}");
        assert!(visits.len() > PAGES / 2, "{}", visits.len());
    }

    #[test]
    fn every_row_is_one_click_that_can_be_read_back() {
        let mut titles = HashSet::new();
        for click in Generator::new(4).take(10_000) {
            let mut line = Vec::new();
            click.encode(&mut line);
            assert_eq!(click.n, 1);
            titles.insert(click.curr.clone());
            assert_eq!(Click::parse(&line), Ok(click));
        }
        assert!(titles.iter().any(|title| title.contains(',')) && titles.iter().any(|title| !title.is_ascii()));
    }
}
