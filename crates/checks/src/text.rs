//! Making foreign text fit to be shown.

/// `text` on one line, with control characters escaped, cut to `limit` characters.
pub(crate) fn clip(text: &str, limit: usize) -> String {
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == limit {
            shown.push('…');
            break;
        }
        match character {
            '\t' => shown.push_str("\\t"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            // Bidirectional controls could make the text read as something else.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(character.escape_unicode());
            }
            character if character.is_control() => shown.extend(character.escape_unicode()),
            character => shown.push(character),
        }
    }
    shown
}

/// `count` with its noun: "1 object", "2 objects".
pub(crate) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The part of a Firehose prefix before its first expression, `!{...}`.
pub(crate) fn fixed_part(prefix: &str) -> &str {
    prefix.split("!{").next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_cut() {
        assert_eq!(clip("a\tb\r\n\u{1b}[31m", 80), "a\\tb\\r\\n\\u{1b}[31m");
        assert_eq!(clip("abcdef", 3), "abc…");
        assert_eq!(clip("abc", 3), "abc");
        assert_eq!(clip("\u{202e}x", 10), "\\u{202e}x");
    }
}
