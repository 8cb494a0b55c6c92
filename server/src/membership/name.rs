//! The name by which a class knows a learner.

use super::MembershipError;

/// Most characters of a name.
const LENGTH: usize = 80;

/// The name as it is kept: on one line, and without characters that would reorder what stands beside it. None for who
/// wants to stay anonymous, where that is allowed.
pub fn shown_name(typed: Option<&str>, anonymous: bool) -> Result<Option<String>, MembershipError> {
    let Some(typed) = typed else {
        return if anonymous { Ok(None) } else { Err(MembershipError::NoName) };
    };
    // More than this is refused before it is looked at.
    if typed.len() > 16 * LENGTH {
        return Err(MembershipError::LongName);
    }
    let visible: String = typed.chars().filter(|character| !is_hidden(*character)).collect();
    let name = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err(MembershipError::NoName);
    }
    if name.chars().count() > LENGTH {
        return Err(MembershipError::LongName);
    }
    Ok(Some(name))
}

/// Controls, and what changes the direction of text or takes no room; joiners stay, since scripts need them.
fn is_hidden(character: char) -> bool {
    (character.is_control() && !character.is_whitespace())
        || matches!(character, '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_on_one_line_and_as_it_reads() {
        let kept = |typed: &str| shown_name(Some(typed), false);
        assert_eq!(kept("  Ada \n Lovelace "), Ok(Some("Ada Lovelace".to_owned())));
        assert_eq!(kept("Ada\u{202e}\u{0}ecalevoL"), Ok(Some("AdaecalevoL".to_owned())));
        assert_eq!(kept("می\u{200c}نا"), Ok(Some("می\u{200c}نا".to_owned())), "a joiner belongs to the name");
        assert_eq!(kept(&"é".repeat(80)), Ok(Some("é".repeat(80))));
        assert_eq!(kept(&"é".repeat(81)), Err(MembershipError::LongName));
        assert_eq!(kept(&" ".repeat(2000)), Err(MembershipError::LongName));
    }

    #[test]
    fn only_where_it_is_allowed_a_learner_has_no_name() {
        assert_eq!(shown_name(None, true), Ok(None));
        assert_eq!(shown_name(None, false), Err(MembershipError::NoName));
        assert_eq!(shown_name(Some("\u{200b} "), true), Err(MembershipError::NoName), "it has to be asked for");
    }
}
