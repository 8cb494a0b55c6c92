//! Numbers and times as text, the same on the server and in the browser.

use time::OffsetDateTime;

/// Digits in groups of three with narrow no-break spaces: `12 345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len());
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// The number with its noun: `1 click`, `2 clicks`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{}\u{a0}{}", grouped(number), if number == 1 { one } else { many })
}

/// The time of day in UTC: `19:05:30`.
pub fn clock(unix_seconds: i64) -> String {
    let time = at(unix_seconds);
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

/// The time of day in UTC without seconds when they are zero: `19:05`.
pub fn short_clock(unix_seconds: i64) -> String {
    let time = at(unix_seconds);
    if time.second() == 0 { format!("{:02}:{:02}", time.hour(), time.minute()) } else { clock(unix_seconds) }
}

/// The day and time in UTC: `24 November 2026, 19:05 UTC`.
pub fn day_and_time(unix_seconds: i64) -> String {
    let time = at(unix_seconds);
    format!("{} {} {}, {:02}:{:02} UTC", time.day(), time.month(), time.year(), time.hour(), time.minute())
}

/// For the `datetime` attribute: `2026-11-24T19:05:30Z`.
pub fn machine_time(unix_seconds: i64) -> String {
    let time = at(unix_seconds);
    let (year, month, day) = time.to_calendar_date();
    format!("{year:04}-{:02}-{day:02}T{}Z", u8::from(month), clock(unix_seconds))
}

/// A length of time: `45 s`, `2 min 5 s`, `1 h 3 min`.
pub fn length(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, 0, seconds) => format!("{seconds}\u{a0}s"),
        (0, minutes, 0) => format!("{minutes}\u{a0}min"),
        (0, minutes, seconds) => format!("{minutes}\u{a0}min {seconds}\u{a0}s"),
        (hours, 0, _) => format!("{hours}\u{a0}h"),
        (hours, minutes, _) => format!("{hours}\u{a0}h {minutes}\u{a0}min"),
    }
}

/// The end of a sentence that tells how long something will still take.
pub fn countdown(seconds: i64) -> String {
    match u64::try_from(seconds) {
        Ok(seconds) if seconds > 0 => format!(", in {}", length(seconds)),
        _ => ", any moment now".to_owned(),
    }
}

/// An amount of US dollars, small ones to a tenth of a cent: `$0.015`, `$0.24`, `$5.28`.
pub fn dollars(amount: f64) -> String {
    let mills = (amount * 1000.0).round();
    if amount > 0.0 && mills < 1.0 {
        return "less than $0.001".to_owned();
    }
    if mills <= 0.0 {
        return "$0".to_owned();
    }
    let has_tenths = mills < 1000.0 && mills % 10.0 > 0.5;
    if has_tenths { format!("${:.3}", mills / 1000.0) } else { cents(amount) }
}

/// The same to the cent, for a glance: `$0.02`.
pub fn about_dollars(amount: f64) -> String {
    if amount > 0.0 && amount < 0.005 { "less than $0.01".to_owned() } else { cents(amount.max(0.0)) }
}

/// Half a cent counts as one.
fn cents(amount: f64) -> String {
    format!("${:.2}", (amount * 100.0).round() / 100.0)
}

/// A name cut in its middle to at most `most` characters, since names often differ at the end.
pub fn shortened(name: &str, most: u32) -> String {
    let characters: Vec<char> = name.chars().collect();
    let most = most.max(3) as usize;
    if characters.len() <= most {
        return name.to_owned();
    }
    let head = most / 2;
    let tail = most - head - 1;
    let (start, end) = (&characters[..head], &characters[characters.len() - tail..]);
    start.iter().chain(&['…']).chain(end).collect()
}

fn at(unix_seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(unix_seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_from_the_right() {
        let shown: Vec<String> = [0, 999, 1000, 12_345, 1_234_567].map(grouped).into();
        assert_eq!(shown, ["0", "999", "1\u{202f}000", "12\u{202f}345", "1\u{202f}234\u{202f}567"]);
    }

    #[test]
    fn times_are_utc() {
        let noon = 1_795_546_830; // 2026-11-24T19:00:30Z
        assert_eq!(clock(noon), "19:00:30");
        assert_eq!(short_clock(noon - 30), "19:00");
        assert_eq!(machine_time(noon), "2026-11-24T19:00:30Z");
        assert_eq!(day_and_time(noon), "24 November 2026, 19:00 UTC");
    }

    #[test]
    fn lengths_drop_what_is_zero() {
        let shown: Vec<String> = [45, 120, 125, 3600, 3780].map(length).into();
        assert_eq!(shown, ["45\u{a0}s", "2\u{a0}min", "2\u{a0}min 5\u{a0}s", "1\u{a0}h", "1\u{a0}h 3\u{a0}min"]);
    }

    #[test]
    fn a_countdown_does_not_go_below_now() {
        assert_eq!(countdown(65), ", in 1\u{a0}min 5\u{a0}s");
        assert_eq!(countdown(0), ", any moment now");
        assert_eq!(countdown(-3), ", any moment now");
    }

    #[test]
    fn small_amounts_keep_a_tenth_of_a_cent() {
        let shown: Vec<String> = [0.0, 0.000_2, 0.015, 0.24, 0.255, 1.0, 5.724].map(dollars).into();
        assert_eq!(shown, ["$0", "less than $0.001", "$0.015", "$0.24", "$0.255", "$1.00", "$5.72"]);
        let shown: Vec<String> = [0.0, 0.002, 0.015, 0.24].map(about_dollars).into();
        assert_eq!(shown, ["$0.00", "less than $0.01", "$0.02", "$0.24"]);
    }

    #[test]
    fn long_names_keep_both_ends_and_their_characters_whole() {
        assert_eq!(shortened("ClickStreamData", 15), "ClickStreamData");
        assert_eq!(shortened("clickstream-123456789012-us-east-1", 15), "clickst…-east-1");
        assert_eq!(shortened("Ærøskøbing-öæå", 5), "Ær…æå");
    }
}
