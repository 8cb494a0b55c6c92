//! The part of Java's `DateTimeFormatter` patterns that makes sense for a time in UTC, as `!{timestamp:...}` takes them.

use time::OffsetDateTime;

/// A pattern such as `yyyy/MM/dd/HH`, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimePattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field { letter: char, width: usize },
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl TimePattern {
    /// Reads a pattern. Letters in single quotes are text, two single quotes are one.
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        if pattern.is_empty() {
            return Err("The pattern of a timestamp expression is empty.".to_owned());
        }
        let mut parts: Vec<Part> = Vec::new();
        let mut characters = pattern.chars().peekable();
        while let Some(character) = characters.next() {
            if character == '\'' {
                let mut text = String::new();
                loop {
                    match characters.next() {
                        Some('\'') if characters.peek() == Some(&'\'') => {
                            characters.next();
                            text.push('\'');
                        }
                        Some('\'') if text.is_empty() => {
                            text.push('\'');
                            break;
                        }
                        Some('\'') => break,
                        Some(other) => text.push(other),
                        None => return Err(format!("The pattern {pattern} has a quote that is not closed.")),
                    }
                }
                parts.push(Part::Text(text));
            } else if character.is_ascii_alphabetic() {
                let mut width = 1;
                while characters.next_if_eq(&character).is_some() {
                    width += 1;
                }
                if !is_field(character, width) {
                    let letters = character.to_string().repeat(width);
                    return Err(format!(
                        "The pattern {pattern} has the letters {letters}, which the sandbox does not know."
                    ));
                }
                parts.push(Part::Field { letter: character, width });
            } else {
                parts.push(Part::Text(character.to_string()));
            }
        }
        Ok(Self { parts })
    }

    /// The time, which must be in UTC, in this pattern.
    pub(super) fn format(&self, time: OffsetDateTime) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Field { letter, width } => field(*letter, *width, time),
            })
            .collect()
    }
}

/// Whether [`field`] knows so many of a letter.
fn is_field(letter: char, width: usize) -> bool {
    match letter {
        'y' | 'u' | 'Y' => width <= 10,
        'M' | 'L' | 'E' => width <= 4,
        'd' | 'H' | 'k' | 'K' | 'h' | 'm' | 's' | 'w' => width <= 2,
        'D' => width <= 3,
        'a' => width == 1,
        'e' => width <= 2,
        'S' | 'n' | 'A' | 'N' => width <= 9,
        'X' => width <= 3,
        'z' | 'V' => width == 3 || width == 2,
        _ => false,
    }
}

fn field(letter: char, width: usize, time: OffsetDateTime) -> String {
    let number = |value: u64| format!("{value:0width$}");
    let hour = u64::from(time.hour());
    let midnight = time.replace_time(time::Time::MIDNIGHT);
    match letter {
        'y' | 'u' if width == 2 => format!("{:02}", time.year().rem_euclid(100)),
        'y' | 'u' => format!("{:0width$}", time.year()),
        // The year to which the week belongs, which is not the calendar's year around New Year.
        'Y' if width == 2 => format!("{:02}", time.to_iso_week_date().0.rem_euclid(100)),
        'Y' => format!("{:0width$}", time.to_iso_week_date().0),
        'M' | 'L' => match width {
            1 | 2 => number(u64::from(u8::from(time.month()))),
            3 => MONTHS[usize::from(u8::from(time.month()) - 1)][..3].to_owned(),
            _ => MONTHS[usize::from(u8::from(time.month()) - 1)].to_owned(),
        },
        'E' => {
            let day = DAYS[usize::from(time.weekday().number_days_from_monday())];
            if width < 4 { day[..3].to_owned() } else { day.to_owned() }
        }
        'e' => number(u64::from(time.weekday().number_from_monday())),
        'w' => number(u64::from(time.iso_week())),
        'd' => number(u64::from(time.day())),
        'D' => number(u64::from(time.ordinal())),
        'H' => number(hour),
        'k' => number(if hour == 0 { 24 } else { hour }),
        'K' => number(hour % 12),
        'h' => number(if hour % 12 == 0 { 12 } else { hour % 12 }),
        'a' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
        'm' => number(u64::from(time.minute())),
        's' => number(u64::from(time.second())),
        // Unlike numbers, a fraction is cut at its right.
        'S' => format!("{:09}", time.nanosecond())[..width].to_owned(),
        'n' => number(u64::from(time.nanosecond())),
        'A' => number((time - midnight).whole_milliseconds().unsigned_abs() as u64),
        'N' => number((time - midnight).whole_nanoseconds().unsigned_abs() as u64),
        'X' => "Z".to_owned(),
        _ => "UTC".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn formatted(pattern: &str, time: OffsetDateTime) -> String {
        TimePattern::parse(pattern).unwrap().format(time)
    }

    #[test]
    fn writes_fields_as_java_does() {
        let time = datetime!(2026-03-05 00:07:09.0425 UTC);
        for (pattern, expected) in [
            ("yyyy/MM/dd/HH/", "2026/03/05/00/"),
            ("y-M-d H:m:s", "2026-3-5 0:7:9"),
            ("yy", "26"),
            ("yyyyMMdd'T'HHmmss'Z'", "20260305T000709Z"),
            ("MMM MMMM", "Mar March"),
            ("EEE EEEE e", "Thu Thursday 4"),
            ("DDD D", "064 64"),
            ("hh a KK kk", "12 AM 00 24"),
            ("SSS", "042"),
            ("'it''s' dd ''", "it's 05 '"),
            ("YYYY-'W'ww", "2026-W10"),
            ("XXX", "Z"),
        ] {
            assert_eq!(formatted(pattern, time), expected, "{pattern}");
        }
        assert_eq!(formatted("hh a", datetime!(2026-03-05 13:00 UTC)), "01 PM");
        assert_eq!(formatted("yyyy YYYY", datetime!(2027-01-01 13:00 UTC)), "2027 2026");
    }

    #[test]
    fn refuses_letters_that_it_does_not_know() {
        for pattern in ["", "yyyy'", "qq", "MMMMM", "HHH", "B"] {
            assert!(TimePattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
