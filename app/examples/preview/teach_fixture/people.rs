//! Learners who are made up, the same each time.

use super::{NOW, steps};
use app::model::teach::{CellState, CellView, Points, RowView};

const FIRST: [&str; 20] = [
    "Ada", "Bo", "Chidi", "Dilek", "Elena", "Farid", "Grace", "Hana", "Ivo", "Juno", "Kofi", "Lena", "Mateo", "Nils",
    "Oyelaran", "Priya", "Quentin", "Rosa", "Sami", "Tove",
];
const LAST: [&str; 17] = [
    "Park",
    "Okafor",
    "Lind",
    "Moreau",
    "Silva",
    "Novák",
    "Tanaka",
    "Haas",
    "Ferreira",
    "Yıldız",
    "Berg",
    "Kaur",
    "Costa",
    "Ito",
    "Nowak",
    "Mensah",
    "Vandenbroucke-Castellanos",
];

/// One learner. Each tick the learner is a bit further on.
pub fn row(number: u32, tick: u32) -> RowView {
    let mut dice = Dice(u64::from(number) * 7919 + 17);
    let pace = dice.roll(8);
    let begun = steps().len() as u32;
    let passed = (pace + tick / 3).min(begun) as usize;
    let trouble = dice.roll(5);
    let assisted = dice.roll(9) == 0;
    let attempts = dice.roll(6) + tick % 3;
    let minutes = i64::from(dice.roll(28)) + 1;
    let cells: Vec<CellView> = steps()
        .iter()
        .enumerate()
        .map(|(place, step)| {
            if place < passed {
                let opened_at = NOW - 3300 + place as i64 * 420;
                return CellView {
                    state: if place == 1 && number % 11 == 3 { CellState::Changed } else { CellState::Passed },
                    opened_at: Some(opened_at),
                    passed_at: Some(opened_at + 60 + i64::from(dice.roll(600))),
                    attempts: dice.roll(4),
                    assisted: assisted && place == 2,
                    failing: (place == 1 && number % 11 == 3).then_some(0),
                };
            }
            if place > passed {
                return CellView::default();
            }
            let (state, failing) = match trouble {
                0 => (CellState::UnderWay, None),
                1 => (CellState::Waiting, Some(0)),
                _ => (CellState::Wrong, Some(trouble % step.checks.len() as u32)),
            };
            CellView {
                state,
                opened_at: Some(NOW - minutes * 60),
                passed_at: None,
                attempts,
                assisted: assisted && place == 2,
                failing,
            }
        })
        .collect();
    let stuck = cells.get(passed).is_some_and(|cell| cell.state == CellState::Wrong) && minutes > 22;
    RowView {
        learner: format!("{:032x}", u128::from(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)),
        name: if number % 13 == 5 {
            String::new()
        } else {
            let family = LAST[(number as usize / FIRST.len() + number as usize) % LAST.len()];
            format!("{} {family}", FIRST[number as usize % FIRST.len()])
        },
        hand: (number % 10 == 4 && passed < cells.len()).then(|| NOW - minutes * 20),
        stuck,
        points: Points {
            hundredths: cells
                .iter()
                .zip(steps())
                .filter(|(cell, _)| cell.state.is_passed())
                .map(|(cell, step)| step.checks.len() as u32 * if cell.assisted { 500 } else { 1000 })
                .sum(),
        },
        last_at: NOW - i64::from(dice.roll(900)),
        cells,
    }
}

/// Numbers that look random and are not.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(sides)) as u32
    }
}
