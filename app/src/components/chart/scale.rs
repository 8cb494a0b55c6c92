//! Where things stand in a chart: pure arithmetic.

/// Round values from 0 up to at least `max`, about `wanted` steps of 1, 2 or 5 times a power of ten.
pub fn ticks(max: u64, wanted: u64) -> Vec<u64> {
    let rough = max.div_ceil(wanted.max(1)).max(1);
    let power = std::iter::successors(Some(1_u64), |power| power.checked_mul(10))
        .take_while(|power| *power <= rough)
        .last()
        .unwrap_or(1);
    let step = [1, 2, 5, 10]
        .into_iter()
        .map(|factor| power.saturating_mul(factor))
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let steps = max.div_ceil(step).max(1);
    (0..=steps).map(|index| index.saturating_mul(step)).collect()
}

/// Maps counts from 0 to `top` onto heights from `bottom_y` up to `top_y`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    pub top: u64,
    pub top_y: f64,
    pub bottom_y: f64,
}

impl Scale {
    pub fn y(self, count: u64) -> f64 {
        let share = count as f64 / self.top.max(1) as f64;
        rounded(self.bottom_y - share * (self.bottom_y - self.top_y))
    }
}

/// To a tenth of a pixel, so that the markup stays short and equal everywhere.
pub fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_maximum() {
        assert_eq!(ticks(0, 4), [0, 1]);
        assert_eq!(ticks(3, 4), [0, 1, 2, 3]);
        assert_eq!(ticks(7, 4), [0, 2, 4, 6, 8]);
        assert_eq!(ticks(4321, 4), [0, 2000, 4000, 6000]);
        assert_eq!(ticks(1_000, 4), [0, 500, 1000]);
    }

    #[test]
    fn ticks_hold_for_any_count() {
        for exponent in 0..64 {
            let max = 1_u64 << exponent;
            let ticks = ticks(max, 4);
            assert!(*ticks.last().unwrap() >= max, "{max}: {ticks:?}");
            assert!((2..=6).contains(&ticks.len()), "{max}: {ticks:?}");
        }
        assert!(ticks(u64::MAX, 4).len() <= 6);
    }

    #[test]
    fn a_scale_puts_zero_at_the_bottom_and_the_top_at_the_top() {
        let scale = Scale { top: 200, top_y: 10.0, bottom_y: 110.0 };
        assert_eq!((scale.y(0), scale.y(50), scale.y(200)), (110.0, 85.0, 10.0));
    }
}
