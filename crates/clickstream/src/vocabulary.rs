//! Page titles of a made-up encyclopedia and the links between them. Every title is formed by rule from syllables, the same in
//! every run, so that the most visited pages are the same whatever the seed of a generator.

use std::collections::HashSet;
use std::sync::LazyLock;

use rand::distr::Distribution as _;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// How many pages there are.
pub(crate) const PAGES: usize = 4_000;

/// The pages, from the most to the least visited.
pub(crate) struct Vocabulary {
    titles: Vec<String>,
    /// The pages that each page links to, the most followed first.
    links: Vec<Vec<usize>>,
    popularity: WeightedIndex<f64>,
}

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::form);

const ONSETS: &[&str] = &[
    "b", "br", "c", "ch", "d", "dr", "f", "g", "gr", "h", "j", "k", "kr", "l", "m", "n", "p", "pr", "qu", "r", "s",
    "sh", "st", "t", "th", "tr", "v", "w", "z", "ł", "ñ", "š", "ž", "ç",
];
const VOWELS: &[&str] =
    &["a", "e", "i", "o", "u", "a", "e", "i", "o", "ai", "ea", "ou", "á", "é", "í", "ö", "ü", "å", "ø"];
const CODAS: &[&str] = &["", "", "", "", "l", "n", "r", "s", "m", "nd", "rk", "x"];
const GREEK: &[&str] = &["α", "λε", "μο", "νι", "ρα", "σο", "τη", "κα", "θε", "πυ"];
const KANA: &[&str] = &["ア", "キ", "サ", "ト", "ナ", "ミ", "ユ", "ラ", "ロ", "ワ"];
const CALLINGS: &[&str] =
    &["astronomer", "botanist", "cyclist", "footballer", "novelist", "painter", "politician", "singer"];
const WORKS: &[&str] = &["album", "film", "novel", "opera", "TV_series", "video_game"];
const THINGS: &[&str] =
    &["airports", "bridges", "castles", "festivals", "islands", "lighthouses", "rivers", "volcanoes"];

impl Vocabulary {
    /// The one vocabulary.
    pub(crate) fn get() -> &'static Self {
        &VOCABULARY
    }

    /// The title of a page.
    pub(crate) fn title(&self, page: usize) -> &str {
        &self.titles[page]
    }

    /// The pages that a page links to, the most followed first; never empty, never the page itself.
    pub(crate) fn links(&self, page: usize) -> &[usize] {
        &self.links[page]
    }

    /// Draws a page by its popularity.
    pub(crate) fn draw(&self, random: &mut Xoshiro256PlusPlus) -> usize {
        self.popularity.sample(random)
    }

    fn form() -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(0x6865_6164_7761_7465);
        let mut titles = vec!["Main_Page".to_owned()];
        let mut seen: HashSet<String> = titles.iter().cloned().collect();
        while titles.len() < PAGES {
            let title = form_title(&mut random);
            if seen.insert(title.clone()) {
                titles.push(title);
            }
        }
        let popularity = zipf(PAGES);
        let links = (0..PAGES)
            .map(|page| {
                let count = random.random_range(4..24);
                let mut links = Vec::with_capacity(count);
                while links.len() < count {
                    let target = popularity.sample(&mut random);
                    if target != page && !links.contains(&target) {
                        links.push(target);
                    }
                }
                links
            })
            .collect();
        Self { titles, links, popularity }
    }
}

/// Weights as visits to an encyclopedia have them: the page of rank r gets about 1 / r, a little less at the very top.
fn zipf(pages: usize) -> WeightedIndex<f64> {
    WeightedIndex::new((1..=pages).map(|rank| 1.0 / (rank as f64 + 2.7)))
        .unwrap_or_else(|_| unreachable!("every weight is finite and above zero"))
}

fn form_title(random: &mut Xoshiro256PlusPlus) -> String {
    match random.random_range(0..100) {
        0..26 => format!("{}_{}", name(random), name(random)),
        26..34 => format!("{}_{}_({})", name(random), name(random), pick(CALLINGS, random)),
        34..42 => format!("{},_{}", name(random), name(random)),
        42..50 => format!("{}_({})", name(random), pick(WORKS, random)),
        50..54 => format!("{}_({}_film)", name(random), year(random)),
        54..58 => format!("List_of_{}_in_{}", pick(THINGS, random), name(random)),
        58..62 => format!("{}_in_{}", year(random), name(random)),
        62..66 => format!("Battle_of_{}", name(random)),
        66..70 => format!("University_of_{}", name(random)),
        70..74 => format!("Lake_{}", name(random)),
        74..78 => format!("{}_language", name(random)),
        78..82 => format!("{}–{}_War", name(random), name(random)),
        82..86 => format!("{}'s_theorem", name(random)),
        86..89 => format!("\"{}\"_{}", name(random), name(random)),
        89..92 => format!("{},_{}_&_{}", name(random), name(random), name(random)),
        92..94 => format!("{}_{}", spelled(GREEK, random), name(random)),
        94..96 => format!("{}_({})", spelled(KANA, random), pick(WORKS, random)),
        _ => name(random),
    }
}

fn name(random: &mut Xoshiro256PlusPlus) -> String {
    let syllables = random.random_range(2..4);
    let mut name = String::new();
    for _ in 0..syllables {
        name.push_str(pick(ONSETS, random));
        name.push_str(pick(VOWELS, random));
    }
    name.push_str(pick(CODAS, random));
    capitalised(&name)
}

fn spelled(syllables: &[&str], random: &mut Xoshiro256PlusPlus) -> String {
    let count = random.random_range(3..5);
    capitalised(&(0..count).map(|_| pick(syllables, random)).collect::<String>())
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn year(random: &mut Xoshiro256PlusPlus) -> u32 {
    random.random_range(1880..2027)
}

fn pick<'a>(choices: &[&'a str], random: &mut Xoshiro256PlusPlus) -> &'a str {
    choices.choose(random).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_have_the_characters_that_trip_programs_up() {
        let vocabulary = Vocabulary::get();
        let with = |found: fn(char) -> bool| vocabulary.titles.iter().filter(|title| title.contains(found)).count();
        assert!(with(|letter| letter == ',') > 100);
        assert!(with(|letter| letter == '(') > 100);
        assert!(with(|letter| letter == '"') > 20);
        assert!(with(|letter| letter == '\'') > 20);
        assert!(with(|letter| letter == '_') > 1_000);
        assert!(with(|letter| !letter.is_ascii()) > 1_000);
        assert_eq!(with(|letter| letter.is_whitespace() || letter.is_control()), 0);
    }

    #[test]
    fn titles_are_distinct_and_every_page_links_elsewhere() {
        let vocabulary = Vocabulary::get();
        assert_eq!(vocabulary.titles.iter().collect::<HashSet<_>>().len(), PAGES);
        for page in 0..PAGES {
            assert!(!vocabulary.links(page).is_empty());
            assert!(!vocabulary.links(page).contains(&page));
        }
    }
}
